//! What Encrypt and Decrypt share: AES in the modes CBC and ECB, with the padding PKCS5 or with none.
//!
//! Drivers in delegated mode have their data keys encrypted in CBC. ECB hides no patterns, and is there for the clients of
//! the standard's profile that ask for it by name. How is said by the request, or by the attribute Cryptographic
//! Parameters of the key. What is asked for is refused before the key is opened, so
//! that a request that cannot be served costs no call of the provider.
//!
//! Invariant: the opened key, its schedule and the clear data are wiped; only the answer outlives the request.

use aes::{Aes128, Aes192, Aes256};
use cbc::cipher::array::Array;
use cbc::cipher::block_padding::{NoPadding, Padding as _, Pkcs7};
use cbc::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, BlockModeDecrypt, BlockModeEncrypt, KeyInit, KeyIvInit};
use cbc::{Decryptor, Encryptor};
use zeroize::Zeroizing;

use crate::keys::{ObjectType, Secret, State, WrappedKey};
use crate::kmip::enums::{BlockCipherMode, CryptographicAlgorithm, PaddingMethod, ResultReason};
use crate::kmip::payload::{CipherRequest, CryptographicParameters};
use crate::kmip::{RawValue, attribute_name, tag};

use super::{Failed, Operations, destroyed, get};

/// The length of a block of AES, and so of an initialisation vector, in bytes (FIPS 197).
pub(super) const BLOCK: usize = 16;

/// An initialisation vector.
pub(super) type Iv = [u8; BLOCK];

/// What a key is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Encrypt,
    Decrypt,
}

impl Purpose {
    fn word(self) -> &'static str {
        match self {
            Purpose::Encrypt => "encrypt",
            Purpose::Decrypt => "decrypt",
        }
    }

    /// The bit in the Cryptographic Usage Mask (KMIP 1.4 section 9.1.3.3.1).
    fn bit(self) -> u32 {
        match self {
            Purpose::Encrypt => 4,
            Purpose::Decrypt => 8,
        }
    }

    /// KMIP 1.4 section 3.22: a key that was revoked protects nothing new, but opens what it protected before.
    fn allowed_in(self, state: State) -> bool {
        match self {
            Purpose::Encrypt => state == State::Active,
            Purpose::Decrypt => matches!(state, State::Active | State::Deactivated | State::Compromised),
        }
    }
}

/// How the blocks depend on each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Cbc,
    /// Not at all.
    Ecb,
}

/// How the last block is filled up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Padding {
    Pkcs5,
    None,
}

/// The key for a purpose, not opened yet, or why it does not serve.
pub(super) fn key(operations: &Operations, id: &str, purpose: Purpose) -> Result<WrappedKey, Failed> {
    let key = operations.find(id)?;
    let object = &key.object;
    if object.state.is_destroyed() {
        return Err(destroyed(id));
    }
    let denied = |why: String| Err(Failed::new(ResultReason::PERMISSION_DENIED, why));
    let word = purpose.word();
    let aes = object.algorithm.is_none_or(|algorithm| algorithm == CryptographicAlgorithm::AES.0);
    if object.object_type != ObjectType::SymmetricKey || !aes {
        return denied(format!("only a symmetric key for AES can {word} here"));
    }
    if !purpose.allowed_in(object.state) {
        return denied(format!("a key in state {} cannot {word}", object.state));
    }
    let now = operations.now();
    // KMIP 1.4 sections 3.25 and 3.26.
    if purpose == Purpose::Decrypt && object.process_start_date.is_some_and(|date| date > now) {
        return denied("the key's Process Start Date has not come: it cannot decrypt yet".to_owned());
    }
    if purpose == Purpose::Encrypt && object.protect_stop_date.is_some_and(|date| date <= now) {
        return denied("the key's Protect Stop Date has come: it cannot encrypt any more".to_owned());
    }
    if object.usage_mask & purpose.bit() == 0 {
        return denied(format!("the key's Cryptographic Usage Mask does not allow it to {word}"));
    }
    match object.length_bits {
        Some(bits) if !matches!(bits, 128 | 192 | 256) => denied(no_aes_key(bits as usize)),
        _ => Ok(key),
    }
}

fn no_aes_key(bits: usize) -> String {
    format!("the key has {bits} bits, and a key of AES has 128, 192 or 256")
}

/// How data are encrypted or decrypted.
#[derive(Clone, Copy, Debug)]
pub(super) struct How {
    pub(super) mode: Mode,
    pub(super) padding: Padding,
    /// The initialisation vector that the client gives.
    pub(super) iv: Option<Iv>,
    /// Whether the server shall draw one.
    pub(super) random_iv: bool,
}

/// How it shall be done, where that is possible here.
pub(super) fn read(payload: &CipherRequest<'_>, key: &WrappedKey) -> Result<How, Failed> {
    if payload.in_parts {
        let why = "data in several parts are not supported; send them at once";
        return Err(Failed::new(ResultReason::FEATURE_NOT_SUPPORTED, why));
    }
    let unsupported = |why: String| Failed::new(ResultReason::FEATURE_NOT_SUPPORTED, why);
    let parameters = payload.parameters.or_else(|| of_key(key)).unwrap_or_default();
    let mode = match parameters.block_cipher_mode {
        Some(BlockCipherMode::CBC) => Mode::Cbc,
        Some(BlockCipherMode::ECB) => Mode::Ecb,
        Some(mode) => return Err(unsupported(format!("the Block Cipher Mode {mode} is not supported; use CBC"))),
        None => return Err(invalid("the Cryptographic Parameters must say the Block Cipher Mode CBC")),
    };
    if payload.authenticated {
        return Err(invalid("this Block Cipher Mode authenticates nothing: it takes no additional data and no tag"));
    }
    let padding = match parameters.padding_method {
        Some(PaddingMethod::PKCS5) => Padding::Pkcs5,
        Some(PaddingMethod::NONE) | None => Padding::None,
        Some(method) => {
            return Err(unsupported(format!("the Padding Method {method} is not supported; use PKCS5 or None")));
        }
    };
    refuse_others(&parameters)?;
    let iv = payload.iv_counter_nonce.map(|iv| {
        let wrong = |_| invalid(format!("the IV/Counter/Nonce must have {BLOCK} bytes, and has {}", iv.len()));
        Iv::try_from(iv).map_err(wrong)
    });
    if mode == Mode::Ecb && iv.is_some() {
        return Err(invalid("the Block Cipher Mode ECB has no IV/Counter/Nonce"));
    }
    Ok(How { mode, padding, iv: iv.transpose()?, random_iv: parameters.random_iv.unwrap_or(false) })
}

/// What the key's own attribute says: the first, where it has several.
fn of_key(key: &WrappedKey) -> Option<CryptographicParameters> {
    let own = key.object.attributes.iter().filter(|own| own.name == attribute_name::CRYPTOGRAPHIC_PARAMETERS);
    let value = RawValue::from_encoded(&own.min_by_key(|own| own.index)?.value).ok()?;
    CryptographicParameters::of_attribute(&value).ok()
}

fn refuse_others(parameters: &CryptographicParameters) -> Result<(), Failed> {
    if let Some(algorithm) = parameters.cryptographic_algorithm.filter(|one| *one != CryptographicAlgorithm::AES) {
        return Err(invalid(format!("the Cryptographic Algorithm is {algorithm}, and the key's is AES")));
    }
    match parameters.other {
        Some(other) => {
            let name = tag::entry(other).map_or("other fields", |entry| entry.name);
            Err(invalid(format!("the Cryptographic Parameters hold {name}, which AES in this mode does not have")))
        }
        None => Ok(()),
    }
}

/// KMIP has no reason for a field that the parameters make necessary; the standard's cases (CS-BC-M-11 to 13) expect
/// this one.
pub(super) fn missing_iv() -> Failed {
    Failed::new(ResultReason::INVALID_MESSAGE, "the IV/Counter/Nonce is missing, which the Block Cipher Mode CBC needs")
}

fn invalid(why: impl Into<std::borrow::Cow<'static, str>>) -> Failed {
    Failed::new(ResultReason::INVALID_FIELD, why)
}

/// Refuses data that do not fill their last block, where no padding does that.
pub(super) fn whole_blocks(data: &[u8]) -> Result<(), Failed> {
    if data.len().is_multiple_of(BLOCK) {
        return Ok(());
    }
    Err(invalid(format!("the Data must have whole blocks of {BLOCK} bytes, and have {} bytes", data.len())))
}

/// Opens the key, which must be one of AES: what its file says of its length may be wrong.
pub(super) async fn open(operations: &Operations, key: &WrappedKey) -> Result<Secret, Failed> {
    let opened = get::open(operations, key).await?;
    match opened.expose().len() {
        16 | 24 | 32 => Ok(opened),
        bytes => Err(Failed::new(ResultReason::PERMISSION_DENIED, no_aes_key(bytes * 8))),
    }
}

/// Encrypts data, which must have whole blocks where there is no padding; none if they have not. Without a vector the
/// blocks are encrypted one by one.
pub(super) fn encrypt(key: &Secret, iv: Option<&Iv>, padding: Padding, data: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    fn alone<C: KeyInit + BlockCipherEncrypt>(key: &[u8], blocks: &mut [u8]) -> Option<()> {
        let cipher = C::new_from_slice(key).ok()?;
        blocks.chunks_mut(BLOCK).try_for_each(|block| {
            cipher.encrypt_block(block.try_into().ok()?);
            Some(())
        })
    }
    fn with<E: KeyIvInit + BlockModeEncrypt>(key: &[u8], iv: &Iv, blocks: &mut [u8]) -> Option<()> {
        let length = blocks.len();
        E::new_from_slices(key, iv).ok()?.encrypt_padded::<NoPadding>(blocks, length).ok().map(drop)
    }
    // With room for the padding from the start, so that no outgrown copy of the clear data stays behind.
    let mut buffer = Zeroizing::new(Vec::with_capacity(data.len() + BLOCK));
    buffer.extend_from_slice(data);
    if padding == Padding::Pkcs5 {
        // RFC 8018 section 6.1.1: as many bytes as are missing, a whole block where none is; each is their number.
        let missing = BLOCK - data.len() % BLOCK;
        buffer.resize(data.len() + missing, u8::try_from(missing).expect("a block has 16 bytes"));
    }
    match (key.expose(), iv) {
        (key, Some(iv)) if key.len() == 16 => with::<Encryptor<Aes128>>(key, iv, &mut buffer),
        (key, Some(iv)) if key.len() == 24 => with::<Encryptor<Aes192>>(key, iv, &mut buffer),
        (key, Some(iv)) => with::<Encryptor<Aes256>>(key, iv, &mut buffer),
        (key, None) if key.len() == 16 => alone::<Aes128>(key, &mut buffer),
        (key, None) if key.len() == 24 => alone::<Aes192>(key, &mut buffer),
        (key, None) => alone::<Aes256>(key, &mut buffer),
    }?;
    Some(buffer)
}

/// Decrypts data, and takes the padding off; none if they have no whole blocks, or a wrong padding.
pub(super) fn decrypt(key: &Secret, iv: Option<&Iv>, padding: Padding, data: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    fn alone<C: KeyInit + BlockCipherDecrypt>(key: &[u8], padding: Padding, blocks: &mut [u8]) -> Option<usize> {
        let cipher = C::new_from_slice(key).ok()?;
        for block in blocks.chunks_mut(BLOCK) {
            cipher.decrypt_block(block.try_into().ok()?);
        }
        match padding {
            Padding::Pkcs5 => {
                let last: &Array<u8, C::BlockSize> = blocks.last_chunk::<BLOCK>()?.as_slice().try_into().ok()?;
                Some(blocks.len() - BLOCK + Pkcs7::unpad(last).ok()?.len())
            }
            Padding::None => Some(blocks.len()),
        }
    }
    fn with<D: KeyIvInit + BlockModeDecrypt>(
        key: &[u8],
        iv: &Iv,
        padding: Padding,
        blocks: &mut [u8],
    ) -> Option<usize> {
        let cipher = D::new_from_slices(key, iv).ok()?;
        let clear = match padding {
            Padding::Pkcs5 => cipher.decrypt_padded::<Pkcs7>(blocks),
            Padding::None => cipher.decrypt_padded::<NoPadding>(blocks),
        };
        clear.ok().map(<[u8]>::len)
    }
    let mut buffer = Zeroizing::new(data.to_vec());
    let length = match (key.expose(), iv) {
        (key, Some(iv)) if key.len() == 16 => with::<Decryptor<Aes128>>(key, iv, padding, &mut buffer),
        (key, Some(iv)) if key.len() == 24 => with::<Decryptor<Aes192>>(key, iv, padding, &mut buffer),
        (key, Some(iv)) => with::<Decryptor<Aes256>>(key, iv, padding, &mut buffer),
        (key, None) if key.len() == 16 => alone::<Aes128>(key, padding, &mut buffer),
        (key, None) if key.len() == 24 => alone::<Aes192>(key, padding, &mut buffer),
        (key, None) => alone::<Aes256>(key, padding, &mut buffer),
    }?;
    buffer.truncate(length);
    Some(buffer)
}
