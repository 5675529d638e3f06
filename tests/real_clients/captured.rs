//! What real clients and libraries said to another server, PyKMIP's, said to the proxy.

use super::dialogue::{parse, play};
use super::process::Dbpath;

const CAPTURED: &str = include_str!("../../fixtures/kmip/dialogues/pykmip-server.tsv");

#[test]
fn captured() {
    let dbpath = Dbpath::local();
    let proxy = dbpath.serve("local");
    for (name, found) in play(&parse(CAPTURED), &dbpath, &proxy) {
        if !found.is_empty() {
            eprintln!("{name}: {found:#?}");
        }
    }
    panic!();
}
