//! For which service a request is meant: by its Host, and where that says nothing by its path.
//!
//! Invariant: a request that no service of Google's would take is refused by name, never answered by chance.

use std::net::IpAddr;

use bytes::Bytes;
use http::{Method, Request};

use super::errors::{Error, Refusal};
use super::names::KeyName;
use super::operations::{self, Operation};

/// The services of this fake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// Cloud Key Management Service.
    Kms,
    /// The OAuth 2.0 token service.
    Oauth,
}

impl crate::clouds::faults::Service for Service {
    /// The name in a trace.
    fn name(self) -> &'static str {
        match self {
            Service::Kms => "cloud-kms",
            Service::Oauth => "oauth2",
        }
    }
}

impl Service {
    const ALL: [Service; 2] = [Service::Kms, Service::Oauth];

    /// The first part of its host's name.
    fn label(self) -> &'static str {
        match self {
            Service::Kms => "cloudkms",
            Service::Oauth => "oauth2",
        }
    }

    /// The name of its host.
    pub(super) fn host(self) -> String {
        format!("{}.googleapis.com", self.label())
    }
}

/// What a request asks for.
#[derive(Clone, Debug)]
pub(super) enum Door {
    /// An operation of Cloud KMS on a key or a version.
    Kms {
        /// Which.
        operation: &'static Operation,
        /// On what.
        name: KeyName,
    },
    /// A token.
    Token,
}

/// Finds the door, and refuses what stands at none.
pub(super) fn door(request: &Request<Bytes>) -> Result<Door, Refusal> {
    let (host, path) = (host(request), request.uri().path());
    let service = service(&host, path).ok_or_else(|| Refusal::new(Error::UnknownHost, &[("host", &escape(&host))]))?;
    let unknown = || Refusal::new(Error::UnknownPath, &[("path", &escape(path))]);
    match service {
        Service::Oauth if request.method() == Method::POST && path == "/token" => Ok(Door::Token),
        Service::Oauth => Err(unknown()),
        Service::Kms => {
            let resource = path.strip_prefix("/v1/projects/").map(|_| &path["/v1/".len()..]).ok_or_else(unknown)?;
            let (resource, verb) =
                resource.rsplit_once(':').map_or((resource, None), |(name, verb)| (name, Some(verb)));
            let name = KeyName::read(resource);
            match operations::find(request.method(), verb, name.as_ref()) {
                Some(operation) => name.map(|name| Door::Kms { operation, name }).ok_or_else(unknown),
                // Decrypt is no method of a version: Google's front end does not know the path.
                None if verb.is_some_and(operations::is_verb) => Err(unknown()),
                None => {
                    let what = format!("{} {path}", request.method());
                    Err(Refusal::new(Error::NotImplemented, &[("what", &what)]))
                }
            }
        }
    }
}

/// The service that the request itself speaks of.
pub(super) fn guess(request: &Request<Bytes>) -> Service {
    let path = request.uri().path();
    service(&host(request), path).unwrap_or(by_path(path))
}

/// The operation that the request names, for faults and for the trace of a call that no service has looked into.
pub(super) fn operation(request: &Request<Bytes>) -> String {
    match door(request) {
        Ok(Door::Kms { operation, .. }) => operation.name.to_owned(),
        Ok(Door::Token) => "Token".to_owned(),
        Err(_) => format!("{} {}", request.method(), request.uri().path()),
    }
}

/// `<service>.googleapis.com`, and `<service>-<endpoint>.p.googleapis.com` of Private Service Connect. An address is
/// nobody's name, and all services answer there.
fn service(host: &str, path: &str) -> Option<Service> {
    let name = host.rsplit_once(':').filter(|(_, port)| is_port(port)).map_or(host, |(name, _)| name);
    let name = name.to_ascii_lowercase();
    if name == "localhost" || name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok() {
        return Some(by_path(path));
    }
    Service::ALL.into_iter().find(|service| {
        let endpoint = name.strip_suffix(".p.googleapis.com").and_then(|name| name.strip_prefix(service.label()));
        name == service.host() || endpoint.and_then(|rest| rest.strip_prefix('-')).is_some_and(|rest| !rest.is_empty())
    })
}

fn by_path(path: &str) -> Service {
    if path == "/token" { Service::Oauth } else { Service::Kms }
}

fn host(request: &Request<Bytes>) -> String {
    let header = request.headers().get("host").and_then(|host| host.to_str().ok());
    header.or_else(|| request.uri().authority().map(|authority| authority.as_str())).unwrap_or_default().to_owned()
}

fn is_port(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Text in a page.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
