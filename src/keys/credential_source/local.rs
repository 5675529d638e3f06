//! The local key file: one path.

use std::path::Path;

use super::{CredentialSource, Metadata, ResolvedCredentials};
use crate::keys::document::Document;
use crate::keys::{CredentialOrigin, Credentials, LayoutError, LayoutErrorKind, LocalCredentials};

/// Finds the key file. A relative path in the metadata file starts at the dbpath.
pub(super) fn resolve(
    source: &CredentialSource,
    metadata: &Metadata<'_>,
    dbpath: &Path,
) -> Result<ResolvedCredentials, LayoutError> {
    let (key_file, origin) = match (&source.flags.local_key_file, metadata.content) {
        (Some(key_file), _) => (key_file.clone(), CredentialOrigin::Flags),
        (None, Some(content)) => {
            let mut document = Document::parse(metadata.path, LayoutErrorKind::MetadataMalformed, content)?;
            (dbpath.join(document.text("keyFile")?), CredentialOrigin::Metadata)
        }
        (None, None) => {
            return Err(LayoutError::new(
                LayoutErrorKind::MetadataMissing,
                metadata.path,
                "it does not exist, and --local-key-file was not given",
            ));
        }
    };
    Ok(ResolvedCredentials {
        credentials: Credentials::Local(LocalCredentials { key_file }),
        origin,
        file: metadata.path.to_owned(),
    })
}
