//! What real clients and this proxy say to each other, recorded; and played again to every later proxy.
//!
//! `RECORD_DIALOGUES=1 cargo nextest run -p kmip-proxy --test real_clients recorded` writes the files anew, after which
//! the difference is to be read: a failure of these tests shows it field by field.

use std::path::PathBuf;

use super::dialogue::{Exchange, parse, play, print};
use super::process::Dbpath;
use super::relay::Relay;
use super::surroundings::Python;
use super::tree::{self, Known};

/// A file, and the calls of a script that fill it: what stands before and after the port and the folder.
struct Recorded {
    file: &'static str,
    script: &'static str,
    calls: &'static [(&'static [&'static str], &'static [&'static str])],
}

const PYKMIP_1_0: Recorded = Recorded { file: "pykmip-client-1.0", script: "pykmip_client", calls: &[(&[], &["1.0"])] };
const PYKMIP_1_4: Recorded = Recorded { file: "pykmip-client-1.4", script: "pykmip_client", calls: &[(&[], &["1.4"])] };
const PLAIN: Recorded =
    Recorded { file: "libmongocrypt", script: "data_keys", calls: &[(&["make"], &[]), (&["open"], &[])] };
const DELEGATED: Recorded = Recorded {
    file: "libmongocrypt-delegated",
    script: "data_keys",
    calls: &[(&["make"], &["--delegated"]), (&["open"], &["--delegated"])],
};

impl Recorded {
    fn path(&self) -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/kmip/dialogues/{}.tsv", self.file))
    }

    fn read(&self) -> Vec<Exchange> {
        parse(&std::fs::read_to_string(self.path()).unwrap())
    }

    /// Has the client say everything once more through a relay, and compares both sides of the dialogue.
    fn is_still_said(&self) {
        let Some(python) = Python::at_hand() else { return };
        let dbpath = Dbpath::local();
        let proxy = dbpath.serve("local");
        let relay = Relay::before(&dbpath, &proxy);
        let (port, folder) = (relay.port.to_string(), relay.folder().to_str().unwrap());
        for (before, after) in self.calls {
            python.run(self.script, &[*before, &[&port, folder], *after].concat());
        }
        let now = relay.kept();
        if std::env::var_os("RECORD_DIALOGUES").is_some() {
            std::fs::write(self.path(), print(&now)).unwrap();
        }
        let then = self.read();
        let mut known = Known::default();
        for (then, now) in then.iter().zip(&now) {
            assert_eq!((&then.name, then.connection), (&now.name, now.connection));
            for (then, now, what) in [(&then.request, &now.request, "request"), (&then.answer, &now.answer, "answer")] {
                let found = tree::differences(&tree::read(then), &tree::read(now), &mut known);
                assert!(found.is_empty(), "{what} {} of {}: {found:#?}", self.file, self.path().display());
            }
        }
        assert_eq!(now.len(), then.len());
    }

    /// Says everything that was recorded to a new proxy.
    fn is_answered(&self) {
        let dbpath = Dbpath::local();
        let proxy = dbpath.serve("local");
        let played = play(&self.read(), &dbpath, &proxy);
        assert!(played.len() > 5, "{} is empty", self.file);
        let different: Vec<_> = played.iter().filter(|(_, found)| !found.is_empty()).collect();
        assert!(different.is_empty(), "{}: {different:#?}", self.file);
    }
}

#[test]
fn recorded_dialogues_are_still_what_pykmip_says() {
    PYKMIP_1_0.is_still_said();
    PYKMIP_1_4.is_still_said();
}

#[test]
fn recorded_dialogues_are_still_what_libmongocrypt_says() {
    PLAIN.is_still_said();
    DELEGATED.is_still_said();
}

#[test]
fn recorded_dialogues_are_answered_as_they_were() {
    for recorded in [PYKMIP_1_0, PYKMIP_1_4, PLAIN, DELEGATED] {
        recorded.is_answered();
    }
}
