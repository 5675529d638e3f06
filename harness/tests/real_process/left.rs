//! What a run could leave behind: children of this process, temporary directories, ports at which it listens.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;

use kmiplab::world::Programs;

/// Everything of the kind that is there now.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Left {
    children: BTreeSet<(u32, String)>,
    directories: BTreeSet<String>,
    /// The addresses at which this process listens, as the kernel writes them.
    listening: BTreeSet<String>,
}

impl Left {
    pub(crate) fn now() -> Self {
        let names = fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten();
        let own = format!("kmiplab-{}-", std::process::id());
        let directories = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
        Left {
            children: children(),
            directories: directories.filter(|name| name.starts_with(&own)).collect(),
            listening: listening(),
        }
    }
}

/// The programs, or nothing where the proxy is not built.
pub(crate) fn programs() -> Option<Programs> {
    let folder = Path::new(env!("CARGO_BIN_EXE_mongod-persona")).parent()?;
    match Programs::within(folder) {
        Ok(programs) => Some(programs),
        Err(why) => {
            println!("skipped: {why}; `cargo build` builds it");
            None
        }
    }
}

/// Waits until children of these names run, and does something to the first of them, or to nobody if they never do.
pub(crate) fn once_there(names: &[&str], act: impl FnOnce(u32)) {
    // As long as any test may take.
    for _ in 0..60_000 {
        let children = children();
        let running = |name: &&str| children.iter().find(|(_, of)| of == name).map(|(pid, _)| *pid);
        let all: Option<Vec<u32>> = names.iter().map(running).collect();
        if let Some(first) = all.and_then(|pids| pids.first().copied()) {
            return act(first);
        }
        thread::yield_now();
    }
}

/// Kills a process from outside.
pub(crate) fn kill(pid: u32) {
    assert!(Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap().success());
}

/// The children of this process, with the names that the kernel has for them. Those of the killer above are its own.
fn children() -> BTreeSet<(u32, String)> {
    let own = std::process::id();
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let stats = processes.filter_map(|entry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        let (name, rest) = stat.split_once('(')?.1.rsplit_once(')')?;
        let parent: u32 = rest.split_whitespace().nth(1)?.parse().ok()?;
        (parent == own).then(|| (pid, name.to_owned()))
    });
    stats.collect()
}

fn listening() -> BTreeSet<String> {
    let open = fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    let sockets: BTreeSet<String> = open
        .filter_map(|entry| Some(fs::read_link(entry.path()).ok()?.to_string_lossy().into_owned()))
        .filter_map(|name| Some(name.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect();
    let tables =
        ["/proc/self/net/tcp", "/proc/self/net/tcp6"].map(|table| fs::read_to_string(table).unwrap_or_default());
    let lines = tables.iter().flat_map(|table| table.lines().skip(1));
    // The second field is the address, the fourth the state, the tenth the socket.
    let fields = lines.map(|line| line.split_whitespace().collect::<Vec<_>>());
    let own =
        fields.filter(|fields| fields.get(3) == Some(&"0A") && fields.get(9).is_some_and(|of| sockets.contains(*of)));
    own.map(|fields| fields[1].to_owned()).collect()
}
