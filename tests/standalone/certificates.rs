//! Certificates that are given, and what is wrong with those of clients: each fault ends in the alert of RFC 8446,
//! section 6.2, that names it, and in nothing else.

use std::sync::Arc;

use kmip_proxy::env::Env;
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use time::{Duration, OffsetDateTime};

use super::client::{Client, get};
use super::process::Dbpath;

/// An authority of the tests.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: rcgen::Certificate,
}

impl Authority {
    fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        Authority { issuer: Issuer::new(params, key), certificate }
    }

    fn sign(&self, change: impl FnOnce(&mut CertificateParams)) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        change(&mut params);
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }
}

#[test]
fn real_clients_with_a_bad_certificate_read_the_alert_that_names_it() {
    let (servers, clients, strangers) =
        (Authority::new("servers"), Authority::new("clients"), Authority::new("strangers"));
    let dbpath = Dbpath::local();
    let (server, key) = servers.sign(|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]);
    dbpath.write("server.pem", &server.pem());
    dbpath.write("server.key", &key.serialize_pem());
    dbpath.write("clients.pem", &clients.certificate.pem());
    let given = ["--tls-cert", "server.pem", "--tls-key", "server.key", "--client-ca", "clients.pem"];
    let proxy = dbpath.serve_with("local", &given);

    let now = OffsetDateTime::now_utc();
    let good = clients.sign(|_| {});
    let expired = clients.sign(|params| params.not_after = now - Duration::days(1));
    let early = clients.sign(|params| params.not_before = now + Duration::days(2));
    let for_servers = clients.sign(|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]);
    let foreign = strangers.sign(|_| {});
    let own = {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "itself");
        (params.self_signed(&key).unwrap(), key)
    };
    let stolen = (clients.sign(|_| {}).0, KeyPair::generate().unwrap());
    let mut told = String::new();
    for (what, certificate) in [
        ("a good one", Some(good)),
        ("none", None),
        ("an expired one", Some(expired)),
        ("one that is not valid yet", Some(early)),
        ("one for servers", Some(for_servers)),
        ("one of another authority", Some(foreign)),
        ("one that is signed by itself", Some(own)),
        ("one without its key", Some(stolen)),
    ] {
        let mut client = Client::with(config(&servers, certificate), &proxy);
        let said = client.try_ask(&get("nobody")).map_or_else(|error| error.to_string(), |()| "served".to_owned());
        told.push_str(&format!("{what}: {said}\n"));
    }
    insta::assert_snapshot!(told);
}

/// A client of the authority's server, with a certificate or without.
fn config(servers: &Authority, certificate: Option<(rcgen::Certificate, KeyPair)>) -> Arc<ClientConfig> {
    let env = Env::os();
    let mut roots = RootCertStore::empty();
    roots.add(servers.certificate.der().clone()).unwrap();
    let builder = ClientConfig::builder_with_details(env.crypto.provider(), env.tls_time())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let Some((certificate, key)) = certificate else { return Arc::new(builder.with_no_client_auth()) };
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let signer = env.crypto.provider().key_provider.load_private_key(key).unwrap();
    let chain: Vec<CertificateDer<'static>> = vec![certificate.der().clone()];
    // Unchecked, so that a certificate can be shown with a key that is not its own.
    let certified = rustls::sign::CertifiedKey::new(chain, signer);
    let resolver = rustls::sign::SingleCertAndKey::from(certified);
    Arc::new(builder.with_client_cert_resolver(Arc::new(resolver)))
}
