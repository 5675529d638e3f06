//! Each rule, with a scenario that it decides.

use super::*;
use crate::scenario;

/// What is foreseen for a world and a timeline; mongod is started first and a minute is played.
fn foreseen(world: &str, timeline: &[&str]) -> Option<Outcome> {
    let lines: String = timeline
        .iter()
        .enumerate()
        .map(|(index, line)| format!("  {{ at = \"{}s\", {line} }},\n", 20 * (index + 1)))
        .collect();
    let text = format!(
        "format = \"1.0\"\ntitle = \"A sketch\"\nwhy = \"To be foreseen.\"\nend = \"30m\"\nfinal = \"stays-closed\"\n{world}\n\
         timeline = [\n  {{ at = \"1s\", start = \"mongod\" }},\n{lines}]\n"
    );
    let scenario = scenario::load("sketch.toml", "sketches", text.as_bytes());
    foresee(&scenario.unwrap_or_else(|error| panic!("{}", error.render(false))))
}

const OPENS: Option<Outcome> = Some(Outcome::Opens);
const CLOSED: Option<Outcome> = Some(Outcome::StaysClosed);

const EMPTY: &str = "world.mongod = { database = \"empty\" }";
const SESSION: &str = "world.credentials = { kind = \"session\", expires = \"30s\" }";
const ROLE: &str = "world.credentials = { kind = \"role\" }";

#[test]
fn what_the_laboratory_heals_does_not_matter() {
    for line in [
        "reject = \"public\"",
        "vanish = \"public\"",
        "fail = \"public\", code = \"AccessDeniedException\"",
        "stall = \"proxy\"",
        "stop = \"proxy\"",
        "crash = \"machine\"",
        "crash = \"machine\", at_write = \"1..4\"",
        "rotate = \"cmk-1\"",
    ] {
        assert_eq!(foreseen("", &[line]), OPENS, "{line}");
        assert_eq!(foreseen(EMPTY, &[line]), OPENS, "{line}, empty");
    }
}

#[test]
fn what_is_done_to_a_customers_key_stays_until_it_is_undone() {
    for (done, undone) in [
        (&["disable = \"cmk-1\""][..], &["enable = \"cmk-1\""][..]),
        (&["deny = \"cmk-1\""], &["allow = \"cmk-1\""]),
        (&["restrict = \"cmk-1\""], &["allow = \"cmk-1\""]),
        (&["disconnect = \"cmk-1\""], &["connect = \"cmk-1\""]),
        (&["delete = \"cmk-1\""], &["restore = \"cmk-1\"", "enable = \"cmk-1\""]),
    ] {
        assert_eq!(foreseen("", done), CLOSED, "{done:?}");
        assert_eq!(foreseen("", &[done, undone].concat()), OPENS, "{done:?} {undone:?}");
    }
    let cancelled = ["delete = \"cmk-1\"", "restore = \"cmk-1\""];
    assert_eq!(foreseen("", &cancelled), CLOSED, "cancelling leaves it disabled");
    let enabled = ["delete = \"cmk-1\"", "enable = \"cmk-1\""];
    assert_eq!(foreseen("", &enabled), CLOSED, "what is to be deleted is not enabled");
    let late = ["delete = \"cmk-1\"", "pass = \"31d\"", "restore = \"cmk-1\"", "enable = \"cmk-1\""];
    assert_eq!(foreseen("", &late), CLOSED, "what is deleted does not come back");
    let in_time = ["delete = \"cmk-1\"", "pass = \"7d\"", "restore = \"cmk-1\"", "enable = \"cmk-1\""];
    assert_eq!(foreseen("", &in_time), OPENS);
}

#[test]
fn a_restricted_key_opens_through_private_endpoints() {
    let of =
        |endpoints: &str| foreseen(&format!("world.kms = {{ endpoints = [{endpoints}] }}"), &["restrict = \"cmk-1\""]);
    assert_eq!(of("\"public\""), CLOSED);
    assert_eq!(of("\"private-a\", \"public\""), OPENS);
    assert_eq!(of("\"public\", \"private-a\""), None, "whether the second one is asked is the product's affair");
}

#[test]
fn only_the_key_that_wrapped_matters() {
    let world = "world.kms = { keys = [\"cmk-1\", \"cmk-2\"] }\nworld.snapshot = { wrapped_by = \"cmk-2\" }";
    assert_eq!(foreseen(world, &["disable = \"cmk-1\""]), OPENS);
    assert_eq!(foreseen(world, &["disable = \"cmk-2\""]), CLOSED);
}

#[test]
fn credentials_that_are_over_stay_so_until_there_are_new_ones() {
    assert_eq!(foreseen("", &["expire = \"credentials\""]), CLOSED);
    assert_eq!(foreseen("", &["expire = \"credentials\"", "edit = \"metadata\""]), CLOSED, "the same ones again");
    assert_eq!(foreseen("", &["expire = \"credentials\"", "renew = \"credentials\""]), OPENS);
    assert_eq!(foreseen(SESSION, &["pass = \"10m\""]), CLOSED);
    assert_eq!(foreseen(SESSION, &["renew = \"credentials\"", "pass = \"10m\""]), OPENS);
    assert_eq!(foreseen(SESSION, &["renew = \"credentials\"", "pass = \"2h\""]), CLOSED);
    assert_eq!(foreseen("", &["pass = \"31d\""]), OPENS, "a user's keys do not grow old");
    let by_flags = "world.credentials = { kind = \"session\", expires = \"30s\", given_by = \"flags\" }";
    assert_eq!(foreseen(by_flags, &[]), CLOSED);
    assert_eq!(foreseen(by_flags, &["renew = \"credentials\""]), OPENS);
    assert_eq!(foreseen(by_flags, &["renew = \"credentials\"", "remove = \"metadata\""]), OPENS);
}

#[test]
fn what_stands_in_the_metadata_file_counts_until_somebody_edits_it() {
    for content in ["outdated", "role-id", "absent"] {
        let world = format!("world.credentials = {{ metadata = \"{content}\" }}");
        for world in [world.clone(), format!("{world}\n{EMPTY}")] {
            assert_eq!(foreseen(&world, &[]), CLOSED, "{world}");
            assert_eq!(foreseen(&world, &["edit = \"metadata\""]), OPENS, "{world}");
        }
    }
    let world = "world.credentials = { kind = \"session\", metadata = \"without-token\" }";
    assert_eq!(foreseen(world, &[]), CLOSED);
    assert_eq!(foreseen(world, &["renew = \"credentials\""]), OPENS);
}

#[test]
fn a_role_that_is_not_trusted_lasts_as_long_as_what_was_assumed() {
    assert_eq!(foreseen(ROLE, &["deny = \"role\""]), None, "the proxy may hold a session");
    assert_eq!(foreseen(ROLE, &["deny = \"role\"", "start = \"proxy\""]), CLOSED);
    assert_eq!(foreseen(ROLE, &["deny = \"role\"", "pass = \"2h\""]), CLOSED);
    let perhaps_cut = ["crash = \"machine\", at_write = \"4\"", "deny = \"role\""];
    assert_eq!(foreseen(ROLE, &perhaps_cut), None, "the power may never go");
    assert_eq!(foreseen(ROLE, &["deny = \"role\"", "pass = \"2h\"", "allow = \"role\""]), OPENS);
    assert_eq!(foreseen(ROLE, &["expire = \"credentials\"", "start = \"proxy\""]), CLOSED);
}

#[test]
fn files_stay_as_they_were_left() {
    for file in ["metadata", "key-file", "wrapped-key"] {
        for change in ["remove", "damage", "forbid"] {
            let done = format!("{change} = \"{file}\"");
            let undone = format!("restore = \"{file}\"");
            assert_eq!(foreseen("", &[&done]), CLOSED, "{done}");
            assert_eq!(foreseen("", &[&done, &undone]), OPENS, "{done}");
        }
    }
    assert_eq!(
        foreseen("", &["damage = \"wrapped-key\"", "damage = \"wrapped-key\""]),
        CLOSED,
        "damage is not undone by more of it"
    );
    assert_eq!(foreseen("", &["remove = \"metadata\"", "edit = \"metadata\""]), OPENS);
    assert_eq!(foreseen("", &["forbid = \"metadata\"", "edit = \"metadata\""]), CLOSED, "it stays unreadable");
    let stale =
        ["remove = \"metadata\"", "expire = \"credentials\"", "renew = \"credentials\"", "restore = \"metadata\""];
    assert_eq!(foreseen("", &stale), CLOSED, "what comes back is what was");
}

#[test]
fn a_key_file_that_names_another_key_does_not_open() {
    let keys = "world.kms = { keys = [\"cmk-1\", \"cmk-2\"] }";
    assert_eq!(foreseen(keys, &["edit = \"key-file\", kms_key = \"cmk-2\""]), CLOSED);
    let back = ["edit = \"key-file\", kms_key = \"cmk-2\"", "edit = \"key-file\", kms_key = \"cmk-1\""];
    assert_eq!(foreseen(keys, &back), OPENS);
}

#[test]
fn clocks_that_are_further_off_than_aws_accepts_keep_it_closed() {
    assert_eq!(foreseen("", &["skew = \"+4m\""]), OPENS);
    assert_eq!(foreseen("", &["skew = \"-10m\""]), CLOSED);
    assert_eq!(foreseen("", &["skew = \"-10m\"", "skew = \"0s\""]), OPENS);
    let local = "provider = [\"local\"]";
    assert_eq!(foreseen(local, &["skew = \"+10m\""]), OPENS, "nobody else's clock is asked");
}

#[test]
fn the_proxys_provider_must_be_that_of_the_key() {
    assert_eq!(foreseen("world.proxy = { cloud_provider = \"azure\" }", &[]), CLOSED);
    let mended = ["start = \"proxy\", cloud_provider = \"aws\""];
    assert_eq!(foreseen("world.proxy = { cloud_provider = \"azure\" }", &mended), OPENS);
    assert_eq!(foreseen("provider = [\"local\"]\nworld.proxy = { cloud_provider = \"aws\" }", &[]), CLOSED);
    assert_eq!(foreseen(EMPTY, &["start = \"proxy\", cloud_provider = \"gcp\""]), CLOSED);
}

#[test]
fn private_networking_without_a_private_endpoint_keeps_it_closed() {
    assert_eq!(foreseen("world.proxy = { require_private_networking = true }", &[]), CLOSED);
    let private = "world.proxy = { require_private_networking = true }\nworld.kms = { endpoints = [\"private-a\"] }";
    assert_eq!(foreseen(private, &["reject = \"private-a\""]), OPENS);
}

#[test]
fn a_full_disk_matters_only_to_what_is_written() {
    assert_eq!(foreseen("", &["fill = \"disk\""]), OPENS);
    assert_eq!(foreseen(EMPTY, &["fill = \"disk\""]), OPENS, "its key was made before");
    let outdated = format!("{EMPTY}\nworld.credentials = {{ metadata = \"outdated\" }}");
    assert_eq!(foreseen(&outdated, &["fill = \"disk\"", "edit = \"metadata\""]), CLOSED);
    assert_eq!(foreseen("", &["fill = \"disk\"", "start = \"proxy\""]), None, "it may not be able to begin");
}

#[test]
fn a_rotation_leads_to_the_key_that_the_flags_name() {
    let keys = "world.kms = { keys = [\"cmk-1\", \"cmk-2\"] }";
    let rotated = ["stop = \"mongod\"", "start = \"proxy\", kms_key = \"cmk-2\"", "rotate = \"mongod\""];
    let then = |line: &'static str| foreseen(keys, &[&rotated[..], &[line]].concat());
    assert_eq!(then("disable = \"cmk-1\""), OPENS);
    assert_eq!(then("disable = \"cmk-2\""), CLOSED);
    let cut_off = [rotated[0], rotated[1], "reject = \"public\"", rotated[2], "disable = \"cmk-2\""];
    assert_eq!(foreseen(keys, &cut_off), None, "whether it was rotated is not known");
    let impossible = ["disable = \"cmk-1\"", "rotate = \"mongod\"", "enable = \"cmk-1\""];
    assert_eq!(foreseen("", &impossible), OPENS);
}

#[test]
fn a_rotation_that_has_read_its_key_may_come_through_without_its_file() {
    let text = |at: &str| {
        format!(
            "format = \"1.0\"\ntitle = \"A sketch\"\nwhy = \"To be foreseen.\"\nend = \"1m\"\nfinal = \"opens\"\n\
             timeline = [\n  {{ at = \"2s\", rotate = \"mongod\" }},\n  {{ at = \"{at}\", remove = \"key-file\" }},\n]\n"
        )
    };
    let of = |at: &str| foresee(&scenario::load("sketch.toml", "sketches", text(at).as_bytes()).unwrap());
    assert_eq!(of("3s"), None);
    assert_eq!(of("30s"), CLOSED, "the new file is gone with the old one");
}

#[test]
fn the_state_of_the_object_matters_to_those_who_ask_for_it() {
    assert_eq!(foreseen("world.snapshot = { state = \"pre-active\" }", &[]), CLOSED);
    let passive = "world.mongod = { activate_keys = false }";
    assert_eq!(foreseen(&format!("{passive}\nworld.snapshot = {{ state = \"pre-active\" }}"), &[]), OPENS);
    let (revoke, destroy) = ("revoke = \"master-key\"", "destroy = \"master-key\"");
    let compromise = "revoke = \"master-key\", reason = \"key-compromise\"";
    for lines in [&[revoke] as &[_], &[compromise], &[revoke, destroy]] {
        assert_eq!(foreseen("", lines), CLOSED, "{lines:?}");
    }
    assert_eq!(foreseen("", &[destroy]), OPENS, "an active key is not destroyed");
    assert_eq!(foreseen(passive, &[revoke]), None);
    assert_eq!(foreseen(passive, &[revoke, destroy]), CLOSED);
    let pre_active = "world.mongod = { activate_keys = false }\nworld.snapshot = { state = \"pre-active\" }";
    assert_eq!(foreseen(pre_active, &[revoke]), OPENS, "it was never active");
    assert_eq!(foreseen(pre_active, &[destroy]), CLOSED);
    assert_eq!(foreseen("", &["fill = \"disk\"", revoke, "free = \"disk\""]), None, "it may have been refused");
    assert_eq!(foreseen("", &[revoke, "rotate = \"mongod\""]), OPENS, "the next key is another");
}

#[test]
fn committed_scenarios_say_what_is_foreseen() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    for found in scenario::find(&root, &[]).unwrap() {
        for scenario in scenario::load_file(&found).unwrap_or_else(|error| panic!("{}", error.render(false))) {
            if let Some(foreseen) = foresee(&scenario) {
                assert_eq!(foreseen, scenario.outcome, "{}", scenario.label());
            }
        }
    }
}
