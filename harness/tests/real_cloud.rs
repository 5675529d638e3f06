//! The lane process with AWS KMS that another program runs: `kmiplab serve aws`, a moto server, and addresses at which
//! there is neither.
//!
//! The programs stand beside the one under test; where the proxy is not built, or moto is not set up, tests print that
//! they were skipped.

mod support;

#[cfg(test)]
mod real_cloud {
    use std::collections::BTreeMap;
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    use std::net::TcpListener;
    use std::process::{Child, Command, Stdio};
    use std::thread;

    use kmiplab::checker;
    use kmiplab::scenario::{Provider, Scenario};
    use kmiplab::trace::{Event, Played, What};
    use kmiplab::transcript::Transcript;
    use kmiplab::world::{self, Attempt, Means, World, sim};

    use crate::left::{self, Left};
    use crate::program::{self, Served};
    use crate::support::{load, root};

    const SEED: u64 = 0x5eed;

    /// The lane with AWS at an address, or nothing where the proxy is not built.
    fn world(url: &str) -> Option<Box<dyn World>> {
        let clouds = BTreeMap::from([(Provider::Aws, url.to_owned())]);
        let means = Means { programs: Some(left::programs()?), clouds, ..Means::default() };
        Some(world::open(kmiplab::trace::Lane::Process, &means).unwrap())
    }

    fn attempt(world: &dyn World, scenario: &Scenario) -> Attempt {
        world.play(scenario, "mongod-persona", SEED)
    }

    /// Plays a scenario, which must pass and say what a simulation says.
    fn passes(world: &dyn World, label: &str) -> Played {
        let scenario = load(label);
        let before = Left::now();
        let played = match attempt(world, &scenario) {
            Attempt::Played(played) => *played,
            other => panic!("{label}: {other:?}"),
        };
        assert_eq!(Left::now(), before, "{label}");
        let failures = checker::judge(&scenario, &played).failures;
        assert!(failures.is_empty(), "{label}: {failures:?}");
        let simulated = sim::play(&scenario, SEED, &sim::Planted::default());
        let (one, other) = (Transcript::of(&scenario, &simulated), Transcript::of(&scenario, &played));
        let differences: Vec<_> = one.differences(&other).iter().map(ToString::to_string).collect();
        assert_eq!(differences, Vec::<String>::new(), "{label}");
        played
    }

    fn not_applicable(world: &dyn World, label: &str) -> String {
        match attempt(world, &load(label)) {
            Attempt::NotApplicable(why) => why,
            other => panic!("{label}: {other:?}"),
        }
    }

    fn not_run(url: &str) -> Option<String> {
        match attempt(&*world(url)?, &load("key-rotation/first-start-registers[aws]")) {
            Attempt::NotRun(why) => Some(why),
            other => panic!("{url}: {other:?}"),
        }
    }

    /// First keys, a snapshot, changes of a key's state by the API, and everything that the laboratory does to connections
    /// and answers between proxy and cloud.
    const TELLING: [&str; 11] = [
        "key-rotation/first-start-registers[aws]",
        "key-rotation/cmk-disabled-and-enabled-again[aws]",
        "key-rotation/deletion-cancelled-in-time[aws]",
        "key-rotation/cmk-material-rotates[aws]",
        "mismatched-providers/key-file-names-another-key[aws]",
        "private-endpoint-failover/a-rejected-b-takes-over[aws]",
        "private-endpoint-failover/answers-break-off-b-takes-over[aws]",
        "private-endpoint-failover/captive-portal[aws]",
        "private-endpoint-failover/certificate-for-another-name[aws]",
        "private-endpoint-failover/heals-after-outage[aws]",
        "private-endpoint-failover/slow-but-in-time[aws]",
    ];

    #[test]
    fn scenarios_pass_with_the_keys_of_another_program_and_say_what_a_simulation_says() {
        let served = Served::start("aws", &[]);
        let Some(world) = world(served.url()) else { return };
        for label in TELLING {
            let played = passes(&*world, label);
            let version = env!("CARGO_PKG_VERSION");
            let cloud = format!("AWS at {}, which says it is kmiplab serve aws {version}", served.url());
            assert_eq!(played.cloud, Some(cloud), "{label}");
            let opened = played.events.iter().filter(|event| matches!(event.what, What::Grant { .. })).count();
            assert!(opened > 0, "{label}: what opens is seen on the way");
            let told = serde_json::to_string(&played.events).unwrap();
            assert!(!told.contains(":000000000000:"), "{label}: keys go by the names of the simulation: {told}");
        }
        // Everything was asked of that program, and what was made there is on its way out.
        let (_, said) = served.end("-TERM");
        let times = |what: &str| said.iter().filter(|line| line.starts_with(what)).count();
        assert!(times("kms Decrypt 200") >= TELLING.len(), "{said:?}");
        assert!(times("kms CreateKey 200") > TELLING.len());
        let made: Vec<&str> = keys(&said, "kms ScheduleKeyDeletion 200");
        assert_eq!(made.len(), times("kms CreateKey 200"), "each once at least: {said:?}");
    }

    /// The keys with which something was done, each once.
    fn keys<'a>(said: &'a [String], what: &str) -> Vec<&'a str> {
        let lines = said.iter().filter_map(|line| line.strip_prefix(what)?.split_whitespace().next());
        lines.collect::<std::collections::BTreeSet<_>>().into_iter().collect()
    }

    #[test]
    fn a_call_in_the_trace_has_the_code_of_the_cloud_and_the_key_of_the_run() {
        let served = Served::start("aws", &["--strict"]);
        let Some(world) = world(served.url()) else { return };
        let label = "key-rotation/cmk-disabled-and-enabled-again[aws]";
        let played = passes(&*world, label);
        let simulated = sim::play(&load(label), SEED, &sim::Planted::default());
        let refused = |played: &Played| played.events.iter().find_map(disabled).unwrap_or_default();
        assert!(refused(&played).starts_with("arn:aws:kms:us-east-1:111122223333:key/"), "{}", refused(&played));
        assert_eq!(refused(&played), refused(&simulated));
    }

    fn disabled(event: &Event) -> Option<String> {
        match &event.what {
            What::Call { cmk, code: Some(code), .. } if code == "DisabledException" => cmk.clone(),
            _ => None,
        }
    }

    #[test]
    fn what_nobody_elses_cloud_can_be_made_to_do_is_not_applicable_and_says_why() {
        let served = Served::start("aws", &[]);
        let Some(world) = world(served.url()) else { return };
        for (label, begins) in [
            ("expired-credentials/role-assumed-with-keys-from-flags", "a role is assumed"),
            ("expired-credentials/session-expires-under-polling[aws]", "credentials are refused"),
            ("expired-credentials/user-keys-revoked[aws]", "credentials are refused"),
            ("expired-credentials/access-denied-and-allowed[aws]", "a policy denies a key"),
            ("kms-outage/key-store-connected-again", "a custom key store"),
            ("private-endpoint-failover/policy-of-a-denies-b-allows", "an endpoint's policy denies"),
            ("kms-outage/throttled[aws]", "the service itself fails"),
            ("expired-credentials/clock-ten-minutes-behind", "the clocks of machine and cloud part"),
            // What no real program goes through is said first.
            ("key-rotation/aws-rotates-the-cmk-every-year", "time passes"),
        ] {
            let why = not_applicable(&*world, label);
            assert!(why.starts_with(begins), "{label}: {why}");
        }
    }

    #[test]
    fn motos_keys_serve_as_well_and_what_moto_does_not_do_is_not_asked_of_the_product() {
        let Some(moto) = Moto::start() else { return };
        let Some(world) = world(&moto.url) else { return };
        for label in [
            "key-rotation/first-start-registers[aws]",
            "private-endpoint-failover/a-rejected-b-takes-over[aws]",
            "private-endpoint-failover/heals-after-outage[aws]",
        ] {
            let says = passes(&*world, label).cloud.unwrap();
            assert!(says.starts_with(&format!("AWS at {}, which says it is a moto server on ", moto.url)), "{says}");
        }
        let why = not_applicable(&*world, "key-rotation/cmk-disabled-and-enabled-again[aws]");
        assert!(why.starts_with("a key is disabled: this cloud opens with it all the same"), "{why}");
    }

    #[test]
    fn where_nobody_answers_nothing_is_run_and_other_providers_are() {
        // Taken, and closed again.
        let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let url = format!("http://{nobody}");
        let Some(why) = not_run(&url) else { return };
        assert!(why.starts_with(&format!("nobody answers at {url} (")), "{why}");
        assert!(why.ends_with("start the cloud there (`kmiplab serve aws` is one), or leave --cloud out"), "{why}");
        let world = world(&url).unwrap();
        passes(&*world, "mismatched-providers/local-key-file");
        // Whoever asked for that cloud is not told that all is well.
        let folder = tempfile::tempdir().unwrap();
        let (cloud, report) = (format!("aws={url}"), folder.path().display().to_string());
        let arguments = ["run", "--lane", "process", "--cloud", &cloud, "--report", &report, "first-start-registers"];
        let ran = program::run(program::kmiplab(&arguments).current_dir(root()));
        assert_eq!(ran.code, Some(6), "{}{}", ran.out, ran.told);
        let shown = "NOT RUN key-rotation/first-start-registers  aws mongod-persona process";
        assert!(ran.out.contains(shown), "{}", ran.out);
        assert!(ran.told.contains(&format!("nothing ran with the cloud at {url}")), "{}", ran.told);
    }

    #[test]
    fn who_answers_and_is_no_kms_is_named_with_what_was_said() {
        let page = "HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";
        let refusal = r#"{"__type":"UnrecognizedClientException","message":"The security token is invalid."}"#;
        let refusal = format!(
            "HTTP/1.1 400 Bad Request\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{refusal}",
            refusal.len()
        );
        for (answer, begins, holds) in [
            (page, "at URL is no AWS KMS (", "status 404 and nothing that KMS would say"),
            ("SSH-2.0-OpenSSH_9.2\r\n", "nobody answers at URL (", "it does not speak HTTP"),
            (&refusal, "the KMS at URL does not serve `test`", "ListKeys: UnrecognizedClientException: The security"),
        ] {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            let why = thread::scope(|scope| {
                let answering = scope.spawn(move || {
                    let (mut stream, _) = listener.accept().unwrap();
                    let _ = stream.read(&mut [0; 4096]);
                    let _ = stream.write_all(answer.as_bytes());
                });
                let why = not_run(&url);
                if why.is_some() {
                    answering.join().unwrap();
                } else {
                    // Nobody has come.
                    drop(std::net::TcpStream::connect(url.trim_start_matches("http://")));
                }
                why
            });
            let Some(why) = why else { return };
            assert!(why.starts_with(&begins.replace("URL", &url)) && why.contains(holds), "{why}");
        }
    }

    #[test]
    fn a_cloud_that_goes_away_is_no_verdict_about_the_product() {
        let served = Served::start("aws", &[]);
        let Some(world) = world(served.url()) else { return };
        let begins = format!("the AWS at {}: ", served.url());
        drop(served);
        let before = Left::now();
        let attempt = attempt(&*world, &load("key-rotation/first-start-registers[aws]"));
        assert!(matches!(&attempt, Attempt::Inconclusive(why) if why.starts_with(&begins)), "{attempt:?}");
        assert_eq!(Left::now(), before);
    }

    #[test]
    fn nor_is_one_that_goes_away_in_the_middle_of_a_run() {
        let served = Served::start("aws", &[]);
        let Some(world) = world(served.url()) else { return };
        let begins = format!("the AWS at {} has gone away in the middle of the run: ", served.url());
        // It takes three seconds to answer, and is asked again in the end.
        let scenario = load("private-endpoint-failover/slow-but-in-time[aws]");
        let end = move |_: u32| drop(served);
        let ending = thread::spawn(|| left::once_there(&["kmipProxyStanda", "mongod-persona"], end));
        let attempt = attempt(&*world, &scenario);
        ending.join().unwrap();
        assert!(matches!(&attempt, Attempt::Inconclusive(why) if why.starts_with(&begins)), "{attempt:?}");
    }

    /// moto's server at work, started as the tests of the product start it. It is killed when dropped.
    struct Moto {
        child: Child,
        url: String,
    }

    impl Moto {
        fn start() -> Option<Self> {
            let python = program::python()?;
            let mut command = Command::new(python);
            command.arg(root().join("tests/real_clients/scripts/moto_clouds.py"));
            let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
            let mut line = String::new();
            BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
            let made: serde_json::Value = serde_json::from_str(&line)
                .unwrap_or_else(|error| panic!("moto says `{line}` instead of where it is: {error}"));
            Some(Moto { child, url: made["endpoint"].as_str().unwrap().to_owned() })
        }
    }

    impl Drop for Moto {
        fn drop(&mut self) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

#[cfg(test)]
#[path = "real_process/left.rs"]
#[allow(dead_code, reason = "each test takes what it needs")]
mod left;

#[cfg(test)]
#[path = "real_serve/program.rs"]
#[allow(dead_code, reason = "each test takes what it needs")]
mod program;
