//! Seats without a container; the lane itself is tested where an engine is asked for.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::*;
use crate::trace::Event;
use crate::world::container::image::Source;
use crate::world::process::stopwatch::Stopwatch;

/// Generous: the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(60);

fn record() -> Record {
    Record::new(b"a key", Stopwatch::new())
}

/// The events of a run that was over at the moment when mongod was ready last.
fn over(record: &Record) -> Vec<Event> {
    let is_ready = |event: &&Event| matches!(event.what, What::Process { state: ProcessState::Ready, .. });
    let ready = record.events().iter().rev().find(is_ready).map(|event| event.at).expect("it was ready");
    record.over(ready).events
}

/// A seat with a program of this machine: what a shell does once it was asked for its version. `$2` is the data folder.
fn seat(folder: &Path, script: &str) -> Seat {
    let path = folder.join("program");
    let text = format!("#!/bin/sh\ncase \"$1\" in --version) echo db version v8.0.0-0; exit;; esac\n{script}\n");
    fs::write(&path, text).expect("it can be written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is ours");
    let interrupted = Arc::new(AtomicBool::new(false));
    let program = Program::find(&Source::Program(path), None, &interrupted).expect("a program");
    Seat::new(program, Threads::new().expect("threads"), "psmdb-8", None, interrupted).expect("a seat")
}

/// Starts the program of a seat without anything around it, and waits until it has said `ready`.
fn start(seat: &mut Seat) {
    let words = ["--dbpath".to_owned(), seat.data.display().to_string()];
    let running = seat.program.start(&words, &seat.data).expect("it starts");
    assert_eq!(running.next(PATIENCE), Next::Line("ready".to_owned()));
    seat.running = Some(running);
}

#[test]
fn a_document_that_is_lost_belongs_to_the_run_even_if_the_run_is_over_with_that_start() {
    let record = record();
    let lost = ask::Unread::Lost("document 7 of 100 is gone".to_owned());
    let heard = record.stopwatch().date();
    assert_eq!(ready(&record, heard, Err(lost.into())), None);
    let findings: Vec<_> = over(&record)
        .into_iter()
        .filter_map(|event| match event.what {
            What::Finding { invariant, text } => Some((invariant, text)),
            _ => None,
        })
        .collect();
    let text = "what mongod was given to keep before a restart is not there: document 7 of 100 is gone";
    assert_eq!(findings, [("K8".to_owned(), text.to_owned())]);
}

#[test]
fn documents_that_nobody_could_write_or_ask_for_say_nothing_of_the_product() {
    let record = record();
    let heard = record.stopwatch().date();
    let unread = ask::Unread::Unanswered("no answer within 30 s".to_owned());
    let unkept = [Unkept::Unwritten("duplicate key".to_owned()), unread.into()];
    let [unwritten, unread] = unkept.map(|unkept| ready(&record, heard, Err(unkept)).expect("it is broken"));
    assert_eq!(unwritten, "mongod was to keep documents over a restart, and does not take them: duplicate key");
    assert_eq!(unread, "mongod is not to be asked for what it kept over a restart: no answer within 30 s");
    assert!(over(&record).iter().all(|event| !matches!(event.what, What::Finding { .. })));
}

#[test]
fn mongod_was_ready_when_it_was_heard_however_long_the_laboratory_asks_it() {
    let record = record();
    let heard = record.stopwatch().date();
    record.stopwatch().skip_to(Duration::from_secs(25));
    ready(&record, heard, Ok(Some("its documents are there".to_owned())));
    let at: Vec<_> = over(&record).iter().map(|event| event.at < Duration::from_secs(25)).collect();
    assert_eq!(at, [true, true]);
}

#[test]
fn the_data_folder_outlives_whoever_writes_into_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let writes = "i=0; while :; do i=$((i+1)); : > \"$2/$writer-$i\"; done";
    let mut seat = seat(folder.path(), &format!("for writer in 1 2 3 4; do ({writes}) & done; echo ready; wait"));
    // So many that it takes a while to remove them.
    (0..5000).for_each(|number| drop(fs::write(seat.data.join(format!("old-{number}")), "")));
    start(&mut seat);
    let data = seat.folder.path().to_owned();
    drop(seat);
    assert!(!data.exists(), "{} is left", data.display());
}

/// What a program does that never stops talking, faster than anybody hears, and takes no notice of a signal.
const TALKS: &str = "trap '' TERM; echo ready; exec yes and another thing";

#[test]
fn whoever_has_said_much_leaves_others_a_turn() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut seat = seat(folder.path(), "echo ready; yes and another thing | head -n 3000; exit 3");
    start(&mut seat);
    let running = seat.running.as_mut().expect("it was started");
    assert_eq!(running.exit_code(), Ok(Some(3)));
    let record = record();
    let mut turns = 0;
    let end = loop {
        match seat.look(&record) {
            Standing::Up => turns += 1,
            end => break end,
        }
    };
    assert!(turns >= 3000 / AT_ONCE, "all at once: {turns}");
    assert_eq!(end, Standing::Ended("exit code 3: and another thing".to_owned()));
}

#[test]
fn whoever_never_stops_talking_is_ended_all_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut seat = seat(folder.path(), TALKS);
    start(&mut seat);
    let record = record();
    assert_eq!(seat.look(&record), Standing::Up);
    assert_eq!(seat.look(&record), Standing::Up);
    // Somebody wants it all to end, and does not hear it out.
    seat.interrupted.store(true, std::sync::atomic::Ordering::Relaxed);
    seat.stop(&record);
    assert_eq!(seat.look(&record), Standing::Down);
    start(&mut seat);
    seat.crash(&record);
    assert_eq!(seat.look(&record), Standing::Down);
}

#[test]
fn who_says_something_else_of_itself_than_before_is_nobody_and_who_says_nothing_is_who_it_was() {
    let peer = |tier| Peer { name: "a name".to_owned(), tier, proof: Vec::new() };
    let known = peer(Tier::RealPsmdb);
    let told = |told| contradiction(&known, &told);
    assert_eq!(told(Ok(peer(Tier::RealPsmdb))), None);
    assert_eq!(told(Err(Refusal::Silent("buildInfo"))), None);
    assert_eq!(told(Ok(peer(Tier::Persona))).as_deref(), Some("it was real-psmdb before, and now it is persona"));
    let why = "it was real-psmdb before, and now getCmdLineOpts has no security.kmip: nothing shows that its key came \
               from the proxy";
    assert_eq!(told(Err(Refusal::NotEncrypting("security.kmip"))).as_deref(), Some(why));
    let folder = tempfile::tempdir().expect("a folder");
    let mut seat = seat(folder.path(), "exit");
    seat.known = Some(known.clone());
    assert_eq!(seat.peer(), Some(known.clone()));
    *seat.lock() = Some(Err(Refusal::Silent("buildInfo")));
    assert_eq!(seat.peer(), Some(known));
    *seat.lock() = Some(Err(Refusal::NotEncrypting("security.kmip")));
    assert_eq!(seat.peer(), None);
}

#[test]
fn a_persona_is_named_by_whom_it_plays_and_only_by_its_own_words() {
    let folder = tempfile::tempdir().expect("a folder");
    let seat = seat(folder.path(), "exit");
    let found = seat.program.source.name();
    let line = r#"{"s":"I","msg":"This is mongod-persona, not mongod","persona":true,"attr":{"persona":"psmdb-7"}}"#;
    assert_eq!(persona(Some(line), &seat.program), format!("psmdb-7 ({found})"));
    for other in [None, Some("no JSON"), Some(r#"{"msg":"Build Info","attr":{"persona":"psmdb-7"}}"#)] {
        assert_eq!(persona(other, &seat.program), found, "{other:?}");
    }
}
