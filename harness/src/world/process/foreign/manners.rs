//! Which of the things that AWS does a cloud of somebody else's does, too: tried once, on keys made for that.
//!
//! moto, for one, opens keys with a disabled key. What a scenario plays with such a key is then said of moto, not of the
//! product, and the scenario is not applicable there (`unfit`).
//!
//! Invariant: a manner counts as there only if the cloud has shown it, with AWS' own code.

use std::collections::BTreeSet;

use super::kms::{Failed, Kms};

/// Something that AWS does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Manner {
    /// Nothing opens with a disabled key, until it is enabled again.
    RefusesDisabled,
    /// Nothing opens with a key that is going to be deleted; one that is kept after all is disabled.
    RefusesLeaving,
    /// A key rotates when it is told to, and still opens what it had wrapped.
    Rotates,
    /// A key does not open what another one has wrapped, and KMS says which mistake that is.
    TellsKeysApart,
    /// What has been changed on the way does not open.
    NoticesDamage,
}

/// What is wrapped to try them.
const PLAINTEXT: &[u8] = b"kmiplab asks what kind of cloud this is";

/// Tries them all.
pub(super) fn of(kms: &Kms) -> Result<BTreeSet<Manner>, Failed> {
    let one = kms.make("kmiplab, to try this cloud")?;
    let shown = kms.make("kmiplab, to try this cloud").and_then(|other| {
        let shown = shown(kms, &one, &other);
        let _ = kms.schedule_deletion(&other);
        shown
    });
    let _ = kms.schedule_deletion(&one);
    shown
}

fn shown(kms: &Kms, one: &str, other: &str) -> Result<BTreeSet<Manner>, Failed> {
    let wrapped = kms.encrypt(one, PLAINTEXT)?;
    if kms.decrypt(one, &wrapped)? != PLAINTEXT {
        return Err(Failed::Senseless { operation: "Decrypt", what: "something else than was wrapped".to_owned() });
    }
    let mut damaged = wrapped.clone();
    damaged.iter_mut().next_back().into_iter().for_each(|last| *last ^= 1);
    let opens = || Ok(kms.decrypt(one, &wrapped).is_ok_and(|opened| opened == PLAINTEXT));
    let mut manners = BTreeSet::new();
    let mut note = |manner, shown: bool| {
        if shown {
            manners.insert(manner);
        }
    };

    note(Manner::TellsKeysApart, refuses(kms.decrypt(other, &wrapped), "IncorrectKeyException")?);
    note(Manner::NoticesDamage, refuses(kms.decrypt(one, &damaged), "InvalidCiphertextException")?);
    note(Manner::Rotates, does(kms.change("RotateKeyOnDemand", one))? && opens()?);

    let disabled = does(kms.change("DisableKey", one))? && refuses(kms.decrypt(one, &wrapped), "DisabledException")?;
    note(Manner::RefusesDisabled, does(kms.change("EnableKey", one))? && opens()? && disabled);

    let leaving = does(kms.schedule_deletion(one))? && refuses(kms.decrypt(one, &wrapped), "KMSInvalidStateException")?;
    let kept = does(kms.change("CancelKeyDeletion", one))? && kms.state(one)? == "Disabled";
    note(Manner::RefusesLeaving, leaving && kept);
    Ok(manners)
}

/// Whether it is done. Silence is no answer.
fn does(result: Result<(), Failed>) -> Result<bool, Failed> {
    match result {
        Ok(()) => Ok(true),
        Err(Failed::Silent(why)) => Err(Failed::Silent(why)),
        Err(_) => Ok(false),
    }
}

/// Whether it is refused with this code.
fn refuses(result: Result<Vec<u8>, Failed>, code: &str) -> Result<bool, Failed> {
    match result {
        Err(Failed::Silent(why)) => Err(Failed::Silent(why)),
        Err(failed) => Ok(failed.is(code)),
        Ok(_) => Ok(false),
    }
}
