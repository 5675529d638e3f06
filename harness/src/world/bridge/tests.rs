//! What the lane does without any client at hand. With them: `harness/tests/real_bridge.rs`.

use super::*;
use crate::scenario::load;

fn scenario(lines: &str, timeline: &str) -> Scenario {
    let text = format!(
        "format = \"1.0\"\ntitle = \"A\"\nwhy = \"B.\"\nend = \"60s\"\nfinal = \"opens\"\n{lines}\ntimeline = [{timeline}]\n"
    );
    load("test.toml", "tests", text.as_bytes()).unwrap_or_else(|error| panic!("{}", error.render(false)))
}

fn bridge() -> Bridge {
    naming("")
}

/// With a program that somebody has named.
fn naming(path: &str) -> Bridge {
    let named = vec![Named { path: path.to_owned(), known: OnceLock::new() }];
    Bridge { setup: Err("nothing is set up".to_owned()), persona: None, named, means: Means::default() }
}

/// A program that says it is a mongod of Percona's, and does something else when it is started.
fn claimant(folder: &Path, does: &str) -> String {
    let path = folder.join("mongod");
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *--version*) echo 'db version v8.0.4-2 Percona Server'; exit 0;; esac\n{does}\n"
    );
    // Written by another process: a file that was open for writing here might still be so in a child of another test.
    let written = std::process::Command::new("/bin/sh")
        .args(["-c", "printf %s \"$1\" > \"$0\" && chmod 700 \"$0\""])
        .arg(&path)
        .arg(script)
        .status();
    assert!(written.unwrap().success());
    path.display().to_string()
}

/// A client that is none: it does this at its start.
struct Stub<F> {
    client: Client,
    does: F,
}

impl<F: Fn(&Client) -> sim::Program> Guest for Stub<F> {
    fn play(&self, _: crate::cast::Stage, _: crate::cast::Settings, _: sim::MongodOrders) -> sim::Program {
        (self.does)(&self.client)
    }

    fn wait(&self) -> Result<(), String> {
        self.client.wait()
    }
}

/// What comes of a run with such a client.
fn with(does: impl Fn(&Client) -> sim::Program + 'static, interrupted: bool) -> Judged {
    let scenario = scenario("world.mongod = { database = \"empty\" }\nprovider = [\"local\"]", START);
    let stub = Rc::new(Stub { client: Client::new(&Arc::new(AtomicBool::new(interrupted))).unwrap(), does });
    let peer = || Some(Peer { name: "a stub".to_owned(), tier: Tier::RealDriver, proof: Vec::new() });
    bridged(&scenario, 7, stub.clone(), &stub.client, peer)
}

const START: &str = "{ at = \"1s\", start = \"mongod\" }";

#[test]
fn without_python_a_drivers_scenario_is_not_run_and_anothers_does_not_apply() {
    let drivers = scenario("world.mongod = { persona = \"libmongocrypt-plain\" }", START);
    let not_run = bridge().play(&drivers, DRIVER, 1);
    assert!(matches!(&not_run, Attempt::NotRun(why) if why == "nothing is set up"), "{not_run:?}");
    let others = scenario("world.mongod = { persona = \"psmdb-8\" }", START);
    let not_applicable = bridge().play(&others, DRIVER, 1);
    assert!(
        matches!(&not_applicable, Attempt::NotApplicable(why) if why == "a MongoDB driver does not stand in for psmdb-8"),
        "{not_applicable:?}"
    );
}

#[test]
fn a_program_that_is_not_there_or_is_no_mongod_is_not_played() {
    let opens = scenario("world.mongod = { persona = \"psmdb-8\", key_state_polling = \"off\" }", START);
    let absent = naming("/nowhere/mongod").play(&opens, "/nowhere/mongod", 1);
    assert!(
        matches!(&absent, Attempt::NotRun(why) if why.starts_with("`/nowhere/mongod` does not start: ")),
        "{absent:?}"
    );
    let folder = tempfile::tempdir().unwrap();
    // In mongod's own words.
    let says = "echo \"Error parsing command line: unrecognised option '--enableEncryption'\" >&2; exit 2";
    let other = claimant(folder.path(), says);
    let refused = naming(&other).play(&opens, &other, 1);
    let why = "unknown option, exit code 2: this mongod has no encryption at rest";
    assert!(matches!(&refused, Attempt::NotRun(other) if other == why), "{refused:?}");
}

#[test]
fn whoever_only_says_that_he_is_a_mongod_has_no_tier() {
    let folder = tempfile::tempdir().unwrap();
    let makes = scenario("world.mongod = { database = \"empty\", key_state_polling = \"off\" }", START);
    // It is told its options as Percona's mongod is, whose command line cannot say that a key is not to be activated.
    let told = "case \"$*\" in *kmipActivateKeys*) exit 9;; *--config*) echo 'told by a file';; esac";
    let fake = claimant(folder.path(), told);
    let attempt = naming(&fake).play(&makes, &fake, 1);
    let why = "it never waited for connections, so that nobody could ask who it is: exit code 0: told by a file";
    assert!(matches!(&attempt, Attempt::Inconclusive(other) if other == why), "{attempt:?}");
    // Nobody listens at the port of this one.
    let fake =
        claimant(folder.path(), "echo '{\"s\":\"I\",\"msg\":\"Waiting for connections\"}'; exec tail -f /dev/null");
    let attempt = naming(&fake).play(&makes, &fake, 1);
    assert!(
        matches!(&attempt, Attempt::NotRun(why) if why == "it does not answer buildInfo, so nobody knows what it is"),
        "{attempt:?}"
    );
}

#[test]
fn a_program_that_breaks_down_decides_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let makes = scenario("world.mongod = { database = \"empty\", key_state_polling = \"off\" }", START);
    let killed = claimant(folder.path(), "echo '{\"s\":\"E\",\"msg\":\"Got signal\"}'; kill -SEGV $$");
    let attempt = naming(&killed).play(&makes, &killed, 1);
    let why = "the client broke down: signal 11, which nobody here has sent: Got signal";
    assert!(matches!(&attempt, Attempt::Inconclusive(other) if other == why), "{attempt:?}");
    // As a persona that panics, or ends in the middle of a sentence.
    for (how, ends) in [("exit 101", "broke down: it panicked"), ("exit 3", "ended without a word of why: exit code 3")]
    {
        let program = Program::persona(claimant(folder.path(), how).as_ref(), "psmdb-8", &Arc::default()).unwrap();
        let halt = run(&program, &makes, 1).unwrap_err();
        assert_eq!(halt, Halt::Inconclusive(format!("the client {ends}: it said nothing")));
    }
}

#[test]
fn what_breaks_in_the_world_is_judged_and_what_breaks_in_a_client_is_not() {
    let (played, dialogue) = with(|_| Box::pin(async { panic!("planted") }), false).unwrap();
    assert!(dialogue.is_none() && played.peer.name == "a stub" && played.lane == Lane::Bridge);
    let broke = played.broke.as_deref().unwrap_or_default();
    assert!(broke.contains("panic"), "{broke}");
    let makes = scenario("world.mongod = { database = \"empty\" }", START);
    let client = Client::new(&Arc::default()).unwrap();
    let panicked = settled(&makes, 7, &client, || panic!("planted")).unwrap();
    assert_eq!((panicked.broke.as_deref(), panicked.lane), (Some("a panic: planted"), Lane::Bridge));

    let gives_up = |client: &Client| -> sim::Program {
        client.halted.say(Halt::Inconclusive("it cannot go on".to_owned()));
        Box::pin(async { "gone".to_owned() })
    };
    assert_eq!(with(gives_up, false).unwrap_err(), Halt::Inconclusive("it cannot go on".to_owned()));
    let of_our_own = |client: &Client| -> sim::Program {
        let halted = client.halted.clone();
        Box::pin(async move { halted.heed(async { panic!("planted") }).await.unwrap_or_else(|why| why) })
    };
    let why = "a bug of the laboratory's own: planted".to_owned();
    assert_eq!(with(of_our_own, false).unwrap_err(), Halt::Inconclusive(why));
}

#[test]
fn what_strikes_a_client_as_it_starts_does_not_apply() {
    let crash = |at: &str| format!("{START}, {{ at = \"{at}\", crash = \"mongod\" }}");
    let attempt =
        |at| bridge().play(&scenario("world.mongod = { persona = \"libmongocrypt-plain\" }", &crash(at)), DRIVER, 1);
    let early = attempt("2s");
    assert!(matches!(&early, Attempt::NotApplicable(why) if why.starts_with("something strikes")), "{early:?}");
    let late = attempt("3s");
    assert!(matches!(&late, Attempt::NotRun(why) if why == "nothing is set up"), "{late:?}");
}

#[test]
fn whoever_is_interrupted_has_not_run() {
    let halt = with(|_| Box::pin(async { "gone".to_owned() }), true).unwrap_err();
    assert!(matches!(Attempt::from(halt), Attempt::NotRun(why) if why == "interrupted"));
}

#[test]
fn a_panic_of_the_laboratory_ends_its_own_run_only() {
    let attempt = outlive(|| panic!("planted"));
    assert!(matches!(&attempt, Attempt::Inconclusive(why) if why.contains("a bug of its own")), "{attempt:?}");
}

#[test]
fn a_program_with_timers_of_its_own_is_not_asked_to_poll() {
    let polls = scenario("world.mongod = { persona = \"psmdb-8\", key_state_polling = \"30s\" }", START);
    let why = bridge().play(&polls, PERSONA, 1);
    assert!(matches!(&why, Attempt::NotApplicable(why) if why.contains("by the clock on the wall")), "{why:?}");
    assert!(
        !super::polls(&scenario("world.mongod = { key_state_polling = \"61s\" }", START)),
        "it never comes to that"
    );
}

#[test]
fn before_the_run_all_is_well_and_the_key_is_the_same() {
    let lines = "provider = [\"gcp\"]\nworld.mongod = { persona = \"libmongocrypt-plain\" }\n\
                 world.proxy = { cloud_provider = \"azure\" }\nworld.credentials = { metadata = \"absent\" }";
    let prelude = prelude(&scenario(lines, START));
    assert_eq!(prelude.world.proxy.cloud_provider, Provider::Local);
    assert!(prelude.timeline.is_empty());
    // A persona opens its data in such a world, under the key that the seed gives.
    let played = sim::start_once(&prelude, 7);
    assert_eq!(played.existing.keys().next(), Some(&crate::world::snapshot::first_key_id(&Entropy::new(7))));
    assert_eq!(played.broke, None);
}
