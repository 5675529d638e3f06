//! Every gate before a tier, alone: what passes all of them, and what fails each.

use serde_json::json;

use super::*;

/// MongoDB Enterprise as it answers where everything is as it should be.
fn enterprise() -> Answers {
    Answers {
        version: Some("db version v8.0.4\nBuild Info: {\n    \"modules\": [\n        \"enterprise\"\n    ]\n}".into()),
        first_line: Some(r#"{"s":"I","c":"CONTROL","id":23285,"msg":"Automatically disabling TLS 1.0"}"#.into()),
        bytes: Some(Bytes::Image("mongodb/mongodb-enterprise-server@sha256:00ff".into())),
        build_info: Some(json!({"version": "8.0.4", "modules": ["enterprise"]})),
        options: Some(json!({"parsed": {"security": {
            "enableEncryption": true, "kmip": {"serverName": "127.0.0.1", "port": 5696, "activateKeys": false}
        }}})),
        ..Answers::default()
    }
}

/// Percona Server likewise.
fn percona() -> Answers {
    Answers {
        version: Some("db version v8.0.4-2".into()),
        build_info: Some(json!({"version": "8.0.4-2", "psmdbVersion": "8.0.4-2", "modules": []})),
        bytes: Some(Bytes::Program("sha256:00ff".into())),
        ..enterprise()
    }
}

/// The community mongod 6.0.5, as it answers.
fn community() -> Answers {
    Answers { build_info: Some(json!({"version": "6.0.5", "modules": []})), options: None, ..enterprise() }
}

type Change = fn(&mut Answers);

fn set(pointer: &str, of: &mut Option<Value>, value: Value) {
    *of.as_mut().and_then(|document| document.pointer_mut(pointer)).expect("the field is there") = value;
}

#[test]
fn what_passes_every_gate_is_real() {
    assert_eq!(tier(&enterprise()), Ok(Tier::RealEnterprise));
    assert_eq!(tier(&percona()), Ok(Tier::RealPsmdb));
}

#[test]
fn every_gate_refuses_alone() {
    let gates: [(Change, Refusal); 9] = [
        (|it| it.build_info = None, Refusal::Silent("buildInfo")),
        (|it| it.options = None, Refusal::Silent("getCmdLineOpts")),
        (
            |it| set("/parsed/security/enableEncryption", &mut it.options, json!(false)),
            Refusal::NotEncrypting("security.enableEncryption"),
        ),
        (
            |it| set("/parsed/security/enableEncryption", &mut it.options, json!("true")),
            Refusal::NotEncrypting("security.enableEncryption"),
        ),
        (|it| set("/parsed/security/kmip", &mut it.options, json!({})), Refusal::NotEncrypting("security.kmip")),
        (
            |it| set("/parsed/security/kmip/serverName", &mut it.options, json!("")),
            Refusal::NotEncrypting("security.kmip"),
        ),
        (|it| it.bytes = None, Refusal::Unknown),
        (|it| it.bytes = Some(Bytes::Image(String::new())), Refusal::Unknown),
        (|it| it.bytes = Some(Bytes::Program("8.0".into())), Refusal::Unknown),
    ];
    for (number, (change, refusal)) in gates.into_iter().enumerate() {
        for mut answers in [enterprise(), percona()] {
            change(&mut answers);
            assert_eq!(tier(&answers), Err(refusal.clone()), "gate {number}");
        }
    }
}

#[test]
fn who_claims_to_be_both_is_neither() {
    let mut answers = percona();
    set("/modules", &mut answers.build_info, json!(["enterprise"]));
    assert_eq!(tier(&answers), Err(Refusal::Both));
}

#[test]
fn a_community_mongod_is_of_no_tier() {
    assert_eq!(tier(&community()), Err(Refusal::Community("6.0.5".into())));
    // Nor by an empty word.
    let mut answers = community();
    answers.build_info = Some(json!({"version": "6.0.5", "psmdbVersion": "", "modules": []}));
    assert_eq!(tier(&answers), Err(Refusal::Community("6.0.5".into())));
}

#[test]
fn a_persona_is_one_by_any_of_its_marks_whatever_it_claims() {
    let marks: [(Change, &str); 7] = [
        (|it| it.version = Some("mongod-persona 0.1.0".into()), "--version"),
        (|it| it.version = Some("db version v0.0.0-persona".into()), "--version"),
        (|it| it.first_line = Some(r#"{"s":"I", "persona" : true}"#.into()), "the first line of its log"),
        (|it| drop(it.labels.insert("persona".into(), "true".into())), "the labels of its image"),
        (|it| drop(it.labels.insert("not-mongod".into(), "true".into())), "the labels of its image"),
        (
            |it| it.build_info = Some(json!({"version": "8.0.4", "modules": ["enterprise"], "persona": true})),
            "buildInfo",
        ),
        (|it| it.build_info = Some(json!({"version": "8.0.4", "modules": ["enterprise", "persona"]})), "buildInfo"),
    ];
    for (change, place) in marks {
        for mut answers in [enterprise(), percona()] {
            change(&mut answers);
            assert_eq!((tier(&answers), mark(&answers)), (Ok(Tier::Persona), Some(place)));
            assert!(proof(&answers)[0].starts_with("persona, not mongod"), "{:?}", proof(&answers));
        }
    }
}

#[test]
fn a_label_that_says_no_is_no_mark() {
    let mut answers = enterprise();
    answers.labels.insert("persona".into(), "false".into());
    assert_eq!(tier(&answers), Ok(Tier::RealEnterprise));
}

#[test]
fn the_proof_of_a_tier_is_what_was_answered() {
    let mut answers = enterprise();
    answers.server_status = Some(json!({"encryptionAtRest": {"encryptionEnabled": true}}));
    answers.hello = Some(json!({"maxWireVersion": 25}));
    let expected = [
        "buildInfo.version: 8.0.4",
        "buildInfo.modules: [\"enterprise\"]",
        "getCmdLineOpts.parsed.security.enableEncryption: true",
        "getCmdLineOpts.parsed.security.kmip.serverName: 127.0.0.1",
        "getCmdLineOpts.parsed.security.kmip.port: 5696",
        "getCmdLineOpts.parsed.security.kmip.activateKeys: false",
        "hello.maxWireVersion: 25",
        "serverStatus.encryptionAtRest.encryptionEnabled: true",
        "image mongodb/mongodb-enterprise-server@sha256:00ff",
    ];
    assert_eq!(proof(&answers), expected);
}

#[test]
fn an_unknown_option_is_named_with_what_it_means() {
    let said = |line: &str, code| unknown_option(code, &["{}".to_owned(), line.to_owned()]);
    let none = "unknown option, exit code 2: this mongod has no encryption at rest";
    let line = "Error parsing command line: unrecognised option '--enableEncryption'";
    assert_eq!(said(line, Some(2)).as_deref(), Some(none));
    assert_eq!(said("Unrecognized option: security.enableEncryption", Some(2)).as_deref(), Some(none));
    assert_eq!(
        said("Error parsing command line: unrecognised option '--kmipActivateKeys'", Some(2)).as_deref(),
        Some("unknown option, exit code 2: this mongod does not know --kmipActivateKeys")
    );
    assert_eq!(said("DBPathInUse: Unable to lock the lock file", Some(100)), None);
}
