//! Who gets a connection, how many do, and how the server ends.

use super::*;

/// What a client that may not come in reads.
async fn refusal(config: ClientConfig, bench: &Bench) -> String {
    // In TLS 1.3 the client is done before the server has looked at its certificate: then reading fails.
    match handshake(config, "127.0.0.1", bench.connect()).await {
        Ok(mut stream) => stream.read(&mut [0]).await.unwrap_err().to_string(),
        Err(error) => error.to_string(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_without_a_certificate_or_with_a_foreign_one_is_refused() {
    let bench = Bench::new();
    let without = bench.certificates.client(false);
    assert_eq!(at_once(refusal(without, &bench)).await, "received fatal alert: CertificateRequired");

    // It knows our authority, but its certificate is of another one.
    let other = Certificates::new(LOOPBACK);
    let foreign = other.client_that_trusts(&bench.certificates.folder.path().join(tls::CA_FILE), true);
    let said = at_once(refusal(foreign, &bench)).await;
    assert!(said.starts_with("received fatal alert: "), "{said}");
    assert_eq!(bench.scribe.asked(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_certificate_is_good_for_loopback_and_for_the_bound_address() {
    let bound = IpAddr::V4(Ipv4Addr::new(10, 1, 2, 3));
    let certificates = Certificates::new(bound);
    let everywhere = Certificates::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    for (certificates, name, good) in [
        (&certificates, "localhost", true),
        (&certificates, "127.0.0.1", true),
        (&certificates, "::1", true),
        (&certificates, "10.1.2.3", true),
        (&certificates, "10.1.2.4", false),
        (&everywhere, "127.0.0.1", true),
        (&everywhere, "0.0.0.0", false),
    ] {
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let acceptor = TlsAcceptor::from(certificates.server.clone());
        let client = handshake(certificates.client(true), name, ours);
        let (_, done) = tokio::join!(acceptor.accept(theirs), client);
        assert_eq!(done.is_ok(), good, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn several_authorities_of_clients_may_stand_in_one_file() {
    let (ours, theirs) = (Certificates::new(LOOPBACK), Certificates::new(LOOPBACK));
    let (env, folder) = (Env::os(), tempfile::tempdir().unwrap());
    let read = |one: &Certificates, name: &str| env.files.read(&one.folder.path().join(name)).unwrap();
    let bundle = folder.path().join("bundle.pem");
    let content = [read(&ours, tls::CA_FILE), read(&theirs, tls::CA_FILE)].concat();
    env.files.write(&bundle, &content, crate::env::Access::Everyone).unwrap();
    let server = folder.path().join("server.pem");
    let key = env.crypto.new_certificate_key().unwrap();
    let params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let pem = params.self_signed(&key).unwrap().pem() + &key.serialize_pem();
    env.files.write(&server, pem.as_bytes(), crate::env::Access::Owner).unwrap();
    let config = tls::given(&env, &server, &server, &bundle).unwrap();
    for certificates in [&ours, &theirs] {
        let (near, far) = tokio::io::duplex(1 << 16);
        let client = certificates.client_that_trusts(&server, true);
        let (accepted, _) =
            tokio::join!(TlsAcceptor::from(config.clone()).accept(far), handshake(client, "localhost", near));
        accepted.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_tls_and_who_never_shakes_hands_harm_nobody_else() {
    let bench = Bench::with(Limits { connections: 1, ..Limits::default() });
    let mut plain = bench.connect();
    plain.write_all(&message(1, 8)).await.unwrap();
    let _ = at_once(plain.read_to_end(&mut Vec::new())).await;

    let silent = bench.connect();
    settle().await;
    assert_eq!(ask(&mut at_once(bench.client()).await).await, answer_to(&message(1, 8)));
    drop(silent);
}

#[tokio::test(start_paused = true)]
async fn a_handshake_takes_only_so_long() {
    let bench = Bench::new();
    let mut silent = bench.connect();
    let handshake = Limits::default().handshake;
    let mut byte = [0];
    assert!(timeout(handshake - Duration::from_millis(1), silent.read(&mut byte)).await.is_err(), "too early");
    assert!(timeout(Duration::from_millis(3), silent.read(&mut byte)).await.is_ok(), "too late");
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_asks_nothing_for_long_ends() {
    let bench = Bench::new();
    let mut silent = bench.client().await;
    let idle = Limits::default().idle;
    let early = timeout(idle - Duration::from_secs(1), read(&mut silent, 1)).await;
    assert!(early.is_err(), "a session may be held open between requests");
    assert_eq!(timeout(Duration::from_secs(2), rest(&mut silent)).await.expect("it is held for ever"), b"");
}

#[tokio::test(start_paused = true)]
async fn when_all_places_are_taken_the_longest_silent_client_gives_way_to_the_next() {
    let bench = Bench::with(Limits { connections: 2, ..Limits::default() });
    let mut first = at_once(bench.client()).await;
    let mut second = at_once(bench.client()).await;
    // The first has been silent for a shorter time than the second now.
    ask(&mut first).await;
    settle().await;
    let mut third = at_once(bench.client()).await;
    assert_eq!(ask(&mut third).await, answer_to(&message(1, 8)));
    assert_eq!(at_once(rest(&mut second)).await, b"", "it was told in good order");
    assert_eq!(ask(&mut first).await, answer_to(&message(1, 8)), "it was not its turn");
}

#[tokio::test(start_paused = true)]
async fn who_has_not_shaken_hands_gives_way_before_a_session_that_is_held_open() {
    let bench = Bench::with(Limits { connections: 2, ..Limits::default() });
    let mut session = at_once(bench.client()).await;
    let strangers: Vec<_> = (0..100).map(|_| bench.connect()).collect();
    settle().await;
    assert_eq!(ask(&mut session).await, answer_to(&message(1, 8)), "strangers have driven it out");
    drop(strangers);
}

#[tokio::test]
async fn a_client_that_speaks_when_it_is_asked_to_give_way_stays_and_another_goes() {
    let places = Places::new(2);
    let (speaks, stays) = (places.take().await, places.take().await);
    let (say, heard) = tokio::sync::oneshot::channel::<()>();
    let mut speaking = pin!(speaks.silently(Silence::Request, heard));
    let mut silent = Box::pin(stays.silently(Silence::Request, std::future::pending::<()>()));
    let mut next = pin!(places.take());
    poll_fn(|context| {
        assert!(speaking.as_mut().poll(context).is_pending());
        assert!(silent.as_mut().poll(context).is_pending());
        assert!(next.as_mut().poll(context).is_pending());
        Poll::Ready(())
    })
    .await;
    // The first was asked, and at the same moment its client speaks.
    say.send(()).unwrap();
    assert!(speaking.await.is_some());
    assert!(silent.as_mut().await.is_none(), "nobody was asked in its place");
    drop(silent);
    drop(stays);
    next.await;
}

#[tokio::test(start_paused = true)]
async fn a_thousand_clients_that_never_shake_hands_keep_nobody_out() {
    let bench = Bench::with(Limits { connections: 8, ..Limits::default() });
    let silent: Vec<_> = (0..1000).map(|_| bench.connect()).collect();
    settle().await;
    assert_eq!(ask(&mut at_once(bench.client()).await).await, answer_to(&message(1, 8)));
    drop(silent);
}

#[tokio::test(start_paused = true)]
async fn nobody_loses_a_place_while_an_answer_is_made() {
    let bench = Bench::with(Limits { connections: 1, ..Limits::default() });
    let gate = bench.scribe.hold();
    let mut busy = bench.client().await;
    send(&mut busy, &message(1, 8)).await;
    bench.scribe.until_asked(1).await;
    let mut next = pin!(bench.client());
    assert!(timeout(Duration::from_secs(60), next.as_mut()).await.is_err(), "two connections at once");
    gate.add_permits(2);
    // The answer goes out, and then the place is needed.
    assert_eq!(at_once(rest(&mut busy)).await, answer_to(&message(1, 8)));
    assert_eq!(ask(&mut at_once(next).await).await, answer_to(&message(1, 8)));
}

#[tokio::test(start_paused = true)]
async fn long_requests_share_their_memory_and_short_ones_need_none_of_it() {
    let bench = Bench::with(Limits { large: SMALL, ..Limits::default() });
    let whole = message(1, u32::try_from(2 * SMALL - HEADER).unwrap());
    // Who has announced much and sent little takes nothing from the others.
    let mut announced = bench.client().await;
    send(&mut announced, &whole[..SMALL - 1]).await;
    let mut first = bench.client().await;
    send(&mut first, &whole[..SMALL + 1]).await;
    settle().await;
    let mut second = bench.client().await;
    send(&mut second, &whole).await;
    settle().await;
    assert_eq!(bench.scribe.asked(), 0, "two long requests have more than their share");
    assert_eq!(ask(&mut bench.client().await).await, answer_to(&message(1, 8)));
    send(&mut first, &whole[SMALL + 1..]).await;
    assert_eq!(at_once(read(&mut first, whole.len() + 2)).await, answer_to(&whole));
    assert_eq!(at_once(read(&mut second, whole.len() + 2)).await, answer_to(&whole));
    drop(announced);
}

#[tokio::test(start_paused = true)]
async fn a_stop_finishes_the_request_in_flight_closes_idle_connections_and_ends() {
    let mut bench = Bench::new();
    let gate = bench.scribe.hold();
    let mut idle = bench.client().await;
    let mut busy = bench.client().await;
    busy.write_all(&message(1, 8)).await.unwrap();
    busy.flush().await.unwrap();
    bench.scribe.until_asked(1).await;

    bench.stop.send_replace(true);
    assert_eq!(at_once(rest(&mut idle)).await, b"");
    settle().await;
    assert!(bench.door.is_closed(), "it still listens");
    assert!(
        bench.ended.try_recv() == Err(mpsc::error::TryRecvError::Empty),
        "it ended before the request was answered"
    );
    gate.add_permits(1);
    assert_eq!(at_once(rest(&mut busy)).await, answer_to(&message(1, 8)));
    at_once(bench.ended()).await;
    assert_eq!(*bench.scribe.cancelled.lock().unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_who_never_shakes_hands() {
    let mut bench = Bench::new();
    let silent = bench.connect();
    settle().await;
    bench.stop.send_replace(true);
    at_once(bench.ended()).await;
    drop(silent);
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_requests_in_flight_only_so_long() {
    let mut bench = Bench::new();
    bench.scribe.hold();
    let mut busy = bench.client().await;
    busy.write_all(&message(1, 8)).await.unwrap();
    busy.flush().await.unwrap();
    bench.scribe.until_asked(1).await;
    bench.stop.send_replace(true);
    let drain = Limits::default().drain;
    assert!(timeout(drain - Duration::from_millis(1), bench.ended.recv()).await.is_err(), "it did not wait");
    timeout(Duration::from_millis(3), bench.ended()).await.expect("it waits for ever");
}

#[tokio::test(start_paused = true)]
async fn a_server_whose_owner_is_gone_ends() {
    let Bench { stop, mut ended, door: _door, .. } = Bench::new();
    drop(stop);
    assert_eq!(at_once(ended.recv()).await, None);
}
