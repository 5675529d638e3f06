//! Ctrl-C and SIGTERM: the first one ends what is under way in good order, the second one ends the program.
//!
//! What runs until somebody ends it waits for the first.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use super::{exit, say};

/// A flag that the first Ctrl-C or SIGTERM sets. Where signals cannot be had, it stays as it is.
pub(super) fn flag(meaning: &'static str) -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    let set = flag.clone();
    thread::spawn(move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_io().build() else { return };
        runtime.block_on(async {
            if signalled(|| ()).await.is_err() {
                return;
            }
            set.store(true, Ordering::Relaxed);
            say(&format!("{meaning}; press Ctrl-C once more to leave at once"));
            if signalled(|| ()).await.is_ok() {
                std::process::exit(i32::from(exit::FAILED));
            }
        });
    });
    flag
}

/// Somebody who will end the program.
pub(super) struct Told(Receiver<()>);

impl Told {
    /// Waits for the end. Where signals cannot be had, that is for ever.
    pub(super) fn wait(self) {
        if self.0.recv().is_err() {
            loop {
                thread::park();
            }
        }
    }
}

/// From now on Ctrl-C and SIGTERM end nothing but the wait.
pub(super) fn told_to_end() -> Told {
    let (tell, told) = channel();
    let (ready, armed) = channel();
    thread::spawn(move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_io().build() else { return };
        runtime.block_on(async {
            let armed = || {
                let _ = ready.send(());
            };
            if signalled(armed).await.is_ok() {
                let _ = tell.send(());
            }
        });
    });
    // A signal that comes right after this must not be lost.
    let _ = armed.recv();
    Told(told)
}

#[cfg(unix)]
async fn signalled(armed: impl FnOnce()) -> std::io::Result<()> {
    use std::future::poll_fn;
    use std::task::Poll;

    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    armed();
    poll_fn(|context| {
        let ended = interrupt.poll_recv(context).is_ready() || terminate.poll_recv(context).is_ready();
        if ended { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    Ok(())
}

#[cfg(not(unix))]
async fn signalled(armed: impl FnOnce()) -> std::io::Result<()> {
    armed();
    tokio::signal::ctrl_c().await
}
