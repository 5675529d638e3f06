//! What worlds with real programs have to work with: the programs, and what the command line has chosen.
//!
//! Invariant: nothing here is guessed. A program that is not where it is said to be is not started.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kmip_proxy::keys::Provider;

/// What a campaign with real programs is given.
#[derive(Clone, Debug, Default)]
pub struct Means {
    /// Our own programs; nothing where they are not built.
    pub programs: Option<Programs>,
    /// `--mongod`: who stands where mongod stands, each a path, or `image:` and the name of an image. Nothing for what
    /// the lane takes by itself.
    pub mongods: Vec<String>,
    /// `--cloud`: clouds that somebody else runs, in place of the laboratory's, by provider.
    pub clouds: BTreeMap<Provider, String>,
    /// Where dialogues with real clients are written, if anywhere.
    pub dialogues: Option<PathBuf>,
    /// Whether the user has named the scenarios: a world with a choice of its own then plays all that are named.
    pub named: bool,
    /// Set when the user has pressed Ctrl-C: worlds end what they have started and say so.
    pub interrupted: Arc<AtomicBool>,
}

/// Our own programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Programs {
    /// `kmipProxyStandalone`: the product.
    pub proxy: PathBuf,
    /// `mongod-persona`: the personas as a program.
    pub persona: PathBuf,
}

impl Means {
    /// Whether the user wants it all to end.
    pub fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }
}

impl Programs {
    /// The programs in a folder, or which of them is not there.
    pub fn within(folder: &std::path::Path) -> Result<Self, String> {
        let program = |name: &str| {
            let path = folder.join(name);
            if path.is_file() { Ok(path) } else { Err(format!("`{}` is not there", path.display())) }
        };
        Ok(Programs { proxy: program("kmipProxyStandalone")?, persona: program("mongod-persona")? })
    }
}
