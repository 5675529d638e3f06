//! With which code the program ends: one table.
//!
//! Below 64 stand codes that a real mongod was seen to end with (community 6.0.5). What a mongod with encryption ends
//! with when it does not get its key is not public: from 64 on, the codes are the persona's own.
//!
//! Invariant: no code of a failed encryption is one that a real mongod is known to use.

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// It was told to stop, or has done what it was started for: a rotation.
    Fine,
    /// A value is out of its range, or a word is no option.
    BadValue,
    /// The command line or the configuration file cannot be read.
    BadOptions,
    /// The port cannot be taken.
    Port,
    /// The data folder is not there, or another process has it.
    Folder,
    /// The database does not start: the key cannot be had, or does not open the data.
    StartError,
    /// The key of a running Percona Server is no longer fit for use.
    DataAtRest,
    /// The key of a running MongoDB Enterprise is no longer active.
    KeyNotActive,
    /// The application with client-side encryption does not get its key.
    EncryptionError,
    /// There is no key to rewrap.
    NothingToRewrap,
    /// An answer brings the process down.
    Crash,
    /// The release that is played does not know an option.
    OptionOfOthers,
    /// The data folder holds files of a real database.
    RealData,
    /// The options do not switch encryption with KMIP on, so that there is nothing to play.
    NothingToPlay,
    /// The events cannot be written, or the key for fingerprints cannot be read.
    Events,
    /// The persona ended in a way that this table does not know.
    Other,
}

/// Every code: the number, where it comes from, and what it says.
const TABLE: &[(Code, u8, &str, &str)] = &[
    (Code::Fine, 0, "mongod's", "told to stop, or the key was rotated"),
    (Code::BadValue, 1, "mongod's", "a value is out of its range, or a word is no option"),
    (Code::BadOptions, 2, "mongod's", "the command line or the configuration file cannot be read"),
    (Code::Port, 48, "mongod's", "the port cannot be taken"),
    (Code::Folder, 100, "mongod's", "the data folder is not there, or another process has it"),
    (Code::StartError, 64, "own", "start error: the key cannot be had, or does not open the data"),
    (Code::DataAtRest, 65, "own", "EXIT_PERCONA_DATA_AT_REST_ENCRYPTION_ERROR: the key is no longer fit for use"),
    (Code::KeyNotActive, 66, "own", "the key is no longer active (MongoDB Enterprise)"),
    (Code::EncryptionError, 67, "own", "client-side encryption does not get its key (libmongocrypt)"),
    (Code::NothingToRewrap, 68, "own", "there is no key to rewrap (libmongocrypt)"),
    (Code::Crash, 69, "own", "an answer brings the process down: SIGSEGV of a real one"),
    (Code::OptionOfOthers, 70, "own", "the release that is played does not know an option"),
    (Code::RealData, 71, "own", "the data folder holds files of a real database"),
    (Code::NothingToPlay, 72, "own", "encryption with KMIP is not switched on: nothing to play"),
    (Code::Events, 73, "own", "KMIPLAB_EVENTS cannot be written, or KMIPLAB_FINGERPRINT_KEY not be read"),
    (Code::Other, 79, "own", "the persona ended in a way that has no number yet"),
];

impl Code {
    /// The number.
    pub fn number(self) -> u8 {
        TABLE.iter().find(|row| row.0 == self).map_or(79, |row| row.1)
    }
}

/// The code for a symbol of [`Exit`](crate::cast::Exit).
pub fn of(symbol: &str) -> Code {
    match symbol {
        "MasterKeyRotationCompleted" | "rotated" | "rewrapped" => Code::Fine,
        "start error" => Code::StartError,
        "EXIT_PERCONA_DATA_AT_REST_ENCRYPTION_ERROR" => Code::DataAtRest,
        "key not active" => Code::KeyNotActive,
        "EncryptionError" => Code::EncryptionError,
        "nothing to rewrap" => Code::NothingToRewrap,
        "SIGSEGV" => Code::Crash,
        "bad option" => Code::OptionOfOthers,
        _ => Code::Other,
    }
}

/// The table as the help shows it.
pub(super) fn help() -> String {
    TABLE.iter().map(|(_, number, whose, meaning)| format!("  {number:>3}  {whose:<9} {meaning}\n")).collect()
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use kmip_proxy::env::{Env, Files};

    use super::*;

    /// The Rust files below a folder.
    fn sources(files: &dyn Files, folder: &Path, found: &mut Vec<PathBuf>) {
        for path in files.list(folder).unwrap() {
            match path.extension() {
                Some(_) => found.push(path),
                // A recorded client is no program.
                None if path.ends_with("recorded") => {}
                None => sources(files, &path, found),
            }
        }
    }

    #[test]
    fn every_symbol_with_which_the_cast_ends_has_a_number() {
        let (env, mut found) = (Env::os(), Vec::new());
        let cast = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cast");
        sources(env.files.as_ref(), &cast, &mut found);
        let mut symbols = Vec::new();
        for path in found {
            let text = String::from_utf8(env.files.read(&path).unwrap()).unwrap();
            // As it is given (`code: "…"`) and as it is compared (`.code, "…"`).
            for marker in ["code: \"", "code, \"", "code == \""] {
                symbols.extend(text.split(marker).skip(1).filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
            }
        }
        symbols.sort();
        symbols.dedup();
        assert!(symbols.len() >= 8, "the marks no longer find them: {symbols:?}");
        for symbol in symbols {
            assert_ne!(of(&symbol), Code::Other, "{symbol}");
        }
    }

    #[test]
    fn every_code_has_a_number_of_its_own_and_failures_of_encryption_have_none_of_mongods() {
        let mut numbers: Vec<u8> = TABLE.iter().map(|row| row.1).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), TABLE.len());
        assert!(TABLE.iter().all(|row| (row.2 == "own") == (64..100).contains(&row.1)));
    }
}
