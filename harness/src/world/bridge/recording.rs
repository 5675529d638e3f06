//! Writes down what a real client says, and makes a dialogue of it that holds no secret of the client's.
//!
//! Everything that the client made by itself, and what the server made of that, is replaced with bytes of the run's seed.
//! Where the key under which the server encrypted comes from the seed, too, the ciphertext is made anew, so that it
//! still opens.
//!
//! Invariant: no byte of a client's own key is in a dialogue.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use rand_chacha::rand_core::RngCore as _;

use crate::cast::recorded::dialogue::{Answered, Connection, Dialogue, Exchange, Start, Words, milliseconds};
use crate::cast::recorded::replaced;
use crate::world::{Entropy, snapshot};

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

    /// A request is passed on.
    pub(super) fn request(&self, connection: usize, at: Duration, bytes: &[u8]) {
        let exchange = Exchange { at: milliseconds(at), request: bytes.to_vec(), answer: None };
        self.with(connection, |connection| connection.exchanges.push(exchange));
    }

    /// Its answer is passed on.
    pub(super) fn answer(&self, connection: usize, at: Duration, bytes: &[u8]) {
        let answer = Answered { at: milliseconds(at), message: bytes.to_vec() };
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
        self.0.borrow_mut().own.push(bytes.to_vec());
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
                pairs.push((own.clone(), drawn(format!("dialogue/{number}"), own.len())));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Provider;
    use crate::trace::{Peer, Tier};

    #[test]
    fn what_a_client_made_by_itself_is_nowhere_in_its_dialogue() {
        let (recording, entropy) = (Recording::default(), Entropy::new(7));
        let (own, data_key) = ([0x51; 96], [0x52; 96]);
        let (iv, ciphertext) = ([0x53; 16], [0x54; 112]);
        recording.hide(&own);
        recording.hide(&data_key);
        recording.hide_under_snapshot(&data_key, &iv, &ciphertext);
        // It is encrypted anew in the run.
        recording.hide(&data_key);
        recording.start(Duration::ZERO);
        let connection = recording.connected(Duration::from_millis(1));
        recording.request(connection, Duration::from_millis(2), &[&b"Register"[..], &own, &iv, &ciphertext].concat());
        recording.answer(connection, Duration::from_millis(3), &[&b"Decrypt"[..], &data_key].concat());
        let peer = Peer { name: "a client".to_owned(), tier: Tier::Persona, proof: Vec::new() };
        let mut dialogue = Dialogue::new("a/b".to_owned(), Provider::Aws, "0x7".to_owned(), 1, peer, Vec::new());
        recording.fill(&mut dialogue, &entropy);
        let messages: Vec<Vec<u8>> = dialogue.messages().map(|message| message.clone()).collect();
        let [request, answer] = &messages[..] else { panic!("{messages:?}") };
        for (secret, of) in [(0x51, request), (0x54, request), (0x52, answer)] {
            assert!(!of.windows(4).any(|bytes| bytes == [secret; 4]), "bytes {secret:#x} are left");
        }
        assert!(request.starts_with(b"Register") && request[8 + 96..].starts_with(&iv), "the rest is as it was");
        // What stands there now opens to what stands there now.
        let sealed = snapshot::wrap_data_key(&entropy, iv, &answer[7..]);
        assert_eq!(request[8 + 96..], sealed);
    }
}
