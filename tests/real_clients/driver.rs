//! pymongo and a real mongod: what an application encrypted opens again after everything was restarted.

use std::process::Command;

use serde_json::{Value, json};

use super::process::Dbpath;
use super::surroundings::{Python, Server, mongod};

/// Starts mongod for a folder. It listens at a socket in that folder and on no port.
fn start(folder: &str) -> Option<Server> {
    let mut command = Command::new(mongod()?);
    command.args(["--dbpath", &format!("{folder}/data"), "--bind_ip", &format!("{folder}/mongod.sock")]);
    command.args(["--wiredTigerCacheSizeGB", "0.25"]);
    let server = Server::start(command);
    server.line("Waiting for connections");
    Some(server)
}

/// Writes, restarts mongod, the proxy and the application, and reads.
fn survives(more: &[&str], delegated: &Value) {
    let Some(python) = Python::at_hand() else { return };
    let dbpath = Dbpath::local();
    dbpath.write("data/.keep", "");
    let folder = dbpath.path().to_str().unwrap();
    let uri = format!("mongodb://{}/?directConnection=true", format!("{folder}/mongod.sock").replace('/', "%2F"));
    let run = |phase: &str, port: u16| python.run("csfle", &[&[phase, &uri, &port.to_string(), folder], more].concat());

    let Some(database) = start(folder) else { return };
    let proxy = dbpath.serve("local");
    let written = run("make", proxy.port);
    let [about, rewrapped] = &written[..] else { panic!("{written:?}") };
    assert_eq!((&about["mongod"], &about["modules"]), (&json!("6.0.5"), &json!([])), "the community edition");
    assert_eq!(*rewrapped, json!({"rewrapped": 1, "same_master_key": false, "delegated": delegated}));
    drop(proxy);
    database.terminate();

    let _database = start(folder);
    let read = run("open", dbpath.serve("local").port);
    let clear = json!(["457-55-5462", {"n": 42}]);
    // Subtype 6 is that of encrypted values.
    assert_eq!(read, [json!({"stored": 6, "explicit": clear}), json!({"automatic": clear}), json!({"found": 1})]);
}

#[test]
fn documents_open_after_mongod_and_the_proxy_were_restarted() {
    survives(&[], &Value::Null);
}

#[test]
fn documents_of_a_delegating_driver_open_after_mongod_and_the_proxy_were_restarted() {
    survives(&["--delegated"], &json!(true));
}
