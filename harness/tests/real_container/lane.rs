//! The lane as its users start it: `kmiplab run --lane container`. Whatever happens, nothing is left behind: no container
//! of that process, and nothing in its folder for temporary files.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use kmiplab::world::container::archive::Archive;
use kmiplab::world::container::closure;
use kmiplab::world::container::engine::Engine;
use serde_json::Value;

use super::support::{Made, community, engine, programs};

/// A scenario that every peer takes part in.
const FIRST: &str = "key-rotation/first-start-registers";

/// A run of the lane in a folder of its own.
struct Lane {
    child: Child,
    folder: tempfile::TempDir,
}

/// A lane that is over.
struct Over {
    code: Option<i32>,
    cells: Vec<Value>,
    /// What else it printed.
    said: String,
}

impl Lane {
    fn start(arguments: &[&str], environment: &[(&str, &str)]) -> Option<Self> {
        // Tests of this package build its own programs; the proxy is another package's.
        if !programs().join("kmipProxyStandalone").is_file() {
            println!("skipped: kmipProxyStandalone is not built (`cargo build --bins`)");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let temporary = folder.path().join("tmp");
        std::fs::create_dir(&temporary).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_kmiplab"));
        command
            .args(["run", "--lane", "container", "--message-format", "json", "--report"])
            .arg(folder.path().join("report"));
        command.args(arguments).env("TMPDIR", &temporary).envs(environment.iter().copied());
        // Without these nobody builds anything.
        command.env_remove("CARGO").env_remove("CARGO_MANIFEST_DIR");
        command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Some(Lane { child: command.spawn().unwrap(), folder })
    }

    /// Waits for its end.
    fn end(mut self) -> Over {
        let mut stderr = self.child.stderr.take().unwrap();
        let reader = thread::spawn(move || {
            let mut said = String::new();
            let _ = stderr.read_to_string(&mut said);
            said
        });
        let mut text = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        let code = self.child.wait().unwrap().code();
        let said = reader.join().unwrap();
        let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let cells = lines.filter_map(|mut line| Some(line.get_mut("cell")?.take())).collect();
        let left: Vec<PathBuf> =
            std::fs::read_dir(self.folder.path().join("tmp")).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(left, Vec::<PathBuf>::new(), "temporary files are left; {text} {said}");
        if let Some(engine) = engine() {
            assert_eq!(containers_of(&engine, self.child.id()), 0, "containers are left; {text} {said}");
        }
        Over { code, cells, said }
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Over {
    /// The cell of a peer for a scenario.
    fn cell(&self, id: &str, peer: &str) -> &Value {
        let (family, name) = id.split_once('/').unwrap();
        // A persona that has played is named by whom it plays, and where it was found.
        let is = |name: &str| name == peer || name.ends_with(&format!(" ({peer})"));
        let of = |cell: &&Value| {
            cell["family"] == family && cell["scenario"] == name && cell["peer"].as_str().is_some_and(is)
        };
        let cell = self.cells.iter().find(of);
        cell.unwrap_or_else(|| panic!("{peer} has no cell for {id}: {:#?} {}", self.cells, self.said))
    }
}

/// How many containers of a process there are.
fn containers_of(engine: &Engine, process: u32) -> usize {
    let ours = engine.ours().unwrap();
    ours.iter().filter(|(_, owner)| owner.split('/').nth(1) == Some(process.to_string().as_str())).count()
}

#[test]
fn a_persona_plays_a_control_is_refused_and_what_is_absent_is_said_to_be() {
    let (Some(_), Some(_)) = (engine(), community()) else { return };
    let Some(lane) = Lane::start(&[FIRST, "--provider", "aws"], &[]) else { return };
    let over = lane.end();
    let persona = over.cell(FIRST, "kmip-conformance/mongod-persona:0.0.0-persona");
    assert_eq!((&persona["verdict"], &persona["tier"]), (&"pass".into(), &"persona".into()), "{persona:#}");
    assert_eq!(persona["peer"], "psmdb-8 (kmip-conformance/mongod-persona:0.0.0-persona)");
    assert_eq!(persona["proof"][0], "persona, not mongod: it says so in --version");
    assert_eq!(
        persona["agreement"],
        serde_json::json!({ "agrees": true, "explained_by": null, "first": null, "with": "sim" }),
        "{persona:#}"
    );
    let control = over.cell(FIRST, "kmip-conformance/control-community-mongod:6.0.5");
    assert_eq!((&control["verdict"], &control["tier"]), (&"not-run".into(), &Value::Null));
    assert_eq!(control["why"], "unknown option, exit code 2: this mongod has no encryption at rest");
    let absent = "percona/percona-server-mongodb:8.0.29-13";
    if engine().unwrap().image(absent).unwrap().is_none() {
        let cell = over.cell(FIRST, absent);
        assert_eq!(cell["verdict"], "not-run");
        assert_eq!(cell["why"], format!("image absent: the engine has no {absent}; pull it first"));
    }
    assert_eq!(over.code, Some(0), "{}", over.said);
}

#[test]
fn a_persona_of_this_machine_is_no_real_mongod_however_it_is_asked_for() {
    let persona = programs().join("mongod-persona");
    let name = persona.to_str().unwrap();
    let arguments = ["mismatched-providers/local-key-file", "--mongod", name, "--require-real"];
    let Some(lane) = Lane::start(&arguments, &[("DOCKER_HOST", "unix:///nowhere/docker.sock")]) else { return };
    let over = lane.end();
    let cell = over.cell("mismatched-providers/local-key-file", name);
    assert_eq!((&cell["verdict"], &cell["tier"]), (&"pass".into(), &"persona".into()), "{cell:#}");
    assert_eq!(over.code, Some(6), "--require-real asks for more");
    assert!(over.said.contains("--require-real"), "{}", over.said);
}

#[test]
fn a_community_mongod_of_this_machine_is_not_run_with_the_reason() {
    let Some(mongod) = community() else { return };
    let name = mongod.to_str().unwrap();
    let Some(lane) = Lane::start(&[FIRST, "--provider", "aws", "--mongod", name], &[]) else { return };
    let over = lane.end();
    let cell = over.cell(FIRST, name);
    assert_eq!(cell["verdict"], "not-run");
    assert_eq!(cell["why"], "unknown option, exit code 2: this mongod has no encryption at rest");
    assert_eq!(over.code, Some(6), "nothing ran in a lane that was asked for");
}

#[test]
fn without_an_engine_every_image_is_not_run_and_says_so() {
    let environment = [("DOCKER_HOST", "unix:///nowhere/docker.sock")];
    let Some(lane) = Lane::start(&[FIRST, "--provider", "aws"], &environment) else { return };
    let over = lane.end();
    assert!(!over.cells.is_empty());
    for cell in &over.cells {
        assert_eq!(cell["verdict"], "not-run", "{cell:#}");
        let why = "no engine: Socket not found: /nowhere/docker.sock; start one, or set DOCKER_HOST";
        assert_eq!(cell["why"], why, "{cell:#}");
    }
    assert_eq!(over.code, Some(6));
}

#[test]
fn a_mongod_that_is_named_wrongly_is_a_mistake_of_usage() {
    let Some(lane) = Lane::start(&[FIRST, "--mongod", "image:mongod"], &[]) else { return };
    let over = lane.end();
    assert_eq!(over.code, Some(2));
    assert!(over.said.contains("write image:NAME:TAG"), "{}", over.said);
}

#[test]
fn files_outside_of_the_choice_are_played_only_when_they_are_named() {
    let persona = programs().join("mongod-persona");
    let name = persona.to_str().unwrap();
    let Some(lane) = Lane::start(&["--mongod", name, "--provider", "local"], &[]) else { return };
    let over = lane.end();
    let id = "mismatched-providers/three-wrong-flags-and-the-right-one";
    assert_eq!(over.cell(id, "")["verdict"], "not-applicable");
    assert_eq!(over.cell("mismatched-providers/local-key-file", name)["verdict"], "pass");
}

#[test]
fn ctrl_c_ends_what_was_started_and_says_so() {
    let Some(engine) = engine() else { return };
    let Some(mut lane) = Lane::start(&[], &[]) else { return };
    let process = lane.child.id();
    // Asking takes the engine a moment, which is all the waiting that there is.
    while containers_of(&engine, process) == 0 {
        assert_eq!(lane.child.try_wait().unwrap(), None, "it has ended before it started a container");
    }
    let told = Command::new("kill").args(["-s", "INT", &process.to_string()]).status().unwrap();
    assert!(told.success());
    let over = lane.end();
    let interrupted = over.cells.iter().filter(|cell| cell["why"] == "interrupted").count();
    assert!(interrupted > 0, "{:#?} {}", over.cells, over.said);
    assert!(over.cells.iter().all(|cell| cell["verdict"] != "fail"), "{:#?}", over.cells);
    // What was played says nothing of what was not.
    assert_eq!(over.code, Some(3), "{:#?} {}", over.cells, over.said);
}

/// An engine's socket that can be cut.
struct Cut {
    socket: PathBuf,
    cut: Arc<AtomicBool>,
    _folder: tempfile::TempDir,
}

impl Cut {
    /// Passes everything on, and cuts every connection when a request begins with these words.
    fn at(words: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("docker.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let cut = Arc::new(AtomicBool::new(false));
        let is_cut = cut.clone();
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let is_cut = is_cut.clone();
                if is_cut.load(Ordering::SeqCst) {
                    continue;
                }
                thread::spawn(move || Self::relay(client, words, &is_cut));
            }
        });
        Cut { socket, cut, _folder: folder }
    }

    fn relay(client: UnixStream, words: &str, is_cut: &Arc<AtomicBool>) {
        let Ok(server) = UnixStream::connect("/var/run/docker.sock") else { return };
        let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        let there = {
            let (is_cut, words) = (is_cut.clone(), words.to_owned());
            thread::spawn(move || {
                let mut buffer = [0; 65536];
                while let Ok(read @ 1..) = from.read(&mut buffer) {
                    if String::from_utf8_lossy(&buffer[..read]).starts_with(&words) {
                        is_cut.store(true, Ordering::SeqCst);
                    }
                    if is_cut.load(Ordering::SeqCst) || to.write_all(&buffer[..read]).is_err() {
                        break;
                    }
                }
                let _ = (from.shutdown(std::net::Shutdown::Both), to.shutdown(std::net::Shutdown::Both));
            })
        };
        let (mut from, mut to) = (server, client);
        let mut buffer = [0; 65536];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            if is_cut.load(Ordering::SeqCst) || to.write_all(&buffer[..read]).is_err() {
                break;
            }
        }
        let _ = (from.shutdown(std::net::Shutdown::Both), to.shutdown(std::net::Shutdown::Both));
        let _ = there.join();
    }
}

#[test]
fn an_engine_that_dies_in_the_middle_is_no_failure_of_the_product() {
    let Some(engine) = engine() else { return };
    if !Path::new("/var/run/docker.sock").exists() {
        println!("skipped: the engine is not behind /var/run/docker.sock");
        return;
    }
    // The first image is asked for its version; then the engine is gone.
    for words in ["POST /containers/create", "POST /v"] {
        let cut = Cut::at(words);
        let host = format!("unix://{}", cut.socket.display());
        let Some(mut lane) = Lane::start(&[FIRST, "--provider", "aws"], &[("DOCKER_HOST", &host)]) else { return };
        let process = lane.child.id();
        let mut text = String::new();
        lane.child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        let code = lane.child.wait().unwrap().code();
        let left = std::fs::read_dir(lane.folder.path().join("tmp")).unwrap().count();
        assert_eq!(left, 0, "{text}");
        let verdicts: Vec<String> = text
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .map(|line| line["cell"]["verdict"].as_str().unwrap_or_default().to_owned())
            .collect();
        assert!(!verdicts.is_empty() && verdicts.iter().all(|verdict| verdict == "not-run"), "{text}");
        assert_eq!(code, Some(6), "{text}");
        // Nobody could take away what an engine had that was gone: the next start does.
        engine.sweep().unwrap();
        assert_eq!(containers_of(&engine, process), 0);
        if cut.cut.load(Ordering::SeqCst) {
            return;
        }
    }
    panic!("the engine was asked for no container");
}

#[test]
fn a_container_that_never_waits_for_connections_is_inconclusive() {
    let Some(engine) = engine() else { return };
    // A shell that says a version, and then watches a file that never grows.
    let script = "case \"$1\" in --version) echo db version v8.0.0-0;; *) exec tail -f /dev/null;; esac";
    let programs = ["/bin/sh", "/usr/bin/tail"].map(PathBuf::from);
    let libraries = programs.iter().flat_map(|path| closure::of(path, &std::fs::read(path).unwrap()).unwrap());
    let files: BTreeSet<PathBuf> = libraries.chain(programs.iter().cloned()).collect();
    let folders: BTreeSet<&Path> =
        files.iter().flat_map(|file| file.ancestors().skip(1)).filter(|folder| *folder != Path::new("/")).collect();
    let mut archive = Archive::default();
    for folder in folders.into_iter().chain(["/dev", "/proc", "/sys"].map(Path::new)) {
        archive.folder(folder.to_str().unwrap(), 0o755, 0).unwrap();
    }
    for file in &files {
        archive.file(file.to_str().unwrap(), 0o755, &std::fs::read(file).unwrap()).unwrap();
    }
    let name = format!("kmip-conformance/test-never-ready:{}", std::process::id());
    let quoted = Value::from(script).to_string();
    engine
        .import(&name, archive.finish(), vec![format!("ENTRYPOINT [\"/bin/sh\", \"-c\", {quoted}, \"sh\"]")])
        .unwrap();
    let made = Made { engine: engine.clone(), name: name.clone() };
    let image = format!("image:{name}");
    let Some(lane) = Lane::start(&[FIRST, "--provider", "aws", "--mongod", &image], &[]) else { return };
    let over = lane.end();
    let cell = over.cell(FIRST, &name);
    assert_eq!(cell["verdict"], "inconclusive", "{cell:#}");
    assert_eq!(cell["why"], "it did not wait for connections within 30 s; its last line: it said nothing");
    assert_eq!(over.code, Some(3));
    drop(made);
}

/// A script in mongod's place, in a folder.
fn script(folder: &Path, text: &str) -> String {
    let path = folder.join("mongod");
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_port_that_another_program_was_faster_to_take_is_not_the_end_of_a_start() {
    let folder = tempfile::tempdir().unwrap();
    let (persona, tried) = (programs().join("mongod-persona"), folder.path().join("tried"));
    let taken = format!(
        "case \"$1\" in --version) exec {persona} --version;; esac\n\
         if [ -e {tried} ]; then exec {persona} \"$@\"; fi\n: > {tried}\necho Address already in use\nexit 48",
        persona = persona.display(),
        tried = tried.display()
    );
    let name = script(folder.path(), &taken);
    let Some(lane) = Lane::start(&["mismatched-providers/local-key-file", "--mongod", &name], &[]) else { return };
    let over = lane.end();
    assert!(tried.exists(), "no port was taken");
    let cell = &over.cells[0];
    assert_eq!((&cell["verdict"], &cell["tier"]), (&"pass".into(), &"persona".into()), "{cell:#}");
}

#[test]
fn a_program_that_never_stops_talking_is_not_waited_for_when_its_version_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let name = script(folder.path(), "exec yes and another thing");
    let Some(lane) = Lane::start(&[FIRST, "--provider", "aws", "--mongod", &name], &[]) else { return };
    let over = lane.end();
    let cell = over.cell(FIRST, &name);
    assert_eq!(cell["verdict"], "not-run", "{cell:#}");
    assert_eq!(cell["why"], format!("{name} does not answer --version within 20 s: it is no mongod"));
}

#[test]
fn a_program_that_is_no_mongod_is_inconclusive_with_its_last_words() {
    let folder = tempfile::tempdir().unwrap();
    let name = &*script(folder.path(), "echo what do you want\nexit 3");
    let Some(lane) = Lane::start(&[FIRST, "--provider", "aws", "--mongod", name], &[]) else { return };
    let over = lane.end();
    let cell = over.cell(FIRST, name);
    assert_eq!(cell["verdict"], "inconclusive", "{cell:#}");
    let why = cell["why"].as_str().unwrap_or_default();
    assert!(why.contains("exit code 3: what do you want"), "{why}");
}
