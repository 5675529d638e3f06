//! From the start of a container to its end, in good order and in bad.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use kmiplab::world::container::ask::Unread;
use kmiplab::world::container::engine::OWNER;
use kmiplab::world::container::home_made::HomeMade;
use kmiplab::world::container::image::{Kind, Source};
use kmiplab::world::container::probe::{self, Answers, Refusal};
use kmiplab::world::container::program::{Next, Program, ProgramError};
use kmiplab::world::container::{ask, log, owner};
use testcontainers::bollard::Docker;
use testcontainers::bollard::models::ContainerCreateBody;

use super::support::{Made, PATIENCE, community, engine, nothing_is_left, port, until, words};

#[test]
fn a_mongod_in_a_container_keeps_its_documents_over_a_restart_and_is_of_no_tier() {
    let (Some(engine), Some(mongod)) = (engine(), community()) else { return };
    let made = Made::of(&engine, "community", &mongod);
    let program = made.program();
    assert_eq!(program.kind, Kind::Community);
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let threads = engine.threads();

    let first = port();
    let mut running = program.start(&words(&data, first), &data).unwrap();
    until(&running, "Waiting for connections");
    let told = ask::who(threads, first).unwrap();
    let answers = Answers {
        build_info: told.build_info,
        options: told.options,
        bytes: Some(program.bytes()),
        ..Answers::default()
    };
    assert_eq!(probe::tier(&answers), Err(Refusal::Community("6.0.5".to_owned())));
    ask::write(threads, first, "a run").unwrap();
    running.stop().unwrap();
    running.all(PATIENCE);
    assert_eq!(running.exit_code(), Ok(Some(0)));
    drop(running);

    // Cut off this time: what was written and acknowledged is in the journal.
    let second = port();
    let mut running = program.start(&words(&data, second), &data).unwrap();
    until(&running, "Waiting for connections");
    ask::read(threads, second, "a run").unwrap();
    running.crash().unwrap();
    running.all(PATIENCE);
    assert_eq!(running.exit_code(), Ok(Some(137)));
    drop(running);

    let third = port();
    let running = program.start(&words(&data, third), &data).unwrap();
    until(&running, "Waiting for connections");
    ask::read(threads, third, "a run").unwrap();
    let lost = ask::read(threads, third, "another run").unwrap_err();
    assert_eq!(lost, Unread::Lost("document 0 of 100 is gone".to_owned()));
    drop(running);
    nothing_is_left(&engine);
}

#[test]
fn a_mongod_that_cannot_encrypt_says_so_and_ends_with_2() {
    let (Some(engine), Some(mongod)) = (engine(), community()) else { return };
    let made = Made::of(&engine, "community", &mongod);
    let folder = tempfile::tempdir().unwrap();
    let mut words = words(folder.path(), port());
    words.push("--enableEncryption".to_owned());
    let mut running = made.program().start(&words, folder.path()).unwrap();
    let lines = running.all(PATIENCE);
    let why = probe::unknown_option(running.exit_code().unwrap(), &lines);
    assert_eq!(why.as_deref(), Some("unknown option, exit code 2: this mongod has no encryption at rest"));
    drop(running);
    nothing_is_left(&engine);
}

#[test]
fn a_port_that_is_taken_is_noticed() {
    let (Some(engine), Some(mongod)) = (engine(), community()) else { return };
    let made = Made::of(&engine, "community", &mongod);
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let words = words(folder.path(), taken.local_addr().unwrap().port());
    let mut running = made.program().start(&words, folder.path()).unwrap();
    let lines = running.all(PATIENCE);
    assert!(log::port_taken(&lines), "{lines:#?}");
    assert_eq!(running.exit_code(), Ok(Some(48)));
    drop(running);
    nothing_is_left(&engine);
}

#[test]
fn a_data_folder_that_is_none_is_an_error_and_leaves_nothing() {
    let (Some(engine), Some(mongod)) = (engine(), community()) else { return };
    let made = Made::of(&engine, "community", &mongod);
    let program = made.program();
    let file = tempfile::NamedTempFile::new().unwrap();
    for folder in [Path::new("/nowhere/data"), file.path()] {
        let error = program.start(&words(folder, port()), folder).unwrap_err();
        assert!(matches!(&error, ProgramError::Dbpath(path, _) if Path::new(path) == folder), "{error}");
    }
    nothing_is_left(&engine);
}

#[test]
fn a_data_folder_that_cannot_be_written_to_ends_the_program_and_leaves_nothing() {
    let (Some(engine), Some(mongod)) = (engine(), community()) else { return };
    let made = Made::of(&engine, "community", &mongod);
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    // What is mounted is not what the program is told: in its image there is no such folder, nor may it make one.
    let mut running = made.program().start(&words(elsewhere.path(), port()), folder.path()).unwrap();
    let lines = running.all(PATIENCE);
    assert_eq!(running.exit_code(), Ok(Some(100)), "{lines:#?}");
    drop(running);
    nothing_is_left(&engine);
}

#[test]
fn an_entrypoint_that_is_not_there_is_an_error_and_leaves_nothing() {
    let Some(engine) = engine() else { return };
    let name = format!("kmip-conformance/test-wrong-entrypoint:{}", std::process::id());
    let changes = vec![r#"ENTRYPOINT ["/usr/bin/not-there"]"#.to_owned()];
    engine.import(&name, vec![0; 1024], changes).unwrap();
    let made = Made { engine: engine.clone(), name: name.clone() };
    let error = Program::find(&Source::Image(name), Some(&Ok(engine.clone())), &AtomicBool::new(false)).unwrap_err();
    assert!(matches!(&error, ProgramError::NotStarted(_, why) if why.contains("not-there")), "{error}");
    nothing_is_left(&engine);
    drop(made);
}

#[test]
fn a_container_that_never_gets_ready_is_gone_with_its_handle() {
    let Some(engine) = engine() else { return };
    let made = Made::of(&engine, "sleep", Path::new("/bin/sleep"));
    let folder = tempfile::tempdir().unwrap();
    let running = made.program().start(&["1000".to_owned()], folder.path()).unwrap();
    assert_eq!(running.next(std::time::Duration::from_millis(1)), Next::Silence);
    assert_eq!(engine.ours().unwrap().iter().filter(|(_, of)| *of == owner::me()).count(), 1);
    drop(running);
    nothing_is_left(&engine);
}

#[test]
fn an_image_that_is_absent_is_never_pulled() {
    let Some(engine) = engine() else { return };
    let source = Source::Image("kmip-conformance/never-made:1".to_owned());
    let error = Program::find(&source, Some(&Ok(engine.clone())), &AtomicBool::new(false)).unwrap_err();
    assert_eq!(error.to_string(), "image absent: the engine has no kmip-conformance/never-made:1; pull it first");
    nothing_is_left(&engine);
}

#[test]
fn an_image_is_made_again_only_when_its_program_has_changed() {
    let Some(engine) = engine() else { return };
    let made = Made::of(&engine, "remade", Path::new("/bin/sleep"));
    let id = || engine.image(&made.name).unwrap().unwrap().id;
    let before = id();
    let mut again = HomeMade::control(Path::new("/bin/sleep"));
    again.name.clone_from(&made.name);
    again.make(&engine).unwrap();
    assert_eq!(id(), before);
    again.program = "/bin/true".into();
    again.make(&engine).unwrap();
    assert_ne!(id(), before);
    assert_eq!(engine.image(&before), Ok(None), "the image of the old program is left, without a name");
}

#[test]
fn containers_whose_owner_was_killed_are_swept_and_others_are_not() {
    let Some(engine) = engine() else { return };
    let made = Made::of(&engine, "swept", Path::new("/bin/sleep"));
    let mut child = std::process::Command::new("true").spawn().unwrap();
    child.wait().unwrap();
    let gone = owner::me().replace(&format!("/{}/", std::process::id()), &format!("/{}/", child.id()));
    let labels = [(OWNER, gone.as_str()), (OWNER, "another machine/1/1")];
    let created: Vec<String> = labels
        .map(|(name, value)| {
            let config = ContainerCreateBody {
                image: Some(made.name.clone()),
                labels: Some([(name.to_owned(), value.to_owned())].into()),
                ..Default::default()
            };
            let create = async move {
                let docker = Docker::connect_with_local_defaults()?;
                docker
                    .create_container(None::<testcontainers::bollard::query_parameters::CreateContainerOptions>, config)
                    .await
            };
            engine.threads().ask(PATIENCE, create).unwrap().unwrap().id
        })
        .into();
    assert!(engine.sweep().unwrap() >= 1);
    let left: Vec<String> = engine.ours().unwrap().into_iter().map(|(id, _)| id).collect();
    assert!(!left.contains(&created[0]), "the container of a dead owner is still there");
    assert!(left.contains(&created[1]), "somebody else's container was removed");
    engine.remove(&created[1]).unwrap();
}
