//! Clients that are kept to the objects that they made.

use super::wire::{Answer, activate, create_aes, get, get_attributes, item};
use super::*;
use crate::kmip::tag;

const PERMISSION_DENIED: ResultReason = ResultReason::PERMISSION_DENIED;

/// What one client is answered, in KMIP 1.4.
async fn asked(bench: &Bench, owner: &str, item: Item) -> Answer {
    let view = bench.operations.of(owner.to_owned());
    Answered::read(&view.answer(&Ask::of(item).bytes()).await).items.remove(0)
}

fn identifiers(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.reason, None, "{answer:?}");
    answer.payload.iter().filter_map(|line| line.strip_prefix("UniqueIdentifier=")).map(str::to_owned).collect()
}

#[tokio::test(start_paused = true)]
async fn a_client_has_what_it_made_and_what_nobody_is_named_for_and_nothing_else() {
    let bench = Bench::new();
    let made = asked(&bench, "one", create_aes()).await.value("UniqueIdentifier").to_owned();
    let id = Some(made.as_str());
    let named = |id: Option<&str>, operation: u32| {
        item(operation, |writer| writer.text_string(tag::UNIQUE_IDENTIFIER, id.unwrap_or_default()))
    };
    for item in [get(id), get_attributes(id, &[]), activate(id), named(id, 0x0C), named(id, 0x14)] {
        assert_eq!(asked(&bench, "two", item).await.refusal(), PERMISSION_DENIED);
    }
    assert_eq!(asked(&bench, "one", get(id)).await.value("UniqueIdentifier"), made);
    // A key of a snapshot was made by no client.
    assert_eq!(asked(&bench, "two", get(Some(KEY))).await.value("UniqueIdentifier"), KEY);
    let all = || item(0x08, |_| {});
    let mut both = vec![KEY.to_owned(), made.clone()];
    both.sort();
    let mut seen = identifiers(&asked(&bench, "one", all()).await);
    seen.sort();
    assert_eq!(seen, both);
    assert_eq!(identifiers(&asked(&bench, "two", all()).await), [KEY]);
    // Where clients are not kept apart, everybody sees everything.
    assert_eq!(bench.one(get(id)).await.value("UniqueIdentifier"), made);
}

#[tokio::test(start_paused = true)]
async fn an_owner_is_remembered_in_the_key_file() {
    let bench = Bench::new();
    let made = asked(&bench, "one", create_aes()).await.value("UniqueIdentifier").to_owned();
    let layout = SnapshotLayout::new(bench.disk.clone(), "/db".into(), Provider::Aws, CredentialSource::default());
    let Ok(Found::Present(key)) = layout.find(&made) else { panic!("the key has a file") };
    assert_eq!(key.object.owner.as_deref(), Some("one"));
}
