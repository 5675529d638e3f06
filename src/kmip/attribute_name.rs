//! Attributes (KMIP 1.4, clause 3): their names, the version that brought each, who may set, change and delete it, and
//! which objects have it: one table, from the tables of rules at the end of each clause.
//!
//! Invariant: a name that is neither in the table nor a custom one (`x-`, `y-`) belongs to no version that we speak.

use super::tag;
use super::version::ProtocolVersion;
use crate::ttlv::{ItemType, Tag};

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct AttributeRow {
    /// The name.
    pub name: &'static str,
    /// The tag of the same name, whose type the value has.
    pub tag: Tag,
    /// The first version that has it.
    pub since: ProtocolVersion,
    /// How many an object may have.
    pub instances: Instances,
    /// Who sets it on a new object.
    pub set_by: SetBy,
    /// When a client may change it, or add it where there is none.
    pub modify: Modify,
    /// Whether a client may take it away.
    pub delete: Delete,
    /// Which objects have it: a sum of [`KEY`], [`SECRET`] and [`TEMPLATE`].
    pub objects: u8,
}

/// How many attributes of one name an object may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instances {
    /// One at most.
    One,
    /// Several, told apart by their Attribute Index.
    Many,
}

/// Who sets an attribute on a new object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetBy {
    /// The server alone.
    Server,
    /// The client; where it says nothing, the server may.
    Client,
}

/// When a client may change an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Modify {
    /// Never: it is read-only.
    Never,
    /// At any time.
    Always,
    /// While the object is Pre-Active.
    PreActive,
    /// While the object is Pre-Active or Active, and the date has not come.
    BeforeItComes,
    /// While the object is Pre-Active or Active.
    BeforeDeactivated,
}

/// Whether a client may take an attribute away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delete {
    /// No.
    Kept,
    /// Yes.
    Deletable,
}

/// Symmetric keys have the attribute.
pub const KEY: u8 = 1;
/// Secret data have the attribute.
pub const SECRET: u8 = 2;
/// Templates have the attribute.
pub const TEMPLATE: u8 = 4;

const NONE: u8 = 0;
const KEYS: u8 = KEY | TEMPLATE;
const CRYPTOGRAPHIC: u8 = KEY | SECRET;
const ALL: u8 = KEY | SECRET | TEMPLATE;

impl AttributeRow {
    /// The type of the value.
    pub fn item_type(&self) -> Option<ItemType> {
        tag::entry(self.tag).and_then(|entry| entry.item_type)
    }
}

/// The rules of custom attributes (clause 3.39): those that begin with `x-` are the client's.
const OF_CLIENTS: AttributeRow = AttributeRow {
    name: "x-",
    tag: tag::CUSTOM_ATTRIBUTE,
    since: ProtocolVersion::V1_0,
    instances: Instances::Many,
    set_by: SetBy::Client,
    modify: Modify::Always,
    delete: Delete::Deletable,
    objects: ALL,
};

/// Those that begin with `y-` are the server's. This one sets none.
const OF_SERVERS: AttributeRow =
    AttributeRow { name: "y-", set_by: SetBy::Server, modify: Modify::Never, delete: Delete::Kept, ..OF_CLIENTS };

/// Whether a name is that of a custom attribute (clause 3.39).
pub fn is_custom(name: &str) -> bool {
    name.starts_with("x-") || name.starts_with("y-")
}

/// The row of a name, if any version that we speak has such an attribute.
pub fn row(name: &str) -> Option<&'static AttributeRow> {
    match name {
        _ if name.starts_with("x-") => Some(&OF_CLIENTS),
        _ if name.starts_with("y-") => Some(&OF_SERVERS),
        _ => ATTRIBUTES.iter().find(|row| row.name == name),
    }
}

/// The first version that has an attribute of this name. Custom attributes have existed from the start.
pub fn since(name: &str) -> Option<ProtocolVersion> {
    row(name).map(|row| row.since)
}

/// Whether a message of that version may hold an attribute of this name.
pub fn allowed_in(name: &str, version: ProtocolVersion) -> bool {
    since(name).is_some_and(|since| since <= version)
}

macro_rules! tag_of {
    ($constant:ident) => {
        tag::$constant
    };
    ($constant:ident $tag:ident) => {
        tag::$tag
    };
}

macro_rules! attributes {
    ($($constant:ident $(as $tag:ident)? = $name:literal, $since:ident,
        $instances:ident $set_by:ident $modify:ident $delete:ident, $objects:ident;)+) => {
        $(
            #[doc = concat!("`", $name, "`, since ", stringify!($since), ".")]
            pub const $constant: &str = $name;
        )+

        /// Every attribute of the standard, in the order of clause 3.
        pub const ATTRIBUTES: &[AttributeRow] = &[$(AttributeRow {
            name: $constant,
            tag: tag_of!($constant $($tag)?),
            since: ProtocolVersion::$since,
            instances: Instances::$instances,
            set_by: SetBy::$set_by,
            modify: Modify::$modify,
            delete: Delete::$delete,
            objects: $objects,
        }),+];
    };
}

// constant [as the tag, where that is called otherwise] = "name", first version, how many, who sets it, when a client may
// change it, whether a client may delete it, which objects have it. What no object here has stands with its name alone.
attributes! {
    UNIQUE_IDENTIFIER = "Unique Identifier", V1_0, One Server Never Kept, ALL;
    NAME = "Name", V1_0, Many Client Always Deletable, ALL;
    OBJECT_TYPE = "Object Type", V1_0, One Server Never Kept, ALL;
    CRYPTOGRAPHIC_ALGORITHM = "Cryptographic Algorithm", V1_0, One Client Never Kept, ALL;
    CRYPTOGRAPHIC_LENGTH = "Cryptographic Length", V1_0, One Client Never Kept, ALL;
    CRYPTOGRAPHIC_PARAMETERS = "Cryptographic Parameters", V1_0, Many Client Always Deletable, KEYS;
    CRYPTOGRAPHIC_DOMAIN_PARAMETERS = "Cryptographic Domain Parameters", V1_0, One Client Never Kept, NONE;
    CERTIFICATE_TYPE = "Certificate Type", V1_0, One Server Never Kept, NONE;
    CERTIFICATE_LENGTH = "Certificate Length", V1_1, One Server Never Kept, NONE;
    X_509_CERTIFICATE_IDENTIFIER as X509_CERTIFICATE_IDENTIFIER = "X.509 Certificate Identifier", V1_1, One Server Never Kept, NONE;
    X_509_CERTIFICATE_SUBJECT as X509_CERTIFICATE_SUBJECT = "X.509 Certificate Subject", V1_1, One Server Never Kept, NONE;
    X_509_CERTIFICATE_ISSUER as X509_CERTIFICATE_ISSUER = "X.509 Certificate Issuer", V1_1, One Server Never Kept, NONE;
    CERTIFICATE_IDENTIFIER = "Certificate Identifier", V1_0, One Server Never Kept, NONE;
    CERTIFICATE_SUBJECT = "Certificate Subject", V1_0, One Server Never Kept, NONE;
    CERTIFICATE_ISSUER = "Certificate Issuer", V1_0, One Server Never Kept, NONE;
    DIGITAL_SIGNATURE_ALGORITHM = "Digital Signature Algorithm", V1_1, Many Server Never Kept, NONE;
    DIGEST = "Digest", V1_0, Many Server Never Kept, CRYPTOGRAPHIC;
    OPERATION_POLICY_NAME = "Operation Policy Name", V1_0, One Client Never Kept, ALL;
    CRYPTOGRAPHIC_USAGE_MASK = "Cryptographic Usage Mask", V1_0, One Client Never Kept, ALL;
    LEASE_TIME = "Lease Time", V1_0, One Server Never Kept, ALL;
    USAGE_LIMITS = "Usage Limits", V1_0, One Client Always Deletable, NONE;
    STATE = "State", V1_0, One Server Never Kept, CRYPTOGRAPHIC;
    INITIAL_DATE = "Initial Date", V1_0, One Server Never Kept, ALL;
    ACTIVATION_DATE = "Activation Date", V1_0, One Client PreActive Kept, ALL;
    PROCESS_START_DATE = "Process Start Date", V1_0, One Client BeforeItComes Kept, KEYS;
    PROTECT_STOP_DATE = "Protect Stop Date", V1_0, One Client BeforeItComes Kept, KEYS;
    DEACTIVATION_DATE = "Deactivation Date", V1_0, One Client BeforeDeactivated Kept, ALL;
    DESTROY_DATE = "Destroy Date", V1_0, One Server Never Kept, CRYPTOGRAPHIC;
    COMPROMISE_OCCURRENCE_DATE = "Compromise Occurrence Date", V1_0, One Server Never Kept, CRYPTOGRAPHIC;
    COMPROMISE_DATE = "Compromise Date", V1_0, One Server Never Kept, CRYPTOGRAPHIC;
    REVOCATION_REASON = "Revocation Reason", V1_0, One Server Never Kept, CRYPTOGRAPHIC;
    ARCHIVE_DATE = "Archive Date", V1_0, One Server Never Kept, ALL;
    OBJECT_GROUP = "Object Group", V1_0, Many Client Always Deletable, ALL;
    FRESH = "Fresh", V1_1, One Client Never Kept, CRYPTOGRAPHIC;
    LINK = "Link", V1_0, Many Client Always Deletable, CRYPTOGRAPHIC;
    APPLICATION_SPECIFIC_INFORMATION = "Application Specific Information", V1_0, Many Client Always Deletable, ALL;
    CONTACT_INFORMATION = "Contact Information", V1_0, One Client Always Deletable, ALL;
    LAST_CHANGE_DATE = "Last Change Date", V1_0, One Server Never Kept, ALL;
    ALTERNATIVE_NAME = "Alternative Name", V1_2, Many Client Always Deletable, ALL;
    KEY_VALUE_PRESENT = "Key Value Present", V1_2, One Server Never Kept, CRYPTOGRAPHIC;
    KEY_VALUE_LOCATION = "Key Value Location", V1_2, Many Client Always Deletable, CRYPTOGRAPHIC;
    ORIGINAL_CREATION_DATE = "Original Creation Date", V1_2, One Client Never Kept, CRYPTOGRAPHIC;
    RANDOM_NUMBER_GENERATOR = "Random Number Generator", V1_3, One Server Never Kept, CRYPTOGRAPHIC;
    PKCS_12_FRIENDLY_NAME as PKCS12_FRIENDLY_NAME = "PKCS#12 Friendly Name", V1_4, One Client Always Deletable, CRYPTOGRAPHIC;
    DESCRIPTION = "Description", V1_4, One Client Always Deletable, ALL;
    COMMENT = "Comment", V1_4, One Client Always Deletable, ALL;
    SENSITIVE = "Sensitive", V1_4, One Client Always Kept, CRYPTOGRAPHIC;
    ALWAYS_SENSITIVE = "Always Sensitive", V1_4, One Server Never Kept, CRYPTOGRAPHIC;
    EXTRACTABLE = "Extractable", V1_4, One Client Always Kept, CRYPTOGRAPHIC;
    NEVER_EXTRACTABLE = "Never Extractable", V1_4, One Server Never Kept, CRYPTOGRAPHIC;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kmip::spelling::Compact;

    #[test]
    fn each_attribute_is_as_old_as_the_tag_of_the_same_name() {
        for row in ATTRIBUTES {
            let tag =
                tag::named(&Compact(row.name).to_string()).unwrap_or_else(|| panic!("no tag is called {}", row.name));
            assert_eq!((tag.tag, tag.since), (row.tag, row.since), "{}", row.name);
            assert!(row.item_type().is_some(), "{}", row.name);
        }
    }

    #[test]
    fn custom_names_are_always_allowed_and_names_of_later_standards_never() {
        assert!(allowed_in("x-application", ProtocolVersion::V1_0));
        assert!(!allowed_in("Fresh", ProtocolVersion::V1_0));
        assert!(allowed_in("Fresh", ProtocolVersion::V1_1));
        // Brought by KMIP 2.0.
        assert!(!allowed_in("Short Unique Identifier", ProtocolVersion::V1_4));
    }

    #[test]
    fn what_only_the_server_sets_no_client_changes_or_deletes() {
        for row in ATTRIBUTES.iter().filter(|row| row.set_by == SetBy::Server) {
            assert_eq!((row.modify, row.delete), (Modify::Never, Delete::Kept), "{}", row.name);
        }
        for (name, set_by) in [("x-mine", SetBy::Client), ("y-yours", SetBy::Server)] {
            assert_eq!(row(name).map(|row| row.set_by), Some(set_by), "{name}");
        }
        assert!(row("z-nobodys").is_none());
    }
}
