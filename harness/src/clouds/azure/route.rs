//! For which service a request is meant: by its Host, and on an endpoint for all by its path.
//!
//! Invariant: a request for a host that is none of the fake's is refused by name, never answered by chance.

use std::net::IpAddr;

use bytes::Bytes;
use http::Request;

use super::errors::{Error, Refusal};
use super::{LOGIN_HOST, VAULT_SUFFIX};

/// The services of this fake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// Azure Key Vault.
    KeyVault,
    /// The token service of Microsoft Entra ID.
    Entra,
}

impl crate::clouds::faults::Service for Service {
    /// The name in a trace.
    fn name(self) -> &'static str {
        match self {
            Service::KeyVault => "key-vault",
            Service::Entra => "entra",
        }
    }
}

/// Where a request has arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Door {
    /// At a vault, by name.
    KeyVault(String),
    /// At the token service.
    Entra,
}

impl Door {
    pub(super) fn service(&self) -> Service {
        match self {
            Door::KeyVault(_) => Service::KeyVault,
            Door::Entra => Service::Entra,
        }
    }
}

/// Finds the door, and refuses what stands at none. At a bare address or `localhost` the first vault answers.
pub(super) fn door(request: &Request<Bytes>, vaults: &[&str], home: &str) -> Result<Door, Refusal> {
    let host = host(request);
    let name = host.rsplit_once(':').filter(|(_, port)| is_port(port)).map_or(host.as_str(), |(name, _)| name);
    let name = name.to_ascii_lowercase();
    if name == "localhost" || name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok() {
        return Ok(match guess(request) {
            Service::KeyVault => Door::KeyVault(home.to_owned()),
            Service::Entra => Door::Entra,
        });
    }
    if name == LOGIN_HOST {
        return Ok(Door::Entra);
    }
    let vault = name.strip_suffix(VAULT_SUFFIX);
    let vault = vault.and_then(|label| vaults.iter().find(|vault| vault.eq_ignore_ascii_case(label)));
    vault
        .map(|vault| Door::KeyVault((*vault).to_owned()))
        .ok_or_else(|| Refusal::new(Error::UnknownHost, &[("host", &host)]))
}

/// The service that the path itself speaks of.
pub(super) fn guess(request: &Request<Bytes>) -> Service {
    if request.uri().path().contains("/oauth2/") { Service::Entra } else { Service::KeyVault }
}

/// The operation that the request names, for the trace of a call that no service has looked into.
pub(super) fn operation(request: &Request<Bytes>) -> String {
    match guess(request) {
        Service::KeyVault => super::key_vault::operation_name(request),
        Service::Entra => super::entra::operation_name(request),
    }
}

fn host(request: &Request<Bytes>) -> String {
    let header = request.headers().get("host").and_then(|host| host.to_str().ok());
    header.or_else(|| request.uri().authority().map(|authority| authority.as_str())).unwrap_or_default().to_owned()
}

fn is_port(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
