//! `kmiplab oasis`: the standard's cases against the real proxy, and conversations of our own against servers that
//! misbehave.

mod support;

#[cfg(test)]
mod oasis {
    mod cases;
    mod servers;

    use std::process::{Command, Output};

    /// Starts the program at the root of the repository: exit code, standard output, standard error.
    fn kmiplab(arguments: &[&str]) -> (Option<i32>, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kmiplab"));
        let ran = command.current_dir(crate::support::root()).args(arguments).output();
        let Output { status, stdout, stderr } = ran.expect("the program starts");
        let text = |bytes| String::from_utf8(bytes).expect("the program writes UTF-8");
        (status.code(), text(stdout), text(stderr))
    }
}
