//! Runs as a report keeps them: each as a cell of its own, or those that passed folded, one entry for each case.
//!
//! A million cells that all say "pass" would fill a disk and tell nothing. Folded, the number of runs does not show in
//! the size of a report: what did not pass is kept in full, and of what passed the first seed, as an example, and sums.
//!
//! Invariant: what comes out depends neither on the order in which runs are added nor on how they were split among
//! folds that are joined later.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use ring::digest;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::counts::{self, Counts};
use super::model::{Cell, Seed};
use super::verdict::Verdict;
use crate::trace::hex;

/// The runs of one case that passed, as one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Passed {
    /// How many runs passed, the example included.
    pub count: u64,
    /// How often they exercised each word, added up.
    #[serde(default)]
    pub counts: Counts,
    /// The sum, modulo 2^256, of SHA-256 over each seed (8 bytes, big-endian) and the digest of its cell as text.
    #[schemars(with = "String")]
    pub digest: DigestSum,
    /// The run with the smallest seed, in full: it says which case this is.
    pub example: Cell,
    /// How often they exercised each invariant, added up.
    pub exercised: BTreeMap<String, u64>,
    /// How much time passed in their worlds together, in milliseconds.
    pub simulated_ms: u64,
}

impl Passed {
    fn one(cell: Cell) -> Passed {
        Passed {
            count: 1,
            counts: cell.counts.clone(),
            digest: DigestSum::of(cell.seed, cell.digest.as_deref().unwrap_or_default()),
            exercised: cell.exercised.clone(),
            simulated_ms: cell.simulated_ms,
            example: cell,
        }
    }

    fn join(&mut self, other: Passed) {
        self.count += other.count;
        self.counts.add(&other.counts);
        self.digest.add(other.digest);
        counts::add(&mut self.exercised, &other.exercised);
        self.simulated_ms += other.simulated_ms;
        if other.example.seed < self.example.seed {
            self.example = other.example;
        }
    }
}

/// What tells one case from another: family, scenario, provider, peer and lane.
type Key = [String; 5];

/// A pile of runs that is being made.
#[derive(Clone, Debug)]
pub struct Fold {
    folds: bool,
    cells: Vec<Cell>,
    passed: BTreeMap<Key, Passed>,
}

impl Fold {
    /// An empty pile: one that folds what passed, or one that keeps every cell.
    pub fn new(folds: bool) -> Fold {
        Fold { folds, cells: Vec::new(), passed: BTreeMap::new() }
    }

    /// Adds a run.
    pub fn add(&mut self, cell: Cell) {
        if self.folds && cell.verdict == Verdict::Pass {
            self.add_passed(Passed::one(cell));
        } else {
            self.cells.push(cell);
        }
    }

    /// Adds runs that were folded elsewhere.
    pub fn add_passed(&mut self, passed: Passed) {
        match self.passed.get_mut(&key(&passed.example)) {
            Some(there) => there.join(passed),
            None => drop(self.passed.insert(key(&passed.example), passed)),
        }
    }

    /// Adds another pile.
    pub fn join(&mut self, other: Fold) {
        self.cells.extend(other.cells);
        for passed in other.passed.into_values() {
            self.add_passed(passed);
        }
    }

    /// A cell of each case in which something was played.
    pub fn played_cases(&self) -> Vec<Cell> {
        let cells = self.cells.iter().chain(self.passed.values().map(|passed| &passed.example));
        let cases: BTreeMap<Key, &Cell> =
            cells.filter(|cell| cell.verdict.ran()).map(|cell| (key(cell), cell)).collect();
        cases.into_values().cloned().collect()
    }

    /// What a report keeps: the cells in no order, and what passed by case.
    pub(super) fn into_parts(self) -> (Vec<Cell>, Vec<Passed>) {
        (self.cells, self.passed.into_values().collect())
    }
}

impl From<Vec<Cell>> for Fold {
    /// A pile that keeps every cell.
    fn from(cells: Vec<Cell>) -> Fold {
        Fold { cells, ..Fold::new(false) }
    }
}

fn key(cell: &Cell) -> Key {
    [&cell.family, &cell.scenario, &cell.provider, &cell.peer, &cell.lane].map(Clone::clone)
}

/// Digests of many runs as one that does not depend on their order: a sum modulo 2^256 of hashes. A sum and not an
/// exclusive or, in which two equal runs would vanish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DigestSum([u8; 32]);

impl DigestSum {
    const PREFIX: &'static str = "sha256-sum:";

    /// The sum of one run.
    fn of(seed: Option<Seed>, digest: &str) -> DigestSum {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(&seed.map_or(0, |Seed(seed)| seed).to_be_bytes());
        context.update(digest.as_bytes());
        let mut sum = [0; 32];
        sum.copy_from_slice(context.finish().as_ref());
        DigestSum(sum)
    }

    fn add(&mut self, other: DigestSum) {
        let mut carry = 0;
        for (byte, more) in self.0.iter_mut().zip(other.0).rev() {
            let (once, first) = byte.overflowing_add(more);
            let (twice, second) = once.overflowing_add(carry);
            *byte = twice;
            carry = u8::from(first || second);
        }
    }
}

impl fmt::Display for DigestSum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", Self::PREFIX, hex(&self.0))
    }
}

impl From<DigestSum> for String {
    fn from(sum: DigestSum) -> String {
        sum.to_string()
    }
}

impl FromStr for DigestSum {
    type Err = BadDigestSum;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || BadDigestSum(text.to_owned());
        let digits = text.strip_prefix(Self::PREFIX).ok_or_else(bad)?;
        if digits.len() != 64 || !digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(bad());
        }
        let mut sum = [0; 32];
        for (byte, pair) in sum.iter_mut().zip(digits.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| bad())?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| bad())?;
        }
        Ok(DigestSum(sum))
    }
}

impl TryFrom<String> for DigestSum {
    type Error = BadDigestSum;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// A text that is no sum of digests.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a sum of digests: expected {prefix} and 64 hexadecimal digits", prefix = DigestSum::PREFIX)]
pub struct BadDigestSum(pub String);

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    /// Ten seeds of one case, each with a digest of its own; the seventh fails.
    fn cells() -> Vec<Cell> {
        let mut verdicts = [Verdict::Pass; 10];
        verdicts[6] = Verdict::Fail;
        let cells = sample::seeds("family", "name", &verdicts).into_iter().enumerate();
        cells.map(|(index, cell)| Cell { digest: Some(format!("sha256:{index:064x}")), ..cell }).collect()
    }

    fn folded(cells: impl IntoIterator<Item = Cell>) -> Fold {
        let mut fold = Fold::new(true);
        cells.into_iter().for_each(|cell| fold.add(cell));
        fold
    }

    #[test]
    fn what_passed_is_one_entry_and_what_did_not_stays_in_full() {
        let cells = cells();
        let (kept, passed) = folded(cells.clone()).into_parts();
        assert_eq!(kept, [cells[6].clone()]);
        let [passed] = passed.as_slice() else { panic!("one case, one entry: {passed:?}") };
        assert_eq!((passed.count, &passed.example), (9, &cells[0]));
        assert_eq!((passed.simulated_ms, passed.exercised["K1"]), (9 * 46_000, 9 * 3));
        assert_eq!(Fold::from(cells.clone()).into_parts(), (cells, Vec::new()));
    }

    #[test]
    fn neither_the_order_nor_the_split_shows() {
        let one = folded(cells());
        let mut other = folded(cells().into_iter().skip(4).rev());
        other.join(folded(cells().into_iter().take(4)));
        assert_eq!(one.into_parts(), other.into_parts());
    }

    #[test]
    fn the_digest_changes_with_any_run_and_with_two_that_are_exchanged() {
        let sum = |cells: Vec<Cell>| folded(cells).into_parts().1.remove(0).digest;
        let whole = sum(cells());
        let mut changed = cells();
        changed[3].digest = Some("sha256:another".to_owned());
        let mut exchanged = cells();
        exchanged[3].digest = cells()[4].digest.clone();
        exchanged[4].digest = cells()[3].digest.clone();
        assert!(whole != sum(changed) && whole != sum(exchanged));
    }

    #[test]
    fn a_sum_carries_over_all_bytes_and_is_read_as_it_is_written() {
        let mut one = [0; 32];
        one[31] = 1;
        let mut sum = DigestSum([0xff; 32]);
        sum.add(DigestSum(one));
        assert_eq!(sum, DigestSum([0; 32]));
        sum.add(DigestSum([0x80; 32]));
        sum.add(DigestSum([0x80; 32]));
        let mut expected = [0x01; 32];
        expected[31] = 0;
        assert_eq!(sum, DigestSum(expected));
        assert_eq!(sum.to_string().parse(), Ok(sum));
        let short = format!("sha256-sum:{}", "0".repeat(63));
        let odd = format!("sha256-sum:{}", "G".repeat(64));
        for bad in ["", "sha256:00", &short, &odd] {
            assert_eq!(bad.parse::<DigestSum>(), Err(BadDigestSum(bad.to_owned())));
        }
    }
}
