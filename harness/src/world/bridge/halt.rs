//! Why a run with a real client comes to nothing, once it does.
//!
//! In order: whoever notices says so here; the next step of the simulation ends the run; and whoever looks at the run
//! asks here first. What breaks while nobody has said anything is the world's, and is judged as it is in a simulation.
//!
//! Invariant: the fault of a client, of this machine, or of the laboratory's own part in the bridge is never judged to be
//! the product's; and nothing else is taken for theirs.

use std::cell::RefCell;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use crate::world::{Attempt, panic_text};

/// Why nothing can be said of the product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Halt {
    /// The user wants it all to end.
    Interrupted,
    /// It cannot be played here.
    NotRun(String),
    /// Something has broken down that is not the product.
    Inconclusive(String),
}

impl From<String> for Halt {
    fn from(why: String) -> Self {
        Halt::Inconclusive(why)
    }
}

impl From<Halt> for Attempt {
    fn from(halt: Halt) -> Self {
        match halt {
            Halt::Interrupted => Attempt::NotRun("interrupted".to_owned()),
            Halt::NotRun(why) => Attempt::NotRun(why),
            Halt::Inconclusive(why) => Attempt::Inconclusive(why),
        }
    }
}

/// Where it is said. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Halted(Rc<RefCell<Option<Halt>>>);

impl Halted {
    /// From here on nothing can be said of the product. The first reason stands.
    pub(super) fn say(&self, halt: Halt) {
        self.0.borrow_mut().get_or_insert(halt);
    }

    /// What was said.
    pub(super) fn said(&self) -> Option<Halt> {
        self.0.borrow().clone()
    }

    /// Does something that is the laboratory's own part, within the simulation. An error, or a panic, is said here.
    pub(super) async fn heed<T>(&self, work: impl Future<Output = Result<T, String>>) -> Result<T, String> {
        let mut work = pin!(work);
        let done = poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
            Ok(poll) => poll,
            Err(panic) => Poll::Ready(Err(format!("a bug of the laboratory's own: {}", panic_text(&*panic)))),
        });
        done.await.inspect_err(|why| self.say(Halt::Inconclusive(why.clone())))
    }
}
