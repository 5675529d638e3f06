//! K3: no key, credential or token stands in a log, an operator's message, a ResultMessage, the trace, or a file that
//! the proxy writes.
//!
//! The search happens where events are recorded, in every spelling (raw, hexadecimal, base64, numbers), before anything
//! is stored; here the findings are counted. Of files it happens when the run is over and all its secrets are known, in
//! whatever was written, were it removed again.

use super::{Found, Invariant};
use crate::checker::{Run, seconds};
use crate::trace::What;

pub(super) const INVARIANT: Invariant = Invariant {
    id: "K3",
    name: "no-secret-leaves",
    meaning: "no key, credential or token stands in any text that leaves the proxy, or in a file that it writes",
    judge,
};

fn judge(run: &Run<'_>) -> Found {
    let mut found = Found::default();
    for event in run.events() {
        match &event.what {
            What::Operator { .. } | What::Log { .. } | What::Answer { .. } => found.exercised += 1,
            What::Finding { invariant, text } if invariant == INVARIANT.id => {
                found.broken.push(format!("at {} {text}", seconds(event.at)));
            }
            _ => {}
        }
    }
    for file in run.played.written.iter().filter(|file| file.host == "proxy") {
        found.exercised += 1;
        for name in &file.secrets {
            found.broken.push(format!("the proxy wrote the secret `{name}` to `{}`", file.path.display()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::checker::story::Story;
    use crate::trace::What;

    #[test]
    fn texts_exercise_it_and_a_finding_of_the_trace_breaks_it() {
        let text = What::Operator { class: Some("internal".to_owned()), key: None, text: "a text".to_owned() };
        let story = Story::plain().event("proxy", text);
        assert_eq!(story.found("K3"), (1, vec![]));
        let finding = |invariant: &str| What::Finding { invariant: invariant.to_owned(), text: "a secret".to_owned() };
        let story = story.event("lab", finding("K3")).event("lab", finding("K9"));
        assert_eq!(story.found("K3"), (1, vec!["at 0.000s a secret".to_owned()]));
    }

    #[test]
    fn a_secret_in_a_file_breaks_it_if_the_proxy_wrote_it() {
        let path = "/data/db/cloudProviderCredentials/key-1.aws.key.json";
        assert_eq!(Story::plain().written("proxy", path, &[]).found("K3"), (1, vec![]));
        let (_, broken) = Story::plain().written("proxy", path, &["new master key"]).found("K3");
        assert_eq!(broken, [format!("the proxy wrote the secret `new master key` to `{path}`")]);
        assert_eq!(Story::plain().written("mongod", path, &["new master key"]).found("K3"), (0, vec![]));
    }
}
