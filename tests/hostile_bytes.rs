//! Every captured request with every change of `changed`, through the whole of what answers it: one well-formed answer,
//! no panic, and memory within bounds.
//!
//! Memory is measured by an allocator that counts what the calling thread has at once beyond what it had before
//! (`allocation-counter`; it belongs to this test program alone). `src/kmip/tests/hostile.rs` has what the decoder's
//! errors say; here stand the answer and its cost.

mod changed;
#[allow(dead_code, unreachable_pub, reason = "a crate of its own, of which this test takes what it needs")]
#[path = "../fuzz/src/lib.rs"]
mod fuzz;

use std::sync::Arc;
use std::time::Duration;

use allocation_counter::measure;
use kmip_proxy::env::Env;
use kmip_proxy::keys::{CredentialSource, Provider, SnapshotLayout};
use kmip_proxy::kmip::RequestMessage;
use kmip_proxy::kms::{Settings, for_provider};
use kmip_proxy::operations::Operations;
use tokio::runtime::{Builder, Runtime};

use changed::Change;
use fuzz::{DBPATH, Deaf, FOLDER, Memory, is_an_answer};

/// The most that decoding one of these requests may have at once, in bytes. The longest is below 1 KiB.
const MOST_OF_DECODING: u64 = 8 * 1024;

/// The most that answering one of these requests may have at once, files in memory and the call of the provider included.
const MOST_OF_ANSWERING: u64 = 64 * 1024;

/// The most that a request of very many items may have at once, its answer included: a thousand items are carried out.
const MOST_FOR_A_BATCH: u64 = 1024 * 1024;

/// The product over files in memory, with a key file as provider.
struct Product {
    runtime: Runtime,
    files: Arc<Memory>,
    operations: Operations,
    peak: u64,
}

impl Product {
    fn new() -> Self {
        let files = Arc::new(Memory::default());
        let env = Env { files: files.clone(), ..Env::os() };
        let layout = SnapshotLayout::new(files.clone(), DBPATH.into(), Provider::Local, CredentialSource::default());
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
        let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
        Product { runtime, files, operations, peak: 0 }
    }

    /// The answer over the files of a first start, and the most that was allocated at once for it.
    fn answer(&self, message: &[u8]) -> (Vec<u8>, u64) {
        self.files.files().clear();
        self.files.put("/db/local.key", &[9; 32]);
        self.files.put(format!("{FOLDER}/first.local.metadata"), br#"{"keyFile": "local.key"}"#);
        let mut answer = None;
        let cost = measure(|| answer = Some(self.runtime.block_on(self.operations.answer(message))));
        (answer.expect("it was answered").to_vec(), cost.bytes_max)
    }

    /// Every request with each of these changes.
    fn answers(&mut self, changes: fn(&[u8]) -> Vec<Change>) {
        let mut count = 0;
        for (name, message) in changed::requests() {
            for change in changes(&message) {
                let message = change.of(&message);
                let decoding = measure(|| drop(RequestMessage::decode(&message))).bytes_max;
                assert!(decoding <= MOST_OF_DECODING, "{decoding} bytes to decode {name}, {change}");
                let (answer, cost) = self.answer(&message);
                assert!(cost <= MOST_OF_ANSWERING, "{cost} bytes to answer {name}, {change}");
                is_an_answer(&answer);
                self.peak = self.peak.max(cost);
                count += 1;
            }
        }
        println!("{count} messages, {} bytes at once at most", self.peak);
        assert!(count > 10_000, "only {count} changes were made");
    }
}

#[test]
fn a_request_that_is_cut_anywhere_has_one_answer_within_bounds() {
    Product::new().answers(Change::cuts);
}

#[test]
fn a_request_with_any_bit_flipped_has_one_answer_within_bounds() {
    Product::new().answers(Change::flips);
}

#[test]
fn a_request_with_any_other_length_or_type_has_one_answer_within_bounds() {
    Product::new().answers(Change::headers);
}

#[test]
fn a_request_of_very_many_items_has_one_answer_within_bounds() {
    let structure = |tag: u8, inside: &[u8]| {
        [&[0x42, 0, tag, 1], &u32::try_from(inside.len()).unwrap().to_be_bytes()[..], inside].concat()
    };
    let number =
        |tag: u8, kind: u8, value: u32| [&[0x42, 0, tag, kind, 0, 0, 0, 4], &value.to_be_bytes()[..], &[0; 4]].concat();
    // As many as are taken, each of which fails, and the batch goes on (KMIP 1.4, clause 6.13); and as many as fit into
    // the longest message, which are refused as a whole.
    for (count, failures) in [(1000, 1000), ((1 << 17) - 20, 1)] {
        let version = structure(0x69, &[number(0x6A, 2, 1), number(0x6B, 2, 4)].concat());
        let header = [version, number(0x0E, 5, 1), number(0x0D, 2, count)].concat();
        let items = structure(0x0F, &[]).repeat(count as usize);
        let message = structure(0x78, &[structure(0x77, &header), items].concat());
        let (answer, cost) = Product::new().answer(&message);
        is_an_answer(&answer);
        let failed = answer.windows(8).filter(|window| *window == [0x42, 0, 0x7F, 5, 0, 0, 0, 4]).count();
        assert_eq!(failed, failures);
        println!("{cost} bytes at once for {}", message.len());
        assert!(cost <= MOST_FOR_A_BATCH, "{cost} bytes for {}", message.len());
    }
}
