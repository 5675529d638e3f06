//! A relay between mongod and the proxy that rewrites answers: planted bugs only.
//!
//! It ends TLS on both sides. Towards the proxy it shows mongod's own certificate; towards mongod it shows one of its
//! own, whose authority it puts beside the proxy's in the dbpath.
//!
//! Invariant: it changes answers and nothing else; the product behind it is untouched.

use std::future::poll_fn;
use std::io;
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use kmip_proxy::env::Crypto as _;
use kmip_proxy::env::Files as _;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use time::OffsetDateTime;
use tokio::io::{AsyncRead, AsyncWriteExt as _, ReadBuf};
use tokio_rustls::{TlsAcceptor, TlsConnector};
use turmoil::Sim;
use turmoil::net::{TcpListener, TcpStream};

use super::crypto::SimCrypto;
use super::machine::{Ground, KMIP_PORT, RELAY, in_dbpath};
use super::planted::{Planted, Rewrite};
use kmip_proxy::env::Clock as _;

/// Where the relay listens, on the proxy's address.
pub(crate) const PORT: u16 = 5697;

/// The authority that mongod trusts instead of the proxy's.
pub(crate) const CA_FILE: &str = "relayCA.pem";

/// Puts the relay on its host.
pub(crate) fn host(sim: &mut Sim<'static>, ground: &Ground, planted: &Planted) {
    let Some(rewrite) = planted.answers.clone() else { return };
    let ground = ground.clone();
    let server = certificate(&ground).expect("the relay's own certificates are well formed");
    sim.host("relay", move || {
        let (ground, rewrite, server) = (ground.clone(), rewrite.clone(), server.clone());
        async move {
            let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, PORT)).await?;
            loop {
                let (stream, _) = listener.accept().await?;
                let (ground, rewrite, server) = (ground.clone(), rewrite.clone(), server.clone());
                tokio::task::spawn_local(async move {
                    let _ = relay(stream, &ground, server, &rewrite).await;
                });
            }
        }
    });
}

async fn relay(stream: TcpStream, ground: &Ground, server: Arc<ServerConfig>, rewrite: &Rewrite) -> io::Result<()> {
    let mut mongod = TlsAcceptor::from(server).accept(stream).await?;
    let name = ServerName::try_from("127.0.0.1").map_err(io::Error::other)?;
    let proxy = TcpStream::connect(("proxy", KMIP_PORT)).await?;
    let mut proxy = TlsConnector::from(client(ground)?).connect(name, proxy).await?;
    let mut answer = Vec::new();
    loop {
        let (from_mongod, bytes) = next(&mut mongod, &mut proxy).await?;
        if from_mongod {
            if bytes.is_empty() {
                proxy.shutdown().await?;
                return mongod.shutdown().await;
            }
            proxy.write_all(&bytes).await?;
            proxy.flush().await?;
            continue;
        }
        if bytes.is_empty() {
            return mongod.shutdown().await;
        }
        answer.extend(bytes);
        while let Some(length) = whole(&answer) {
            let message: Vec<u8> = answer.drain(..length).collect();
            for part in rewrite(&message) {
                mongod.write_all(&part).await?;
            }
            mongod.flush().await?;
        }
    }
}

/// The length of the first message, once all of it has come: TTLV says it in bytes 4 to 8.
fn whole(buffer: &[u8]) -> Option<usize> {
    let length = u32::from_be_bytes(*buffer.get(4..)?.first_chunk::<4>()?) as usize + 8;
    (buffer.len() >= length).then_some(length)
}

/// The next bytes from either side, and whether they are mongod's. Nothing means that side has closed.
async fn next<A, B>(mongod: &mut A, proxy: &mut B) -> io::Result<(bool, Vec<u8>)>
where
    A: AsyncRead + Unpin,
    B: AsyncRead + Unpin,
{
    poll_fn(|context| {
        let mut space = [0; 4096];
        let mut space = ReadBuf::new(&mut space);
        if let Poll::Ready(read) = Pin::new(&mut *mongod).poll_read(context, &mut space) {
            return Poll::Ready(read.map(|()| (true, space.filled().to_vec())));
        }
        Pin::new(&mut *proxy).poll_read(context, &mut space).map_ok(|()| (false, space.filled().to_vec()))
    })
    .await
}

fn client(ground: &Ground) -> io::Result<Arc<ClientConfig>> {
    let pem = ground.disk.read(&in_dbpath("kmipClient.pem"))?;
    let authority = ground.disk.read(&in_dbpath("kmipCA.pem"))?;
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&authority).map_err(io::Error::other)?).map_err(io::Error::other)?;
    let chain = vec![CertificateDer::from_pem_slice(&pem).map_err(io::Error::other)?];
    let key = PrivateKeyDer::from_pem_slice(&pem).map_err(io::Error::other)?;
    let env = ground.env("relay", RELAY);
    let config = ClientConfig::builder_with_details(env.crypto.provider(), env.tls_time())
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .map_err(io::Error::other)?;
    Ok(Arc::new(config))
}

fn certificate(ground: &Ground) -> Result<Arc<ServerConfig>, Box<dyn std::error::Error>> {
    let crypto = SimCrypto::new(RELAY);
    let now = OffsetDateTime::from(ground.clock.now());
    let dated = |names: Vec<String>| -> Result<CertificateParams, rcgen::Error> {
        let mut params = CertificateParams::new(names)?;
        params.not_before = now - time::Duration::days(1);
        params.not_after = now + time::Duration::days(3650);
        params.serial_number = Some(1_u64.into());
        Ok(params)
    };
    let authority_key = crypto.new_certificate_key()?;
    let mut authority_params = dated(vec![])?;
    authority_params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = authority_params.self_signed(&authority_key)?;
    let issuer = Issuer::from_params(&authority_params, &authority_key);
    let key = crypto.new_certificate_key()?;
    let leaf = dated(vec!["127.0.0.1".to_owned()])?.signed_by(&key, &issuer)?;
    ground.disk.place(in_dbpath(CA_FILE), authority.pem());
    let env = ground.env("relay", RELAY);
    let mut config = ServerConfig::builder_with_details(crypto.provider(), env.tls_time())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))?;
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}
