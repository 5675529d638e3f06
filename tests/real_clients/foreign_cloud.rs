//! moto's KMS and STS as the cloud: keys are wrapped and opened by a service that shares nothing with ours.
//!
//! moto is no judge of what AWS does (it knows no disabled keys and no signatures), so nothing here asks it that.

use kmip_proxy::kmip::tag;
use serde_json::Value;

use super::client::{Client, get, register};
use super::process::{Dbpath, Proxy};
use super::surroundings::{Python, Server};

const MATERIAL: &[u8; 32] = b"thirty-two bytes of a master key";
const METADATA: &str =
    r#"{"accessKeyId": "AKIAIOSFODNN7EXAMPLE", "secretAccessKey": "sesame", "roleId": "", "region": "eu-west-1"}"#;

/// moto at work, a dbpath, and what moto made.
struct Cloud {
    _server: Server,
    dbpath: Dbpath,
    made: Value,
}

impl Cloud {
    fn started() -> Option<Self> {
        let (server, made) = Python::at_hand()?.serve("moto_clouds");
        let dbpath = Dbpath::empty();
        dbpath.write("cloudProviderCredentials/new-keys.aws.metadata", METADATA);
        Some(Cloud { _server: server, dbpath, made })
    }

    fn made(&self, name: &str) -> &str {
        self.made[name].as_str().unwrap()
    }

    /// A proxy that asks moto, and wraps new keys by a CMK.
    fn proxy(&self, cmk: &str, more: &[&str]) -> Proxy {
        let endpoint = self.made("endpoint");
        let flags = ["--kms-endpoint", endpoint, "--token-endpoint", endpoint, "--allow-plain-http", "--kms-key", cmk];
        self.dbpath.serve_with("aws", &[&flags, more].concat())
    }

    fn client(&self, proxy: &Proxy) -> Client {
        Client::connect(&self.dbpath, proxy)
    }

    /// Registers a key, and gives its identifier.
    fn register(&self, proxy: &Proxy) -> String {
        let found = self.client(proxy).ask(&register(MATERIAL), tag::UNIQUE_IDENTIFIER);
        assert_eq!(found.len(), 1, "it is refused");
        String::from_utf8(found[0].clone()).unwrap()
    }

    fn key_file(&self, id: &str) -> Value {
        serde_json::from_slice(&self.dbpath.read(&format!("cloudProviderCredentials/{id}.aws.key.json"))).unwrap()
    }
}

#[test]
fn keys_that_moto_wraps_open_after_a_restart() {
    let Some(cloud) = Cloud::started() else { return };
    let proxy = cloud.proxy(cloud.made("cmk"), &[]);
    let id = cloud.register(&proxy);
    drop(proxy);
    assert_eq!(cloud.key_file(&id)["masterKey"]["key"], cloud.made["cmk"]);

    let proxy = cloud.proxy(cloud.made("other"), &[]);
    assert_eq!(cloud.client(&proxy).ask(&get(&id), tag::KEY_MATERIAL), [MATERIAL]);
    let other = cloud.register(&proxy);
    assert_eq!(cloud.key_file(&other)["masterKey"]["key"], cloud.made["other"]);
    assert_eq!(cloud.client(&proxy).ask(&get(&other), tag::KEY_MATERIAL), [MATERIAL]);
}

#[test]
fn roles_are_assumed_through_motos_token_service() {
    let Some(cloud) = Cloud::started() else { return };
    let role = cloud.made("role").to_owned();
    let proxy = cloud.proxy(cloud.made("cmk"), &["--role-arn", &role]);
    let id = cloud.register(&proxy);
    assert_eq!(cloud.client(&proxy).ask(&get(&id), tag::KEY_MATERIAL), [MATERIAL]);
    drop(proxy);

    // The token service is needed: without one at its address, nothing opens.
    let nowhere = ["--role-arn", &role, "--kms-deadline", "2s"];
    let closed =
        ["--kms-endpoint", cloud.made("endpoint"), "--token-endpoint", "http://127.0.0.1:1", "--allow-plain-http"];
    let mut proxy = cloud.dbpath.serve_with("aws", &[&closed[..], &nowhere].concat());
    assert!(cloud.client(&proxy).ask(&get(&id), tag::KEY_MATERIAL).is_empty());
    let told: Vec<String> = (0..8).map(|_| proxy.line()).collect();
    let told = told.join("\n");
    assert!(told.starts_with("error[endpoint-unreachable]: ") && told.contains(&id), "{told}");
    assert!(told.contains(&format!("assuming the role {role} through STS: http://127.0.0.1:1: ")), "{told}");
    assert!(told.contains("or --token-endpoint for the token service"), "{told}");
}

#[test]
fn cmks_that_moto_does_not_know_are_named_to_the_operator() {
    let Some(cloud) = Cloud::started() else { return };
    let known = cloud.made("cmk").to_owned();
    let (account, _) = known.rsplit_once('/').unwrap();
    let unknown = format!("{account}/00000000-0000-4000-8000-000000000000");
    let mut proxy = cloud.proxy(&unknown, &[]);
    assert!(cloud.client(&proxy).ask(&register(MATERIAL), tag::UNIQUE_IDENTIFIER).is_empty());
    let line = proxy.line();
    assert!(line.starts_with("error[key-missing]: "), "{line}");
    drop(proxy);

    // A CMK is asked for in the region that its ARN names, where moto keeps others.
    let proxy = cloud.proxy(&known, &[]);
    let id = cloud.register(&proxy);
    let file = format!("cloudProviderCredentials/{id}.aws.key.json");
    let whole = String::from_utf8(cloud.dbpath.read(&file)).unwrap();
    drop(proxy);
    cloud.dbpath.write(&file, &whole.replace("eu-west-1", "us-east-1"));
    let mut proxy = cloud.proxy(&known, &[]);
    assert!(cloud.client(&proxy).ask(&get(&id), tag::KEY_MATERIAL).is_empty());
    let line = proxy.line();
    assert!(line.starts_with(&format!("error[key-missing]: the CMK of key {id} ")), "{line}");
    cloud.dbpath.write(&file, &whole);
    assert_eq!(cloud.client(&proxy).ask(&get(&id), tag::KEY_MATERIAL), [MATERIAL]);
}
