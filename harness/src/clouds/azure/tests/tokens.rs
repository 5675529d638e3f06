//! Who gets a token, to the second, and whose tokens a vault takes.

use http::Method;

use super::{Bench, SECOND, crypt_body, now, path};
use crate::clouds::azure::{IssuedCredentials, Unchanged};

/// Asks for a token and calls with it; the code of whatever refuses first.
fn log_in(bench: &mut Bench) -> String {
    let asked = bench.ask_well();
    if asked.status == 200 {
        bench.token = Some(asked.json()["access_token"].as_str().unwrap().to_owned());
        return bench.open().code();
    }
    asked.code()
}

/// The text in which a vault refuses the token.
fn refusal(bench: &mut Bench) -> String {
    let reply = bench.open();
    assert_eq!((reply.status, reply.code().as_str()), (401, "Unauthorized"), "{}", reply.body);
    reply.json()["error"]["message"].as_str().unwrap().to_owned()
}

#[test]
fn a_token_of_the_token_service_opens_and_lives_for_3599_seconds() {
    let mut bench = Bench::new();
    assert_eq!(log_in(&mut bench), "ok");
    let just_before = now() + SECOND * 3599 - SECOND;
    bench.at(just_before);
    assert_eq!(bench.open().code(), "ok");
    bench.at(now() + SECOND * 3599);
    assert_eq!(refusal(&mut bench), "[TokenExpired] Error validating token: 'S2S12086'.");
    assert_eq!(log_in(&mut bench), "ok", "a new one");
}

#[test]
fn a_token_is_dated_back_by_five_minutes_so_that_clocks_may_differ() {
    let mut bench = Bench::new();
    assert_eq!(log_in(&mut bench), "ok");
    bench.at(now() - SECOND * 300);
    assert_eq!(bench.open().code(), "ok");
    bench.at(now() - SECOND * 301);
    assert!(refusal(&mut bench).starts_with("[TokenExpired]"));
}

#[test]
fn an_expired_token_is_told_so_in_the_challenge() {
    let mut bench = Bench::new();
    bench.token = Some(bench.azure.add_token("atlas", now(), now()).unwrap());
    let tenant = bench.application.tenant_id.clone();
    let request = bench.vault_request(Method::GET, "/keys/master", "");
    let response = bench.respond(&request);
    let plain = format!(
        "Bearer authorization=\"https://login.microsoftonline.com/{tenant}\", resource=\"https://vault.azure.net\""
    );
    let told = format!("{plain}, error=\"invalid_token\", error_description=\"The token is expired.\"");
    assert_eq!(response.headers()["www-authenticate"], told);
    bench.token = Some("no.token.atall".into());
    let request = bench.vault_request(Method::GET, "/keys/master", "");
    assert_eq!(bench.respond(&request).headers()["www-authenticate"], plain);
}

#[test]
fn a_secret_expires_at_its_second_and_its_tokens_do_not() {
    let mut bench = Bench::new();
    bench.application = bench.azure.add_secret("atlas", Some(now() + SECOND * 60)).unwrap();
    bench.at(now() + SECOND * 59);
    assert_eq!(log_in(&mut bench), "ok");
    bench.at(now() + SECOND * 60);
    assert_eq!(bench.open().code(), "ok", "the token goes on");
    assert_eq!(log_in(&mut bench), "AADSTS7000222");
}

#[test]
fn an_application_has_several_secrets_and_each_is_its_own() {
    let mut bench = Bench::new();
    let first = bench.application.clone();
    let second = bench.azure.add_secret("atlas", None).unwrap();
    assert_eq!(first.client_id, second.client_id);
    bench.azure.expire(&first.secret_id, now()).unwrap();
    assert_eq!(log_in(&mut bench), "AADSTS7000222");
    bench.application = second.clone();
    assert_eq!(log_in(&mut bench), "ok");
    bench.azure.revoke(&first.secret_id).unwrap();
    bench.application = first.clone();
    assert_eq!(log_in(&mut bench), "AADSTS7000215", "it was never one");
    assert_eq!(bench.azure.revoke(&first.secret_id), Err(Unchanged::NoSuchSecret(first.secret_id.clone())));
    assert_eq!(bench.azure.expire("x", now()), Err(Unchanged::NoSuchSecret("x".into())));
    assert_eq!(bench.azure.add_secret("nobody", None), Err(Unchanged::NoSuchApplication("nobody".into())));
    let given = [&first, &second].map(|issued| issued.client_secret.clone());
    assert!(given.iter().all(|secret| secret.len() == 40) && given[0] != given[1]);
}

#[test]
fn an_application_that_is_deleted_gets_no_token_and_keeps_the_one_that_it_has() {
    let mut bench = Bench::new();
    assert_eq!(log_in(&mut bench), "ok");
    bench.azure.remove_application("atlas").unwrap();
    assert_eq!(bench.open().code(), "ok");
    assert_eq!(log_in(&mut bench), "AADSTS700016");
    assert_eq!(bench.azure.remove_application("atlas"), Err(Unchanged::NoSuchApplication("atlas".into())));
}

#[test]
fn an_application_of_another_tenant_gets_a_token_that_is_no_good_here() {
    let mut bench = Bench::new();
    let home = bench.application.tenant_id.clone();
    let other = bench.azure.add_tenant("contoso");
    let IssuedCredentials { client_id, client_secret, .. } = bench.azure.add_application_in(&other, "atlas");
    let form = format!(
        "grant_type=client_credentials&client_id={client_id}&client_secret={client_secret}&scope=https://vault.azure.net/.default"
    );
    let request = bench.token_request(&home, &form);
    assert_eq!(bench.send(&request).code(), "AADSTS700016", "the home tenant does not know it");
    let request = bench.token_request(&other, &form);
    let token = bench.send(&request).json()["access_token"].as_str().unwrap().to_owned();
    bench.token = Some(token);
    let expected = format!(
        "AKV10032: Invalid issuer. Expected one of https://sts.windows.net/{home}/, found https://sts.windows.net/{other}/."
    );
    assert_eq!(refusal(&mut bench), expected);
}

#[test]
fn a_token_for_another_resource_is_no_good_at_a_vault() {
    let mut bench = Bench::new();
    let form = bench.form().replace("vault.azure.net", "graph.microsoft.com");
    bench.token = Some(bench.ask(&form).json()["access_token"].as_str().unwrap().to_owned());
    assert_eq!(
        refusal(&mut bench),
        "AKV10022: Invalid audience. Expected https://vault.azure.net, found: https://graph.microsoft.com."
    );
}

#[test]
fn a_token_that_was_changed_anywhere_is_nobodys() {
    let mut bench = Bench::new();
    let token = bench.token.clone().unwrap();
    for at in (0..token.len()).step_by(37).chain([token.len() - 3]) {
        let mut changed = token.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        bench.token = Some(String::from_utf8(changed).unwrap());
        assert!(refusal(&mut bench).starts_with("AKV10046"), "byte {at}");
    }
    let stranger = Bench::seeded([9; 32]).token;
    bench.token = stranger;
    assert!(refusal(&mut bench).starts_with("AKV10046"), "another directory's");
}

#[test]
fn whatever_is_no_bearer_token_counts_as_none() {
    let mut bench = Bench::new();
    for value in ["", "Bearer", "Bearer ", "Basic YTpi", "PoP x"] {
        let mut request = bench.vault_request(Method::GET, "/keys/master", "");
        request.headers_mut().insert("authorization", value.parse().unwrap());
        let reply = bench.send(&request);
        assert!(reply.status == 401 && reply.body.contains("AKV10000"), "{value:?}: {}", reply.body);
    }
    let mut request = bench.vault_request(Method::GET, "/keys/master", "");
    let lower = format!("bearer {}", bench.token.clone().unwrap());
    request.headers_mut().insert("authorization", lower.parse().unwrap());
    assert_eq!(bench.send(&request).status, 200, "the scheme's name is case-insensitive");
}

#[test]
fn without_a_token_nobody_learns_whether_a_key_exists() {
    let mut bench = Bench::new();
    let kid = bench.kid.clone();
    bench.token = None;
    let here = bench.crypt("decrypt", &kid, b"");
    let nowhere = bench.vault(Method::POST, "/keys/nope//decrypt", &crypt_body(b""));
    assert_eq!(here, nowhere);
    assert_eq!(bench.get(path(&kid)), here);
}

#[test]
fn the_form_may_be_encoded_or_not_and_ids_written_in_any_case() {
    let mut bench = Bench::new();
    let IssuedCredentials { tenant_id, client_id, client_secret, .. } = bench.application.clone();
    let plain = format!(
        "grant_type=client_credentials&scope=https://vault.azure.net/.default&client_id={}&client_secret={client_secret}&unknown=1",
        client_id.to_ascii_uppercase()
    );
    let request = bench.token_request(&tenant_id.to_ascii_uppercase(), &plain);
    assert_eq!(bench.send(&request).status, 200);
    let request = bench.token_request(&tenant_id, "grant_type=client%5Fcredentials&client_id=%zz&scope=+");
    assert_eq!(bench.send(&request).code(), "AADSTS7000216", "read in this order, and nothing breaks");
}
