//! Who may do what, and from where.

use http::Method;

use super::{Bench, MASTER_KEY, now};
use crate::clouds::azure::{PermissionModel, Unchanged};
use crate::scenario::KeyChange;

fn from_outside(bench: &mut Bench) {
    (bench.arrival.private, bench.arrival.via) = (false, "public".to_owned());
}

#[test]
fn what_nobody_has_denied_is_allowed_and_a_denial_strikes_one_operation_of_one_application() {
    let mut bench = Bench::new();
    let kid = bench.kid.clone();
    bench.azure.deny("atlas", "Decrypt", "master");
    assert_eq!(bench.open().code(), "ForbiddenByRbac");
    assert_eq!(bench.crypt("encrypt", &kid, MASTER_KEY).code(), "ok");
    bench.azure.add_application("auditor");
    let own = bench.token.clone();
    bench.token = Some(bench.azure.add_token("auditor", now() + super::DAY, now()).unwrap());
    assert_eq!(bench.open().code(), "ok");
    bench.token = own;
    bench.azure.allow("atlas", "Decrypt", "master");
    assert_eq!(bench.open().code(), "ok");
}

#[test]
fn role_assignments_know_single_keys_and_access_policies_do_not() {
    let mut bench = Bench::new();
    let other = bench.azure.add_key("other");
    bench.azure.deny("*", "*", "master");
    assert_eq!(bench.crypt("encrypt", &other, MASTER_KEY).code(), "ok");
    bench.azure.set_permission_model("kmiplab", PermissionModel::AccessPolicies).unwrap();
    assert_eq!(bench.crypt("encrypt", &other, MASTER_KEY).code(), "ForbiddenByPolicy");
    let elsewhere = bench.azure.set_permission_model("elsewhere", PermissionModel::Rbac);
    assert_eq!(elsewhere, Err(Unchanged::NoSuchVault("elsewhere".into())));
}

#[test]
fn who_may_not_learns_no_more_of_a_missing_key_than_of_one_that_is_there() {
    let mut bench = Bench::new();
    bench.azure.deny("atlas", "GetKey", "*");
    let codes = ["/keys/master", "/keys/nope"].map(|path| bench.get(path).code());
    assert_eq!(codes, ["ForbiddenByRbac", "ForbiddenByRbac"]);
}

#[test]
fn denying_and_allowing_a_key_concern_everybody() {
    let mut bench = Bench::new();
    bench.azure.change_key("master", KeyChange::Deny, now()).unwrap();
    assert_eq!(bench.open().code(), "ForbiddenByRbac");
    bench.azure.change_key("master", KeyChange::Allow, now()).unwrap();
    assert_eq!(bench.open().code(), "ok");
}

#[test]
fn a_restricted_vault_is_open_through_private_links_alone_until_it_is_allowed_again() {
    let mut bench = Bench::new();
    bench.azure.change_key("master", KeyChange::Restrict, now()).unwrap();
    assert_eq!(bench.open().code(), "ok");
    from_outside(&mut bench);
    assert_eq!(bench.open().code(), "ForbiddenByConnection");
    bench.azure.change_key("master", KeyChange::Allow, now()).unwrap();
    assert_eq!(bench.open().code(), "ok");
}

#[test]
fn a_firewall_keeps_out_what_comes_from_outside_and_lets_private_links_pass() {
    let mut bench = Bench::new();
    bench.azure.set_firewall("kmiplab", true).unwrap();
    assert_eq!(bench.open().code(), "ok");
    from_outside(&mut bench);
    assert_eq!(bench.open().code(), "ForbiddenByFirewall");
    bench.azure.set_public_network_access("kmiplab", false).unwrap();
    assert_eq!(bench.open().code(), "ForbiddenByConnection", "who lets nobody in asks for no address");
}

#[test]
fn an_endpoint_that_is_not_approved_is_refused_as_from_outside() {
    let mut bench = Bench::new();
    bench.azure.set_endpoint_policy("private-a", false);
    assert_eq!(bench.open().code(), "ForbiddenByFirewall");
    bench.azure.set_public_network_access("kmiplab", false).unwrap();
    assert_eq!(bench.open().code(), "ForbiddenByConnection");
    bench.arrival.via = "private-b".to_owned();
    assert_eq!(bench.open().code(), "ok");
    bench.azure.set_endpoint_policy("private-a", true);
    bench.arrival.via = "private-a".to_owned();
    assert_eq!(bench.open().code(), "ok");
}

#[test]
fn the_network_comes_after_the_token_and_before_the_permission() {
    let mut bench = Bench::new();
    bench.azure.set_public_network_access("kmiplab", false).unwrap();
    bench.azure.deny("*", "*", "*");
    from_outside(&mut bench);
    assert_eq!(bench.open().code(), "ForbiddenByConnection");
    bench.token = None;
    assert_eq!(bench.open().status, 401);
    let form = bench.form();
    assert_eq!(bench.ask(&form).status, 200, "the token service is reached by everybody");
}

#[test]
fn every_operation_is_denied_by_its_own_name() {
    let mut bench = Bench::new();
    for (operation, method, path, permission) in [
        ("GetKey", Method::GET, "/keys/master", "get"),
        ("WrapKey", Method::POST, "/keys/master//wrapkey", "wrapKey"),
        ("UnwrapKey", Method::POST, "/keys/master//unwrapkey", "unwrapKey"),
        ("DeleteKey", Method::DELETE, "/keys/master", "delete"),
    ] {
        bench.azure.set_permission_model("kmiplab", PermissionModel::AccessPolicies).unwrap();
        bench.azure.deny("atlas", operation, "*");
        let refused = bench.vault(method, path, "");
        assert!(refused.body.contains(&format!("does not have keys {permission} permission")), "{}", refused.body);
        bench.azure.allow("atlas", operation, "*");
    }
}
