//! What processes, an administrator and power cuts do in a run, seen in its trace.

use super::*;
use crate::scenario;
use crate::trace::Event;

/// A run in which mongod is up, and these lines follow.
fn played(lines: &str) -> Played {
    let text = format!(
        "format = \"1.0\"\ntitle = \"t\"\nwhy = \"w\"\nend = \"30s\"\nfinal = \"opens\"\ntimeline = [\n\
         {{ at = \"1s\", start = \"mongod\" }},\n{lines}\n]\n"
    );
    let scenario = scenario::load("family/t.toml", "family", text.as_bytes()).unwrap();
    Driver::new(&scenario, Entropy::new(1), &Planted::default(), None).play(1)
}

/// The last state of mongod's process at a second.
fn mongod_at(played: &Played, second: u64) -> Option<ProcessState> {
    let until = played.events.iter().take_while(|event| event.at < Duration::from_secs(second));
    until.filter(|event| event.host == "mongod").filter_map(process_state).last()
}

fn process_state(event: &Event) -> Option<ProcessState> {
    match event.what {
        What::Process { state, .. } => Some(state),
        _ => None,
    }
}

#[test]
fn a_line_that_changes_nothing_says_why() {
    let run = played("{ at = \"5s\", restore = \"cmk-1\" },\n{ at = \"6s\", deny = \"role\" },");
    let said = run.events.iter().filter(|event| event.host == "lab").filter_map(|event| match &event.what {
        What::Log { text, .. } => Some(text.as_str()),
        _ => None,
    });
    let said: Vec<_> = said.collect();
    assert!(said[0].starts_with("the key `cmk-1` is Enabled, and AWS does not cancel"), "{said:?}");
    assert!(said[1].starts_with("the fake AWS has no role named"), "{said:?}");
    assert_eq!(said.len(), 2);
}

#[test]
fn an_administrator_does_one_thing_after_the_other() {
    let run = played("{ at = \"5s\", revoke = \"master-key\" },\n{ at = \"5s\", destroy = \"master-key\" },");
    let answers = run.events.iter().filter(|event| event.host == "administrator");
    let answers = answers.filter_map(|event| match &event.what {
        What::Answer { operation, status, .. } => Some((operation.as_deref().unwrap_or_default(), status.as_str())),
        _ => None,
    });
    assert_eq!(answers.collect::<Vec<_>>(), [("Revoke", "Success"), ("Destroy", "Success")]);
}

#[test]
fn a_proxy_that_hangs_goes_on_hanging_when_mongod_is_started_anew() {
    let stalled = "{ at = \"5s\", stall = \"proxy\" },\n{ at = \"6s\", start = \"mongod\" },";
    assert_eq!(mongod_at(&played(stalled), 10), Some(ProcessState::Started));
    let resumed = format!("{stalled}\n{{ at = \"8s\", resume = \"proxy\" }},");
    assert_eq!(mongod_at(&played(&resumed), 10), Some(ProcessState::Ready));
    let anew = format!("{stalled}\n{{ at = \"7s\", start = \"proxy\" }},\n{{ at = \"8s\", start = \"mongod\" }},");
    assert_eq!(mongod_at(&played(&anew), 10), Some(ProcessState::Ready));
}

#[test]
fn a_process_goes_on_only_if_it_was_the_one_that_hung() {
    let both = "{ at = \"5s\", stall = \"proxy\" },\n{ at = \"5s\", stall = \"mongod\" },\n\
                { at = \"6s\", start = \"mongod\" },\n{ at = \"7s\", resume = \"mongod\" },";
    assert_eq!(mongod_at(&played(both), 10), Some(ProcessState::Started));
    let resumed = format!("{both}\n{{ at = \"8s\", resume = \"proxy\" }},");
    assert_eq!(mongod_at(&played(&resumed), 10), Some(ProcessState::Ready));
}

#[test]
fn a_proxy_that_was_killed_while_it_hung_refuses_connections_at_once() {
    for lines in [
        "{ at = \"5s\", stall = \"proxy\" },\n{ at = \"6s\", crash = \"proxy\" },\n{ at = \"7s\", resume = \"proxy\" },",
        "{ at = \"5s\", stall = \"mongod\" },\n{ at = \"6s\", crash = \"proxy\" },\n{ at = \"7s\", resume = \"mongod\" },",
    ] {
        let lines = format!("{lines}\n{{ at = \"8s\", start = \"mongod\" }},");
        assert_eq!(mongod_at(&played(&lines), 9), Some(ProcessState::Exited), "{lines}");
    }
}

/// The states of a host's process.
fn states(played: &Played, host: &str) -> Vec<ProcessState> {
    played.events.iter().filter(|event| event.host == host).filter_map(process_state).collect()
}

#[test]
fn a_power_cut_that_has_not_come_by_the_end_does_not_come_any_more() {
    // The epilogue starts the proxy, which writes: that would be the first operation from the line on.
    let text = "format = \"1.0\"\ntitle = \"t\"\nwhy = \"w\"\nend = \"6s\"\nfinal = \"opens\"\ntimeline = [\n\
                { at = \"1s\", stop = \"proxy\" },\n\
                { at = \"2s\", crash = \"machine\", at_write = \"1..1\" },\n]\n";
    let scenario = scenario::load("family/t.toml", "family", text.as_bytes()).unwrap();
    let played = Driver::new(&scenario, Entropy::new(1), &Planted::default(), None).play(1);
    assert_eq!(states(&played, "mongod"), [ProcessState::Started, ProcessState::Ready]);
    assert!(!states(&played, "proxy").contains(&ProcessState::Crashed));
}

#[test]
fn a_wrapped_key_that_is_damaged_twice_is_damaged_still() {
    let damaged = "{ at = \"5s\", damage = \"wrapped-key\" },\n{ at = \"6s\", damage = \"wrapped-key\" },";
    let run = played(&format!("{damaged}\n{{ at = \"7s\", start = \"mongod\" }},"));
    assert_eq!(mongod_at(&run, 15), Some(ProcessState::Exited));
    let restored =
        format!("{damaged}\n{{ at = \"7s\", restore = \"wrapped-key\" }},\n{{ at = \"8s\", start = \"mongod\" }},");
    assert_eq!(mongod_at(&played(&restored), 15), Some(ProcessState::Ready));
}
