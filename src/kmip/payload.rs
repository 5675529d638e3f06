//! The payloads of the operations that are read (KMIP 1.4, clause 4): one structure per operation.
//!
//! Fields are taken in the order of the standard; what is unknown, twice or out of order is an error. A field of a
//! later minor version than the header's is read all the same: clients have been seen to send them.
//!
//! Invariant: text is borrowed from the message; only attributes, lists and key material are copied.

mod attributes;
mod check;
mod cipher;
mod locate;

use super::attribute::{Attribute, Name, RevocationReason};
use super::enums::{Enumeration, KeyCompressionType, KeyFormatType, KeyWrapType, ObjectType, Operation, QueryFunction};
use super::error::ItemError;
use super::object::{RegisteredObject, optional_enumeration, skip_structure};
use super::tag;
use super::version::ProtocolVersion;
use crate::ttlv::{Reader, TtlvError};

pub use attributes::{AttributeChange, DeleteAttribute};
pub use check::Check;
pub use cipher::{CipherRequest, CryptographicParameters, Data};
pub use locate::Locate;

/// What an operation is asked to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Payload<'a> {
    /// Get.
    Get(Get<'a>),
    /// Register. In a box, because it is large and rare.
    Register(Box<Register>),
    /// Activate.
    Activate(Activate<'a>),
    /// Revoke.
    Revoke(Revoke<'a>),
    /// Destroy.
    Destroy(Destroy<'a>),
    /// Get Attributes.
    GetAttributes(GetAttributes<'a>),
    /// Get Attribute List.
    GetAttributeList(GetAttributeList<'a>),
    /// Add Attribute.
    AddAttribute(AttributeChange<'a>),
    /// Modify Attribute.
    ModifyAttribute(AttributeChange<'a>),
    /// Delete Attribute.
    DeleteAttribute(DeleteAttribute<'a>),
    /// Check.
    Check(Check<'a>),
    /// Obtain Lease.
    ObtainLease(ObtainLease<'a>),
    /// Locate.
    Locate(Locate),
    /// Create.
    Create(Create),
    /// Query.
    Query(Query),
    /// Discover Versions.
    DiscoverVersions(DiscoverVersions),
    /// Encrypt.
    Encrypt(CipherRequest<'a>),
    /// Decrypt.
    Decrypt(CipherRequest<'a>),
    /// Any other operation; the payload is well-formed and was skipped.
    Other(Operation),
}

impl<'a> Payload<'a> {
    /// Reads the fields of a Request Payload.
    pub(crate) fn decode(operation: Operation, mut fields: Reader<'a>) -> Result<Self, ItemError> {
        let fields = &mut fields;
        let payload = match operation {
            Operation::GET => Payload::Get(Get::decode(fields)?),
            Operation::REGISTER => Payload::Register(Box::new(Register::decode(fields)?)),
            Operation::ACTIVATE => Payload::Activate(Activate { unique_identifier: unique_identifier(fields)? }),
            Operation::REVOKE => Payload::Revoke(Revoke::decode(fields)?),
            Operation::DESTROY => Payload::Destroy(Destroy { unique_identifier: unique_identifier(fields)? }),
            Operation::LOCATE => Payload::Locate(Locate::decode(fields)?),
            Operation::ENCRYPT => Payload::Encrypt(CipherRequest::decode(fields)?),
            Operation::DECRYPT => Payload::Decrypt(CipherRequest::decode(fields)?),
            Operation::GET_ATTRIBUTES => Payload::GetAttributes(GetAttributes::decode(fields)?),
            Operation::GET_ATTRIBUTE_LIST => {
                Payload::GetAttributeList(GetAttributeList { unique_identifier: unique_identifier(fields)? })
            }
            Operation::ADD_ATTRIBUTE => Payload::AddAttribute(AttributeChange::decode(fields)?),
            Operation::MODIFY_ATTRIBUTE => Payload::ModifyAttribute(AttributeChange::decode(fields)?),
            Operation::DELETE_ATTRIBUTE => Payload::DeleteAttribute(DeleteAttribute::decode(fields)?),
            Operation::CHECK => Payload::Check(Check::decode(fields)?),
            Operation::OBTAIN_LEASE => {
                Payload::ObtainLease(ObtainLease { unique_identifier: unique_identifier(fields)? })
            }
            Operation::CREATE => Payload::Create(Create::decode(fields)?),
            Operation::QUERY => Payload::Query(Query::decode(fields)?),
            Operation::DISCOVER_VERSIONS => Payload::DiscoverVersions(DiscoverVersions::decode(fields)?),
            other => {
                fields.skip_rest()?;
                Payload::Other(other)
            }
        };
        fields.finish()?;
        Ok(payload)
    }
}

/// Get (clause 4.11): return the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Get<'a> {
    /// Which object; without it, the one of the ID Placeholder.
    pub unique_identifier: Option<&'a str>,
    /// In which format.
    pub key_format_type: Option<KeyFormatType>,
    /// Wrapped or not.
    pub key_wrap_type: Option<KeyWrapType>,
    /// How packed, for elliptic curves.
    pub key_compression_type: Option<KeyCompressionType>,
    /// Whether the client wants the key wrapped with another key.
    pub key_wrapping_specification: bool,
}

impl<'a> Get<'a> {
    #[inline]
    fn decode(fields: &mut Reader<'a>) -> Result<Self, TtlvError> {
        Ok(Get {
            unique_identifier: unique_identifier(fields)?,
            key_format_type: optional_enumeration(fields)?,
            key_wrap_type: optional_enumeration(fields)?,
            key_compression_type: optional_enumeration(fields)?,
            key_wrapping_specification: skip_structure(fields, tag::KEY_WRAPPING_SPECIFICATION)?,
        })
    }
}

/// Register (clause 4.3): keep an object that the client brings.
#[derive(Debug, PartialEq, Eq)]
pub struct Register {
    /// The type of the object; it is the object's.
    pub object_type: ObjectType,
    /// What the object shall be.
    pub template: TemplateAttribute,
    /// The object.
    pub object: RegisteredObject,
}

impl Register {
    fn decode(fields: &mut Reader<'_>) -> Result<Self, ItemError> {
        let object_type = ObjectType::read(&fields.required(tag::OBJECT_TYPE)?)?;
        let template = TemplateAttribute::decode(fields)?;
        let object = RegisteredObject::decode(fields, object_type)?;
        Ok(Register { object_type, template, object })
    }
}

/// Activate (clause 4.19): make the object usable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Activate<'a> {
    /// Which object; without it, the one of the ID Placeholder.
    pub unique_identifier: Option<&'a str>,
}

/// Revoke (clause 4.20): the object may no longer be used as before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoke<'a> {
    /// Which object; without it, the one of the ID Placeholder.
    pub unique_identifier: Option<&'a str>,
    /// Why.
    pub revocation_reason: RevocationReason,
    /// When the compromise is believed to have happened: seconds since 1970-01-01 UTC.
    pub compromise_occurrence_date: Option<i64>,
}

impl<'a> Revoke<'a> {
    fn decode(fields: &mut Reader<'a>) -> Result<Self, TtlvError> {
        Ok(Revoke {
            unique_identifier: unique_identifier(fields)?,
            revocation_reason: RevocationReason::decode(&fields.required(tag::REVOCATION_REASON)?)?,
            compromise_occurrence_date: fields
                .optional(tag::COMPROMISE_OCCURRENCE_DATE)?
                .map(|date| date.date_time())
                .transpose()?,
        })
    }
}

/// Destroy (clause 4.21): throw the object's material away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Destroy<'a> {
    /// Which object; without it, the one of the ID Placeholder.
    pub unique_identifier: Option<&'a str>,
}

/// Get Attributes (clause 4.12).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetAttributes<'a> {
    /// Which object; without it, the one of the ID Placeholder.
    pub unique_identifier: Option<&'a str>,
    /// Which attributes; without any, all.
    pub attribute_names: Vec<&'a str>,
}

impl<'a> GetAttributes<'a> {
    fn decode(fields: &mut Reader<'a>) -> Result<Self, TtlvError> {
        let unique_identifier = unique_identifier(fields)?;
        let mut attribute_names = Vec::new();
        while let Some(name) = fields.optional(tag::ATTRIBUTE_NAME)? {
            attribute_names.push(name.text_string()?);
        }
        Ok(GetAttributes { unique_identifier, attribute_names })
    }
}

/// Get Attribute List (clause 4.13): the names of the attributes that an object has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GetAttributeList<'a> {
    /// Which object; without it, the one of the ID Placeholder.
    pub unique_identifier: Option<&'a str>,
}

/// Obtain Lease (clause 4.17): for how long the object may be used without asking again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObtainLease<'a> {
    /// Which object; without it, the one of the ID Placeholder.
    pub unique_identifier: Option<&'a str>,
}

/// Create (clause 4.1): make a new symmetric key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Create {
    /// The type of the object.
    pub object_type: ObjectType,
    /// What it shall be.
    pub template: TemplateAttribute,
}

impl Create {
    fn decode(fields: &mut Reader<'_>) -> Result<Self, ItemError> {
        let object_type = ObjectType::read(&fields.required(tag::OBJECT_TYPE)?)?;
        Ok(Create { object_type, template: TemplateAttribute::decode(fields)? })
    }
}

/// Query (clause 4.25): what the server can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// What is asked about; at least one.
    pub functions: Vec<QueryFunction>,
}

impl Query {
    fn decode(fields: &mut Reader<'_>) -> Result<Self, TtlvError> {
        let mut functions = vec![QueryFunction::read(&fields.required(tag::QUERY_FUNCTION)?)?];
        while let Some(function) = optional_enumeration(fields)? {
            functions.push(function);
        }
        Ok(Query { functions })
    }
}

/// Discover Versions (clause 4.26): which versions both sides speak.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiscoverVersions {
    /// The client's versions, the preferred one first; empty asks for all of the server's.
    pub versions: Vec<ProtocolVersion>,
}

impl DiscoverVersions {
    fn decode(fields: &mut Reader<'_>) -> Result<Self, TtlvError> {
        let mut versions = Vec::new();
        while let Some(version) = fields.optional(tag::PROTOCOL_VERSION)? {
            versions.push(protocol_version(version.structure()?)?);
        }
        Ok(DiscoverVersions { versions })
    }
}

/// What a new object shall be (clause 2.1.8).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TemplateAttribute {
    /// Names of Template objects whose attributes shall be taken over; deprecated since 1.3.
    pub names: Vec<Name>,
    /// Attributes.
    pub attributes: Vec<Attribute>,
}

impl TemplateAttribute {
    fn decode(payload: &mut Reader<'_>) -> Result<Self, ItemError> {
        let mut fields = payload.required(tag::TEMPLATE_ATTRIBUTE)?.structure()?;
        let mut template = TemplateAttribute::default();
        while let Some(name) = fields.optional(tag::NAME)? {
            template.names.push(Name::decode(&name)?);
        }
        while let Some(attribute) = fields.optional(tag::ATTRIBUTE)? {
            template.attributes.push(Attribute::decode(&attribute)?);
        }
        fields.finish()?;
        Ok(template)
    }
}

#[inline]
fn unique_identifier<'a>(fields: &mut Reader<'a>) -> Result<Option<&'a str>, TtlvError> {
    fields.optional(tag::UNIQUE_IDENTIFIER)?.map(|item| item.text_string()).transpose()
}

/// The fields of a Protocol Version (clause 6.1).
#[inline]
pub(crate) fn protocol_version(mut fields: Reader<'_>) -> Result<ProtocolVersion, TtlvError> {
    let major = fields.required(tag::PROTOCOL_VERSION_MAJOR)?.integer()?;
    let minor = fields.required(tag::PROTOCOL_VERSION_MINOR)?.integer()?;
    fields.finish()?;
    Ok(ProtocolVersion { major, minor })
}
