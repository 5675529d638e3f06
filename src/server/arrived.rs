//! What has arrived on a connection and was not yet taken, in memory that is wiped.
//!
//! Invariant: it grows by what has arrived, never to what was declared, and no outgrown copy stays behind unwiped.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};
use zeroize::Zeroizing;

/// How much is read at once, in bytes: the requests of MongoDB's clients are shorter.
const PIECE: usize = 1024;

/// The bytes that wait.
#[derive(Default)]
pub(super) struct Arrived(Zeroizing<Vec<u8>>);

impl Arrived {
    /// What waits to be taken.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Reads until `wanted` bytes wait; false where the stream ends before.
    pub(super) async fn fill<S: AsyncRead + Unpin>(&mut self, stream: &mut S, wanted: usize) -> io::Result<bool> {
        while self.0.len() < wanted {
            if !poll_fn(|context| self.poll_some(stream, context)).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Reads what there is, at most a piece; false where the stream has ended.
    pub(super) fn poll_some<S: AsyncRead + Unpin>(
        &mut self,
        stream: &mut S,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<bool>> {
        let mut piece = Zeroizing::new([0_u8; PIECE]);
        let mut piece = ReadBuf::new(piece.as_mut_slice());
        ready!(Pin::new(stream).poll_read(context, &mut piece))?;
        self.append(piece.filled());
        Poll::Ready(Ok(!piece.filled().is_empty()))
    }

    /// Takes the first `length` bytes, at most what waits.
    pub(super) fn take(&mut self, length: usize) -> Zeroizing<Vec<u8>> {
        let length = length.min(self.0.len());
        let rest = Zeroizing::new(self.0.split_off(length));
        std::mem::replace(&mut self.0, rest)
    }

    fn append(&mut self, piece: &[u8]) {
        if self.0.capacity() - self.0.len() < piece.len() {
            // A vector that grows by itself leaves its old memory as it is; this one is wiped when it is replaced.
            let mut larger = Vec::with_capacity((self.0.len() + piece.len()).next_power_of_two().max(PIECE));
            larger.extend_from_slice(&self.0);
            self.0 = Zeroizing::new(larger);
        }
        self.0.extend_from_slice(piece);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_is_gone_and_the_rest_stays_in_order() {
        let mut arrived = Arrived::default();
        let all: Vec<u8> = (0..=255).cycle().take(5000).collect();
        for piece in all.chunks(700) {
            arrived.append(piece);
        }
        assert_eq!(*arrived.take(3), all[..3]);
        assert_eq!(*arrived.take(4096), all[3..4099]);
        assert_eq!(arrived.bytes(), &all[4099..]);
        assert_eq!(*arrived.take(usize::MAX), all[4099..]);
        assert!(arrived.bytes().is_empty());
    }

    #[tokio::test]
    async fn filling_stops_at_the_end_of_the_stream() {
        let mut stream: &[u8] = b"seven..";
        let mut arrived = Arrived::default();
        assert!(arrived.fill(&mut stream, 7).await.unwrap());
        assert!(!arrived.fill(&mut stream, usize::MAX).await.unwrap());
        assert_eq!(arrived.bytes(), b"seven..");
        assert_eq!(arrived.0.capacity(), PIECE, "room was made for what never came");
    }
}
