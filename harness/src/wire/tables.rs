//! More of what the numbers on the wire mean: enumerations that only test cases use, masks, and what 2.x added.
//!
//! The same shape as the tables in [`super::names`], which reads both. Clauses are those of KMIP 1.4 (9.1.3.2 and
//! 9.1.3.3) and, under the heading 2.x, of KMIP 2.1 (clause 11).
//!
//! Invariant: no number stands both here and there.

use super::names::{
    ATTRIBUTE_REFERENCE, CRYPTOGRAPHIC_USAGE_MASK, Choices, NAME_TYPE, OPERATION, RESULT_REASON, SECRET_DATA_TYPE,
    STORAGE_STATUS_MASK, UNIQUE_IDENTIFIER,
};

/// The titles of the tags from 0x420125 on, in the order of their numbers; reserved numbers have none.
#[rustfmt::skip]
pub(super) const LATER_TAGS: &[&str] = &[
    // 2.0
    "Attributes", "Common Attributes", "Private Key Attributes", "Public Key Attributes", "Extension Enumeration",
    "Extension Attribute", "Extension Parent Structure Tag", "Extension Description", "Server Name",
    "Server Serial Number", "Server Version", "Server Load", "Product Name", "Build Level", "Build Date",
    "Cluster Info", "Alternate Failover Endpoints", "Short Unique Identifier", "", "Tag",
    "Certificate Request Unique Identifier", "NIST Key Type", "Attribute Reference", "Current Attribute",
    "New Attribute", "", "", "Certificate Request Value", "Log Message", "Profile Version", "Profile Version Major",
    "Profile Version Minor", "Protection Level", "Protection Period", "Quantum Safe", "Quantum Safe Capability",
    "Ticket", "Ticket Type", "Ticket Value", "Request Count", "Rights", "Objects", "Operations", "Right",
    "Endpoint Role", "Defaults Information", "Object Defaults", "Ephemeral", "Server Hashed Password",
    "One Time Password", "Hashed Password", "Adjustment Type", "PKCS#11 Interface", "PKCS#11 Function",
    "PKCS#11 Input Parameters", "PKCS#11 Output Parameters", "PKCS#11 Return Code", "Protection Storage Mask",
    "Protection Storage Masks", "Interop Function", "Interop Identifier", "Adjustment Value",
    "Common Protection Storage Masks", "Private Protection Storage Masks", "Public Protection Storage Masks",
    // 2.1
    "Object Groups", "Object Types", "Constraints", "Constraint", "Rotate Interval", "Rotate Automatic",
    "Rotate Offset", "Rotate Date", "Rotate Generation", "Rotate Name", "Rotate Name Value", "Rotate Name Type",
    "Rotate Latest", "Asynchronous Request", "Submission Date", "Processing Stage", "Asynchronous Correlation Values",
];

/// Enumerations beside those of [`super::names`]. A row may continue one that stands there.
#[rustfmt::skip]
pub(super) const MORE_CHOICES: &[Choices] = &[
    Choices { tag: 0x42000E, first: 1, titles: &["Continue", "Stop", "Undo"] },
    Choices { tag: 0x420012, first: 1, titles: &["Canceled", "Unable to Cancel", "Completed", "Failed", "Unavailable"] },
    Choices { tag: 0x420019, first: 1, titles: &["CRMF", "PKCS#10", "PEM", "PGP"] },
    Choices { tag: 0x42001D, first: 1, titles: &["X.509", "PGP"] },
    Choices { tag: 0x420031, first: 1, titles: &[
        "PBKDF2", "HASH", "HMAC", "ENCRYPT", "NIST800-108-C", "NIST800-108-F", "NIST800-108-DPI", "Asymmetric Key",
    ] },
    Choices { tag: 0x420041, first: 1, titles: &[
        "EC Public Key Type Uncompressed", "EC Public Key Type X9.62 Compressed Prime",
        "EC Public Key Type X9.62 Compressed Char2", "EC Public Key Type X9.62 Hybrid",
    ] },
    Choices { tag: NAME_TYPE, first: 1, titles: &["Uninterpreted Text String", "URI"] },
    Choices { tag: 0x420070, first: 1, titles: &["New", "Replace"] },
    Choices { tag: 0x420075, first: 1, titles: &[
        "P-192", "K-163", "B-163", "P-224", "K-233", "B-233", "P-256", "K-283", "B-283", "P-384", "K-409", "B-409",
        "P-521", "K-571", "B-571", "SECP112R1", "SECP112R2", "SECP128R1", "SECP128R2", "SECP160K1", "SECP160R1",
        "SECP160R2", "SECP192K1", "SECP224K1", "SECP256K1", "SECT113R1", "SECT113R2", "SECT131R1", "SECT131R2",
        "SECT163R1", "SECT193R1", "SECT193R2", "SECT239K1", "ANSIX9P192V2", "ANSIX9P192V3", "ANSIX9P239V1",
        "ANSIX9P239V2", "ANSIX9P239V3", "ANSIX9C2PNB163V1", "ANSIX9C2PNB163V2", "ANSIX9C2PNB163V3",
        "ANSIX9C2PNB176V1", "ANSIX9C2TNB191V1", "ANSIX9C2TNB191V2", "ANSIX9C2TNB191V3", "ANSIX9C2PNB208W1",
        "ANSIX9C2TNB239V1", "ANSIX9C2TNB239V2", "ANSIX9C2TNB239V3", "ANSIX9C2PNB272W1", "ANSIX9C2PNB304W1",
        "ANSIX9C2TNB359V1", "ANSIX9C2PNB368W1", "ANSIX9C2TNB431R1", "BRAINPOOLP160R1", "BRAINPOOLP160T1",
        "BRAINPOOLP192R1", "BRAINPOOLP192T1", "BRAINPOOLP224R1", "BRAINPOOLP224T1", "BRAINPOOLP256R1",
        "BRAINPOOLP256T1", "BRAINPOOLP320R1", "BRAINPOOLP320T1", "BRAINPOOLP384R1", "BRAINPOOLP384T1",
        "BRAINPOOLP512R1", "BRAINPOOLP512T1",
    ] },
    Choices { tag: 0x420083, first: 1, titles: &[
        "BDK", "CVK", "DEK", "MKAC", "MKSMC", "MKSMI", "MKDAC", "MKDN", "MKCP", "MKOTH", "KEK", "MAC16609", "MAC97971",
        "MAC97972", "MAC97973", "MAC97974", "MAC97975", "ZPK", "PVKIBM", "PVKPVV", "PVKOTH", "DUKPT", "IV", "TRKBK",
    ] },
    Choices { tag: SECRET_DATA_TYPE, first: 1, titles: &["Password", "Seed"] },
    Choices { tag: 0x42008A, first: 1, titles: &[
        "XOR", "Polynomial Sharing GF (2^16)", "Polynomial Sharing Prime Field", "Polynomial Sharing GF (2^8)",
    ] },
    Choices { tag: 0x420098, first: 1, titles: &["Byte", "Object"] },
    Choices { tag: 0x42009B, first: 1, titles: &["Valid", "Invalid", "Unknown"] },
    Choices { tag: 0x42009E, first: 1, titles: &[
        "Encrypt", "MAC/sign", "Encrypt then MAC/sign", "MAC/sign then encrypt", "TR-31",
    ] },
    Choices { tag: 0x4200A3, first: 1, titles: &["No Encoding", "TTLV Encoding"] },
    Choices { tag: 0x4200AE, first: 1, titles: &[
        "MD2 with RSA Encryption", "MD5 with RSA Encryption", "SHA-1 with RSA Encryption",
        "SHA-224 with RSA Encryption", "SHA-256 with RSA Encryption", "SHA-384 with RSA Encryption",
        "SHA-512 with RSA Encryption", "RSASSA-PSS", "DSA with SHA-1", "DSA with SHA224", "DSA with SHA256",
        "ECDSA with SHA-1", "ECDSA with SHA224", "ECDSA with SHA256", "ECDSA with SHA384", "ECDSA with SHA512",
        "SHA3-256 with RSA Encryption", "SHA3-384 with RSA Encryption", "SHA3-512 with RSA Encryption",
    ] },
    Choices { tag: 0x4200BA, first: 1, titles: &["Uninterpreted Text String", "URI"] },
    Choices { tag: 0x4200C1, first: 1, titles: &[
        "Uninterpreted Text String", "URI", "Object Serial Number", "Email Address", "DNS Name",
        "X.500 Distinguished Name", "IP Address",
    ] },
    Choices { tag: 0x4200C7, first: 1, titles: &["TPM Quote", "TCG Integrity Report", "SAML Assertion"] },
    Choices { tag: 0x4200DA, first: 1, titles: &[
        "Unspecified", "FIPS 186-2", "DRBG", "NRBG", "ANSI X9.31", "ANSI X9.62",
    ] },
    Choices { tag: 0x4200DB, first: 1, titles: &["Unspecified", "Dual-EC", "Hash", "HMAC", "CTR"] },
    Choices { tag: 0x4200DC, first: 1, titles: &[
        "Unspecified", "GP x-Original", "GP x-Change Notice", "x-Original", "x-Change Notice", "k-Original",
        "k-Change Notice",
    ] },
    Choices { tag: 0x4200E0, first: 1, titles: &["Unspecified", "NIST CMVP", "Common Criteria"] },
    Choices { tag: 0x4200E5, first: 1, titles: &["Unspecified", "Hardware", "Software", "Firmware", "Hybrid"] },
    Choices { tag: 0x4200F2, first: 1, titles: &["Unspecified", "Processed", "Not Processed"] },
    Choices { tag: 0x4200F3, first: 1, titles: &[
        "Unspecified", "Key Material Deleted", "Key Material Shredded", "Meta Data Deleted", "Meta Data Shredded",
        "Deleted", "Shredded",
    ] },
    Choices { tag: 0x4200F4, first: 1, titles: &["Unspecified", "Cryptographic", "Unsupported"] },
    Choices { tag: 0x4200F5, first: 1, titles: &["Unspecified", "Shared Instantiation", "Non-Shared Instantiation"] },
    Choices { tag: 0x4200F6, first: 1, titles: &[
        "Unspecified", "Server Pre-Generated", "Server On-Demand", "Client Generated", "Client Registered",
    ] },
    Choices { tag: 0x4200F8, first: 1, titles: &["Not Wrapped", "As Registered"] },
    Choices { tag: 0x420101, first: 1, titles: &["MGF1"] },
    Choices { tag: 0x420102, first: 1, titles: &[
        "MD2", "MD4", "MD5", "SHA-1", "SHA-224", "SHA-256", "SHA-384", "SHA-512", "RIPEMD-160", "Tiger", "Whirlpool",
        "SHA-512/224", "SHA-512/256", "SHA-3-224", "SHA-3-256", "SHA-3-384", "SHA-3-512",
    ] },
    // 2.x
    Choices { tag: 0x420007, first: 1, titles: &["Mandatory", "Optional", "Prohibited"] },
    Choices { tag: 0x420024, first: 4, titles: &["One Time Password", "Hashed Password", "Ticket"] },
    Choices { tag: OPERATION, first: 0x2C, titles: &[
        "Log", "Login", "Logout", "Delegated Login", "Adjust Attribute", "Set Attribute", "Set Endpoint Role",
        "PKCS#11", "Interop", "Re-Provision",
    ] },
    Choices { tag: RESULT_REASON, first: 0x19, titles: &[
        "Invalid Ticket", "Usage Limit Exceeded", "Numeric Range", "Invalid Data Type", "Read Only Attribute",
        "Multi Valued Attribute", "Unsupported Attribute", "Attribute Instance Not Found", "Attribute Not Found",
        "Attribute Read Only", "Attribute Single Valued", "Bad Cryptographic Parameters", "Bad Password",
        "Codec Error",
    ] },
    Choices { tag: RESULT_REASON, first: 0x28, titles: &[
        "Illegal Object Type", "Incompatible Cryptographic Usage Mask", "Internal Server Error",
        "Invalid Asynchronous Correlation Value", "Invalid Attribute", "Invalid Attribute Value",
        "Invalid Correlation Value", "Invalid CSR", "Invalid Object Type",
    ] },
    Choices { tag: RESULT_REASON, first: 0x32, titles: &["Key Wrap Type Not Supported"] },
    Choices { tag: RESULT_REASON, first: 0x34, titles: &[
        "Missing Initialization Vector", "Non Unique Name Attribute", "Object Destroyed", "Object Not Found",
    ] },
    Choices { tag: RESULT_REASON, first: 0x39, titles: &[
        "Not Authorised", "Server Limit Exceeded", "Unknown Enumeration", "Unknown Message Extension", "Unknown Tag",
        "Unsupported Cryptographic Parameters", "Unsupported Protocol Version", "Wrapping Object Archived",
        "Wrapping Object Destroyed", "Wrapping Object Not Found", "Wrong Key Lifecycle State",
        "Protection Storage Unavailable", "PKCS#11 Codec Error", "PKCS#11 Invalid Function",
        "PKCS#11 Invalid Interface",
    ] },
    Choices { tag: UNIQUE_IDENTIFIER, first: 1, titles: &[
        "ID Placeholder", "Certify", "Create", "Create Key Pair", "Create Key Pair Private Key",
        "Create Key Pair Public Key", "Create Split Key", "Derive Key", "Import", "Join Split Key", "Locate",
        "Register", "Re-key", "Re-certify", "Re-key Key Pair", "Re-key Key Pair Private Key",
        "Re-key Key Pair Public Key",
    ] },
    Choices { tag: 0x420145, first: 1, titles: &["High", "Low"] },
    Choices { tag: 0x42014A, first: 1, titles: &["Login"] },
    Choices { tag: 0x420151, first: 1, titles: &["Client", "Server"] },
    Choices { tag: 0x420158, first: 1, titles: &["Increment", "Decrement", "Negate"] },
    Choices { tag: 0x420160, first: 1, titles: &["Begin", "End", "Reset"] },
];

/// Enumerations whose choices are tags: in 2.x attributes are named by theirs.
pub(super) const CHOICES_ARE_TAGS: &[u32] = &[ATTRIBUTE_REFERENCE, 0x420138];

/// The bits of the masks, from the lowest on (clauses 9.1.3.3.1 and 9.1.3.3.2; 2.1, clause 11.16 and 11.43).
#[rustfmt::skip]
pub(super) const MASKS: &[(u32, &[&str])] = &[
    (CRYPTOGRAPHIC_USAGE_MASK, &[
        "Sign", "Verify", "Encrypt", "Decrypt", "Wrap Key", "Unwrap Key", "Export", "MAC Generate", "MAC Verify",
        "Derive Key", "Content Commitment", "Key Agreement", "Certificate Sign", "CRL Sign", "Generate Cryptogram",
        "Validate Cryptogram", "Translate Encrypt", "Translate Decrypt", "Translate Wrap", "Translate Unwrap",
        // 2.0
        "Authenticate", "Unrestricted", "FPE Encrypt", "FPE Decrypt",
    ]),
    (STORAGE_STATUS_MASK, &["On-line storage", "Archival storage", "Destroyed storage"]),
    (0x42015E, &[
        "Software", "Hardware", "On Processor", "On System", "Off System", "Hypervisor", "Operating System",
        "Container", "On Premises", "Off Premises", "Self Managed", "Outsourced", "Validated", "Same Jurisdiction",
    ]),
];
