//! Every row of the table of refusals, provoked through the front door, by service.

mod rows;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Bench, KEY, Reply, form_request, now};
use crate::clouds::gcp::{Error, Fault, Service, VersionState};
use Service::{Kms, Oauth};

/// What is expected: the row, the service, status, code, text, the words for machines (`type` or `reason` of every
/// detail), and the call. `<key>` stands for the name of the bench's key, `<auth>` for the end of texts about tokens.
type Row = (Error, Service, u16, &'static str, &'static str, &'static [&'static str], fn(&mut Bench) -> Reply);

const AUTH: &str = "Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.";

fn open(bench: &mut Bench) -> Reply {
    let blob = bench.wrapped();
    bench.decrypt(&blob)
}

fn open_in(bench: &mut Bench, state: VersionState) -> Reply {
    bench.gcp.set_version_state("master", 1, state).unwrap();
    open(bench)
}

fn open_with(bench: &mut Bench, body: &Value) -> Reply {
    bench.post(&format!("{KEY}:decrypt"), body)
}

fn struck(bench: &mut Bench, fault: Fault) -> Reply {
    bench.gcp.inject(fault, None, Some(1));
    open(bench)
}

fn ask(bench: &mut Bench) -> Reply {
    let claims = bench.claims();
    bench.ask(&claims)
}

fn ask_but(bench: &mut Bench, claim: &str, value: Value) -> Reply {
    let mut claims = bench.claims();
    claims[claim] = value;
    bench.ask(&claims)
}

fn ask_struck(bench: &mut Bench, fault: Fault) -> Reply {
    bench.gcp.inject(fault, None, Some(1));
    ask(bench)
}

fn at_host(bench: &mut Bench, mut request: http::Request<bytes::Bytes>) -> Reply {
    request.headers_mut().insert("host", "example.com".parse().unwrap());
    bench.send(&request)
}

#[test]
fn every_refusal_has_its_status_its_code_its_text_and_its_details() {
    for (error, service, status, code, text, words, provoke) in rows::all() {
        let mut bench = Bench::new();
        let reply = provoke(&mut bench);
        let text = text.replace("<key>", KEY).replace("<auth>", AUTH);
        assert_eq!(reply.status, status, "{error:?} of {service:?}: {}", reply.body);
        if error == Error::UnknownPath {
            assert!(reply.body.contains(&text) && reply.body.starts_with("<!DOCTYPE html>"), "{}", reply.body);
            continue;
        }
        let body = reply.json();
        let Value::Object(_) = &body["error"] else {
            assert_eq!(service, Oauth, "{error:?}");
            assert_eq!(body, json!({"error": code, "error_description": text}), "{error:?}");
            continue;
        };
        assert_eq!(service, Kms, "{error:?}");
        let told = &body["error"];
        let shown = (&told["code"], &told["status"], &told["message"]);
        assert_eq!(shown, (&json!(status), &json!(code), &json!(text)), "{error:?}");
        assert_eq!(spoken(told), words, "{error:?}: {told:#}");
    }
}

/// `reason` of every ErrorInfo, `type` of every violation, the field of a BadRequest, `help` for a Help.
fn spoken(error: &Value) -> Vec<String> {
    let details = error["details"].as_array().cloned().unwrap_or_default();
    let mut words = Vec::new();
    for detail in details {
        let kind = detail["@type"].as_str().unwrap().rsplit('.').next().unwrap().to_owned();
        match kind.as_str() {
            "ErrorInfo" => words.push(detail["reason"].as_str().unwrap().to_owned()),
            "Help" => words.push("help".to_owned()),
            "PreconditionFailure" => {
                let violations = detail["violations"].as_array().unwrap();
                words.extend(violations.iter().map(|violation| violation["type"].as_str().unwrap().to_owned()));
            }
            "BadRequest" => words.push(detail["fieldViolations"][0]["field"].as_str().unwrap().to_owned()),
            other => panic!("{other}"),
        }
    }
    words
}

#[test]
fn no_row_of_the_table_is_left_unprovoked() {
    let provoked: BTreeSet<(Error, Service)> = rows::all().iter().map(|row| (row.0, row.1)).collect();
    let stated = Error::ALL.iter().flat_map(|&error| {
        let fact = error.fact();
        [fact.kms.map(|_| (error, Kms)), fact.oauth.map(|_| (error, Oauth))].into_iter().flatten()
    });
    assert_eq!(provoked, stated.collect());
}

#[test]
fn a_violation_of_the_perimeter_reads_as_the_one_that_was_recorded() {
    let mut bench = Bench::new();
    bench.gcp.set_private_only("master", true);
    bench.arrival.private = false;
    let told = open(&mut bench).json();
    let uid = told["error"]["details"][1]["metadata"]["uid"].clone();
    let expected = json!({"error": {
        "code": 403,
        "message": format!("Request is prohibited by organization's policy. vpcServiceControlsUniqueIdentifier: {}", uid.as_str().unwrap()),
        "status": "PERMISSION_DENIED",
        "details": [
            {
                "@type": "type.googleapis.com/google.rpc.PreconditionFailure",
                "violations": [{"type": "VPC_SERVICE_CONTROLS", "description": uid}],
            },
            {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "SECURITY_POLICY_VIOLATED",
                "domain": "googleapis.com",
                "metadata": {"service": "cloudkms.googleapis.com", "uid": uid, "consumer": "projects/kmiplab-project"},
            },
        ],
    }});
    assert_eq!(told, expected);
}

#[test]
fn a_refusal_of_a_token_names_the_method_that_was_called() {
    let mut bench = Bench::new();
    bench.token = None;
    let metadata = open(&mut bench).json()["error"]["details"][0]["metadata"].clone();
    let method = "google.cloud.kms.v1.KeyManagementService.Decrypt";
    assert_eq!(metadata, json!({"method": method, "service": "cloudkms.googleapis.com"}));
}

#[test]
fn fields_of_another_type_are_refused_by_name_and_without_their_value() {
    let mut bench = Bench::new();
    let blob = bench.wrapped();
    for (body, text) in [
        (json!({"ciphertext": 7}), "Invalid value at 'ciphertext' (TYPE_BYTES), not a string."),
        (json!({"ciphertext": "~secret~"}), "Invalid value at 'ciphertext' (TYPE_BYTES), Base64 decoding failed."),
        (
            json!({"ciphertext": blob, "ciphertextCrc32c": true}),
            "Invalid value at 'ciphertext_crc32c' (TYPE_INT64), not a whole number.",
        ),
        (
            json!({"ciphertext": blob, "ciphertextCrc32c": "0x1"}),
            "Invalid value at 'ciphertext_crc32c' (TYPE_INT64), not a whole number.",
        ),
        (json!([]), "Invalid JSON payload received. Unexpected token."),
        (json!({}), "Decryption failed: the ciphertext is invalid."),
        (json!({"ciphertext": null}), "Decryption failed: the ciphertext is invalid."),
    ] {
        let reply = open_with(&mut bench, &body);
        assert_eq!((reply.status, reply.message().as_str()), (400, text), "{body}");
    }
}
