//! The names of attributes (KMIP 1.4, clause 3) and the version that brought each: one table.
//!
//! Invariant: a name that is neither in the table nor a custom one (`x-`, `y-`) belongs to no version that we speak.

use super::version::ProtocolVersion;

/// The first version that has an attribute of this name. Custom attributes have existed from the start (clause 3.39).
pub fn since(name: &str) -> Option<ProtocolVersion> {
    if name.starts_with("x-") || name.starts_with("y-") {
        return Some(ProtocolVersion::V1_0);
    }
    NAMES.iter().find(|(known, _)| *known == name).map(|(_, since)| *since)
}

/// Whether a message of that version may hold an attribute of this name.
pub fn allowed_in(name: &str, version: ProtocolVersion) -> bool {
    since(name).is_some_and(|since| since <= version)
}

macro_rules! names {
    ($($constant:ident = $name:literal, $since:ident;)+) => {
        $(
            #[doc = concat!("`", $name, "`, since ", stringify!($since), ".")]
            pub const $constant: &str = $name;
        )+

        /// Every name of the standard with its first version, in the order of clause 3.
        pub const NAMES: &[(&str, ProtocolVersion)] = &[$(($constant, ProtocolVersion::$since)),+];
    };
}

names! {
    UNIQUE_IDENTIFIER = "Unique Identifier", V1_0;
    NAME = "Name", V1_0;
    OBJECT_TYPE = "Object Type", V1_0;
    CRYPTOGRAPHIC_ALGORITHM = "Cryptographic Algorithm", V1_0;
    CRYPTOGRAPHIC_LENGTH = "Cryptographic Length", V1_0;
    CRYPTOGRAPHIC_PARAMETERS = "Cryptographic Parameters", V1_0;
    CRYPTOGRAPHIC_DOMAIN_PARAMETERS = "Cryptographic Domain Parameters", V1_0;
    CERTIFICATE_TYPE = "Certificate Type", V1_0;
    CERTIFICATE_LENGTH = "Certificate Length", V1_1;
    X_509_CERTIFICATE_IDENTIFIER = "X.509 Certificate Identifier", V1_1;
    X_509_CERTIFICATE_SUBJECT = "X.509 Certificate Subject", V1_1;
    X_509_CERTIFICATE_ISSUER = "X.509 Certificate Issuer", V1_1;
    CERTIFICATE_IDENTIFIER = "Certificate Identifier", V1_0;
    CERTIFICATE_SUBJECT = "Certificate Subject", V1_0;
    CERTIFICATE_ISSUER = "Certificate Issuer", V1_0;
    DIGITAL_SIGNATURE_ALGORITHM = "Digital Signature Algorithm", V1_1;
    DIGEST = "Digest", V1_0;
    OPERATION_POLICY_NAME = "Operation Policy Name", V1_0;
    CRYPTOGRAPHIC_USAGE_MASK = "Cryptographic Usage Mask", V1_0;
    LEASE_TIME = "Lease Time", V1_0;
    USAGE_LIMITS = "Usage Limits", V1_0;
    STATE = "State", V1_0;
    INITIAL_DATE = "Initial Date", V1_0;
    ACTIVATION_DATE = "Activation Date", V1_0;
    PROCESS_START_DATE = "Process Start Date", V1_0;
    PROTECT_STOP_DATE = "Protect Stop Date", V1_0;
    DEACTIVATION_DATE = "Deactivation Date", V1_0;
    DESTROY_DATE = "Destroy Date", V1_0;
    COMPROMISE_OCCURRENCE_DATE = "Compromise Occurrence Date", V1_0;
    COMPROMISE_DATE = "Compromise Date", V1_0;
    REVOCATION_REASON = "Revocation Reason", V1_0;
    ARCHIVE_DATE = "Archive Date", V1_0;
    OBJECT_GROUP = "Object Group", V1_0;
    FRESH = "Fresh", V1_1;
    LINK = "Link", V1_0;
    APPLICATION_SPECIFIC_INFORMATION = "Application Specific Information", V1_0;
    CONTACT_INFORMATION = "Contact Information", V1_0;
    LAST_CHANGE_DATE = "Last Change Date", V1_0;
    ALTERNATIVE_NAME = "Alternative Name", V1_2;
    KEY_VALUE_PRESENT = "Key Value Present", V1_2;
    KEY_VALUE_LOCATION = "Key Value Location", V1_2;
    ORIGINAL_CREATION_DATE = "Original Creation Date", V1_2;
    RANDOM_NUMBER_GENERATOR = "Random Number Generator", V1_3;
    PKCS_12_FRIENDLY_NAME = "PKCS#12 Friendly Name", V1_4;
    DESCRIPTION = "Description", V1_4;
    COMMENT = "Comment", V1_4;
    SENSITIVE = "Sensitive", V1_4;
    ALWAYS_SENSITIVE = "Always Sensitive", V1_4;
    EXTRACTABLE = "Extractable", V1_4;
    NEVER_EXTRACTABLE = "Never Extractable", V1_4;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kmip::spelling::Compact;
    use crate::kmip::tag;

    #[test]
    fn each_attribute_is_as_old_as_the_tag_of_the_same_name() {
        for (name, since) in NAMES {
            let tag = tag::named(&Compact(name).to_string()).unwrap_or_else(|| panic!("no tag is called {name}"));
            assert_eq!(tag.since, *since, "{name}");
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
}
