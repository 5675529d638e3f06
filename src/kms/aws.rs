//! AWS KMS: Decrypt, Encrypt and DescribeKey, as the AWS SDK writes and signs them.
//!
//! A call assumes the role if there is one (`sts`), goes through the endpoints (the failover), and has the answer
//! judged (`answers`). A session that has expired is renewed once.
//!
//! Invariant: Decrypt names the customer's key, and its answer counts only if it names that key too.

mod answers;
mod sdk;
mod sts;

use std::sync::Arc;

use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::KeyState;

use self::answers::{Judge, Service};
use self::sts::Sessions;
use super::endpoints::{Endpoint, Settings};
use super::failover::{Errand, Failure};
use super::http::{Channel, Deadline, Transport};
use super::{Call, Class, Description, Kms, KmsError, Wrapped};
use crate::env::{BoxFuture, Env};
use crate::keys::{AwsCredentials, Credentials, Provider, Secret};

/// AWS KMS as a provider. Keeps role sessions, and nothing else, between calls.
#[derive(Debug)]
pub struct AwsKms {
    transport: Arc<Transport>,
    sessions: Sessions,
}

/// One request to KMS with a client for one endpoint.
type Asking<'a, T> = BoxFuture<'a, Result<T, Failure>>;

impl AwsKms {
    /// The provider, reached as the settings say.
    pub fn new(env: Env, settings: Settings) -> Self {
        AwsKms { transport: Arc::new(Transport::new(env, settings)), sessions: Sessions::default() }
    }

    /// Sends a request with the credentials of the call, or of the role that they assume.
    async fn ask<'a, T>(
        &'a self,
        call: Call<'a>,
        send: impl Fn(aws_sdk_kms::Client, Judge) -> Asking<'a, T> + Send + Sync,
    ) -> Result<T, KmsError> {
        let fail = |class| KmsError::new(class, Provider::Aws, call.cmk);
        let Credentials::Aws(base) = call.credentials else {
            return Err(fail(Class::ProviderMismatch).because("the credentials at hand are not for AWS"));
        };
        check(base).map_err(|problem| fail(Class::MetadataMalformed).because(problem))?;
        let region = call.region.unwrap_or(&base.region);
        let public;
        let endpoints = match self.transport.settings.endpoints.as_slice() {
            [] => {
                public = [Endpoint::of_aws("kms", region)
                    .map_err(|error| fail(Class::MetadataMalformed).because(error.to_string()))?];
                &public[..]
            }
            endpoints => endpoints,
        };
        let deadline = Deadline::after(self.transport.settings.deadline);
        let errand = Errand {
            transport: &self.transport,
            endpoints,
            only_private: self.transport.settings.require_private_networking,
            provider: Provider::Aws,
            cmk: call.cmk,
            deadline,
        };
        let go = |credentials: AwsCredentials| {
            let send = &send;
            let credentials = AwsCredentials { region: region.to_owned(), ..credentials };
            let judge = Judge { service: Service::Kms, credentials, clock: self.transport.env.clock.clone() };
            errand.run(move |channel: Channel| {
                send(sdk::client!(aws_sdk_kms, &channel, &judge.credentials), judge.clone())
            })
        };
        let Some(role) = &base.role else {
            return go(base.clone()).await;
        };
        let session = || self.sessions.credentials(&self.transport, base, role, call.cmk, deadline);
        match go(session().await?).await {
            Err(expired) if expired.class == Class::CredentialsExpired => {
                self.sessions.forget(base, role);
                let renewed = match session().await {
                    Ok(credentials) => go(credentials).await,
                    Err(error) => Err(error),
                };
                renewed.map_err(|mut error| {
                    error.attempts.splice(0..0, expired.attempts);
                    error
                })
            }
            result => result,
        }
    }
}

impl Kms for AwsKms {
    fn provider(&self) -> Provider {
        Provider::Aws
    }

    fn wrap<'a>(&'a self, call: Call<'a>, plaintext: &'a Secret) -> BoxFuture<'a, Result<Wrapped, KmsError>> {
        Box::pin(self.ask(call, move |client, judge| {
            Box::pin(async move {
                let answer = client
                    .encrypt()
                    .key_id(call.cmk)
                    .plaintext(Blob::new(plaintext.expose()))
                    .set_encryption_context(context(call))
                    .send()
                    .await
                    .map_err(|error| judge.failure(&error))?;
                match answer.ciphertext_blob.map(Blob::into_inner) {
                    Some(ciphertext) if !ciphertext.is_empty() => Ok(ciphertext.into()),
                    _ => Err(judge.senseless("no CiphertextBlob in the answer")),
                }
            })
        }))
    }

    fn unwrap<'a>(&'a self, call: Call<'a>, ciphertext: &'a [u8]) -> BoxFuture<'a, Result<Secret, KmsError>> {
        Box::pin(self.ask(call, move |client, judge| {
            Box::pin(async move {
                let answer = client
                    .decrypt()
                    .key_id(call.cmk)
                    .ciphertext_blob(Blob::new(ciphertext))
                    .set_encryption_context(context(call))
                    .send()
                    .await
                    .map_err(|error| judge.failure(&error))?;
                let plaintext = answer.plaintext.map(|plaintext| Secret::new(plaintext.into_inner()));
                match (answer.key_id, plaintext) {
                    (Some(key), _) if !names(call.cmk, &key) => Err(judge.senseless("the answer is of another key")),
                    (None, _) => Err(judge.senseless("no KeyId in the answer")),
                    (_, Some(plaintext)) if !plaintext.expose().is_empty() => Ok(plaintext),
                    _ => Err(judge.senseless("no Plaintext in the answer")),
                }
            })
        }))
    }

    fn describe<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Description, KmsError>> {
        Box::pin(self.ask(call, move |client, judge| {
            Box::pin(async move {
                let answer = client.describe_key().key_id(call.cmk).send().await;
                let answer = answer.map_err(|error| judge.failure(&error))?;
                let key = answer.key_metadata.ok_or_else(|| judge.senseless("no KeyMetadata in the answer"))?;
                let state = key.key_state.ok_or_else(|| judge.senseless("no KeyState in the answer"))?;
                Ok(Description {
                    name: key.arn.unwrap_or(key.key_id),
                    usable: key.enabled && state == KeyState::Enabled,
                    state: state.as_str().to_owned(),
                })
            })
        }))
    }
}

/// The encryption context in the SDK's type; none where it is empty.
#[expect(clippy::disallowed_types, reason = "the SDK's type; the request is sorted before it is signed")]
fn context(call: Call<'_>) -> Option<std::collections::HashMap<String, String>> {
    (!call.context.is_empty()).then(|| call.context.clone().into_iter().collect())
}

/// Whether an answer's key ARN can be what was asked for. An alias says nothing of its key: KMS itself has compared.
fn names(asked: &str, answered: &str) -> bool {
    let id = asked.rsplit_once(":key/").map_or(asked, |(_, id)| id);
    let alias = asked.starts_with("alias/") || asked.contains(":alias/");
    alias || asked == answered || (id == asked && answered.rsplit_once(":key/").is_some_and(|(_, key)| key == id))
}

/// Refuses credentials that no HTTP header could carry, before the SDK meets them.
fn check(credentials: &AwsCredentials) -> Result<(), &'static str> {
    let key = credentials.access_key_id.as_bytes();
    if key.is_empty() || !key.iter().all(u8::is_ascii_alphanumeric) {
        return Err("the access key id must be letters and digits");
    }
    if credentials.secret_access_key.expose().is_empty() {
        return Err("the secret access key is empty");
    }
    let token = credentials.session_token.as_ref().map_or("-", |token| token.expose());
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("the session token must be printable ASCII without spaces");
    }
    Ok(())
}
