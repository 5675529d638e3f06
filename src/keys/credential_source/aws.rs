//! AWS: the access key, with the session token and the role that belong to it.

use super::{CredentialSource, Metadata, ResolvedCredentials, field_error, half, nothing};
use crate::keys::document::Document;
use crate::keys::{
    AwsCredentials, AwsRole, CredentialOrigin, Credentials, LayoutError, LayoutErrorKind, SecretText, region,
};

/// Merges the sources for AWS.
pub(super) fn resolve(source: &CredentialSource, metadata: &Metadata<'_>) -> Result<ResolvedCredentials, LayoutError> {
    let file = AwsMetadata::read(metadata)?;
    let (flags, environment) = (&source.flags, &source.environment);
    let keys_by_flag = flags.access_key_id.is_some() || flags.secret_access_key.is_some();
    let access_key_id = flags.access_key_id.clone().or_else(|| file.access_key_id.clone());
    let secret_access_key = flags
        .secret_access_key
        .clone()
        .or_else(|| file.secret_access_key.clone())
        // A secret in the environment is not seen by other users; the id beside it is no secret.
        .or_else(|| environment.secret_access_key.clone().filter(|_| flags.access_key_id.is_some()));

    let region = [&flags.region, &file.region, &environment.region].into_iter().flatten().next();
    let (access_key_id, secret_access_key, session_token, origin) = match (access_key_id, secret_access_key) {
        (Some(id), Some(secret)) if keys_by_flag => {
            let from_environment = flags.secret_access_key.is_none() && file.secret_access_key.is_none();
            let token = environment.session_token.clone().filter(|_| from_environment);
            (id, secret, flags.session_token.clone().or(token), CredentialOrigin::Flags)
        }
        (Some(id), Some(secret)) => {
            let token = flags.session_token.clone().or_else(|| file.session_token.clone());
            (id, secret, token, CredentialOrigin::Metadata)
        }
        (None, None) => match (&environment.access_key_id, &environment.secret_access_key) {
            (Some(id), Some(secret)) => {
                let token = flags.session_token.clone().or_else(|| environment.session_token.clone());
                (id.clone(), secret.clone(), token, CredentialOrigin::Environment)
            }
            _ => return Err(without_keys(metadata, file.role_id.is_some())),
        },
        (None, Some(_)) => return Err(half(metadata, "accessKeyId", "-awsAccessKey")),
        (Some(_), None) => return Err(half(metadata, "secretAccessKey", "-awsSecretAccessKey")),
    };
    let region = region.ok_or_else(|| half(metadata, "region", "-awsRegion"))?;
    let region = region::normalise(region).ok_or_else(|| field_error(metadata, "region", region::EXPECTED))?;
    let role = match (&flags.role_arn, origin) {
        (Some(arn), _) => Some((arn, flags.external_id.as_ref())),
        (None, CredentialOrigin::Metadata) => {
            file.role_arn.as_ref().map(|arn| (arn, flags.external_id.as_ref().or(file.external_id.as_ref())))
        }
        (None, CredentialOrigin::Flags | CredentialOrigin::Environment) => None,
    };
    let role = role.map(|(arn, external_id)| AwsRole { arn: arn.clone(), external_id: external_id.cloned() });
    let credentials = AwsCredentials { access_key_id, secret_access_key, session_token, region, role };
    Ok(ResolvedCredentials { credentials: Credentials::Aws(credentials), origin, file: metadata.path.to_owned() })
}

/// The AWS fields of a metadata file; an empty text counts as absent, as Atlas writes them.
#[derive(Default)]
struct AwsMetadata {
    access_key_id: Option<String>,
    secret_access_key: Option<SecretText>,
    session_token: Option<SecretText>,
    region: Option<String>,
    role_id: Option<String>,
    role_arn: Option<String>,
    external_id: Option<String>,
}

impl AwsMetadata {
    fn read(metadata: &Metadata<'_>) -> Result<Self, LayoutError> {
        let Some(content) = metadata.content else { return Ok(AwsMetadata::default()) };
        let mut document = Document::parse(metadata.path, LayoutErrorKind::MetadataMalformed, content)?;
        let mut text = |field| Ok(document.take_text(field)?.filter(|text| !text.trim().is_empty()));
        Ok(AwsMetadata {
            access_key_id: text("accessKeyId")?,
            secret_access_key: text("secretAccessKey")?.map(SecretText::new),
            session_token: text("sessionToken")?.map(SecretText::new),
            region: text("region")?,
            role_id: text("roleId")?,
            role_arn: text("roleArn")?,
            external_id: text("externalId")?,
        })
    }
}

/// Neither key is given anywhere.
fn without_keys(metadata: &Metadata<'_>, role_is_named: bool) -> LayoutError {
    match role_is_named {
        true => nothing(metadata, "roleId", "it names a role, which only Atlas can assume, and the file holds no keys"),
        false => nothing(metadata, "accessKeyId", "it is missing or empty, and so is secretAccessKey"),
    }
}
