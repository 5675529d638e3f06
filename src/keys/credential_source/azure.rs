//! Azure: an application's id and secret, its directory, and which of Azure's clouds.
//!
//! The fields are those of `azureKeyVault` in the Atlas API; the spellings of MongoDB's drivers are welcome too.

use super::{CredentialSource, Metadata, ResolvedCredentials, field_error, half, nothing};
use crate::keys::document::Document;
use crate::keys::{
    AzureCredentials, AzureEnvironment, CredentialOrigin, Credentials, LayoutError, LayoutErrorKind, SecretText,
};

/// Merges the sources for Azure.
pub(super) fn resolve(source: &CredentialSource, metadata: &Metadata<'_>) -> Result<ResolvedCredentials, LayoutError> {
    let file = AzureMetadata::read(metadata)?;
    let (flags, environment) = (&source.flags, &source.environment);
    let by_flag = flags.azure_client_id.is_some() || flags.azure_client_secret.is_some();
    let client_id = flags.azure_client_id.clone().or(file.client_id);
    // A secret in the environment is not seen by other users; the id beside it is no secret.
    let beside = environment.azure_client_secret.clone().filter(|_| flags.azure_client_id.is_some());
    let client_secret = flags.azure_client_secret.clone().or(file.client_secret).or(beside);
    let tenants = [&flags.azure_tenant_id, &file.tenant_id, &environment.azure_tenant_id];
    let tenant_id = tenants.into_iter().flatten().next().cloned();

    let (client_id, client_secret, origin) = match (client_id, client_secret) {
        (Some(id), Some(secret)) if by_flag => (id, secret, CredentialOrigin::Flags),
        (Some(id), Some(secret)) => (id, secret, CredentialOrigin::Metadata),
        (None, None) => match (&environment.azure_client_id, &environment.azure_client_secret) {
            (Some(id), Some(secret)) => (id.clone(), secret.clone(), CredentialOrigin::Environment),
            _ => return Err(without_keys(metadata, file.role_id.is_some())),
        },
        (None, Some(_)) => return Err(half(metadata, "clientID", "--azure-client-id")),
        (Some(_), None) => return Err(half(metadata, "secret", "--azure-client-secret")),
    };
    let tenant_id = tenant_id.ok_or_else(|| half(metadata, "tenantID", "--azure-tenant-id"))?;
    let named = match (flags.azure_environment, &file.environment) {
        (Some(environment), _) => environment,
        (None, Some(text)) => text.parse().map_err(|why| field_error(metadata, "azureEnvironment", why))?,
        (None, None) => AzureEnvironment::default(),
    };
    let credentials = AzureCredentials { tenant_id, client_id, client_secret, environment: named };
    Ok(ResolvedCredentials { credentials: Credentials::Azure(credentials), origin, file: metadata.path.to_owned() })
}

/// The Azure fields of a metadata file that matter here; an empty text counts as absent.
#[derive(Default)]
struct AzureMetadata {
    client_id: Option<String>,
    client_secret: Option<SecretText>,
    tenant_id: Option<String>,
    environment: Option<String>,
    role_id: Option<String>,
}

impl AzureMetadata {
    fn read(metadata: &Metadata<'_>) -> Result<Self, LayoutError> {
        let Some(content) = metadata.content else { return Ok(AzureMetadata::default()) };
        let mut document = Document::parse(metadata.path, LayoutErrorKind::MetadataMalformed, content)?;
        let mut text = |field| Ok::<_, LayoutError>(document.take_text(field)?.filter(|text| !text.trim().is_empty()));
        Ok(AzureMetadata {
            client_id: text("clientID")?.or(text("clientId")?),
            client_secret: text("secret")?.or(text("clientSecret")?).map(SecretText::new),
            tenant_id: text("tenantID")?.or(text("tenantId")?),
            environment: text("azureEnvironment")?,
            role_id: text("roleId")?,
        })
    }
}

/// Neither the application nor its secret is given anywhere.
fn without_keys(metadata: &Metadata<'_>, role_is_named: bool) -> LayoutError {
    match role_is_named {
        true => nothing(
            metadata,
            "roleId",
            "it names a role, which only Atlas can use, and the file holds no clientID and no secret",
        ),
        false => nothing(metadata, "clientID", "it is missing or empty, and so is secret"),
    }
}
