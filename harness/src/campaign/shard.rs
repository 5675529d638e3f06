//! One part of a campaign out of several of equal size, so that many machines share the work: `2/4` is the second of four.
//!
//! Things are dealt like cards: the thing at place k, counted from 0, belongs to part (k mod n) + 1. Every part so gets
//! early and late ones, and their sizes differ by one at most.
//!
//! Invariant: every place belongs to exactly one part, whatever else is played.

use std::fmt;
use std::str::FromStr;

/// Part `number` of `of` parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shard {
    number: u64,
    of: u64,
}

impl Shard {
    /// The only part of a campaign that is not split.
    pub const WHOLE: Shard = Shard { number: 1, of: 1 };

    /// Into how many parts a campaign can be split at most.
    pub const MOST: u64 = 1_000_000;

    /// Part `number`, counted from 1, of `of` parts.
    ///
    /// # Errors
    ///
    /// When there is no such part, or more than [`Shard::MOST`] of them.
    pub fn new(number: u64, of: u64) -> Result<Shard, BadShard> {
        if of == 0 || of > Shard::MOST {
            return Err(BadShard::Parts(of));
        }
        if number == 0 || number > of {
            return Err(BadShard::Number { number, of });
        }
        Ok(Shard { number, of })
    }

    /// Which part, from 1.
    pub fn number(self) -> u64 {
        self.number
    }

    /// Of how many.
    pub fn of(self) -> u64 {
        self.of
    }

    /// Whether it is the first part, which also has what cannot be dealt out.
    pub fn is_first(self) -> bool {
        self.number == 1
    }

    /// Whether the thing at that place, counted from 0, belongs to this part.
    pub fn owns(self, index: u64) -> bool {
        index % self.of == self.number - 1
    }

    /// How many of so many things belong to this part.
    pub fn share(self, things: u64) -> u64 {
        let before = self.number - 1;
        things.saturating_sub(before).div_ceil(self.of)
    }

    /// The place of the part's own thing number `own`, both counted from 0.
    pub fn place(self, own: u64) -> u64 {
        own.saturating_mul(self.of).saturating_add(self.number - 1)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

impl FromStr for Shard {
    type Err = BadShard;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |text: &str| {
            // `parse` alone would take a plus sign.
            if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
        };
        let (left, right) = text.split_once('/').ok_or(BadShard::Text)?;
        Shard::new(number(left).ok_or(BadShard::Text)?, number(right).ok_or(BadShard::Text)?)
    }
}

/// A text that names no part. The user gives another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadShard {
    /// It is not two numbers with a slash between them.
    #[error("expected a part and the number of parts, such as 2/4")]
    Text,
    /// There cannot be so many parts.
    #[error("a campaign has 1 to {most} parts, not {0}", most = Shard::MOST)]
    Parts(u64),
    /// There is no such part.
    #[error("parts are counted from 1: of {of}, the first is 1/{of} and the last {of}/{of}; there is no part {number}")]
    Number {
        /// The part that was asked for.
        number: u64,
        /// How many there are.
        of: u64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_read_as_it_is_written() {
        for text in ["1/1", "2/4", "1000000/1000000"] {
            assert_eq!(text.parse::<Shard>().map(|shard| shard.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn what_names_no_part_is_refused_with_what_to_write() {
        let told = |text: &str| text.parse::<Shard>().unwrap_err().to_string();
        for text in ["", "2", "/", "a/4", "2/b", "-1/4", "+1/4", "1/2/3", " 1/4", "99999999999999999999/4"] {
            assert_eq!(told(text), "expected a part and the number of parts, such as 2/4", "{text}");
        }
        assert_eq!(told("1/0"), "a campaign has 1 to 1000000 parts, not 0");
        assert_eq!(told("1/1000001"), "a campaign has 1 to 1000000 parts, not 1000001");
        let none = "parts are counted from 1: of 4, the first is 1/4 and the last 4/4; there is no part";
        assert_eq!((told("0/4"), told("5/4")), (format!("{none} 0"), format!("{none} 5")));
    }

    #[test]
    fn every_place_belongs_to_one_part_and_the_parts_know_their_own() {
        for (of, things) in [(1, 5), (2, 8), (3, 8), (4, 2), (7, 0)] {
            let mut owned = Vec::new();
            for number in 1..=of {
                let shard = Shard::new(number, of).unwrap();
                let own: Vec<u64> = (0..shard.share(things)).map(|own| shard.place(own)).collect();
                assert_eq!(own, (0..things).filter(|place| shard.owns(*place)).collect::<Vec<_>>(), "{shard}");
                owned.extend(own);
            }
            owned.sort_unstable();
            assert_eq!(owned, (0..things).collect::<Vec<_>>(), "{things} things in {of} parts");
        }
    }
}
