//! What is different from cloud to cloud in a scenario file: the words for the same thing, and what only some clouds have.
//! A file that uses such a thing is played with those clouds alone.

use kmip_proxy::keys::Provider;

use super::model::{Action, CredentialsKind, EndpointState, KeyChange, Metadata};

/// What a customer's key has beside its name, so that the name alone does not say which key it is.
pub(super) fn place(provider: Provider) -> &'static str {
    match provider {
        Provider::Azure => "version",
        Provider::Gcp => "location",
        Provider::Aws | Provider::Local => "region",
    }
}

/// Why a cloud cannot play an event, if it cannot: what it does not have, as `Azure Key Vault has …` completes it.
pub(super) fn lacks(provider: Provider, action: &Action) -> Option<&'static str> {
    match (provider, action) {
        // Without a cloud there are no names that an event could be about; that is told where they are looked up.
        (Provider::Aws | Provider::Local, _) => None,
        (_, Action::Role { .. }) => Some(NO_ROLE),
        (_, Action::EditMetadata { region: Some(_) }) => Some("no region beside its credentials"),
        (_, Action::Endpoint { state: EndpointState::Failing(Some(_)), .. }) => Some("no error codes of AWS"),
        (_, Action::Endpoint { state: EndpointState::Denying, .. }) => Some("no policies of endpoints"),
        (_, Action::Key { change: KeyChange::Disconnect | KeyChange::Connect, .. }) => {
            Some("no key stores that are disconnected")
        }
        _ => None,
    }
}

/// Why a cloud cannot give out credentials of a kind, if it cannot.
pub(super) fn lacks_credentials(provider: Provider, kind: CredentialsKind) -> Option<&'static str> {
    match (provider, kind) {
        (Provider::Azure | Provider::Gcp, CredentialsKind::Role) => Some(NO_ROLE),
        // A key of a service account is good until somebody deletes it.
        (Provider::Gcp, CredentialsKind::Session) => Some("no credentials that expire by themselves"),
        _ => None,
    }
}

/// Why a metadata file of a cloud cannot hold that, if it cannot.
pub(super) fn lacks_metadata(provider: Provider, metadata: Metadata) -> Option<&'static str> {
    match (provider, metadata) {
        (Provider::Azure | Provider::Gcp, Metadata::WithoutToken) => Some("no session tokens"),
        _ => None,
    }
}

const NO_ROLE: &str = "no roles that somebody assumes";
