//! Google Cloud KMS: Decrypt, Encrypt, and the state of a key, over its REST interface.
//!
//! A call gets a token for the service account (`assertion`, and the tokens at hand), goes through the endpoints (the
//! failover), and has the answer compared with its checksums (`messages`) or judged (`answers`).
//!
//! Invariant: what is sent names one key by a name that cannot lead elsewhere (`name`), and an answer that names a key
//! counts only if it is that one.

mod answers;
mod assertion;
mod messages;
mod name;

use std::sync::Arc;

use serde::Deserialize;

use self::answers::Caller;
use self::messages::Context;
use self::name::KeyName;
use super::endpoints::{Endpoint, Settings};
use super::failover::{Errand, Failure};
use super::http::{Channel, Deadline, Transport};
use super::rest::{self, Body, Question, Reply};
use super::tokens::{Bearer, Grant, Token, Tokens};
use super::{Call, Class, Description, Kms, KmsError, Wrapped};
use crate::env::{BoxFuture, Env};
use crate::keys::{Credentials, GcpCredentials, Provider, Secret};

/// Where Cloud KMS is without endpoints in the settings: one name for all locations.
const PUBLIC: &str = "https://cloudkms.googleapis.com";

/// Where tokens are given out, unless the credentials or the settings say otherwise.
const TOKENS: &str = "https://oauth2.googleapis.com/token";

/// The grant (RFC 7523, 2.1).
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// Google Cloud KMS as a provider. Keeps tokens, and nothing else, between calls.
#[derive(Debug)]
pub struct GcpKms {
    transport: Arc<Transport>,
    tokens: Tokens,
}

impl GcpKms {
    /// The provider, reached as the settings say.
    pub fn new(env: Env, settings: Settings) -> Self {
        GcpKms { transport: Arc::new(Transport::new(env, settings)), tokens: Tokens::default() }
    }

    /// Asks one thing of the call's key. `ask` makes path and body, `read` takes what is wanted out of a good answer.
    async fn ask<T>(
        &self,
        call: Call<'_>,
        ask: impl Fn(&KeyName) -> (String, Body) + Send + Sync,
        read: impl Fn(&Reply, &KeyName) -> Result<T, Failure> + Send + Sync,
    ) -> Result<T, KmsError> {
        let fail = |class| KmsError::new(class, Provider::Gcp, call.cmk);
        let Credentials::Gcp(credentials) = call.credentials else {
            return Err(fail(Class::ProviderMismatch).because("the credentials at hand are not for Google Cloud"));
        };
        let malformed = |problem: &str| fail(Class::MetadataMalformed).because(problem);
        let key = KeyName::read(call.cmk).ok_or_else(|| {
            malformed("the CMK's name is not projects/PROJECT/locations/LOCATION/keyRings/RING/cryptoKeys/KEY")
        })?;
        let settings = &self.transport.settings;
        let service = TokenService::of(settings, credentials).map_err(|problem| malformed(&problem))?;
        let public;
        let endpoints = match settings.endpoints.as_slice() {
            [] => {
                public = [PUBLIC.parse::<Endpoint>().map_err(|error| malformed(&error.to_string()))?];
                &public[..]
            }
            endpoints => endpoints,
        };
        let deadline = Deadline::after(settings.deadline);
        let errand = Errand {
            transport: &self.transport,
            endpoints,
            only_private: settings.require_private_networking,
            provider: Provider::Gcp,
            cmk: call.cmk,
            deadline,
        };
        let clock = &self.transport.env.clock;
        let bearer = Bearer { name: &credentials.client_email, secret: &credentials.private_key };
        let fetch = || -> BoxFuture<'_, Result<Token, KmsError>> {
            Box::pin(self.token(credentials, &service, call.cmk, deadline))
        };
        let (errand, key, ask, read) = (&errand, &key, &ask, &read);
        let spend = |token| -> BoxFuture<'_, Result<T, KmsError>> {
            Box::pin(async move {
                let token = &token;
                let send = |channel: Channel| -> BoxFuture<'_, Result<T, Failure>> {
                    Box::pin(async move {
                        let (path, body) = ask(key);
                        let reply = rest::ask(&channel, Question { path: &path, bearer: Some(token), body }).await?;
                        if reply.is_success() {
                            return read(&reply, key);
                        }
                        Err(answers::of_kms(&reply, Caller { credentials, secret: token }))
                    })
                };
                errand.run(send).await
            })
        };
        self.tokens.run(clock, bearer, fetch, spend).await
    }

    async fn token(
        &self,
        credentials: &GcpCredentials,
        service: &TokenService,
        cmk: &str,
        deadline: Deadline,
    ) -> Result<Token, KmsError> {
        let clock = &self.transport.env.clock;
        let assertion = &assertion::signed(credentials, &service.audience, clock.now())
            .map_err(|problem| KmsError::new(Class::MetadataMalformed, Provider::Gcp, cmk).because(problem))?;
        let grant = Grant {
            transport: &self.transport,
            provider: Provider::Gcp,
            cmk,
            endpoint: service.endpoint.clone(),
            path: &service.path,
            form: &[("grant_type", JWT_BEARER), ("assertion", assertion.expose())],
            what: format!("a token for the {}", answers::account(credentials)),
            deadline,
        };
        let caller = Caller { credentials, secret: assertion };
        grant.fetch(|reply| answers::of_tokens(reply, caller, clock.as_ref())).await
    }
}

impl Kms for GcpKms {
    fn provider(&self) -> Provider {
        Provider::Gcp
    }

    fn wrap<'a>(&'a self, call: Call<'a>, plaintext: &'a Secret) -> BoxFuture<'a, Result<Wrapped, KmsError>> {
        Box::pin(async move {
            let context = Context::of(call.context);
            let ask = |key: &KeyName| (key.path(Some("encrypt")), messages::encrypt(plaintext, &context));
            self.ask(call, ask, |reply, key| messages::encrypted(reply, key, &context)).await.map(Wrapped::from)
        })
    }

    fn unwrap<'a>(&'a self, call: Call<'a>, ciphertext: &'a [u8]) -> BoxFuture<'a, Result<Secret, KmsError>> {
        Box::pin(async move {
            let context = Context::of(call.context);
            let ask = |key: &KeyName| (key.path(Some("decrypt")), messages::decrypt(ciphertext, &context));
            self.ask(call, ask, |reply, _| messages::decrypted(reply)).await
        })
    }

    /// Looks at the version that new ciphertexts are made with. Older versions have states of their own: whether a
    /// wrapped key opens is shown by opening it.
    fn describe<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Description, KmsError>> {
        Box::pin(self.ask(call, |key| (key.path(None), Body::Nothing), described))
    }
}

/// A key, as far as it is looked at (Cloud KMS, resource `CryptoKey`).
#[derive(Deserialize)]
struct CryptoKey {
    #[serde(default)]
    name: String,
    primary: Option<Primary>,
}

#[derive(Deserialize)]
struct Primary {
    state: String,
}

fn described(reply: &Reply, key: &KeyName) -> Result<Description, Failure> {
    let answer: CryptoKey = reply.expect()?;
    if !key.is(&answer.name) {
        return Err(reply.senseless("the answer is of another key"));
    }
    // A key may be without a primary version: it then encrypts nothing, and Google has no word for that.
    let state = answer.primary.map_or_else(|| "without a primary version".to_owned(), |primary| primary.state);
    Ok(Description { name: answer.name, usable: state == "ENABLED", state })
}

/// Where a token is asked for, and for whom the assertion is meant.
#[derive(Debug)]
struct TokenService {
    endpoint: Endpoint,
    path: String,
    audience: String,
}

impl TokenService {
    /// The audience and the path are those of the credentials also where the settings name another way to get there.
    fn of(settings: &Settings, credentials: &GcpCredentials) -> Result<Self, String> {
        let audience = credentials.token_uri.as_deref().unwrap_or(TOKENS);
        let wrong = || format!("token_uri is not of the form https://HOST/PATH, as {TOKENS} is");
        let (scheme, rest) = audience.split_once("://").ok_or_else(wrong)?;
        let (host, path) = rest.split_once('/').map_or((rest, ""), |(host, path)| (host, path));
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
        // A comma would begin the options of an endpoint.
        if !matches!(scheme, "https" | "http") || host.contains(',') || !path.bytes().all(plain) {
            return Err(wrong());
        }
        let own: Endpoint = format!("{scheme}://{host}").parse().map_err(|_| wrong())?;
        let endpoint = settings.token_endpoint.clone().unwrap_or(own);
        Ok(TokenService { endpoint, path: format!("/{path}"), audience: audience.to_owned() })
    }
}
