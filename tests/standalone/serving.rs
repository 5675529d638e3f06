//! A proxy that runs: keys, restarts, signals.

use std::time::Duration;

use kmip_proxy::kmip::tag;

use super::client::{Client, create, get, register};
use super::process::{Dbpath, PATIENCE};

const MATERIAL: &[u8; 32] = b"thirty-two bytes of a master key";

/// The identifier in an answer that must be a success.
fn identifier(found: &[Vec<u8>]) -> String {
    assert_eq!(found.len(), 1, "no identifier: a failure");
    String::from_utf8(found[0].clone()).unwrap()
}

#[test]
fn real_keys_come_back_after_a_restart() {
    let dbpath = Dbpath::local();
    let mut proxy = dbpath.serve("local");
    let mut client = Client::connect(&dbpath, &proxy);
    let registered = identifier(&client.ask(&register(MATERIAL), tag::UNIQUE_IDENTIFIER));
    let created = identifier(&client.ask(&create(), tag::UNIQUE_IDENTIFIER));
    assert_eq!(client.ask(&get(&registered), tag::KEY_MATERIAL), [MATERIAL]);
    let random = client.ask(&get(&created), tag::KEY_MATERIAL);
    assert_eq!(random[0].len(), 32);

    let key_file = format!("cloudProviderCredentials/{registered}.local.key.json");
    assert_eq!((dbpath.mode(&key_file), dbpath.mode("kmipClient.pem")), (0o600, 0o600));
    let authority = dbpath.read("kmipCA.pem");
    proxy.terminate();
    client.closed();
    assert_eq!(proxy.ended(PATIENCE), (Some(0), Vec::new()));

    let proxy = dbpath.serve("local");
    assert!(proxy.greeting.iter().any(|line| line == "  keys        2"), "{:#?}", proxy.greeting);
    assert_ne!(dbpath.read("kmipCA.pem"), authority, "certificates are made anew at every start");
    let mut client = Client::connect(&dbpath, &proxy);
    assert_eq!(client.ask(&get(&registered), tag::KEY_MATERIAL), [MATERIAL]);
    assert_eq!(client.ask(&get(&created), tag::KEY_MATERIAL), random);
}

#[test]
fn real_wrapping_keys_are_read_at_every_request() {
    let dbpath = Dbpath::local();
    let mut proxy = dbpath.serve("local");
    let mut client = Client::connect(&dbpath, &proxy);
    let id = identifier(&client.ask(&register(MATERIAL), tag::UNIQUE_IDENTIFIER));
    let wrapping_key = String::from_utf8(dbpath.read("local.key")).unwrap();
    dbpath.write("local.key", "no key at all");
    assert!(client.ask(&get(&id), tag::KEY_MATERIAL).is_empty());
    assert!(proxy.line().starts_with("error[metadata-malformed]: "));
    dbpath.write("local.key", &wrapping_key);
    assert_eq!(client.ask(&get(&id), tag::KEY_MATERIAL), [MATERIAL]);
}

#[test]
fn real_second_proxies_on_the_same_port_leave_the_first_one_alone() {
    let dbpath = Dbpath::local();
    let first = dbpath.serve("local");
    let (authority, client) = (dbpath.read("kmipCA.pem"), dbpath.read("kmipClient.pem"));
    let (directory, port) = (dbpath.path().to_str().unwrap(), first.port.to_string());
    let (code, out, error) = dbpath.run(&["-cloudProvider", "local", "-dbpath", directory, "-kmipPort", &port]);
    assert_eq!((code, out.as_str()), (Some(3), ""));
    let expected = format!(
        "error: 127.0.0.1:{port} is taken: another proxy, or another program, listens there; stop it or choose \
         another -kmipPort\n"
    );
    assert_eq!(error, expected);
    assert_eq!(dbpath.read("kmipCA.pem"), authority);
    assert_eq!(dbpath.read("kmipClient.pem"), client);
    let id = identifier(&Client::connect(&dbpath, &first).ask(&register(MATERIAL), tag::UNIQUE_IDENTIFIER));
    assert_eq!(Client::connect(&dbpath, &first).ask(&get(&id), tag::KEY_MATERIAL), [MATERIAL]);
}

#[test]
fn real_second_proxies_for_the_same_dbpath_leave_the_first_one_alone() {
    let dbpath = Dbpath::local();
    let first = dbpath.serve("local");
    let authority = dbpath.read("kmipCA.pem");
    let directory = dbpath.path().to_str().unwrap();
    let (code, _, error) = dbpath.run(&["-cloudProvider", "local", "-dbpath", directory, "-kmipPort", "0"]);
    assert_eq!(code, Some(4));
    assert!(error.contains("another proxy serves") && error.contains("a dbpath of its own"), "{error}");
    assert_eq!(dbpath.read("kmipCA.pem"), authority);
    identifier(&Client::connect(&dbpath, &first).ask(&register(MATERIAL), tag::UNIQUE_IDENTIFIER));
    // A process that is gone, however it ended, holds nothing.
    drop(first);
    dbpath.serve("local");
}

#[test]
fn real_pipes_in_place_of_files_hold_nobody_up() {
    let dbpath = Dbpath::local();
    let pipe = dbpath.path().join("cloudProviderCredentials/k1.local.key.json");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let mut proxy = dbpath.serve("local");
    assert!(proxy.greeting.iter().any(|line| line.contains("it is not a regular file")), "{:#?}", proxy.greeting);
    proxy.terminate();
    assert_eq!(proxy.ended(PATIENCE).0, Some(0));
}

#[test]
fn real_second_signals_end_a_proxy_that_waits_for_a_request() {
    let dbpath = Dbpath::local();
    let mut proxy = dbpath.serve("local");
    let mut idle = Client::connect(&dbpath, &proxy);
    let mut slow = Client::connect(&dbpath, &proxy);
    assert!(slow.ask(&get("nobody"), tag::KEY_MATERIAL).is_empty());
    assert!(idle.ask(&get("nobody"), tag::KEY_MATERIAL).is_empty());
    // The proxy waits ten seconds for the rest of this one, and for as long after the first signal.
    slow.send(&get("nobody")[..50]);
    proxy.terminate();
    idle.closed();
    proxy.terminate();
    assert_eq!(proxy.ended(Duration::from_secs(8)), (Some(0), Vec::new()));
}
