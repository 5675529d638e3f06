//! What an administrator sends, and what comes of it.

use super::*;
use crate::cast::testing::{NOW, Street};
use crate::trace::What;
use crate::wire::write;

const A: &str = "kmip-a";

/// Lets an administrator act, while the street is served and mongod is not there.
async fn act(street: &Street, act: impl AsyncFnOnce(&Stage, &Settings) -> String) -> String {
    let mut stage = street.stage();
    stage.host = "administrator".to_owned();
    street.serve_while(act(&stage, &street.settings()), async {}).await
}

fn fixture(text: &str) -> String {
    text.trim().to_owned()
}

#[test]
fn the_requests_are_the_captured_ones_byte_for_byte() {
    let revoke = include_str!("../../../../fixtures/kmip/administrator/14-revoke-cessation.1-revoke.req.hex");
    assert_eq!(crate::trace::hex(&write(&revocation("1", None))), fixture(revoke));
    let destroy = include_str!("../../../../fixtures/kmip/administrator/17-destroy-deactivated.1-destroy.req.hex");
    assert_eq!(crate::trace::hex(&write(&destruction("1"))), fixture(destroy));
}

#[test]
fn only_a_compromise_has_a_date() {
    insta::assert_snapshot!(crate::wire::text(&revocation("1", Some(NOW.cast_signed()))), @r#"
    RequestMessage
      RequestHeader
        ProtocolVersion
          ProtocolVersionMajor = 1
          ProtocolVersionMinor = 2
        BatchCount = 1
      BatchItem
        Operation = Revoke
        RequestPayload
          UniqueIdentifier = "1"
          RevocationReason
            RevocationReasonCode = KeyCompromise
          CompromiseOccurrenceDate = 1795317891 s since 1970
    "#);
}

#[tokio::test(start_paused = true)]
async fn a_key_is_revoked_and_then_destroyed_over_a_connection_each() {
    let street = Street::new(&[A]);
    street.vault(A).keys.insert("given".to_owned(), (vec![9; 32], 2));
    let mut told = Vec::new();
    told.push(act(&street, async |stage, settings| destroy(stage, settings, "given").await).await);
    told.push(act(&street, async |stage, settings| revoke(stage, settings, "given", false).await).await);
    assert_eq!(street.vault(A).keys["given"].1, 3, "deactivated");
    told.push(act(&street, async |stage, settings| revoke(stage, settings, "given", true).await).await);
    assert_eq!(street.vault(A).keys["given"].1, 4, "compromised");
    told.push(act(&street, async |stage, settings| destroy(stage, settings, "given").await).await);
    assert!(street.vault(A).keys.is_empty());
    told.push(act(&street, async |stage, settings| destroy(stage, settings, "given").await).await);
    assert_eq!(street.asked(A), [["Destroy"], ["Revoke"], ["Revoke"], ["Destroy"], ["Destroy"]]);
    insta::assert_snapshot!(told.join("\n"), @r"
    Destroy of given was refused: permission-denied: an active key cannot be destroyed
    Revoke of given succeeded
    Revoke of given succeeded
    Destroy of given succeeded
    Destroy of given was refused: item-not-found: no such key
    ");
}

#[tokio::test(start_paused = true)]
async fn the_exchange_is_recorded_under_the_name_that_was_given() {
    let street = Street::new(&[A]);
    act(&street, async |stage, settings| revoke(stage, settings, "given", false).await).await;
    let exchange = street.events(|what| matches!(what, What::Request { .. } | What::Answer { .. }));
    let hosts: Vec<_> = exchange.iter().map(|event| event.host.as_str()).collect();
    assert_eq!(hosts, ["administrator", "administrator"]);
    let What::Request { version, key, .. } = &exchange[0].what else { panic!("the first is the request") };
    assert_eq!((version.as_str(), key.as_deref()), ("1.2", Some("given")));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_not_there_is_told() {
    let street = Street::new(&[A]);
    street.shut(A);
    let told = act(&street, async |stage, settings| revoke(stage, settings, "given", false).await).await;
    insta::assert_snapshot!(told, @"Revoke of given failed: Connection refused [system:111]");
}
