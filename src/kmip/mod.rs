//! KMIP 1.0 to 1.4: what requests mean, and how answers are written.
//!
//! [`RequestMessage::decode`] turns bytes into a request; [`ResponseMessage::encode`] turns an answer into bytes. Both
//! read the tables: [`tag`], [`enums`], [`attribute_name`], each with the version that brought every entry. Clauses
//! are those of the KMIP 1.4 specification.
//!
//! Invariant: no answer holds anything younger than its version.

pub mod attribute;
pub mod attribute_name;
mod encoder;
pub mod enums;
pub mod error;
pub mod object;
pub mod payload;
mod print;
pub mod request;
pub mod response;
pub mod response_payload;
pub mod spelling;
pub mod tag;
pub mod version;

pub use attribute::{Attribute, AttributeValue, Digest, Name, RandomNumberGenerator, RawValue, RevocationReason};
pub use encoder::Younger;
pub use error::{FrameError, FrameErrorKind, ItemError};
pub use object::{KeyMaterial, RegisteredObject};
pub use payload::Payload;
pub use print::pretty;
pub use request::{BatchItem, MessageExtension, RequestHeader, RequestMessage};
pub use response::{ResponseItem, ResponseMessage};
pub use response_payload::{Capabilities, KeyBytes, ManagedObject, QueryAnswer, ResponsePayload};
pub use version::ProtocolVersion;

#[cfg(test)]
mod tests;
