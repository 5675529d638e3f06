//! MongoDB's wire protocol, as far as a driver needs it to ask who somebody is.
//!
//! `OP_MSG` with one document (kind 0), and `OP_QUERY` on a `$cmd` collection, with which drivers begin. In order: a
//! message's length is read and checked, then the message as a whole, then its answer is written.
//!
//! Invariant: what cannot be read ends the connection; no length off the wire is allocated beyond a small bound.

use std::io;

use mongodb::bson::Document;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// The longest message that is read: nobody has much to say to a persona.
const LONGEST: u32 = 1024 * 1024;

/// Length, number, number of what is answered, and kind of message: four little-endian numbers of 32 bits.
const HEADER: usize = 16;

const OP_REPLY: u32 = 1;
const OP_QUERY: u32 = 2004;
const OP_MSG: u32 = 2013;

/// The message ends with a checksum.
const CHECKSUM_PRESENT: u32 = 1;
/// Nobody waits for the answer.
const MORE_TO_COME: u32 = 2;

/// A command that was asked.
#[derive(Debug, PartialEq)]
pub(super) struct Command {
    pub(super) document: Document,
    number: u32,
    kind: u32,
    silent: bool,
}

/// Reads a message; `None` where the connection has ended between two.
pub(super) async fn read(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> io::Result<Option<Command>> {
    let mut length = [0; 4];
    match stream.read_exact(&mut length).await {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        outcome => outcome?,
    };
    let whole = u32::from_le_bytes(length);
    if !(HEADER as u32..=LONGEST).contains(&whole) {
        return Err(strange());
    }
    let mut rest = Vec::new();
    let wanted = u64::from(whole) - 4;
    stream.take(wanted).read_to_end(&mut rest).await?;
    if rest.len() as u64 != wanted {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    parse(&rest).map(Some).ok_or_else(strange)
}

/// Writes the answer to a command.
pub(super) async fn answer(
    stream: &mut (impl tokio::io::AsyncWrite + Unpin),
    command: &Command,
    answer: &Document,
) -> io::Result<()> {
    if command.silent {
        return Ok(());
    }
    let document = answer.to_vec().map_err(io::Error::other)?;
    let (kind, before) = match command.kind {
        // Flags (8: the server can wait for data), cursor, position, and how many documents.
        OP_QUERY => (OP_REPLY, [8_u32, 0, 0, 0, 1].iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>()),
        // Flags, and the kind of the section.
        _ => (OP_MSG, vec![0, 0, 0, 0, 0]),
    };
    let length = u32::try_from(HEADER + before.len() + document.len()).map_err(io::Error::other)?;
    let mut bytes: Vec<u8> = [length, 0, command.number, kind].iter().flat_map(|word| word.to_le_bytes()).collect();
    bytes.extend_from_slice(&before);
    bytes.extend_from_slice(&document);
    stream.write_all(&bytes).await?;
    stream.flush().await
}

/// A message without its length.
fn parse(bytes: &[u8]) -> Option<Command> {
    let (number, rest) = word(bytes)?;
    let (_, rest) = word(rest)?;
    let (kind, rest) = word(rest)?;
    let (flags, rest) = word(rest)?;
    let (document, silent) = match kind {
        OP_MSG => {
            let end = if flags & CHECKSUM_PRESENT == 0 { rest.len() } else { rest.len().checked_sub(4)? };
            (body(rest.get(..end)?)?, flags & MORE_TO_COME != 0)
        }
        OP_QUERY => {
            let end = rest.iter().position(|byte| *byte == 0)?;
            let (name, rest) = rest.split_at(end);
            if !name.ends_with(b".$cmd") {
                return None;
            }
            // The end of the name, then how many to skip and to return.
            (document(rest.get(9..)?)?.0, false)
        }
        _ => return None,
    };
    // Where a document of options was put around a command that came as a query.
    let document = match document.get_document("$query") {
        Ok(inner) => inner.clone(),
        Err(_) => document,
    };
    Some(Command { document, number, kind, silent })
}

/// The one section of kind 0 among the sections of a message.
fn body(mut sections: &[u8]) -> Option<Document> {
    let mut found = None;
    while let Some((kind, rest)) = sections.split_first() {
        sections = match kind {
            0 if found.is_none() => {
                let (document, rest) = document(rest)?;
                found = Some(document);
                rest
            }
            1 => {
                let (length, _) = word(rest)?;
                let length = usize::try_from(length).ok().filter(|length| *length >= 4)?;
                rest.get(length..)?
            }
            _ => return None,
        };
    }
    found
}

/// A document, and what stands after it.
fn document(bytes: &[u8]) -> Option<(Document, &[u8])> {
    let (length, _) = word(bytes)?;
    let (document, rest) = bytes.split_at_checked(usize::try_from(length).ok()?)?;
    Some((Document::from_reader(document).ok()?, rest))
}

fn word(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (word, rest) = bytes.split_first_chunk()?;
    Some((u32::from_le_bytes(*word), rest))
}

fn strange() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "no message of MongoDB's wire protocol")
}

#[cfg(test)]
mod tests {
    use mongodb::bson::doc;

    use super::*;

    /// A message with its length, and one that is cut off or lies for each of its bytes.
    fn message(kind: u32, body: &[u8]) -> Vec<u8> {
        let words = [u32::try_from(HEADER + body.len()).unwrap(), 7, 0, kind];
        words.iter().flat_map(|word| word.to_le_bytes()).chain(body.iter().copied()).collect()
    }

    fn op_msg(flags: u32, document: &Document) -> Vec<u8> {
        message(OP_MSG, &[&flags.to_le_bytes()[..], &[0], &document.to_vec().unwrap()].concat())
    }

    fn op_query(document: &Document) -> Vec<u8> {
        let tail = [&b"admin.$cmd\0"[..], &[0, 0, 0, 0, 1, 0, 0, 0], &document.to_vec().unwrap()].concat();
        message(OP_QUERY, &[&[0; 4][..], &tail].concat())
    }

    async fn command(bytes: &[u8]) -> io::Result<Option<Command>> {
        read(&mut &bytes[..]).await
    }

    #[tokio::test]
    async fn both_ways_to_ask_are_read_and_answered_in_kind() {
        let hello = doc! { "hello": 1, "$db": "admin" };
        for (bytes, kind, before) in [(op_msg(0, &hello), OP_MSG, 5), (op_query(&hello), OP_REPLY, 20)] {
            let command = command(&bytes).await.unwrap().unwrap();
            assert_eq!(command.document, hello);
            let mut written = Vec::new();
            answer(&mut written, &command, &doc! { "ok": 1.0 }).await.unwrap();
            let said: Vec<u32> =
                written[..HEADER].chunks(4).map(|word| u32::from_le_bytes(word.try_into().unwrap())).collect();
            assert_eq!(said, [u32::try_from(written.len()).unwrap(), 0, 7, kind]);
            assert_eq!(Document::from_reader(&written[HEADER + before..]).unwrap(), doc! { "ok": 1.0 });
        }
    }

    #[tokio::test]
    async fn who_does_not_wait_for_an_answer_gets_none() {
        let command = command(&op_msg(MORE_TO_COME, &doc! { "ping": 1 })).await.unwrap().unwrap();
        let mut written = Vec::new();
        answer(&mut written, &command, &doc! { "ok": 1.0 }).await.unwrap();
        assert_eq!(written, b"");
    }

    #[tokio::test]
    async fn a_checksum_and_further_documents_are_read_over() {
        let mut body = vec![1, 0, 0, 0, 1];
        let more = [&b"documents\0"[..], &doc! { "a": 1 }.to_vec().unwrap()].concat();
        body.extend_from_slice(&u32::try_from(more.len() + 4).unwrap().to_le_bytes());
        body.extend_from_slice(&more);
        body.push(0);
        body.extend_from_slice(&doc! { "insert": "x" }.to_vec().unwrap());
        body.extend_from_slice(b"sums");
        let command = command(&message(OP_MSG, &body)).await.unwrap().unwrap();
        assert_eq!(command.document, doc! { "insert": "x" });
    }

    #[tokio::test]
    async fn no_message_however_cut_or_changed_does_more_than_end_the_connection() {
        assert_eq!(command(b"").await.unwrap(), None);
        for whole in [op_msg(0, &doc! { "ping": 1 }), op_query(&doc! { "ping": 1 })] {
            for end in 4..whole.len() {
                assert!(command(&whole[..end]).await.is_err(), "cut at {end}");
            }
            for at in 0..whole.len() {
                let mut changed = whole.clone();
                changed[at] = !changed[at];
                let _ = command(&changed).await;
            }
        }
        assert!(command(&u32::MAX.to_le_bytes()).await.is_err());
        assert!(command(&message(2012, b"compressed")).await.is_err());
    }
}
