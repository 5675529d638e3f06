//! What the numbers on the wire mean: the titles of tags and of the choices behind enumerations.
//!
//! Titles are the standard's (KMIP 1.4, clause 9.1.3). Everything else is derived from them: `GetAttributes` for
//! traces, `permission-denied` for scenario files.
//!
//! Invariant: a number and its title stand here once; every other file of the room names them through this one.

use super::tables::{CHOICES_ARE_TAGS, LATER_TAGS, MASKS, MORE_CHOICES};

/// Declares the tags that the lab itself reads or writes, from their titles' numbers.
macro_rules! tags {
    ($($(#[doc = $doc:literal])+ $name:ident = $number:literal,)+) => {
        $($(#[doc = $doc])+ pub const $name: u32 = $number;)+
    };
}

tags! {
    /// Attribute.
    ATTRIBUTE = 0x420008,
    /// Attribute Index.
    ATTRIBUTE_INDEX = 0x420009,
    /// Attribute Name.
    ATTRIBUTE_NAME = 0x42000A,
    /// Attribute Reference, since 2.0.
    ATTRIBUTE_REFERENCE = 0x42013B,
    /// Attribute Value.
    ATTRIBUTE_VALUE = 0x42000B,
    /// Batch Count.
    BATCH_COUNT = 0x42000D,
    /// Batch Item.
    BATCH_ITEM = 0x42000F,
    /// Block Cipher Mode.
    BLOCK_CIPHER_MODE = 0x420011,
    /// Compromise Occurrence Date.
    COMPROMISE_OCCURRENCE_DATE = 0x420021,
    /// Cryptographic Algorithm.
    CRYPTOGRAPHIC_ALGORITHM = 0x420028,
    /// Cryptographic Length.
    CRYPTOGRAPHIC_LENGTH = 0x42002A,
    /// Cryptographic Parameters.
    CRYPTOGRAPHIC_PARAMETERS = 0x42002B,
    /// Cryptographic Usage Mask.
    CRYPTOGRAPHIC_USAGE_MASK = 0x42002C,
    /// Data.
    DATA = 0x4200C2,
    /// IV/Counter/Nonce.
    IV_COUNTER_NONCE = 0x42003D,
    /// Key Block.
    KEY_BLOCK = 0x420040,
    /// Key Compression Type.
    KEY_COMPRESSION_TYPE = 0x420041,
    /// Key Format Type.
    KEY_FORMAT_TYPE = 0x420042,
    /// Key Material.
    KEY_MATERIAL = 0x420043,
    /// Key Value.
    KEY_VALUE = 0x420045,
    /// Key Wrapping Data.
    KEY_WRAPPING_DATA = 0x420046,
    /// Located Items.
    LOCATED_ITEMS = 0x4200D5,
    /// Maximum Items.
    MAXIMUM_ITEMS = 0x42004F,
    /// Maximum Response Size.
    MAXIMUM_RESPONSE_SIZE = 0x420050,
    /// Name Type.
    NAME_TYPE = 0x420054,
    /// Name Value.
    NAME_VALUE = 0x420055,
    /// Object Type.
    OBJECT_TYPE = 0x420057,
    /// Offset Items.
    OFFSET_ITEMS = 0x4200D4,
    /// Operation.
    OPERATION = 0x42005C,
    /// Padding Method.
    PADDING_METHOD = 0x42005F,
    /// Password.
    PASSWORD = 0x4200A1,
    /// Protocol Version.
    PROTOCOL_VERSION = 0x420069,
    /// Protocol Version Major.
    PROTOCOL_VERSION_MAJOR = 0x42006A,
    /// Protocol Version Minor.
    PROTOCOL_VERSION_MINOR = 0x42006B,
    /// Random IV.
    RANDOM_IV = 0x4200C5,
    /// Request Header.
    REQUEST_HEADER = 0x420077,
    /// Request Message.
    REQUEST_MESSAGE = 0x420078,
    /// Request Payload.
    REQUEST_PAYLOAD = 0x420079,
    /// Response Header.
    RESPONSE_HEADER = 0x42007A,
    /// Response Message.
    RESPONSE_MESSAGE = 0x42007B,
    /// Response Payload.
    RESPONSE_PAYLOAD = 0x42007C,
    /// Result Message.
    RESULT_MESSAGE = 0x42007D,
    /// Result Reason.
    RESULT_REASON = 0x42007E,
    /// Result Status.
    RESULT_STATUS = 0x42007F,
    /// Revocation Reason.
    REVOCATION_REASON = 0x420081,
    /// Revocation Reason Code.
    REVOCATION_REASON_CODE = 0x420082,
    /// Secret Data.
    SECRET_DATA = 0x420085,
    /// Secret Data Type.
    SECRET_DATA_TYPE = 0x420086,
    /// State.
    STATE = 0x42008D,
    /// Storage Status Mask.
    STORAGE_STATUS_MASK = 0x42008E,
    /// Symmetric Key.
    SYMMETRIC_KEY = 0x42008F,
    /// Template-Attribute.
    TEMPLATE_ATTRIBUTE = 0x420091,
    /// Time Stamp.
    TIME_STAMP = 0x420092,
    /// Unique Identifier.
    UNIQUE_IDENTIFIER = 0x420094,
    /// Application Namespace.
    APPLICATION_NAMESPACE = 0x420003,
    /// Asynchronous Correlation Value.
    ASYNCHRONOUS_CORRELATION_VALUE = 0x420006,
    /// Attributes, since 2.0.
    ATTRIBUTES = 0x420125,
    /// Authenticated Encryption Tag, since 1.4.
    AUTHENTICATED_ENCRYPTION_TAG = 0x4200FF,
    /// Correlation Value, since 1.3.
    CORRELATION_VALUE = 0x4200D6,
    /// Digest Value.
    DIGEST_VALUE = 0x420035,
    /// Extension Information, since 1.1.
    EXTENSION_INFORMATION = 0x4200A4,
    /// Hashing Algorithm.
    HASHING_ALGORITHM = 0x420038,
    /// Linked Object Identifier.
    LINKED_OBJECT_IDENTIFIER = 0x42004C,
    /// MAC Data, since 1.2.
    MAC_DATA = 0x4200C6,
    /// Message Extension.
    MESSAGE_EXTENSION = 0x420051,
    /// Object Group.
    OBJECT_GROUP = 0x420056,
    /// Private Key Unique Identifier.
    PRIVATE_KEY_UNIQUE_IDENTIFIER = 0x420066,
    /// Public Key Unique Identifier.
    PUBLIC_KEY_UNIQUE_IDENTIFIER = 0x42006F,
    /// Query Function.
    QUERY_FUNCTION = 0x420074,
    /// Client Correlation Value, since 1.4.
    CLIENT_CORRELATION_VALUE = 0x420105,
    /// Server Correlation Value, since 1.4.
    SERVER_CORRELATION_VALUE = 0x420106,
    /// Server Information.
    SERVER_INFORMATION = 0x420088,
    /// Signature Data, since 1.2.
    SIGNATURE_DATA = 0x4200C3,
    /// Unique Batch Item ID.
    UNIQUE_BATCH_ITEM_ID = 0x420093,
    /// Vendor Identification.
    VENDOR_IDENTIFICATION = 0x42009D,
}

/// The number before the first tag.
const BEFORE_TAGS: u32 = 0x42_0000;

/// The titles of all tags up to 1.4, in the order of their numbers from 0x420001 (clause 9.1.3.1).
#[rustfmt::skip]
const TAGS: &[&str] = &[
    // 1.0
    "Activation Date", "Application Data", "Application Namespace", "Application Specific Information",
    "Archive Date", "Asynchronous Correlation Value", "Asynchronous Indicator", "Attribute", "Attribute Index",
    "Attribute Name", "Attribute Value", "Authentication", "Batch Count", "Batch Error Continuation Option",
    "Batch Item", "Batch Order Option", "Block Cipher Mode", "Cancellation Result", "Certificate",
    "Certificate Identifier", "Certificate Issuer", "Certificate Issuer Alternative Name",
    "Certificate Issuer Distinguished Name", "Certificate Request", "Certificate Request Type",
    "Certificate Subject", "Certificate Subject Alternative Name", "Certificate Subject Distinguished Name",
    "Certificate Type", "Certificate Value", "Common Template-Attribute", "Compromise Date",
    "Compromise Occurrence Date", "Contact Information", "Credential", "Credential Type", "Credential Value",
    "Criticality Indicator", "CRT Coefficient", "Cryptographic Algorithm", "Cryptographic Domain Parameters",
    "Cryptographic Length", "Cryptographic Parameters", "Cryptographic Usage Mask", "Custom Attribute", "D",
    "Deactivation Date", "Derivation Data", "Derivation Method", "Derivation Parameters", "Destroy Date", "Digest",
    "Digest Value", "Encryption Key Information", "G", "Hashing Algorithm", "Initial Date", "Initialization Vector",
    "Issuer", "Iteration Count", "IV/Counter/Nonce", "J", "Key", "Key Block", "Key Compression Type",
    "Key Format Type", "Key Material", "Key Part Identifier", "Key Value", "Key Wrapping Data",
    "Key Wrapping Specification", "Last Change Date", "Lease Time", "Link", "Link Type", "Linked Object Identifier",
    "MAC/Signature", "MAC/Signature Key Information", "Maximum Items", "Maximum Response Size", "Message Extension",
    "Modulus", "Name", "Name Type", "Name Value", "Object Group", "Object Type", "Offset", "Opaque Data Type",
    "Opaque Data Value", "Opaque Object", "Operation", "Operation Policy Name", "P", "Padding Method",
    "Prime Exponent P", "Prime Exponent Q", "Prime Field Size", "Private Exponent", "Private Key",
    "Private Key Template-Attribute", "Private Key Unique Identifier", "Process Start Date", "Protect Stop Date",
    "Protocol Version", "Protocol Version Major", "Protocol Version Minor", "Public Exponent", "Public Key",
    "Public Key Template-Attribute", "Public Key Unique Identifier", "Put Function", "Q", "Q String", "Qlength",
    "Query Function", "Recommended Curve", "Replaced Unique Identifier", "Request Header", "Request Message",
    "Request Payload", "Response Header", "Response Message", "Response Payload", "Result Message", "Result Reason",
    "Result Status", "Revocation Message", "Revocation Reason", "Revocation Reason Code", "Key Role Type", "Salt",
    "Secret Data", "Secret Data Type", "Serial Number", "Server Information", "Split Key", "Split Key Method",
    "Split Key Parts", "Split Key Threshold", "State", "Storage Status Mask", "Symmetric Key", "Template",
    "Template-Attribute", "Time Stamp", "Unique Batch Item ID", "Unique Identifier", "Usage Limits",
    "Usage Limits Count", "Usage Limits Total", "Usage Limits Unit", "Username", "Validity Date",
    "Validity Indicator", "Vendor Extension", "Vendor Identification", "Wrapping Method", "X", "Y", "Password",
    // 1.1
    "Device Identifier", "Encoding Option", "Extension Information", "Extension Name", "Extension Tag",
    "Extension Type", "Fresh", "Machine Identifier", "Media Identifier", "Network Identifier", "Object Group Member",
    "Certificate Length", "Digital Signature Algorithm", "Certificate Serial Number", "Device Serial Number",
    "Issuer Alternative Name", "Issuer Distinguished Name", "Subject Alternative Name", "Subject Distinguished Name",
    "X.509 Certificate Identifier", "X.509 Certificate Issuer", "X.509 Certificate Subject",
    // 1.2
    "Key Value Location", "Key Value Location Value", "Key Value Location Type", "Key Value Present",
    "Original Creation Date", "PGP Key", "PGP Key Version", "Alternative Name", "Alternative Name Value",
    "Alternative Name Type", "Data", "Signature Data", "Data Length", "Random IV", "MAC Data", "Attestation Type",
    "Nonce", "Nonce ID", "Nonce Value", "Attestation Measurement", "Attestation Assertion", "IV Length",
    "Tag Length", "Fixed Field Length", "Counter Length", "Initial Counter Value", "Invocation Field Length",
    "Attestation Capable Indicator",
    // 1.3
    "Offset Items", "Located Items", "Correlation Value", "Init Indicator", "Final Indicator", "RNG Parameters",
    "RNG Algorithm", "DRBG Algorithm", "FIPS186 Variation", "Prediction Resistance", "Random Number Generator",
    "Validation Information", "Validation Authority Type", "Validation Authority Country",
    "Validation Authority URI", "Validation Version Major", "Validation Version Minor", "Validation Type",
    "Validation Level", "Validation Certificate Identifier", "Validation Certificate URI", "Validation Vendor URI",
    "Validation Profile", "Profile Information", "Profile Name", "Server URI", "Server Port", "Streaming Capability",
    "Asynchronous Capability", "Attestation Capability", "Unwrap Mode", "Destroy Action", "Shredding Algorithm",
    "RNG Mode", "Client Registration Method", "Capability Information",
    // 1.4
    "Key Wrap Type", "Batch Undo Capability", "Batch Continue Capability", "PKCS#12 Friendly Name", "Description",
    "Comment", "Authenticated Encryption Additional Data", "Authenticated Encryption Tag", "Salt Length",
    "Mask Generator", "Mask Generator Hashing Algorithm", "P Source", "Trailer Field", "Client Correlation Value",
    "Server Correlation Value", "Digested Data", "Certificate Subject CN", "Certificate Subject O",
    "Certificate Subject OU", "Certificate Subject Email", "Certificate Subject C", "Certificate Subject ST",
    "Certificate Subject L", "Certificate Subject UID", "Certificate Subject Serial Number",
    "Certificate Subject Title", "Certificate Subject DC", "Certificate Subject DN Qualifier",
    "Certificate Issuer CN", "Certificate Issuer O", "Certificate Issuer OU", "Certificate Issuer Email",
    "Certificate Issuer C", "Certificate Issuer ST", "Certificate Issuer L", "Certificate Issuer UID",
    "Certificate Issuer Serial Number", "Certificate Issuer Title", "Certificate Issuer DC",
    "Certificate Issuer DN Qualifier", "Sensitive", "Always Sensitive", "Extractable", "Never Extractable",
    "Replace Existing",
];

/// The choices of one enumeration, in the order of their numbers.
pub(super) struct Choices {
    pub(super) tag: u32,
    pub(super) first: u32,
    pub(super) titles: &'static [&'static str],
}

/// The enumerations whose choices the lab names (clauses 9.1.3.2.3 to 9.1.3.2.29). General Failure stands apart.
#[rustfmt::skip]
const CHOICES: &[Choices] = &[
    Choices { tag: BLOCK_CIPHER_MODE, first: 1, titles: &[
        "CBC", "ECB", "PCBC", "CFB", "OFB", "CTR", "CMAC", "CCM", "GCM", "CBC-MAC", "XTS", "AESKeyWrapPadding",
        "NISTKeyWrap", "X9.102 AESKW", "X9.102 TDKW", "X9.102 AKW1", "X9.102 AKW2", "AEAD",
    ] },
    Choices { tag: 0x420024, first: 1, titles: &["Username and Password", "Device", "Attestation"] },
    Choices { tag: CRYPTOGRAPHIC_ALGORITHM, first: 1, titles: &[
        "DES", "3DES", "AES", "RSA", "DSA", "ECDSA", "HMAC-SHA1", "HMAC-SHA224", "HMAC-SHA256", "HMAC-SHA384",
        "HMAC-SHA512", "HMAC-MD5", "DH", "ECDH", "ECMQV", "Blowfish", "Camellia", "CAST5", "IDEA", "MARS", "RC2",
        "RC4", "RC5", "SKIPJACK", "Twofish", "EC", "One Time Pad", "ChaCha20", "Poly1305", "ChaCha20Poly1305",
        "SHA3-224", "SHA3-256", "SHA3-384", "SHA3-512", "HMAC-SHA3-224", "HMAC-SHA3-256", "HMAC-SHA3-384",
        "HMAC-SHA3-512", "SHAKE-128", "SHAKE-256",
    ] },
    Choices { tag: 0x420038, first: 1, titles: &[
        "MD2", "MD4", "MD5", "SHA-1", "SHA-224", "SHA-256", "SHA-384", "SHA-512", "RIPEMD-160", "Tiger", "Whirlpool",
        "SHA-512/224", "SHA-512/256", "SHA-3-224", "SHA-3-256", "SHA-3-384", "SHA-3-512",
    ] },
    Choices { tag: KEY_FORMAT_TYPE, first: 1, titles: &[
        "Raw", "Opaque", "PKCS#1", "PKCS#8", "X.509", "ECPrivateKey", "Transparent Symmetric Key",
        "Transparent DSA Private Key", "Transparent DSA Public Key", "Transparent RSA Private Key",
        "Transparent RSA Public Key", "Transparent DH Private Key", "Transparent DH Public Key",
        "Transparent ECDSA Private Key", "Transparent ECDSA Public Key", "Transparent ECDH Private Key",
        "Transparent ECDH Public Key", "Transparent ECMQV Private Key", "Transparent ECMQV Public Key",
        "Transparent EC Private Key", "Transparent EC Public Key", "PKCS#12",
    ] },
    Choices { tag: 0x42004B, first: 0x101, titles: &[
        "Certificate Link", "Public Key Link", "Private Key Link", "Derivation Base Object Link", "Derived Key Link",
        "Replacement Object Link", "Replaced Object Link", "Parent Link", "Child Link", "Previous Link", "Next Link",
        "PKCS#12 Certificate Link", "PKCS#12 Password Link",
    ] },
    Choices { tag: OBJECT_TYPE, first: 1, titles: &[
        "Certificate", "Symmetric Key", "Public Key", "Private Key", "Split Key", "Template", "Secret Data",
        "Opaque Object", "PGP Key",
    ] },
    Choices { tag: OPERATION, first: 1, titles: &[
        "Create", "Create Key Pair", "Register", "Re-key", "Derive Key", "Certify", "Re-certify", "Locate", "Check",
        "Get", "Get Attributes", "Get Attribute List", "Add Attribute", "Modify Attribute", "Delete Attribute",
        "Obtain Lease", "Get Usage Allocation", "Activate", "Revoke", "Destroy", "Archive", "Recover", "Validate",
        "Query", "Cancel", "Poll", "Notify", "Put", "Re-key Key Pair", "Discover Versions", "Encrypt", "Decrypt",
        "Sign", "Signature Verify", "MAC", "MAC Verify", "RNG Retrieve", "RNG Seed", "Hash", "Create Split Key",
        "Join Split Key", "Import", "Export",
    ] },
    Choices { tag: PADDING_METHOD, first: 1, titles: &[
        "None", "OAEP", "PKCS5", "SSL3", "Zeros", "ANSI X9.23", "ISO 10126", "PKCS1 v1.5", "X9.31", "PSS",
    ] },
    Choices { tag: 0x420074, first: 1, titles: &[
        "Query Operations", "Query Objects", "Query Server Information", "Query Application Namespaces",
        "Query Extension List", "Query Extension Map", "Query Attestation Types", "Query RNGs", "Query Validations",
        "Query Profiles", "Query Capabilities", "Query Client Registration Methods",
    ] },
    Choices { tag: RESULT_REASON, first: 1, titles: &[
        "Item Not Found", "Response Too Large", "Authentication Not Successful", "Invalid Message",
        "Operation Not Supported", "Missing Data", "Invalid Field", "Feature Not Supported",
        "Operation Canceled By Requester", "Cryptographic Failure", "Illegal Operation", "Permission Denied",
        "Object Archived", "Index Out of Bounds", "Application Namespace Not Supported",
        "Key Format Type Not Supported", "Key Compression Type Not Supported", "Encoding Option Error",
        "Key Value Not Present", "Attestation Required", "Attestation Failed", "Sensitive", "Not Extractable",
        "Object Already Exists",
    ] },
    Choices { tag: RESULT_REASON, first: GENERAL_FAILURE, titles: &["General Failure"] },
    Choices { tag: RESULT_STATUS, first: 0, titles: &[
        "Success", "Operation Failed", "Operation Pending", "Operation Undone",
    ] },
    Choices { tag: REVOCATION_REASON_CODE, first: 1, titles: &[
        "Unspecified", "Key Compromise", "CA Compromise", "Affiliation Changed", "Superseded",
        "Cessation of Operation", "Privilege Withdrawn",
    ] },
    Choices { tag: STATE, first: 1, titles: &[
        "Pre-Active", "Active", "Deactivated", "Compromised", "Destroyed", "Destroyed Compromised",
    ] },
    Choices { tag: 0x4200AC, first: 1, titles: &["Group Member Fresh", "Group Member Default"] },
];

/// General Failure, the one Result Reason out of the row.
pub const GENERAL_FAILURE: u32 = 0x100;

/// A tag's title, such as `Unique Identifier`.
pub fn tag_title(tag: u32) -> Option<&'static str> {
    let index = tag.checked_sub(BEFORE_TAGS + 1)?;
    TAGS.iter().chain(LATER_TAGS).nth(index as usize).copied().filter(|title| !title.is_empty())
}

/// The tag that has this title. Attributes are named by the titles of their tags.
pub fn tag_of_title(title: &str) -> Option<u32> {
    let index = TAGS.iter().chain(LATER_TAGS).position(|known| *known == title && !title.is_empty())?;
    Some(BEFORE_TAGS + 1 + u32::try_from(index).ok()?)
}

/// A tag's name, such as `UniqueIdentifier`; its number where it has none.
pub fn tag_name(tag: u32) -> String {
    tag_title(tag).map_or_else(|| format!("0x{tag:06X}"), camel)
}

/// The title of a choice, such as `Permission Denied`.
pub fn value_title(tag: u32, value: u32) -> Option<&'static str> {
    if CHOICES_ARE_TAGS.contains(&tag) {
        return tag_title(value);
    }
    CHOICES.iter().chain(MORE_CHOICES).filter(|choices| choices.tag == tag).find_map(|choices| {
        let index = value.checked_sub(choices.first)?;
        choices.titles.get(index as usize).copied()
    })
}

/// The name of a choice, such as `PermissionDenied`; its number where it has none.
pub fn value_name(tag: u32, value: u32) -> String {
    value_title(tag, value).map_or_else(|| format!("0x{value:08X}"), camel)
}

/// The choices of an enumeration that have titles, in order.
pub fn values(tag: u32) -> impl Iterator<Item = (u32, &'static str)> {
    let rows = CHOICES.iter().chain(MORE_CHOICES).filter(move |choices| choices.tag == tag);
    rows.flat_map(|choices| (choices.first..).zip(choices.titles.iter().copied()))
}

/// The bits of a mask by their titles, from the lowest on.
pub fn mask_bits(tag: u32) -> Option<&'static [&'static str]> {
    MASKS.iter().find(|(mask, _)| *mask == tag).map(|(_, titles)| *titles)
}

/// The number of a choice by its name in XML, such as `PreActive`, whatever its case and separators. The choices of
/// some enumerations of 2.x are tags.
pub fn value_of_name(tag: u32, name: &str) -> Option<u32> {
    if CHOICES_ARE_TAGS.contains(&tag) {
        return tag_of_name(name);
    }
    values(tag).find(|(_, title)| same_name(title, name)).map(|(value, _)| value)
}

/// The tag by its name in XML, such as `X_509CertificateIssuer`, whatever its case and separators.
pub fn tag_of_name(name: &str) -> Option<u32> {
    let known = TAGS.iter().chain(LATER_TAGS).position(|title| !title.is_empty() && same_name(title, name))?;
    Some(BEFORE_TAGS + 1 + u32::try_from(known).ok()?)
}

/// Whether a name in XML means this title. Files differ in case, in separators, and in where the digits of `3DES` go.
fn same_name(title: &str, name: &str) -> bool {
    let plain = |text: &str| -> String {
        text.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
    };
    let name = plain(name);
    plain(title) == name || plain(&camel(title)) == name
}

/// The number of an operation by its name, such as `GetAttributes`.
pub fn operation(name: &str) -> Option<u32> {
    values(OPERATION).find(|(_, title)| camel(title) == name).map(|(value, _)| value)
}

/// A title as one word, as the standard's own test cases spell it: `Get Attributes` is `GetAttributes`, `PKCS#12` is
/// `PKCS_12`, `3DES` is `DES3` (KMIP Additional Message Encodings 1.0, clause 5.4.1.1).
pub fn camel(title: &str) -> String {
    let digits: String = title.chars().take_while(char::is_ascii_digit).collect();
    let letters: Vec<char> = title[digits.len()..].chars().collect();
    let mut words = vec![String::new()];
    for (at, letter) in letters.iter().enumerate() {
        let word_follows = letters.get(at + 1).is_some_and(char::is_ascii_alphabetic)
            && letters.get(at + 2).is_some_and(char::is_ascii_lowercase);
        let word = words.last_mut().expect("there is always a word that is being read");
        match letter {
            _ if letter.is_ascii_alphanumeric() && word.is_empty() => word.push(letter.to_ascii_uppercase()),
            _ if letter.is_ascii_alphanumeric() => word.push(*letter),
            ' ' => words.push(String::new()),
            _ if word_follows => words.push(String::new()),
            _ => word.push('_'),
        }
    }
    words[0].push_str(&digits);
    words.concat()
}

/// A title in kebab case: `Permission Denied` is `permission-denied`.
pub fn kebab(title: &str) -> String {
    title.to_ascii_lowercase().replace(|letter: char| !letter.is_ascii_alphanumeric(), "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tag_that_the_lab_names_by_a_constant_has_the_title_of_that_constant() {
        let sample = [
            (ATTRIBUTE, "Attribute"),
            (BLOCK_CIPHER_MODE, "Block Cipher Mode"),
            (CRYPTOGRAPHIC_PARAMETERS, "Cryptographic Parameters"),
            (CRYPTOGRAPHIC_USAGE_MASK, "Cryptographic Usage Mask"),
            (DATA, "Data"),
            (IV_COUNTER_NONCE, "IV/Counter/Nonce"),
            (KEY_MATERIAL, "Key Material"),
            (MAXIMUM_RESPONSE_SIZE, "Maximum Response Size"),
            (OPERATION, "Operation"),
            (PADDING_METHOD, "Padding Method"),
            (RESULT_REASON, "Result Reason"),
            (REVOCATION_REASON, "Revocation Reason"),
            (REVOCATION_REASON_CODE, "Revocation Reason Code"),
            (STATE, "State"),
            (TEMPLATE_ATTRIBUTE, "Template-Attribute"),
            (UNIQUE_IDENTIFIER, "Unique Identifier"),
            (PASSWORD, "Password"),
            (BLOCK_CIPHER_MODE, "Block Cipher Mode"),
            (COMPROMISE_OCCURRENCE_DATE, "Compromise Occurrence Date"),
            (CRYPTOGRAPHIC_PARAMETERS, "Cryptographic Parameters"),
            (DATA, "Data"),
            (IV_COUNTER_NONCE, "IV/Counter/Nonce"),
            (PADDING_METHOD, "Padding Method"),
            (RANDOM_IV, "Random IV"),
            (REVOCATION_REASON, "Revocation Reason"),
            (REVOCATION_REASON_CODE, "Revocation Reason Code"),
            (SECRET_DATA, "Secret Data"),
            (SECRET_DATA_TYPE, "Secret Data Type"),
            (0x4200A8, "Fresh"),
            (0x4200D5, "Located Items"),
            (0x420106, "Server Correlation Value"),
            (0x420124, "Replace Existing"),
        ];
        for (tag, title) in sample {
            assert_eq!(tag_title(tag), Some(title));
            assert_eq!(tag_of_title(title), Some(tag));
        }
        assert_eq!(tag_title(0x420125), Some("Attributes"), "the first tag of 2.0");
        assert_eq!(
            (tag_title(0x42013B), tag_title(0x420173)),
            (Some("Attribute Reference"), Some("Asynchronous Request"))
        );
        assert_eq!(
            (tag_title(0x420137), tag_title(0x420177), tag_of_title("")),
            (None, None, None),
            "reserved, or later"
        );
        assert_eq!(tag_name(0x54000A), "0x54000A");
    }

    #[test]
    fn choices_are_named_by_their_numbers() {
        assert_eq!(value_name(OPERATION, 0x0B), "GetAttributes");
        assert_eq!(value_name(OPERATION, 0x2B), "Export");
        assert_eq!(value_name(RESULT_REASON, 0x0C), "PermissionDenied");
        assert_eq!(value_name(RESULT_REASON, 0x100), "GeneralFailure");
        assert_eq!(value_name(RESULT_REASON, 0x43), "WrongKeyLifecycleState");
        assert_eq!(value_name(RESULT_REASON, 0x47), "PKCS_11InvalidInterface");
        assert_eq!(value_name(RESULT_REASON, 0x48), "0x00000048");
        assert_eq!(value_name(ATTRIBUTE_REFERENCE, STATE), "State");
        assert_eq!(value_title(STATE, 1), Some("Pre-Active"));
        assert_eq!(value_title(CRYPTOGRAPHIC_ALGORITHM, 0x28), Some("SHAKE-256"));
        assert_eq!(value_title(RESULT_STATUS, 0), Some("Success"));
        assert_eq!(operation("Activate"), Some(0x12));
    }

    #[test]
    fn names_of_the_standards_xml_are_understood_however_they_are_spelt() {
        for name in ["DES3", "3DES", "des3", "DES_3"] {
            assert_eq!(value_of_name(CRYPTOGRAPHIC_ALGORITHM, name), Some(2), "{name}");
        }
        assert_eq!(value_of_name(STATE, "PreActive"), Some(1));
        assert_eq!(value_of_name(0x42008A, "PolynomialSharingGF2_8"), Some(4));
        assert_eq!(value_of_name(0x4200AE, "SHA_256WithRSAEncryption"), Some(5));
        assert_eq!(value_of_name(ATTRIBUTE_REFERENCE, "CryptographicLength"), Some(CRYPTOGRAPHIC_LENGTH));
        assert_eq!(value_of_name(STATE, "Asleep"), None);
        assert_eq!(tag_of_name("X_509CertificateIssuer"), Some(0x4200B6));
        assert_eq!(mask_bits(CRYPTOGRAPHIC_USAGE_MASK).unwrap()[7], "MAC Generate");
        assert_eq!(mask_bits(STATE), None);
    }

    #[test]
    fn titles_become_names_and_reasons() {
        assert_eq!(camel("X.509 Certificate Identifier"), "X_509CertificateIdentifier");
        assert_eq!(camel("3DES"), "DES3");
        assert_eq!(camel("SHA-512/256"), "SHA_512_256");
        assert_eq!(camel("Re-key Key Pair"), "ReKeyKeyPair");
        assert_eq!(camel("IV/Counter/Nonce"), "IVCounterNonce");
        assert_eq!(kebab("Response Too Large"), "response-too-large");
        assert_eq!(kebab("Index Out of Bounds"), "index-out-of-bounds");
    }
}
