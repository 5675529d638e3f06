//! K4: where private networking is required, no connection to KMS leaves the declared private addresses.

use super::{Found, Invariant};
use crate::checker::{Run, seconds};
use crate::trace::What;

pub(super) const INVARIANT: Invariant = Invariant {
    id: "K4",
    name: "private-stays-private",
    meaning: "with private networking required, no connection to KMS goes to an address that is not private",
    judge,
};

fn judge(run: &Run<'_>) -> Found {
    let mut found = Found::default();
    if !run.scenario.world.proxy.require_private_networking {
        return found;
    }
    for event in run.events().iter().filter(|event| event.host == "proxy") {
        match &event.what {
            // Token services follow a switch of their own.
            What::Connect { service, .. } if service == "sts" => {}
            What::Connect { to, private, error: None, .. } => {
                found.exercised += 1;
                if !private {
                    found.broken.push(format!("at {} the proxy connected to {to}", seconds(event.at)));
                }
            }
            _ => {}
        }
    }
    found
}
