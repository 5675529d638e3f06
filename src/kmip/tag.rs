//! The tags of KMIP 1.0 to 1.4 (KMIP 1.4, clause 9.1.3.1): one table, which everything else reads.
//!
//! Invariant: the numbers run without a gap from 0x420001 to 0x420124, so that a lookup is one index.

use super::version::ProtocolVersion;
use crate::ttlv::{ItemType, Tag};

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TagEntry {
    /// The tag.
    pub tag: Tag,
    /// The name as the standard's test cases spell it.
    pub name: &'static str,
    /// The type of such an item; none where the standard allows several.
    pub item_type: Option<ItemType>,
    /// The first version that has it.
    pub since: ProtocolVersion,
    /// The last version in which it was not deprecated. No version of 1.x took a tag away.
    pub until: Option<ProtocolVersion>,
}

/// The row of a tag, if KMIP 1.0 to 1.4 has it.
#[inline]
pub fn entry(tag: Tag) -> Option<&'static TagEntry> {
    let index = tag.number().checked_sub(FIRST.number())?;
    TAGS.get(index as usize)
}

/// The row of a name, spelled as in the table.
pub fn named(name: &str) -> Option<&'static TagEntry> {
    TAGS.iter().find(|entry| entry.name == name)
}

/// Whether a message of that version may hold the tag. Tags of vendors (0x54....) belong to no version.
#[inline]
pub fn allowed_in(tag: Tag, version: ProtocolVersion) -> bool {
    match entry(tag) {
        Some(entry) => entry.since <= version,
        None => tag.number() >> 16 == 0x54,
    }
}

macro_rules! item_type {
    (Several) => {
        None
    };
    ($type:ident) => {
        Some(ItemType::$type)
    };
}

macro_rules! until {
    () => {
        None
    };
    ($version:ident) => {
        Some(ProtocolVersion::$version)
    };
}

macro_rules! tags {
    ($($constant:ident = $number:literal, $name:literal, $type:ident, $since:ident $(until $until:ident)?;)+) => {
        $(
            #[doc = concat!("`", $name, "`, since ", stringify!($since), ".")]
            pub const $constant: Tag = Tag::new($number);
        )+

        /// Every tag, in the order of the numbers.
        pub static TAGS: &[TagEntry] = &[$(TagEntry {
            tag: $constant,
            name: $name,
            item_type: item_type!($type),
            since: ProtocolVersion::$since,
            until: until!($($until)?),
        }),+];
    };
}

const FIRST: Tag = ACTIVATION_DATE;

// constant = number, "name", type, first version [until the last version before its deprecation];
tags! {
    ACTIVATION_DATE = 0x420001, "ActivationDate", DateTime, V1_0;
    APPLICATION_DATA = 0x420002, "ApplicationData", TextString, V1_0;
    APPLICATION_NAMESPACE = 0x420003, "ApplicationNamespace", TextString, V1_0;
    APPLICATION_SPECIFIC_INFORMATION = 0x420004, "ApplicationSpecificInformation", Structure, V1_0;
    ARCHIVE_DATE = 0x420005, "ArchiveDate", DateTime, V1_0;
    ASYNCHRONOUS_CORRELATION_VALUE = 0x420006, "AsynchronousCorrelationValue", ByteString, V1_0;
    ASYNCHRONOUS_INDICATOR = 0x420007, "AsynchronousIndicator", Boolean, V1_0;
    ATTRIBUTE = 0x420008, "Attribute", Structure, V1_0;
    ATTRIBUTE_INDEX = 0x420009, "AttributeIndex", Integer, V1_0;
    ATTRIBUTE_NAME = 0x42000A, "AttributeName", TextString, V1_0;
    ATTRIBUTE_VALUE = 0x42000B, "AttributeValue", Several, V1_0;
    AUTHENTICATION = 0x42000C, "Authentication", Structure, V1_0;
    BATCH_COUNT = 0x42000D, "BatchCount", Integer, V1_0;
    BATCH_ERROR_CONTINUATION_OPTION = 0x42000E, "BatchErrorContinuationOption", Enumeration, V1_0;
    BATCH_ITEM = 0x42000F, "BatchItem", Structure, V1_0;
    BATCH_ORDER_OPTION = 0x420010, "BatchOrderOption", Boolean, V1_0;
    BLOCK_CIPHER_MODE = 0x420011, "BlockCipherMode", Enumeration, V1_0;
    CANCELLATION_RESULT = 0x420012, "CancellationResult", Enumeration, V1_0;
    CERTIFICATE = 0x420013, "Certificate", Structure, V1_0;
    CERTIFICATE_IDENTIFIER = 0x420014, "CertificateIdentifier", Structure, V1_0 until V1_0;
    CERTIFICATE_ISSUER = 0x420015, "CertificateIssuer", Structure, V1_0 until V1_0;
    CERTIFICATE_ISSUER_ALTERNATIVE_NAME = 0x420016, "CertificateIssuerAlternativeName", TextString, V1_0 until V1_0;
    CERTIFICATE_ISSUER_DISTINGUISHED_NAME = 0x420017, "CertificateIssuerDistinguishedName", TextString, V1_0 until V1_0;
    CERTIFICATE_REQUEST = 0x420018, "CertificateRequest", ByteString, V1_0;
    CERTIFICATE_REQUEST_TYPE = 0x420019, "CertificateRequestType", Enumeration, V1_0;
    CERTIFICATE_SUBJECT = 0x42001A, "CertificateSubject", Structure, V1_0 until V1_0;
    CERTIFICATE_SUBJECT_ALTERNATIVE_NAME = 0x42001B, "CertificateSubjectAlternativeName", TextString, V1_0 until V1_0;
    CERTIFICATE_SUBJECT_DISTINGUISHED_NAME = 0x42001C, "CertificateSubjectDistinguishedName", TextString, V1_0 until V1_0;
    CERTIFICATE_TYPE = 0x42001D, "CertificateType", Enumeration, V1_0;
    CERTIFICATE_VALUE = 0x42001E, "CertificateValue", ByteString, V1_0;
    COMMON_TEMPLATE_ATTRIBUTE = 0x42001F, "CommonTemplateAttribute", Structure, V1_0;
    COMPROMISE_DATE = 0x420020, "CompromiseDate", DateTime, V1_0;
    COMPROMISE_OCCURRENCE_DATE = 0x420021, "CompromiseOccurrenceDate", DateTime, V1_0;
    CONTACT_INFORMATION = 0x420022, "ContactInformation", TextString, V1_0;
    CREDENTIAL = 0x420023, "Credential", Structure, V1_0;
    CREDENTIAL_TYPE = 0x420024, "CredentialType", Enumeration, V1_0;
    CREDENTIAL_VALUE = 0x420025, "CredentialValue", Structure, V1_0;
    CRITICALITY_INDICATOR = 0x420026, "CriticalityIndicator", Boolean, V1_0;
    CRT_COEFFICIENT = 0x420027, "CRTCoefficient", BigInteger, V1_0;
    CRYPTOGRAPHIC_ALGORITHM = 0x420028, "CryptographicAlgorithm", Enumeration, V1_0;
    CRYPTOGRAPHIC_DOMAIN_PARAMETERS = 0x420029, "CryptographicDomainParameters", Structure, V1_0;
    CRYPTOGRAPHIC_LENGTH = 0x42002A, "CryptographicLength", Integer, V1_0;
    CRYPTOGRAPHIC_PARAMETERS = 0x42002B, "CryptographicParameters", Structure, V1_0;
    CRYPTOGRAPHIC_USAGE_MASK = 0x42002C, "CryptographicUsageMask", Integer, V1_0;
    CUSTOM_ATTRIBUTE = 0x42002D, "CustomAttribute", Several, V1_0;
    D = 0x42002E, "D", BigInteger, V1_0;
    DEACTIVATION_DATE = 0x42002F, "DeactivationDate", DateTime, V1_0;
    DERIVATION_DATA = 0x420030, "DerivationData", ByteString, V1_0;
    DERIVATION_METHOD = 0x420031, "DerivationMethod", Enumeration, V1_0;
    DERIVATION_PARAMETERS = 0x420032, "DerivationParameters", Structure, V1_0;
    DESTROY_DATE = 0x420033, "DestroyDate", DateTime, V1_0;
    DIGEST = 0x420034, "Digest", Structure, V1_0;
    DIGEST_VALUE = 0x420035, "DigestValue", ByteString, V1_0;
    ENCRYPTION_KEY_INFORMATION = 0x420036, "EncryptionKeyInformation", Structure, V1_0;
    G = 0x420037, "G", BigInteger, V1_0;
    HASHING_ALGORITHM = 0x420038, "HashingAlgorithm", Enumeration, V1_0;
    INITIAL_DATE = 0x420039, "InitialDate", DateTime, V1_0;
    INITIALIZATION_VECTOR = 0x42003A, "InitializationVector", ByteString, V1_0;
    ISSUER = 0x42003B, "Issuer", TextString, V1_0 until V1_0;
    ITERATION_COUNT = 0x42003C, "IterationCount", Integer, V1_0;
    IV_COUNTER_NONCE = 0x42003D, "IVCounterNonce", ByteString, V1_0;
    J = 0x42003E, "J", BigInteger, V1_0;
    KEY = 0x42003F, "Key", ByteString, V1_0;
    KEY_BLOCK = 0x420040, "KeyBlock", Structure, V1_0;
    KEY_COMPRESSION_TYPE = 0x420041, "KeyCompressionType", Enumeration, V1_0;
    KEY_FORMAT_TYPE = 0x420042, "KeyFormatType", Enumeration, V1_0;
    KEY_MATERIAL = 0x420043, "KeyMaterial", Several, V1_0;
    KEY_PART_IDENTIFIER = 0x420044, "KeyPartIdentifier", Integer, V1_0;
    KEY_VALUE = 0x420045, "KeyValue", Several, V1_0;
    KEY_WRAPPING_DATA = 0x420046, "KeyWrappingData", Structure, V1_0;
    KEY_WRAPPING_SPECIFICATION = 0x420047, "KeyWrappingSpecification", Structure, V1_0;
    LAST_CHANGE_DATE = 0x420048, "LastChangeDate", DateTime, V1_0;
    LEASE_TIME = 0x420049, "LeaseTime", Interval, V1_0;
    LINK = 0x42004A, "Link", Structure, V1_0;
    LINK_TYPE = 0x42004B, "LinkType", Enumeration, V1_0;
    LINKED_OBJECT_IDENTIFIER = 0x42004C, "LinkedObjectIdentifier", TextString, V1_0;
    MAC_SIGNATURE = 0x42004D, "MACSignature", ByteString, V1_0;
    MAC_SIGNATURE_KEY_INFORMATION = 0x42004E, "MACSignatureKeyInformation", Structure, V1_0;
    MAXIMUM_ITEMS = 0x42004F, "MaximumItems", Integer, V1_0;
    MAXIMUM_RESPONSE_SIZE = 0x420050, "MaximumResponseSize", Integer, V1_0;
    MESSAGE_EXTENSION = 0x420051, "MessageExtension", Structure, V1_0;
    MODULUS = 0x420052, "Modulus", BigInteger, V1_0;
    NAME = 0x420053, "Name", Structure, V1_0;
    NAME_TYPE = 0x420054, "NameType", Enumeration, V1_0;
    NAME_VALUE = 0x420055, "NameValue", TextString, V1_0;
    OBJECT_GROUP = 0x420056, "ObjectGroup", TextString, V1_0;
    OBJECT_TYPE = 0x420057, "ObjectType", Enumeration, V1_0;
    OFFSET = 0x420058, "Offset", Interval, V1_0;
    OPAQUE_DATA_TYPE = 0x420059, "OpaqueDataType", Enumeration, V1_0;
    OPAQUE_DATA_VALUE = 0x42005A, "OpaqueDataValue", ByteString, V1_0;
    OPAQUE_OBJECT = 0x42005B, "OpaqueObject", Structure, V1_0;
    OPERATION = 0x42005C, "Operation", Enumeration, V1_0;
    OPERATION_POLICY_NAME = 0x42005D, "OperationPolicyName", TextString, V1_0 until V1_2;
    P = 0x42005E, "P", BigInteger, V1_0;
    PADDING_METHOD = 0x42005F, "PaddingMethod", Enumeration, V1_0;
    PRIME_EXPONENT_P = 0x420060, "PrimeExponentP", BigInteger, V1_0;
    PRIME_EXPONENT_Q = 0x420061, "PrimeExponentQ", BigInteger, V1_0;
    PRIME_FIELD_SIZE = 0x420062, "PrimeFieldSize", BigInteger, V1_0;
    PRIVATE_EXPONENT = 0x420063, "PrivateExponent", BigInteger, V1_0;
    PRIVATE_KEY = 0x420064, "PrivateKey", Structure, V1_0;
    PRIVATE_KEY_TEMPLATE_ATTRIBUTE = 0x420065, "PrivateKeyTemplateAttribute", Structure, V1_0;
    PRIVATE_KEY_UNIQUE_IDENTIFIER = 0x420066, "PrivateKeyUniqueIdentifier", TextString, V1_0;
    PROCESS_START_DATE = 0x420067, "ProcessStartDate", DateTime, V1_0;
    PROTECT_STOP_DATE = 0x420068, "ProtectStopDate", DateTime, V1_0;
    PROTOCOL_VERSION = 0x420069, "ProtocolVersion", Structure, V1_0;
    PROTOCOL_VERSION_MAJOR = 0x42006A, "ProtocolVersionMajor", Integer, V1_0;
    PROTOCOL_VERSION_MINOR = 0x42006B, "ProtocolVersionMinor", Integer, V1_0;
    PUBLIC_EXPONENT = 0x42006C, "PublicExponent", BigInteger, V1_0;
    PUBLIC_KEY = 0x42006D, "PublicKey", Structure, V1_0;
    PUBLIC_KEY_TEMPLATE_ATTRIBUTE = 0x42006E, "PublicKeyTemplateAttribute", Structure, V1_0;
    PUBLIC_KEY_UNIQUE_IDENTIFIER = 0x42006F, "PublicKeyUniqueIdentifier", TextString, V1_0;
    PUT_FUNCTION = 0x420070, "PutFunction", Enumeration, V1_0;
    Q = 0x420071, "Q", BigInteger, V1_0;
    Q_STRING = 0x420072, "QString", ByteString, V1_0;
    QLENGTH = 0x420073, "Qlength", Integer, V1_0;
    QUERY_FUNCTION = 0x420074, "QueryFunction", Enumeration, V1_0;
    RECOMMENDED_CURVE = 0x420075, "RecommendedCurve", Enumeration, V1_0;
    REPLACED_UNIQUE_IDENTIFIER = 0x420076, "ReplacedUniqueIdentifier", TextString, V1_0;
    REQUEST_HEADER = 0x420077, "RequestHeader", Structure, V1_0;
    REQUEST_MESSAGE = 0x420078, "RequestMessage", Structure, V1_0;
    REQUEST_PAYLOAD = 0x420079, "RequestPayload", Structure, V1_0;
    RESPONSE_HEADER = 0x42007A, "ResponseHeader", Structure, V1_0;
    RESPONSE_MESSAGE = 0x42007B, "ResponseMessage", Structure, V1_0;
    RESPONSE_PAYLOAD = 0x42007C, "ResponsePayload", Structure, V1_0;
    RESULT_MESSAGE = 0x42007D, "ResultMessage", TextString, V1_0;
    RESULT_REASON = 0x42007E, "ResultReason", Enumeration, V1_0;
    RESULT_STATUS = 0x42007F, "ResultStatus", Enumeration, V1_0;
    REVOCATION_MESSAGE = 0x420080, "RevocationMessage", TextString, V1_0;
    REVOCATION_REASON = 0x420081, "RevocationReason", Structure, V1_0;
    REVOCATION_REASON_CODE = 0x420082, "RevocationReasonCode", Enumeration, V1_0;
    KEY_ROLE_TYPE = 0x420083, "KeyRoleType", Enumeration, V1_0;
    SALT = 0x420084, "Salt", ByteString, V1_0;
    SECRET_DATA = 0x420085, "SecretData", Structure, V1_0;
    SECRET_DATA_TYPE = 0x420086, "SecretDataType", Enumeration, V1_0;
    SERIAL_NUMBER = 0x420087, "SerialNumber", TextString, V1_0 until V1_0;
    SERVER_INFORMATION = 0x420088, "ServerInformation", Structure, V1_0;
    SPLIT_KEY = 0x420089, "SplitKey", Structure, V1_0;
    SPLIT_KEY_METHOD = 0x42008A, "SplitKeyMethod", Enumeration, V1_0;
    SPLIT_KEY_PARTS = 0x42008B, "SplitKeyParts", Integer, V1_0;
    SPLIT_KEY_THRESHOLD = 0x42008C, "SplitKeyThreshold", Integer, V1_0;
    STATE = 0x42008D, "State", Enumeration, V1_0;
    STORAGE_STATUS_MASK = 0x42008E, "StorageStatusMask", Integer, V1_0;
    SYMMETRIC_KEY = 0x42008F, "SymmetricKey", Structure, V1_0;
    TEMPLATE = 0x420090, "Template", Structure, V1_0 until V1_2;
    TEMPLATE_ATTRIBUTE = 0x420091, "TemplateAttribute", Structure, V1_0;
    TIME_STAMP = 0x420092, "TimeStamp", DateTime, V1_0;
    UNIQUE_BATCH_ITEM_ID = 0x420093, "UniqueBatchItemID", ByteString, V1_0;
    UNIQUE_IDENTIFIER = 0x420094, "UniqueIdentifier", TextString, V1_0;
    USAGE_LIMITS = 0x420095, "UsageLimits", Structure, V1_0;
    USAGE_LIMITS_COUNT = 0x420096, "UsageLimitsCount", LongInteger, V1_0;
    USAGE_LIMITS_TOTAL = 0x420097, "UsageLimitsTotal", LongInteger, V1_0;
    USAGE_LIMITS_UNIT = 0x420098, "UsageLimitsUnit", Enumeration, V1_0;
    USERNAME = 0x420099, "Username", TextString, V1_0;
    VALIDITY_DATE = 0x42009A, "ValidityDate", DateTime, V1_0;
    VALIDITY_INDICATOR = 0x42009B, "ValidityIndicator", Enumeration, V1_0;
    VENDOR_EXTENSION = 0x42009C, "VendorExtension", Structure, V1_0;
    VENDOR_IDENTIFICATION = 0x42009D, "VendorIdentification", TextString, V1_0;
    WRAPPING_METHOD = 0x42009E, "WrappingMethod", Enumeration, V1_0;
    X = 0x42009F, "X", BigInteger, V1_0;
    Y = 0x4200A0, "Y", BigInteger, V1_0;
    PASSWORD = 0x4200A1, "Password", TextString, V1_0;
    DEVICE_IDENTIFIER = 0x4200A2, "DeviceIdentifier", TextString, V1_1;
    ENCODING_OPTION = 0x4200A3, "EncodingOption", Enumeration, V1_1;
    EXTENSION_INFORMATION = 0x4200A4, "ExtensionInformation", Structure, V1_1;
    EXTENSION_NAME = 0x4200A5, "ExtensionName", TextString, V1_1;
    EXTENSION_TAG = 0x4200A6, "ExtensionTag", Integer, V1_1;
    EXTENSION_TYPE = 0x4200A7, "ExtensionType", Integer, V1_1;
    FRESH = 0x4200A8, "Fresh", Boolean, V1_1;
    MACHINE_IDENTIFIER = 0x4200A9, "MachineIdentifier", TextString, V1_1;
    MEDIA_IDENTIFIER = 0x4200AA, "MediaIdentifier", TextString, V1_1;
    NETWORK_IDENTIFIER = 0x4200AB, "NetworkIdentifier", TextString, V1_1;
    OBJECT_GROUP_MEMBER = 0x4200AC, "ObjectGroupMember", Enumeration, V1_1;
    CERTIFICATE_LENGTH = 0x4200AD, "CertificateLength", Integer, V1_1;
    DIGITAL_SIGNATURE_ALGORITHM = 0x4200AE, "DigitalSignatureAlgorithm", Enumeration, V1_1;
    CERTIFICATE_SERIAL_NUMBER = 0x4200AF, "CertificateSerialNumber", ByteString, V1_1;
    DEVICE_SERIAL_NUMBER = 0x4200B0, "DeviceSerialNumber", TextString, V1_1;
    ISSUER_ALTERNATIVE_NAME = 0x4200B1, "IssuerAlternativeName", ByteString, V1_1;
    ISSUER_DISTINGUISHED_NAME = 0x4200B2, "IssuerDistinguishedName", ByteString, V1_1;
    SUBJECT_ALTERNATIVE_NAME = 0x4200B3, "SubjectAlternativeName", ByteString, V1_1;
    SUBJECT_DISTINGUISHED_NAME = 0x4200B4, "SubjectDistinguishedName", ByteString, V1_1;
    X509_CERTIFICATE_IDENTIFIER = 0x4200B5, "X_509CertificateIdentifier", Structure, V1_1;
    X509_CERTIFICATE_ISSUER = 0x4200B6, "X_509CertificateIssuer", Structure, V1_1;
    X509_CERTIFICATE_SUBJECT = 0x4200B7, "X_509CertificateSubject", Structure, V1_1;
    KEY_VALUE_LOCATION = 0x4200B8, "KeyValueLocation", Structure, V1_2;
    KEY_VALUE_LOCATION_VALUE = 0x4200B9, "KeyValueLocationValue", TextString, V1_2;
    KEY_VALUE_LOCATION_TYPE = 0x4200BA, "KeyValueLocationType", Enumeration, V1_2;
    KEY_VALUE_PRESENT = 0x4200BB, "KeyValuePresent", Boolean, V1_2;
    ORIGINAL_CREATION_DATE = 0x4200BC, "OriginalCreationDate", DateTime, V1_2;
    PGP_KEY = 0x4200BD, "PGPKey", Structure, V1_2;
    PGP_KEY_VERSION = 0x4200BE, "PGPKeyVersion", Integer, V1_2;
    ALTERNATIVE_NAME = 0x4200BF, "AlternativeName", Structure, V1_2;
    ALTERNATIVE_NAME_VALUE = 0x4200C0, "AlternativeNameValue", TextString, V1_2;
    ALTERNATIVE_NAME_TYPE = 0x4200C1, "AlternativeNameType", Enumeration, V1_2;
    DATA = 0x4200C2, "Data", ByteString, V1_2;
    SIGNATURE_DATA = 0x4200C3, "SignatureData", ByteString, V1_2;
    DATA_LENGTH = 0x4200C4, "DataLength", Integer, V1_2;
    RANDOM_IV = 0x4200C5, "RandomIV", Boolean, V1_2;
    MAC_DATA = 0x4200C6, "MACData", ByteString, V1_2;
    ATTESTATION_TYPE = 0x4200C7, "AttestationType", Enumeration, V1_2;
    NONCE = 0x4200C8, "Nonce", Structure, V1_2;
    NONCE_ID = 0x4200C9, "NonceID", ByteString, V1_2;
    NONCE_VALUE = 0x4200CA, "NonceValue", ByteString, V1_2;
    ATTESTATION_MEASUREMENT = 0x4200CB, "AttestationMeasurement", ByteString, V1_2;
    ATTESTATION_ASSERTION = 0x4200CC, "AttestationAssertion", ByteString, V1_2;
    IV_LENGTH = 0x4200CD, "IVLength", Integer, V1_2;
    TAG_LENGTH = 0x4200CE, "TagLength", Integer, V1_2;
    FIXED_FIELD_LENGTH = 0x4200CF, "FixedFieldLength", Integer, V1_2;
    COUNTER_LENGTH = 0x4200D0, "CounterLength", Integer, V1_2;
    INITIAL_COUNTER_VALUE = 0x4200D1, "InitialCounterValue", Integer, V1_2;
    INVOCATION_FIELD_LENGTH = 0x4200D2, "InvocationFieldLength", Integer, V1_2;
    ATTESTATION_CAPABLE_INDICATOR = 0x4200D3, "AttestationCapableIndicator", Boolean, V1_2;
    OFFSET_ITEMS = 0x4200D4, "OffsetItems", Integer, V1_3;
    LOCATED_ITEMS = 0x4200D5, "LocatedItems", Integer, V1_3;
    CORRELATION_VALUE = 0x4200D6, "CorrelationValue", ByteString, V1_3;
    INIT_INDICATOR = 0x4200D7, "InitIndicator", Boolean, V1_3;
    FINAL_INDICATOR = 0x4200D8, "FinalIndicator", Boolean, V1_3;
    RNG_PARAMETERS = 0x4200D9, "RNGParameters", Structure, V1_3;
    RNG_ALGORITHM = 0x4200DA, "RNGAlgorithm", Enumeration, V1_3;
    DRBG_ALGORITHM = 0x4200DB, "DRBGAlgorithm", Enumeration, V1_3;
    FIPS186_VARIATION = 0x4200DC, "FIPS186Variation", Enumeration, V1_3;
    PREDICTION_RESISTANCE = 0x4200DD, "PredictionResistance", Boolean, V1_3;
    RANDOM_NUMBER_GENERATOR = 0x4200DE, "RandomNumberGenerator", Structure, V1_3;
    VALIDATION_INFORMATION = 0x4200DF, "ValidationInformation", Structure, V1_3;
    VALIDATION_AUTHORITY_TYPE = 0x4200E0, "ValidationAuthorityType", Enumeration, V1_3;
    VALIDATION_AUTHORITY_COUNTRY = 0x4200E1, "ValidationAuthorityCountry", TextString, V1_3;
    VALIDATION_AUTHORITY_URI = 0x4200E2, "ValidationAuthorityURI", TextString, V1_3;
    VALIDATION_VERSION_MAJOR = 0x4200E3, "ValidationVersionMajor", Integer, V1_3;
    VALIDATION_VERSION_MINOR = 0x4200E4, "ValidationVersionMinor", Integer, V1_3;
    VALIDATION_TYPE = 0x4200E5, "ValidationType", Enumeration, V1_3;
    VALIDATION_LEVEL = 0x4200E6, "ValidationLevel", Integer, V1_3;
    VALIDATION_CERTIFICATE_IDENTIFIER = 0x4200E7, "ValidationCertificateIdentifier", TextString, V1_3;
    VALIDATION_CERTIFICATE_URI = 0x4200E8, "ValidationCertificateURI", TextString, V1_3;
    VALIDATION_VENDOR_URI = 0x4200E9, "ValidationVendorURI", TextString, V1_3;
    VALIDATION_PROFILE = 0x4200EA, "ValidationProfile", TextString, V1_3;
    PROFILE_INFORMATION = 0x4200EB, "ProfileInformation", Structure, V1_3;
    PROFILE_NAME = 0x4200EC, "ProfileName", Enumeration, V1_3;
    SERVER_URI = 0x4200ED, "ServerURI", TextString, V1_3;
    SERVER_PORT = 0x4200EE, "ServerPort", Integer, V1_3;
    STREAMING_CAPABILITY = 0x4200EF, "StreamingCapability", Boolean, V1_3;
    ASYNCHRONOUS_CAPABILITY = 0x4200F0, "AsynchronousCapability", Boolean, V1_3;
    ATTESTATION_CAPABILITY = 0x4200F1, "AttestationCapability", Boolean, V1_3;
    UNWRAP_MODE = 0x4200F2, "UnwrapMode", Enumeration, V1_3;
    DESTROY_ACTION = 0x4200F3, "DestroyAction", Enumeration, V1_3;
    SHREDDING_ALGORITHM = 0x4200F4, "ShreddingAlgorithm", Enumeration, V1_3;
    RNG_MODE = 0x4200F5, "RNGMode", Enumeration, V1_3;
    CLIENT_REGISTRATION_METHOD = 0x4200F6, "ClientRegistrationMethod", Enumeration, V1_3;
    CAPABILITY_INFORMATION = 0x4200F7, "CapabilityInformation", Structure, V1_3;
    KEY_WRAP_TYPE = 0x4200F8, "KeyWrapType", Enumeration, V1_4;
    BATCH_UNDO_CAPABILITY = 0x4200F9, "BatchUndoCapability", Boolean, V1_4;
    BATCH_CONTINUE_CAPABILITY = 0x4200FA, "BatchContinueCapability", Boolean, V1_4;
    PKCS12_FRIENDLY_NAME = 0x4200FB, "PKCS_12FriendlyName", TextString, V1_4;
    DESCRIPTION = 0x4200FC, "Description", TextString, V1_4;
    COMMENT = 0x4200FD, "Comment", TextString, V1_4;
    AUTHENTICATED_ENCRYPTION_ADDITIONAL_DATA = 0x4200FE, "AuthenticatedEncryptionAdditionalData", ByteString, V1_4;
    AUTHENTICATED_ENCRYPTION_TAG = 0x4200FF, "AuthenticatedEncryptionTag", ByteString, V1_4;
    SALT_LENGTH = 0x420100, "SaltLength", Integer, V1_4;
    MASK_GENERATOR = 0x420101, "MaskGenerator", Enumeration, V1_4;
    MASK_GENERATOR_HASHING_ALGORITHM = 0x420102, "MaskGeneratorHashingAlgorithm", Enumeration, V1_4;
    P_SOURCE = 0x420103, "PSource", ByteString, V1_4;
    TRAILER_FIELD = 0x420104, "TrailerField", Integer, V1_4;
    CLIENT_CORRELATION_VALUE = 0x420105, "ClientCorrelationValue", TextString, V1_4;
    SERVER_CORRELATION_VALUE = 0x420106, "ServerCorrelationValue", TextString, V1_4;
    DIGESTED_DATA = 0x420107, "DigestedData", ByteString, V1_4;
    CERTIFICATE_SUBJECT_CN = 0x420108, "CertificateSubjectCN", TextString, V1_4;
    CERTIFICATE_SUBJECT_O = 0x420109, "CertificateSubjectO", TextString, V1_4;
    CERTIFICATE_SUBJECT_OU = 0x42010A, "CertificateSubjectOU", TextString, V1_4;
    CERTIFICATE_SUBJECT_EMAIL = 0x42010B, "CertificateSubjectEmail", TextString, V1_4;
    CERTIFICATE_SUBJECT_C = 0x42010C, "CertificateSubjectC", TextString, V1_4;
    CERTIFICATE_SUBJECT_ST = 0x42010D, "CertificateSubjectST", TextString, V1_4;
    CERTIFICATE_SUBJECT_L = 0x42010E, "CertificateSubjectL", TextString, V1_4;
    CERTIFICATE_SUBJECT_UID = 0x42010F, "CertificateSubjectUID", TextString, V1_4;
    CERTIFICATE_SUBJECT_SERIAL_NUMBER = 0x420110, "CertificateSubjectSerialNumber", TextString, V1_4;
    CERTIFICATE_SUBJECT_TITLE = 0x420111, "CertificateSubjectTitle", TextString, V1_4;
    CERTIFICATE_SUBJECT_DC = 0x420112, "CertificateSubjectDC", TextString, V1_4;
    CERTIFICATE_SUBJECT_DN_QUALIFIER = 0x420113, "CertificateSubjectDNQualifier", TextString, V1_4;
    CERTIFICATE_ISSUER_CN = 0x420114, "CertificateIssuerCN", TextString, V1_4;
    CERTIFICATE_ISSUER_O = 0x420115, "CertificateIssuerO", TextString, V1_4;
    CERTIFICATE_ISSUER_OU = 0x420116, "CertificateIssuerOU", TextString, V1_4;
    CERTIFICATE_ISSUER_EMAIL = 0x420117, "CertificateIssuerEmail", TextString, V1_4;
    CERTIFICATE_ISSUER_C = 0x420118, "CertificateIssuerC", TextString, V1_4;
    CERTIFICATE_ISSUER_ST = 0x420119, "CertificateIssuerST", TextString, V1_4;
    CERTIFICATE_ISSUER_L = 0x42011A, "CertificateIssuerL", TextString, V1_4;
    CERTIFICATE_ISSUER_UID = 0x42011B, "CertificateIssuerUID", TextString, V1_4;
    CERTIFICATE_ISSUER_SERIAL_NUMBER = 0x42011C, "CertificateIssuerSerialNumber", TextString, V1_4;
    CERTIFICATE_ISSUER_TITLE = 0x42011D, "CertificateIssuerTitle", TextString, V1_4;
    CERTIFICATE_ISSUER_DC = 0x42011E, "CertificateIssuerDC", TextString, V1_4;
    CERTIFICATE_ISSUER_DN_QUALIFIER = 0x42011F, "CertificateIssuerDNQualifier", TextString, V1_4;
    SENSITIVE = 0x420120, "Sensitive", Boolean, V1_4;
    ALWAYS_SENSITIVE = 0x420121, "AlwaysSensitive", Boolean, V1_4;
    EXTRACTABLE = 0x420122, "Extractable", Boolean, V1_4;
    NEVER_EXTRACTABLE = 0x420123, "NeverExtractable", Boolean, V1_4;
    REPLACE_EXISTING = 0x420124, "ReplaceExisting", Boolean, V1_4;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_run_without_a_gap_and_each_tag_finds_its_own_row() {
        assert_eq!(TAGS.len(), 0x124);
        for (index, row) in TAGS.iter().enumerate() {
            assert_eq!(row.tag.number() as usize, 0x42_0001 + index, "{}", row.name);
            assert_eq!(entry(row.tag), Some(row));
            assert_eq!(named(row.name), Some(row), "two tags are called {}", row.name);
        }
        for number in [0, 0x42_0000, 0x42_0125, 0x54_0001, 0xFF_FFFF] {
            assert_eq!(entry(Tag::new(number)), None, "{number:06X}");
        }
    }

    #[test]
    fn the_versions_follow_the_numbers_as_each_standard_appended_its_own() {
        assert!(TAGS.is_sorted_by_key(|row| row.since));
        // The first tag of each version, from the lists of new tags in the standards' own tables.
        let first = |version| TAGS.iter().find(|row| row.since == version).map(|row| row.name);
        assert_eq!(first(ProtocolVersion::V1_1), Some("DeviceIdentifier"));
        assert_eq!(first(ProtocolVersion::V1_2), Some("KeyValueLocation"));
        assert_eq!(first(ProtocolVersion::V1_3), Some("OffsetItems"));
        assert_eq!(first(ProtocolVersion::V1_4), Some("KeyWrapType"));
        assert!(TAGS.iter().all(|row| row.until.is_none_or(|until| row.since <= until)));
    }

    #[test]
    fn the_tags_that_once_broke_clients_are_not_allowed_in_1_0() {
        // Seen in the field: a 1.0 answer with Server Correlation Value, and one with Fresh.
        assert!(!allowed_in(SERVER_CORRELATION_VALUE, ProtocolVersion::V1_0));
        assert!(allowed_in(SERVER_CORRELATION_VALUE, ProtocolVersion::V1_4));
        assert!(!allowed_in(FRESH, ProtocolVersion::V1_0));
        assert!(allowed_in(FRESH, ProtocolVersion::V1_1));
        assert!(allowed_in(Tag::new(0x54_0001), ProtocolVersion::V1_0));
        assert!(!allowed_in(Tag::new(0x42_0125), ProtocolVersion::V1_4));
    }
}
