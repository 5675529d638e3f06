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
    // The operator's check is the same program, and bound by the same flag.
    for event in run.events().iter().filter(|event| matches!(event.host.as_str(), "proxy" | "check")) {
        match &event.what {
            // Token services follow a switch of their own.
            What::Connect { service, .. } if service == "tokens" => {}
            What::Connect { to, private, error: None, .. } => {
                found.exercised += 1;
                if !private {
                    found.broken.push(format!("at {} the {} connected to {to}", seconds(event.at), event.host));
                }
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::checker::story::Story;
    use crate::trace::What;

    const PRIVATE: &str = "10.0.1.10:443";
    const PUBLIC: &str = "203.0.113.1:443";

    fn required() -> Story {
        Story::of(
            "final = \"opens\"\nworld.proxy.require_private_networking = true\n\
             world.kms.endpoints = [\"private-a\"]",
            "  { at = \"1s\", start = \"mongod\" },",
        )
    }

    #[test]
    fn a_connection_to_a_private_address_keeps_it_and_one_to_any_other_breaks_it() {
        assert_eq!(required().connect(PRIVATE, "kms", true).found("K4"), (1, vec![]));
        let broken = format!("at 0.000s the proxy connected to {PUBLIC}");
        assert_eq!(required().connect(PUBLIC, "kms", false).found("K4"), (1, vec![broken]));
        assert_eq!(required().connect(PUBLIC, "nowhere", false).found("K4").1.len(), 1);
    }

    #[test]
    fn the_operators_check_is_bound_by_it_too() {
        let connect = |private| {
            let (to, service) = (PUBLIC.to_owned(), "kms".to_owned());
            required().event("check", What::Connect { connection: 1, to, service, private, error: None }).found("K4")
        };
        assert_eq!(connect(true), (1, vec![]));
        assert_eq!(connect(false), (1, vec![format!("at 0.000s the check connected to {PUBLIC}")]));
    }

    #[test]
    fn token_services_and_worlds_without_the_requirement_are_not_its_business() {
        assert_eq!(required().connect(PUBLIC, "tokens", false).found("K4"), (0, vec![]));
        assert_eq!(Story::plain().connect(PUBLIC, "kms", false).found("K4"), (0, vec![]));
    }
}
