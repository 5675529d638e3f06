//! Rotation by the calendar and on demand, and what is told of it.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::{Bench, Reply, member, now};
use crate::clouds::aws::lineage::DAY;
use crate::clouds::aws::{KeyState, Unchanged};
use crate::scenario::KeyChange;

const SECOND: Duration = Duration::from_secs(1);

fn at(bench: &mut Bench, time: SystemTime) {
    (bench.arrival.at, bench.client.at) = (time, time);
}

fn current(bench: &mut Bench) -> String {
    let key = bench.key.clone();
    let described = bench.kms("DescribeKey", &json!({"KeyId": key}));
    let body: Value = serde_json::from_str(&described.body).unwrap();
    body["KeyMetadata"]["CurrentKeyMaterialId"].as_str().unwrap().to_owned()
}

fn status(bench: &mut Bench) -> Value {
    let key = bench.key.clone();
    let reply = bench.kms("GetKeyRotationStatus", &json!({"KeyId": key}));
    assert_eq!(reply.status, 200, "{}", reply.body);
    serde_json::from_str(&reply.body).unwrap()
}

fn rotate(bench: &mut Bench) -> Reply {
    let key = bench.key.clone();
    bench.kms("RotateKeyOnDemand", &json!({"KeyId": key}))
}

#[test]
fn time_rotates_a_key_at_the_second_of_its_date_and_every_period_after() {
    let mut bench = Bench::new();
    let blob = bench.wrapped();
    let first = current(&mut bench);
    bench.aws.enable_automatic_rotation("master", 90, now()).unwrap();
    at(&mut bench, now() + DAY * 90 - SECOND);
    assert_eq!(current(&mut bench), first);
    at(&mut bench, now() + DAY * 90);
    let second = current(&mut bench);
    assert_ne!(second, first);
    at(&mut bench, now() + DAY * 270);
    let fourth = current(&mut bench);
    assert_eq!(bench.aws.generations("master", now() + DAY * 270), Ok(4), "two dates passed unseen");
    assert_eq!(member(&bench.decrypt(&blob), "KeyMaterialId"), first, "Decrypt names the material that opened");
    let new = bench.wrapped();
    assert_eq!(member(&bench.decrypt(&new), "KeyMaterialId"), fourth);
}

#[test]
fn rotations_do_not_depend_on_who_looks_and_when() {
    let mut often = Bench::new();
    let mut once = Bench::new();
    for bench in [&mut often, &mut once] {
        bench.aws.enable_automatic_rotation("master", 100, now()).unwrap();
    }
    for day in 0..400 {
        at(&mut often, now() + DAY * day);
        current(&mut often);
    }
    at(&mut once, now() + DAY * 399);
    assert_eq!(current(&mut once), current(&mut often));
}

#[test]
fn a_key_that_missed_its_date_while_it_was_disabled_rotates_once_when_it_is_enabled() {
    let mut bench = Bench::new();
    bench.aws.enable_automatic_rotation("master", 90, now()).unwrap();
    bench.aws.change_key("master", KeyChange::Disable, now() + DAY).unwrap();
    assert_eq!(bench.aws.generations("master", now() + DAY * 300), Ok(1));
    bench.aws.change_key("master", KeyChange::Enable, now() + DAY * 300).unwrap();
    // Nobody looks until the new period, which began on day 300, is almost over.
    assert_eq!(bench.aws.generations("master", now() + DAY * 390 - SECOND), Ok(2));
    assert_eq!(bench.aws.generations("master", now() + DAY * 390), Ok(3));
}

#[test]
fn a_key_that_is_disabled_only_between_its_dates_keeps_them() {
    let mut bench = Bench::new();
    bench.aws.enable_automatic_rotation("master", 90, now()).unwrap();
    bench.aws.change_key("master", KeyChange::Disable, now() + DAY).unwrap();
    bench.aws.change_key("master", KeyChange::Enable, now() + DAY * 80).unwrap();
    assert_eq!(bench.aws.generations("master", now() + DAY * 90), Ok(2));
}

#[test]
fn the_status_tells_period_and_next_date_unless_the_key_is_to_be_deleted() {
    let mut bench = Bench::new();
    let key = bench.key.clone();
    assert_eq!(status(&mut bench), json!({"KeyId": key, "KeyRotationEnabled": false}));
    let enabled = bench.kms("EnableKeyRotation", &json!({"KeyId": key}));
    assert_eq!((enabled.status, enabled.body.as_str()), (200, ""));
    let next = 1_795_317_721.0 + 365.0 * 86_400.0;
    let on = json!({"KeyId": key, "KeyRotationEnabled": true, "NextRotationDate": next, "RotationPeriodInDays": 365});
    assert_eq!(status(&mut bench), on);
    assert_eq!(rotate(&mut bench).body, json!({"KeyId": key}).to_string());
    assert_eq!(status(&mut bench), on, "a rotation on demand leaves the schedule as it is");
    bench.aws.set_key_state("master", KeyState::PendingDeletion(now() + DAY)).unwrap();
    assert_eq!(status(&mut bench), json!({"KeyId": key, "KeyRotationEnabled": false}));
    bench.aws.change_key("master", KeyChange::CancelDeletion, now()).unwrap();
    assert_eq!(status(&mut bench), on);
}

#[test]
fn periods_are_between_90_and_2560_days() {
    let mut bench = Bench::new();
    let key = bench.key.clone();
    for (days, status) in [(89, 400), (90, 200), (2560, 200), (2561, 400), (-1, 400)] {
        let reply = bench.kms("EnableKeyRotation", &json!({"KeyId": key, "RotationPeriodInDays": days}));
        assert_eq!(reply.status, status, "{days}: {}", reply.body);
    }
    let refused = bench.aws.enable_automatic_rotation("master", 89, now()).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "AWS does not rotate the key `master`: 1 validation error detected: Value '89' at 'rotationPeriodInDays' failed to satisfy constraint: Member must have value greater than or equal to 90"
    );
}

#[test]
fn a_key_can_be_rotated_on_demand_25_times_and_works_on() {
    let mut bench = Bench::new();
    let blob = bench.wrapped();
    for round in 0..25 {
        assert_eq!(rotate(&mut bench).status, 200, "{round}");
    }
    let refused = rotate(&mut bench);
    assert!(refused.body.contains("LimitExceededException"), "{}", refused.body);
    let unchanged = bench.aws.change_key("master", KeyChange::Rotate, now());
    assert!(matches!(unchanged, Err(Unchanged::Refused { .. })), "{unchanged:?}");
    assert_eq!(bench.aws.generations("master", now()), Ok(26));
    assert_eq!(bench.decrypt(&blob).status, 200);
    bench.aws.enable_automatic_rotation("master", 90, now()).unwrap();
    assert_eq!(bench.aws.generations("master", now() + DAY * 90), Ok(27), "time has no quota");
}

#[test]
fn no_rotation_on_demand_within_20_minutes_of_an_automatic_one() {
    let mut bench = Bench::new();
    bench.aws.enable_automatic_rotation("master", 90, now()).unwrap();
    at(&mut bench, now() + DAY * 90 - SECOND * 1201);
    assert_eq!(rotate(&mut bench).status, 200);
    at(&mut bench, now() + DAY * 90 - SECOND * 1200);
    assert!(rotate(&mut bench).body.contains("ConflictException"));
    at(&mut bench, now() + DAY * 90);
    assert_eq!(rotate(&mut bench).status, 200);
}
