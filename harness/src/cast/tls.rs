//! TLS as Percona Server's client uses it, and the words in which that client complains.
//!
//! The client is Boost.Asio over OpenSSL. The lab plays it with rustls and says what Asio would have said: the texts
//! and codes were observed with a copy of the client's TLS setup (Boost 1.81, OpenSSL 3.0), where a comment does not
//! say otherwise. OpenSSL's codes are its library number 20 shifted by 23 bits plus the reason; a received alert has
//! the reason 1000 plus its number.
//!
//! Invariant: a failure is put into words here and nowhere else.

use std::io;
use std::path::Path;
use std::sync::Arc;

use kmip_proxy::env::Env;
use rustls::client::Resumption;
use rustls::{AlertDescription, ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::Settings;

/// What a wait without end is called.
pub(super) const TIMED_OUT: &str = "Connection timed out [system:110]";

/// What is said of a certificate that does not verify, whatever the reason: expired, unknown authority, wrong name.
pub(super) const VERIFY_FAILED: &str = "certificate verify failed (SSL routines) [asio.ssl:167772294]";

/// OpenSSL's code for reason 0 of its TLS library.
const SSL_LIBRARY: u32 = 20 << 23;

/// The client's side of TLS, from the files that the settings name.
///
/// The error is what Percona Server says when its client cannot be constructed.
pub fn client_config(env: &Env, settings: &Settings) -> Result<Arc<ClientConfig>, String> {
    // The system's authorities are loaded as far as they can be; the file's are asked for by name.
    let mut roots = env.roots.roots().map_or_else(|_| RootCertStore::empty(), |system| (*system).clone());
    if let Some(file) = &settings.ca_file {
        let failed = |why: String| format!("Failed to load server CA certificate file `{}`: {why}", file.display());
        let authorities = certificates(&read(env, file).map_err(failed)?).map_err(failed)?;
        for authority in authorities {
            roots.add(authority).map_err(|error| failed(error.to_string()))?;
        }
    }
    let file = &settings.client_certificate_file;
    let failed = |why: String| format!("Failed to load client certificate file `{}`: {why}", file.display());
    let pem = read(env, file).map_err(failed)?;
    let chain = certificates(&pem).map_err(failed)?;
    // What OpenSSL says of a PEM file that holds no private key.
    let key = PrivateKeyDer::from_pem_slice(&pem).map_err(|_| failed("unsupported (DECODER routines)".to_owned()))?;
    let mut config = ClientConfig::builder_with_details(env.crypto.provider(), env.tls_time())
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .map_err(|error| failed(error.to_string()))?;
    // Every session is a new connection with a full handshake.
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

/// What the client says of a failed connection, handshake, read or write.
pub(super) fn words(error: &io::Error) -> String {
    if let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return tls_words(error);
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "Connection refused [system:111]".to_owned(),
        io::ErrorKind::ConnectionReset => "Connection reset by peer [system:104]".to_owned(),
        io::ErrorKind::BrokenPipe => "Broken pipe [system:32]".to_owned(),
        io::ErrorKind::TimedOut => TIMED_OUT.to_owned(),
        io::ErrorKind::NetworkUnreachable => "Network is unreachable [system:101]".to_owned(),
        io::ErrorKind::HostUnreachable => "No route to host [system:113]".to_owned(),
        io::ErrorKind::UnexpectedEof => "stream truncated [asio.ssl.stream:1]".to_owned(),
        _ => error.to_string(),
    }
}

/// What the client says of a name without address. That any other failure of the resolver is a "try again" is
/// inferred.
pub(super) fn resolver_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "Host not found (authoritative) [asio.netdb:1]".to_owned(),
        _ => "Host not found (non-authoritative), try again later [asio.netdb:2]".to_owned(),
    }
}

fn tls_words(error: &rustls::Error) -> String {
    let ssl = |text: &str, reason: u32| format!("{text} (SSL routines) [asio.ssl:{}]", SSL_LIBRARY + reason);
    match error {
        rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented => VERIFY_FAILED.to_owned(),
        rustls::Error::AlertReceived(alert) => match alert_words(*alert) {
            Some(text) => ssl(text, 1000 + u32::from(u8::from(*alert))),
            None => error.to_string(),
        },
        // The next two are inferred from OpenSSL's list of reasons.
        rustls::Error::PeerIncompatible(_) => ssl("unsupported protocol", 258),
        rustls::Error::InvalidMessage(_) => ssl("wrong version number", 267),
        _ => error.to_string(),
    }
}

/// OpenSSL's names of alerts.
pub(super) fn alert_words(alert: AlertDescription) -> Option<&'static str> {
    let text = match alert {
        AlertDescription::UnexpectedMessage => "sslv3 alert unexpected message",
        AlertDescription::HandshakeFailure => "sslv3 alert handshake failure",
        AlertDescription::BadCertificate => "sslv3 alert bad certificate",
        AlertDescription::UnsupportedCertificate => "sslv3 alert unsupported certificate",
        AlertDescription::CertificateRevoked => "sslv3 alert certificate revoked",
        AlertDescription::CertificateExpired => "sslv3 alert certificate expired",
        AlertDescription::CertificateUnknown => "sslv3 alert certificate unknown",
        AlertDescription::IllegalParameter => "sslv3 alert illegal parameter",
        AlertDescription::UnknownCA => "tlsv1 alert unknown ca",
        AlertDescription::AccessDenied => "tlsv1 alert access denied",
        AlertDescription::DecodeError => "tlsv1 alert decode error",
        AlertDescription::DecryptError => "tlsv1 alert decrypt error",
        AlertDescription::ProtocolVersion => "tlsv1 alert protocol version",
        AlertDescription::InternalError => "tlsv1 alert internal error",
        AlertDescription::CertificateRequired => "tlsv13 alert certificate required",
        _ => return None,
    };
    Some(text)
}

fn read(env: &Env, file: &Path) -> Result<Vec<u8>, String> {
    env.files.read(file).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => "No such file or directory [system:2]".to_owned(),
        io::ErrorKind::PermissionDenied => "Permission denied [system:13]".to_owned(),
        _ => error.to_string(),
    })
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        // What OpenSSL says of a PEM file without a certificate.
        Ok(found) if found.is_empty() => Err("no start line (PEM routines)".to_owned()),
        Ok(found) => Ok(found),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_said_in_the_words_and_with_the_codes_that_were_observed() {
        let tls = |error: rustls::Error| words(&io::Error::new(io::ErrorKind::InvalidData, error));
        let alert = |alert| tls(rustls::Error::AlertReceived(alert));
        let expired = rustls::Error::InvalidCertificate(rustls::CertificateError::Expired);
        assert_eq!(tls(expired), "certificate verify failed (SSL routines) [asio.ssl:167772294]");
        assert_eq!(
            alert(AlertDescription::CertificateExpired),
            "sslv3 alert certificate expired (SSL routines) [asio.ssl:167773205]"
        );
        assert_eq!(alert(AlertDescription::UnknownCA), "tlsv1 alert unknown ca (SSL routines) [asio.ssl:167773208]");
        assert_eq!(
            alert(AlertDescription::HandshakeFailure),
            "sslv3 alert handshake failure (SSL routines) [asio.ssl:167773200]"
        );
        assert_eq!(words(&io::ErrorKind::ConnectionRefused.into()), "Connection refused [system:111]");
        assert_eq!(words(&io::ErrorKind::UnexpectedEof.into()), "stream truncated [asio.ssl.stream:1]");
        assert_eq!(resolver_words(&io::ErrorKind::NotFound.into()), "Host not found (authoritative) [asio.netdb:1]");
    }
}
