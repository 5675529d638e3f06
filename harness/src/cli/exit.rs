//! Exit codes: a contract with the scripts that call us. All are under 126, so that none looks like the shell's own.

/// Everything is as expected.
pub const AS_EXPECTED: u8 = 0;
/// A scenario failed, an expected failure passed, or an invariant was never put to the test.
pub const FAILED: u8 = 1;
/// The command line or a scenario file is wrong.
pub const USAGE: u8 = 2;
/// Nothing failed, but something could not be judged.
pub const INCONCLUSIVE: u8 = 3;
/// Nothing was selected.
pub const NOTHING_SELECTED: u8 = 4;
/// The same seed gave two different traces.
pub const NOT_DETERMINISTIC: u8 = 5;
/// A lane that was asked for by name had nothing that ran.
pub const LANE_MISSING: u8 = 6;
/// A bug of the laboratory.
pub const BUG: u8 = 70;

/// Every code with its meaning, for help texts and `explain`.
pub const TABLE: &[(u8, &str)] = &[
    (AS_EXPECTED, "everything is as expected"),
    (FAILED, "a scenario failed, an expected failure passed, or an invariant was never put to the test"),
    (USAGE, "the command line or a scenario file is wrong"),
    (INCONCLUSIVE, "nothing failed, but something could not be judged"),
    (NOTHING_SELECTED, "nothing was selected"),
    (NOT_DETERMINISTIC, "the same seed gave two different traces"),
    (LANE_MISSING, "a lane that was asked for by name had nothing that ran"),
    (BUG, "a bug of the laboratory: please report it, with the command line"),
];

pub(super) const HELP: &str = "\
Exit codes:
   0  everything is as expected
   1  a scenario failed, an expected failure passed, or an invariant was never put to the test
   2  the command line or a scenario file is wrong
   3  nothing failed, but something could not be judged
   4  nothing was selected
   5  the same seed gave two different traces
   6  a lane that was asked for by name had nothing that ran
  70  a bug of the laboratory";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_and_table_tell_the_same_codes() {
        let told: Vec<u8> =
            HELP.lines().skip(1).filter_map(|line| line.split_whitespace().next()?.parse().ok()).collect();
        let known: Vec<u8> = TABLE.iter().map(|(code, _)| *code).collect();
        assert_eq!(told, known);
    }
}
