//! An engine, images made here, and a look for what was left behind.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use kmiplab::world::container::engine::Engine;
use kmiplab::world::container::home_made::HomeMade;
use kmiplab::world::container::image::{self, Source};
use kmiplab::world::container::owner;
use kmiplab::world::container::program::{Next, Program, Running};
use kmiplab::world::container::threads::Threads;

/// How long a test waits for what should come at once. Generous: the machine may be busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// The engine, or a printed reason why nothing is tested.
pub(crate) fn engine() -> Option<Engine> {
    let threads = Threads::new().expect("threads");
    match Engine::reach(&threads) {
        Ok(engine) => Some(engine),
        Err(error) => {
            println!("skipped: {error}");
            None
        }
    }
}

/// The folder of programs that were built with this test.
pub(crate) fn programs() -> PathBuf {
    let me = PathBuf::from(env!("CARGO_BIN_EXE_kmiplab"));
    me.parent().expect("a program is in a folder").to_owned()
}

/// The community mongod that `cargo xtask clients` sets up, or a printed reason.
pub(crate) fn community() -> Option<PathBuf> {
    let found = image::community_beside(&programs());
    if found.is_none() {
        println!("skipped: no community mongod (`cargo xtask clients` sets one up)");
    }
    found
}

/// An image of a program of this machine, removed when this is.
pub(crate) struct Made {
    pub(crate) engine: Engine,
    pub(crate) name: String,
}

impl Made {
    pub(crate) fn of(engine: &Engine, tag: &str, program: &Path) -> Self {
        let mut made = HomeMade::control(program);
        made.name = format!("kmip-conformance/test-{tag}:{}", std::process::id());
        made.make(engine).expect("it can be made");
        Made { engine: engine.clone(), name: made.name }
    }

    pub(crate) fn program(&self) -> Program {
        Program::find(&Source::Image(self.name.clone()), Some(&Ok(self.engine.clone())), &AtomicBool::new(false))
            .expect("it is there")
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        let _ = self.engine.remove_image(&self.name);
    }
}

/// Fails if a container of this process is left.
pub(crate) fn nothing_is_left(engine: &Engine) {
    let left: Vec<_> = engine.ours().expect("it answers").into_iter().filter(|(_, of)| *of == owner::me()).collect();
    assert_eq!(left, [], "containers are left");
}

/// All lines until one holds some words, or none comes any more.
pub(crate) fn until(running: &Running, words: &str) -> Vec<String> {
    let mut lines = Vec::new();
    loop {
        match running.next(PATIENCE) {
            Next::Line(line) => {
                lines.push(line);
                if lines.last().is_some_and(|line| line.contains(words)) {
                    return lines;
                }
            }
            other => panic!("no `{words}` but {other:?} after {lines:#?}"),
        }
    }
}

/// A port that is free.
pub(crate) fn port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

/// Words for a mongod without encryption.
pub(crate) fn words(data: &Path, port: u16) -> Vec<String> {
    let data = data.to_str().expect("UTF-8");
    ["--dbpath", data, "--port", &port.to_string(), "--bind_ip", "127.0.0.1", "--wiredTigerCacheSizeGB", "0.25"]
        .map(str::to_owned)
        .to_vec()
}
