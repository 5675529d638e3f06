//! What can happen in a run: one enum, which every judge and every report reads.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When, in simulated time from the start of the run (wall time from the start where sockets are real).
    pub at: Duration,
    /// The position in the log, from 0.
    pub ordinal: u64,
    /// On which host or at whose hands: `mongod`, `proxy`, `private-a`, `sts`, `operator`, `lab`.
    pub host: String,
    /// What.
    pub what: What,
}

/// The kinds of events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum What {
    /// A line of the scenario's timeline fires, or the lab does something by itself (line 0).
    Action {
        /// The line in the scenario file.
        line: u32,
        /// What happens, in the words of the file.
        text: String,
    },
    /// A process changes state.
    Process {
        /// The new state.
        state: ProcessState,
        /// Why, where there is a reason.
        why: Option<String>,
    },
    /// A process writes a log line.
    Log {
        /// `I`, `W`, `E` or `F`, as mongod writes it.
        severity: char,
        /// mongod's log id.
        id: Option<u32>,
        /// The message.
        text: String,
        /// Attributes in order.
        attributes: Vec<(String, String)>,
    },
    /// The proxy tells the operator something.
    Operator {
        /// The class, such as `credentials-expired`; none for what is no failure of a key.
        class: Option<String>,
        /// The KMIP key that it is about.
        key: Option<String>,
        /// All that the terminal shows.
        text: String,
    },
    /// A client sends a KMIP request.
    Request {
        /// Counts exchanges within the run; the answer carries the same number.
        exchange: u64,
        /// The operations of its batch, as `Get`, `GetAttributes`.
        operations: Vec<String>,
        /// The protocol version, as `1.0`.
        version: String,
        /// The Unique Identifier that it names.
        key: Option<String>,
        /// MaximumResponseSize, where it states one.
        maximum_response_size: Option<u32>,
        /// The length in bytes.
        length: usize,
    },
    /// A client has read a KMIP answer. A batch of several items gives one event an item.
    Answer {
        /// The exchange.
        exchange: u64,
        /// The Operation, where the answer carries one.
        operation: Option<String>,
        /// The protocol version of the answer.
        version: String,
        /// The Unique Identifier in the answer.
        key: Option<String>,
        /// `Success` or `OperationFailed`.
        status: String,
        /// The ResultReason in kebab case, such as `permission-denied`.
        reason: Option<String>,
        /// The ResultMessage.
        message: Option<String>,
        /// The State attribute, in the standard's words.
        state: Option<String>,
        /// The fingerprint of the key material in a Get answer, or of what was decrypted in a Decrypt answer.
        material: Option<Fingerprint>,
        /// What in the answer is younger than the answer's version, by name.
        younger: Vec<String>,
        /// The length of the whole message in bytes.
        length: usize,
        /// How long the client waited.
        after: Duration,
    },
    /// A client gives up on an answer.
    NoAnswer {
        /// The exchange.
        exchange: u64,
        /// What it saw instead.
        why: String,
    },
    /// A well-framed request was answered twice, or something else stood in for an answer.
    Malformed {
        /// The exchange.
        exchange: u64,
        /// What is wrong with it.
        why: String,
    },
    /// A client has said good-bye, and the server does not close the connection at once.
    NotClosed {
        /// The last exchange of the connection.
        exchange: u64,
        /// What the client saw instead.
        why: String,
    },
    /// A database has made a key and is about to keep it: from now on this fingerprint is what the identifier means. Where the server
    /// encrypts with a key that nobody else sees, it is the data key that was encrypted under the identifier.
    Made {
        /// The Unique Identifier.
        key: String,
        /// The fingerprint of its material.
        material: Fingerprint,
    },
    /// A database uses a key that it holds, or a data key that was decrypted under the identifier.
    Used {
        /// The Unique Identifier.
        key: String,
        /// The fingerprint of its material.
        material: Fingerprint,
    },
    /// A name is looked up.
    Resolve {
        /// The name.
        name: String,
        /// The addresses, or the error.
        answer: Result<Vec<String>, String>,
    },
    /// A connection is attempted.
    Connect {
        /// Counts connections within the run.
        connection: u64,
        /// The address as the program named it.
        to: String,
        /// What is there: `kmip`, `kms` or `tokens`, a token service.
        service: String,
        /// Whether the world declares that address private.
        private: bool,
        /// The error, if it failed at once.
        error: Option<String>,
    },
    /// Bytes pass a socket. The bytes themselves go into the digest only.
    Bytes {
        /// The connection.
        connection: u64,
        /// Whether the host sent them (else it received them).
        sent: bool,
        /// How many.
        length: usize,
    },
    /// A connection is closed on this side.
    Close {
        /// The connection.
        connection: u64,
    },
    /// A cloud service answers a call, or deliberately does not.
    Call {
        /// `kms` or `sts`.
        service: String,
        /// The operation, such as `Decrypt`.
        operation: String,
        /// The customer's key, where it is known.
        cmk: Option<String>,
        /// Who calls, access key ids shortened.
        principal: Option<String>,
        /// The HTTP status; 0 where no answer was given.
        status: u16,
        /// The error code.
        code: Option<String>,
    },
    /// A provider opens wrapped key material.
    Grant {
        /// `aws`, `azure`, `gcp` or `local`.
        provider: String,
        /// The customer's key.
        cmk: String,
        /// The fingerprint of what came out.
        material: Fingerprint,
    },
    /// A file of the machine is touched.
    File {
        /// `read`, `write`, `sync`, `rename`, `remove`: of programs, what they asked for and got; `edit` of an operator.
        operation: String,
        /// The path.
        path: String,
    },
    /// An invariant is broken.
    Finding {
        /// Such as `K3`.
        invariant: String,
        /// What was seen.
        text: String,
    },
}

/// The states of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProcessState {
    /// It begins.
    Started,
    /// It serves.
    Ready,
    /// It ended because it was told to.
    Stopped,
    /// It ended by itself.
    Exited,
    /// It was cut off.
    Crashed,
}

/// A fingerprint of key material: an HMAC under a key of the run, so that a trace proves equality and reveals nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Fingerprint(pub String);
