//! The assertion with which a service account asks for a token: a JWT signed with RS256 (RFC 7515, RFC 7519, RFC 7523).
//!
//! Invariant: no claim counts before its signature was verified, except the issuer, which says whose key it must be.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde::Deserialize;

use super::TOKEN_URI;
use super::errors::Error;

/// `exp` is at most one hour after `iat` (guide to OAuth 2.0 for service accounts, "claims").
const LONGEST: Duration = Duration::from_secs(60 * 60);
/// How far `iat` may lie in the future. That clocks may differ somewhat is documented, by how much is not.
pub(super) const SKEW: Duration = Duration::from_secs(5 * 60);

/// An assertion, taken apart.
#[derive(Debug)]
pub(super) struct Assertion<'a> {
    /// The id of the key that signed it, where it says.
    pub(super) key_id: Option<String>,
    claims: Claims,
    signed: &'a str,
    signature: Vec<u8>,
}

#[derive(Debug, Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Claims {
    iss: String,
    aud: Option<String>,
    sub: Option<String>,
    scope: Option<String>,
    iat: Option<f64>,
    exp: Option<f64>,
}

impl<'a> Assertion<'a> {
    /// Takes an assertion apart. One that cannot be read counts as badly signed, as the guide has it.
    pub(super) fn read(text: &'a str) -> Result<Self, Error> {
        Self::parse(text).ok_or(Error::SignatureInvalid)
    }

    fn parse(text: &'a str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let header: Header = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
        let claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        (header.alg == "RS256").then_some(Assertion { key_id: header.kid, claims, signed, signature })
    }

    /// Who speaks.
    pub(super) fn issuer(&self) -> &str {
        &self.claims.iss
    }

    /// Whether this public key verifies it.
    pub(super) fn is_signed_by(&self, public: &[u8]) -> bool {
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public);
        key.verify(self.signed.as_bytes(), &self.signature).is_ok()
    }

    /// Judges audience, times and subject.
    pub(super) fn check(&self, now: SystemTime) -> Result<(), Error> {
        if self.claims.aud.as_deref() != Some(TOKEN_URI) {
            return Err(Error::AudienceInvalid);
        }
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        let (Some(issued), Some(expires)) = (self.claims.iat, self.claims.exp) else {
            return Err(Error::TimeframeInvalid);
        };
        let (longest, skew) = (LONGEST.as_secs_f64(), SKEW.as_secs_f64());
        if issued > now + skew || expires <= now || expires <= issued || expires - issued > longest {
            return Err(Error::TimeframeInvalid);
        }
        match &self.claims.sub {
            Some(other) if *other != self.claims.iss => Err(Error::Unauthorized),
            _ => Ok(()),
        }
    }

    /// The scopes that it asks for.
    pub(super) fn scopes(&self) -> impl Iterator<Item = &str> {
        self.claims.scope.iter().flat_map(|scopes| scopes.split_whitespace())
    }
}
