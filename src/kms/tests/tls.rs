//! Real TLS to a cloud: who is trusted, under which name, and what a refusal is called.

use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::PrivateKeyDer;

use super::aws::{ARN, credentials, decrypted, open};
use super::world::{Act, START, World};
use crate::env::Crypto as _;
use crate::kms::{AwsKms, Class, Settings};

const KMS: &str = "kms.us-east-1.amazonaws.com";

/// A fresh authority of that name, and a server with a certificate of it for a host, good for some days from the start.
fn pki(world: &World, authority: &str, host: &str, days: i64) -> (Arc<ServerConfig>, Arc<RootCertStore>) {
    let authority_key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, authority);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&authority_key).unwrap();
    let issuer = Issuer::from_params(&params, &authority_key);

    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
    let start = time::OffsetDateTime::from_unix_timestamp(i64::try_from(START).unwrap()).unwrap();
    params.not_before = start - time::Duration::days(10);
    params.not_after = start + time::Duration::days(days);
    let certificate = params.signed_by(&key, &issuer).unwrap();

    let server = ServerConfig::builder_with_details(world.provider(), world.env().tls_time())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    (Arc::new(server), Arc::new(roots))
}

fn provider(world: &World, cloud_ca: Option<Arc<RootCertStore>>) -> AwsKms {
    let endpoint = "private:https://kms.us-east-1.amazonaws.com,dial=10.0.0.5:443".parse().unwrap();
    let settings =
        Settings { endpoints: vec![endpoint], require_private_networking: true, cloud_ca, ..Settings::default() };
    AwsKms::new(world.env(), settings)
}

async fn outcome(world: &World, cloud_ca: Option<Arc<RootCertStore>>) -> String {
    match open(&provider(world, cloud_ca), credentials(), ARN).await {
        Ok(_) => "opened".to_owned(),
        Err(error) => {
            assert_eq!(error.class, Class::EndpointUnreachable);
            error.attempts[0].outcome.clone()
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_name_of_the_url_is_asked_for_at_the_dialed_address() {
    let world = World::new();
    let (server, roots) = pki(&world, "Cloud", KMS, 1);
    world.tls(server, roots).server("10.0.0.5:443", [decrypted()]);
    assert_eq!(outcome(&world, None).await, "opened");
    assert!(world.state().requests[0].contains("host: kms.us-east-1.amazonaws.com\r\n"));
    assert_eq!(world.state().connections, ["10.0.0.5:443"]);
}

#[tokio::test(start_paused = true)]
async fn every_doubt_about_the_certificate_has_its_own_words() {
    let world = World::new();
    world.server("10.0.0.5:443", [decrypted()]);
    let (server, roots) = pki(&world, "Cloud", KMS, 1);
    world.tls(server, roots);
    for authority in ["Stranger", "Cloud"] {
        let others = pki(&world, authority, KMS, 1).1;
        assert_eq!(outcome(&world, Some(others)).await, "TLS: certificate from an unknown authority", "{authority}");
    }

    world.pass(Duration::from_secs(2 * 86_400));
    assert_eq!(outcome(&world, None).await, "TLS: certificate expired");

    let world = World::new();
    world.server("10.0.0.5:443", [decrypted()]);
    let (server, roots) = pki(&world, "Cloud", "vpce-0123.kms.us-east-1.vpce.amazonaws.com", 1);
    world.tls(server, roots);
    assert_eq!(outcome(&world, None).await, "TLS: certificate is for another name");
}

#[tokio::test(start_paused = true)]
async fn only_where_certificates_alone_were_in_the_way_the_error_says_so() {
    let failed = async |world: &World, endpoints: &[&str]| {
        let endpoints = endpoints.iter().map(|endpoint| endpoint.parse().unwrap()).collect();
        let settings = Settings { endpoints, require_private_networking: true, ..Settings::default() };
        let error = open(&AwsKms::new(world.env(), settings), credentials(), ARN).await.unwrap_err();
        (error.attempts.len(), error.only_certificates)
    };
    let world = World::new();
    world.server("10.0.0.5:443", [decrypted()]);
    let (server, roots) = pki(&world, "Cloud", "elsewhere", 1);
    world.tls(server, roots);
    let misnamed = "private:https://kms.us-east-1.amazonaws.com,dial=10.0.0.5:443";
    let closed = "private:https://kms.us-east-1.amazonaws.com,dial=10.0.0.6:443";
    let public = "public:https://kms.us-east-1.amazonaws.com,dial=54.0.0.7:443";
    assert_eq!(failed(&world, &[misnamed]).await, (1, true));
    assert_eq!(failed(&world, &[misnamed, public]).await, (2, true), "the public one is not tried");
    assert_eq!(failed(&world, &[misnamed, closed]).await, (2, false));
    assert_eq!(failed(&world, &[public]).await, (1, false), "nobody was tried");
}

#[tokio::test(start_paused = true)]
async fn unreadable_authorities_are_a_matter_of_files() {
    let world = World::new();
    world.server("10.0.0.5:443", [Act::Silent]);
    let error = open(&provider(&world, None), credentials(), ARN).await.unwrap_err();
    assert_eq!(error.class, Class::FileUnavailable);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_shake_hands_is_left_after_the_connect_timeout() {
    let world = World::new();
    let (_, roots) = pki(&world, "Cloud", KMS, 1);
    // The server waits for a request in plain text, which never comes whole.
    world.server("10.0.0.5:443", [Act::Silent]);
    let error = open(&provider(&world, Some(roots)), credentials(), ARN).await.unwrap_err();
    assert_eq!(
        (error.class, error.attempts[0].outcome.as_str()),
        (Class::EndpointUnreachable, "TLS handshake timed out")
    );
}
