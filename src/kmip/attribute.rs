//! Attributes (KMIP 1.4, clauses 2.1.1 and 3): those that this program understands by type, all others as they came.
//!
//! Invariant: an attribute of the standard has the type of its row in [`attribute_name`], also where its value is only
//! carried along.

mod structures;

use std::fmt;

use super::attribute_name;
use super::encoder::{Encoder, Younger};
use super::enums::{CryptographicAlgorithm, Enumeration, ObjectType, State, value_entry};
use super::error::ItemError;
use super::tag;
use super::version::ProtocolVersion;
use crate::ttlv::{Item, ItemType, Reader, TtlvError, TtlvErrorKind, Value};

pub use structures::{Digest, Name, RandomNumberGenerator, RevocationReason};

/// One attribute of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Which of several attributes of one name; 0 is meant where none is given.
    pub index: Option<i32>,
    /// The name with its value.
    pub value: AttributeValue,
}

impl Attribute {
    /// The name, such as `Cryptographic Length`.
    pub fn name(&self) -> &str {
        self.value.name()
    }

    /// Reads an Attribute structure.
    pub(crate) fn decode(item: &Item<'_>) -> Result<Self, ItemError> {
        let mut fields = item.structure()?;
        let name = fields.required(tag::ATTRIBUTE_NAME)?.text_string()?;
        let index = fields.optional(tag::ATTRIBUTE_INDEX)?.map(|index| index.integer()).transpose()?;
        let value = fields.required(tag::ATTRIBUTE_VALUE)?;
        fields.finish()?;
        Ok(Attribute { index, value: AttributeValue::decode(name, &value)? })
    }

    /// Writes an Attribute structure, or nothing if anything in it is younger than the message's version.
    pub(crate) fn encode(&self, encoder: &mut Encoder<'_>) {
        encoder.optional(|encoder| {
            encoder.structure(tag::ATTRIBUTE, |encoder| {
                encoder.attribute_name(self.name());
                if let Some(index) = self.index {
                    encoder.integer(tag::ATTRIBUTE_INDEX, index);
                }
                self.value.encode(encoder);
            });
        });
    }
}

impl From<AttributeValue> for Attribute {
    fn from(value: AttributeValue) -> Self {
        Attribute { index: None, value }
    }
}

macro_rules! attribute_values {
    ($($(#[$doc:meta])* $variant:ident($type:ty) = $name:ident;)+) => {
        /// A name with its value.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum AttributeValue {
            $($(#[$doc])* $variant($type),)+
            /// An attribute that this program does not interpret.
            Other {
                /// The name as it was sent.
                name: String,
                /// The value as it was sent.
                value: RawValue,
            },
        }

        impl AttributeValue {
            /// The name, such as `Cryptographic Length`.
            pub fn name(&self) -> &str {
                match self {
                    $(AttributeValue::$variant(_) => attribute_name::$name,)+
                    AttributeValue::Other { name, .. } => name,
                }
            }

            fn decode(name: &str, item: &Item<'_>) -> Result<Self, ItemError> {
                let wrong_type = |error: TtlvError| match error.kind {
                    TtlvErrorKind::WrongType { .. } => ItemError::AttributeType { name: name.to_owned(), error },
                    _ => ItemError::Malformed(error),
                };
                match name {
                    $(attribute_name::$name =>
                        <$type as Typed>::read_value(item).map(AttributeValue::$variant).map_err(wrong_type),)+
                    _ => {
                        structures::check_carried(name, item).map_err(wrong_type)?;
                        Ok(AttributeValue::Other { name: name.to_owned(), value: RawValue::read_value(item)? })
                    }
                }
            }

            fn encode(&self, encoder: &mut Encoder<'_>) {
                match self {
                    $(AttributeValue::$variant(value) => value.write_value(encoder),)+
                    AttributeValue::Other { name, value } => {
                        match structures::later_field(name, value.encoded(), encoder.version()) {
                            Some(younger) => encoder.leave_out(younger),
                            None => value.write_value(encoder),
                        }
                    }
                }
            }
        }
    };
}

attribute_values! {
    /// How clients name the object; given out by the server.
    UniqueIdentifier(String) = UNIQUE_IDENTIFIER;
    /// A name that the client chose.
    Name(Name) = NAME;
    /// The type of the object.
    ObjectType(ObjectType) = OBJECT_TYPE;
    /// What a key is for.
    CryptographicAlgorithm(CryptographicAlgorithm) = CRYPTOGRAPHIC_ALGORITHM;
    /// The length of a key in bits.
    CryptographicLength(i32) = CRYPTOGRAPHIC_LENGTH;
    /// What a key may be used for: a sum of bits (clause 9.1.3.3.1), Encrypt is 4 and Decrypt is 8.
    CryptographicUsageMask(i32) = CRYPTOGRAPHIC_USAGE_MASK;
    /// Where the object stands in its life.
    State(State) = STATE;
    /// When the object came to the server: seconds since 1970-01-01 UTC.
    InitialDate(i64) = INITIAL_DATE;
    /// From when on the object may be used: seconds since 1970-01-01 UTC.
    ActivationDate(i64) = ACTIVATION_DATE;
    /// From when on the object may only open what it protected before: seconds since 1970-01-01 UTC.
    DeactivationDate(i64) = DEACTIVATION_DATE;
    /// When the object's material was destroyed: seconds since 1970-01-01 UTC.
    DestroyDate(i64) = DESTROY_DATE;
    /// When the object is believed to have become known to others: seconds since 1970-01-01 UTC.
    CompromiseOccurrenceDate(i64) = COMPROMISE_OCCURRENCE_DATE;
    /// When the server was told of that: seconds since 1970-01-01 UTC.
    CompromiseDate(i64) = COMPROMISE_DATE;
    /// Why the object was revoked.
    RevocationReason(RevocationReason) = REVOCATION_REASON;
    /// When anything about the object last changed: seconds since 1970-01-01 UTC.
    LastChangeDate(i64) = LAST_CHANGE_DATE;
    /// A group that the object belongs to.
    ObjectGroup(String) = OBJECT_GROUP;
    /// From when on the object may open what it protected: seconds since 1970-01-01 UTC.
    ProcessStartDate(i64) = PROCESS_START_DATE;
    /// From when on the object may protect nothing new: seconds since 1970-01-01 UTC.
    ProtectStopDate(i64) = PROTECT_STOP_DATE;
    /// When the object came to be, wherever that was: seconds since 1970-01-01 UTC.
    OriginalCreationDate(i64) = ORIGINAL_CREATION_DATE;
    /// What the object's material hashes to.
    Digest(Digest) = DIGEST;
    /// For how long a client may use the object without asking again: seconds.
    LeaseTime(u32) = LEASE_TIME;
    /// Whether no client has been given the object yet.
    Fresh(bool) = FRESH;
    /// What drew the object's material.
    RandomNumberGenerator(RandomNumberGenerator) = RANDOM_NUMBER_GENERATOR;
    /// Whether the object leaves the server only wrapped.
    Sensitive(bool) = SENSITIVE;
    /// Whether that has been so all its life.
    AlwaysSensitive(bool) = ALWAYS_SENSITIVE;
    /// Whether the object may leave the server.
    Extractable(bool) = EXTRACTABLE;
    /// Whether it never might.
    NeverExtractable(bool) = NEVER_EXTRACTABLE;
}

impl AttributeValue {
    /// The Attribute Value item, for keeping.
    pub fn to_encoded(&self) -> Vec<u8> {
        let mut encoded = Vec::new();
        self.encode(&mut Encoder::new(&mut encoded, ProtocolVersion::V1_4));
        encoded
    }

    /// The value of an attribute of this name from an item that was kept.
    pub fn from_encoded(name: &str, encoded: &[u8]) -> Result<Self, ItemError> {
        AttributeValue::decode(name, &Reader::only_item(encoded)?)
    }
}

/// The value of an attribute that is only carried along: the item as it was sent, known to be well-formed.
#[derive(Clone, PartialEq, Eq)]
pub struct RawValue {
    item_type: ItemType,
    encoded: Vec<u8>,
}

impl RawValue {
    /// The type of the value.
    pub fn item_type(&self) -> ItemType {
        self.item_type
    }

    /// The Attribute Value item: tag, type, length, value and padding.
    pub fn encoded(&self) -> &[u8] {
        &self.encoded
    }

    /// Takes an Attribute Value item that was stored with [`RawValue::encoded`].
    pub fn from_encoded(encoded: &[u8]) -> Result<Self, TtlvError> {
        let item = Reader::only_item(encoded)?;
        if item.tag == tag::ATTRIBUTE_VALUE {
            RawValue::read_value(&item)
        } else {
            Err(TtlvError::new(TtlvErrorKind::Unexpected(item.tag), 0))
        }
    }
}

/// Shows type and size only: nobody knows what vendors put into their attributes.
impl fmt::Debug for RawValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawValue({}, {} bytes)", self.item_type, self.encoded.len())
    }
}

/// How a value stands in an Attribute Value item.
trait Typed: Sized {
    fn read_value(item: &Item<'_>) -> Result<Self, TtlvError>;
    fn write_value(&self, encoder: &mut Encoder<'_>);
}

impl Typed for String {
    fn read_value(item: &Item<'_>) -> Result<Self, TtlvError> {
        item.text_string().map(str::to_owned)
    }

    fn write_value(&self, encoder: &mut Encoder<'_>) {
        encoder.text_string(tag::ATTRIBUTE_VALUE, self);
    }
}

impl Typed for i32 {
    fn read_value(item: &Item<'_>) -> Result<Self, TtlvError> {
        item.integer()
    }

    fn write_value(&self, encoder: &mut Encoder<'_>) {
        encoder.integer(tag::ATTRIBUTE_VALUE, *self);
    }
}

/// All 64-bit attributes of the table are dates.
impl Typed for i64 {
    fn read_value(item: &Item<'_>) -> Result<Self, TtlvError> {
        item.date_time()
    }

    fn write_value(&self, encoder: &mut Encoder<'_>) {
        encoder.date_time(tag::ATTRIBUTE_VALUE, *self);
    }
}

/// All unsigned attributes of the table are intervals.
impl Typed for u32 {
    fn read_value(item: &Item<'_>) -> Result<Self, TtlvError> {
        item.interval()
    }

    fn write_value(&self, encoder: &mut Encoder<'_>) {
        encoder.interval(tag::ATTRIBUTE_VALUE, *self);
    }
}

impl Typed for bool {
    fn read_value(item: &Item<'_>) -> Result<Self, TtlvError> {
        item.boolean()
    }

    fn write_value(&self, encoder: &mut Encoder<'_>) {
        encoder.boolean(tag::ATTRIBUTE_VALUE, *self);
    }
}

impl<E: Enumeration> Typed for E {
    fn read_value(item: &Item<'_>) -> Result<Self, TtlvError> {
        E::read(item)
    }

    fn write_value(&self, encoder: &mut Encoder<'_>) {
        encoder.enumeration(tag::ATTRIBUTE_VALUE, *self);
    }
}

impl Typed for RawValue {
    fn read_value(item: &Item<'_>) -> Result<Self, TtlvError> {
        if let Value::Structure(inside) = &item.value {
            inside.clone().skip_rest()?;
        }
        Ok(RawValue { item_type: item.item_type(), encoded: item.encoded.to_vec() })
    }

    fn write_value(&self, encoder: &mut Encoder<'_>) {
        encoder.encoded(&self.encoded);
    }
}

/// The first thing in an encoded item, at any depth, that a message of that version may not hold.
pub(crate) fn first_younger(encoded: &[u8], version: ProtocolVersion) -> Option<Younger> {
    fn search(mut reader: Reader<'_>, version: ProtocolVersion) -> Option<Younger> {
        while let Ok(Some(item)) = reader.next_item() {
            if !tag::allowed_in(item.tag, version) {
                return Some(Younger::tag(item.tag));
            }
            let found = match item.value {
                Value::Structure(inside) => search(inside, version),
                Value::Enumeration(number) => value_entry(item.tag, number)
                    .filter(|(_, since)| *since > version)
                    .map(|(name, since)| Younger { what: name.to_owned(), since: Some(since) }),
                _ => None,
            };
            if found.is_some() {
                return found;
            }
        }
        None
    }
    search(Reader::new(encoded), version)
}
