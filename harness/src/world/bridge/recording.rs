//! Writes down what a real client says, and makes a dialogue of it that holds no secret of the client's.
//!
//! Everything that the client made by itself, and what the server made of that, is replaced with bytes of the run's seed:
//! from the moment at which it is handed over, whatever is answered. Where the key under which the server encrypted comes
//! from the seed, too, the ciphertext is made anew, so that it still opens. Of a message in which nobody can say what is a
//! secret, nothing is kept but its head.
//!
//! Invariant: no byte of a client's own key is in a dialogue.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use rand_chacha::rand_core::RngCore as _;

use crate::cast::recorded::dialogue::{Answered, Connection, Dialogue, Exchange, Start, Words, milliseconds};
use crate::cast::{overheard, recorded::replaced};
use crate::trace;
use crate::wire;
use crate::world::{Entropy, snapshot};

/// The shortest secret that is replaced wherever it stands.
const SHORTEST: usize = 8;

/// Tag, type and length of a message.
const HEAD: usize = 8;

/// What was said so far. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Recording(Rc<RefCell<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    starts: Vec<Start>,
    /// What must not stand in a dialogue, and what the server made of it.
    own: Vec<Vec<u8>>,
    /// A data key that was encrypted under the snapshot's key: the data key, the initialisation vector, the ciphertext.
    under_snapshot: Option<(Vec<u8>, Vec<u8>, Vec<u8>)>,
}

impl Recording {
    /// A process is started. What follows belongs to it.
    pub(super) fn start(&self, at: Duration) {
        self.0.borrow_mut().starts.push(Start { at: milliseconds(at), ..Start::default() });
    }

    /// A connection stands. Comes to its number within the start.
    pub(super) fn connected(&self, at: Duration) -> usize {
        let mut kept = self.0.borrow_mut();
        let Some(start) = kept.starts.last_mut() else { return 0 };
        start.connections.push(Connection { at: milliseconds(at), exchanges: Vec::new(), closed: None });
        start.connections.len() - 1
    }

    /// A connection is closed by either side.
    pub(super) fn closed(&self, connection: usize, at: Duration) {
        self.with(connection, |connection| connection.closed = Some(milliseconds(at)));
    }

    /// A request is passed on. What the client hands over in it is hidden, whether it is answered or not.
    pub(super) fn request(&self, connection: usize, at: Duration, bytes: &[u8]) {
        let own = wire::parse(bytes).map(|request| overheard::own(&request));
        let request = match own {
            // Something so short stands by chance in other places, too, and cannot be replaced everywhere.
            Ok(own) if own.iter().all(|secret| secret.len() >= SHORTEST) => {
                own.iter().for_each(|secret| self.hide(secret));
                bytes.to_vec()
            }
            Ok(_) | Err(_) => blank(bytes),
        };
        let exchange = Exchange { at: milliseconds(at), request, answer: None };
        self.with(connection, |connection| connection.exchanges.push(exchange));
    }

    /// Its answer is passed on.
    pub(super) fn answer(&self, connection: usize, at: Duration, bytes: &[u8]) {
        let message = if wire::parse(bytes).is_ok() { bytes.to_vec() } else { blank(bytes) };
        let answer = Answered { at: milliseconds(at), message };
        self.with(connection, |connection| {
            if let Some(exchange) = connection.exchanges.last_mut() {
                exchange.answer = Some(answer);
            }
        });
    }

    /// The client has written a line of its log.
    pub(super) fn said(&self, at: Duration, text: &str) {
        let words = Words { at: milliseconds(at), text: text.to_owned() };
        self.last(|start| start.said.push(words));
    }

    /// The client is ready.
    pub(super) fn ready(&self, at: Duration) {
        self.last(|start| start.ready = Some(milliseconds(at)));
    }

    /// The client has ended by itself.
    pub(super) fn exited(&self, at: Duration, why: &str) {
        let words = Words { at: milliseconds(at), text: why.to_owned() };
        self.last(|start| start.exited = Some(words));
    }

    /// Something that the client made, or that the server made of it, and that is to be replaced.
    pub(super) fn hide(&self, bytes: &[u8]) {
        let own = &mut self.0.borrow_mut().own;
        if !own.iter().any(|known| known == bytes) {
            own.push(bytes.to_vec());
        }
    }

    /// A data key that was encrypted under the snapshot's key before the run.
    pub(super) fn hide_under_snapshot(&self, data_key: &[u8], iv: &[u8], ciphertext: &[u8]) {
        let mut kept = self.0.borrow_mut();
        kept.own.retain(|own| own != data_key && own != ciphertext);
        kept.under_snapshot = Some((data_key.to_vec(), iv.to_vec(), ciphertext.to_vec()));
    }

    /// Forgets what was said, as after a prelude; what is to be hidden stays so.
    pub(super) fn forget(&self) {
        self.0.borrow_mut().starts.clear();
    }

    /// Puts everything into a dialogue.
    pub(super) fn fill(&self, dialogue: &mut Dialogue, entropy: &Entropy) {
        let kept = self.0.borrow();
        dialogue.starts = kept.starts.clone();
        let drawn = |name: String, length: usize| {
            let mut bytes = vec![0; length];
            entropy.stream(&name).fill_bytes(&mut bytes);
            bytes
        };
        let mut pairs = Vec::new();
        if let Some((data_key, iv, ciphertext)) = &kept.under_snapshot {
            let other = drawn("dialogue/of the snapshot".to_owned(), data_key.len());
            let sealed = iv.as_slice().try_into().ok().map(|iv| snapshot::wrap_data_key(entropy, iv, &other));
            // The vector itself stands before the ciphertext, and is no secret.
            let sealed = sealed.and_then(|sealed| Some(sealed.get(iv.len()..)?.to_vec()));
            pairs.extend(sealed.map(|sealed| (ciphertext.clone(), sealed)));
            pairs.push((data_key.clone(), other));
        }
        for (number, own) in kept.own.iter().enumerate() {
            // A data key that is encrypted anew has its place already.
            if !pairs.iter().any(|(known, _)| known == own) {
                let mut other = drawn(format!("dialogue/{number}"), own.len());
                if own.iter().all(u8::is_ascii_graphic) {
                    // Letters stay letters, so that the message can still be read.
                    other = trace::hex(&other).into_bytes();
                    other.truncate(own.len());
                }
                pairs.push((own.clone(), other));
            }
        }
        for message in dialogue.messages() {
            *message = replaced(message, &pairs);
        }
    }

    fn with(&self, connection: usize, change: impl FnOnce(&mut Connection)) {
        self.last(|start| start.connections.get_mut(connection).map(change));
    }

    fn last<T>(&self, change: impl FnOnce(&mut Start) -> T) {
        self.0.borrow_mut().starts.last_mut().map(change);
    }
}

/// The head of a message, and nothing of what is in it.
fn blank(message: &[u8]) -> Vec<u8> {
    message.iter().enumerate().map(|(at, byte)| if at < HEAD { *byte } else { 0 }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Provider;
    use crate::trace::{Peer, Tier};
    use crate::wire::message::{Header, request};
    use crate::wire::names::*;
    use crate::wire::{Item, Value, write};

    const OWN: [u8; 96] = [0x51; 96];
    const DATA_KEY: [u8; 96] = [0x52; 96];

    fn bytes(tag: u32, bytes: &[u8]) -> Item {
        Item::new(tag, Value::Bytes(bytes.to_vec()))
    }

    fn message(items: &[(&str, Item)]) -> Vec<u8> {
        let header = Header { version: (1, 2), maximum_response_size: None, time_stamp: None };
        let items: Vec<_> = items.iter().map(|(name, item)| (operation(name).unwrap(), vec![item.clone()])).collect();
        write(&request(&header, &items))
    }

    /// A Register of key material, whatever its type.
    fn key(material: Value) -> Item {
        let value = Item::structure(KEY_VALUE, vec![Item::new(KEY_MATERIAL, material)]);
        Item::structure(SYMMETRIC_KEY, vec![Item::structure(KEY_BLOCK, vec![value])])
    }

    fn filled(recording: &Recording) -> Vec<Vec<u8>> {
        let peer = Peer { name: "a client".to_owned(), tier: Tier::Persona, proof: Vec::new() };
        let mut dialogue = Dialogue::new("a/b".to_owned(), Provider::Aws, "0x7".to_owned(), 1, peer, Vec::new());
        recording.fill(&mut dialogue, &Entropy::new(7));
        dialogue.messages().map(|message| message.clone()).collect()
    }

    /// What is written of a request that gets no answer.
    fn unanswered(bytes: &[u8]) -> Vec<u8> {
        let recording = Recording::default();
        recording.start(Duration::ZERO);
        recording.request(recording.connected(Duration::ZERO), Duration::ZERO, bytes);
        filled(&recording).remove(0)
    }

    fn holds(message: &[u8], secret: &[u8]) -> bool {
        message.windows(secret.len()).any(|window| window == secret)
    }

    #[test]
    fn what_a_client_made_by_itself_is_nowhere_in_its_dialogue() {
        let (iv, ciphertext) = ([0x53; 16], [0x54; 112]);
        let recording = Recording::default();
        recording.start(Duration::ZERO);
        let before = recording.connected(Duration::ZERO);
        recording.request(before, Duration::ZERO, &message(&[("Encrypt", bytes(DATA, &DATA_KEY))]));
        recording.hide(&ciphertext);
        recording.hide_under_snapshot(&DATA_KEY, &iv, &ciphertext);
        recording.forget();
        recording.start(Duration::ZERO);
        let connection = recording.connected(Duration::from_millis(1));
        let decrypts = ("Decrypt", bytes(DATA, &[&iv[..], &ciphertext].concat()));
        let asked = message(&[("Register", key(Value::Bytes(OWN.to_vec()))), decrypts]);
        recording.request(connection, Duration::from_millis(2), &asked);
        recording.answer(connection, Duration::from_millis(3), &write(&bytes(DATA, &DATA_KEY)));
        // It is encrypted anew in the run.
        recording.request(connection, Duration::from_millis(4), &message(&[("Encrypt", bytes(DATA, &DATA_KEY))]));
        let messages = filled(&recording);
        let [request, answer, again] = &messages[..] else { panic!("{messages:?}") };
        for (secret, of) in [(0x51, request), (0x54, request), (0x52, answer), (0x52, again)] {
            assert!(!holds(of, &[secret; 4]), "bytes {secret:#x} are left");
        }
        assert!(holds(request, &iv) && request.len() == asked.len(), "the rest is as it was");
        // What stands there now opens to what stands there now.
        let sealed = snapshot::wrap_data_key(&Entropy::new(7), iv, &answer[8..]);
        assert!(holds(request, &sealed));
    }

    #[test]
    fn what_a_client_hands_over_is_hidden_though_it_is_refused_or_gets_no_answer() {
        let text = "VGhlIGtleSBvZiBhIGNsaWVudCB0aGF0IGhhcyBub25l";
        let asked = message(&[
            ("Register", key(Value::Text(text.to_owned()))),
            ("Encrypt", bytes(DATA, &DATA_KEY)),
            ("Register", key(Value::Bytes(OWN.to_vec()))),
        ]);
        let written = unanswered(&asked);
        for secret in [text.as_bytes(), &DATA_KEY[..], &OWN] {
            assert!(holds(&asked, secret) && !holds(&written, &secret[..8]), "{secret:02x?}");
        }
        assert!(wire::parse(&written).is_ok(), "it can still be played again");
    }

    #[test]
    fn nothing_but_the_head_is_kept_where_nobody_can_say_what_is_a_secret() {
        let whole = message(&[("Register", key(Value::Bytes(OWN.to_vec())))]);
        // It promises another length within than there is.
        let mut torn = whole.clone();
        torn[15] ^= 1;
        let short = message(&[("Encrypt", bytes(DATA, b"short"))]);
        for asked in [torn, short] {
            let written = unanswered(&asked);
            assert_eq!((written.len(), &written[..8]), (asked.len(), &asked[..8]));
            assert!(written[8..].iter().all(|byte| *byte == 0), "{written:02x?}");
        }
    }
}
