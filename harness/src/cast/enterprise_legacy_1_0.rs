//! MongoDB Enterprise with `security.kmip.useLegacyProtocol`: KMIP 1.0.
//!
//! What it does from start to exit is [`enterprise`].
//!
//! Invariant: this file holds no behaviour, only which one it is.

use super::enterprise;
use super::{Held, Persona};

/// This persona.
pub(super) const PERSONA: Persona = Persona {
    name: "enterprise-legacy-1.0",
    description: "MongoDB Enterprise with useLegacyProtocol, KMIP 1.0, keys made by the server (synthetic)",
    evidence: "synthetic: behaviour from MongoDB's public manual and tickets, gaps filled by assumption; bytes are those \
               of PyKMIP's client, a public stand-in; MongoDB Enterprise is closed and was not captured",
    held: Held::AesKey,
    play: |stage, settings, dbpath| enterprise::play((1, 0), stage, settings, dbpath),
};
