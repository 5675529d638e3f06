//! Every row of the table of refusals, provoked through the front door.

mod rows;

use std::collections::BTreeSet;

use bytes::Bytes;
use http::{Method, Request};
use serde_json::json;

use super::{Bench, MASTER_KEY, Reply, crypt_body, now};
use crate::clouds::azure::{Error, Fault, Service};

/// What is expected: the row, status, codes (outer and inner of Key Vault, `error` and number of the token service), text.
/// `<caller>` stands for how refusals speak of the bench's application, `<tenant>` and `<client>` for its ids.
type Row = (Error, u16, (&'static str, &'static str), &'static str, fn(&mut Bench) -> Reply);

fn decrypt(bench: &mut Bench, body: &str) -> Reply {
    bench.vault(Method::POST, "/keys/master//decrypt", body)
}

fn from_outside(bench: &mut Bench) -> Reply {
    bench.arrival.private = false;
    bench.open()
}

fn struck(bench: &mut Bench, error: Error) -> Reply {
    bench.azure.inject(Fault::Answer(error), None, Some(1));
    match error.fact().service {
        Service::KeyVault => bench.open(),
        Service::Entra => bench.ask_well(),
    }
}

fn asked_with(bench: &mut Bench, from: &str, to: &str) -> Reply {
    let form = bench.form();
    assert!(form.contains(from), "{form}");
    bench.ask(&form.replace(from, to))
}

/// How refusals speak of the bench's application.
fn caller(bench: &Bench) -> String {
    let object_id = bench.azure.directory.named("atlas").map(|known| known.object_id.clone()).unwrap_or_default();
    let (client, tenant) = (&bench.application.client_id, &bench.application.tenant_id);
    format!("appid={client};oid={object_id};iss=https://sts.windows.net/{tenant}/")
}

#[test]
fn every_refusal_has_its_status_its_codes_and_its_text() {
    for (error, status, (code, more), text, provoke) in rows::all() {
        let mut bench = Bench::new();
        let caller = caller(&bench);
        let reply = provoke(&mut bench);
        assert_eq!(reply.status, status, "{error:?}: {}", reply.body);
        let text = text.replace("<caller>", &caller);
        let text = text.replace("<tenant>", &bench.application.tenant_id);
        let text = text.replace("<client>", &bench.application.client_id);
        let body = reply.json();
        match error.fact().service {
            Service::KeyVault => {
                let mut expected = json!({"error": {"code": code, "message": text}});
                if !more.is_empty() {
                    expected["error"]["innererror"] = json!({"code": more});
                }
                assert_eq!(body, expected, "{error:?}");
            }
            Service::Entra => {
                let trace_id = body["trace_id"].as_str().unwrap();
                let correlation_id = body["correlation_id"].as_str().unwrap();
                let timestamp = "2026-11-22 03:22:01Z";
                let description = format!(
                    "AADSTS{more}: {text}\r\nTrace ID: {trace_id}\r\nCorrelation ID: {correlation_id}\r\nTimestamp: {timestamp}"
                );
                let expected = json!({
                    "error": code,
                    "error_description": description,
                    "error_codes": [more.parse::<u32>().unwrap()],
                    "timestamp": timestamp,
                    "trace_id": trace_id,
                    "correlation_id": correlation_id,
                    "error_uri": format!("https://login.microsoftonline.com/error?code={more}"),
                });
                assert_eq!(body, expected, "{error:?}");
            }
        }
    }
}

#[test]
fn no_row_of_the_table_is_left_unprovoked() {
    let provoked: BTreeSet<Error> = rows::all().iter().map(|row| row.0).collect();
    assert_eq!(provoked, Error::ALL.iter().copied().collect());
}

#[test]
fn bodies_out_of_shape_are_refused_as_bad_parameters() {
    let mut bench = Bench::new();
    let kid = bench.kid.clone();
    let (_, blob) = bench.azure.encrypt_directly("master", MASTER_KEY).unwrap();
    let mut damaged = blob.clone();
    damaged[100] ^= 1;
    for value in [&blob[..255], &[&blob[..], &[0]].concat(), b"", &damaged] {
        assert_eq!(bench.crypt("decrypt", &kid, value).code(), "BadParameter");
    }
    for body in ["", "[]", "{", r#"{"alg":1,"value":""}"#, r#"{"alg":"RSA-OAEP-256","value":null}"#] {
        assert_eq!(decrypt(&mut bench, body).code(), "BadParameter", "{body}");
    }
}

#[test]
fn a_caller_who_names_its_request_finds_that_name_again() {
    let mut bench = Bench::new();
    let mut request = bench.token_request(&bench.application.tenant_id, "");
    let name = "6b2f4b0f-4f5e-4c1a-9d6e-0d5a3c9f2e11";
    request.headers_mut().insert("client-request-id", name.parse().unwrap());
    assert_eq!(bench.send(&request).json()["correlation_id"], name);
}
