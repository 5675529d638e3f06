//! Messages out of bytes that come in pieces of any size.
//!
//! A message is an item of TTLV: three bytes of tag, one of type, four of length, and the value (KMIP 1.4, clause 9.1).
//!
//! Invariant: memory grows with the bytes that have come, never with a length that they claim.

/// The longest message that is kept together.
pub(super) const LONGEST: usize = 1 << 20;

/// Tag, type and length.
const HEADER: usize = 8;

/// The type of a structure.
const STRUCTURE: u8 = 0x01;

/// Puts one direction's bytes together.
#[derive(Debug, Default)]
pub(super) struct Framer {
    buffer: Vec<u8>,
    given_up: bool,
}

/// What has come.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// A whole message.
    Message(Vec<u8>),
    /// Bytes that are none; nothing is put together after them. The reason.
    Unframed(String),
}

impl Framer {
    /// Takes the bytes that have come, and gives what is whole.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Vec<Piece> {
        let mut pieces = Vec::new();
        if self.given_up {
            return pieces;
        }
        self.buffer.extend_from_slice(bytes);
        loop {
            match next(&self.buffer) {
                Ok(Some(length)) if length <= self.buffer.len() => {
                    let rest = self.buffer.split_off(length);
                    pieces.push(Piece::Message(std::mem::replace(&mut self.buffer, rest)));
                }
                Ok(_) => return pieces,
                Err(why) => {
                    self.given_up = true;
                    self.buffer = Vec::new();
                    pieces.push(Piece::Unframed(why));
                    return pieces;
                }
            }
        }
    }

    /// The bytes of a message that is not whole.
    pub(super) fn left(&self) -> usize {
        self.buffer.len()
    }
}

/// The length of the first message, once it is known.
fn next(buffer: &[u8]) -> Result<Option<usize>, String> {
    // What a message begins with is no secret, but what is none may be anything.
    if let Some(first) = buffer.first().filter(|first| !matches!(first, 0x42 | 0x54)) {
        return Err(format!("no KMIP: no tag starts with 0x{first:02X}"));
    }
    if let Some(kind) = buffer.get(3).filter(|kind| **kind != STRUCTURE) {
        return Err(format!("no KMIP: a message is a structure, and this is of type 0x{kind:02X}"));
    }
    let Some(length) = buffer.get(4..HEADER).and_then(|bytes| bytes.first_chunk::<4>()) else { return Ok(None) };
    match (u32::from_be_bytes(*length) as usize).checked_add(HEADER) {
        Some(length) if length <= LONGEST => Ok(Some(length)),
        _ => Err(format!(
            "a message that claims {} bytes; more than {LONGEST} are not kept",
            u64::from(u32::from_be_bytes(*length)) + HEADER as u64
        )),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(length: usize) -> Vec<u8> {
        let mut bytes = vec![0x42, 0x00, 0x78, 0x01];
        bytes.extend(u32::try_from(length).unwrap().to_be_bytes());
        bytes.extend((0..length).map(|index| u8::try_from(index % 251).unwrap()));
        bytes
    }

    proptest! {
        #[test]
        fn messages_come_out_as_they_went_in_however_they_are_cut(
            lengths in prop::collection::vec(0_usize..300, 0..8),
            cuts in prop::collection::vec(1_usize..90, 1..20),
        ) {
            let messages: Vec<_> = lengths.into_iter().map(message).collect();
            let (all, mut framer, mut at, mut found) = (messages.concat(), Framer::default(), 0, Vec::new());
            for cut in cuts.iter().cycle() {
                if at == all.len() {
                    break;
                }
                let end = (at + cut).min(all.len());
                found.extend(framer.take(&all[at..end]));
                at = end;
            }
            prop_assert_eq!(found, messages.into_iter().map(Piece::Message).collect::<Vec<_>>());
            prop_assert_eq!(framer.left(), 0);
        }

        #[test]
        fn no_bytes_make_it_keep_more_than_has_come(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let mut framer = Framer::default();
            framer.take(&bytes);
            prop_assert!(framer.left() <= bytes.len());
        }
    }

    #[test]
    fn what_is_no_message_is_told_once_and_with_its_reason_at_the_first_byte_that_shows_it() {
        let told = |bytes: &[u8]| match Framer::default().take(bytes).pop() {
            Some(Piece::Unframed(why)) => why,
            other => panic!("{other:?}"),
        };
        assert_eq!(told(b"G"), "no KMIP: no tag starts with 0x47");
        assert_eq!(told(&[0x42, 0, 0x78, 2]), "no KMIP: a message is a structure, and this is of type 0x02");
        let long = [0x42, 0, 0x78, 1, 0, 0x0F, 0xFF, 0xF9];
        assert_eq!(told(&long), "a message that claims 1048577 bytes; more than 1048576 are not kept");
        let whole = [0x42, 0, 0x78, 1, 0, 0x0F, 0xFF, 0xF8];
        assert_eq!(Framer::default().take(&whole), [], "a message of a MiB is waited for");
        let most = [0x42, 0, 0x78, 1, 0xFF, 0xFF, 0xFF, 0xFF];
        assert_eq!(told(&most), "a message that claims 4294967303 bytes; more than 1048576 are not kept");
        let mut framer = Framer::default();
        assert_eq!(framer.take(&[&message(8)[..], b"GET /"].concat()).len(), 2, "the message before counts");
        assert_eq!((framer.take(&message(8)), framer.left()), (vec![], 0), "and none after it");
    }
}
