//! Who may call: service accounts, their keys, and the access tokens that the project has given out.
//!
//! Invariant: a private key leaves this file only in [`IssuedKey`], a token only when it is given out; both are shown to
//! nobody afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use super::assertion::Assertion;
use super::errors::{Error, Refusal};
use super::rsa_keys::{RsaKey, RsaKeys};
use super::{PROJECT, TOKEN_URI};
use crate::clouds::seeds::{DECIMAL, Seed};
use crate::trace::hex;

/// How long a token lives (guide to OAuth 2.0 for service accounts).
pub(super) const LIFETIME: Duration = Duration::from_secs(60 * 60);
/// The scopes with which Cloud KMS may be called (REST reference, "Authorization scopes").
const KMS_SCOPES: [&str; 2] =
    ["https://www.googleapis.com/auth/cloud-platform", "https://www.googleapis.com/auth/cloudkms"];
/// Scopes of other services, of which a token may be as well.
const OTHER_SCOPES: [&str; 2] =
    ["https://www.googleapis.com/auth/devstorage.read_only", "https://www.googleapis.com/auth/userinfo.email"];

/// A key of a service account, as the console gives it out once.
#[derive(Clone, PartialEq, Eq)]
pub struct IssuedKey {
    /// The account, `NAME@PROJECT.iam.gserviceaccount.com`.
    pub email: String,
    /// `private_key_id`: 40 hexadecimal digits.
    pub key_id: String,
    /// `private_key`: PEM (PKCS #8).
    pub private_key: String,
    /// The whole file.
    pub json: String,
}

impl fmt::Debug for IssuedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IssuedKey({}, {})", self.email, shortened(&self.key_id))
    }
}

/// The file in the order in which the console writes it.
#[derive(Serialize)]
struct KeyFile<'a> {
    r#type: &'static str,
    project_id: &'static str,
    private_key_id: &'a str,
    private_key: &'a str,
    client_email: &'a str,
    client_id: &'a str,
    auth_uri: &'static str,
    token_uri: &'static str,
    auth_provider_x509_cert_url: &'static str,
    client_x509_cert_url: String,
    universe_domain: &'static str,
}

/// A service account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Account {
    /// The name by which policies know it.
    pub(super) name: String,
    pub(super) email: String,
    client_id: String,
    disabled: bool,
}

struct AccountKey {
    account: String,
    public: &'static [u8],
}

struct Token {
    account: String,
    scopes: BTreeSet<String>,
    expires: Option<SystemTime>,
}

/// Everybody whom the project knows.
pub(super) struct Accounts {
    seed: Seed,
    rsa_keys: RsaKeys,
    /// By name.
    accounts: BTreeMap<String, Account>,
    /// By id.
    keys: BTreeMap<String, AccountKey>,
    tokens: BTreeMap<String, Token>,
    /// How many keys and tokens each account has been given, so that the next ones are new.
    issued: BTreeMap<String, u32>,
}

impl Accounts {
    pub(super) fn new(seed: &Seed) -> Self {
        Accounts {
            seed: seed.clone(),
            rsa_keys: RsaKeys::default(),
            accounts: BTreeMap::new(),
            keys: BTreeMap::new(),
            tokens: BTreeMap::new(),
            issued: BTreeMap::new(),
        }
    }

    /// The account of that name, which comes into being if it must.
    fn account(&mut self, name: &str) -> Account {
        let seed = &self.seed;
        let account = self.accounts.entry(name.to_owned()).or_insert_with(|| Account {
            name: name.to_owned(),
            email: format!("{name}@{PROJECT}.iam.gserviceaccount.com"),
            client_id: format!("1{}", seed.stream(&format!("account/{name}")).text(20, DECIMAL)),
            disabled: false,
        });
        account.clone()
    }

    /// Whether there is such an account.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.accounts.contains_key(name)
    }

    /// Gives an account one more key. The caller has to tell the trace of it.
    pub(super) fn issue_key(&mut self, name: &str) -> (IssuedKey, RsaKey) {
        let account = self.account(name);
        let rsa = self.rsa_keys.next();
        let key_id = hex(&self.next("key", name).bytes::<20>());
        self.keys.insert(key_id.clone(), AccountKey { account: name.to_owned(), public: rsa.public() });
        let file = KeyFile {
            r#type: "service_account",
            project_id: PROJECT,
            private_key_id: &key_id,
            private_key: rsa.pem(),
            client_email: &account.email,
            client_id: &account.client_id,
            auth_uri: "https://accounts.google.com/o/oauth2/auth",
            token_uri: TOKEN_URI,
            auth_provider_x509_cert_url: "https://www.googleapis.com/oauth2/v1/certs",
            client_x509_cert_url: format!(
                "https://www.googleapis.com/robot/v1/metadata/x509/{}",
                account.email.replace('@', "%40")
            ),
            universe_domain: "googleapis.com",
        };
        let json = serde_json::to_string_pretty(&file).expect("a key file is plain data") + "\n";
        (IssuedKey { email: account.email, key_id, private_key: rsa.pem().to_owned(), json }, rsa)
    }

    /// Gives out a token. The caller has to tell the trace of it.
    pub(super) fn issue_token(&mut self, name: &str, scopes: &[&str], expires: Option<SystemTime>) -> String {
        self.account(name);
        let value = format!("ya29.c.{}", URL_SAFE_NO_PAD.encode(self.next("token", name).bytes::<96>()));
        let scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
        self.tokens.insert(value.clone(), Token { account: name.to_owned(), scopes, expires });
        value
    }

    /// The stream of an account's next key or token.
    fn next(&mut self, kind: &str, name: &str) -> crate::clouds::seeds::Stream {
        let thing = format!("{kind}/{name}");
        let count = self.issued.entry(thing.clone()).or_default();
        *count += 1;
        self.seed.stream(&format!("{thing}/{count}"))
    }

    /// Deletes a key; tells whether there was one. Tokens that it brought live on, as Google's do.
    pub(super) fn revoke(&mut self, key_id: &str) -> bool {
        self.keys.remove(key_id).is_some()
    }

    /// Ends all tokens of an account that would still be valid then.
    pub(super) fn expire_tokens(&mut self, name: &str, at: SystemTime) {
        for token in self.tokens.values_mut().filter(|token| token.account == name) {
            token.expires = Some(token.expires.map_or(at, |expires| expires.min(at)));
        }
    }

    /// Disables or enables an account; tells whether there is one.
    pub(super) fn set_disabled(&mut self, name: &str, disabled: bool) -> bool {
        self.accounts.get_mut(name).map(|account| account.disabled = disabled).is_some()
    }

    /// Deletes an account with its keys; tells whether there was one.
    pub(super) fn remove(&mut self, name: &str) -> bool {
        self.keys.retain(|_, key| key.account != name);
        self.accounts.remove(name).is_some()
    }

    /// Verifies an assertion, and tells for which account and scopes a token is due.
    pub(super) fn verify<'a>(
        &self,
        assertion: &'a Assertion<'_>,
        now: SystemTime,
    ) -> Result<(Account, Vec<&'a str>), Refusal> {
        let account = self.accounts.values().find(|account| account.email == assertion.issuer());
        let account = account.ok_or(Error::AccountNotFound)?;
        let named = |id: &str| assertion.key_id.as_deref().is_none_or(|named| named == id);
        let mut own = self.keys.iter().filter(|(id, key)| key.account == account.name && named(id));
        if !own.any(|(_, key)| assertion.is_signed_by(key.public)) {
            return Err(Error::SignatureInvalid.into());
        }
        if account.disabled {
            return Err(Error::AccountDisabled.into());
        }
        assertion.check(now)?;
        let scopes: Vec<&str> = assertion.scopes().collect();
        if scopes.is_empty() {
            return Err(Error::ScopeMissing.into());
        }
        let known = |scope: &&str| KMS_SCOPES.contains(scope) || OTHER_SCOPES.contains(scope);
        if !scopes.iter().all(known) {
            return Err(Error::ScopeInvalid.into());
        }
        Ok((account.clone(), scopes))
    }

    /// Whose token that is, if it may call Cloud KMS now.
    pub(super) fn authenticate(&self, token: &str, now: SystemTime) -> Result<Account, Error> {
        let token = self.tokens.get(token).ok_or(Error::TokenInvalid)?;
        if token.expires.is_some_and(|expires| now >= expires) {
            return Err(Error::TokenExpired);
        }
        let account = self.accounts.get(&token.account).filter(|account| !account.disabled);
        let account = account.ok_or(Error::AccountInvalid)?;
        if !KMS_SCOPES.iter().any(|scope| token.scopes.contains(*scope)) {
            return Err(Error::ScopeInsufficient);
        }
        Ok(account.clone())
    }
}

/// A key's id as a trace may show it.
pub(super) fn shortened(key_id: &str) -> String {
    match (key_id.get(..4), key_id.get(key_id.len().saturating_sub(4)..)) {
        (Some(head), Some(tail)) if key_id.len() > 8 => format!("{head}…{tail}"),
        _ => "…".to_owned(),
    }
}
