//! What a program says, cut into lines, and handed over to whoever listens.
//!
//! Whoever writes is never made to wait, so that a program is not slowed down by the one who reads its log. One that says
//! more than anybody hears is not heard in full.
//!
//! Invariant: what is held is bounded, whatever a program says.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// How many lines may wait to be heard.
const WAITING: usize = 4096;

/// How much of a line is kept, in bytes. mongod cuts its own attributes at ten thousand.
const LENGTH: usize = 64 << 10;

/// A cutter for each of the two streams, and the end at which lines come out. It is over when both cutters are gone.
pub(super) fn lines() -> ([Cutter; 2], Receiver<String>) {
    let (send, lines) = sync_channel(WAITING);
    ([Cutter { rest: Vec::new(), lines: send.clone() }, Cutter { rest: Vec::new(), lines: send }], lines)
}

/// Cuts what a program writes into lines.
#[derive(Debug)]
pub(super) struct Cutter {
    rest: Vec<u8>,
    lines: SyncSender<String>,
}

impl Cutter {
    pub(super) fn take(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if *byte == b'\n' {
                self.cut();
            } else if self.rest.len() < LENGTH {
                self.rest.push(*byte);
            }
        }
    }

    fn cut(&mut self) {
        let line = String::from_utf8_lossy(&self.rest).trim_end().to_owned();
        self.rest.clear();
        // Whoever listened is gone, or far behind.
        let _ = self.lines.try_send(line);
    }
}

impl Drop for Cutter {
    fn drop(&mut self) {
        if !self.rest.is_empty() {
            self.cut();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_wherever_the_pieces_end() {
        let ([mut one, other], lines) = lines();
        one.take(b"o");
        one.take(b"ne\r\n\ntw");
        one.take(b"o");
        drop((one, other));
        assert_eq!(lines.iter().collect::<Vec<_>>(), ["one", "", "two"]);
    }

    #[test]
    fn what_nobody_hears_is_not_kept_for_ever() {
        let ([mut one, other], lines) = lines();
        one.take(&vec![b'x'; 2 * LENGTH]);
        one.take(b"\n");
        (0..2 * WAITING).for_each(|_| one.take(b"a line\n"));
        drop((one, other));
        assert_eq!(lines.recv().map(|line| line.len()), Ok(LENGTH));
        assert_eq!(lines.iter().count(), WAITING - 1);
    }
}
