//! Fills the table in: the answer for the client, and the notice for the operator.
//!
//! The notice's lines come in one order: key, cmk, cause, credentials, file, fields or permission, tried, next.

use std::collections::BTreeSet;
use std::path::Path;

use crate::keys::{CredentialOrigin, Provider};
use crate::kms::Class;

use super::table::{Concerns, Permission, fields, place, row};
use super::text::{ascii, printable};
use super::{Answer, Failure, Notice, Severity, next};

/// The longest Result Message, in bytes.
const LONGEST_MESSAGE: usize = 256;
/// The longest identifier within one: a UUID fits.
const LONGEST_KEY: usize = 48;
/// The longest file name within one: that of a UUID fits.
const LONGEST_FILE: usize = 64;

/// What the KMIP client is told.
pub fn answer(failure: &Failure) -> Answer {
    let row = row(failure.class);
    let file = file(failure, row.concerns).and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    let file = ascii(file.as_deref().unwrap_or("its file"), LONGEST_FILE);
    let key = ascii(&failure.key_id, LONGEST_KEY);
    let (place, _) = place(failure.provider);
    let message = row
        .client
        .replace("{place}", place)
        .replace("{renew}", &renew(failure))
        .replace("{provider}", failure.provider.title())
        .replace("{file}", &file)
        .replace("{key}", &key);
    Answer { reason: row.reason, message: ascii(&message, LONGEST_MESSAGE) }
}

/// What the operator is told.
pub fn notice(failure: &Failure) -> Notice {
    let row = row(failure.class);
    let key = printable(&failure.key_id);
    let (_, other) = place(failure.provider);
    let headline =
        row.headline.replace("{other}", other).replace("{provider}", failure.provider.title()).replace("{key}", &key);
    let mut lines = vec![("key", key.clone())];
    if let Some(cmk) = &failure.cmk {
        lines.push(("cmk", cmk.clone()));
    }
    lines.push(("cause", cause(failure)));
    if let (Some(origin), Concerns::Credentials) | (Some(origin), Concerns::Nothing) = (failure.origin, row.concerns) {
        lines.push(("credentials", origin.as_str().to_owned()));
    }
    if let Some(file) = file(failure, row.concerns) {
        lines.push(("file", file.display().to_string()));
        let fields = failure.field.as_deref().unwrap_or_else(|| fields(failure.class, failure.provider));
        if !fields.is_empty() {
            lines.push((if fields.contains(',') { "fields" } else { "field" }, fields.to_owned()));
        }
    }
    if let Some(permission) = row.permission {
        lines.push(("permission", permission_name(permission, failure.provider).to_owned()));
    }
    lines
        .extend(failure.attempts.iter().map(|attempt| ("tried", format!("{}: {}", attempt.endpoint, attempt.outcome))));
    lines.extend(next::steps(failure).into_iter().map(|step| ("next", step)));
    Notice {
        class: Some(failure.class),
        severity: Severity::Error,
        key: Some(key),
        headline,
        text: columns(&lines),
        details: lines,
    }
}

/// A warning that an answer had to leave something out, because no client of its version of KMIP can read it.
pub fn left_out(version: &str, what: impl Iterator<Item = String>) -> Notice {
    // Two keys of a batch may lack the same thing.
    let what: BTreeSet<String> = what.collect();
    let mut lines: Vec<(&'static str, String)> = what.into_iter().map(|what| ("left out", what)).collect();
    lines.push(("next", "let the client ask in a later version of KMIP if it needs that".to_owned()));
    Notice {
        class: None,
        severity: Severity::Warning,
        key: None,
        headline: format!("an answer in KMIP {version} went out without what is younger than that"),
        text: columns(&lines),
        details: lines,
    }
}

/// Lines with their labels in a column; a label that repeats is said once.
pub(super) fn columns(lines: &[(&str, String)]) -> String {
    let mut shown = String::new();
    let mut before = "";
    for (label, value) in lines {
        let label = if *label == before { "" } else { *label };
        shown.push_str(&format!("{label:<12}{}\n", printable(value)));
        if !label.is_empty() {
            before = label;
        }
    }
    shown.pop();
    shown
}

/// The file that the operator should look at.
pub(super) fn file(failure: &Failure, concerns: Concerns) -> Option<&Path> {
    let (metadata, key) = (failure.metadata_file.as_deref(), failure.key_file.as_deref());
    match concerns {
        Concerns::Nothing => None,
        Concerns::Credentials => match failure.origin {
            Some(CredentialOrigin::Flags | CredentialOrigin::Environment) => None,
            Some(CredentialOrigin::Metadata) | None => metadata,
        },
        Concerns::Metadata => metadata,
        Concerns::Key => key,
        Concerns::Either => metadata.or(key),
    }
}

fn cause(failure: &Failure) -> String {
    let mut known = Vec::new();
    known.extend(failure.code.clone());
    known.extend(failure.status.map(|status| format!("HTTP {status}")));
    let says = match (&failure.detail, failure.belongs_to) {
        (Some(detail), _) => detail.clone(),
        (None, Some(belongs_to)) => format!(
            "the key belongs to {}, and the proxy was started with -cloudProvider {}",
            belongs_to.title(),
            failure.provider
        ),
        (None, None) => failure.class.meaning().trim_end_matches('.').to_owned(),
    };
    if known.is_empty() { says } else { format!("{says} ({})", known.join(", ")) }
}

/// How to renew what is out of date, in a few words for the client.
fn renew(failure: &Failure) -> String {
    match (failure.class, failure.belongs_to, failure.origin) {
        (Class::ProviderMismatch, Some(belongs_to), _) => format!("restart the proxy with -cloudProvider {belongs_to}"),
        (Class::ProviderMismatch, None, _) => "check -cloudProvider of the proxy".to_owned(),
        (Class::RoleNotUsable, ..) if failure.is_refused_role() => {
            "STS refuses the role: check its ARN and its trust policy".to_owned()
        }
        (Class::RoleNotUsable, ..) if failure.provider != Provider::Aws => {
            "put credentials into {file}, or pass flags".to_owned()
        }
        (Class::RoleNotUsable, ..) => "put keys into {file}, or pass flags".to_owned(),
        (_, _, Some(CredentialOrigin::Flags | CredentialOrigin::Environment)) if failure.provider == Provider::Gcp => {
            "replace the service account's key file".to_owned()
        }
        (_, _, Some(CredentialOrigin::Flags)) => "restart the proxy with new ones".to_owned(),
        (_, _, Some(CredentialOrigin::Environment)) if failure.provider == Provider::Azure => {
            "restart the proxy with new AZURE_ variables".to_owned()
        }
        (_, _, Some(CredentialOrigin::Environment)) => "restart the proxy with new AWS_ variables".to_owned(),
        (_, _, Some(CredentialOrigin::Metadata) | None) => "update {file}".to_owned(),
    }
}

fn permission_name(permission: Permission, provider: Provider) -> &'static str {
    match (permission, provider) {
        (Permission::UseKey, Provider::Aws) => "kms:Decrypt (new keys also need kms:Encrypt and kms:DescribeKey)",
        (Permission::UseKey, Provider::Azure) => "keys decrypt, keys encrypt, and keys get on the vault",
        (Permission::UseKey, Provider::Gcp) => {
            "cloudkms.cryptoKeyVersions.useToDecrypt (new keys also need useToEncrypt; check needs cryptoKeys.get)"
        }
        (Permission::UseKey, Provider::Local) => "to read the key file",
        (Permission::NetworkPath, Provider::Aws) => "kms:Decrypt in the VPC endpoint policy and the key policy",
        (Permission::NetworkPath, Provider::Azure) => "the vault's firewall and private endpoint connections",
        (Permission::NetworkPath, Provider::Gcp) => "the VPC Service Controls perimeter",
        (Permission::NetworkPath, Provider::Local) => "none: the local key file has no network path",
    }
}
