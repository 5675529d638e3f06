//! The lab's own small KMIP reader and writer: an oracle that shares nothing with the product's codec.
//!
//! [`item`] turns bytes into a tree and back, [`names`] says what the numbers mean, [`message`] builds requests and
//! reads answers, and [`since`] knows in which version of the standard each thing first appeared.
//!
//! Invariant: nothing in this room uses `kmip_proxy::ttlv` or `kmip_proxy::kmip`.

pub mod item;
pub mod message;
pub mod names;
pub mod since;
mod tables;

pub use item::{Item, Value, WireError, parse, text, text_with_secrets, write};
pub use message::{Answer, AnswerItem, Header};
pub use since::{Leaf, leaves, younger};
