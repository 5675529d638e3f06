//! Unique Identifiers: how new ones are drawn, and which ones may become part of a file name.
//!
//! Invariant: what [`is_possible`] accepts is a single, visible path component on every system.

use std::io;

use crate::env::Crypto;

/// The longest identifier that can belong to a key of ours, in bytes: file names have room for 255.
const LONGEST: usize = 128;

/// A new identifier: the text of a random UUID (RFC 9562 section 5.4).
pub fn new_identifier(crypto: &dyn Crypto) -> io::Result<String> {
    let mut bytes = [0; 16];
    crypto.random(&mut bytes)?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut text = String::with_capacity(36);
    for (index, byte) in bytes.into_iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    Ok(text)
}

/// Whether an identifier from the wire can be the name of a file: ASCII letters, digits, `-`, `_` and `.`, not led by
/// a dot, without two dots in a row. No key ever existed under any other.
pub(super) fn is_possible(id: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !id.is_empty() && id.len() <= LONGEST && id.bytes().all(allowed) && !id.starts_with('.') && !id.contains("..")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::crypto::CryptoProvider;

    use super::*;
    use crate::env::Env;

    #[derive(Debug)]
    struct Always(u8);

    impl Crypto for Always {
        fn provider(&self) -> Arc<CryptoProvider> {
            Env::os().crypto.provider()
        }

        fn new_certificate_key(&self) -> Result<rcgen::KeyPair, rcgen::Error> {
            Env::os().crypto.new_certificate_key()
        }

        fn random(&self, buffer: &mut [u8]) -> io::Result<()> {
            buffer.fill(self.0);
            Ok(())
        }
    }

    #[test]
    fn a_new_identifier_is_a_random_uuid() {
        assert_eq!(new_identifier(&Always(0x00)).unwrap(), "00000000-0000-4000-8000-000000000000");
        assert_eq!(new_identifier(&Always(0xff)).unwrap(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        let os = Env::os();
        assert_ne!(new_identifier(&*os.crypto).unwrap(), new_identifier(&*os.crypto).unwrap());
    }

    #[test]
    fn identifiers_that_would_leave_the_folder_are_impossible() {
        for id in ["", ".", "..", "../x", "a/b", "a\\b", "a..b", ".hidden", "a\0b", "a b", "schlüssel", "C:x", "a\n"] {
            assert!(!is_possible(id), "{id:?}");
        }
        assert!(!is_possible(&"a".repeat(129)));
    }

    #[test]
    fn identifiers_of_known_servers_are_possible() {
        for id in ["1", "ffffffff-ffff-4fff-bfff-ffffffffffff", "5f0c_Key.v2", &"a".repeat(128)] {
            assert!(is_possible(id), "{id:?}");
        }
    }
}
