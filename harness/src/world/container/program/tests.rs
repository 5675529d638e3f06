//! The form of this machine; containers are tested where an engine is asked for.

use super::*;

fn shell(script: &str) -> Running {
    let words = ["-c".to_owned(), script.to_owned()];
    let (local, lines) = Local::start(Path::new("/bin/sh"), &words, None).expect("a shell");
    Running { lines, held: Held::Local(local) }
}

fn find(program: &str) -> Result<Program, ProgramError> {
    Program::find(&Source::Program(program.into()), None, &AtomicBool::new(false))
}

#[test]
fn lines_of_both_streams_come_until_the_end_and_then_the_exit_code() {
    let mut running = shell("echo one; echo two >&2; printf three; exit 7");
    let mut lines = running.all(Duration::from_secs(60));
    lines.sort();
    assert_eq!(lines, ["one", "three", "two"]);
    assert_eq!(running.next(Duration::ZERO), Next::Over);
    assert_eq!(running.exit_code(), Ok(Some(7)));
}

#[test]
fn a_program_is_asked_to_end_and_ends_in_its_own_way() {
    let mut running = shell("trap 'echo told; exit 3' TERM; echo ready; while :; do :; done");
    assert_eq!(running.next(Duration::from_secs(60)), Next::Line("ready".to_owned()));
    running.stop().expect("it runs");
    assert_eq!(running.all(Duration::from_secs(60)), ["told"]);
    assert_eq!(running.exit_code(), Ok(Some(3)));
}

#[test]
fn a_signal_that_ends_a_program_is_told_as_containers_tell_it() {
    let mut running = shell("echo ready; exec sleep 1000");
    assert_eq!(running.next(Duration::from_secs(60)), Next::Line("ready".to_owned()));
    running.crash().expect("it runs");
    assert_eq!(running.next(Duration::from_secs(60)), Next::Over);
    assert_eq!(running.exit_code(), Ok(Some(137)));
    // Once more is nothing.
    running.crash().expect("it has ended");
    let mut running = shell("kill -s SEGV $$");
    running.all(Duration::from_secs(60));
    assert_eq!(running.exit_code(), Ok(Some(139)), "it has crashed by itself");
}

#[test]
fn whoever_a_script_has_started_is_ended_with_it() {
    let mut stopped = shell("sleep 1000 & echo $!; wait");
    let Next::Line(_) = stopped.next(Duration::from_secs(60)) else { panic!("it says a number") };
    stopped.stop().expect("it runs");
    assert!(stopped.hear(Duration::from_secs(60), &AtomicBool::new(false), drop), "who holds its log runs on");
    let dropped = shell("(trap '' TERM; exec sleep 1000) & echo $!; wait");
    let Next::Line(number) = dropped.next(Duration::from_secs(60)) else { panic!("it says a number") };
    let Running { lines, held } = dropped;
    drop(held);
    // Who holds its log runs still; those who do not are gone in a moment.
    assert_eq!(lines.recv_timeout(Duration::from_secs(60)), Err(RecvTimeoutError::Disconnected), "{number} runs on");
}

#[test]
fn no_credential_of_this_machine_reaches_it() {
    let mut running = shell("env");
    for line in running.all(Duration::from_secs(60)) {
        let name = line.split('=').next().unwrap_or_default();
        let kept = crate::world::process::program::KEPT;
        assert!(kept.contains(&name) || ["PWD", "SHLVL", "_", "OLDPWD"].contains(&name), "{name}");
    }
}

#[test]
fn who_never_stops_talking_is_heard_for_so_long_and_no_longer() {
    let mut running = shell("while :; do echo and another thing; done");
    // How many lines there are in a second is up to the machine.
    let heard = running.all(Duration::from_secs(1)).len();
    assert!((1..=HEARD).contains(&heard), "{heard}");
    let interrupted = AtomicBool::new(false);
    let mut lines = 0;
    let over = running.hear(Duration::from_secs(3600), &interrupted, |_| {
        lines += 1;
        interrupted.store(true, Ordering::Relaxed);
    });
    assert_eq!((over, lines), (false, 1));
}

#[test]
fn who_wants_it_all_to_end_does_not_wait_for_a_version() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("talks");
    fs::write(&path, "#!/bin/sh\nwhile :; do echo and another thing; done\n").expect("it can be written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is ours");
    let error = Program::find(&Source::Program(path), None, &AtomicBool::new(true)).expect_err("it never ends");
    assert_eq!(error, ProgramError::Interrupted);
}

#[test]
fn dropping_ends_the_program() {
    let running = shell("echo $$; exec sleep 1000");
    let Next::Line(number) = running.next(Duration::from_secs(60)) else { panic!("it says its number") };
    drop(running);
    assert!(!Path::new("/proc").join(number).exists());
}

#[test]
fn what_is_no_program_is_an_error_with_its_name() {
    let error = find("/nowhere/mongod").expect_err("it is not there");
    assert_eq!(error.to_string(), "`/nowhere/mongod` does not start: No such file or directory (os error 2)");
    let error = find("/etc/passwd").expect_err("it is no program");
    assert!(matches!(&error, ProgramError::NoProgram(path, _) if path == "/etc/passwd"), "{error}");
}

#[test]
fn the_file_that_was_looked_at_is_the_one_that_runs() {
    // A file of this crate, where tests are run. A search along PATH would find none of that name.
    let error = find("Cargo.toml").expect_err("it is no program");
    assert_eq!(error.to_string(), "`Cargo.toml` does not start: Permission denied (os error 13)");
}

#[test]
fn an_image_without_an_engine_says_that_there_is_none() {
    let engine = Err(EngineError::None("nobody answers".to_owned()));
    let error =
        Program::find(&Source::Image("a:b".to_owned()), Some(&engine), &AtomicBool::new(false)).expect_err("no engine");
    assert_eq!(error.to_string(), "no engine: nobody answers; start one, or set DOCKER_HOST");
}
