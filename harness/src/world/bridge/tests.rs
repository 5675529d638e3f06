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
    Bridge { setup: Err("nothing is set up".to_owned()), persona: None, means: Means::default() }
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
fn a_program_that_is_not_there_or_does_not_encrypt_is_not_run_with_its_own_words() {
    let opens = scenario("world.mongod = { persona = \"psmdb-8\", key_state_polling = \"off\" }", START);
    let absent = bridge().play(&opens, "/nowhere/mongod", 1);
    assert!(
        matches!(&absent, Attempt::NotRun(why) if why.starts_with("`/nowhere/mongod` cannot be started: ")),
        "{absent:?}"
    );
    // Any program that refuses the option.
    let other = bridge().play(&opens, "/bin/false", 1);
    assert!(
        matches!(&other, Attempt::NotRun(why) if why.starts_with("`/bin/false` does not take --enableEncryption (exit status: 1)")),
        "{other:?}"
    );
    let agrees = bridge().play(&opens, "/bin/true", 1);
    assert!(
        matches!(&agrees, Attempt::NotRun(why) if why.contains("says neither Enterprise nor Percona")),
        "{agrees:?}"
    );
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
