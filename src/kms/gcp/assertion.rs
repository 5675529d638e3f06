//! The assertion with which a service account asks for a token: a JSON Web Token that its own key has signed (RFC 7523).
//!
//! Header and claims are JSON, each in base64url without padding, with a dot between them; RS256 is over both
//! (RFC 7515, 3.1). RS256 is RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518, 3.3).
//!
//! Invariant: the same account at the same second gives the same bytes, because that padding is made of no random
//! numbers (RFC 8017, 8.2.1).

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;
use zeroize::Zeroizing;

use crate::keys::{GcpCredentials, SecretText};

/// What the token is for: the use of Cloud KMS, and of nothing else that the account may do.
const SCOPE: &str = "https://www.googleapis.com/auth/cloudkms";

/// How long an assertion is good: the longest that Google takes, so that a clock that is late by some minutes does no
/// harm ("Using OAuth 2.0 for Server to Server Applications", required claims).
const LIFETIME: Duration = Duration::from_secs(3600);

/// Makes the assertion for a token service at a moment.
///
/// # Errors
///
/// Says what is wrong with which field of the credentials.
pub(super) fn signed(
    credentials: &GcpCredentials,
    audience: &str,
    now: SystemTime,
) -> Result<SecretText, &'static str> {
    if credentials.client_email.is_empty() {
        return Err("client_email is empty");
    }
    let key = key(&credentials.private_key)?;
    // A clock before 1970 gives 1970, which Google refuses as it refuses any other wrong time.
    let issued = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let header = Header { alg: "RS256", typ: "JWT", kid: credentials.private_key_id.as_deref() };
    let claims = Claims {
        iss: &credentials.client_email,
        scope: SCOPE,
        aud: audience,
        iat: issued.as_secs(),
        exp: (issued + LIFETIME).as_secs(),
    };
    let parts = (serde_json::to_vec(&header), serde_json::to_vec(&claims));
    let (Ok(header), Ok(claims)) = parts else { return Err("client_email cannot be written as JSON") };
    let mut token = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let mut signature = vec![0; key.public().modulus_len()];
    // ring asks for its own source of randomness, whatever the padding; that of PKCS #1 v1.5 never draws from it.
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), token.as_bytes(), &mut signature)
        .map_err(|_| "private_key could not sign")?;
    token.push('.');
    token.push_str(&URL_SAFE_NO_PAD.encode(signature));
    Ok(SecretText::new(token))
}

/// The RSA key in a PEM text. What ring says of a key that it refuses is for programmers, so it is not repeated.
fn key(pem: &SecretText) -> Result<RsaKeyPair, &'static str> {
    let pkcs8 = PrivatePkcs8KeyDer::from_pem_slice(pem.expose().as_bytes()).map(Zeroizing::new).map_err(
        |_| "private_key holds no key; expected PEM text that begins with -----BEGIN PRIVATE KEY----- (PKCS #8)",
    )?;
    RsaKeyPair::from_pkcs8(pkcs8.secret_pkcs8_der())
        .map_err(|_| "private_key is not a whole RSA key of 2048 to 4096 bits")
}

/// The JOSE header (RFC 7515, 4.1).
#[derive(serde::Serialize)]
struct Header<'a> {
    alg: &'a str,
    typ: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
}

/// The claims (RFC 7523, 3), with Google's `scope`.
#[derive(serde::Serialize)]
struct Claims<'a> {
    iss: &'a str,
    scope: &'a str,
    aud: &'a str,
    iat: u64,
    exp: u64,
}
