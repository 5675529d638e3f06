//! All operations over files in memory with the provider `local`: every message has one well-formed answer, and every
//! key that was there can be listed afterwards.
//!
//! The bytes are messages one after the other, each as long as its header says.
#![no_main]

use std::sync::Arc;
use std::time::Duration;

use kmip_proxy::env::Env;
use kmip_proxy::keys::{CredentialSource, Provider, SnapshotLayout};
use kmip_proxy::kms::{Settings, for_provider};
use kmip_proxy::operations::Operations;
use kmip_proxy_fuzz::{DBPATH, Deaf, FOLDER, Memory, is_an_answer};
use libfuzzer_sys::fuzz_target;

/// More messages find nothing new and cost time.
const MOST_MESSAGES: usize = 8;

thread_local! {
    static RUNTIME: tokio::runtime::Runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
}

fuzz_target!(|bytes: &[u8]| {
    let files = Arc::new(Memory::default());
    files.put("/db/local.key", &[9; 32]);
    files.put(format!("{FOLDER}/first.local.metadata"), br#"{"keyFile": "local.key"}"#);
    let env = Env { files: files.clone(), ..Env::os() };
    let layout = SnapshotLayout::new(files, DBPATH.into(), Provider::Local, CredentialSource::default());
    let operations = Operations {
        kms: for_provider(Provider::Local, &env, &Settings::default()),
        env,
        layout: Arc::new(layout),
        provider: Provider::Local,
        kms_key: None,
        deadline: Duration::from_secs(4),
        operator: Arc::new(Deaf),
        own_objects: false,
        client: None,
    };
    // Two clients take turns, and by the last byte they are kept apart or not.
    let apart = bytes.last().is_some_and(|last| last % 2 == 1);
    let clients = ["one", "two"].map(|name| if apart { operations.of(name.to_owned()) } else { operations.clone() });
    let mut rest = bytes;
    for turn in 0..MOST_MESSAGES {
        let Some(length) = rest.get(4..8).and_then(|length| length.try_into().ok()).map(u32::from_be_bytes) else {
            break;
        };
        let (message, after) = rest.split_at(rest.len().min(length as usize + 8));
        rest = after;
        let answer = RUNTIME.with(|runtime| runtime.block_on(clients[turn % 2].answer(message)));
        is_an_answer(&answer);
    }
    let listing = operations.layout.list().expect("the folder can be listed");
    assert!(listing.problems.is_empty(), "a key file that was written cannot be read: {:?}", listing.problems);
});
