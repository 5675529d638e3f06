//! What a mongod is started with, and how each kind of mongod is told.
//!
//! MongoDB Enterprise takes all of it from its command line. Percona Server reads `activateKeys` as a switch, which a
//! command line can only turn on, so that its KMIP settings stand in a configuration file, as the proxy's own advice has
//! it.
//!
//! Invariant: both spellings say the same; a test compares them field by field.

use std::path::PathBuf;

use serde_json::{Map, Value, json};

use crate::cast::Settings;

/// The options of one start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The data directory; the same path within a container.
    pub dbpath: PathBuf,
    /// The port for drivers, on loopback.
    pub port: u16,
    /// `security.kmip`.
    pub kmip: Settings,
    /// Enterprise alone: KMIP 1.0 instead of 1.2 (`useLegacyProtocol`).
    pub legacy: bool,
}

/// How a kind of mongod wants to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// By its command line.
    Words,
    /// By a configuration file.
    File,
}

/// The name of the configuration file, in the dbpath.
pub const FILE: &str = "kmiplab-mongod.yaml";

impl Options {
    /// The command line, and the content of the file where there is one.
    pub fn spell(&self, spelling: Spelling) -> (Vec<String>, Option<String>) {
        let dbpath = self.dbpath.display().to_string();
        let mut words: Vec<String> =
            ["--dbpath", &dbpath, "--port", &self.port.to_string(), "--bind_ip", "127.0.0.1"].map(str::to_owned).into();
        match spelling {
            Spelling::Words => {
                words.extend(self.words());
                (words, None)
            }
            Spelling::File => {
                words.extend(["--config".to_owned(), self.dbpath.join(FILE).display().to_string()]);
                // YAML holds JSON.
                (words, Some(format!("{:#}\n", self.file())))
            }
        }
    }

    fn words(&self) -> Vec<String> {
        let kmip = &self.kmip;
        let mut words = vec!["--enableEncryption".to_owned()];
        let mut say = |name: &str, value: String| words.extend([format!("--{name}"), value]);
        say("kmipServerName", kmip.server_name.clone());
        say("kmipPort", kmip.port.to_string());
        if let Some(file) = &kmip.ca_file {
            say("kmipServerCAFile", file.display().to_string());
        }
        say("kmipClientCertificateFile", kmip.client_certificate_file.display().to_string());
        if let Some(identifier) = &kmip.key_identifier {
            say("kmipKeyIdentifier", identifier.clone());
        }
        say("kmipActivateKeys", kmip.activate_keys.to_string());
        say("kmipConnectRetries", kmip.connect_retries.to_string());
        say("kmipConnectTimeoutMS", kmip.connect_timeout.as_millis().to_string());
        if kmip.activate_keys {
            say("kmipKeyStatePollingSeconds", self.polling().to_string());
        }
        if self.legacy {
            words.push("--kmipUseLegacyProtocol".to_owned());
        }
        if kmip.rotate_master_key {
            words.push("--kmipRotateMasterKey".to_owned());
        }
        words
    }

    fn file(&self) -> Value {
        let kmip = &self.kmip;
        let mut settings = Map::new();
        let mut say = |name: &str, value: Value| settings.insert(name.to_owned(), value);
        say("serverName", json!(kmip.server_name));
        say("port", json!(kmip.port));
        if let Some(file) = &kmip.ca_file {
            say("serverCAFile", json!(file));
        }
        say("clientCertificateFile", json!(kmip.client_certificate_file));
        if let Some(identifier) = &kmip.key_identifier {
            say("keyIdentifier", json!(identifier));
        }
        say("activateKeys", json!(kmip.activate_keys));
        say("connectRetries", json!(kmip.connect_retries));
        say("connectTimeoutMS", json!(u64::try_from(kmip.connect_timeout.as_millis()).unwrap_or(u64::MAX)));
        if kmip.activate_keys {
            say("keyStatePollingSeconds", json!(self.polling()));
        }
        if kmip.rotate_master_key {
            say("rotateMasterKey", json!(true));
        }
        json!({"security": {"enableEncryption": true, "kmip": settings}})
    }

    /// -1 switches polling off, in Enterprise's manual and in Percona's source.
    fn polling(&self) -> i64 {
        self.kmip.key_state_polling.map_or(-1, |every| i64::try_from(every.as_secs()).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A start like those of the documentation.
    fn options() -> Options {
        Options {
            dbpath: "/data/db".into(),
            port: 27017,
            kmip: Settings {
                server_name: "127.0.0.1".into(),
                port: 5696,
                ca_file: Some("/data/db/kmipCA.pem".into()),
                client_certificate_file: "/data/db/kmipClient.pem".into(),
                activate_keys: true,
                connect_retries: 2,
                connect_timeout: Duration::from_secs(5),
                key_state_polling: None,
                key_identifier: Some("key-1".into()),
                rotate_master_key: true,
            },
            legacy: false,
        }
    }

    #[test]
    fn enterprise_is_told_by_its_command_line() {
        let mut options = options();
        (options.kmip.rotate_master_key, options.kmip.key_identifier) = (false, None);
        let (words, file) = options.spell(Spelling::Words);
        let expected = "--dbpath /data/db --port 27017 --bind_ip 127.0.0.1 --enableEncryption \
                        --kmipServerName 127.0.0.1 --kmipPort 5696 --kmipServerCAFile /data/db/kmipCA.pem \
                        --kmipClientCertificateFile /data/db/kmipClient.pem --kmipActivateKeys true \
                        --kmipConnectRetries 2 --kmipConnectTimeoutMS 5000 --kmipKeyStatePollingSeconds -1";
        assert_eq!((words.join(" ").as_str(), file), (expected, None));
    }

    #[test]
    fn percona_reads_false_from_a_file() {
        let mut options = options();
        options.kmip.activate_keys = false;
        let (words, file) = options.spell(Spelling::File);
        assert!(words.join(" ").ends_with("--config /data/db/kmiplab-mongod.yaml"), "{words:?}");
        let file: Value = serde_json::from_str(&file.expect("a file")).expect("JSON, which YAML holds");
        assert_eq!(file["security"]["kmip"]["activateKeys"], json!(false));
        assert!(words.iter().all(|word| !word.contains("kmip") || word.ends_with(".yaml")), "{words:?}");
    }

    #[test]
    fn both_spellings_say_the_same() {
        let options = options();
        let words = options.words();
        let file = options.file();
        let settings = file["security"]["kmip"].as_object().expect("settings");
        for (name, value) in settings {
            let mut letters = name.chars();
            let first = letters.next().expect("a name").to_ascii_uppercase();
            let flag = format!("--kmip{first}{}", letters.as_str());
            let at = words.iter().position(|word| *word == flag).unwrap_or_else(|| panic!("{flag} is not said"));
            let said = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            assert!(name == "rotateMasterKey" || words[at + 1] == said, "{flag} {} and {said}", words[at + 1]);
        }
        assert_eq!(words.iter().filter(|word| word.starts_with("--kmip")).count(), settings.len());
    }
}
