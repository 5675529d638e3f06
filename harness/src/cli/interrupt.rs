//! Ctrl-C: the first one ends what is under way in good order, the second one ends the program.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::{exit, say};

/// A flag that the first Ctrl-C sets. Where signals cannot be had, it stays as it is.
pub(super) fn flag(meaning: &'static str) -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    let set = flag.clone();
    thread::spawn(move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_io().build() else { return };
        runtime.block_on(async {
            if tokio::signal::ctrl_c().await.is_err() {
                return;
            }
            set.store(true, Ordering::Relaxed);
            say(&format!("{meaning}; press Ctrl-C once more to leave at once"));
            if tokio::signal::ctrl_c().await.is_ok() {
                std::process::exit(i32::from(exit::FAILED));
            }
        });
    });
    flag
}
