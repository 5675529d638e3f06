//! The bare peer: rustls and tokio, an answer of the right length to so many bytes, and nothing in between.

use std::path::Path;

use kmip_proxy::env::Env;
use kmip_proxy::tls;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// Serves until it is killed. Arguments: certificate, key, authority of the clients, and the two lengths.
pub(crate) fn run(arguments: &[String]) {
    let [certificate, key, authority, request, answer] = arguments else { panic!("echo takes five arguments") };
    let (request, answer): (usize, usize) = (request.parse().expect("a length"), answer.parse().expect("a length"));
    let env = Env::os();
    let config = tls::given(&env, Path::new(certificate), Path::new(key), Path::new(authority)).expect("certificates");
    let acceptor = TlsAcceptor::from(config);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        eprintln!("listening for KMIP on {}", listener.local_addr().expect("it is bound"));
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            stream.set_nodelay(true).expect("a socket has this option");
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut stream = acceptor.accept(stream).await?;
                let (mut asked, answer) = (vec![0; request], vec![0x42; answer]);
                while stream.read_exact(&mut asked).await.is_ok() {
                    stream.write_all(&answer).await?;
                    stream.flush().await?;
                }
                stream.shutdown().await
            });
        }
    });
}
