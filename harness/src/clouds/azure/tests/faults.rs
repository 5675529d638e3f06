//! Planned answers: every row of the table, given to every operation that a proxy calls.

use std::time::Duration;

use super::{Bench, Reply, path};
use crate::clouds::Action;
use crate::clouds::azure::{Error, Fault, Service};
use crate::trace::What;

/// A call that would go well.
fn call(bench: &mut Bench, operation: &str) -> Reply {
    let kid = bench.kid.clone();
    match operation {
        "Decrypt" => bench.open(),
        "Encrypt" => bench.crypt("encrypt", &kid, b"text"),
        "GetKey" => bench.get(path(&kid)),
        _ => bench.ask_well(),
    }
}

#[test]
fn every_row_can_be_given_to_the_calls_of_its_service_and_leaves_no_name_open() {
    let mut given = 0;
    for operation in ["Decrypt", "Encrypt", "GetKey", "Token"] {
        let service = if operation == "Token" { Service::Entra } else { Service::KeyVault };
        for error in Error::ALL.iter().copied().filter(|error| error.is_known_to(service)) {
            let mut bench = Bench::new();
            bench.azure.inject_into(operation, Fault::Answer(error), None, Some(1));
            let (reply, fact) = (call(&mut bench, operation), error.fact());
            assert_eq!(reply.status, fact.status, "{operation} {error:?}");
            let text = match service {
                Service::KeyVault => reply.json()["error"]["message"].clone(),
                Service::Entra => reply.json()["error_description"].clone(),
            };
            assert!(!text.as_str().unwrap().contains(['{', '}']), "{operation} {error:?}: {text}");
            assert_eq!(call(&mut bench, operation).status, 200, "{operation} {error:?}: once is once");
            given += 1;
        }
    }
    assert!(given > 80, "{given}");
}

#[test]
fn a_row_of_one_service_leaves_the_other_alone() {
    for error in Error::ALL.iter().copied() {
        let mut bench = Bench::new();
        bench.azure.inject(Fault::Answer(error), None, None);
        let refused = [call(&mut bench, "GetKey"), call(&mut bench, "Token")].map(|reply| reply.status >= 400);
        assert_eq!(refused, [Service::KeyVault, Service::Entra].map(|service| error.is_known_to(service)), "{error:?}");
    }
}

#[test]
fn both_services_throttle_and_say_when_to_come_again() {
    let mut bench = Bench::new();
    bench.azure.inject(Fault::Throttle, None, None);
    let requests = [
        bench.vault_request(http::Method::GET, "/keys/master", ""),
        bench.token_request(&bench.application.tenant_id, &bench.form()),
    ];
    for request in requests {
        let response = bench.respond(&request);
        assert_eq!((response.status().as_u16(), &response.headers()["retry-after"]), (429, &"1".parse().unwrap()));
    }
    bench.azure.clear_faults(None);
    let well = bench.respond(&bench.vault_request(http::Method::GET, "/keys/master", ""));
    assert!(!well.headers().contains_key("retry-after"));
}

#[test]
fn failures_have_their_status_at_both_services() {
    for (fault, status) in [(Fault::Internal, 500), (Fault::Unavailable, 503)] {
        let mut bench = Bench::new();
        bench.azure.inject(fault, None, None);
        assert_eq!([call(&mut bench, "Decrypt"), call(&mut bench, "Token")].map(|reply| reply.status), [status; 2]);
    }
}

#[test]
fn every_fault_of_the_list_of_names_can_be_planned_and_strikes() {
    for name in Fault::names() {
        let mut bench = Bench::new();
        bench.azure.inject(Fault::from_name(name).unwrap(), None, Some(1));
        let request = bench.vault_request(http::Method::GET, "/keys/master", "");
        let struck = bench.handle(&request);
        let well = bench.handle(&request);
        assert_ne!(format!("{:?}", struck.action), format!("{:?}", well.action), "{name}");
        assert!(matches!(well.action, Action::Respond(response) if response.status() == 200), "{name}");
    }
}

#[test]
fn a_fault_can_be_limited_to_an_endpoint_or_an_operation_and_cleared_there() {
    let mut bench = Bench::new();
    bench.azure.inject(Fault::Reset, Some("private-a"), None);
    bench.azure.inject_into("Encrypt", Fault::Slow(Duration::from_secs(2)), None, None);
    let kid = bench.kid.clone();
    let get = bench.vault_request(http::Method::GET, path(&kid), "");
    assert!(matches!(bench.handle(&get).action, Action::Reset));
    bench.arrival.via = "private-b".to_owned();
    assert!(matches!(bench.handle(&get).action, Action::Respond(_)));
    bench.arrival.via = "private-a".to_owned();
    bench.azure.clear_faults(Some("private-a"));
    assert!(matches!(bench.handle(&get).action, Action::Respond(_)));
    let encrypt = bench.vault_request(http::Method::POST, "/keys/master//encrypt", &super::crypt_body(b"text"));
    let Action::Delay(by, then) = bench.handle(&encrypt).action else { panic!("slow is for all endpoints") };
    assert!(by == Duration::from_secs(2) && matches!(*then, Action::Respond(_)));
}

#[test]
fn a_planned_answer_comes_after_the_token_speaks_of_the_key_and_opens_nothing() {
    let mut bench = Bench::new();
    bench.azure.inject(Fault::from_name("KeyDisabled").unwrap(), None, None);
    let (kid, blob) = bench.azure.encrypt_directly("master", b"text").unwrap();
    let request =
        bench.vault_request(http::Method::POST, &format!("{}/unwrapkey", path(&kid)), &super::crypt_body(&blob));
    let handled = bench.handle(&request);
    let [What::Call { status: 403, code: Some(code), cmk: Some(cmk), .. }] = &handled.events[..] else {
        panic!("{:?}", handled.events);
    };
    assert_eq!((code.as_str(), cmk), ("KeyDisabled", &kid));
    let Action::Respond(response) = handled.action else { panic!("a refusal is an answer") };
    let body = String::from_utf8(response.body().to_vec()).unwrap();
    assert!(body.contains("Operation unwrapKey is not allowed on a disabled key."), "{body}");
    bench.token = None;
    assert_eq!(bench.get(path(&kid)).status, 401);
}
