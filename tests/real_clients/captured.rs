//! What real clients and libraries said to PyKMIP's server, said to the proxy: the answers are those that were captured.
//!
//! Identifiers, made keys, dates and the words of messages are every server's own. Whatever else is different stands in
//! the table below with the one whose fault it is. The calls of Percona Server for MongoDB and of libmongocrypt have no
//! row. Sections are those of KMIP 1.4.

use super::dialogue::{parse, play};
use super::process::Dbpath;

const CAPTURED: &str = include_str!("../../fixtures/kmip/dialogues/pykmip-server.tsv");

/// Who should have answered otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// The server that was captured.
    PyKmip,
    /// The standard leaves both free, or the two servers are asked what they are.
    Nobody,
}
use Fault::{Nobody, PyKmip};

/// A difference: a part of the exchange's name, the beginning of the line that tells it (`-` only PyKMIP, `+` only the
/// proxy, `!` two values), whose fault, and why. A row about an attribute is also about its name in a list.
type Row = (&'static str, &'static str, Fault, &'static str);

const DIFFERENCES: &[Row] = &[
    (
        "getattribute",
        "+BatchItem/ResponsePayload/Attribute[Activation Date]",
        PyKmip,
        "an active key has one: Activate sets it (section 3.24)",
    ),
    (
        "getattribute",
        "+BatchItem/ResponsePayload/Attribute[Last Change Date]",
        PyKmip,
        "every object has one (section 3.38)",
    ),
    (
        "getattribute",
        "-BatchItem/ResponsePayload/Attribute[Operation Policy Name]",
        Nobody,
        "an object need not have one (section 3.18), and the proxy has no policies",
    ),
    (
        "getattribute",
        "+BatchItem/ResponsePayload/Attribute[Digest]",
        PyKmip,
        "every object with key material has one (section 3.17; as old as KMIP 1.0)",
    ),
    (
        "getattribute",
        "+BatchItem/ResponsePayload/Attribute[Lease Time]",
        Nobody,
        "a server without leases has none (section 3.20; as old as KMIP 1.0); the proxy answers Obtain Lease",
    ),
    (
        "pykmip-client-1.2/0",
        "+BatchItem/ResponsePayload/Attribute[Fresh]",
        PyKmip,
        "every object with key material has one (section 3.34; since KMIP 1.1)",
    ),
    (
        "pykmip-client-1.2/0",
        "+BatchItem/ResponsePayload/Attribute[Original Creation Date]",
        Nobody,
        "an object need not have one (section 3.43; since KMIP 1.2); the proxy knows when it made a key",
    ),
    (
        "query",
        "+BatchItem/ResponsePayload/ObjectType",
        PyKmip,
        "it was asked for Query Objects and says that it manages none (section 4.25)",
    ),
    ("query", "-BatchItem/ResponsePayload/Operation", Nobody, "operations that only PyKMIP has"),
    ("query", "+BatchItem/ResponsePayload/Operation", Nobody, "operations that only the proxy has"),
    ("query", "!BatchItem/ResponsePayload/VendorIdentification", Nobody, "each says who it is"),
    ("discover-versions", "!BatchItem/ResponsePayload/ProtocolVersion", Nobody, "PyKMIP begins with 2.0"),
    ("discover-versions", "-BatchItem/ResponsePayload/ProtocolVersion#5", Nobody, "PyKMIP begins with 2.0"),
    (
        "pykmip-client-1.0/09-locate-all",
        "-BatchItem/ResponsePayload/UniqueIdentifier",
        Nobody,
        "keys that were made between two captures",
    ),
    (
        "pykmip-server-edge/03-maxresponse-16",
        "+BatchItem/Operation",
        PyKmip,
        "an answer names the operation that its request names (section 7.2)",
    ),
    (
        "pykmip-server-edge/05-batch2-no-ids",
        "+BatchItem/Operation",
        PyKmip,
        "an answer names the operation that its request names (section 7.2)",
    ),
    (
        "pykmip-server-edge/07-asynch-true",
        "",
        PyKmip,
        "the client says that it could take an asynchronous answer, not that it wants one (section 6.7)",
    ),
    ("timestamp", "", Nobody, "a server may refuse a time that is far from its own (section 6.5); the proxy does not"),
    (
        "pykmip-server-edge/10-garbage-tag",
        "the proxy hangs up",
        Nobody,
        "what does not begin as a request is no KMIP; nothing says what to do with it",
    ),
    (
        "pykmip-server-edge/11-id-placeholder-get",
        "",
        PyKmip,
        "the ID Placeholder is gone with the batch that set it (section 4), and PyKMIP's outlives it",
    ),
    ("other-client-identity", "", Nobody, "the proxy has one kind of client; the replay shows one certificate"),
];

#[test]
fn captured_dialogues_are_answered_as_another_server_answered_them() {
    let dbpath = Dbpath::local();
    let proxy = dbpath.serve("local");
    let played = play(&parse(CAPTURED), &dbpath, &proxy);
    assert_eq!(played.len(), 99);
    let is_about = |row: &Row, name: &str, line: &str| {
        let listed = line.replace("/AttributeName: ", "/Attribute[");
        name.contains(row.0) && (line.starts_with(row.1) || format!("{listed}]") == row.1)
    };
    let mut unlisted = Vec::new();
    let mut met = vec![false; DIFFERENCES.len()];
    for (name, lines) in &played {
        for line in lines {
            match DIFFERENCES.iter().position(|row| is_about(row, name, line)) {
                Some(row) => met[row] = true,
                None => unlisted.push(format!("{name}: {line}")),
            }
        }
    }
    assert!(unlisted.is_empty(), "{unlisted:#?}");
    let stale: Vec<_> = DIFFERENCES.iter().zip(&met).filter(|(_, met)| !**met).map(|(row, _)| row).collect();
    assert!(stale.is_empty(), "no longer true: {stale:#?}");
}

#[test]
fn the_dialogues_of_mongodbs_clients_have_no_difference() {
    assert!(!DIFFERENCES.iter().any(|(part, ..)| !part.contains("pykmip") && part.contains('/')));
    let theirs = |name: &str| name.starts_with("psmdb") || name.starts_with("pymongocrypt");
    let captured = parse(CAPTURED);
    assert_eq!(captured.iter().filter(|exchange| theirs(&exchange.name)).count(), 14 + 10 + 18);
    for (part, ..) in DIFFERENCES.iter().filter(|(part, ..)| !part.contains('/')) {
        let strays = captured.iter().filter(|exchange| theirs(&exchange.name) && exchange.name.contains(part));
        assert_eq!(strays.count(), 0, "{part} excuses more than it should");
    }
}
