//! For which service of which region a request is meant: by its Host, and on an endpoint for all by what it carries.
//!
//! Invariant: a request that no AWS service would take is refused by name, never answered by chance.

use crate::clouds::faults::Service as _;
use std::net::IpAddr;

use bytes::Bytes;
use http::{Method, Request};

use super::errors::{Error, Refusal};
use super::sigv4::Authorization;

/// The global name of STS, and the region in whose name requests to it are signed (STS API reference, "Endpoints").
const GLOBAL_STS: &str = "sts.amazonaws.com";
const GLOBAL_REGION: &str = "us-east-1";

/// The services of this fake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// AWS Key Management Service.
    Kms,
    /// AWS Security Token Service.
    Sts,
}

impl crate::clouds::faults::Service for Service {
    /// The signing name, which is also the name in a trace.
    fn name(self) -> &'static str {
        match self {
            Service::Kms => "kms",
            Service::Sts => "sts",
        }
    }
}

impl Service {
    const ALL: [Service; 2] = [Service::Kms, Service::Sts];

    /// The name in texts.
    pub(super) fn title(self) -> &'static str {
        match self {
            Service::Kms => "KMS",
            Service::Sts => "STS",
        }
    }

    /// The Content-Type of every answer.
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Service::Kms => "application/x-amz-json-1.1",
            Service::Sts => "text/xml",
        }
    }
}

/// Where a request has arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Door {
    pub(super) service: Service,
    /// Whose keys are behind it.
    pub(super) region: String,
    /// The region that the signature has to name.
    pub(super) scope: String,
}

impl Door {
    pub(super) fn new(service: Service, region: &str) -> Self {
        Door { service, region: region.to_owned(), scope: region.to_owned() }
    }
}

/// Finds the door, and refuses what stands at none. What names no region is at home.
/// Where anybody may call, any name that is none of AWS' is as good as an address.
pub(super) fn door(request: &Request<Bytes>, regions: &[&str], home: &str, open: bool) -> Result<Door, Refusal> {
    if request.method() != Method::POST || request.uri().path() != "/" {
        let route = format!("{} {}", request.method(), request.uri().path());
        return Err(Refusal::new(Error::UnknownRoute, &[("route", &route)]));
    }
    let host = host(request);
    let name = host.rsplit_once(':').filter(|(_, port)| is_port(port)).map_or(host.as_str(), |(name, _)| name);
    let name = name.to_ascii_lowercase();
    let foreign = open && !name.ends_with(".amazonaws.com");
    if foreign || name == "localhost" || name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok() {
        let scoped = Authorization::read(request.headers()).ok().map(|scope| scope.region);
        let region = scoped.as_deref().filter(|scoped| regions.contains(scoped)).unwrap_or(home);
        return Ok(Door::new(guess(request), region));
    }
    if name == GLOBAL_STS {
        return Ok(Door { scope: GLOBAL_REGION.to_owned(), ..Door::new(Service::Sts, home) });
    }
    let doors = Service::ALL.into_iter().flat_map(|service| regions.iter().map(move |region| (service, *region)));
    let found = doors.into_iter().find(|(service, region)| answers_for(*service, &name, region));
    let unknown = || Refusal::new(Error::UnknownHost, &[("region", &regions.join(" and ")), ("host", &host)]);
    found.map(|(service, region)| Door::new(service, region)).ok_or_else(unknown)
}

/// The region in whose name a request says it is signed, if it could be one: `eu-west-1`, `us-gov-east-1`.
pub(super) fn scoped_region(request: &Request<Bytes>) -> Option<String> {
    let region = Authorization::read(request.headers()).ok()?.region;
    let parts: Vec<&str> = region.split('-').collect();
    let (number, words) = parts.split_last()?;
    let word = |word: &&str| (2..=9).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_lowercase());
    let numbered = number.len() == 1 && number.bytes().all(|byte| byte.is_ascii_digit());
    (numbered && (2..=3).contains(&words.len()) && words.iter().all(word)).then_some(region)
}

/// The service that the request itself speaks of: by the scope of its signature, else by its shape.
pub(super) fn guess(request: &Request<Bytes>) -> Service {
    let scoped = Authorization::read(request.headers()).ok();
    let scoped = scoped.and_then(|scope| Service::ALL.into_iter().find(|service| service.name() == scope.service));
    let shaped = if request.headers().contains_key("x-amz-target") { Service::Kms } else { Service::Sts };
    scoped.unwrap_or(shaped)
}

/// The operation that the request names, for the trace of a call that no service has looked into.
pub(super) fn operation(request: &Request<Bytes>) -> String {
    match guess(request) {
        Service::Kms => super::kms::operation_name(request),
        Service::Sts => super::sts::operation_name(request),
    }
}

/// The service and the operation that a request names, as a trace has them.
pub(crate) fn named(request: &Request<Bytes>) -> (&'static str, String) {
    (guess(request).name(), operation(request))
}

/// `<service>.<region>.amazonaws.com`, and the names of interface endpoints below `vpce.amazonaws.com`.
fn answers_for(service: Service, name: &str, region: &str) -> bool {
    let service_name = service.name();
    name == format!("{service_name}.{region}.amazonaws.com")
        || (name.starts_with("vpce-") && name.ends_with(&format!(".{service_name}.{region}.vpce.amazonaws.com")))
}

fn host(request: &Request<Bytes>) -> String {
    let header = request.headers().get("host").and_then(|host| host.to_str().ok());
    header.or_else(|| request.uri().authority().map(|authority| authority.as_str())).unwrap_or_default().to_owned()
}

fn is_port(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
