//! What people call things: the subject of a certificate, a version of TLS, an alert.

use std::io;

use ring::digest;
use rustls::{AlertDescription, ProtocolVersion};
use rustls_pki_types::CertificateDer;

use super::event::{Peer, Tls};
use crate::trace::hex;

/// The attributes of names that have letters of their own (RFC 4514, section 3; RFC 4519).
const ATTRIBUTES: &[(&[u8], &str)] = &[
    (&[0x55, 4, 3], "CN"),
    (&[0x55, 4, 5], "serialNumber"),
    (&[0x55, 4, 6], "C"),
    (&[0x55, 4, 7], "L"),
    (&[0x55, 4, 8], "ST"),
    (&[0x55, 4, 9], "STREET"),
    (&[0x55, 4, 10], "O"),
    (&[0x55, 4, 11], "OU"),
    (&[0x09, 0x92, 0x26, 0x89, 0x93, 0xF2, 0x2C, 0x64, 1, 1], "UID"),
    (&[0x09, 0x92, 0x26, 0x89, 0x93, 0xF2, 0x2C, 0x64, 1, 25], "DC"),
    (&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 9, 1], "emailAddress"),
];

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT_IDENTIFIER: u8 = 0x06;
/// `[0]`, in which a certificate's version stands.
const VERSION: u8 = 0xA0;

/// What a handshake has come to.
pub(super) fn handshake(connection: &rustls::CommonState) -> Tls {
    let suite = connection.negotiated_cipher_suite().map(|suite| format!("{:?}", suite.suite()));
    let own = connection.peer_certificates().and_then(<[_]>::first);
    Tls {
        version: connection.protocol_version().map_or_else(|| "?".to_owned(), version),
        // As the register spells it, which has no version in front.
        cipher: suite.map_or_else(|| "?".to_owned(), |suite| suite.replacen("TLS13_", "TLS_", 1)),
        peer: own.map(peer),
    }
}

/// Whose certificate it is.
fn peer(certificate: &CertificateDer<'_>) -> Peer {
    let sha256 = hex(digest::digest(&digest::SHA256, certificate).as_ref());
    Peer { subject: subject(certificate).unwrap_or_else(|| "(not readable)".to_owned()), sha256 }
}

/// Whether a certificate is of this common name and nothing else.
pub(super) fn is_subject(certificate: &CertificateDer<'_>, name: &str) -> bool {
    subject(certificate).is_some_and(|subject| subject == format!("CN={name}"))
}

/// What went wrong, in words; alerts by the words of the standard.
pub(super) fn words(error: &io::Error) -> String {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::AlertReceived(alert)) => {
            format!("TLS alert {}: {}", u8::from(*alert), alert_words(*alert))
        }
        Some(error) => format!("TLS: {error}"),
        None => error.to_string(),
    }
}

/// An alert as RFC 8446, section 6 spells it: `UnknownCA` is `unknown_ca`.
fn alert_words(alert: AlertDescription) -> String {
    let mut words = String::new();
    let mut before = ' ';
    for letter in format!("{alert:?}").chars() {
        if letter.is_ascii_uppercase() && before.is_ascii_lowercase() {
            words.push('_');
        }
        words.push(letter.to_ascii_lowercase());
        before = letter;
    }
    words
}

fn version(version: ProtocolVersion) -> String {
    match version {
        ProtocolVersion::TLSv1_2 => "TLS 1.2".to_owned(),
        ProtocolVersion::TLSv1_3 => "TLS 1.3".to_owned(),
        other => format!("{other:?}"),
    }
}

/// The subject in the order in which it stands in the certificate: `CN=mongod,O=Example`.
fn subject(certificate: &[u8]) -> Option<String> {
    let (_, certificate) = element(&mut &*certificate)?;
    let (_, mut signed) = element(&mut &*certificate)?;
    let mut rest = signed;
    if element(&mut rest)?.0 == VERSION {
        signed = rest;
    }
    // The serial number, the signature's algorithm, the issuer and the validity come first (RFC 5280, section 4.1).
    for _ in 0..4 {
        element(&mut signed)?;
    }
    let (SEQUENCE, mut names) = element(&mut signed)? else { return None };
    let mut parts = Vec::new();
    while !names.is_empty() {
        let (SET, mut together) = element(&mut names)? else { return None };
        let mut part = Vec::new();
        while !together.is_empty() {
            let (SEQUENCE, mut pair) = element(&mut together)? else { return None };
            let (OBJECT_IDENTIFIER, kind) = element(&mut pair)? else { return None };
            let (_, value) = element(&mut pair)?;
            let known = ATTRIBUTES.iter().find(|(identifier, _)| *identifier == kind);
            let kind = known.map_or_else(|| dotted(kind), |(_, name)| (*name).to_owned());
            part.push(format!("{kind}={}", escaped(&String::from_utf8_lossy(value))));
        }
        parts.push(part.join("+"));
    }
    Some(if parts.is_empty() { "(empty)".to_owned() } else { parts.join(",") })
}

/// The next element of DER: its tag and its content.
fn element<'a>(bytes: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, mut rest) = rest.split_first()?;
    let length = match usize::from(*first) {
        short if short < 0x80 => short,
        long => {
            let (digits, after) = rest.split_at_checked(long & 0x7F)?;
            rest = after;
            // Longer lengths than this are in no certificate.
            (digits.len() <= 4).then(|| digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)))?
        }
    };
    let (content, after) = rest.split_at_checked(length)?;
    *bytes = after;
    Some((*tag, content))
}

/// An object identifier in digits and dots.
fn dotted(identifier: &[u8]) -> String {
    let mut arcs: Vec<u64> = Vec::new();
    let mut arc = 0_u64;
    for byte in identifier {
        arc = arc << 7 | u64::from(byte & 0x7F);
        if byte & 0x80 == 0 {
            match arcs.is_empty() {
                true => arcs.extend([(arc / 40).min(2), arc - (arc / 40).min(2) * 40]),
                false => arcs.push(arc),
            }
            arc = 0;
        }
    }
    arcs.iter().map(u64::to_string).collect::<Vec<_>>().join(".")
}

/// A value as RFC 4514, section 2.4 has it, and without what would break a line.
fn escaped(value: &str) -> String {
    value.chars().fold(String::new(), |mut text, letter| {
        match letter {
            ',' | '+' | '"' | '\\' | '<' | '>' | ';' | '=' => text.extend(['\\', letter]),
            letter if letter.is_control() => text.push('\u{FFFD}'),
            letter => text.push(letter),
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};

    use super::*;

    fn certificate(names: &[(DnType, &str)]) -> CertificateDer<'static> {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        let mut subject = DistinguishedName::new();
        names.iter().for_each(|(kind, value)| subject.push(kind.clone(), *value));
        params.distinguished_name = subject;
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone()
    }

    #[test]
    fn subjects_are_named_in_the_order_of_the_certificate() {
        let other = DnType::CustomDnType(vec![1, 3, 6, 1, 4, 1, 34601]);
        let named = certificate(&[
            (DnType::CountryName, "DE"),
            (DnType::OrganizationName, "Example, Inc."),
            (DnType::CommonName, "mongod\n1"),
            (other, "x"),
        ]);
        let expected = "C=DE,O=Example\\, Inc.,CN=mongod\u{FFFD}1,1.3.6.1.4.1.34601=x";
        assert_eq!(subject(&named).as_deref(), Some(expected));
        assert_eq!(subject(&certificate(&[])).as_deref(), Some("(empty)"));
        let long = "m".repeat(300);
        let long = certificate(&[(DnType::CommonName, long.as_str())]);
        assert_eq!(subject(&long).map(|subject| subject.len()), Some(303));
        assert_eq!(peer(&named).sha256.len(), 64);
    }

    #[test]
    fn a_certificate_that_is_cut_off_anywhere_has_no_subject_or_its_own() {
        let whole = certificate(&[(DnType::CommonName, "mongod")]);
        for end in 0..whole.len() {
            assert_eq!(subject(&whole[..end]), None, "at {end}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_may_be_asked_for_a_subject(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = subject(&bytes);
        }
    }

    #[test]
    fn alerts_are_told_in_the_words_of_the_standard() {
        let told = |alert| words(&io::Error::new(io::ErrorKind::InvalidData, rustls::Error::AlertReceived(alert)));
        assert_eq!(told(AlertDescription::UnknownCA), "TLS alert 48: unknown_ca");
        assert_eq!(told(AlertDescription::CertificateRequired), "TLS alert 116: certificate_required");
        assert_eq!(told(AlertDescription::BadCertificate), "TLS alert 42: bad_certificate");
        assert_eq!(words(&io::ErrorKind::UnexpectedEof.into()), "unexpected end of file");
    }
}
