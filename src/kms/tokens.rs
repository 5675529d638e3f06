//! Tokens of OAuth 2.0, as Azure and Google want to see them: fetched once, kept until shortly before they expire.
//!
//! [`Tokens::run`] makes a call with the token at hand. A call that is refused with 401 gives the token up; if it was a
//! kept one, another is fetched and the call made once more. [`Grant`] is the request for a token (RFC 6749, 4.4 and
//! RFC 7523, 2.1).
//!
//! Invariant: what is kept are tokens, never keys, and a token is used only with the secret that it was got with.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use serde::Deserialize;

use super::endpoints::{Endpoint, NetworkClass};
use super::failover::{Errand, Failure};
use super::http::{Deadline, Transport};
use super::rest::{self, Body, Question, Reply};
use super::{Class, KmsError};
use crate::env::{BoxFuture, Clock};
use crate::keys::{Provider, SecretText};

/// How long before its end a token is not used any more: a request's deadline and some difference of clocks.
const MARGIN: Duration = Duration::from_secs(60);

/// How long a token may be kept at most, whatever its service says.
const LONGEST: u64 = 24 * 60 * 60;

/// A token and its end.
#[derive(Clone, Debug)]
pub(super) struct Token {
    text: SecretText,
    expires: SystemTime,
}

/// Who asks: the names that tell one caller from another, and the secret that proves it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bearer<'a> {
    pub(super) name: &'a str,
    pub(super) secret: &'a SecretText,
}

/// The tokens at hand, by name, each with the secret that it was got with.
#[derive(Debug, Default)]
pub(super) struct Tokens(Mutex<BTreeMap<String, (SecretText, Token)>>);

impl Tokens {
    /// Makes a call with a token. `fetch` gets one from its service, `call` spends it.
    pub(super) async fn run<'f, T>(
        &self,
        clock: &Arc<dyn Clock>,
        bearer: Bearer<'_>,
        fetch: impl Fn() -> BoxFuture<'f, Result<Token, KmsError>> + Send + Sync,
        call: impl Fn(SecretText) -> BoxFuture<'f, Result<T, KmsError>> + Send + Sync,
    ) -> Result<T, KmsError> {
        let refused = match self.usable(bearer, clock.now()) {
            None => None,
            Some(token) => match call(token).await {
                Err(error) if is_refused_token(&error) => {
                    self.forget(bearer);
                    Some(error)
                }
                result => return result,
            },
        };
        let result = match fetch().await {
            Ok(token) => {
                let text = token.text.clone();
                self.keep(bearer, token, clock.now());
                call(text).await
            }
            Err(error) => Err(error),
        };
        result.map_err(|mut error| {
            if is_refused_token(&error) {
                self.forget(bearer);
            }
            error.attempts.splice(0..0, refused.map(|error| error.attempts).unwrap_or_default());
            error
        })
    }

    fn usable(&self, bearer: Bearer<'_>, now: SystemTime) -> Option<SecretText> {
        let tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (secret, token) = tokens.get(bearer.name)?;
        (secret == bearer.secret && token.expires > now + MARGIN).then(|| token.text.clone())
    }

    fn keep(&self, bearer: Bearer<'_>, token: Token, now: SystemTime) {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.retain(|_, (_, token)| token.expires > now);
        tokens.insert(bearer.name.to_owned(), (bearer.secret.clone(), token));
    }

    fn forget(&self, bearer: Bearer<'_>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(bearer.name);
    }
}

/// Whether it was the token that was refused, and by the service itself.
fn is_refused_token(error: &KmsError) -> bool {
    error.status == Some(401) && matches!(error.class, Class::CredentialsExpired | Class::CredentialsInvalid)
}

/// A request for a token.
pub(super) struct Grant<'a> {
    pub(super) transport: &'a Arc<Transport>,
    pub(super) provider: Provider,
    pub(super) cmk: &'a str,
    /// The token service.
    pub(super) endpoint: Endpoint,
    /// Its path.
    pub(super) path: &'a str,
    /// The form that is posted.
    pub(super) form: &'a [(&'a str, &'a str)],
    /// Whose token it is, for messages: `a token for the application 1234`.
    pub(super) what: String,
    pub(super) deadline: Deadline,
}

impl Grant<'_> {
    /// Fetches the token; `judge` says what a refusal was.
    pub(super) async fn fetch(self, judge: impl Fn(&Reply) -> Failure + Send + Sync) -> Result<Token, KmsError> {
        let only_private =
            self.transport.settings.require_private_networking && self.endpoint.network == NetworkClass::Private;
        let host = self.endpoint.server.host.clone();
        let errand = Errand {
            transport: self.transport,
            endpoints: &[self.endpoint],
            only_private,
            provider: self.provider,
            cmk: self.cmk,
            deadline: self.deadline,
        };
        // A token's life is counted from before it was asked for, so that it never seems longer than it is.
        let now = self.transport.env.clock.now();
        let fetched = errand.run(|channel| {
            let (path, form, judge) = (self.path, self.form, &judge);
            Box::pin(async move {
                let reply = rest::ask(&channel, Question { path, bearer: None, body: Body::form(form) }).await?;
                if reply.is_success() { token(&reply, now) } else { Err(judge(&reply)) }
            })
        });
        fetched.await.map_err(|error| {
            let detail = error.detail.as_deref().unwrap_or(error.class.meaning());
            let detail = format!("getting {} from {host}: {detail}", self.what);
            error.because(detail)
        })
    }
}

/// A good answer of a token service (RFC 6749, 5.1).
#[derive(Deserialize)]
struct Granted {
    access_token: Option<SecretText>,
    token_type: Option<String>,
    expires_in: Option<Seconds>,
}

/// Some token services write the seconds as a text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Seconds {
    Number(u64),
    Text(String),
}

fn token(reply: &Reply, now: SystemTime) -> Result<Token, Failure> {
    let granted: Granted = reply.expect()?;
    let text = granted.access_token.ok_or_else(|| reply.foreign("no access_token in the answer"))?;
    if text.expose().is_empty() || !text.expose().bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(reply.senseless("the access_token in the answer is no token"));
    }
    if granted.token_type.is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err(reply.senseless("the token in the answer is no bearer token"));
    }
    let seconds = match granted.expires_in {
        Some(Seconds::Number(seconds)) => Some(seconds),
        Some(Seconds::Text(text)) => text.parse().ok(),
        // The service may leave it out (RFC 6749, 5.1): the token then serves this request alone.
        None => Some(0),
    };
    let seconds = seconds.ok_or_else(|| reply.senseless("the expires_in in the answer is no number"))?;
    Ok(Token { text, expires: now + Duration::from_secs(seconds.min(LONGEST)) })
}
