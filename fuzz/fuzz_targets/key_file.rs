//! Key files: what is read can be written, and reads the same again; what is refused is told in one line.
#![no_main]

use std::path::PathBuf;
use std::sync::Arc;

use kmip_proxy::keys::{CredentialSource, Found, Layout as _, Provider, SnapshotLayout};
use kmip_proxy_fuzz::{DBPATH, FOLDER, Memory, is_one_line};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for provider in Provider::ALL {
        let path = PathBuf::from(format!("{FOLDER}/k.{provider}.key.json"));
        let files = Arc::new(Memory::default());
        files.put(&path, bytes);
        let layout = SnapshotLayout::new(files.clone(), DBPATH.into(), provider, CredentialSource::default());
        match layout.find("k") {
            Ok(Found::Present(key)) => {
                layout.store(&key).expect("a key that was read can be written");
                let first = files.files()[&path].clone();
                let Ok(Found::Present(again)) = layout.find("k") else { panic!("what was written cannot be read") };
                layout.store(&again).expect("and written again");
                assert_eq!(files.files()[&path], first, "writing changes the key");
            }
            Ok(_) => {}
            Err(error) => is_one_line(&error.to_string()),
        }
    }
});
