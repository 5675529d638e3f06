//! Azure Key Vault: decrypt, encrypt, and GET of a key, as REST calls to the data plane.
//!
//! A call checks the names it would send (`named`), gets a token from Microsoft Entra ID (`entra`) unless one is kept,
//! goes through the endpoints of the key's vault (the failover), and has the answer judged (`answers`).
//!
//! A ciphertext of Azure does not name the version of the key that made it, and each version is an RSA key of its own.
//! So the version that a wrap was answered with is given back, to be kept beside the wrapped key.
//!
//! Invariant: an answer counts only if its `kid` is the key that was asked for.

mod answers;
mod entra;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use zeroize::Zeroizing;

use self::answers::Judge;
use super::endpoints::{Endpoint, Settings};
use super::failover::{Errand, Failure};
use super::http::{Deadline, Transport};
use super::rest::{self, Body, Question, Reply, path_part};
use super::tokens::{Bearer, Tokens};
use super::{Call, Class, Description, Kms, KmsError, Wrapped};
use crate::env::{BoxFuture, Env};
use crate::keys::{AzureCredentials, AzureEnvironment, Credentials, Provider, Secret, SecretText, VaultKey};

/// The version of the REST interface ("Azure Key Vault REST API", keys, 7.4).
const API_VERSION: &str = "7.4";

/// RSA-OAEP with SHA-256 (RFC 7518, 4.3): what MongoDB's drivers use with Azure, and no other algorithm.
const ALGORITHM: &str = "RSA-OAEP-256";

/// Azure Key Vault as a provider. Keeps tokens, and nothing else, between calls.
#[derive(Debug)]
pub struct AzureKms {
    transport: Arc<Transport>,
    tokens: Tokens,
}

/// What is asked of a vault.
#[derive(Clone, Copy)]
enum Task<'a> {
    Wrap(&'a Secret),
    Unwrap(&'a [u8]),
    Describe,
}

impl Task<'_> {
    /// The verb in the path. Atlas asks for the permissions `encrypt` and `decrypt`; a vault that grants `wrapKey` and
    /// `unwrapKey` instead (as those of disk and database encryption do) opens the same ciphertexts by those names.
    fn verb(self, unwrap_key: bool) -> Option<&'static str> {
        match (self, unwrap_key) {
            (Task::Wrap(_), false) => Some("encrypt"),
            (Task::Wrap(_), true) => Some("wrapkey"),
            (Task::Unwrap(_), false) => Some("decrypt"),
            (Task::Unwrap(_), true) => Some("unwrapkey"),
            (Task::Describe, _) => None,
        }
    }

    fn path(self, key: &VaultKey, unwrap_key: bool) -> String {
        // An empty version asks for the newest one.
        let version = key.version.as_deref().map(path_part).unwrap_or_default();
        let verb = self.verb(unwrap_key).map(|verb| format!("/{verb}")).unwrap_or_default();
        format!("/keys/{}/{version}{verb}?api-version={API_VERSION}", path_part(&key.name))
    }

    fn body(self) -> Body {
        let value = match self {
            Task::Wrap(plaintext) => Zeroizing::new(URL_SAFE_NO_PAD.encode(plaintext.expose())),
            Task::Unwrap(ciphertext) => Zeroizing::new(URL_SAFE_NO_PAD.encode(ciphertext)),
            Task::Describe => return Body::Nothing,
        };
        Body::json(&Parameters { alg: ALGORITHM, value: &value })
    }
}

/// The body of encrypt, decrypt, wrapKey and unwrapKey.
#[derive(Serialize)]
struct Parameters<'a> {
    alg: &'static str,
    value: &'a str,
}

impl AzureKms {
    /// The provider, reached as the settings say.
    pub fn new(env: Env, settings: Settings) -> Self {
        AzureKms { transport: Arc::new(Transport::new(env, settings)), tokens: Tokens::default() }
    }

    /// Asks the key's vault, and has a good answer read.
    async fn ask<T: Send>(
        &self,
        call: Call<'_>,
        task: Task<'_>,
        read: fn(&Reply, &VaultKey) -> Result<T, Failure>,
    ) -> Result<T, KmsError> {
        let fail = |why: String| KmsError::new(Class::MetadataMalformed, Provider::Azure, call.cmk).because(why);
        let Credentials::Azure(credentials) = call.credentials else {
            return Err(KmsError::new(Class::ProviderMismatch, Provider::Azure, call.cmk)
                .because("the credentials at hand are not for Azure"));
        };
        let key = named(call.cmk, credentials).map_err(fail)?;
        let settings = &self.transport.settings;
        let endpoints = endpoints(settings, &key, credentials.environment).map_err(fail)?;
        let deadline = Deadline::after(settings.deadline);
        let errand = Errand {
            transport: &self.transport,
            endpoints: &endpoints,
            only_private: settings.require_private_networking,
            provider: Provider::Azure,
            cmk: call.cmk,
            deadline,
        };
        let path = task.path(&key, settings.azure_unwrap_key);
        let fetch = || entra::token(&self.transport, credentials, call.cmk, deadline);
        let spend = |token: SecretText| -> BoxFuture<'_, Result<T, KmsError>> {
            let (errand, path, key) = (&errand, &path, &key);
            Box::pin(async move {
                let send = errand.run(|channel| {
                    let token = token.clone();
                    Box::pin(async move {
                        let question = Question { path, bearer: Some(&token), body: task.body() };
                        let reply = rest::ask(&channel, question).await?;
                        if reply.is_success() {
                            return read(&reply, key);
                        }
                        let clock = &*channel.transport.env.clock;
                        let judge = Judge { clock, token: &token, secret: &credentials.client_secret };
                        Err(judge.refusal(&reply, task, key))
                    })
                });
                send.await
            })
        };
        // One application asks for tokens in one directory of one cloud.
        let name = format!("{:?} {} {}", credentials.environment, credentials.tenant_id, credentials.client_id);
        let bearer = Bearer { name: &name, secret: &credentials.client_secret };
        self.tokens.run(&self.transport.env.clock, bearer, fetch, spend).await
    }
}

impl Kms for AzureKms {
    fn provider(&self) -> Provider {
        Provider::Azure
    }

    fn wrap<'a>(&'a self, call: Call<'a>, plaintext: &'a Secret) -> BoxFuture<'a, Result<Wrapped, KmsError>> {
        Box::pin(self.ask(call, Task::Wrap(plaintext), answers::wrapped))
    }

    fn unwrap<'a>(&'a self, call: Call<'a>, ciphertext: &'a [u8]) -> BoxFuture<'a, Result<Secret, KmsError>> {
        Box::pin(self.ask(call, Task::Unwrap(ciphertext), answers::opened))
    }

    fn describe<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Description, KmsError>> {
        Box::pin(async move {
            let (mut description, seen) = self.ask(call, Task::Describe, answers::described).await?;
            let unwrap_key = self.transport.settings.azure_unwrap_key;
            seen.tell(&mut description, if unwrap_key { "unwrapKey" } else { "decrypt" }, &*self.transport.env.clock);
            Ok(description)
        })
    }
}

/// The key in its parts, once nothing in it or in the credentials can lead a token astray.
fn named(cmk: &str, credentials: &AzureCredentials) -> Result<VaultKey, String> {
    let key = VaultKey::read(cmk)
        .ok_or("the CMK is no key identifier of Azure, such as https://VAULT.vault.azure.net/keys/NAME/VERSION")?;
    let domain = vaults(credentials.environment);
    if !in_domain(&key.host, domain) {
        return Err(format!(
            "the vault {} is not one of VAULT.{domain}, where the vaults of azureEnvironment {} are",
            key.host,
            credentials.environment.as_str()
        ));
    }
    let part = |text: &str| {
        (1..=253).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.')
            && !text.starts_with('.')
    };
    if !part(&credentials.tenant_id) {
        return Err("tenantID must be the directory's id or domain: letters, digits, hyphens, and dots".to_owned());
    }
    if !part(&credentials.client_id) {
        return Err("clientID must be the application's id: letters, digits, and hyphens".to_owned());
    }
    if credentials.client_secret.expose().is_empty() {
        return Err("the client secret is empty".to_owned());
    }
    Ok(key)
}

/// The domain of the vaults of a cloud ("National clouds" in the documentation of Azure).
fn vaults(environment: AzureEnvironment) -> &'static str {
    match environment {
        AzureEnvironment::Public => "vault.azure.net",
        AzureEnvironment::China => "vault.azure.cn",
        AzureEnvironment::Government => "vault.usgovcloudapi.net",
    }
}

/// Whether a host is one label below a domain.
fn in_domain(host: &str, domain: &str) -> bool {
    let vault = host.strip_suffix(domain).and_then(|rest| rest.strip_suffix('.'));
    vault.is_some_and(|vault| !vault.is_empty() && !vault.contains('.'))
}

/// Where the key's vault is reached: the endpoints that carry its name, or none of a vault's; else the vault itself. A
/// dbpath may hold keys of several vaults, and each has endpoints of its own.
fn endpoints(settings: &Settings, key: &VaultKey, environment: AzureEnvironment) -> Result<Vec<Endpoint>, String> {
    let of_the_vault = |endpoint: &&Endpoint| {
        let host = &endpoint.server.host;
        *host == key.host || !in_domain(host, vaults(environment))
    };
    let given: Vec<Endpoint> = settings.endpoints.iter().filter(of_the_vault).cloned().collect();
    if !given.is_empty() {
        return Ok(given);
    }
    let public = format!("https://{}", key.host).parse().map_err(|error| format!("{error}"))?;
    Ok(vec![public])
}
