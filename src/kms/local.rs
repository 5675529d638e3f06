//! The embedded default: a key file on this machine wraps the master keys.
//!
//! The wrapping key is 32 bytes, raw or as hex or base64 text, read from its file at every call, so that removing the
//! file takes effect at once. AES-256-GCM (NIST SP 800-38D) seals under a random 96-bit nonce; the key's identifier
//! and the encryption context are authenticated with it.
//!
//! Invariant: a wrapped key opens only under the identifier and the context that it was wrapped with.

use std::io;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

use super::{Call, Class, Description, Kms, KmsError, Wrapped};
use crate::env::{BoxFuture, Env};
use crate::keys::{Credentials, Provider, Secret};

/// What every wrapped key begins with: whose it is, and the version of the layout (prefix, nonce, sealed key and tag).
const PREFIX: &[u8] = b"kpl\x01";

/// The wrapping key's length.
const KEY_LENGTH: usize = 32;

/// A key file as a provider.
#[derive(Debug)]
pub struct LocalKms {
    env: Env,
}

impl LocalKms {
    /// The provider; which file it uses is in the credentials of each call.
    pub fn new(env: Env) -> Self {
        LocalKms { env }
    }

    fn key_file<'a>(&self, call: &Call<'a>) -> Result<&'a Path, KmsError> {
        match call.credentials {
            Credentials::Local(local) => Ok(&local.key_file),
            _ => Err(fail(call, Class::ProviderMismatch).because("the credentials at hand are not for a key file")),
        }
    }

    fn key(&self, call: &Call<'_>) -> Result<LessSafeKey, KmsError> {
        let path = self.key_file(call)?;
        let content = self.env.files.read(path).map(Zeroizing::new).map_err(|error| {
            let why = match error.kind() {
                io::ErrorKind::NotFound => "the key file does not exist".to_owned(),
                _ => format!("the key file could not be read: {error}"),
            };
            fail(call, Class::FileUnavailable).because(format!("{}: {why}", path.display()))
        })?;
        let key = read_key(&content).and_then(|key| UnboundKey::new(&AES_256_GCM, &key).ok());
        key.map(LessSafeKey::new).ok_or_else(|| {
            let what = "expected 32 bytes, raw or as hex or base64 text";
            fail(call, Class::MetadataMalformed).because(format!(
                "{}: {what}, and the file has {} bytes",
                path.display(),
                content.len()
            ))
        })
    }

    fn seal(&self, call: &Call<'_>, plaintext: &Secret) -> Result<Vec<u8>, KmsError> {
        let key = self.key(call)?;
        let mut nonce = [0; NONCE_LEN];
        self.env
            .crypto
            .random(&mut nonce)
            .map_err(|error| fail(call, Class::CloudInternal).because(error.to_string()))?;
        let mut sealed = plaintext.expose().to_vec();
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(bound(call)), &mut sealed)
            .map_err(|_| fail(call, Class::CloudInternal).because("the key is too long to be wrapped"))?;
        Ok([PREFIX, &nonce, &sealed].concat())
    }

    fn open(&self, call: &Call<'_>, ciphertext: &[u8]) -> Result<Secret, KmsError> {
        let key = self.key(call)?;
        let invalid = |why: &str| fail(call, Class::CiphertextInvalid).because(why);
        let parts = ciphertext.strip_prefix(PREFIX).and_then(|rest| rest.split_first_chunk::<NONCE_LEN>());
        let Some((nonce, sealed)) = parts else {
            return Err(invalid("not a key that a local key file has wrapped"));
        };
        let mut sealed = Zeroizing::new(sealed.to_vec());
        let opened = key
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(bound(call)), &mut sealed)
            .map_err(|_| invalid("damaged, or wrapped under another key file, identifier or encryption context"))?;
        Ok(Secret::new(opened.to_vec()))
    }

    fn look(&self, call: &Call<'_>) -> Result<Description, KmsError> {
        self.key(call)?;
        let name = self.key_file(call)?.display().to_string();
        Ok(Description { name, state: "Readable".to_owned(), usable: true })
    }
}

impl Kms for LocalKms {
    fn provider(&self) -> Provider {
        Provider::Local
    }

    fn wrap<'a>(&'a self, call: Call<'a>, plaintext: &'a Secret) -> BoxFuture<'a, Result<Wrapped, KmsError>> {
        Box::pin(async move { self.seal(&call, plaintext).map(Wrapped::from) })
    }

    fn unwrap<'a>(&'a self, call: Call<'a>, ciphertext: &'a [u8]) -> BoxFuture<'a, Result<Secret, KmsError>> {
        Box::pin(async move { self.open(&call, ciphertext) })
    }

    /// Succeeds when the key file holds a key.
    fn describe<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Description, KmsError>> {
        Box::pin(async move { self.look(&call) })
    }
}

fn fail(call: &Call<'_>, class: Class) -> KmsError {
    KmsError::new(class, Provider::Local, call.cmk)
}

/// The wrapping key in a file's content. Raw bytes come first: 32 of them are never meant as text.
fn read_key(content: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let key = |bytes: Vec<u8>| Some(Zeroizing::new(bytes)).filter(|key| key.len() == KEY_LENGTH);
    if content.len() == KEY_LENGTH {
        return key(content.to_vec());
    }
    let line = content.strip_suffix(b"\n").unwrap_or(content);
    let text = line.strip_suffix(b"\r").unwrap_or(line);
    match text.len() {
        _ if line.len() == KEY_LENGTH => key(line.to_vec()),
        64 => text
            .chunks_exact(2)
            .map(|pair| Some(hex_digit(pair.first())? << 4 | hex_digit(pair.last())?))
            .collect::<Option<_>>()
            .and_then(key),
        _ => STANDARD.decode(text).ok().and_then(key),
    }
}

fn hex_digit(byte: Option<&u8>) -> Option<u8> {
    char::from(*byte?).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// What a wrapped key is bound to: the identifier and the context's pairs in their order, each with its length before
/// it, so that no two different lists give the same bytes.
fn bound(call: &Call<'_>) -> Vec<u8> {
    let mut bytes = PREFIX.to_vec();
    let pairs = call.context.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]);
    for part in std::iter::once(call.key_id).chain(pairs) {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::keys::LocalCredentials;
    use crate::kms::tests::world::World;

    const PATH: &str = "/keys/wrapping.key";

    struct Bench {
        world: World,
        kms: LocalKms,
        credentials: Credentials,
        context: BTreeMap<String, String>,
    }

    impl Bench {
        fn new(key_file: &[u8]) -> Self {
            let world = World::new();
            world.state().files.insert(PATH.into(), key_file.to_vec());
            let credentials = Credentials::Local(LocalCredentials { key_file: PATH.into() });
            let context = BTreeMap::from([("a".to_owned(), "bc".to_owned())]);
            Bench { kms: LocalKms::new(world.env()), world, credentials, context }
        }

        fn call<'a>(&'a self, key_id: &'a str) -> Call<'a> {
            Call { key_id, credentials: &self.credentials, cmk: PATH, region: None, context: &self.context }
        }

        async fn wrap(&self, key_id: &str) -> Result<Vec<u8>, KmsError> {
            self.kms.wrap(self.call(key_id), &Secret::new(vec![5; 32])).await.map(|wrapped| wrapped.ciphertext)
        }

        async fn unwrap(&self, key_id: &str, wrapped: &[u8]) -> Result<Vec<u8>, Class> {
            let opened = self.kms.unwrap(self.call(key_id), wrapped).await;
            opened.map(|secret| secret.expose().to_vec()).map_err(|error| error.class)
        }
    }

    #[tokio::test]
    async fn a_key_opens_under_the_identifier_and_context_it_was_wrapped_with_alone() {
        let mut bench = Bench::new(&[1; 32]);
        let wrapped = bench.wrap("17").await.unwrap();
        assert!(wrapped.starts_with(PREFIX));
        assert_eq!(bench.unwrap("17", &wrapped).await, Ok(vec![5; 32]));
        assert_eq!(bench.unwrap("18", &wrapped).await, Err(Class::CiphertextInvalid));
        bench.context = BTreeMap::from([("ab".to_owned(), "c".to_owned())]);
        assert_eq!(bench.unwrap("17", &wrapped).await, Err(Class::CiphertextInvalid));
    }

    #[tokio::test]
    async fn two_wrappings_of_one_key_differ() {
        let bench = Bench::new(&[1; 32]);
        assert_ne!(bench.wrap("17").await.unwrap(), bench.wrap("17").await.unwrap());
    }

    #[tokio::test]
    async fn a_change_of_any_byte_is_noticed() {
        let bench = Bench::new(&[1; 32]);
        let wrapped = bench.wrap("17").await.unwrap();
        for position in 0..wrapped.len() {
            let mut tampered = wrapped.clone();
            tampered[position] ^= 1;
            assert_eq!(bench.unwrap("17", &tampered).await, Err(Class::CiphertextInvalid), "byte {position}");
            assert_eq!(
                bench.unwrap("17", &wrapped[..position]).await,
                Err(Class::CiphertextInvalid),
                "cut at {position}"
            );
        }
        let another = Bench::new(&[2; 32]);
        assert_eq!(another.unwrap("17", &wrapped).await, Err(Class::CiphertextInvalid));
    }

    #[tokio::test]
    async fn the_key_may_be_raw_hex_or_base64_with_a_newline_after_it() {
        let hex = "0a".repeat(32);
        let base64 = "CgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgo=";
        let wrapped = Bench::new(hex.as_bytes()).wrap("17").await.unwrap();
        let raw = [10; 32];
        for content in [
            raw.to_vec(),
            [&raw[..], b"\n"].concat(),
            hex.to_uppercase().into_bytes(),
            format!("{hex}\n").into_bytes(),
            base64.into(),
            format!("{base64}\r\n").into_bytes(),
        ] {
            assert_eq!(Bench::new(&content).unwrap("17", &wrapped).await, Ok(vec![5; 32]), "{content:?}");
        }
    }

    #[tokio::test]
    async fn a_file_that_holds_no_key_is_described_but_not_quoted() {
        let mut texts = Vec::new();
        for content in ["", "short", &"x".repeat(31), &"x".repeat(64), &"0a".repeat(33), "CgoKCgoKCgo="] {
            let error = Bench::new(content.as_bytes()).wrap("17").await.unwrap_err();
            assert_eq!(error.class, Class::MetadataMalformed);
            texts.push(error.to_string());
        }
        insta::assert_snapshot!(texts.join("\n"), @r"
        the local key file: metadata-malformed: /keys/wrapping.key: expected 32 bytes, raw or as hex or base64 text, and the file has 0 bytes
        the local key file: metadata-malformed: /keys/wrapping.key: expected 32 bytes, raw or as hex or base64 text, and the file has 5 bytes
        the local key file: metadata-malformed: /keys/wrapping.key: expected 32 bytes, raw or as hex or base64 text, and the file has 31 bytes
        the local key file: metadata-malformed: /keys/wrapping.key: expected 32 bytes, raw or as hex or base64 text, and the file has 64 bytes
        the local key file: metadata-malformed: /keys/wrapping.key: expected 32 bytes, raw or as hex or base64 text, and the file has 66 bytes
        the local key file: metadata-malformed: /keys/wrapping.key: expected 32 bytes, raw or as hex or base64 text, and the file has 12 bytes
        ");
    }

    #[tokio::test]
    async fn removing_the_file_takes_effect_at_once() {
        let bench = Bench::new(&[1; 32]);
        let wrapped = bench.wrap("17").await.unwrap();
        assert!(bench.kms.describe(bench.call("17")).await.unwrap().usable);
        bench.world.state().files.clear();
        assert_eq!(bench.unwrap("17", &wrapped).await, Err(Class::FileUnavailable));
        let error = bench.kms.describe(bench.call("17")).await.unwrap_err();
        insta::assert_snapshot!(error.to_string(), @"the local key file: file-unavailable: /keys/wrapping.key: the key file does not exist");
    }
}
