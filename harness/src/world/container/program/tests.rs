//! The form of this machine; containers are tested where an engine is asked for.

use super::*;

fn shell(script: &str) -> Running {
    local("/bin/sh", &["-c".to_owned(), script.to_owned()]).expect("a shell")
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
    let mut running = shell("trap 'echo told; exit 3' TERM; echo ready; while :; do sleep 0.1; done");
    assert_eq!(running.next(Duration::from_secs(60)), Next::Line("ready".to_owned()));
    running.stop().expect("it runs");
    assert_eq!(running.all(Duration::from_secs(60)), ["told"]);
    assert_eq!(running.exit_code(), Ok(Some(3)));
}

#[test]
fn a_program_that_is_cut_off_has_no_exit_code() {
    let mut running = shell("echo ready; exec sleep 1000");
    assert_eq!(running.next(Duration::from_secs(60)), Next::Line("ready".to_owned()));
    running.crash().expect("it runs");
    assert_eq!(running.next(Duration::from_secs(60)), Next::Over);
    assert_eq!(running.exit_code(), Ok(None));
    // Once more is nothing.
    running.crash().expect("it has ended");
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
    let source = Source::Program("/nowhere/mongod".into());
    let error = Program::find(&source, None).expect_err("it is not there");
    assert_eq!(error.to_string(), "`/nowhere/mongod` does not start: No such file or directory (os error 2)");
    let error = Program::find(&Source::Program("/etc/passwd".into()), None).expect_err("it is no program");
    assert!(matches!(&error, ProgramError::NoProgram(path, _) if path == "/etc/passwd"), "{error}");
}

#[test]
fn an_image_without_an_engine_says_that_there_is_none() {
    let engine = Err(EngineError::None("nobody answers".to_owned()));
    let error = Program::find(&Source::Image("a:b".to_owned()), Some(&engine)).expect_err("no engine");
    assert_eq!(error.to_string(), "no engine: nobody answers; start one, or set DOCKER_HOST");
}
