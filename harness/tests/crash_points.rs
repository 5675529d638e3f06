//! Invariant K8 at every point of a write: the power goes before and after each operation that Create, Register,
//! Activate, Revoke and Destroy ask of the disk.
//!
//! After each power cut a fresh process of the product looks at what is left. Every cut is tried twice, because a kernel
//! may have written names by itself that nobody had synced. The count of points is that of an undisturbed run, so that
//! none can be missed.

mod product;

use std::collections::BTreeSet;
use std::path::Path;

use kmiplab::wire::{Answer, Item};
use kmiplab::world::sim::{CrashPoint, Disk};
use product::{
    ACTIVATE, CREATE, DESTROY, FOLDER, GET, GET_ATTRIBUTES, MATERIAL, Product, REGISTER, REVOKE, naming, request,
};

/// An operation that writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Write {
    Create,
    Register,
    Activate,
    Revoke,
    Destroy,
}

impl Write {
    /// The request; `existing` is the key that was there before.
    fn request(self, existing: &str) -> Item {
        match self {
            Write::Create => request(0, CREATE, product::create()),
            Write::Register => request(0, REGISTER, product::register()),
            Write::Activate => request(0, ACTIVATE, naming(existing)),
            Write::Revoke => request(0, REVOKE, product::revoke(existing)),
            Write::Destroy => request(0, DESTROY, naming(existing)),
        }
    }

    /// The state in which it leaves the key that was there before; none for a write of another key.
    fn leads_to(self) -> Option<&'static str> {
        match self {
            Write::Create | Write::Register => None,
            Write::Activate => Some("Active"),
            Write::Revoke => Some("Compromised"),
            Write::Destroy => Some("Destroyed"),
        }
    }
}

/// What a power cut does to names that were not synced.
#[derive(Clone, Copy, Debug)]
enum Names {
    Lost,
    Kept,
}

/// A disk with one key, which is not active yet.
async fn disk_with_a_key() -> (Disk, String) {
    let disk = product::prepared_disk();
    let answer = Product::start(&disk, 1).answer(&request(0, REGISTER, product::register())).await;
    (disk, success(&answer).expect("nothing disturbs the first key"))
}

/// The identifier in an answer of success.
fn success(answer: &Answer) -> Option<String> {
    let item = answer.items.first()?;
    (item.status == "Success").then(|| item.unique_identifier.clone().expect("every answer here names its key"))
}

async fn state_of(product: &Product, id: &str) -> Option<String> {
    let state = Item::text(kmiplab::wire::names::ATTRIBUTE_NAME, "State");
    let payload = [naming(id), vec![state]].concat();
    product.answer(&request(0, GET_ATTRIBUTES, payload)).await.items.remove(0).state
}

async fn material_of(product: &Product, id: &str) -> Option<Vec<u8>> {
    product.answer(&request(0, GET, naming(id))).await.items.remove(0).key_material
}

/// How many disk operations a write takes when nothing disturbs it.
async fn operations_of(write: Write) -> u64 {
    let (disk, existing) = disk_with_a_key().await;
    let before = disk.operations();
    let answer = Product::start(&disk, 2).answer(&write.request(&existing)).await;
    assert!(success(&answer).is_some(), "{write:?}: {answer:?}");
    disk.operations() - before
}

/// Cuts the power at a point of a write, and looks at what a fresh process finds.
async fn cut(write: Write, point: CrashPoint, names: Names) {
    let context = format!("{write:?}, power cut {point:?}, names {names:?}");
    let (disk, existing) = disk_with_a_key().await;
    disk.crash_at(point);
    let given_out = success(&Product::start(&disk, 2).answer(&write.request(&existing)).await);
    assert!(disk.is_off(), "{context}: the power never went");
    match names {
        Names::Lost => disk.power_cut(),
        Names::Kept => disk.power_cut_keeping_names(),
    }
    disk.power_on();

    every_file_is_whole(&disk, &context);
    let product = Product::start(&disk, 3);
    let listing = product.list();
    assert!(listing.problems.is_empty(), "{context}: {:?}", listing.problems);
    let listed: BTreeSet<_> = listing.keys.iter().map(|key| key.id().to_owned()).collect();
    assert!(listed.contains(&existing), "{context}: the key that was there is gone");
    let state = state_of(&product, &existing).await;
    let destroyed = state.as_deref() == Some("Destroyed");
    let material = (!destroyed).then_some(&MATERIAL[..]);
    assert_eq!(material_of(&product, &existing).await.as_deref(), material, "{context}");
    let done = write.leads_to().is_some() && state.as_deref() == write.leads_to();
    match write {
        Write::Activate | Write::Revoke | Write::Destroy => {
            assert_eq!(listed.len(), 1, "{context}: {listed:?}");
            assert!(done || state.as_deref() == Some("Pre-Active"), "{context}: {state:?}");
            assert!(done || given_out.is_none(), "{context}: {state:?}");
        }
        Write::Create | Write::Register => {
            assert_eq!(state.as_deref(), Some("Pre-Active"), "{context}");
            assert!(listed.len() <= 2, "{context}: {listed:?}");
            assert!(given_out.iter().all(|id| listed.contains(id)), "{context}: {given_out:?} was lost");
        }
    }
    for id in listed.iter().filter(|id| !destroyed || **id != existing) {
        let material = material_of(&product, id).await;
        assert_eq!(material.map(|material| material.len()), Some(32), "{context}: {id} does not open");
    }

    // What was done to a key just before the cut cannot be done again.
    if done {
        return;
    }
    let answer = product.answer(&write.request(&existing)).await;
    let next = success(&answer).unwrap_or_else(|| panic!("{context}: the next one fails: {answer:?}"));
    assert_eq!(product.told.headlines(), Vec::<String>::new(), "{context}");
    let known = material_of(&product, &next).await.map(|material| material.len());
    let expected = (write != Write::Destroy).then_some(32);
    assert_eq!(known, expected, "{context}: the next key is not what it should be");
}

/// Every file that bears a key's or a credential's name is JSON, and belongs to a name that means something.
fn every_file_is_whole(disk: &Disk, context: &str) {
    for path in disk.durable_paths().iter().filter(|path| path.starts_with(FOLDER)) {
        let name = path.file_name().and_then(|name| name.to_str()).expect("the names here are text");
        if name.ends_with(".new") {
            // What an interrupted write leaves beside its file. It may be anything; nobody may read it.
            continue;
        }
        assert!(name.ends_with(".key.json") || name.ends_with(".metadata"), "{context}: {name}");
        let content = disk.durable(path).expect("a durable path has a content");
        let read = serde_json::from_slice::<serde_json::Value>(&content);
        assert!(read.is_ok_and(|value| value.is_object()), "{context}: {name} is not whole");
    }
}

async fn every_point_of(write: Write) {
    let operations = operations_of(write).await;
    assert!(operations > 0, "{write:?} asks nothing of the disk");
    let mut tried = 0;
    for number in 1..=operations {
        for point in [CrashPoint::Before(number), CrashPoint::After(number)] {
            cut(write, point, Names::Lost).await;
            cut(write, point, Names::Kept).await;
            tried += 1;
        }
    }
    assert_eq!(tried, 2 * operations);
}

#[tokio::test(start_paused = true)]
async fn a_create_loses_nothing_at_any_point() {
    every_point_of(Write::Create).await;
}

#[tokio::test(start_paused = true)]
async fn a_register_loses_nothing_at_any_point() {
    every_point_of(Write::Register).await;
}

#[tokio::test(start_paused = true)]
async fn an_activate_loses_nothing_at_any_point() {
    every_point_of(Write::Activate).await;
}

#[tokio::test(start_paused = true)]
async fn a_revoke_loses_nothing_at_any_point() {
    every_point_of(Write::Revoke).await;
}

#[tokio::test(start_paused = true)]
async fn a_destroy_is_done_or_not_at_any_point() {
    every_point_of(Write::Destroy).await;
}

#[tokio::test(start_paused = true)]
async fn a_write_is_four_operations_as_a_durable_replace_asks() {
    // Write beside it, sync, rename, sync the folder: one less would not be durable.
    for write in [Write::Create, Write::Register, Write::Activate, Write::Revoke, Write::Destroy] {
        assert_eq!(operations_of(write).await, 4, "{write:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_an_interrupted_write_left_beside_a_file_is_never_taken_for_a_key() {
    let (disk, existing) = disk_with_a_key().await;
    for content in [&b""[..], b"{\"format\": \"kmip-pr", b"{}"] {
        disk.place(Path::new(FOLDER).join(format!("{existing}.local.key.json.new")), content);
        disk.place(Path::new(FOLDER).join("another.local.key.json.new"), content);
        let product = Product::start(&disk, 2);
        let listing = product.list();
        assert_eq!((listing.keys.len(), listing.problems.len()), (1, 0));
        assert_eq!(material_of(&product, &existing).await.as_deref(), Some(&MATERIAL[..]));
        let another = product.answer(&request(0, GET, naming("another"))).await;
        assert_eq!(another.items[0].reason.as_deref(), Some("item-not-found"));
    }
}
