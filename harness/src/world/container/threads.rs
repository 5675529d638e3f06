//! The threads on which engines and databases are asked.
//!
//! Worlds are asked from ordinary threads and from within runtimes of others, and what ends a container may run in a
//! destructor anywhere. So questions run on a runtime of their own, and whoever asks waits outside of it.
//!
//! Invariant: a question ends within its patience.

use std::future::Future;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};

/// A runtime of its own. Cheap to clone.
#[derive(Clone)]
pub struct Threads(Arc<Held>);

struct Held(Option<Runtime>);

/// A question that was not answered: in how many seconds, or because asking broke off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// The patience is over.
    #[error("no answer within {0} s")]
    Late(u64),
    /// The question ended without an answer.
    #[error("asking broke off")]
    BrokeOff,
}

impl Threads {
    /// Starts them.
    pub fn new() -> std::io::Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(2).thread_name("asking").enable_all().build()?;
        Ok(Threads(Arc::new(Held(Some(runtime)))))
    }

    /// Asks, and waits for the answer. May be called from anywhere.
    pub fn ask<T: Send + 'static>(
        &self,
        patience: Duration,
        question: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Unanswered> {
        let (answer, answered) = sync_channel(1);
        self.handle().spawn(async move {
            // Whoever asked waits, or is gone.
            let _ = answer.send(tokio::time::timeout(patience, question).await);
        });
        match answered.recv() {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => Err(Unanswered::Late(patience.as_secs())),
            Err(_) => Err(Unanswered::BrokeOff),
        }
    }

    /// The runtime itself.
    pub fn handle(&self) -> Handle {
        self.0.0.as_ref().expect("it is taken in `drop` alone").handle().clone()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            // A plain drop waits for its threads, and panics where it is done within another runtime.
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_can_be_asked_from_within_another_runtime_and_dropped_there() {
        let outer = Builder::new_current_thread().build().expect("a runtime");
        let answer = outer.block_on(async {
            let threads = Threads::new().expect("threads");
            threads.ask(Duration::from_secs(10), async { 7 })
        });
        assert_eq!(answer, Ok(7));
    }

    #[test]
    fn what_never_answers_is_late() {
        let threads = Threads::new().expect("threads");
        let asked = threads.ask(Duration::ZERO, std::future::pending::<()>());
        assert_eq!(asked, Err(Unanswered::Late(0)));
    }
}
