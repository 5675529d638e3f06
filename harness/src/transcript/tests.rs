//! Each rule with what it excuses and what it does not, and what is a difference whatever the rules say.

use super::rules::RULES;
use super::sketch::Sketch;
use super::{Rule, Transcript};
use crate::trace::{Fingerprint, ProcessState, What};

use ProcessState::{Ready, Started, Stopped};

/// Two runs that agree by a rule, and two that look alike and do not.
struct Example {
    rule: Rule,
    excused: [Sketch; 2],
    not: [Sketch; 2],
}

fn sketch() -> Sketch {
    Sketch::new()
}

/// mongod has opened after the first line.
fn opened() -> Sketch {
    sketch().fire(0).opened("a")
}

/// mongod, being ready, asks for its key again.
fn polled(sketch: Sketch, at: u64, outcome: &str) -> Sketch {
    sketch.at(at).get("a", outcome)
}

/// mongod tries twice to get its key, which the cloud refuses, and ends.
fn tried(times: usize, last: &str) -> Sketch {
    let first = sketch().fire(0).process("mongod", Started);
    let rounds = (0..times).fold(first, |sketch, _| {
        sketch.ask("GetAttributes", "a").answer("GetAttributes", "a", "ok").get("a", "permission-denied")
    });
    rounds.get("a", last).ends("mongod", "key reading failed: no")
}

/// mongod ends because of what the second line does, this long after the second line, or before it.
fn ends(before: bool, milliseconds: u64) -> Sketch {
    let sketch = opened();
    if before {
        sketch.at(milliseconds).ends("mongod", "the key is gone").fire(1)
    } else {
        sketch.fire(1).at(milliseconds).ends("mongod", "the key is gone")
    }
}

fn examples() -> Vec<Example> {
    let told = |first: bool| {
        let sketch = sketch().fire(0).ask("Get", "a");
        if first {
            sketch.tell("key-disabled").call("public", "Decrypt", Some("DisabledException"))
        } else {
            sketch.call("public", "Decrypt", Some("DisabledException")).tell("key-disabled")
        }
    };
    let attributes = |sketch: Sketch| sketch.ask("GetAttributes", "a").answer("GetAttributes", "a", "ok");
    let checked = |codes: &[Option<&str>]| {
        let begun = sketch().fire(0).process("check", Started);
        let asked = codes.iter().fold(begun, |sketch, code| sketch.call("public", "Decrypt", *code));
        asked.ends("check", "1 of 2 keys open")
    };
    let started = || sketch().fire(0).process("mongod", Started);
    let proxy = |state| sketch().process("proxy", Started).event("proxy", What::Process { state, why: None });
    let between = |early: bool| {
        let sketch = opened().fire(2);
        let sketch =
            if early { sketch.process("mongod", Stopped).fire(3) } else { sketch.fire(3).process("mongod", Stopped) };
        sketch.process("mongod", Started)
    };
    let two_lines = |early: bool| {
        let sketch = opened();
        let stopped = |sketch: Sketch| sketch.process("mongod", Stopped);
        // The second line and the third are not of one moment.
        if early { stopped(sketch.at(4000)).fire(1).fire(2) } else { stopped(sketch.fire(1).at(14_000)).fire(2) }
    };
    vec![
        Example {
            rule: Rule::Actors,
            excused: [told(true), told(false)],
            // The order of one actor's own facts is told.
            not: [attributes(started().get("a", "ok")), attributes(started()).get("a", "ok")],
        },
        Example {
            rule: Rule::OneMoment,
            excused: [between(true), between(false)],
            not: [two_lines(true), two_lines(false)],
        },
        Example {
            rule: Rule::Repetition,
            excused: [tried(2, "permission-denied"), tried(5, "permission-denied")],
            not: [tried(2, "permission-denied"), tried(2, "general-failure")],
        },
        Example {
            rule: Rule::Poll,
            excused: [polled(opened(), 5000, "ok"), opened()],
            not: [polled(opened(), 5000, "permission-denied"), opened()],
        },
        Example {
            rule: Rule::Border,
            excused: [ends(true, 9_500), ends(false, 10_300)],
            not: [ends(true, 9_500), ends(false, 13_000)],
        },
        Example {
            rule: Rule::Check,
            excused: [checked(&[None, Some("DisabledException")]), checked(&[Some("DisabledException"), None])],
            not: [checked(&[None, Some("DisabledException")]), checked(&[None])],
        },
        Example {
            rule: Rule::Numbers,
            excused: [sketch().fire(0).opened("a"), sketch().fire(0).opened("b")],
            not: [opened().fire(1).opened("a"), opened().fire(1).opened("b")],
        },
        Example {
            rule: Rule::Readiness,
            excused: [proxy(Ready), sketch().process("proxy", Started)],
            not: [started().process("mongod", Ready), started()],
        },
        Example {
            rule: Rule::Endings,
            excused: [
                started().ends("mongod", "key reading failed: 127.0.0.1:5696: Connection refused"),
                started().ends("mongod", "exit status: 1"),
            ],
            not: [
                started().ends("mongod", "key reading failed: 127.0.0.1:5696: Connection refused"),
                started().ends("mongod", "master key rotation completed (MasterKeyRotationCompleted)"),
            ],
        },
    ]
}

/// What differs, both ways round.
fn parted([one, other]: &[Sketch; 2]) -> Vec<String> {
    let (one, other) = (one.transcript(), other.transcript());
    let [here, there] = [one.differences(&other), other.differences(&one)];
    let turned: Vec<_> = there.into_iter().map(super::Difference::turned).collect();
    assert_eq!(here, turned, "which side is which does not matter");
    here.iter().map(ToString::to_string).collect()
}

#[test]
fn every_rule_excuses_what_it_says_and_not_what_only_looks_alike() {
    let examples = examples();
    for (rule, name, ..) in RULES {
        let of: Vec<_> = examples.iter().filter(|example| example.rule == *rule).collect();
        assert!(!of.is_empty(), "the rule {name} has no example");
        for Example { excused, not, .. } in of {
            assert_eq!(parted(excused), Vec::<String>::new(), "{name}");
            assert_ne!(parted(not), Vec::<String>::new(), "{name}");
        }
    }
}

#[test]
fn no_two_rules_share_a_name_and_each_has_a_reason() {
    let names: std::collections::BTreeSet<_> = RULES.iter().map(|(_, name, ..)| *name).collect();
    assert_eq!(names.len(), RULES.len());
    for (rule, name, does, why) in RULES {
        assert_eq!(rule.name(), *name);
        assert!(does.len() > 20 && why.len() > 20, "{name}");
    }
}

/// The only difference of two runs, in the form in which it is recorded.
fn only(one: Sketch, other: Sketch) -> String {
    let found = one.transcript().differences(&other.transcript());
    let [difference] = found.as_slice() else { panic!("{found:?}") };
    difference.line()
}

#[test]
fn a_reader_s_differences_are_differences() {
    let failed = |reason: &str| sketch().fire(0).process("mongod", Started).get("a", reason);
    assert_eq!(
        only(failed("permission-denied"), failed("general-failure")),
        "mongod: Get of key 1: permission-denied / Get of key 1: general-failure"
    );
    let through = |endpoint: &str| sketch().fire(0).ask("Get", "a").call(endpoint, "Decrypt", None);
    let used = through("private-a").transcript().differences(&through("private-b").transcript());
    let lines: Vec<_> = used.iter().map(super::Difference::line).collect();
    assert_eq!(
        lines,
        ["private-a: kms Decrypt: ok / nothing more", "private-b: nothing more / kms Decrypt: ok"],
        "another endpoint"
    );
    let tells = |class: &str| sketch().fire(0).tell(class);
    assert_eq!(only(tells("throttled"), tells("internal")), "proxy: tells throttled / tells internal");
    let ended = opened().at(5000).ends("mongod", "the key is gone").fire(1);
    assert_eq!(only(opened().fire(1), ended), "mongod: nothing more / ended: failed", "its state at the end");
    let checked = |verdict: &str| sketch().fire(0).ends("check", verdict);
    assert_eq!(
        only(checked("1 of 2 keys open"), checked("2 of 2 keys open")),
        "check: ended: 1 of 2 keys open / ended: 2 of 2 keys open"
    );
    let refused = |code: &str| sketch().fire(0).call("public", "Decrypt", Some(code));
    assert_eq!(
        only(refused("DisabledException"), refused("AccessDeniedException")),
        "public: kms Decrypt: DisabledException / kms Decrypt: AccessDeniedException"
    );
}

#[test]
fn key_material_is_the_same_or_another_and_its_value_does_not_show() {
    let got = |first: &str, second: &str| {
        let get = |sketch: Sketch, material: &str| sketch.ask("Get", "a").answer_with("Get", "a", "ok", Some(material));
        get(get(sketch(), first).fire(0).process("mongod", Started), second)
    };
    let same = got("f1", "f1").transcript();
    assert_eq!(same.digest(), got("f2", "f2").transcript().digest(), "whatever the material is");
    assert_eq!(
        only(got("f1", "f1"), got("f1", "f2")),
        "mongod: Get of key 1: ok, the same key / Get of key 1: ok, another key"
    );
    let uses = |material: &str| {
        let key = "a".to_owned();
        opened().event("mongod", What::Used { key, material: Fingerprint(material.to_owned()) })
    };
    let made = |sketch: Sketch| {
        let (key, material) = ("a".to_owned(), Fingerprint("f1".to_owned()));
        sketch.event("mongod", What::Made { key, material })
    };
    assert_eq!(parted(&[uses("f1"), made(opened())]), Vec::<String>::new());
    let other = made(sketch())
        .fire(0)
        .opened("a")
        .event("mongod", What::Used { key: "a".to_owned(), material: Fingerprint("f2".to_owned()) });
    assert_eq!(only(made(sketch()).fire(0).opened("a"), other), "mongod: nothing more / uses another key as key 1");
}

#[test]
fn identifiers_moments_messages_and_connections_are_in_no_transcript() {
    let noisy = |key: &str, at: u64, address: &str| {
        let connect = What::Connect {
            connection: at,
            to: address.to_owned(),
            service: "kmip".to_owned(),
            private: true,
            error: None,
        };
        sketch().fire(0).at(at).event("mongod", connect).opened(key)
    };
    let (one, other) =
        (noisy("a", 1100, "127.0.0.1:5696").transcript(), noisy("b", 1900, "127.0.0.1:40213").transcript());
    assert_eq!(one.to_string(), other.to_string());
    assert_eq!(one.digest(), other.digest());
}

#[test]
fn an_exchange_that_its_client_does_not_live_to_see_answered_is_cut_off() {
    let stopped = sketch().fire(0).process("mongod", Started).ask("Get", "a").fire(1).process("mongod", Stopped);
    insta::assert_snapshot!(stopped.transcript(), @r#"
    before the first line
      nothing is said

    line 7: start = "mongod"
      mongod        started

    line 8: disable = "cmk-1"
      mongod        Get of key 1: cut off
      mongod        stopped
    "#);
    let open = sketch().fire(0).process("mongod", Started).ask("Get", "a").transcript();
    let without = sketch().fire(0).process("mongod", Started).transcript();
    assert_eq!(open.to_string(), without.to_string(), "what is still open at the end is not over");
}

#[test]
fn a_poll_that_leads_to_another_call_or_class_is_told_although_it_ends_alike() {
    let refused = |class: &str| opened().at(5000).ask("Get", "a").tell(class).answer("Get", "a", "general-failure");
    let again =
        |class: &str| refused("throttled").at(8000).ask("Get", "a").tell(class).answer("Get", "a", "general-failure");
    assert_eq!(parted(&[again("throttled"), refused("throttled")]), Vec::<String>::new());
    assert_eq!(only(again("key-disabled"), refused("throttled")), "proxy: tells key-disabled / nothing more");
}

#[test]
fn a_round_that_begins_before_a_line_and_ends_after_it_as_the_one_before_did_is_a_repetition() {
    let round = |sketch: Sketch| sketch.ask("Get", "a").tell("key-disabled").answer("Get", "a", "illegal-operation");
    let first = || round(sketch().fire(0).process("mongod", Started));
    let over = |sketch: Sketch| sketch.fire(1).at(11_000).tell("key-disabled").answer("Get", "a", "illegal-operation");
    assert_eq!(parted(&[over(first().ask("Get", "a")), first().fire(1)]), Vec::<String>::new());
    let told: Vec<_> = round(first().fire(1)).transcript().differences(&first().fire(1).transcript());
    let told: Vec<_> = told.iter().map(super::Difference::line).collect();
    let lines = ["mongod: Get of key 1: illegal-operation / nothing more", "proxy: tells key-disabled / nothing more"];
    assert_eq!(told, lines, "what begins after the line is asked of another world");
}

#[test]
fn a_poll_that_its_client_does_not_live_to_see_answered_says_nothing_and_a_start_that_it_does_not_does() {
    let stopped = |sketch: Sketch| sketch.fire(1).process("mongod", Stopped);
    assert_eq!(parted(&[stopped(opened().at(9_900).ask("Get", "a")), stopped(opened())]), Vec::<String>::new());
    let started = || sketch().fire(0).process("mongod", Started);
    assert_eq!(only(stopped(started().ask("Get", "a")), stopped(started())), "mongod: Get of key 1: cut off / stopped");
}

#[test]
fn a_start_is_never_taken_for_a_repetition() {
    let starts = |times: usize| (0..times).fold(sketch().fire(0), |sketch, _| sketch.process("mongod", Started));
    assert_eq!(only(starts(2), starts(1)), "mongod: started / nothing more");
}

#[test]
fn both_side_by_side_mark_what_differs_and_what_a_rule_excuses() {
    let here = ends(true, 9_500).epilogue().at(61_000).opened("a");
    let there = ends(false, 10_300).epilogue().at(61_000).process("mongod", Started).ask("Get", "a");
    let there = there.call("public", "Decrypt", None).answer("Get", "a", "ok").process("mongod", Ready);
    let agree = here.transcript().beside(&there.transcript(), "sim", "process");
    insta::assert_snapshot!(agree);
    let other = ends(false, 10_300).epilogue().at(61_000).process("mongod", Started).get("a", "item-not-found");
    insta::assert_snapshot!(here.transcript().beside(&other.transcript(), "sim", "process"));
    let told: Vec<_> =
        here.transcript().differences(&other.transcript()).iter().map(|it| it.told("sim", "process")).collect();
    insta::assert_snapshot!(told.join("\n\n"));
}

#[test]
fn a_log_is_read_line_by_line_and_a_mistake_names_its_line() {
    let event = "{\"at\":{\"secs\":1,\"nanos\":0},\"ordinal\":0,\"host\":\"proxy\",\"what\":{\"process\":{\"state\":\"started\",\"why\":null}}}";
    let events = super::read_log(&format!("{event}\n\ndigest sha256:00\n")).unwrap();
    assert!(Transcript::of_log(None, &events).to_string().contains("proxy         started"));
    assert!(super::read_log(&format!("{event}\nnothing\n")).unwrap_err().starts_with("line 2: "));
}
