//! Signature Version 4 from the side that calls: for the laboratory's own calls to a KMS, and for tests of the fake.
//!
//! Invariant: every header that the request has is signed, so that nothing of it can be changed on the way.

use std::time::SystemTime;

use bytes::Bytes;
use http::{HeaderValue, Request};

use super::{IssuedCredentials, sigv4};

/// Signs a request, which has its Host already, at a moment, in the name of a service of a region.
///
/// # Errors
///
/// When the credentials cannot stand in a header.
pub fn sign(
    request: &mut Request<Bytes>,
    credentials: &IssuedCredentials,
    at: SystemTime,
    region: &str,
    service: &str,
) -> Result<(), http::header::InvalidHeaderValue> {
    let stamp = sigv4::timestamp(at);
    let headers = request.headers_mut();
    headers.insert("x-amz-date", HeaderValue::from_str(&stamp)?);
    if let Some(token) = &credentials.session_token {
        headers.insert("x-amz-security-token", HeaderValue::from_str(token)?);
    }
    let mut names: Vec<String> = headers.keys().map(|name| name.as_str().to_owned()).collect();
    names.sort();
    let signature = sigv4::signature(request, &names, &credentials.secret_access_key, &stamp, region, service);
    let day = stamp.get(..8).unwrap_or_default();
    let value = format!(
        "AWS4-HMAC-SHA256 Credential={}/{day}/{region}/{service}/aws4_request, SignedHeaders={}, Signature={signature}",
        credentials.access_key_id,
        names.join(";")
    );
    request.headers_mut().insert("authorization", HeaderValue::from_str(&value)?);
    Ok(())
}
