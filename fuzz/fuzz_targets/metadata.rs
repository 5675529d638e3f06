//! Metadata files of every provider: read, or refused in one line.
#![no_main]

use std::sync::Arc;

use kmip_proxy::keys::{CredentialSource, Layout as _, Provider, SnapshotLayout};
use kmip_proxy_fuzz::{DBPATH, FOLDER, Memory, is_one_line};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for provider in Provider::ALL {
        let files = Arc::new(Memory::default());
        files.put(format!("{FOLDER}/k.{provider}.metadata"), bytes);
        let layout = SnapshotLayout::new(files, DBPATH.into(), provider, CredentialSource::default());
        if let Err(error) = layout.credentials("k", provider) {
            is_one_line(&error.to_string());
        }
        let _ = layout.wrapping_for_new_keys(Some("cmk"));
        let _ = layout.wrapping_for_new_keys(None);
    }
});
