//! The lane process: real programs on loopback play the committed scenarios, come to what a simulation comes to, and leave
//! nothing behind, however they end.
//!
//! The programs stand beside the one under test; where the proxy is not built, tests print that they were skipped.

mod support;

#[cfg(test)]
mod real_process {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use kmiplab::checker;
    use kmiplab::scenario::{self, Scenario};
    use kmiplab::trace::{Event, Lane, Played, Tier, What};
    use kmiplab::transcript::Transcript;
    use kmiplab::world::{self, Attempt, Means, World, sim};

    use crate::left::{self, Left};
    use crate::support::load;

    const SEED: u64 = 0x5eed;

    /// The world, or nothing where the proxy is not built.
    fn world(means: &Means) -> Option<Box<dyn World>> {
        let programs = left::programs()?;
        let means = Means { programs: Some(programs), ..means.clone() };
        Some(world::open(Lane::Process, &means).unwrap())
    }

    fn attempt(scenario: &Scenario, means: &Means) -> Option<Attempt> {
        let world = world(means)?;
        let peer = world.peers().remove(0);
        Some(world.play(scenario, &peer, SEED))
    }

    /// Plays a scenario, looks that nothing is left, and comes to the run.
    fn played(scenario: &Scenario) -> Option<Played> {
        let before = Left::now();
        match attempt(scenario, &Means::default())? {
            Attempt::Played(played) => {
                assert_eq!(Left::now(), before, "{}", scenario.label());
                Some(*played)
            }
            other => panic!("{}: {other:?}", scenario.label()),
        }
    }

    fn failures(scenario: &Scenario, played: &Played) -> Vec<String> {
        let told = checker::judge(scenario, played).failures.into_iter();
        told.map(|failure| format!("{}: {} / {}", failure.requirement, failure.expected, failure.observed)).collect()
    }

    /// Files of every family and every provider: a failover, a refusal in the middle of polls, first keys, a restart with
    /// other flags, credentials that expire, a check, an application, an administrator.
    const TELLING: [&str; 9] = [
        "private-endpoint-failover/a-rejected-b-takes-over[aws]",
        "private-endpoint-failover/heals-after-outage[gcp]",
        "key-rotation/cmk-disabled-and-enabled-again[azure]",
        "key-rotation/revoked-under-polling[aws]",
        "key-rotation/first-start-registers[gcp]",
        "mismatched-providers/three-wrong-flags-and-the-right-one",
        "expired-credentials/credentials-on-the-command-line",
        "kms-outage/check-names-every-key-that-does-not-open[azure]",
        "other-clients/libmongocrypt-registers-a-seed[gcp]",
    ];

    #[test]
    fn real_programs_say_what_a_simulation_says_and_pass_the_same_judges() {
        for label in TELLING {
            let scenario = load(label);
            let Some(played) = played(&scenario) else { return };
            assert_eq!(failures(&scenario, &played), Vec::<String>::new(), "{label}");
            assert_eq!((played.lane, played.peer.tier), (Lane::Process, Tier::Persona), "{label}");
            assert_eq!(played.peer.name, scenario.world.mongod.persona, "it has said so itself");
            let simulated = sim::play(&scenario, SEED, &sim::Planted::default());
            let (one, other) = (Transcript::of(&scenario, &simulated), Transcript::of(&scenario, &played));
            let differences: Vec<_> = one.differences(&other).iter().map(ToString::to_string).collect();
            assert_eq!(differences, Vec::<String>::new(), "{label}");
            assert!(played.simulated >= scenario.end, "{label}: the file's time has passed");
        }
    }

    #[test]
    fn a_run_tells_of_the_places_of_the_simulation_and_of_none_of_this_machine() {
        let Some(played) = played(&load("private-endpoint-failover/certificate-for-another-name[aws]")) else { return };
        let told = serde_json::to_string(&played.events).unwrap();
        let temporary = std::env::temp_dir();
        assert!(!told.contains(&*temporary.to_string_lossy()), "{told}");
        assert!(!told.contains("dial="), "endpoints are called by their names: {told}");
        let mut ports: Vec<&str> = told
            .split("127.0.0.1:")
            .skip(1)
            .map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next().unwrap())
            .collect();
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports, ["5696"]);
        let listening = played.events.iter().any(|event| {
            matches!(&event.what, What::Operator { text, .. } if text.starts_with("info: listening for KMIP on 127.0.0.1:5696\n"))
        });
        assert!(listening, "as the terminal shows it");
        assert!(played.disk.keys().all(|path| path.starts_with("/data/db")), "{:?}", played.disk.keys());
        assert!(played.disk.keys().any(|path| path.to_string_lossy().ends_with(".aws.key.json")));
    }

    #[test]
    fn endpoint_class_and_words_are_those_of_the_file() {
        let scenario = load("key-rotation/cmk-disabled-and-enabled-again[gcp]");
        let Some(played) = played(&scenario) else { return };
        let told: Vec<(&str, &str)> = played.events.iter().filter_map(class_and_headline).collect();
        let expected = scenario
            .timeline
            .iter()
            .filter_map(|event| event.then.as_ref())
            .find_map(|then| Some((then.class.as_deref()?, then.operator.as_deref()?.split("{key}").next()?)));
        let (class, begins) = expected.unwrap();
        assert!(told.iter().any(|(of, line)| *of == class && line.starts_with(begins)), "{told:?}");
        let through: Vec<_> = played
            .events
            .iter()
            .filter(|event| matches!(&event.what, What::Call { operation, status: 200, .. } if operation == "Decrypt"))
            .map(|event| event.host.as_str())
            .collect();
        assert!(!through.is_empty() && through.iter().all(|host| *host == "public"), "{through:?}");
    }

    fn class_and_headline(event: &Event) -> Option<(&str, &str)> {
        match &event.what {
            What::Operator { class: Some(class), text, .. } => Some((class, text.lines().next()?)),
            _ => None,
        }
    }

    #[test]
    fn what_real_programs_cannot_go_through_is_not_begun_and_says_why() {
        let why = |label: &str| match attempt(&load(label), &Means::default())? {
            Attempt::NotApplicable(why) => Some(why),
            other => panic!("{label}: {other:?}"),
        };
        for (label, begins) in [
            ("damaged-snapshots/disk-full-at-the-first-start[aws]", "a full disk"),
            ("damaged-snapshots/power-cut-right-after-the-repair[aws]", "a power cut"),
            ("expired-credentials/certificates-of-the-proxy-run-out[aws]", "time passes"),
            ("private-endpoint-failover/deleted-endpoint-public-takes-over[aws]", "a name vanishes from DNS"),
            ("kms-outage/region-out-multi-region-key", "the proxy finds a second region by its name"),
            ("private-endpoint-failover/the-second-kmip-server[aws]", "a KMIP server whose name leads nowhere"),
            ("other-clients/libmongocrypt-keeps-its-key-for-a-minute[aws]", "the driver keeps an opened key"),
        ] {
            let Some(why) = why(label) else { return };
            assert!(why.starts_with(begins), "{label}: {why}");
        }
    }

    #[test]
    fn an_expectation_that_is_not_met_fails_and_nothing_is_left() {
        let right = load("key-rotation/cmk-disabled-and-enabled-again[aws]");
        let text = right.source.replacen("get = \"ok\"", "get = \"item-not-found\"", 1);
        assert_ne!(text, right.source);
        let wrong = scenario::load(&right.path, &right.family, text.as_bytes()).unwrap();
        let Some(played) = played(&wrong) else { return };
        let told = failures(&wrong, &played);
        assert!(told.iter().any(|failure| failure.contains("Get answers item-not-found")), "{told:?}");
    }

    #[test]
    fn a_proxy_that_somebody_kills_is_a_failure_that_says_so_and_nothing_is_left() {
        // AWS takes three seconds, in which mongod waits.
        let scenario = load("private-endpoint-failover/slow-but-in-time[aws]");
        let before = Left::now();
        let killer = std::thread::spawn(|| left::once_there(&["kmipProxyStanda", "mongod-persona"], left::kill));
        let Some(attempt) = attempt(&scenario, &Means::default()) else { return };
        killer.join().unwrap();
        let Attempt::Played(played) = attempt else { panic!("{attempt:?}") };
        let told = failures(&scenario, &played);
        assert!(told[0].contains("the proxy ended by itself: signal 9, which nobody here has sent"), "{told:?}");
        assert_eq!(Left::now(), before);
    }

    #[test]
    fn who_presses_ctrl_c_is_obeyed_in_the_middle_and_nothing_is_left() {
        let scenario = load("private-endpoint-failover/slow-but-in-time[aws]");
        let before = Left::now();
        let interrupted = Arc::new(AtomicBool::new(false));
        let means = Means { interrupted: interrupted.clone(), ..Means::default() };
        let presses = move |_: u32| interrupted.store(true, Ordering::Relaxed);
        let finger = std::thread::spawn(|| left::once_there(&["kmipProxyStanda", "mongod-persona"], presses));
        let Some(attempt) = attempt(&scenario, &means) else { return };
        finger.join().unwrap();
        assert!(matches!(&attempt, Attempt::NotRun(why) if why == "interrupted"), "{attempt:?}");
        assert_eq!(Left::now(), before);
    }

    #[test]
    fn without_its_programs_the_lane_does_not_open_and_says_what_to_build() {
        let why = world::open(Lane::Process, &Means::default()).err().unwrap();
        assert_eq!(why, "kmipProxyStandalone and mongod-persona are not beside kmiplab: cargo build --release --bins");
    }

    #[test]
    fn a_program_that_is_none_is_no_verdict_about_the_product() {
        let Some(mut programs) = left::programs() else { return };
        let before = Left::now();
        programs.persona = "/bin/false".into();
        let means = Means { programs: Some(programs), ..Means::default() };
        let world = world::open(Lane::Process, &means).unwrap();
        let attempt = world.play(&load("mismatched-providers/local-key-file"), "mongod-persona", SEED);
        assert!(matches!(&attempt, Attempt::Inconclusive(why) if why.contains("without a word of why")), "{attempt:?}");
        assert_eq!(Left::now(), before);
    }
}

#[cfg(test)]
#[path = "real_process/left.rs"]
mod left;
