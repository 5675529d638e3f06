//! Access tokens: JSON Web Tokens with the claims of a token of version 1.0 for Key Vault.
//!
//! The claims are those of the documentation ("access token claims reference"). The signature has the length of RS256
//! and is drawn from the seed and from what it signs (`Evidence::Ours`), so that nobody without the seed can make one.
//!
//! Invariant: a token that this file did not make, or that was changed since, is nobody's.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::directory::Principal;
use crate::clouds::seeds::{Seed, Stream};

/// `expires_in`: an hour less the second that has passed (seen in every answer of the service).
pub(super) const LIFETIME: Duration = Duration::from_secs(3599);
/// By how much a token is dated back, so that clocks may differ. (`Evidence::Inferred`.)
const BACKDATED: Duration = Duration::from_secs(300);

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claims {
    pub(super) audience: String,
    pub(super) issuer: String,
    pub(super) client_id: String,
    pub(super) object_id: String,
    pub(super) tenant: String,
    /// Seconds since 1970.
    pub(super) not_before: u64,
    /// Seconds since 1970.
    pub(super) expires: u64,
}

/// The issuer of a tenant's tokens of version 1.0.
pub(super) fn issuer(tenant: &str) -> String {
    format!("https://sts.windows.net/{tenant}/")
}

/// Seconds since 1970, as JSON Web Tokens and Key Vault count.
pub(super) fn seconds(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// Makes a token.
pub(super) fn issue(
    seed: &Seed,
    source: &mut Stream,
    principal: &Principal,
    audience: &str,
    expires: SystemTime,
    now: SystemTime,
) -> String {
    let issued = seconds(now - BACKDATED);
    let key_id = key_id(seed);
    let header = json!({"typ": "JWT", "alg": "RS256", "x5t": key_id, "kid": key_id});
    let claims = json!({
        "aud": audience,
        "iss": issuer(&principal.tenant),
        "iat": issued,
        "nbf": issued,
        "exp": seconds(expires),
        "aio": URL_SAFE_NO_PAD.encode(source.bytes::<36>()),
        "appid": principal.client_id,
        "appidacr": "1",
        "idp": issuer(&principal.tenant),
        "oid": principal.object_id,
        "rh": URL_SAFE_NO_PAD.encode(source.bytes::<48>()),
        "sub": principal.object_id,
        "tid": principal.tenant,
        "uti": URL_SAFE_NO_PAD.encode(source.bytes::<16>()),
        "ver": "1.0",
    });
    let signed = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string())).join(".");
    let signature = signature(seed, &signed);
    format!("{signed}.{signature}")
}

/// Reads a token that was made here; `None` for every other.
pub(super) fn read(seed: &Seed, token: &str) -> Option<Claims> {
    let (signed, given) = token.rsplit_once('.')?;
    if signature(seed, signed) != given {
        return None;
    }
    let claims = URL_SAFE_NO_PAD.decode(signed.split_once('.')?.1).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    let text = |name: &str| claims[name].as_str().map(str::to_owned);
    Some(Claims {
        audience: text("aud")?,
        issuer: text("iss")?,
        client_id: text("appid")?,
        object_id: text("oid")?,
        tenant: text("tid")?,
        not_before: claims["nbf"].as_u64()?,
        expires: claims["exp"].as_u64()?,
    })
}

/// The name of the key with which the token service signs.
fn key_id(seed: &Seed) -> String {
    URL_SAFE_NO_PAD.encode(seed.stream("signing key").bytes::<20>())
}

fn signature(seed: &Seed, signed: &str) -> String {
    URL_SAFE_NO_PAD.encode(seed.stream(&format!("signature/{signed}")).bytes::<256>())
}
