//! A managed object: what KMIP knows of a key apart from its material.
//!
//! Numbers of the standard are kept as numbers: this room does not interpret algorithms or masks.
//!
//! Invariant: state and dates change together, and only through [`ManagedObject::apply`], [`ManagedObject::revoke`] and
//! [`ManagedObject::pass_to`].

use super::{Event, Refused, State};

/// What kind of object it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ObjectType {
    /// A symmetric key: mongod's master key.
    SymmetricKey,
    /// Secret bytes: what drivers register for client-side encryption.
    SecretData {
        /// The Secret Data Type (KMIP 1.4 section 9.1.3.2.9: 1 is Password, 2 is Seed).
        kind: u32,
    },
    /// A template: attributes for objects that are made later. It has no material, and so no state of its own.
    Template,
}

impl ObjectType {
    /// The number on the wire (KMIP 1.4 section 9.1.3.2.12).
    pub fn number(self) -> u32 {
        match self {
            ObjectType::SymmetricKey => 2,
            ObjectType::SecretData { .. } => 7,
            ObjectType::Template => 6,
        }
    }

    /// The spelling in key files.
    pub fn as_str(self) -> &'static str {
        match self {
            ObjectType::SymmetricKey => "SymmetricKey",
            ObjectType::SecretData { .. } => "SecretData",
            ObjectType::Template => "Template",
        }
    }

    /// Whether such objects have key material, which a provider wraps.
    pub fn has_material(self) -> bool {
        self != ObjectType::Template
    }
}

/// Why an object was revoked (KMIP 1.4 section 3.31).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// The Revocation Reason Code.
    pub code: u32,
    /// The Revocation Message.
    pub message: Option<String>,
}

/// A Name (KMIP 1.4 section 3.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectName {
    /// The name.
    pub value: String,
    /// The Name Type (1 is a text, 2 a URI).
    pub kind: u32,
    /// The Attribute Index, which stays when another Name goes.
    pub index: u32,
}

impl ObjectName {
    /// The Name Type of a text that means nothing to the server.
    pub const TEXT: u32 = 1;

    /// Names that are texts, in this order.
    pub fn texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<Self> {
        let named = |(index, value): (u32, &str)| ObjectName { value: value.to_owned(), kind: Self::TEXT, index };
        (0..).zip(texts).map(named).collect()
    }
}

/// What the material hashes to (KMIP 1.4 section 3.17). It is computed when the material is at hand, so that nobody has
/// to open the key for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaterialDigest {
    /// The Hashing Algorithm (6 is SHA-256).
    pub hashing_algorithm: u32,
    /// The Key Format Type of what was hashed.
    pub key_format_type: u32,
    /// The hash.
    pub value: Vec<u8>,
}

/// Who may be given the material (KMIP 1.4 sections 3.48 to 3.51).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Protection {
    /// It leaves the server only wrapped.
    pub sensitive: bool,
    /// That has been so all its life.
    pub always_sensitive: bool,
    /// It may leave the server.
    pub extractable: bool,
    /// It never might.
    pub never_extractable: bool,
}

impl Default for Protection {
    fn default() -> Self {
        Protection { sensitive: false, always_sensitive: false, extractable: true, never_extractable: false }
    }
}

/// An attribute that is kept for clients and means nothing to the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherAttribute {
    /// The Attribute Name.
    pub name: String,
    /// The Attribute Index, which stays when another attribute of the name goes.
    pub index: u32,
    /// The Attribute Value: an item in TTLV.
    pub value: Vec<u8>,
}

/// A managed object without its material. Dates are seconds since 1970, as on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManagedObject {
    /// The Unique Identifier.
    pub unique_identifier: String,
    /// The Object Type.
    pub object_type: ObjectType,
    /// The Cryptographic Algorithm (KMIP 1.4 section 9.1.3.2.13: 3 is AES), where the object has one.
    pub algorithm: Option<u32>,
    /// The Cryptographic Length in bits, where the object has one.
    pub length_bits: Option<u32>,
    /// The Cryptographic Usage Mask (KMIP 1.4 section 9.1.3.3.1: Encrypt is 4, Decrypt is 8).
    pub usage_mask: u32,
    /// The State.
    pub state: State,
    /// The Initial Date: when the object came to be here.
    pub initial_date: i64,
    /// The Activation Date; it may lie in the future.
    pub activation_date: Option<i64>,
    /// The Deactivation Date; it may lie in the future.
    pub deactivation_date: Option<i64>,
    /// The Destroy Date.
    pub destroy_date: Option<i64>,
    /// The Compromise Date: when the compromise was reported.
    pub compromise_date: Option<i64>,
    /// The Compromise Occurrence Date: when it is believed to have happened.
    pub compromise_occurrence_date: Option<i64>,
    /// The Revocation Reason.
    pub revocation: Option<Revocation>,
    /// The Last Change Date.
    pub last_change_date: i64,
    /// The Process Start Date; it may lie in the future.
    pub process_start_date: Option<i64>,
    /// The Protect Stop Date; it may lie in the future.
    pub protect_stop_date: Option<i64>,
    /// The Original Creation Date: when the material came to be, wherever that was.
    pub original_creation_date: Option<i64>,
    /// Whose object it is, where clients are kept apart: the owner that the client's certificate names.
    pub owner: Option<String>,
    /// The Names, in the order in which they were given.
    pub names: Vec<ObjectName>,
    /// The Digest, where it was computed.
    pub digest: Option<MaterialDigest>,
    /// Fresh: whether no client has been given the object yet. Not known of objects that an older version stored.
    pub fresh: Option<bool>,
    /// The Random Number Generator: the RNG Algorithm that drew the material, where that was here.
    pub random_number_generator: Option<u32>,
    /// Who may be given the material.
    pub protection: Protection,
    /// All other attributes, in the order in which they were given.
    pub attributes: Vec<OtherAttribute>,
    /// Of a template: what it hands on to the objects that are made with it.
    pub template: Vec<OtherAttribute>,
}

impl ManagedObject {
    /// A new object in state Pre-Active, without names and optional attributes.
    pub fn new(unique_identifier: String, object_type: ObjectType, now: i64) -> Self {
        ManagedObject {
            unique_identifier,
            object_type,
            algorithm: None,
            length_bits: None,
            usage_mask: 0,
            state: State::PreActive,
            initial_date: now,
            activation_date: None,
            deactivation_date: None,
            destroy_date: None,
            compromise_date: None,
            compromise_occurrence_date: None,
            revocation: None,
            last_change_date: now,
            process_start_date: None,
            protect_stop_date: None,
            original_creation_date: None,
            owner: None,
            names: Vec::new(),
            digest: None,
            fresh: None,
            random_number_generator: None,
            protection: Protection::default(),
            attributes: Vec::new(),
            template: Vec::new(),
        }
    }

    /// Lets an event happen at a time: the state moves and the date of the event is noted. A refusal changes nothing.
    pub fn apply(&mut self, event: Event, now: i64) -> Result<(), Refused> {
        self.state = self.state.after(event)?;
        let date = match event {
            Event::Activate => &mut self.activation_date,
            Event::Deactivate => &mut self.deactivation_date,
            Event::Compromise => &mut self.compromise_date,
            Event::Destroy => &mut self.destroy_date,
        };
        *date = Some(now);
        self.last_change_date = now;
        Ok(())
    }

    /// Revokes: a compromise compromises, any other reason deactivates (KMIP 1.4 section 4.20). A compromise that nobody
    /// dates may be as old as the object. A refusal changes nothing.
    pub fn revoke(&mut self, reason: Revocation, occurred: Option<i64>, now: i64) -> Result<(), Refused> {
        let event = Event::of_revocation(reason.code);
        self.apply(event, now)?;
        if event == Event::Compromise {
            self.compromise_occurrence_date = Some(occurred.unwrap_or(self.initial_date));
        }
        self.revocation = Some(reason);
        Ok(())
    }

    /// Lets the dates take effect that have come by now: an activation date activates, a deactivation date deactivates
    /// (KMIP 1.4 section 3.22, transitions 4 and 6). The dates themselves stay as they were set.
    pub fn pass_to(&mut self, now: i64) {
        if self.state == State::PreActive && self.activation_date.is_some_and(|date| date <= now) {
            self.state = State::Active;
        }
        if self.state == State::Active && self.deactivation_date.is_some_and(|date| date <= now) {
            self.state = State::Deactivated;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> ManagedObject {
        ManagedObject::new("k".to_owned(), ObjectType::SymmetricKey, 100)
    }

    #[test]
    fn events_leave_their_dates() {
        let mut object = key();
        object.apply(Event::Activate, 110).unwrap();
        object.apply(Event::Deactivate, 120).unwrap();
        object.apply(Event::Compromise, 130).unwrap();
        object.apply(Event::Destroy, 140).unwrap();
        assert_eq!(object.state, State::DestroyedCompromised);
        assert_eq!(
            (object.activation_date, object.deactivation_date, object.compromise_date, object.destroy_date),
            (Some(110), Some(120), Some(130), Some(140))
        );
        assert_eq!((object.initial_date, object.last_change_date), (100, 140));
    }

    #[test]
    fn a_refusal_changes_nothing() {
        let mut object = key();
        object.apply(Event::Activate, 110).unwrap();
        let before = object.clone();
        assert!(object.apply(Event::Destroy, 120).is_err());
        assert_eq!(object, before);
    }

    #[test]
    fn a_revocation_leaves_its_reason_and_a_compromise_when_it_occurred() {
        let reason = |code| Revocation { code, message: Some("lost".to_owned()) };
        // Key Compromise is 2, Superseded 5 (KMIP 1.4 section 9.1.3.2.19).
        for (code, occurred, state, expected) in [
            (2, Some(50), State::Compromised, Some(50)),
            (2, None, State::Compromised, Some(100)),
            (5, None, State::Deactivated, None),
        ] {
            let mut object = key();
            object.apply(Event::Activate, 110).unwrap();
            object.revoke(reason(code), occurred, 120).unwrap();
            assert_eq!((object.state, object.compromise_occurrence_date), (state, expected));
            assert_eq!((object.revocation.clone(), object.last_change_date), (Some(reason(code)), 120));
        }
        let mut fresh = key();
        assert!(fresh.revoke(reason(5), None, 120).is_err());
        assert_eq!(fresh, key(), "what was never active cannot be deactivated");
    }

    #[test]
    fn dates_take_effect_when_they_come() {
        let mut object = key();
        object.activation_date = Some(200);
        object.deactivation_date = Some(300);
        for (now, expected) in [(199, State::PreActive), (200, State::Active), (300, State::Deactivated)] {
            object.pass_to(now);
            assert_eq!(object.state, expected, "at {now}");
        }
        let mut late = key();
        late.activation_date = Some(200);
        late.deactivation_date = Some(300);
        late.pass_to(1000);
        assert_eq!(late.state, State::Deactivated);
    }
}
