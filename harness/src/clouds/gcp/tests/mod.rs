//! Tests of the fake Google Cloud through its one door, [`Cloud::handle`], with requests as Google's documentation writes
//! them.
//!
//! Assertions are signed here with the key of the file that the project gave out; `tokens` has one that OpenSSL signed.

mod access;
mod behaviour;
mod faults;
mod refusals;
mod states;
mod tokens;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::Request;
use ring::rsa::KeyPair;
use ring::signature::RSA_PKCS1_SHA256;
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use super::{Gcp, IssuedKey};
use crate::clouds::{Action, Arrival, Cloud, Handled};
use crate::trace::Trace;

/// 2026-11-22T03:22:01Z.
pub(super) fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(NOW)
}

pub(super) const NOW: u64 = 1_795_317_721;
pub(super) const DAY: Duration = Duration::from_secs(24 * 60 * 60);
pub(super) const KMS_HOST: &str = "cloudkms.googleapis.com";
pub(super) const OAUTH_HOST: &str = "oauth2.googleapis.com";
pub(super) const MASTER_KEY: &[u8] = b"a master key of thirty-two bytes";
pub(super) const KEY: &str = "projects/kmiplab-project/locations/europe-west3/keyRings/atlas/cryptoKeys/master";
pub(super) const EMAIL: &str = "atlas@kmiplab-project.iam.gserviceaccount.com";
const GRANT: &str = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer";

/// A project with one key, one service account, and a token of it.
pub(super) struct Bench {
    pub(super) gcp: Gcp,
    pub(super) trace: Trace,
    pub(super) account: IssuedKey,
    /// With what the next calls are made.
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
    /// The body, which has to be JSON.
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// A member of an answer that went well.
    pub(super) fn member(&self, name: &str) -> String {
        assert_eq!(self.status, 200, "{}", self.body);
        self.json()[name].as_str().unwrap_or_default().to_owned()
    }

    /// The text of a refusal of Cloud KMS; `ok` if it is none.
    pub(super) fn message(&self) -> String {
        self.json()["error"]["message"].as_str().unwrap_or("ok").to_owned()
    }
}

impl Bench {
    pub(super) fn new() -> Self {
        Bench::seeded([7; 32])
    }

    pub(super) fn seeded(seed: [u8; 32]) -> Self {
        let trace = Trace::new(b"fingerprint key", || Duration::ZERO);
        let mut gcp = Gcp::new("europe-west3", seed, now() - DAY, trace.clone());
        assert_eq!(gcp.add_key("master"), KEY);
        let account = gcp.add_account_key("atlas");
        let token = Some(gcp.add_token("atlas", None));
        let arrival = Arrival { at: now(), via: "psc-a".to_owned(), private: true };
        Bench { gcp, trace, account, token, arrival }
    }

    pub(super) fn handle(&mut self, request: &Request<Bytes>) -> Handled {
        self.gcp.handle(&self.arrival, request)
    }

    pub(super) fn send(&mut self, request: &Request<Bytes>) -> Reply {
        reply(self.handle(request).action)
    }

    /// A request to Cloud KMS with the bench's token: a GET where there is no body.
    pub(super) fn request(&self, path: &str, body: Option<&Value>) -> Request<Bytes> {
        let builder = if body.is_some() { Request::post(path) } else { Request::get(path) };
        let mut builder = builder.header("host", KMS_HOST).header("content-type", "application/json");
        if let Some(token) = &self.token {
            builder = builder.header("authorization", format!("Bearer {token}"));
        }
        builder.body(Bytes::from(body.map(Value::to_string).unwrap_or_default())).unwrap()
    }

    pub(super) fn post(&mut self, name: &str, body: &Value) -> Reply {
        let request = self.request(&format!("/v1/{name}"), Some(body));
        self.send(&request)
    }

    pub(super) fn get(&mut self, name: &str) -> Reply {
        let request = self.request(&format!("/v1/{name}"), None);
        self.send(&request)
    }

    pub(super) fn decrypt(&mut self, blob: &str) -> Reply {
        self.post(&format!("{KEY}:decrypt"), &json!({"ciphertext": blob}))
    }

    pub(super) fn encrypt(&mut self, plaintext: &[u8]) -> Reply {
        self.post(&format!("{KEY}:encrypt"), &json!({"plaintext": STANDARD.encode(plaintext)}))
    }

    /// A ciphertext of the master key, made without a call.
    pub(super) fn wrapped(&mut self) -> String {
        STANDARD.encode(self.gcp.encrypt_directly("master", MASTER_KEY, b"").unwrap())
    }

    /// The claims of an assertion as the guide has them, for five minutes from now.
    pub(super) fn claims(&self) -> Value {
        let at = self.arrival.at.duration_since(UNIX_EPOCH).unwrap().as_secs();
        json!({
            "iss": self.account.email,
            "aud": "https://oauth2.googleapis.com/token",
            "scope": "https://www.googleapis.com/auth/cloudkms",
            "iat": at,
            "exp": at + 300,
        })
    }

    /// Asks for a token with these claims, signed with the key of the account's file.
    pub(super) fn ask(&mut self, claims: &Value) -> Reply {
        let assertion = signed(&json!({"alg": "RS256", "typ": "JWT"}), claims, &self.account.private_key);
        self.ask_with(&assertion)
    }

    pub(super) fn ask_with(&mut self, assertion: &str) -> Reply {
        self.post_form(&format!("grant_type={GRANT}&assertion={assertion}"))
    }

    pub(super) fn post_form(&mut self, form: &str) -> Reply {
        let request = form_request(form);
        self.send(&request)
    }
}

pub(super) fn form_request(form: &str) -> Request<Bytes> {
    Request::post("/token")
        .header("host", OAUTH_HOST)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::from(form.to_owned()))
        .unwrap()
}

/// A JWT.
#[expect(clippy::disallowed_methods, reason = "ring blinds with it; RS256 signs the same whatever it draws")]
pub(super) fn signed(header: &Value, claims: &Value, pem: &str) -> String {
    let text = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string())).join(".");
    let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).unwrap();
    let pair = KeyPair::from_pkcs8(der.secret_pkcs8_der()).unwrap();
    let mut signature = vec![0; pair.public().modulus_len()];
    let random = ring::rand::SystemRandom::new();
    pair.sign(&RSA_PKCS1_SHA256, &random, text.as_bytes(), &mut signature).unwrap();
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

pub(super) fn reply(action: Action) -> Reply {
    match action {
        Action::Respond(response) => {
            Reply { status: response.status().as_u16(), body: String::from_utf8(response.body().to_vec()).unwrap() }
        }
        other => panic!("not an answer: {other:?}"),
    }
}
