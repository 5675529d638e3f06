//! TTLV, the byte format of KMIP (KMIP 1.4, clause 9.1): a three-byte tag, a type, a length, a value padded to eight.
//!
//! A [`Reader`] walks borrowed bytes and hands out [`Item`]s; a [`Writer`] appends items to a buffer that is used again
//! for the next message; [`pretty()`] prints a message for a log. What a tag means is not known here.
//!
//! Invariant: a length that was read is only ever compared with the bytes at hand. Nothing is allocated from it.

mod error;
mod item;
mod pretty;
mod reader;
mod writer;

pub use error::{TtlvError, TtlvErrorKind};
pub use item::{Item, ItemType, Tag, Value};
pub use pretty::{Vocabulary, pretty};
pub use reader::{DEPTH_LIMIT, Reader};
pub use writer::{Open, Writer};
