//! Randomness from a seed, one stream for each name.
//!
//! Invariant: a stream depends on the seed and its own name alone, so that taking one event out of a scenario does not
//! shift what the others draw.

use std::ops::Range;
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore as _, SeedableRng as _};
use ring::digest;

use super::ledger;
use crate::trace::Stream;

/// The seed of a run.
#[derive(Clone, Copy, Debug)]
pub struct Entropy(u64);

impl Entropy {
    /// From the seed that `--seed` names.
    pub fn new(seed: u64) -> Self {
        Entropy(seed)
    }

    /// The key of a stream: 32 bytes that no other name has.
    pub fn key(&self, name: &str) -> [u8; 32] {
        ledger::note(|| Stream::Named(name.to_owned()));
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(&self.0.to_be_bytes());
        context.update(name.as_bytes());
        context.finish().as_ref().try_into().expect("SHA-256 has 32 bytes")
    }

    /// The stream of a name.
    pub fn stream(&self, name: &str) -> ChaCha8Rng {
        ChaCha8Rng::from_seed(self.key(name))
    }

    /// One number of a name's own.
    pub fn number(&self, name: &str) -> u64 {
        self.stream(name).next_u64()
    }

    /// One index below `count`.
    pub fn pick(&self, name: &str, count: usize) -> usize {
        // The bias of a remainder over 64 bits is far below what a run could show.
        (self.number(name) % count as u64) as usize
    }

    /// One moment in a range, in whole milliseconds, both ends included.
    pub fn moment(&self, name: &str, range: Range<Duration>) -> Duration {
        let span = range.end.saturating_sub(range.start).as_millis() as u64;
        range.start + Duration::from_millis(self.number(name) % (span + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_depends_on_its_seed_and_its_name_alone() {
        let entropy = Entropy::new(7);
        let first = entropy.number("latency");
        entropy.number("something drawn in between");
        assert_eq!(entropy.number("latency"), first);
        assert_ne!(entropy.number("phase"), first);
        assert_ne!(Entropy::new(8).number("latency"), first);
    }

    #[test]
    fn a_moment_stays_in_its_range_and_reaches_both_ends() {
        let range = Duration::from_millis(3)..Duration::from_millis(5);
        let drawn: Vec<u64> =
            (0..200).map(|seed| Entropy::new(seed).moment("at", range.clone()).as_millis() as u64).collect();
        assert!(drawn.iter().all(|at| (3..=5).contains(at)));
        assert!(drawn.contains(&3) && drawn.contains(&5));
    }
}
