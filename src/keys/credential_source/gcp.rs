//! Google: the key of a service account, as the JSON that Google's console gives out.
//!
//! It stands in the field `serviceAccountKey`, as a text (so the Atlas API has it) or as an object, or in a file that a
//! flag or `GOOGLE_APPLICATION_CREDENTIALS` names. MongoDB's drivers have `email` and `privateKey` instead.

use std::io;
use std::path::Path;

use super::{CredentialSource, Metadata, ResolvedCredentials, half, nothing};
use crate::env::Files;
use crate::keys::document::Document;
use crate::keys::{CredentialOrigin, Credentials, GcpCredentials, LayoutError, LayoutErrorKind, Secret, SecretText};

/// The field of the metadata file.
const FIELD: &str = "serviceAccountKey";

/// How PEM begins and ends a private key (RFC 7468, 10).
const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";

/// Merges the sources for Google.
pub(super) fn resolve(
    source: &CredentialSource,
    metadata: &Metadata<'_>,
    files: &dyn Files,
) -> Result<ResolvedCredentials, LayoutError> {
    let (credentials, origin) = match (&source.flags.gcp_key_file, &source.environment.gcp_key_file) {
        (Some(path), _) => (key_file(path, "--gcp-service-account-key", files)?, CredentialOrigin::Flags),
        (None, variable) => match (in_metadata(metadata)?, variable) {
            (Ok(credentials), _) => (credentials, CredentialOrigin::Metadata),
            (Err(_), Some(path)) => {
                (key_file(path, "GOOGLE_APPLICATION_CREDENTIALS", files)?, CredentialOrigin::Environment)
            }
            (Err(absence), None) => return Err(absence),
        },
    };
    Ok(ResolvedCredentials { credentials: Credentials::Gcp(credentials), origin, file: metadata.path.to_owned() })
}

/// The key in the metadata file; the inner error says that there is none.
fn in_metadata(metadata: &Metadata<'_>) -> Result<Result<GcpCredentials, LayoutError>, LayoutError> {
    let absent = |why| Ok(Err(nothing(metadata, FIELD, why)));
    let Some(content) = metadata.content else { return absent("") };
    let mut document = Document::parse(metadata.path, LayoutErrorKind::MetadataMalformed, content)?;
    if let Some(key) = document.take_object_or_its_text(FIELD)? {
        return service_account(key).map(Ok);
    }
    let mut text = |field| Ok::<_, LayoutError>(document.take_text(field)?.filter(|text| !text.trim().is_empty()));
    match (text("email")?, text("privateKey")?.map(SecretText::new)) {
        (Some(client_email), Some(key)) => {
            Ok(Ok(GcpCredentials { client_email, private_key: pem(key), private_key_id: None, token_uri: None }))
        }
        (Some(_), None) => Err(half(metadata, "privateKey", "--gcp-service-account-key")),
        (None, Some(_)) => Err(half(metadata, "email", "--gcp-service-account-key")),
        (None, None) if text("roleId")?.is_some() => {
            absent("it is missing or empty; roleId names a role, which only Atlas can use")
        }
        (None, None) => absent("it is missing or empty"),
    }
}

/// The key in a file of its own.
fn key_file(path: &Path, named_by: &str, files: &dyn Files) -> Result<GcpCredentials, LayoutError> {
    let content = files.read(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => LayoutError::new(
            LayoutErrorKind::MetadataMissing,
            path,
            format!("it does not exist, and {named_by} names it"),
        ),
        _ => LayoutError::unavailable(path, "read", &error),
    })?;
    let content = Secret::new(content);
    service_account(Document::parse(path, LayoutErrorKind::MetadataMalformed, content.expose())?)
}

/// Reads the JSON of a service account's key.
fn service_account(mut key: Document<'_>) -> Result<GcpCredentials, LayoutError> {
    if key.take_text("type")?.is_some_and(|kind| kind != "service_account") {
        return Err(
            key.error("type", "expected service_account: the key of a service account, from the console of Google")
        );
    }
    Ok(GcpCredentials {
        client_email: key.text("client_email")?,
        private_key: pem(SecretText::new(key.text("private_key")?)),
        private_key_id: key.take_text("private_key_id")?,
        token_uri: key.take_text("token_uri")?.filter(|uri| !uri.is_empty()),
    })
}

/// The key as PEM: drivers have the base64 text alone.
fn pem(key: SecretText) -> SecretText {
    if key.expose().contains("-----BEGIN") {
        return key;
    }
    SecretText::new(format!("{BEGIN}\n{}\n{END}\n", key.expose().trim()))
}
