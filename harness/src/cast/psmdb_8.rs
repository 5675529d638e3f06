//! Percona Server for MongoDB 8.0 with `security.kmip`: a key that is not active is not used.
//!
//! What it does from start to exit is [`psmdb`].
//!
//! Invariant: this file holds no behaviour, only which one it is.

use super::psmdb::{self, Dialect};
use super::{Held, Persona};

/// This persona.
pub(super) const PERSONA: Persona = Persona {
    name: "psmdb-8",
    description: "Percona Server for MongoDB 8.0, KMIP 1.0, keys made by the database and registered",
    evidence: "behaviour from Percona's public sources and documentation; bytes, and the crash on a failure without a \
               ResultMessage, from libkmip (Percona-Lab 82988b2), Percona's client library, filled as Percona Server \
               fills it; not captured from a running server, and which libkmip its packages link is not known",
    held: Held::AesKey,
    play: |stage, settings, dbpath| psmdb::play(&Dialect { tolerates_pre_active: false }, stage, settings, dbpath),
};
