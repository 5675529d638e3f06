//! libmongocrypt alone, as every driver embeds it: a data key under a master key of the proxy, through a restart.

use serde_json::{Value, json};

use super::process::{Dbpath, PATIENCE};
use super::surroundings::Python;

const SECRET: &str = "457-55-5462";

/// Makes a data key, restarts the proxy, opens the data key, and moves it to another master key.
fn survives(more: &[&str], says: &Value) {
    let Some(python) = Python::at_hand() else { return };
    let dbpath = Dbpath::local();
    let folder = dbpath.path().to_str().unwrap();
    let run = |phase: &str, port: u16| python.run("data_keys", &[&[phase, &port.to_string(), folder], more].concat());

    let mut proxy = dbpath.serve("local");
    let made = run("make", proxy.port);
    let [made, opened, refused] = &made[..] else { panic!("{made:?}") };
    assert_eq!((&made["made"]["provider"], &made["made"]["delegated"]), (&json!("kmip"), says));
    assert_eq!(opened["opened"], SECRET);
    let refused = refused["refused"].as_str().unwrap();
    assert!(refused.contains("Result Reason (1): Item Not Found"), "{refused}");
    assert!(refused.ends_with("there is no object no-such-key"), "{refused}");
    proxy.terminate();
    let (code, _) = proxy.ended(PATIENCE);
    assert_eq!(code, Some(0));

    let opened = run("open", dbpath.serve("local").port);
    let [old, new] = &opened[..] else { panic!("{opened:?}") };
    assert_eq!((&old["opened"], &old["by"]), (&json!(SECRET), &made["made"]));
    assert_eq!((&new["opened"], &new["by"]["delegated"]), (&json!(SECRET), says));
    assert_eq!(new["same_master_key"], json!(false));
    assert_ne!(new["by"]["keyId"], old["by"]["keyId"]);
}

#[test]
fn data_keys_outlive_the_proxy() {
    survives(&[], &Value::Null);
}

#[test]
fn data_keys_that_the_proxy_encrypts_outlive_it() {
    survives(&["--delegated"], &json!(true));
}
