//! Percona Server for MongoDB 5.0 to 7.0 whose configuration does not state `activateKeys`: a key from before is used
//! although it was never activated.
//!
//! What it does from start to exit is [`psmdb`]. Here `activate_keys = true` stands for "not stated".
//! New keys are activated then as by 8.0, and a Pre-Active key that is already there is tolerated with a warning.
//!
//! Invariant: only Pre-Active is tolerated, no other state.

use super::psmdb::{self, Dialect};
use super::{Held, Persona};

/// This persona.
pub(super) const PERSONA: Persona = Persona {
    name: "psmdb-7-soft",
    description: "Percona Server for MongoDB 5.0 to 7.0 without a stated activateKeys: pre-active keys are tolerated",
    evidence: "behaviour from Percona's public sources and documentation; bytes, and the crash on a failure without a \
               ResultMessage, from libkmip (Percona-Lab 82988b2), Percona's client library, filled as Percona Server \
               fills it; not captured from a running server, and which libkmip its packages link is not known",
    held: Held::AesKey,
    play: |stage, settings, dbpath| psmdb::play(&Dialect { tolerates_pre_active: true }, stage, settings, dbpath),
};

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::cast::testing::Street;
    use crate::cast::{Exit, Settings};

    const A: &str = "kmip-a";
    const MINUTE: Duration = Duration::from_secs(60);
    const PRE_ACTIVE: u32 = 1;

    /// Starts with polling every 15 seconds, and lets it run for a minute.
    async fn play(street: &Street) -> Option<Exit> {
        let settings = Settings { key_state_polling: Some(MINUTE / 4), ..street.settings() };
        street.play("psmdb-7-soft", &settings, MINUTE).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_key_is_activated_and_watched() {
        let street = Street::new(&[A]);
        assert_eq!(play(&street).await, None);
        let asked = street.asked(A);
        assert_eq!(asked[0], ["Register", "Activate"]);
        assert_eq!(asked[1..], vec![["GetAttributes"]; 4]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pre_active_key_is_used_with_a_warning_and_not_watched() {
        let street = Street::new(&[A]);
        assert_eq!(play(&street).await, None);
        street.vault(A).keys.get_mut("key-1").unwrap().1 = PRE_ACTIVE;
        let (asked, logged) = (street.asked(A).len(), street.log().len());
        assert_eq!(play(&street).await, None);
        assert_eq!(street.asked(A)[asked..], [["GetAttributes", "Get"]]);
        insta::assert_snapshot!(street.log()[logged..].join("\n"), @r#"
        29115 I Master encryption key has been read from the key management facility.
          keyManagementFacilityType = KMIP server
          keyIdentifier = {"kmipKeyIdentifier":"key-1"}
        29124 W Data-at-rest encryption was initialized with a pre-active master key. Since version 8.0.0, an active key will be required. Please either activate the master encryption keys manually, do a key rotation, or disable the `security.kmip.activateKeys` option (the latter is not recommended though)
          keyManagementFacilityType = KMIP server
          keyIdentifier = {"kmipKeyIdentifier":"key-1"}
          keyState = Pre-Active
        "#);
        let strict = street.play("psmdb-8", &street.settings(), MINUTE).await.unwrap();
        assert_eq!(strict.code, "start error", "8.0 does not use it");
    }

    #[tokio::test(start_paused = true)]
    async fn no_other_state_is_tolerated() {
        for state in 3..=6 {
            let street = Street::new(&[A]);
            assert_eq!(play(&street).await, None);
            street.vault(A).keys.get_mut("key-1").unwrap().1 = state;
            assert_eq!(play(&street).await.unwrap().code, "start error", "state {state}");
            assert_eq!(street.asked(A).last().unwrap(), &["GetAttributes"]);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_that_was_active_must_stay_so() {
        let street = Street::new(&[A]);
        assert_eq!(play(&street).await, None);
        let back = async {
            tokio::time::sleep(MINUTE / 3).await;
            street.vault(A).keys.get_mut("key-1").unwrap().1 = PRE_ACTIVE;
        };
        let settings = Settings { key_state_polling: Some(MINUTE / 4), ..street.settings() };
        let exit = street.play_while("psmdb-7-soft", &settings, MINUTE, back).await.unwrap();
        assert_eq!(exit.code, "EXIT_PERCONA_DATA_AT_REST_ENCRYPTION_ERROR");
    }

    #[tokio::test(start_paused = true)]
    async fn a_given_key_may_be_pre_active_as_well() {
        let street = Street::new(&[A]);
        street.vault(A).keys.insert("given".to_owned(), (vec![9; 32], PRE_ACTIVE));
        let settings = Settings { key_identifier: Some("given".to_owned()), ..street.settings() };
        assert_eq!(street.play("psmdb-7-soft", &settings, MINUTE).await, None);
        assert_eq!(street.asked(A), [["GetAttributes", "Get"]]);
    }
}
