//! Where a cloud is reached, and what a call may spend on getting there.
//!
//! An [`Endpoint`] keeps three things apart: the name that TLS and the Host header carry, the address that is dialed,
//! and the network class that the operator vouches for. [`Settings`] is what the command line knows of them.
//!
//! Invariant: everything here is text and rules; nothing in this file connects.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use rustls::RootCertStore;

/// Where a service is reached. Its text form, as in `--kms-endpoint`, is
///
/// ```text
/// [private:|public:]https://HOST[:PORT][/][,dial=HOST[:PORT]]
/// ```
///
/// * `HOST` is a DNS name, an IPv4 address, or an IPv6 address in brackets; `PORT` is 443 unless given.
/// * The URL's host is the name in the certificate and, with the port, the Host header (which AWS has signed).
/// * `dial=` says where to connect instead; its port is the URL's unless given.
/// * `private:` says that the address must be private where private networking is required (see [`is_private`]);
///   without a word the endpoint is public.
/// * `http://` (port 80) is for loopback alone, and only where [`Settings::allow_plain_http`] says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The text that it was read from: the name in messages.
    pub name: String,
    /// What the operator says of the network on the way.
    pub network: NetworkClass,
    /// Whether TLS is spoken.
    pub tls: bool,
    /// Who is asked: the name of the certificate and of the Host header.
    pub server: Address,
    /// Where to connect.
    pub dial: Address,
}

impl Endpoint {
    /// The public endpoint of an AWS service, for example `kms` in `us-east-1`.
    ///
    /// # Errors
    ///
    /// When the region cannot be a part of a host name.
    pub fn of_aws(service: &str, region: &str) -> Result<Self, EndpointError> {
        if region.is_empty() || !region.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-')) {
            return Err(EndpointError { endpoint: service.to_owned(), reason: Reason::Region(region.to_owned()) });
        }
        // The regions of China have a domain of their own.
        let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        format!("https://{service}.{region}.{domain}").parse()
    }

    /// The Host header: the host, and the port unless it is the scheme's own.
    pub fn authority(&self) -> String {
        if self.server.port == default_port(self.tls) { self.server.bracketed() } else { self.server.to_string() }
    }

    /// The URL without a path.
    pub fn url(&self) -> String {
        format!("{}{}", if self.tls { "https://" } else { "http://" }, self.authority())
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let text = text.trim();
        let fail = |reason| EndpointError { endpoint: without_user(text), reason };
        let (network, rest) = match (text.strip_prefix("private:"), text.strip_prefix("public:")) {
            (Some(rest), _) => (NetworkClass::Private, rest),
            (_, Some(rest)) => (NetworkClass::Public, rest),
            _ => (NetworkClass::Public, text),
        };
        let (tls, rest) = match rest.split_once("://") {
            Some(("https", rest)) => (true, rest),
            Some(("http", rest)) => (false, rest),
            Some((other, _)) => return Err(fail(Reason::Scheme(other.to_owned()))),
            None => return Err(fail(Reason::NoScheme)),
        };
        let (url, options) = rest.split_once(',').map_or((rest, None), |(url, options)| (url, Some(options)));
        let url = url.strip_suffix('/').unwrap_or(url);
        if url.contains(['/', '?', '#']) {
            return Err(fail(Reason::Path));
        }
        let server = Address::read(url, default_port(tls)).map_err(fail)?;
        let dial = match options.map(|options| options.strip_prefix("dial=").ok_or(options)) {
            None => server.clone(),
            Some(Ok(address)) => Address::read(address, server.port).map_err(fail)?,
            Some(Err(option)) => return Err(fail(Reason::Option(option.to_owned()))),
        };
        Ok(Endpoint { name: text.to_owned(), network, tls, server, dial })
    }
}

/// What the operator says of the network between here and an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkClass {
    /// A private endpoint: PrivateLink, Private Link, Private Service Connect.
    Private,
    /// Any other.
    Public,
}

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// A DNS name or an IP address, without brackets.
    pub host: String,
    /// The TCP port.
    pub port: u16,
}

impl Address {
    /// The IP address, where the host is one and no resolver is needed.
    pub fn ip(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    fn bracketed(&self) -> String {
        if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() }
    }

    fn read(text: &str, default_port: u16) -> Result<Self, Reason> {
        if text.contains('@') {
            return Err(Reason::User);
        }
        let (host, port) = match text.strip_prefix('[').map(|inside| inside.split_once(']')) {
            Some(Some((host, rest))) if host.parse::<Ipv6Addr>().is_ok() => match (rest, rest.strip_prefix(':')) {
                ("", _) => (host, None),
                (_, Some(port)) => (host, Some(port)),
                _ => return Err(Reason::Host(text.to_owned())),
            },
            Some(_) => return Err(Reason::Host(text.to_owned())),
            None => {
                let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
                if !is_host(host) {
                    return Err(Reason::Host(text.to_owned()));
                }
                (host, port)
            }
        };
        let port = match port {
            None => default_port,
            Some(port) => match port.parse() {
                Ok(number) if number > 0 && port.bytes().all(|byte| byte.is_ascii_digit()) => number,
                _ => return Err(Reason::Port(port.to_owned())),
            },
        };
        Ok(Address { host: host.to_ascii_lowercase(), port })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.bracketed(), self.port)
    }
}

/// What the command line says about reaching the clouds.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The endpoints in the order in which to try them; empty means the provider's public one.
    pub endpoints: Vec<Endpoint>,
    /// Where the token service is asked: AWS STS, Microsoft Entra ID, or Google's OAuth 2.0 endpoint; none means the public
    /// one. Token services stand outside [`Settings::require_private_networking`], unless this endpoint is marked
    /// `private:`.
    pub token_endpoint: Option<Endpoint>,
    /// Whether keys may be opened over private endpoints and private addresses alone.
    pub require_private_networking: bool,
    /// Whether `http://` endpoints may be used, to loopback addresses alone.
    pub allow_plain_http: bool,
    /// How long one request may take in all, over all endpoints and token services.
    pub deadline: Duration,
    /// How long an endpoint may take to be resolved, to be connected to, and to shake hands: each of the three.
    pub connect_timeout: Duration,
    /// Whom cloud TLS trusts; none means the system's authorities.
    pub cloud_ca: Option<Arc<RootCertStore>>,
    /// Whether Azure is asked to `unwrapkey` and `wrapkey`, where `decrypt` and `encrypt` are not permitted.
    pub azure_unwrap_key: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            endpoints: Vec::new(),
            token_endpoint: None,
            require_private_networking: false,
            allow_plain_http: false,
            // PSMDB gives its key server 5 s; the answer, even a refusal, must be there before.
            deadline: Duration::from_secs(4),
            connect_timeout: Duration::from_millis(1200),
            cloud_ca: None,
            azure_unwrap_key: false,
        }
    }
}

impl Settings {
    /// Refuses plain http where it is not allowed, before anything is sent. A dialed name is looked up later, and its
    /// addresses are checked then.
    ///
    /// # Errors
    ///
    /// Names the first endpoint that may not be used.
    pub fn check(&self) -> Result<(), EndpointError> {
        for endpoint in self.endpoints.iter().chain(&self.token_endpoint).filter(|endpoint| !endpoint.tls) {
            let fail = |reason| Err(EndpointError { endpoint: endpoint.name.clone(), reason });
            if !self.allow_plain_http {
                return fail(Reason::PlainHttp);
            }
            if endpoint.dial.ip().is_some_and(|ip| !ip.is_loopback()) {
                return fail(Reason::PlainHttpAbroad);
            }
        }
        Ok(())
    }
}

/// An endpoint that cannot be used as written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("endpoint `{endpoint}`: {reason}")]
pub struct EndpointError {
    /// The endpoint as written, without a user name or password.
    pub endpoint: String,
    /// What is wrong with it.
    pub reason: Reason,
}

/// What is wrong with an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// `HOST` alone.
    #[error("no scheme; write https://HOST[:PORT]")]
    NoScheme,
    /// Neither `https` nor `http`.
    #[error("unknown scheme `{0}`; write https://HOST[:PORT], with private: or public: before it if need be")]
    Scheme(String),
    /// Something after the port.
    #[error("an endpoint has no path; write https://HOST[:PORT]")]
    Path,
    /// `user:password@`.
    #[error("an endpoint has no user name; credentials go in the metadata file or the credential flags")]
    User,
    /// Not a name or an address.
    #[error("`{0}` is not a host; expected a DNS name, an IPv4 address, or an IPv6 address in brackets")]
    Host(String),
    /// Not a port.
    #[error("`{0}` is not a port; expected 1 to 65535")]
    Port(String),
    /// Something after the comma that is not `dial=`.
    #[error("unknown option `{0}`; the only one is dial=HOST[:PORT]")]
    Option(String),
    /// Not a region.
    #[error("`{0}` is not a region; write it as AWS does, such as us-east-1")]
    Region(String),
    /// Plain http without the flag for it.
    #[error("plain http is not allowed; use https, or pass --allow-plain-http if it leads to loopback")]
    PlainHttp,
    /// Plain http to elsewhere.
    #[error("plain http is for loopback addresses alone; use https")]
    PlainHttpAbroad,
}

/// Whether an address lies in a network that is not routed publicly: RFC 1918, the shared space 100.64.0.0/10 of
/// RFC 6598, the unique local addresses fc00::/7 of RFC 4193, loopback, and link-local. An IPv4 address that is mapped
/// into IPv6 counts as the IPv4 address.
pub fn is_private(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.is_private() || is_shared(ip) || ip.is_loopback() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unique_local() || ip.is_loopback() || ip.is_unicast_link_local(),
    }
}

fn is_shared(ip: Ipv4Addr) -> bool {
    let [first, second, ..] = ip.octets();
    first == 100 && second & 0b1100_0000 == 64
}

fn default_port(tls: bool) -> u16 {
    if tls { 443 } else { 80 }
}

/// Labels of letters, digits, hyphens and underscores, as names in the field are; at most 253 bytes (RFC 1035, 2.3.4).
fn is_host(host: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    host.len() <= 253 && host.split('.').all(label)
}

/// What was written, without what stands before an `@`: that may hold a password.
fn without_user(text: &str) -> String {
    match (text.split_once("://"), text.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://{host}"),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Endpoint {
        text.parse().unwrap()
    }

    #[test]
    fn the_short_form_is_public_tls_at_443_and_dials_its_own_name() {
        let endpoint = read("https://kms.us-east-1.amazonaws.com");
        assert_eq!(endpoint.network, NetworkClass::Public);
        assert!(endpoint.tls);
        assert_eq!(endpoint.authority(), "kms.us-east-1.amazonaws.com");
        assert_eq!(endpoint.dial, Address { host: "kms.us-east-1.amazonaws.com".into(), port: 443 });
    }

    #[test]
    fn name_address_and_network_class_are_three_separate_things() {
        let endpoint = read("private:https://kms.eu-west-1.amazonaws.com:8443/,dial=10.1.2.3:9443");
        assert_eq!(endpoint.network, NetworkClass::Private);
        assert_eq!(endpoint.authority(), "kms.eu-west-1.amazonaws.com:8443");
        assert_eq!(endpoint.url(), "https://kms.eu-west-1.amazonaws.com:8443");
        assert_eq!(endpoint.dial, Address { host: "10.1.2.3".into(), port: 9443 });
    }

    #[test]
    fn a_dialed_address_without_a_port_takes_that_of_the_url() {
        assert_eq!(read("https://a.example:8443,dial=b.example").dial.to_string(), "b.example:8443");
        assert_eq!(read("public:https://a.example,dial=[fd00::1]").dial.to_string(), "[fd00::1]:443");
    }

    #[test]
    fn an_ipv6_host_keeps_its_brackets_on_the_wire_alone() {
        let endpoint = read("http://[::1]:8080");
        assert_eq!(endpoint.server.host, "::1");
        assert_eq!(endpoint.authority(), "[::1]:8080");
        assert_eq!(read("http://[::1]:80").authority(), "[::1]");
    }

    #[test]
    fn every_mistake_has_its_own_words() {
        let mistakes = [
            "kms.example",
            "vpc:https://kms.example",
            "ftp://kms.example",
            "https://",
            "https://kms..example",
            "https://kms.example/path",
            "https://kms.example?x",
            "https://user:hunter2@kms.example",
            "https://kms.example:0",
            "https://kms.example:+1",
            "https://kms.example:70000",
            "https://::1",
            "https://[::1",
            "https://[kms.example]",
            "https://[::1]443",
            "https://kms.example,via=10.0.0.1",
            "https://kms.example,dial=",
        ];
        let texts: Vec<String> =
            mistakes.iter().map(|text| text.parse::<Endpoint>().unwrap_err().to_string()).collect();
        insta::assert_snapshot!(texts.join("\n"), @r"
        endpoint `kms.example`: no scheme; write https://HOST[:PORT]
        endpoint `vpc:https://kms.example`: unknown scheme `vpc:https`; write https://HOST[:PORT], with private: or public: before it if need be
        endpoint `ftp://kms.example`: unknown scheme `ftp`; write https://HOST[:PORT], with private: or public: before it if need be
        endpoint `https://`: `` is not a host; expected a DNS name, an IPv4 address, or an IPv6 address in brackets
        endpoint `https://kms..example`: `kms..example` is not a host; expected a DNS name, an IPv4 address, or an IPv6 address in brackets
        endpoint `https://kms.example/path`: an endpoint has no path; write https://HOST[:PORT]
        endpoint `https://kms.example?x`: an endpoint has no path; write https://HOST[:PORT]
        endpoint `https://kms.example`: an endpoint has no user name; credentials go in the metadata file or the credential flags
        endpoint `https://kms.example:0`: `0` is not a port; expected 1 to 65535
        endpoint `https://kms.example:+1`: `+1` is not a port; expected 1 to 65535
        endpoint `https://kms.example:70000`: `70000` is not a port; expected 1 to 65535
        endpoint `https://::1`: `::1` is not a host; expected a DNS name, an IPv4 address, or an IPv6 address in brackets
        endpoint `https://[::1`: `[::1` is not a host; expected a DNS name, an IPv4 address, or an IPv6 address in brackets
        endpoint `https://[kms.example]`: `[kms.example]` is not a host; expected a DNS name, an IPv4 address, or an IPv6 address in brackets
        endpoint `https://[::1]443`: `[::1]443` is not a host; expected a DNS name, an IPv4 address, or an IPv6 address in brackets
        endpoint `https://kms.example,via=10.0.0.1`: unknown option `via=10.0.0.1`; the only one is dial=HOST[:PORT]
        endpoint `https://kms.example,dial=`: `` is not a host; expected a DNS name, an IPv4 address, or an IPv6 address in brackets
        ");
    }

    #[test]
    fn a_region_that_is_no_host_label_does_not_become_an_endpoint() {
        for region in ["", "us-east-1.evil.example/", "x:1,dial=evil.example", "US_EAST_1", "x@evil.example"] {
            assert!(Endpoint::of_aws("kms", region).is_err(), "{region}");
        }
        assert_eq!(Endpoint::of_aws("kms", "cn-north-1").unwrap().name, "https://kms.cn-north-1.amazonaws.com.cn");
    }

    #[test]
    fn plain_http_needs_the_flag_and_loopback() {
        let settings = |text: &str, allow_plain_http| Settings {
            endpoints: vec![read(text)],
            allow_plain_http,
            ..Settings::default()
        };
        let reason = |settings: Settings| settings.check().unwrap_err().reason;
        assert_eq!(reason(settings("http://127.0.0.1:4566", false)), Reason::PlainHttp);
        assert_eq!(reason(settings("http://10.0.0.1", true)), Reason::PlainHttpAbroad);
        assert_eq!(reason(settings("http://127.0.0.1,dial=10.0.0.1", true)), Reason::PlainHttpAbroad);
        assert_eq!(settings("http://kms.example,dial=127.0.0.1:4566", true).check(), Ok(()));
        assert_eq!(settings("https://10.0.0.1", false).check(), Ok(()));
    }

    #[test]
    fn private_means_not_routed_publicly() {
        let private = |text: &str| is_private(text.parse().unwrap());
        for text in [
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "169.254.1.1",
            "::1",
            "fc00::1",
            "fdff::1",
            "fe80::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(private(text), "{text}");
        }
        for text in
            ["172.32.0.1", "100.128.0.0", "100.63.255.255", "203.0.113.7", "2001:db8::1", "::ffff:8.8.8.8", "0.0.0.0"]
        {
            assert!(!private(text), "{text}");
        }
    }
}
