//! Tests of the fake Azure through its one door, [`Cloud::handle`], with requests as the documentation writes them.

mod access;
mod behaviour;
mod faults;
mod refusals;
mod states;
mod tokens;
mod versions;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{Method, Request, Response};
use serde_json::{Value, json};

use super::{Azure, IssuedCredentials};
use crate::clouds::{Action, Arrival, Cloud, Handled};
use crate::trace::Trace;

/// 2026-11-22T03:22:01Z.
pub(super) fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_795_317_721)
}

pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const DAY: Duration = Duration::from_secs(86_400);
pub(super) const MASTER_KEY: &[u8] = b"a master key of thirty-two bytes";

/// A tenant with one vault, one key, one application, and somebody who calls.
pub(super) struct Bench {
    pub(super) azure: Azure,
    pub(super) trace: Trace,
    /// The id of the key's first version.
    pub(super) kid: String,
    pub(super) application: IssuedCredentials,
    /// With what the next calls come.
    pub(super) token: Option<String>,
    pub(super) arrival: Arrival,
}

/// An answer as a client reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: String,
}

impl Reply {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.body))
    }

    /// The innermost code of an error of Key Vault, the number of one of the token service, or `ok`.
    pub(super) fn code(&self) -> String {
        if self.status < 300 {
            return "ok".to_owned();
        }
        let body = self.json();
        let error = &body["error"];
        let number = body["error_codes"][0].as_u64().map(|number| format!("AADSTS{number}"));
        let inner = error["innererror"]["code"].as_str().or(error["code"].as_str()).map(str::to_owned);
        number.or(inner).unwrap_or_else(|| panic!("no code: {}", self.body))
    }
}

impl Bench {
    pub(super) fn new() -> Self {
        Bench::seeded([7; 32])
    }

    pub(super) fn seeded(seed: [u8; 32]) -> Self {
        let trace = Trace::new(b"fingerprint key", || Duration::ZERO);
        let mut azure = Azure::new("eastus", "kmiplab", seed, now() - DAY, trace.clone());
        let kid = azure.add_key("master");
        let application = azure.add_application("atlas");
        let token = azure.add_token("atlas", now() + DAY * 365, now()).unwrap();
        let arrival = Arrival { at: now(), via: "private-a".to_owned(), private: true };
        Bench { azure, trace, kid, application, token: Some(token), arrival }
    }

    pub(super) fn handle(&mut self, request: &Request<Bytes>) -> Handled {
        self.azure.handle(&self.arrival, request)
    }

    pub(super) fn respond(&mut self, request: &Request<Bytes>) -> Response<Bytes> {
        match self.handle(request).action {
            Action::Respond(response) => response,
            other => panic!("not an answer: {other:?}"),
        }
    }

    pub(super) fn send(&mut self, request: &Request<Bytes>) -> Reply {
        let response = self.respond(request);
        let body = String::from_utf8(response.body().to_vec()).unwrap();
        Reply { status: response.status().as_u16(), body }
    }

    /// A request to the vault: method and path, with the API's version and the token.
    pub(super) fn vault_request(&self, method: Method, path: &str, body: &str) -> Request<Bytes> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{path}?api-version=7.4"))
            .header("host", "kmiplab.vault.azure.net")
            .header("accept", "application/json");
        if !body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        request.body(Bytes::from(body.to_owned())).unwrap()
    }

    pub(super) fn vault(&mut self, method: Method, path: &str, body: &str) -> Reply {
        let request = self.vault_request(method, path, body);
        self.send(&request)
    }

    pub(super) fn get(&mut self, path: &str) -> Reply {
        self.vault(Method::GET, path, "")
    }

    /// `decrypt`, `encrypt`, `wrapkey` or `unwrapkey` with bytes, by the id of a version.
    pub(super) fn crypt(&mut self, verb: &str, kid: &str, value: &[u8]) -> Reply {
        let path = format!("{}/{verb}", path(kid));
        self.vault(Method::POST, &path, &crypt_body(value))
    }

    /// Opens what was wrapped with the newest version.
    pub(super) fn open(&mut self) -> Reply {
        let (kid, blob) = self.azure.encrypt_directly("master", MASTER_KEY).unwrap();
        self.crypt("decrypt", &kid, &blob)
    }

    /// The form that the documentation of the client credentials grant shows.
    pub(super) fn form(&self) -> String {
        let IssuedCredentials { client_id, client_secret, .. } = &self.application;
        let secret = client_secret.replace('~', "%7E");
        format!(
            "client_id={client_id}&scope=https%3A%2F%2Fvault.azure.net%2F.default&client_secret={secret}&grant_type=client_credentials"
        )
    }

    pub(super) fn token_request(&self, tenant: &str, form: &str) -> Request<Bytes> {
        Request::post(format!("/{tenant}/oauth2/v2.0/token"))
            .header("host", "login.microsoftonline.com")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Bytes::from(form.to_owned()))
            .unwrap()
    }

    /// Asks the token service with a form of its own.
    pub(super) fn ask(&mut self, form: &str) -> Reply {
        let request = self.token_request(&self.application.tenant_id, form);
        self.send(&request)
    }

    /// Asks for a token as a client does.
    pub(super) fn ask_well(&mut self) -> Reply {
        let form = self.form();
        self.ask(&form)
    }

    pub(super) fn at(&mut self, at: SystemTime) {
        self.arrival.at = at;
    }
}

/// The path of a key or of a version in its id.
pub(super) fn path(kid: &str) -> &str {
    kid.strip_prefix("https://kmiplab.vault.azure.net").unwrap()
}

pub(super) fn crypt_body(value: &[u8]) -> String {
    json!({"alg": "RSA-OAEP-256", "value": URL_SAFE_NO_PAD.encode(value)}).to_string()
}

/// The bytes in an answer's `value`.
pub(super) fn value(reply: &Reply) -> Vec<u8> {
    assert_eq!(reply.status, 200, "{}", reply.body);
    URL_SAFE_NO_PAD.decode(reply.json()["value"].as_str().unwrap()).unwrap()
}
