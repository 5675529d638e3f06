//! What real clients have sent, sent again: the answers are those of the server that was captured, byte for byte, where
//! the standard leaves no choice.

use super::*;

const REQUESTS: &str = include_str!("../../../fixtures/kmip/requests.tsv");
const RESPONSES: &str = include_str!("../../../fixtures/kmip/responses.tsv");

/// The bytes as the answers of these tests show them.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What the digits stand for.
pub(super) fn bytes(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn fixture(file: &str, name: &str) -> Vec<u8> {
    let line = file.lines().find(|line| line.split('\t').next() == Some(name)).unwrap();
    bytes(line.rsplit('\t').next().unwrap())
}

/// A captured request.
pub(super) fn captured(name: &str) -> Vec<u8> {
    fixture(REQUESTS, name)
}

/// Where the value of the Time Stamp stands in an answer that begins as all of them do.
const TIME_STAMP: std::ops::Range<usize> = 64..72;

/// Sends a captured request. The answer must be the captured one in all but the time.
async fn assert_replayed(bench: &Bench, request: &str, response: &str) {
    let mut answer = bench.operations.answer(&captured(request)).await.to_vec();
    let mut expected = fixture(RESPONSES, response);
    answer[TIME_STAMP].fill(0);
    expected[TIME_STAMP].fill(0);
    let print = crate::kmip::pretty;
    assert!(answer == expected, "{request}, ours:\n{}captured:\n{}", print(&answer), print(&expected));
}

/// A key for AES that is active, with its metadata.
fn with_key(bench: &Bench, id: &str, material: &[u8], name: &str) {
    let mut object = ManagedObject::new(id.to_owned(), ObjectType::SymmetricKey, NOW - 20);
    object.algorithm = Some(3);
    object.length_bits = Some(u32::try_from(material.len() * 8).unwrap());
    object.usage_mask = 12;
    object.activation_date = Some(NOW - 10);
    object.names = ObjectName::texts([name]);
    bench.store(object, Some(material));
    bench.disk.put(&format!("{id}.aws.metadata"), METADATA);
}

#[tokio::test]
async fn an_older_percona_server_finds_its_key_by_name_and_asks_on_until_a_short_page() {
    let bench = Bench::new();
    let (first, second) = ("01-locate-name-absent.1-locate", "03-locate-name-present.2-locate");
    let [first, second] = [first, second].map(|name| format!("psmdb-legacy-kmippp/{name}"));
    assert_replayed(&bench, &first, &first).await;
    with_key(&bench, "13", b"44 bytes of base64 text, which are no key...", "psmdb-key-1");
    assert_replayed(&bench, &first, "psmdb-legacy-kmippp/03-locate-name-present.1-locate").await;
    assert_replayed(&bench, &second, &second).await;
    let got = Answered::read(&bench.operations.answer(&captured("psmdb-legacy-kmippp/04-get.1-get")).await);
    assert_eq!(got.items[0].value("UniqueIdentifier"), "13");
    assert_eq!(bench.kms.calls(), [format!("unwrap 13 by {CMK}")], "Locate opens nothing, Get one key");
}

/// Random bytes that are what the captured server drew, or none at all.
#[derive(Debug)]
pub(super) struct Draws(pub(super) Option<Vec<u8>>);

impl Crypto for Draws {
    fn provider(&self) -> Arc<CryptoProvider> {
        Env::os().crypto.provider()
    }

    fn new_certificate_key(&self) -> Result<rcgen::KeyPair, rcgen::Error> {
        Env::os().crypto.new_certificate_key()
    }

    fn random(&self, buffer: &mut [u8]) -> io::Result<()> {
        let drawn = self.0.as_ref().ok_or_else(|| io::Error::other("the source has run dry"))?;
        buffer.copy_from_slice(drawn);
        Ok(())
    }
}

#[tokio::test]
async fn a_driver_in_delegated_mode_has_its_data_key_encrypted_and_decrypted_as_captured() {
    let mut bench = Bench::new();
    // The key that the captured server made, as the batch of two in `edge.tsv` was answered with it.
    let key = bytes("06b6102f9571b2fecb2ea58489f55fbf760ad5c66f386641e5d4775d7cfca520");
    with_key(&bench, "4", &key, "");
    bench.operations.env.crypto = Arc::new(Draws(Some(bytes("b640bf3724457054a5bbc01e007d617a"))));
    let encrypt = "pymongocrypt-1.21.2/08-delegated-create_data_key.3-encrypt";
    let decrypt = "pymongocrypt-1.21.2/09-delegated-encrypt.1-decrypt";
    assert_replayed(&bench, encrypt, encrypt).await;
    assert_replayed(&bench, decrypt, decrypt).await;
    assert_eq!(bench.kms.calls(), [format!("unwrap 4 by {CMK}"), format!("unwrap 4 by {CMK}")]);

    let unknown = captured("pymongocrypt-1.21.2/14-delegated-unknown-create_data_key.1-encrypt");
    let answered = Answered::read(&bench.operations.answer(&unknown).await);
    assert_eq!(answered.items[0].refusal(), ResultReason::ITEM_NOT_FOUND);
}

#[tokio::test]
async fn a_driver_in_delegated_mode_goes_all_the_way_with_a_key_that_is_made_here() {
    let bench = Bench::new();
    // Drivers send the bytes of this client's Create.
    let created = bench.operations.answer(&captured("pykmip-client-1.2/01-create-aes256.1-create")).await;
    let id = Answered::read(&created).items[0].value("UniqueIdentifier").to_owned();
    assert_eq!(bench.one(wire::activate(Some(&id))).await.reason, None);
    let request = captured("pymongocrypt-1.21.2/08-delegated-create_data_key.3-encrypt");
    let request = crate::kmip::RequestMessage::decode(&request).unwrap();
    let Ok(Payload::Encrypt(cipher)) = &request.items[0].payload else { panic!("{request:?}") };
    let encrypted = bench.one(ciphers::ask(0x1F, &id, cipher.data.0, None)).await;
    let (data, iv) = (bytes(encrypted.value("Data")), bytes(encrypted.value("IVCounterNonce")));
    assert_eq!((cipher.data.0.len(), data.len()), (96, 112), "a block of padding is added");
    let decrypted = bench.one(ciphers::ask(0x20, &id, &data, Some(&iv))).await;
    assert_eq!(decrypted.value("Data"), hex(cipher.data.0));
}

#[tokio::test]
async fn a_key_is_revoked_and_destroyed_as_captured() {
    let bench = Bench::new();
    with_key(&bench, "1", &[1; 32], "");
    let [destroy, revoke] = ["13-destroy-active-denied.1-destroy", "14-revoke-cessation.1-revoke"]
        .map(|name| format!("pykmip-client-1.2/{name}"));
    // Only the words of the refusal are ours.
    let denied = Answered::read(&bench.operations.answer(&captured(&destroy)).await);
    assert_eq!(denied.items[0].refusal(), ResultReason::PERMISSION_DENIED);
    assert_replayed(&bench, &revoke, &revoke).await;
    assert_replayed(&bench, &destroy, "pykmip-client-1.2/17-destroy-deactivated.1-destroy").await;
    let got = Answered::read(&bench.operations.answer(&captured("pykmip-client-1.2/02-get-preactive.1-get")).await);
    assert_eq!(got.items[0].refusal(), ResultReason::ITEM_NOT_FOUND);
    assert_eq!(bench.kms.calls(), [""; 0]);
}
