//! Encrypt and Decrypt: known answers, the way there and back, and everything that is refused.

use super::replays::{Draws, bytes, hex};
use super::wire::item;
use super::*;
use crate::keys::Event;
use crate::kmip::tag;
use crate::ttlv::Writer;

const ENCRYPT: u32 = 0x1F;
const DECRYPT: u32 = 0x20;

/// The Padding Methods None and PKCS5 (KMIP 1.4 section 9.1.3.2.15).
const NONE: u32 = 1;
const PKCS5: u32 = 3;

/// A request: everything that a test may want otherwise.
#[derive(Clone)]
struct Cipher<'a> {
    id: Option<&'a str>,
    /// Mode and padding; without a mode, no parameters at all.
    mode: Option<u32>,
    padding: Option<u32>,
    algorithm: Option<u32>,
    random_iv: Option<bool>,
    data: &'a [u8],
    iv: Option<&'a [u8]>,
}

impl<'a> Cipher<'a> {
    fn of(data: &'a [u8], iv: &'a [u8]) -> Self {
        let (mode, padding) = (Some(1), Some(PKCS5));
        Cipher { id: Some(KEY), mode, padding, algorithm: None, random_iv: None, data, iv: Some(iv) }
    }

    fn item(&self, operation: u32) -> Item {
        self.with(operation, |_| {}, |_| {})
    }

    fn with(
        &self,
        operation: u32,
        parameters: impl FnOnce(&mut Writer<'_>),
        rest: impl FnOnce(&mut Writer<'_>),
    ) -> Item {
        item(operation, |writer| {
            if let Some(id) = self.id {
                writer.text_string(tag::UNIQUE_IDENTIFIER, id);
            }
            if let Some(mode) = self.mode {
                let open = writer.open(tag::CRYPTOGRAPHIC_PARAMETERS);
                writer.enumeration(tag::BLOCK_CIPHER_MODE, mode);
                if let Some(padding) = self.padding {
                    writer.enumeration(tag::PADDING_METHOD, padding);
                }
                if let Some(algorithm) = self.algorithm {
                    writer.enumeration(tag::CRYPTOGRAPHIC_ALGORITHM, algorithm);
                }
                if let Some(random_iv) = self.random_iv {
                    writer.boolean(tag::RANDOM_IV, random_iv);
                }
                parameters(writer);
                writer.close(open);
            }
            writer.byte_string(tag::DATA, self.data);
            if let Some(iv) = self.iv {
                writer.byte_string(tag::IV_COUNTER_NONCE, iv);
            }
            rest(writer);
        })
    }
}

/// What a driver in delegated mode asks for: a random initialisation vector, unless there is one.
pub(super) fn ask(operation: u32, id: &str, data: &[u8], iv: Option<&[u8]>) -> Item {
    let algorithm = Some(3);
    let random_iv = iv.is_none().then_some(true);
    Cipher { id: Some(id), algorithm, random_iv, iv, ..Cipher::of(data, &[]) }.item(operation)
}

/// Stores a key and its metadata; `change` makes it what the test wants.
fn with_key(bench: &Bench, id: &str, material: &[u8], change: impl FnOnce(&mut ManagedObject)) {
    let mut object = ManagedObject::new(id.to_owned(), ObjectType::SymmetricKey, NOW - 20);
    object.algorithm = Some(3);
    object.length_bits = Some(u32::try_from(material.len() * 8).unwrap());
    object.usage_mask = 12;
    object.apply(Event::Activate, NOW - 10).unwrap();
    change(&mut object);
    bench.store(object, Some(material));
    bench.disk.put(&format!("{id}.aws.metadata"), METADATA);
}

#[tokio::test]
async fn the_known_answers_of_nist_come_out_for_all_three_lengths() {
    // NIST SP 800-38A, F.2.1, F.2.3 and F.2.5: the first two blocks.
    let iv = bytes("000102030405060708090a0b0c0d0e0f");
    let clear = bytes("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51");
    for (key, expected) in [
        ("2b7e151628aed2a6abf7158809cf4f3c", "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"),
        (
            "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b",
            "4f021db243bc633d7178183a9fa071e8b4d9ada9ad7dedf4e5e738763f69145a",
        ),
        (
            "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
            "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d",
        ),
    ] {
        let bench = Bench::new();
        with_key(&bench, "nist", &bytes(key), |_| {});
        let request = Cipher { id: Some("nist"), padding: Some(NONE), ..Cipher::of(&clear, &iv) };
        let answer = bench.one(request.item(ENCRYPT)).await;
        assert_eq!(answer.payload, ["UniqueIdentifier=nist".to_owned(), format!("Data={expected}")]);
        let encrypted = bytes(expected);
        let request = Cipher { data: &encrypted, padding: None, ..request.clone() };
        let answer = bench.one(request.item(DECRYPT)).await;
        assert_eq!(answer.value("Data"), hex(&clear), "no padding is meant where none is said");
        assert_eq!(bench.kms.calls().len(), 2, "each request opens the key once");
    }
}

#[tokio::test]
async fn what_is_encrypted_is_had_again_whatever_its_length() {
    let bench = Bench::new();
    for length in [0, 1, 15, 16, 17, 32, 96, 4096] {
        let clear: Vec<u8> = (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let encrypted = bench.one(ask(ENCRYPT, KEY, &clear, None)).await;
        let (data, iv) = (bytes(encrypted.value("Data")), bytes(encrypted.value("IVCounterNonce")));
        assert_eq!((data.len(), iv.len()), ((length / 16 + 1) * 16, 16), "{length} bytes");
        let decrypted = bench.one(ask(DECRYPT, KEY, &data, Some(&iv))).await;
        assert_eq!(decrypted.value("Data"), hex(&clear), "{length} bytes");
    }
}

#[tokio::test]
async fn a_random_iv_is_drawn_for_each_request_and_told_and_a_given_one_is_neither() {
    let bench = Bench::new();
    let mut drawn = Vec::new();
    for _ in 0..2 {
        let answer = bench.one(ask(ENCRYPT, KEY, b"data", None)).await;
        drawn.push((answer.value("IVCounterNonce").to_owned(), answer.value("Data").to_owned()));
    }
    // The source of the bench counts its draws.
    assert_eq!([&drawn[0].0, &drawn[1].0], [&"01".repeat(16), &"02".repeat(16)]);
    assert_ne!(drawn[0].1, drawn[1].1);

    let given = [1; 16];
    let both = Cipher { random_iv: Some(true), ..Cipher::of(b"data", &given) };
    let answer = bench.one(both.item(ENCRYPT)).await;
    assert_eq!(answer.payload, [format!("UniqueIdentifier={KEY}"), format!("Data={}", drawn[0].1)]);
}

#[tokio::test]
async fn a_state_or_a_mask_that_does_not_allow_it_is_denied() {
    let life: [(&str, &[Event], bool, bool); 5] = [
        ("PreActive", &[], false, false),
        ("Active", &[Event::Activate], true, true),
        ("Deactivated", &[Event::Activate, Event::Deactivate], false, true),
        ("Compromised", &[Event::Activate, Event::Compromise], false, true),
        ("Compromised", &[Event::Compromise], false, true),
    ];
    let iv = [0; 16];
    for (state, events, encrypts, decrypts) in life {
        let bench = Bench::new();
        with_key(&bench, "k", &[5; 32], |object| {
            *object = ManagedObject { activation_date: None, ..object.clone() };
            object.state = crate::keys::State::PreActive;
            events.iter().for_each(|event| object.apply(*event, NOW - 1).unwrap());
        });
        for (operation, word, allowed) in [(ENCRYPT, "encrypt", encrypts), (DECRYPT, "decrypt", decrypts)] {
            let request = Cipher { id: Some("k"), padding: Some(NONE), ..Cipher::of(&[0; 16], &iv) };
            let answer = bench.one(request.item(operation)).await;
            assert_eq!(answer.reason, (!allowed).then_some(ResultReason::PERMISSION_DENIED), "{state}, {word}");
            if !allowed {
                assert_eq!(answer.message, format!("a key in state {state} cannot {word}"));
            }
        }
        assert_eq!(bench.kms.calls().len(), usize::from(encrypts) + usize::from(decrypts), "{state}");
    }
    // Encrypt is 4, Decrypt is 8, Export 64.
    for (mask, encrypts, decrypts) in [(12, true, true), (4, true, false), (8, false, true), (64, false, false)] {
        let bench = Bench::new();
        with_key(&bench, "k", &[5; 32], |object| object.usage_mask = mask);
        for (operation, allowed) in [(ENCRYPT, encrypts), (DECRYPT, decrypts)] {
            let request = Cipher { id: Some("k"), padding: Some(NONE), ..Cipher::of(&[0; 16], &iv) };
            let reason = bench.one(request.item(operation)).await.reason;
            assert_eq!(reason, (!allowed).then_some(ResultReason::PERMISSION_DENIED), "mask {mask}");
        }
    }
}

#[tokio::test]
async fn only_keys_for_aes_serve() {
    let iv = [0; 16];
    let bench = Bench::new();
    with_key(&bench, "secret", &[5; 32], |object| object.object_type = ObjectType::SecretData { kind: 2 });
    with_key(&bench, "3des", &[5; 24], |object| object.algorithm = Some(2));
    with_key(&bench, "legacy", &[5; 44], |_| {});
    let destroyed = |object: &mut ManagedObject| {
        object.apply(Event::Deactivate, NOW).unwrap();
        object.apply(Event::Destroy, NOW).unwrap();
    };
    let mut object = ManagedObject::new("gone".to_owned(), ObjectType::SymmetricKey, NOW - 9);
    object.apply(Event::Activate, NOW - 8).unwrap();
    destroyed(&mut object);
    bench.store(object, None);
    for (id, reason) in [
        ("secret", ResultReason::PERMISSION_DENIED),
        ("3des", ResultReason::PERMISSION_DENIED),
        ("legacy", ResultReason::PERMISSION_DENIED),
        ("gone", ResultReason::ITEM_NOT_FOUND),
        ("nobody", ResultReason::ITEM_NOT_FOUND),
    ] {
        for operation in [ENCRYPT, DECRYPT] {
            let request = Cipher { id: Some(id), ..Cipher::of(&[0; 16], &iv) };
            assert_eq!(bench.one(request.item(operation)).await.refusal(), reason, "{id}");
        }
    }
    assert_eq!(bench.kms.calls(), [""; 0], "what is refused is not opened");

    // A key file that says nothing of the length, or something else than the truth, is found out by opening.
    with_key(&bench, "unsaid", &[5; 44], |object| object.length_bits = None);
    with_key(&bench, "untrue", &[5; 44], |object| object.length_bits = Some(256));
    for id in ["unsaid", "untrue"] {
        let answer = bench.one(ask(ENCRYPT, id, b"data", None)).await;
        assert_eq!(answer.refusal(), ResultReason::PERMISSION_DENIED);
        assert_eq!(answer.message, "the key has 352 bits, and a key of AES has 128, 192 or 256");
    }
    with_key(&bench, "plain", &[5; 32], |object| (object.length_bits, object.algorithm) = (None, None));
    assert_eq!(bench.one(ask(ENCRYPT, "plain", b"data", None)).await.reason, None);
}

#[tokio::test]
async fn the_known_answers_of_nist_for_blocks_alone_come_out_too() {
    // NIST SP 800-38A, F.1.1 and F.1.5: the first two blocks, AES of 128 and of 256 bits.
    let clear = bytes("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51");
    for (key, encrypted) in [
        ("2b7e151628aed2a6abf7158809cf4f3c", "3ad77bb40d7a3660a89ecaf32466ef97f5d3d58503b9699de785895a96fdbaaf"),
        (
            "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
            "f3eed1bdb5d2a03c064b5a7e3db181f8591ccb10d410ed26dc5ba74a31362870",
        ),
    ] {
        let bench = Bench::new();
        with_key(&bench, "nist", &bytes(key), |_| {});
        let ecb = Cipher { id: Some("nist"), mode: Some(2), padding: Some(NONE), iv: None, ..Cipher::of(&clear, &[]) };
        let answer = bench.one(ecb.item(ENCRYPT)).await;
        assert_eq!(answer.payload, ["UniqueIdentifier=nist", &format!("Data={encrypted}")]);
        let back = Cipher { data: &bytes(encrypted), ..ecb.clone() };
        assert_eq!(bench.one(back.item(DECRYPT)).await.value("Data"), hex(&clear));
        for length in [0, 1, 15, 16, 17] {
            let padded = Cipher { data: &clear[..length], padding: Some(PKCS5), ..ecb.clone() };
            let answer = bench.one(padded.item(ENCRYPT)).await;
            let encrypted = bytes(answer.value("Data"));
            assert_eq!(encrypted.len(), length / 16 * 16 + 16);
            let back = Cipher { data: &encrypted, ..padded.clone() };
            assert_eq!(bench.one(back.item(DECRYPT)).await.value("Data"), hex(&clear[..length]));
        }
        let nothing = Cipher { data: &[], padding: Some(PKCS5), ..ecb };
        assert_eq!(bench.one(nothing.item(DECRYPT)).await.refusal(), ResultReason::CRYPTOGRAPHIC_FAILURE);
    }
}

#[tokio::test]
async fn where_the_request_does_not_say_how_the_keys_own_attribute_does() {
    let bench = Bench::new();
    with_key(&bench, "own", &[5; 32], |_| {});
    let parameters = |random: bool| {
        super::attributes::add("own", "Cryptographic Parameters", &move |writer, tag| {
            writer.structure(tag, |writer| {
                writer.enumeration(tag::BLOCK_CIPHER_MODE, 1);
                writer.enumeration(tag::PADDING_METHOD, 3);
                writer.boolean(tag::RANDOM_IV, random);
            });
        })
    };
    let bare = |operation, data: &'static [u8]| {
        item(operation, |writer| {
            writer.text_string(tag::UNIQUE_IDENTIFIER, "own");
            writer.byte_string(tag::DATA, data);
        })
    };
    assert_eq!(bench.one(bare(ENCRYPT, b"data")).await.refusal(), ResultReason::INVALID_FIELD, "nobody says how");
    assert_eq!(bench.one(parameters(true)).await.reason, None);
    assert_eq!(bench.one(parameters(false)).await.reason, None);
    let encrypted = bench.one(bare(ENCRYPT, b"data")).await;
    assert_eq!((encrypted.value("Data").len(), encrypted.value("IVCounterNonce").len()), (32, 32));
    assert_eq!(bench.one(bare(DECRYPT, &[0; 16])).await.refusal(), ResultReason::INVALID_MESSAGE, "the IV is missing");
    // The first of several counts.
    let first = super::attributes::delete("own", "Cryptographic Parameters", Some(0));
    assert_eq!(bench.one(first).await.reason, None);
    assert_eq!(bench.one(bare(ENCRYPT, b"data")).await.refusal(), ResultReason::INVALID_MESSAGE, "no IV is drawn");
}

#[tokio::test]
async fn the_dates_of_a_key_say_when_it_encrypts_and_when_it_decrypts() {
    let bench = Bench::new();
    let iv = [0; 16];
    for (id, start, stop, encrypts, decrypts) in [
        ("begun", NOW, NOW + 1, true, true),
        ("waits", NOW + 1, NOW + 2, true, false),
        ("stopped", NOW - 1, NOW, false, true),
        ("neither", NOW + 1, NOW, false, false),
    ] {
        with_key(&bench, id, &[5; 32], |object| {
            (object.process_start_date, object.protect_stop_date) = (Some(start), Some(stop));
        });
        for (operation, allowed) in [(ENCRYPT, encrypts), (DECRYPT, decrypts)] {
            let request = Cipher { id: Some(id), padding: Some(NONE), ..Cipher::of(&[0; 16], &iv) };
            let reason = bench.one(request.item(operation)).await.reason;
            assert_eq!(reason, (!allowed).then_some(ResultReason::PERMISSION_DENIED), "{id} {operation}");
        }
    }
}

/// Writes more fields.
type Fill<'f> = &'f dyn Fn(&mut Writer<'_>);

#[tokio::test]
async fn other_ciphers_modes_and_paddings_are_refused_by_name_before_the_key_is_opened() {
    use ResultReason as R;

    let iv = [0; 16];
    let usual = Cipher::of(&[0; 16], &iv);
    let bench = Bench::new();
    let nothing: Fill<'_> = &|_| {};
    let correlation: Fill<'_> = &|writer| writer.byte_string(tag::CORRELATION_VALUE, &[1]);
    let init: Fill<'_> = &|writer| writer.boolean(tag::INIT_INDICATOR, true);
    let additional: Fill<'_> = &|writer| writer.byte_string(tag::AUTHENTICATED_ENCRYPTION_ADDITIONAL_DATA, &[1]);
    let tag_length: Fill<'_> = &|writer| writer.integer(tag::TAG_LENGTH, 16);
    let cases = [
        (Cipher { mode: None, ..usual.clone() }, nothing, nothing, R::INVALID_FIELD, "must say the Block Cipher Mode"),
        (Cipher { mode: Some(2), ..usual.clone() }, nothing, nothing, R::INVALID_FIELD, "ECB has no IV"),
        (Cipher { mode: Some(6), ..usual.clone() }, nothing, nothing, R::FEATURE_NOT_SUPPORTED, "CTR is not supported"),
        (Cipher { mode: Some(9), ..usual.clone() }, nothing, nothing, R::FEATURE_NOT_SUPPORTED, "GCM is not supported"),
        (Cipher { mode: Some(99), ..usual.clone() }, nothing, nothing, R::FEATURE_NOT_SUPPORTED, "0x00000063"),
        (Cipher { padding: Some(5), ..usual.clone() }, nothing, nothing, R::FEATURE_NOT_SUPPORTED, "Zeros is not"),
        (Cipher { algorithm: Some(2), ..usual.clone() }, nothing, nothing, R::INVALID_FIELD, "is 3DES"),
        (Cipher { iv: Some(&[0; 12]), ..usual.clone() }, nothing, nothing, R::INVALID_FIELD, "and has 12"),
        (Cipher { iv: Some(&[0; 17]), ..usual.clone() }, nothing, nothing, R::INVALID_FIELD, "and has 17"),
        (Cipher { iv: None, ..usual.clone() }, nothing, nothing, R::INVALID_MESSAGE, "is missing"),
        (
            Cipher { iv: None, random_iv: Some(false), ..usual.clone() },
            nothing,
            nothing,
            R::INVALID_MESSAGE,
            "is missing",
        ),
        (
            Cipher { data: &[0; 17], padding: Some(NONE), ..usual.clone() },
            nothing,
            nothing,
            R::INVALID_FIELD,
            "have 17 bytes",
        ),
        (usual.clone(), tag_length, nothing, R::INVALID_FIELD, "hold TagLength"),
        (usual.clone(), nothing, correlation, R::FEATURE_NOT_SUPPORTED, "send them at once"),
        (usual.clone(), nothing, init, R::FEATURE_NOT_SUPPORTED, "send them at once"),
        (usual.clone(), nothing, additional, R::INVALID_FIELD, "authenticates nothing"),
    ];
    for (index, (request, parameters, rest, reason, says)) in cases.iter().enumerate() {
        for operation in [ENCRYPT, DECRYPT] {
            let answer = bench.one(request.with(operation, parameters, rest)).await;
            assert_eq!(answer.refusal(), *reason, "number {index}: {}", answer.message);
            assert!(answer.message.contains(says), "number {index}: {}", answer.message);
        }
    }
    assert_eq!(bench.kms.calls(), [""; 0]);
    assert!(bench.told.0.lock().unwrap().is_empty(), "a client's slip is no trouble of the operator's");
}

#[tokio::test]
async fn encrypted_data_of_another_key_or_iv_or_cut_short_are_a_cryptographic_failure_or_an_invalid_field() {
    let bench = Bench::new();
    let iv = [3; 16];
    let encrypted = bench.one(Cipher::of(b"sixteen bytes...", &iv).item(ENCRYPT)).await;
    let data = bytes(encrypted.value("Data"));
    with_key(&bench, "other", &[8; 32], |_| {});
    let decrypt = |id, data: &[u8]| Cipher { id: Some(id), ..Cipher::of(data, &iv) }.item(DECRYPT);
    let failed = [decrypt("other", &data), decrypt(KEY, &data[..16]), decrypt(KEY, &[])];
    for (index, item) in failed.into_iter().enumerate() {
        let answer = bench.one(item).await;
        assert_eq!(answer.refusal(), ResultReason::CRYPTOGRAPHIC_FAILURE, "number {index}");
        assert!(answer.message.contains("do not end in a padding"), "{}", answer.message);
    }
    assert_eq!(bench.one(decrypt(KEY, &data[..31])).await.refusal(), ResultReason::INVALID_FIELD);
    let clear = bench.one(Cipher { id: Some(KEY), padding: Some(NONE), ..Cipher::of(&data, &iv) }.item(DECRYPT)).await;
    let padded = format!("{}{}", hex(b"sixteen bytes..."), "10".repeat(16));
    assert_eq!(clear.value("Data"), padded, "a whole block is added where none is open");
}

#[tokio::test]
async fn a_provider_that_does_not_open_the_key_is_told_of_as_for_a_get() {
    for operation in [ENCRYPT, DECRYPT] {
        let bench = Bench::new();
        bench.kms.fails_with(Class::AccessDenied);
        let answer = bench.one(ask(operation, KEY, &[0; 16], Some(&[0; 16]))).await;
        assert_eq!(answer.refusal(), ResultReason::PERMISSION_DENIED);
        assert!(answer.message.contains(KEY), "{}", answer.message);
        assert_eq!(bench.told.classes(), [Class::AccessDenied]);
    }
    let mut bench = Bench::new();
    bench.operations.env.crypto = Arc::new(Draws(None));
    let answer = bench.one(ask(ENCRYPT, KEY, b"data", None)).await;
    assert_eq!(answer.refusal(), ResultReason::GENERAL_FAILURE);
    assert_eq!((bench.told.classes(), bench.kms.calls()), (vec![Class::FileUnavailable], vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_is_silent_makes_a_failure_that_names_the_key() {
    let bench = Bench::new();
    *bench.kms.silent.lock().unwrap() = true;
    for operation in [ENCRYPT, DECRYPT] {
        let answer = bench.one(ask(operation, KEY, &[0; 16], Some(&[0; 16]))).await;
        assert_eq!(answer.refusal(), ResultReason::GENERAL_FAILURE);
        assert!(answer.message.contains(KEY), "{}", answer.message);
    }
    let told: Vec<_> = bench.told.0.lock().unwrap().iter().filter_map(|notice| notice.key.clone()).collect();
    assert_eq!(told, [KEY, KEY]);
}

#[tokio::test]
async fn encrypt_and_decrypt_came_with_1_2_and_may_mean_the_key_of_the_batch() {
    let bench = Bench::new();
    for operation in [ENCRYPT, DECRYPT] {
        for minor in 0..=4 {
            let item = ask(operation, KEY, &[0; 16], Some(&[0; 16]));
            let answered = bench.ask(Ask { version: (1, minor), ..Ask::of(item) }).await;
            let refused = answered.items[0].reason == Some(ResultReason::OPERATION_NOT_SUPPORTED);
            assert_eq!((answered.version, refused), ((1, minor), minor < 2));
        }
    }
    let without_id = Cipher { id: None, ..Cipher::of(b"data", &[0; 16]) };
    let batch = Ask::batch([wire::create_aes(), wire::activate(None), without_id.item(ENCRYPT)]);
    let answered = bench.ask(batch).await;
    let id = answered.items[0].value("UniqueIdentifier");
    assert_eq!(answered.items[2].value("UniqueIdentifier"), id);
    assert_eq!(bench.one(without_id.item(ENCRYPT)).await.refusal(), ResultReason::ITEM_NOT_FOUND);
}
