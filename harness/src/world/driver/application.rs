//! One process of the application, as orders and answers.
//!
//! The script is handed to Python on its command line, so that no file of ours has to be found. Every order has one
//! answer, in the order in which they were given; before the first one the process says who it is.
//!
//! Invariant: what the driver could not do is an answer, [`Said::Failed`]; what the script could not do ends it.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Setup;
use super::process::{Child, Output};

const SCRIPT: &str = include_str!("application.py");

/// How long Python may take to load everything, and to find mongod.
const PATIENCE: Duration = Duration::from_secs(40);

/// What the application is told to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "do", rename_all = "lowercase")]
pub(crate) enum Order {
    /// Say what is there already.
    Look,
    /// Make the data key, under the master key of that identifier, or else under a new one.
    Make {
        #[serde(rename = "keyId", skip_serializing_if = "Option::is_none")]
        key_id: Option<String>,
        delegated: bool,
    },
    /// Write a document, encrypted.
    Write { clear: String },
    /// Read the document, with the data key as it was opened before, or opened anew.
    Read { fresh: bool },
    /// Wrap the data key anew, under a new master key.
    Rewrap { delegated: bool },
}

/// What it says to that.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(crate) enum Said {
    /// The driver could not.
    Failed {
        failed: String,
        /// The exception's class.
        kind: String,
    },
    /// What is there.
    Found { key: bool, document: bool },
    /// A data key was made under this master key.
    Made { made: String },
    /// A document was written, its data key is under this master key.
    Wrote { wrote: String },
    /// The document, decrypted.
    Read { read: String, under: String },
    /// So many data keys were wrapped anew.
    Rewrapped { rewrapped: u64, under: String },
}

/// Who it is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct About {
    pub(crate) pymongo: String,
    pub(crate) libmongocrypt: String,
    pub(crate) python: String,
    /// What mongod answers to buildInfo.
    pub(crate) mongod: String,
    pub(crate) modules: Vec<Value>,
}

/// A process of the application.
#[derive(Debug)]
pub(crate) struct Application {
    child: Child,
    pub(crate) about: About,
}

impl Application {
    /// Starts it and waits until it takes orders; whatever it says after that, `hear` is given.
    pub(crate) fn start(
        setup: &Setup,
        uri: &str,
        kmip_port: u16,
        certificates: &Path,
        mut hear: impl FnMut(Result<Said, String>) + Send + 'static,
    ) -> Result<Self, String> {
        let mut command = Command::new(&setup.python);
        command.args(["-B", "-c", SCRIPT, uri, &format!("127.0.0.1:{kmip_port}")]).arg(certificates);
        // None of this machine's settings: what is decrypted here comes from the proxy alone.
        command.env("NO_PROXY", "*").stdin(Stdio::piped()).stderr(Stdio::null());
        let (send, about) = channel();
        let mut greeted = false;
        let child = Child::start(command, move |output| {
            if greeted {
                match output {
                    Output::Line(line) => hear(said(&line)),
                    Output::End => hear(Err("the application has ended".to_owned())),
                }
                return;
            }
            greeted = true;
            // Whoever has not waited for it has dropped it, too.
            let _ = send.send(output);
        })?;
        let about = match about.recv_timeout(PATIENCE) {
            Ok(Output::Line(line)) => serde_json::from_str(&line)
                .map_err(|error| format!("the application says `{line}` instead of who it is: {error}"))?,
            Ok(Output::End) => return Err("the application ended before it could take orders".to_owned()),
            Err(_) => return Err(format!("the application takes no orders after {} s", PATIENCE.as_secs())),
        };
        Ok(Application { child, about })
    }

    /// Gives an order.
    pub(crate) fn order(&mut self, order: &Order) -> Result<(), String> {
        let line = serde_json::to_string(order).map_err(|error| error.to_string())?;
        self.child.tell(&line)
    }

    /// Lets it end by itself.
    pub(crate) fn end(&mut self) {
        self.child.end();
    }

    /// Lets it hang.
    pub(crate) fn stall(&self) {
        self.child.stall();
    }

    /// Lets it go on.
    pub(crate) fn resume(&self) {
        self.child.resume();
    }

    /// The number of its process.
    #[cfg(test)]
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

fn said(line: &str) -> Result<Said, String> {
    serde_json::from_str(line).map_err(|error| format!("the application says `{line}`: {error}"))
}

impl About {
    /// All of it in one name.
    pub(crate) fn name(&self) -> String {
        format!("pymongo {} + libmongocrypt {} + mongod {}", self.pymongo, self.libmongocrypt, self.mongod)
    }

    /// What its tier rests on.
    pub(crate) fn proof(&self) -> Vec<String> {
        let modules = serde_json::to_string(&self.modules).unwrap_or_default();
        vec![
            format!("buildInfo: version {}, modules {modules}", self.mongod),
            format!("pymongo.version: {}", self.pymongo),
            format!("pymongocrypt.libmongocrypt_version(): {}", self.libmongocrypt),
            format!("platform.python_version(): {}", self.python),
        ]
    }
}
