//! Progress while a search is under way: a bar on the terminal, and nothing where standard error is no terminal.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Runs done, of how many if that is known, and what was found so far.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// A bar on standard error, if that is a terminal; else one that draws nothing.
    pub fn on_stderr(runs: Option<u64>) -> Progress {
        let target =
            if std::io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Progress::on(target, runs)
    }

    fn on(target: ProgressDrawTarget, runs: Option<u64>) -> Progress {
        let template = match runs {
            Some(_) => "{prefix:>12} [{bar:24}] {pos}/{len} {wide_msg}",
            None => "{prefix:>12} {spinner} {pos} in {elapsed} {wide_msg}",
        };
        let style = ProgressStyle::with_template(template)
            .expect("the templates are constants that a test draws")
            .progress_chars("=> ");
        let bar = ProgressBar::with_draw_target(runs, target).with_style(style).with_prefix("Exploring");
        if runs.is_none() {
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        Progress { bar }
    }

    /// A run is over.
    pub fn played(&self, causes: usize) {
        self.bar.set_message(match causes {
            0 => String::new(),
            1 => "1 finding so far".to_owned(),
            causes => format!("{causes} findings so far"),
        });
        self.bar.inc(1);
    }

    /// A finding is being shrunk.
    pub fn shrinking(&self, requirement: &str, plays: usize, events: usize) {
        self.bar.set_prefix("Shrinking");
        self.bar.set_message(format!("{requirement}: {events} events left after {plays} runs"));
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_counts_runs_and_findings() {
        for runs in [Some(3), None] {
            let progress = Progress::on(ProgressDrawTarget::hidden(), runs);
            progress.played(0);
            assert_eq!(progress.bar.message(), "");
            progress.played(2);
            assert_eq!((progress.bar.position(), progress.bar.length()), (2, runs));
            assert_eq!(progress.bar.message(), "2 findings so far");
            progress.shrinking("K2 no-key-without-provider", 40, 3);
            assert_eq!(progress.bar.message(), "K2 no-key-without-provider: 3 events left after 40 runs");
            progress.clear();
        }
    }
}
