//! K2: no key is returned or used unless its provider opened it for that very request.
//!
//! Grants and uses are matched one to one, by fingerprint, within the time between a request and its answer. For the
//! provider `local` the grant is the reading of its key file.

use super::{Found, Invariant};
use crate::checker::{Run, seconds};
use crate::trace::{Event, Fingerprint, What};

pub(super) const INVARIANT: Invariant = Invariant {
    id: "K2",
    name: "no-key-without-provider",
    meaning: "no key is returned or used unless its provider opened it between the request and its answer",
    judge,
};

fn judge(run: &Run<'_>) -> Found {
    let mut found = Found::default();
    let mut spent: Vec<u64> = Vec::new();
    let mut held: Vec<&Fingerprint> = Vec::new();
    for exchange in run.exchanges() {
        for answer in &exchange.answers {
            let What::Answer { material: Some(material), .. } = &answer.what else { continue };
            found.exercised += 1;
            held.push(material);
            let grant =
                exchange.between.iter().find(|event| grants(event, material) && !spent.contains(&event.ordinal));
            match grant {
                Some(grant) => spent.push(grant.ordinal),
                None => found.broken.push(format!(
                    "at {} a key was returned that no provider had opened since {}",
                    seconds(answer.at),
                    seconds(exchange.sent.at)
                )),
            }
        }
    }
    for event in run.events() {
        match &event.what {
            What::Made { material, .. } => held.push(material),
            What::Used { material, key } => {
                found.exercised += 1;
                if !held.contains(&material) {
                    let text = format!("at {} {} used {key}, which it was never given", seconds(event.at), event.host);
                    found.broken.push(text);
                }
            }
            _ => {}
        }
    }
    found
}

fn grants(event: &Event, wanted: &Fingerprint) -> bool {
    match &event.what {
        What::Grant { material, .. } => material == wanted,
        What::File { operation, path } => {
            operation == "read" && path.ends_with(LOCAL_KEY_FILE) && event.host == "proxy"
        }
        _ => false,
    }
}

/// Where the worlds put the wrapping key of the provider `local`.
const LOCAL_KEY_FILE: &str = "local.key";

#[cfg(test)]
mod tests {
    use crate::checker::story::{KEY, Story, material};
    use crate::trace::What;

    fn given(story: Story) -> Story {
        story.succeed(|answer| answer.material = Some(material(KEY)))
    }

    #[test]
    fn one_grant_within_the_exchange_covers_one_answer() {
        assert_eq!(given(Story::plain().ask("Get").grant(KEY)).found("K2"), (1, vec![]));
        let (_, broken) = given(Story::plain().ask("Get")).found("K2");
        assert_eq!(broken, ["at 0.000s a key was returned that no provider had opened since 0.000s"]);
    }

    #[test]
    fn a_grant_before_the_request_or_of_another_key_covers_nothing() {
        assert_eq!(given(Story::plain().grant(KEY).ask("Get")).found("K2").1.len(), 1);
        assert_eq!(given(Story::plain().ask("Get").grant("another")).found("K2").1.len(), 1);
    }

    #[test]
    fn two_answers_within_one_exchange_need_two_grants() {
        let twice = |story: Story| given(given(story)).found("K2").1.len();
        assert_eq!(twice(Story::plain().ask("Get").grant(KEY)), 1);
        assert_eq!(twice(Story::plain().ask("Get").grant(KEY).grant(KEY)), 0);
    }

    #[test]
    fn a_grant_that_was_spent_on_one_request_does_not_cover_the_next() {
        let first = given(Story::plain().ask("Get").grant(KEY));
        assert_eq!(given(first.at(1000).ask("Get")).found("K2").1.len(), 1);
        let first = given(Story::plain().ask("Get").grant(KEY));
        assert_eq!(given(first.at(1000).ask("Get").grant(KEY)).found("K2").1.len(), 0);
    }

    #[test]
    fn only_what_was_given_or_made_may_be_used() {
        let used = || What::Used { key: KEY.to_owned(), material: material(KEY) };
        let (_, broken) = Story::plain().event("mongod", used()).found("K2");
        assert_eq!(broken, [format!("at 0.000s mongod used {KEY}, which it was never given")]);
        let made = What::Made { key: KEY.to_owned(), material: material(KEY) };
        assert_eq!(Story::plain().event("mongod", made).event("mongod", used()).found("K2"), (1, vec![]));
        assert_eq!(given(Story::plain().ask("Get").grant(KEY)).event("mongod", used()).found("K2"), (2, vec![]));
    }

    #[test]
    fn with_a_key_file_the_proxy_reading_it_is_the_grant() {
        let read = |host: &str| {
            let file = What::File { operation: "read".to_owned(), path: "/data/db/local.key".to_owned() };
            given(Story::plain().ask("Get").event(host, file)).found("K2").1.len()
        };
        assert_eq!(read("proxy"), 0);
        assert_eq!(read("mongod"), 1, "what mongod reads is no grant");
    }
}
