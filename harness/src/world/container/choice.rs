//! Which scenarios are played with a mongod in a container by themselves: few, because each start takes seconds.
//!
//! A file states the dialogue of one kind of mongod, so that there is a column for each. Any other file is played when
//! the user names it.
//!
//! Invariant: every file in the table exists, and its persona is of the column's kind; a test looks.

use super::image::Kind;
use crate::scenario::{Action, Database, Process, Provider, Scenario};

/// A misfortune, as it is told for each kind of mongod.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// What is put to the test.
    pub about: &'static str,
    /// The file with the dialogue of Percona Server, and of whatever speaks like it.
    pub percona: Option<&'static str>,
    /// The file with the dialogue of MongoDB Enterprise.
    pub enterprise: Option<&'static str>,
    /// Why it is worth the seconds.
    pub why: &'static str,
}

/// The choice.
pub const ROWS: &[Row] = &[
    Row {
        about: "first start",
        percona: Some("key-rotation/first-start-registers"),
        enterprise: None,
        why: "the key is made, wrapped, kept, and found again: nothing else works if this does not",
    },
    Row {
        about: "without a cloud",
        percona: Some("mismatched-providers/local-key-file"),
        enterprise: None,
        why: "the shortest way from a wrapped key to an open database",
    },
    Row {
        about: "rotation",
        percona: Some("key-rotation/master-key-rotates-while-proxy-serves"),
        enterprise: Some("key-rotation/enterprise-rotates-its-master-key"),
        why: "kmipRotateMasterKey ends by itself, and what it does with its files nobody can play",
    },
    Row {
        about: "disabled customer's key",
        percona: Some("key-rotation/cmk-disabled-and-enabled-again"),
        enterprise: Some("key-rotation/enterprise-moves-to-another-cmk"),
        why: "what mongod logs, and how it ends, when its key is refused",
    },
    Row {
        about: "expired credentials",
        percona: Some("expired-credentials/session-expires-while-mongod-is-down"),
        enterprise: Some("expired-credentials/enterprise-session-expires-under-polling"),
        why: "the commonest reason why a restored snapshot does not open",
    },
    Row {
        about: "failover of private endpoints",
        percona: Some("private-endpoint-failover/a-rejected-b-takes-over"),
        enterprise: Some("private-endpoint-failover/enterprise-first-key-through-the-second-endpoint"),
        why: "the proxy's patience has to fit into mongod's own",
    },
    Row {
        about: "outage",
        percona: None,
        enterprise: Some("kms-outage/enterprise-first-start-in-an-outage"),
        why: "a first key that was refused must leave nothing behind that stops the next start",
    },
];

/// The providers of the choice: what differs between clouds, mongod does not see.
const PROVIDERS: [Provider; 2] = [Provider::Aws, Provider::Local];

/// Whether a scenario belongs to the choice.
pub fn includes(scenario: &Scenario) -> bool {
    let id = scenario.id();
    let named = ROWS.iter().any(|row| [row.percona, row.enterprise].contains(&Some(id.as_str())));
    named && PROVIDERS.contains(&scenario.world.provider)
}

/// Whether it is the one that the negative control is given: what cannot start needs to fail once only.
pub fn is_first(scenario: &Scenario) -> bool {
    scenario.id() == ROWS[0].percona.unwrap_or_default() && includes(scenario)
}

/// Why a kind of mongod does not play a scenario, if it does not: the file states another one's dialogue.
pub fn unsuited(scenario: &Scenario, kind: Kind) -> Option<String> {
    let persona = scenario.world.mongod.persona.as_str();
    let suits = match kind {
        Kind::Persona | Kind::Community => true,
        Kind::Enterprise => persona.starts_with("enterprise"),
        Kind::Percona => persona.starts_with("psmdb"),
    };
    (!suits).then(|| format!("the file states the dialogue of {persona}, which this mongod does not speak"))
}

/// Why a scenario cannot begin with an empty database that is told the identifier of its key, if it cannot.
pub fn wants_old_data(scenario: &Scenario) -> Option<&'static str> {
    if scenario.world.mongod.database == Database::Empty {
        return None;
    }
    let persona = scenario.world.mongod.persona.as_str();
    if persona.starts_with("libmongocrypt") || persona == "psmdb-legacy-locate" {
        return Some("what it looks for its key with is in data of its own, and the database begins empty here");
    }
    let mut starts = scenario.timeline.iter().map(|event| &event.action);
    let first = starts.find(|action| matches!(action, Action::Start(Process::Mongod) | Action::RotateMasterKey));
    matches!(first, Some(Action::RotateMasterKey))
        .then_some("a master key is rotated before the database was ever open, and the database begins empty here")
}

/// What an image of the matrix would be, by its name: enough to say what was not run.
pub fn kind_by_name(image: &str) -> Kind {
    if image.contains("enterprise") {
        Kind::Enterprise
    } else if image.contains("percona") {
        Kind::Percona
    } else {
        Kind::Community
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::scenario::{Found, load_file};

    fn load(id: &str) -> Vec<Scenario> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
        let found = Found::at(&root.join(id).with_extension("toml")).expect("a name");
        load_file(&found).unwrap_or_else(|error| panic!("{}", error.render(false)))
    }

    #[test]
    fn every_file_of_the_choice_exists_and_speaks_as_its_column() {
        for row in ROWS {
            for (id, kind) in [(row.percona, Kind::Percona), (row.enterprise, Kind::Enterprise)] {
                let Some(id) = id else { continue };
                let cells = load(id);
                assert!(cells.iter().any(includes), "{id} is not played with any provider of the choice");
                assert!(cells.iter().all(|scenario| unsuited(scenario, kind).is_none()), "{id}");
                assert!(cells.iter().all(|scenario| unsuited(scenario, Kind::Persona).is_none()), "{id}");
            }
            assert!(!row.why.is_empty() && !row.about.is_empty());
        }
    }

    #[test]
    fn other_files_and_other_clouds_are_not_in_the_choice() {
        assert!(load("key-rotation/pre-active-snapshot").iter().all(|scenario| !includes(scenario)));
        let providers: Vec<_> = load("key-rotation/first-start-registers")
            .iter()
            .filter(|scenario| includes(scenario))
            .map(|scenario| scenario.world.provider)
            .collect();
        assert_eq!(providers, [Provider::Aws]);
    }

    #[test]
    fn what_needs_data_of_its_own_from_before_the_run_does_not_apply() {
        let why = |id: &str| wants_old_data(&load(id)[0]);
        assert_eq!(why("key-rotation/first-start-registers"), None);
        assert_eq!(why("private-endpoint-failover/a-rejected-b-takes-over"), None);
        let legacy = why("private-endpoint-failover/legacy-waits-for-as-long-as-it-takes");
        assert!(legacy.is_some_and(|why| why.contains("data of its own")));
        assert!(why("other-clients/libmongocrypt-keeps-its-key-for-a-minute").is_some());
        for row in ROWS {
            for id in [row.percona, row.enterprise].into_iter().flatten() {
                assert_eq!(why(id), None, "{id}");
            }
        }
    }

    #[test]
    fn one_mongod_is_not_given_the_dialogue_of_another() {
        let enterprise = &load("key-rotation/enterprise-rotates-its-master-key")[0];
        let why = unsuited(enterprise, Kind::Percona).expect("another dialogue");
        assert_eq!(why, "the file states the dialogue of enterprise-1.2, which this mongod does not speak");
        let driver = &load("other-clients/libmongocrypt-registers-a-seed")[0];
        assert!(unsuited(driver, Kind::Percona).is_some() && unsuited(driver, Kind::Enterprise).is_some());
    }
}
