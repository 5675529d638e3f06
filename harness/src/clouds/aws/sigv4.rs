//! Signature Version 4 from the side that checks it, written from the signing guide of the AWS documentation.
//!
//! In order: the Authorization header is taken apart ([`Authorization::read`]); the account looks up the access key;
//! then [`Authorization::verify`] checks the scope, the signed headers, the time window and, last, the signature
//! itself.
//!
//! Invariant: shares no line with the signer of the AWS SDK, which is what it judges.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, Request};
use ring::{digest, hmac};
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

use super::errors::{Error, Refusal};
use crate::trace::hex;

/// The only algorithm of version 4 with a shared secret.
const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// What every scope ends with.
const TERMINATOR: &str = "aws4_request";
/// How far the two clocks may be apart, both ways.
pub(super) const WINDOW: Duration = Duration::from_secs(5 * 60);
/// The form of X-Amz-Date.
const TIMESTAMP: &[BorrowedFormatItem<'_>] = format_description!("[year][month][day]T[hour][minute][second]Z");
/// What a request of the fake's services has to sign wherever it carries it, in the case in which AWS prints it.
const MUST_BE_SIGNED: [&str; 5] =
    ["Host", "X-Amz-Date", "X-Amz-Target", "X-Amz-Security-Token", "X-Amz-Content-Sha256"];

/// An Authorization header, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Authorization {
    /// Who says to have signed.
    pub(super) access_key_id: String,
    /// The scope's service: on an endpoint for all services it chooses between them.
    pub(super) service: String,
    /// The scope's region, which on such an endpoint does the same.
    pub(super) region: String,
    date: String,
    terminator: String,
    signed_headers: Vec<String>,
    signature: String,
}

impl Authorization {
    /// Takes the header apart. A header that lacks something is refused with everything that it lacks.
    pub(super) fn read(headers: &HeaderMap) -> Result<Self, Refusal> {
        let Some(value) = text(headers, "authorization") else {
            return Err(Error::MissingAuthentication.into());
        };
        let Some(rest) = value.strip_prefix(ALGORITHM).filter(|rest| rest.starts_with(' ')) else {
            return Err(incomplete(
                "Unsupported AWS 'algorithm': the Authorization header has to begin with AWS4-HMAC-SHA256.",
            ));
        };
        let parameter = |name: &str| {
            rest.split(',').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('=')).filter(|v| !v.is_empty())
        };
        let (credential, signed, signature) =
            (parameter("Credential"), parameter("SignedHeaders"), parameter("Signature"));
        let mut lacks = Vec::new();
        for (name, found) in [("Credential", credential), ("Signature", signature), ("SignedHeaders", signed)] {
            if found.is_none() {
                lacks.push(format!("Authorization header requires '{name}' parameter."));
            }
        }
        if text(headers, "x-amz-date").is_none() {
            lacks.push(
                "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.".to_owned(),
            );
        }
        let (Some(credential), Some(signed), Some(signature), true) = (credential, signed, signature, lacks.is_empty())
        else {
            return Err(incomplete(&lacks.join(" ")));
        };
        // An access key id has no slash, so that five parts are exactly what the guide prescribes.
        let parts: Vec<&str> = credential.split('/').collect();
        let [access_key_id, date, region, service, terminator] = parts[..] else {
            return Err(incomplete(
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.",
            ));
        };
        Ok(Authorization {
            access_key_id: access_key_id.to_owned(),
            service: service.to_owned(),
            date: date.to_owned(),
            region: region.to_owned(),
            terminator: terminator.to_owned(),
            signed_headers: signed.split(';').map(str::to_owned).collect(),
            signature: signature.to_owned(),
        })
    }

    /// Checks the request against the secret of [`Authorization::access_key_id`], at the service's own time.
    pub(super) fn verify(
        &self,
        request: &Request<Bytes>,
        secret: &str,
        region: &str,
        service: &str,
        now: SystemTime,
    ) -> Result<(), Refusal> {
        let stamp = text(request.headers(), "x-amz-date").unwrap_or_default();
        let signed_at = moment(&stamp)?;
        self.check_scope(&stamp, region, service)?;
        self.check_headers(request.headers())?;
        check_window(&stamp, signed_at, now)?;
        let expected = signature(request, &self.signed_headers, secret, &stamp, region, service);
        let body = hex(digest::digest(&digest::SHA256, request.body()).as_ref());
        let declared = text(request.headers(), "x-amz-content-sha256");
        if expected != self.signature || declared.is_some_and(|declared| declared != body) {
            return Err(Error::SignatureMismatch.into());
        }
        Ok(())
    }

    fn check_scope(&self, stamp: &str, region: &str, service: &str) -> Result<(), Refusal> {
        let day = stamp.get(..8).unwrap_or_default();
        let scope = |reason: String| Err(Refusal::new(Error::CredentialScope, &[("reason", &reason)]));
        if self.terminator != TERMINATOR {
            return scope("Credential should be scoped with a valid terminator: 'aws4_request'.".to_owned());
        }
        if self.region != region {
            return scope(format!("Credential should be scoped to a valid region, not '{}'.", self.region));
        }
        if self.service != service {
            return scope(format!("Credential should be scoped to correct service: '{service}'."));
        }
        if self.date != day {
            return scope(format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{}' != '{day}', from '{stamp}'.",
                self.date
            ));
        }
        Ok(())
    }

    fn check_headers(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        for name in MUST_BE_SIGNED {
            let signed = self.signed_headers.iter().any(|signed| signed.eq_ignore_ascii_case(name));
            if headers.contains_key(name.to_ascii_lowercase()) && !signed {
                return Err(Refusal::new(Error::HeaderNotSigned, &[("header", name)]));
            }
        }
        Ok(())
    }
}

/// The signature of a request, in lower-case hexadecimal, over the named headers.
pub(super) fn signature(
    request: &Request<Bytes>,
    signed_headers: &[String],
    secret: &str,
    stamp: &str,
    region: &str,
    service: &str,
) -> String {
    let canonical = canonical_request(request, signed_headers);
    let digest = hex(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
    let day = stamp.get(..8).unwrap_or_default();
    let to_sign = format!("{ALGORITHM}\n{stamp}\n{day}/{region}/{service}/{TERMINATOR}\n{digest}");
    let mut key = format!("AWS4{secret}").into_bytes();
    for part in [day, region, service, TERMINATOR] {
        key = mac(&key, part);
    }
    hex(&mac(&key, &to_sign))
}

/// A time in the form of X-Amz-Date.
pub(super) fn timestamp(at: SystemTime) -> String {
    OffsetDateTime::from(at).format(TIMESTAMP).expect("a year of four digits has this form")
}

fn canonical_request(request: &Request<Bytes>, signed_headers: &[String]) -> String {
    let mut query: Vec<(String, String)> = request
        .uri()
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    query.sort();
    let query: Vec<String> = query.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    let headers: String = signed_headers
        .iter()
        .map(|name| {
            let values = request.headers().get_all(name.as_str()).iter();
            let values: Vec<String> =
                values.map(|value| collapse(&String::from_utf8_lossy(value.as_bytes()))).collect();
            format!("{name}:{}\n", values.join(","))
        })
        .collect();
    format!(
        "{}\n{}\n{}\n{headers}\n{}\n{}",
        request.method(),
        // Only `/` ever comes here: every other path is refused before, so that nothing needs to be encoded twice.
        request.uri().path(),
        query.join("&"),
        signed_headers.join(";"),
        hex(digest::digest(&digest::SHA256, request.body()).as_ref())
    )
}

fn check_window(stamp: &str, signed_at: SystemTime, now: SystemTime) -> Result<(), Refusal> {
    let refuse = |error, limit| {
        let values = [("signed", stamp), ("limit", &timestamp(limit)), ("now", &timestamp(now))];
        Err(Refusal::new(error, &values))
    };
    if signed_at + WINDOW < now {
        return refuse(Error::SignatureExpired, now - WINDOW);
    }
    if signed_at > now + WINDOW {
        return refuse(Error::SignatureNotYetCurrent, now + WINDOW);
    }
    Ok(())
}

fn moment(stamp: &str) -> Result<SystemTime, Refusal> {
    let parsed = PrimitiveDateTime::parse(stamp, TIMESTAMP);
    // Adding the window must not leave what SystemTime holds; AWS has no business outside of these years.
    let moment = parsed.ok().filter(|moment| (1970..=9998).contains(&moment.year()));
    moment.map(|moment| moment.assume_utc().into()).ok_or_else(|| {
        incomplete("Date must be in ISO-8601 'basic format'. See http://en.wikipedia.org/wiki/ISO_8601.")
    })
}

fn incomplete(reason: &str) -> Refusal {
    Refusal::new(Error::IncompleteSignature, &[("reason", reason)])
}

/// Leading and trailing spaces go, runs of spaces become one.
fn collapse(value: &str) -> String {
    value.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}
