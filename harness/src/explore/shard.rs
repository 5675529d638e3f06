//! A part of a search, so that several machines can share one: `2/5` is the second of five.
//!
//! Invariant: every seed belongs to exactly one part.

use std::fmt;
use std::str::FromStr;

/// Which part of how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Which, from 1.
    number: u64,
    /// Of how many.
    of: u64,
}

impl Shard {
    /// All of it.
    pub const WHOLE: Shard = Shard { number: 1, of: 1 };

    /// Whether the thing of that number, from 0, belongs to this part.
    pub fn owns(self, index: u64) -> bool {
        index % self.of == self.number - 1
    }

    /// How many of so many things belong to this part.
    pub fn share(self, things: u64) -> u64 {
        (things + self.of - self.number) / self.of
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

/// A text that is no part.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no part of a search: write which of how many, as in 2/5")]
pub struct BadShard(String);

impl FromStr for Shard {
    type Err = BadShard;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.split_once('/').and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
        match parts {
            Some((number, of)) if (1..=of).contains(&number) => Ok(Shard { number, of }),
            _ => Err(BadShard(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_belongs_to_one_part() {
        let parts: Vec<Shard> = ["1/3", "2/3", "3/3"].map(|text| text.parse().unwrap()).to_vec();
        for index in 0..30 {
            assert_eq!(parts.iter().filter(|part| part.owns(index)).count(), 1);
        }
        assert!((0..30).all(|index| Shard::WHOLE.owns(index)));
        assert_eq!(parts.iter().map(|part| part.share(31)).collect::<Vec<_>>(), [11, 10, 10]);
        for wrong in ["", "0/3", "4/3", "1/0", "a/b", "1"] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }
}
