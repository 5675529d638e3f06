//! Configuration files: read, or refused with file, line and column.
#![no_main]

use std::path::Path;

use kmip_proxy::config::{ConfigError, Settings};
use kmip_proxy::keys::CredentialSource;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match Settings::from_toml(Path::new("kmip-proxy.toml"), bytes) {
        Ok(settings) => drop(settings.complete(Settings::default(), CredentialSource::default())),
        Err(ConfigError::Malformed { line, column, why, .. }) => {
            assert!(line >= 1 && column >= 1 && !why.contains('\n'), "{line}:{column}: {why}");
        }
        Err(other) => panic!("{other}"),
    }
});
