//! What one process of the application is told, from its first order to its last words.
//!
//! In order: it looks what is there; it makes its data key, or opens the one that is there; from then on it is ready, and
//! reads its document whenever it needs it. Or it is there for one thing: to wrap its data key anew, or to make the data
//! that a snapshot has. Whoever plays the process gives the orders, brings the answers here, and says when a need is due.
//!
//! Nothing runs here and no clock is looked at: a time is whatever its owner calls so.
//!
//! Invariant: what the application reads is compared with what was written; that it differs is a finding.

use std::time::Duration;

use super::{Order, Said};
use crate::trace::{ProcessState, What};

/// How long libmongocrypt keeps a data key that it has opened.
const CACHED: Duration = Duration::from_secs(60);

/// What is encrypted and read back.
const CLEAR: &str = "457-55-5462";

/// What pymongo raises where anything but mongod is the reason.
const OF_ENCRYPTION: &str = "EncryptionError";

/// What a process is there for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Errand {
    /// To serve: with its data key, or with a new one.
    Serve,
    /// To wrap its data key under a new master key.
    Rewrap,
    /// To make the data of a snapshot under this master key.
    Prepare(String),
}

/// The course of a process.
#[derive(Debug)]
pub(crate) struct Course {
    errand: Errand,
    /// Whether the server encrypts data keys, not the driver.
    delegated: bool,
    awaits: Awaits,
    /// When its data key was opened last, if it is in the cache at all.
    opened: Option<Duration>,
}

/// What an order was for whose answer is awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaits {
    /// Whether there is anything yet.
    Look,
    /// The data key, made.
    Make,
    /// A document to open at the start.
    Write,
    /// The data key, opened at the start.
    Open,
    /// The data key, wrapped anew.
    Rewrap,
    /// Whether there is anything to prove a rewrap with.
    LookForProof,
    /// What was written before, opened with what is wrapped now.
    Proof,
    /// A need: whether there is a document.
    LookForNeed,
    /// A need: a document that is there from now on.
    WriteForNeed,
    /// A need: the document; whether its data key is opened for it.
    Need { fresh: bool },
    /// The next need.
    Nothing,
}

/// What follows from an answer: first what is to be told, then whose turn it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Next {
    pub(crate) told: Vec<Told>,
    pub(crate) turn: Turn,
}

/// What is to be told of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// What it was given since its last order it has used.
    Used,
    /// Its data key is under this master key from now on.
    Under(String),
    /// It reads something else than it has written.
    ReadsOther,
    /// It logs this.
    Trouble(String),
    /// It serves.
    Ready,
    /// The data of the snapshot are made.
    Prepared,
}

/// Whose turn it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// The application's, to do this.
    Order(Order),
    /// Nobody's, until a need is due.
    Wait,
    /// It ends by itself, with these words.
    Ends(String),
    /// Nothing can be said of the product any more.
    Broken(String),
}

impl Course {
    /// The course of a process that takes orders, and its first one.
    pub(crate) fn new(errand: Errand, delegated: bool) -> (Self, Order) {
        let (order, awaits) = match &errand {
            Errand::Prepare(key_id) => (Order::Make { key_id: Some(key_id.clone()), delegated }, Awaits::Make),
            Errand::Serve | Errand::Rewrap => (Order::Look, Awaits::Look),
        };
        (Course { errand, delegated, awaits, opened: None }, order)
    }

    /// Whether it waits for its next need.
    pub(crate) fn waits(&self) -> bool {
        self.awaits == Awaits::Nothing
    }

    /// A need is due: what the application is told.
    pub(crate) fn needed(&mut self, now: Duration) -> Order {
        if self.opened.is_some_and(|at| now.saturating_sub(at) <= CACHED) {
            self.read_for_need(false)
        } else {
            self.awaits = Awaits::LookForNeed;
            Order::Look
        }
    }

    /// What follows from the answer to the last order.
    pub(crate) fn said(&mut self, said: Said, now: Duration) -> Next {
        let awaited = std::mem::replace(&mut self.awaits, Awaits::Nothing);
        let said = match said {
            Said::Failed { failed, kind } if kind == OF_ENCRYPTION => return self.trouble(awaited, failed),
            Said::Failed { failed, kind } => {
                return broken(format!("the application cannot go on, and not for its key: {kind}: {failed}"));
            }
            said => said,
        };
        let mut told = vec![Told::Used];
        let turn = match (awaited, said) {
            (Awaits::Look, Said::Found { key: false, .. }) if self.errand == Errand::Rewrap => {
                Turn::Ends("the key vault holds no data key (nothing to rewrap)".to_owned())
            }
            (Awaits::Look, Said::Found { key: true, .. }) if self.errand == Errand::Rewrap => {
                self.order(Order::Rewrap { delegated: self.delegated }, Awaits::Rewrap)
            }
            (Awaits::Look, Said::Found { key: false, .. }) => {
                self.order(Order::Make { key_id: None, delegated: self.delegated }, Awaits::Make)
            }
            (Awaits::Look, Said::Found { document: false, .. }) => self.write(Awaits::Write),
            (Awaits::Look, Said::Found { .. }) => self.read(Awaits::Open),
            (Awaits::Make, Said::Made { .. }) if matches!(self.errand, Errand::Prepare(_)) => {
                // It may have opened the master key, but there is no run yet.
                told.clear();
                self.write(Awaits::Write)
            }
            (Awaits::Make, Said::Made { made }) => {
                // What was just made is not in the cache: that is filled by opening only.
                told.extend([Told::Under(made), Told::Ready]);
                Turn::Wait
            }
            (Awaits::Write, Said::Wrote { .. }) if matches!(self.errand, Errand::Prepare(_)) => {
                told.push(Told::Prepared);
                Turn::Ends("prepared".to_owned())
            }
            (Awaits::Write, Said::Wrote { .. }) => self.read(Awaits::Open),
            (Awaits::Open, Said::Read { read, .. }) => {
                told.extend(compared(&read));
                told.push(Told::Ready);
                self.opened = Some(now);
                Turn::Wait
            }
            (Awaits::Rewrap, Said::Rewrapped { rewrapped: 1, under }) => {
                told.push(Told::Under(under));
                self.order(Order::Look, Awaits::LookForProof)
            }
            (Awaits::Rewrap, Said::Rewrapped { rewrapped, .. }) => {
                let mut next = self.trouble(awaited, format!("{rewrapped} data keys were wrapped anew"));
                told.append(&mut next.told);
                next.turn
            }
            (Awaits::LookForProof, Said::Found { document: true, .. }) => self.read(Awaits::Proof),
            (Awaits::LookForProof, Said::Found { .. }) => rewrapped(),
            (Awaits::Proof, Said::Read { read, .. }) => {
                told.extend(compared(&read));
                rewrapped()
            }
            (Awaits::LookForNeed, Said::Found { document: false, .. }) => self.write(Awaits::WriteForNeed),
            (Awaits::LookForNeed, Said::Found { .. }) | (Awaits::WriteForNeed, Said::Wrote { .. }) => {
                Turn::Order(self.read_for_need(true))
            }
            (Awaits::Need { fresh }, Said::Read { read, .. }) => {
                told.extend(compared(&read));
                if fresh {
                    self.opened = Some(now);
                }
                Turn::Wait
            }
            (Awaits::Nothing, said) => return broken(format!("the application says {said:?} and was not asked")),
            (awaited, said) => return broken(format!("the application says {said:?} where {awaited:?} is awaited")),
        };
        Next { told, turn }
    }

    fn order(&mut self, order: Order, awaits: Awaits) -> Turn {
        self.awaits = awaits;
        Turn::Order(order)
    }

    fn write(&mut self, awaits: Awaits) -> Turn {
        self.order(Order::Write { clear: CLEAR.to_owned() }, awaits)
    }

    fn read(&mut self, awaits: Awaits) -> Turn {
        self.order(Order::Read { fresh: true }, awaits)
    }

    fn read_for_need(&mut self, fresh: bool) -> Order {
        self.awaits = Awaits::Need { fresh };
        Order::Read { fresh }
    }

    /// It did not get what it needs. What it was given for that was not used.
    fn trouble(&mut self, awaited: Awaits, why: String) -> Next {
        let serves = matches!(awaited, Awaits::LookForNeed | Awaits::WriteForNeed | Awaits::Need { .. });
        let turn = if serves {
            // The application outlives a failure: whoever needed the key is told.
            self.opened = None;
            Turn::Wait
        } else {
            Turn::Ends(format!("{why} ({OF_ENCRYPTION})"))
        };
        Next { told: vec![Told::Trouble(why)], turn }
    }
}

impl Told {
    /// As an event of its process, where it is one by itself.
    pub(crate) fn event(&self) -> Option<What> {
        match self {
            Told::Used | Told::Under(_) | Told::Prepared => None,
            Told::ReadsOther => {
                let text = "the application read back something else than it had written".to_owned();
                Some(What::Finding { invariant: "K1".to_owned(), text })
            }
            Told::Trouble(text) => {
                Some(What::Log { severity: 'E', id: None, text: text.clone(), attributes: Vec::new() })
            }
            Told::Ready => Some(What::Process { state: ProcessState::Ready, why: None }),
        }
    }
}

fn compared(read: &str) -> Option<Told> {
    (read != CLEAR).then_some(Told::ReadsOther)
}

fn rewrapped() -> Turn {
    Turn::Ends("the data key is wrapped under another master key (rewrapped)".to_owned())
}

fn broken(why: String) -> Next {
    Next { told: Vec::new(), turn: Turn::Broken(why) }
}

#[cfg(test)]
mod tests;
