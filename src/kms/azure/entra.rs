//! Tokens of Microsoft Entra ID: the client credentials grant (RFC 6749, 4.4) with a client secret.

use std::sync::Arc;

use serde::Deserialize;

use crate::env::BoxFuture;
use crate::keys::{AzureCredentials, AzureEnvironment, Provider};
use crate::kms::endpoints::Endpoint;
use crate::kms::failover::Failure;
use crate::kms::http::{Deadline, Transport};
use crate::kms::rest::{Refusal, Reply, is_code, path_part, presentable};
use crate::kms::tokens::{Grant, Token};
use crate::kms::{Class, KmsError};

/// What the numbers of Entra ID mean ("Microsoft Entra authentication & authorization error codes").
const CODES: &[(u32, Class)] = &[
    (7_000_222, Class::CredentialsExpired),
    (7_000_215, Class::CredentialsInvalid),
    (7_000_216, Class::CredentialsInvalid),
    (7_000_218, Class::CredentialsInvalid),
    (7_000_112, Class::CredentialsInvalid),
    (700_016, Class::CredentialsInvalid),
    (500_011, Class::CredentialsInvalid),
    (90_002, Class::CredentialsInvalid),
    (900_023, Class::CredentialsInvalid),
    (700_024, Class::ClockSkew),
    (53_003, Class::AccessDenied),
    (50_196, Class::Throttled),
    (90_033, Class::CloudInternal),
    (50_000, Class::CloudInternal),
];

/// What the words of OAuth mean where the number says nothing (RFC 6749, 5.2).
const WORDS: &[(&str, Class)] = &[
    ("invalid_client", Class::CredentialsInvalid),
    ("invalid_grant", Class::CredentialsInvalid),
    ("invalid_request", Class::CredentialsInvalid),
    ("invalid_scope", Class::CredentialsInvalid),
    ("invalid_resource", Class::CredentialsInvalid),
    ("unauthorized_client", Class::CredentialsInvalid),
    ("access_denied", Class::AccessDenied),
    ("temporarily_unavailable", Class::CloudInternal),
    ("server_error", Class::CloudInternal),
];

/// Gets a token for the vaults of the application's cloud.
pub(super) fn token<'a>(
    transport: &'a Arc<Transport>,
    credentials: &'a AzureCredentials,
    cmk: &'a str,
    deadline: Deadline,
) -> BoxFuture<'a, Result<Token, KmsError>> {
    Box::pin(async move {
        let fail = |why: String| KmsError::new(Class::MetadataMalformed, Provider::Azure, cmk).because(why);
        let endpoint: Endpoint = match &transport.settings.token_endpoint {
            Some(endpoint) => endpoint.clone(),
            None => login(credentials.environment).parse().map_err(|error| fail(format!("{error}")))?,
        };
        let scope = format!("https://{}/.default", super::vaults(credentials.environment));
        let path = format!("/{}/oauth2/v2.0/token", path_part(&credentials.tenant_id));
        let grant = Grant {
            transport,
            provider: Provider::Azure,
            cmk,
            endpoint,
            path: &path,
            form: &[
                ("client_id", &credentials.client_id),
                ("client_secret", credentials.client_secret.expose()),
                ("grant_type", "client_credentials"),
                ("scope", &scope),
            ],
            what: format!("a token for the application {}", credentials.client_id),
            deadline,
        };
        grant.fetch(|reply| refusal(reply, credentials, transport)).await
    })
}

/// Where a cloud gives out tokens ("National clouds", Microsoft Entra ID).
fn login(environment: AzureEnvironment) -> &'static str {
    match environment {
        AzureEnvironment::Public => "https://login.microsoftonline.com",
        AzureEnvironment::China => "https://login.chinacloudapi.cn",
        AzureEnvironment::Government => "https://login.microsoftonline.us",
    }
}

/// An error of Entra ID.
#[derive(Deserialize)]
struct Said {
    error: String,
    #[serde(default)]
    error_description: String,
    #[serde(default)]
    error_codes: Vec<u32>,
}

fn refusal(reply: &Reply, credentials: &AzureCredentials, transport: &Transport) -> Failure {
    let said: Option<Said> = reply.read().filter(|said: &Said| is_code(&said.error));
    let Some(said) = said else {
        let class = match reply.status {
            429 => Class::Throttled,
            500.. => Class::CloudInternal,
            _ => return reply.foreign("not an answer of Microsoft Entra ID"),
        };
        return reply.refusal(Refusal { genuine: false, ..Refusal::of(class) });
    };
    let numbered = number(&said);
    let known = numbered.and_then(|number| CODES.iter().find(|(known, _)| *known == number));
    let worded = WORDS.iter().find(|(known, _)| *known == said.error);
    let class = match (known, worded, reply.status) {
        (_, _, 429) => Class::Throttled,
        (Some((_, class)), _, _) => *class,
        (None, _, 500..) => Class::CloudInternal,
        (None, Some((_, class)), _) => *class,
        (None, None, _) => Class::BadResponse,
    };
    let message = presentable(&said.error_description, &[&credentials.client_secret]);
    let skew = (class == Class::ClockSkew).then(|| reply.skew(&*transport.env.clock, "Microsoft Entra ID")).flatten();
    let detail = match (skew, message) {
        (Some(skew), Some(message)) => Some(format!("{skew}: {message}")),
        (skew, message) => skew.or(message),
    };
    let code = numbered.map_or(said.error, |number| format!("AADSTS{number}"));
    reply.refusal(Refusal { code: Some(code), detail, ..Refusal::of(class) })
}

/// The number of an error: it has a field of its own, and begins the description.
fn number(said: &Said) -> Option<u32> {
    let described = || {
        let digits = said.error_description.strip_prefix("AADSTS")?;
        digits.split(|other: char| !other.is_ascii_digit()).next()?.parse().ok()
    };
    said.error_codes.first().copied().or_else(described)
}
