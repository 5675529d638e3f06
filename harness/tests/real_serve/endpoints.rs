//! The product's clients through relay and wiremock, and every state of an endpoint.

use std::fmt::Write as _;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use kmip_proxy::keys::Provider;
use kmiplab::clouds::aws::Fault;
use kmiplab::scenario::EndpointState;
use kmiplab::world::Phase;
use kmiplab::world::loopback::Loopback;

use super::laboratory::{Laboratory, MASTER_KEY};

/// For what is answered at once. Generous: the machine may be busy.
const LONG: Duration = Duration::from_secs(60);
/// For what is never answered: the time that such a test takes. TLS gets half of it, which has to be enough.
const SHORT: Duration = Duration::from_secs(4);

#[tokio::test]
async fn what_the_product_wraps_through_relay_and_wiremock_it_opens_again_at_every_cloud() {
    let mut told = String::new();
    for provider in [Provider::Aws, Provider::Azure, Provider::Gcp] {
        let laboratory = Laboratory::new(provider);
        let client = laboratory.client(LONG);
        let wrapped = laboratory.wrap(&*client).await.unwrap_or_else(|error| panic!("{provider}: {error:?}"));
        let opened =
            laboratory.unwrap(&*client, &wrapped).await.unwrap_or_else(|error| panic!("{provider}: {error:?}"));
        assert_eq!(opened, MASTER_KEY, "{provider}");
        writeln!(told, "{provider}").unwrap();
        for line in laboratory.told() {
            writeln!(told, "  {line}").unwrap();
        }
    }
    insta::assert_snapshot!(told);
}

#[tokio::test]
async fn an_endpoint_that_does_not_answer_is_passed_over_and_is_back_when_healed() {
    let laboratory = Laboratory::new(Provider::Aws);
    let client = laboratory.client(LONG);
    laboratory.loopback.set("private-a", &EndpointState::Refusing).unwrap();
    let wrapped = laboratory.wrap(&*client).await.unwrap();
    assert_eq!(laboratory.told().last().unwrap(), "public: kms Encrypt 200");
    laboratory.loopback.heal().unwrap();
    laboratory.unwrap(&*client, &wrapped).await.unwrap();
    assert_eq!(laboratory.told().last().unwrap(), "private-a: kms Decrypt 200");
}

/// What one Encrypt comes to.
async fn outcome(laboratory: &Laboratory, deadline: Duration) -> String {
    match laboratory.wrap(&*laboratory.client(deadline)).await {
        Ok(_) => "ok".to_owned(),
        Err(error) => {
            let tried: Vec<&str> = error.attempts.iter().map(|attempt| attempt.outcome.as_str()).collect();
            format!("{}: {}", error.class.code(), tried.join(", "))
        }
    }
}

#[tokio::test]
async fn every_state_of_an_endpoint_has_its_effect_on_the_product_and_healing_takes_it_back() {
    use EndpointState::*;
    let mut table = String::new();
    for phase in Phase::ALL {
        let (laboratory, _) = Laboratory::with_phase(phase);
        for (state, deadline) in [(Resetting, LONG), (BlackHoled, SHORT)] {
            let drawn = laboratory.loopback.set("private-a", &state).unwrap().expect("a phase was drawn");
            assert_eq!(drawn.value, phase.as_str());
            let seen = outcome(&laboratory, deadline).await;
            writeln!(table, "{:<20} {:<21} {seen}", state.name(), phase.as_str()).unwrap();
            laboratory.loopback.heal().unwrap();
            assert_eq!(outcome(&laboratory, LONG).await, "ok");
        }
    }
    let (laboratory, _) = Laboratory::with_phase(Phase::BeforeHandshake);
    for state in [Available, Refusing, Rejected, Vanished, Initiating, CertificateExpired, Misnamed, Denying] {
        let silent = Loopback::differs(&state).is_some();
        assert_eq!(laboratory.loopback.set("private-a", &state).unwrap(), None);
        let seen = outcome(&laboratory, if silent { SHORT } else { LONG }).await;
        writeln!(table, "{:<42} {seen}", state.name()).unwrap();
    }
    laboratory.loopback.set("private-a", &Available).unwrap();
    assert_eq!(outcome(&laboratory, LONG).await, "ok");
    insta::assert_snapshot!(table);
}

#[tokio::test]
async fn what_the_service_itself_does_wrong_comes_through_as_it_is() {
    let (laboratory, aws) = Laboratory::with_phase(Phase::BeforeHandshake);
    let mut table = String::new();
    let fault = |name: &str| Fault::from_name(name).unwrap();
    let slow = Fault::Slow(Duration::from_millis(700));
    let planned =
        [fault("throttle"), fault("internal"), fault("garbage"), slow, fault("reset"), fault("cut"), fault("hang")];
    for fault in planned {
        aws.lock().unwrap().inject(fault, Some("private-a"), None);
        let began = laboratory.trace.now();
        let seen = outcome(&laboratory, if fault == Fault::Hang { SHORT } else { LONG }).await;
        assert!(fault != slow || laboratory.trace.now() - began >= Duration::from_millis(700), "it came too early");
        writeln!(table, "{:<10} {seen}", fault.name()).unwrap();
        aws.lock().unwrap().clear_faults(None);
    }
    insta::assert_snapshot!(table);
}

/// A task of its own.
#[expect(clippy::disallowed_methods, reason = "nothing is simulated here")]
fn task<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> tokio::task::JoinHandle<T> {
    tokio::spawn(future)
}

#[tokio::test]
async fn an_answer_that_is_hours_late_holds_up_nobody_else_at_the_same_endpoint() {
    let (laboratory, aws) = Laboratory::with_phase(Phase::BeforeHandshake);
    let laboratory = Arc::new(laboratory);
    aws.lock().unwrap().inject(Fault::Slow(Duration::from_secs(3600)), Some("private-a"), Some(1));
    let slow = task({
        let laboratory = laboratory.clone();
        async move { laboratory.wrap(&*laboratory.client(Duration::from_secs(3600))).await.is_ok() }
    });
    // Whoever comes first is the slow one: the others begin when it has been heard.
    while laboratory.told().len() < 2 {
        tokio::task::yield_now().await;
    }
    for _ in 0..5 {
        let others = [(); 4].map(|()| {
            let laboratory = laboratory.clone();
            task(async move { outcome(&laboratory, LONG).await })
        });
        for other in others {
            assert_eq!(other.await.unwrap(), "ok");
        }
    }
    assert!(!slow.is_finished());
    slow.abort();
}

#[test]
fn a_refused_port_refuses_stays_taken_and_takes_connections_again_at_the_same_place() {
    let laboratory = Laboratory::new(Provider::Aws);
    let at = laboratory.loopback.address("public").unwrap();
    // One that stands, and one that has just ended: neither may keep the port from coming back.
    let standing = TcpStream::connect(at).unwrap();
    drop(TcpStream::connect(at).unwrap());
    laboratory.loopback.set("public", &EndpointState::Refusing).unwrap();
    assert_eq!(TcpStream::connect(at).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    let elsewhere = laboratory.loopback.address("private-a").unwrap();
    TcpStream::connect(elsewhere).expect("the other endpoint is not concerned");
    laboratory.loopback.set("public", &EndpointState::Available).unwrap();
    TcpStream::connect(at).expect("it is back");
    assert_eq!(laboratory.loopback.address("public"), Some(at));
    drop(standing);
    let unknown = laboratory.loopback.set("private-z", &EndpointState::Available).unwrap_err();
    assert_eq!(unknown.to_string(), "the cloud has no endpoint `private-z`");
}

#[test]
fn a_cut_is_a_reset_and_not_a_close() {
    let (laboratory, _) = Laboratory::with_phase(Phase::BeforeHandshake);
    laboratory.loopback.set("private-a", &EndpointState::Resetting).unwrap();
    let mut stream = TcpStream::connect(laboratory.loopback.address("private-a").unwrap()).unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[test]
fn when_a_cloud_is_dropped_its_ports_are_closed_and_nobody_is_left_in_them() {
    let laboratory = Laboratory::new(Provider::Aws);
    let addresses = ["private-a", "public", "tokens"].map(|name| laboratory.loopback.address(name).unwrap());
    // One in the middle of a handshake, one before silence, one whose port was shut behind it.
    let mut streams = addresses.map(|at| TcpStream::connect(at).unwrap());
    streams[0].write_all(&[0x16]).unwrap();
    laboratory.wait_for_connections(3);
    laboratory.loopback.set("public", &EndpointState::Rejected).unwrap();
    laboratory.loopback.set("tokens", &EndpointState::Refusing).unwrap();
    let late = TcpStream::connect(addresses[1]).unwrap();
    laboratory.wait_for_connections(4);
    let Laboratory { loopback, trace, .. } = laboratory;
    drop(loopback);
    for at in addresses {
        assert_eq!(TcpStream::connect(at).unwrap_err().kind(), ErrorKind::ConnectionRefused, "{at}");
    }
    for stream in streams.iter_mut().chain([&mut { late }]) {
        // A close or a reset: what counts is that there is an end.
        assert!(matches!(stream.read(&mut [0]), Ok(0) | Err(_)));
    }
    assert_eq!(Laboratory::open(&trace), 0, "every connection that was noted as open is noted as closed");
}
