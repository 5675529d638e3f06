//! Every row of the table of refusals, provoked through the front door, by service.

mod rows;

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use serde_json::json;

use super::{Bench, Reply, now};
use crate::clouds::aws::{Error, Fault, Holder, KeyState, Service};
use Service::{Kms, Sts};

const UNUSED: &str = "00000000-0000-4000-8000-000000000000";

/// What is expected: the row, the service, status, code, text. `<key>` stands for the ARN of the bench's key.
type Row = (Error, Service, u16, &'static str, Option<&'static str>, fn(&mut Bench) -> Reply);

fn describe(bench: &mut Bench) -> Reply {
    let key = bench.key.clone();
    bench.kms("DescribeKey", &json!({"KeyId": key}))
}

fn identity(bench: &mut Bench) -> Reply {
    bench.sts("Action=GetCallerIdentity&Version=2011-06-15")
}

fn assume(bench: &mut Bench, more: &str) -> Reply {
    let arn = bench.aws.add_role("opener", &["atlas"], Some("shared"));
    bench.sts(&format!("Action=AssumeRole&RoleArn={arn}&RoleSessionName=proxy{more}"))
}

fn open(bench: &mut Bench) -> Reply {
    let (blob, key) = (bench.wrapped(), bench.key.clone());
    bench.kms("Decrypt", &json!({"CiphertextBlob": blob, "KeyId": key}))
}

fn open_in(bench: &mut Bench, state: KeyState) -> Reply {
    bench.aws.set_key_state("master", state).unwrap();
    open(bench)
}

fn describe_id(bench: &mut Bench, id: &str) -> Reply {
    bench.kms("DescribeKey", &json!({"KeyId": id}))
}

fn without(bench: &mut Bench, service: Service, header: &str) -> Reply {
    let mut request = unsent(bench, service);
    request.headers_mut().remove(header);
    bench.send(&request)
}

fn authorized_by(bench: &mut Bench, service: Service, from: &str, to: &str) -> Reply {
    let mut request = unsent(bench, service);
    let value = request.headers()["authorization"].to_str().unwrap().replace(from, to);
    request.headers_mut().insert("authorization", value.parse().unwrap());
    bench.send(&request)
}

fn unsent(bench: &Bench, service: Service) -> Request<Bytes> {
    match service {
        Service::Kms => bench.client.kms("DescribeKey", &json!({"KeyId": bench.key}).to_string()),
        Service::Sts => bench.client.sts("Action=GetCallerIdentity&Version=2011-06-15"),
    }
}

fn call(bench: &mut Bench, service: Service) -> Reply {
    match service {
        Service::Kms => describe(bench),
        Service::Sts => identity(bench),
    }
}

fn expired(bench: &mut Bench, service: Service) -> Reply {
    bench.client.credentials = bench.aws.add_session(Holder::User("atlas"), Some(now()));
    call(bench, service)
}

fn with_wrong_secret(bench: &mut Bench, service: Service) -> Reply {
    bench.client.credentials.secret_access_key = "wrong".to_owned();
    call(bench, service)
}

fn with_unknown_key(bench: &mut Bench, service: Service) -> Reply {
    bench.aws.revoke(&bench.user.access_key_id).unwrap();
    call(bench, service)
}

fn with_clock(bench: &mut Bench, service: Service, seconds: i64) -> Reply {
    let apart = Duration::from_secs(seconds.unsigned_abs());
    bench.client.at = if seconds < 0 { now() - apart } else { now() + apart };
    call(bench, service)
}

fn struck(bench: &mut Bench, service: Service, fault: Fault) -> Reply {
    bench.aws.inject(fault, None, Some(1));
    call(bench, service)
}

/// Calls on the bench's key, without further members.
fn on_key(bench: &mut Bench, operation: &str) -> Reply {
    let key = bench.key.clone();
    bench.kms(operation, &json!({"KeyId": key}))
}

#[test]
fn every_refusal_has_its_status_its_code_and_its_text() {
    for (error, service, status, code, text, provoke) in rows::all() {
        let mut bench = Bench::new();
        let reply = provoke(&mut bench);
        let text = text.map(|text| text.replace("<key>", &bench.key));
        assert_eq!(reply.status, status, "{error:?} of {service:?}: {}", reply.body);
        match service {
            Kms => {
                let expected = match text {
                    Some(text) => format!("{{\"__type\":\"{code}\",\"message\":\"{text}\"}}"),
                    None => format!("{{\"__type\":\"{code}\"}}"),
                };
                assert_eq!(reply.body, expected, "{error:?}");
            }
            Sts => {
                let (kind, text) = (if status < 500 { "Sender" } else { "Receiver" }, text.unwrap_or_default());
                let expected = format!(
                    "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>{kind}</Type><Code>{code}</Code><Message>{text}</Message></Error><RequestId>"
                );
                assert!(reply.body.starts_with(&expected), "{error:?}: {}", reply.body);
            }
        }
    }
}

#[test]
fn no_row_of_the_table_is_left_unprovoked() {
    let provoked: BTreeSet<(Error, Service)> = rows::all().iter().map(|row| (row.0, row.1)).collect();
    let stated = Error::ALL.iter().flat_map(|&error| {
        let fact = error.fact();
        [fact.kms.map(|_| (error, Kms)), fact.sts.map(|_| (error, Sts))].into_iter().flatten()
    });
    assert_eq!(provoked, stated.collect());
}

#[test]
fn members_out_of_bounds_are_refused_in_the_words_of_aws() {
    let mut bench = Bench::new();
    let key = bench.key.clone();
    let long_blob = "AAAA".repeat(2049);
    let cases = [
        ("Decrypt", json!({}), "Value at 'ciphertextBlob' failed to satisfy constraint: Member must not be null"),
        (
            "Decrypt",
            json!({"CiphertextBlob": ""}),
            "Value at 'ciphertextBlob' failed to satisfy constraint: Member must have length greater than or equal to 1",
        ),
        (
            "Decrypt",
            json!({"CiphertextBlob": long_blob}),
            "Value at 'ciphertextBlob' failed to satisfy constraint: Member must have length less than or equal to 6144",
        ),
        (
            "DescribeKey",
            json!({"KeyId": null}),
            "Value null at 'keyId' failed to satisfy constraint: Member must not be null",
        ),
        (
            "Encrypt",
            json!({"KeyId": key, "Plaintext": "AA==", "EncryptionAlgorithm": "ROT13"}),
            "Value 'ROT13' at 'encryptionAlgorithm' failed to satisfy constraint: Member must satisfy enum value set: [SYMMETRIC_DEFAULT, RSAES_OAEP_SHA_1, RSAES_OAEP_SHA_256, SM2PKE]",
        ),
    ];
    for (operation, body, what) in cases {
        let expected =
            json!({"__type": "ValidationException", "message": format!("1 validation error detected: {what}")});
        assert_eq!(bench.kms(operation, &body).body, expected.to_string());
    }
}

#[test]
fn members_of_another_type_are_refused_as_unreadable() {
    let mut bench = Bench::new();
    let blob = bench.wrapped();
    let bodies = [
        json!([]),
        json!({"CiphertextBlob": 7}),
        json!({"CiphertextBlob": "not base64!"}),
        json!({"CiphertextBlob": blob, "KeyId": 1}),
        json!({"CiphertextBlob": blob, "EncryptionContext": {"a": 1}}),
        json!({"CiphertextBlob": blob, "DryRun": "yes"}),
    ];
    for body in bodies {
        let reply = bench.kms("Decrypt", &body);
        assert_eq!((reply.status, reply.body.as_str()), (400, r#"{"__type":"SerializationException"}"#), "{body}");
    }
}
