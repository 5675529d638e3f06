//! The lane bridge with its real clients: pymongo with a community mongod, and mongod-persona.
//!
//! What `cargo xtask clients` sets up must be there; without it these tests print that they were skipped. Each has a
//! folder for temporary files of its own, which must be empty in the end, as must be the list of processes that name it.
#![cfg(unix)]

mod support;

#[cfg(test)]
mod real_bridge {
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::process::Command;

    use serde_json::Value;

    use crate::place::{Place, signal};

    fn dialogues(place: &Place) -> Vec<PathBuf> {
        let folder = fs::read_dir(place.report().join("dialogues")).unwrap();
        folder.map(|entry| entry.unwrap().path()).collect()
    }

    fn is_driver(peer: &str) -> bool {
        peer.starts_with("pymongo ")
    }

    #[test]
    fn real_driver_feels_faults_in_mid_run_and_what_it_said_can_be_played_again() {
        let Some(place) = Place::with_a_driver("bridge") else { return };
        let scenario = "private-endpoint-failover/delegated-while-an-endpoint-is-black-holed";
        let cells = place.cells(&[scenario, "--provider", "azure"], is_driver);
        let [cell] = &cells[..] else { panic!("{cells:#?}") };
        assert_eq!(cell["verdict"], "pass", "{cell:#}");
        assert_eq!((&cell["lane"], &cell["tier"]), (&Value::from("bridge"), &Value::from("real-driver")), "{cell:#}");
        assert_eq!(cell["peer"], "pymongo 4.20.0 + libmongocrypt 1.21.0 + mongod 6.0.5");
        let dialogue = dialogues(&place).into_iter().find(|path| path.to_string_lossy().contains(".real-driver."));
        let dialogue = dialogue.expect("what it said is beside the report");
        let replay = || place.command(&["replay", dialogue.to_str().unwrap()]).output().unwrap();
        let (first, second) = (replay(), replay());
        let said = String::from_utf8_lossy(&first.stdout);
        assert_eq!(first.status.code(), Some(0), "{said}");
        assert!(said.contains("every answer means what it meant\ndigest sha256:"), "{said}");
        assert_eq!(first.stdout, second.stdout);
    }

    #[test]
    fn real_driver_that_is_killed_leaves_nothing_and_breaks_nothing() {
        let Some(place) = Place::with_a_driver("bridge") else { return };
        let words = ["other-clients/libmongocrypt-keeps-its-key-for-a-minute", "--provider", "aws"];
        // The application itself, whichever it is at that moment.
        let (child, victim) = place.once_it_runs(&words, "kmiplab-bridge-");
        signal("-KILL", victim);
        let (_, cells) = place.ended(child);
        let cell = cells.iter().find(|cell| is_driver(&format!("{} ", cell["peer"].as_str().unwrap_or_default())));
        let cell = cell.unwrap_or_else(|| panic!("{cells:#?}"));
        // Somebody else has killed the client: nothing can be said of the product.
        assert_eq!(cell["verdict"], "inconclusive", "{cell:#}");
        let why = cell["why"].as_str().unwrap_or_default();
        assert!(why.contains("the client broke down") || why.contains("ended before it could take orders"), "{cell:#}");
    }

    #[test]
    fn real_community_mongod_that_claims_to_encrypt_is_not_run_and_leaves_nothing() {
        let Some(place) = Place::with_a_driver("bridge") else { return };
        let target = Path::new(env!("CARGO_BIN_EXE_kmiplab")).ancestors().nth(2).unwrap();
        let mongod = target.join("real-clients/mongod/fiftyone/db/bin/mongod");
        // It says what it is not, hides its options, and is a shell that dies before its mongod does.
        let script = format!(
            "#!/bin/sh\ncase \"$*\" in *--version*) echo 'db version v8.0.4-2 Percona Server'; exit 0;; esac\n\
             for word; do shift; case $word in --config | *.yaml) ;; *) set -- \"$@\" \"$word\";; esac; done\n\
             {} \"$@\"\nexit $?\n",
            mongod.display()
        );
        let folder = tempfile::tempdir().unwrap();
        let wrapper = folder.path().join("wrapper.sh");
        fs::write(&wrapper, script).unwrap();
        assert!(Command::new("chmod").arg("700").arg(&wrapper).status().unwrap().success());
        let wrapper = wrapper.to_str().unwrap();
        let words = ["kms-outage/one-endpoint-fails-the-other-is-well", "--provider", "aws", "--mongod", wrapper];
        let cells = place.cells(&words, |peer| peer == wrapper);
        let [cell] = &cells[..] else { panic!("{cells:#?}") };
        assert_eq!(cell["verdict"], "not-run", "{cell:#}");
        assert_eq!(cell["why"], "it is a community mongod (6.0.5), which does not encrypt its files");
    }

    #[test]
    fn real_mongod_persona_that_is_named_as_a_mongod_stays_a_persona() {
        let place = Place::new("bridge");
        let persona = env!("CARGO_BIN_EXE_mongod-persona");
        let words = ["kms-outage/one-endpoint-fails-the-other-is-well", "--provider", "aws", "--mongod", persona];
        let named = format!("({persona})");
        let cells = place.cells(&words, |peer| peer.ends_with(&named));
        let [cell] = &cells[..] else { panic!("{cells:#?}") };
        assert_eq!((&cell["verdict"], &cell["tier"]), (&Value::from("pass"), &Value::from("persona")), "{cell:#}");
    }

    #[test]
    fn real_mongod_persona_stands_in_the_same_place() {
        let place = Place::new("bridge");
        let persona = Path::new(env!("CARGO_BIN_EXE_mongod-persona"));
        assert!(persona.exists());
        let cells = place
            .cells(&["kms-outage/one-endpoint-fails-the-other-is-well", "--provider", "aws"], |peer| !is_driver(peer));
        // The driver does not apply, and has no tier of its own then.
        let played: Vec<_> = cells.iter().filter(|cell| cell["verdict"] != "not-applicable").collect();
        let [cell] = &played[..] else { panic!("{cells:#?}") };
        assert_eq!((&cell["verdict"], &cell["tier"]), (&Value::from("pass"), &Value::from("persona")), "{cell:#}");
    }
}

#[cfg(test)]
#[path = "real_bridge/place.rs"]
mod place;
