//! Progress while scenarios are played: a bar on the terminal, and nothing where standard error is no terminal.

use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicU64, Ordering};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::verdict::Verdict;
use super::words;

/// Runs done of how many, what is being played, and what failed so far.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    failures: AtomicU64,
}

impl Progress {
    /// A bar over so many runs on standard error, if that is a terminal; else one that draws nothing.
    pub fn on_stderr(runs: u64) -> Progress {
        let target =
            if std::io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Progress::on(target, runs)
    }

    /// A bar that draws nothing, for `--quiet`.
    pub fn hidden(runs: u64) -> Progress {
        Progress::on(ProgressDrawTarget::hidden(), runs)
    }

    fn on(target: ProgressDrawTarget, runs: u64) -> Progress {
        let style = ProgressStyle::with_template("{prefix:>12} [{bar:24}] {pos}/{len} {wide_msg}")
            .expect("the template is a constant that a test draws")
            .progress_chars("=> ");
        let bar = ProgressBar::with_draw_target(Some(runs), target).with_style(style).with_prefix("Playing");
        Progress { bar, failures: AtomicU64::new(0) }
    }

    /// A run begins.
    pub fn started(&self, scenario: &str) {
        self.bar.set_message(message(self.failures.load(Ordering::Relaxed), scenario));
    }

    /// A run is over.
    pub fn finished(&self, verdict: Verdict) {
        if verdict.wants_attention() {
            self.failures.fetch_add(1, Ordering::Relaxed);
        }
        self.bar.inc(1);
    }

    /// Lets something be printed without tearing the bar.
    pub fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }

    /// Takes the bar away.
    pub fn clear(self) {
        self.bar.finish_and_clear();
    }
}

fn message(failures: u64, scenario: &str) -> String {
    match failures {
        0 => scenario.to_owned(),
        failures => format!("{} so far; {scenario}", words::plural(failures, "failure", "failures")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_counts_runs_and_what_wants_attention() {
        let progress = Progress::hidden(3);
        for (scenario, verdict) in [("a/b", Verdict::Pass), ("a/c", Verdict::Fail), ("a/d", Verdict::Inconclusive)] {
            progress.started(scenario);
            progress.finished(verdict);
        }
        progress.started("a/e");
        assert_eq!((progress.bar.position(), progress.bar.length()), (3, Some(3)));
        assert_eq!(progress.bar.message(), "2 failures so far; a/e");
        assert!(progress.bar.is_hidden());
        progress.clear();
    }

    #[test]
    fn nothing_is_said_of_failures_while_there_are_none() {
        assert_eq!(message(0, "a/b"), "a/b");
        assert_eq!(message(1, "a/b"), "1 failure so far; a/b");
    }
}
