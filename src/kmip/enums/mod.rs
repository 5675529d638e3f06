//! Enumerations: one table each, with the version that brought every value (KMIP 1.4, clause 9.1.3.2).
//!
//! Invariant: a value is its number. One that no version defines can be held, compared, printed and sent back; it only
//! has no name.

mod cipher;
mod key;
mod object;
mod operation;
mod result;
mod server;

use super::version::ProtocolVersion;
use crate::ttlv::{Item, Tag, TtlvError};

pub use cipher::{BlockCipherMode, HashingAlgorithm, PaddingMethod};
pub use key::{CryptographicAlgorithm, KeyCompressionType, KeyFormatType, KeyWrapType};
pub use object::{NameType, ObjectGroupMember, ObjectType, RevocationReasonCode, SecretDataType, State};
pub use operation::{BatchErrorContinuationOption, Operation, QueryFunction};
pub use result::{ResultReason, ResultStatus};
pub use server::{ClientRegistrationMethod, DestroyAction, RngAlgorithm, RngMode, UnwrapMode};

/// What all enumerations can do.
pub trait Enumeration: Copy {
    /// The tag of items that hold such a value.
    const TAG: Tag;

    /// The value of this number.
    fn from_number(number: u32) -> Self;

    /// The number on the wire.
    fn number(self) -> u32;

    /// The standard name and the first version that has the value; none if no version of 1.x has it.
    fn entry(self) -> Option<(&'static str, ProtocolVersion)>;

    /// Whether a message of that version may hold the value. Values of vendors (0x8.......) belong to no version.
    #[inline]
    fn allowed_in(self, version: ProtocolVersion) -> bool {
        match self.entry() {
            Some((_, since)) => since <= version,
            None => self.number() >> 28 == 0x8,
        }
    }

    /// Reads the value from an item.
    #[inline]
    fn read(item: &Item<'_>) -> Result<Self, TtlvError> {
        item.enumeration().map(Self::from_number)
    }
}

/// The name of a value by the tag of its item, for the enumerations that are known here.
pub fn value_name(tag: Tag, number: u32) -> Option<&'static str> {
    value_entry(tag, number).map(|(name, _)| name)
}

/// The same with the first version that has the value.
pub(crate) fn value_entry(tag: Tag, number: u32) -> Option<(&'static str, ProtocolVersion)> {
    macro_rules! search {
        ($($type:ident),+ $(,)?) => {
            match tag {
                $(tag if tag == $type::TAG => $type(number).entry(),)+
                _ => None,
            }
        };
    }
    search!(
        BatchErrorContinuationOption,
        BlockCipherMode,
        ClientRegistrationMethod,
        CryptographicAlgorithm,
        DestroyAction,
        HashingAlgorithm,
        KeyCompressionType,
        KeyFormatType,
        KeyWrapType,
        NameType,
        ObjectGroupMember,
        ObjectType,
        Operation,
        PaddingMethod,
        QueryFunction,
        ResultReason,
        ResultStatus,
        RevocationReasonCode,
        RngAlgorithm,
        RngMode,
        SecretDataType,
        State,
        UnwrapMode,
    )
}

/// Declares an enumeration from its table: `CONSTANT = number, "standard name", first version;`.
macro_rules! enumeration {
    (
        $(#[$doc:meta])*
        $type:ident, tag $tag:ident {
            $($constant:ident = $number:literal, $name:literal, $since:ident;)+
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $type(
            /// The number on the wire.
            pub u32,
        );

        impl $type {
            $(
                #[doc = concat!("`", $name, "`, since ", stringify!($since), ".")]
                pub const $constant: Self = Self($number);
            )+

            /// Every value of the standard, in the order of the numbers.
            pub const ALL: &'static [Self] = &[$(Self::$constant),+];

            /// The standard name, if any version of 1.x has the value.
            pub fn name(self) -> Option<&'static str> {
                $crate::kmip::enums::Enumeration::entry(self).map(|(name, _)| name)
            }

            /// The first version that has the value.
            pub fn since(self) -> Option<$crate::kmip::version::ProtocolVersion> {
                $crate::kmip::enums::Enumeration::entry(self).map(|(_, since)| since)
            }

            /// The value of a name in any of its [spellings](crate::kmip::spelling).
            pub fn named(text: &str) -> Option<Self> {
                let spelled = |value: &Self| value.name().is_some_and(|name| $crate::kmip::spelling::spells(text, name));
                Self::ALL.iter().copied().find(spelled)
            }
        }

        impl $crate::kmip::enums::Enumeration for $type {
            const TAG: $crate::ttlv::Tag = $crate::kmip::tag::$tag;

            #[inline]
            fn from_number(number: u32) -> Self {
                Self(number)
            }

            #[inline]
            fn number(self) -> u32 {
                self.0
            }

            #[inline]
            fn entry(self) -> Option<(&'static str, $crate::kmip::version::ProtocolVersion)> {
                match self.0 {
                    $($number => Some(($name, $crate::kmip::version::ProtocolVersion::$since)),)+
                    _ => None,
                }
            }
        }

        /// The standard name, or the number of a value that has none.
        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => write!(f, "0x{:08X}", self.0),
                }
            }
        }

        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($type), "({})"), self)
            }
        }
    };
}
use enumeration;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kmip::tag;

    #[test]
    fn a_value_that_no_version_defines_is_held_and_printed_by_its_number() {
        let unknown = Operation(0x2F);
        assert_eq!((unknown.name(), unknown.since()), (None, None));
        assert_eq!(unknown.to_string(), "0x0000002F");
        assert_eq!(format!("{unknown:?}"), "Operation(0x0000002F)");
        assert!(!unknown.allowed_in(ProtocolVersion::V1_4));
        assert!(Operation(0x8000_0001).allowed_in(ProtocolVersion::V1_0));
    }

    #[test]
    fn values_are_found_by_each_of_their_spellings() {
        assert_eq!(Operation::named("Get Attributes"), Some(Operation::GET_ATTRIBUTES));
        assert_eq!(Operation::named("GetAttributes"), Some(Operation::GET_ATTRIBUTES));
        assert_eq!(ResultReason::named("item-not-found"), Some(ResultReason::ITEM_NOT_FOUND));
        assert_eq!(CryptographicAlgorithm::named("DES3"), Some(CryptographicAlgorithm::TRIPLE_DES));
        assert_eq!(Operation::named("Getattributes"), None);
    }

    #[test]
    fn operations_are_as_old_as_the_test_cases_that_use_them() {
        // The operations in the OASIS test cases for KMIP 1.0, and those that the cases for 1.1 and 1.2 added.
        let first = "Activate AddAttribute Archive Cancel Certify Check Create CreateKeyPair DeleteAttribute Destroy Get \
                     GetAttributeList GetAttributes GetUsageAllocation Locate ModifyAttribute Notify ObtainLease Poll \
                     Put Query ReCertify ReKey Recover Register Revoke";
        let second = "DiscoverVersions ReKeyKeyPair";
        let third = "CreateSplitKey Decrypt Encrypt Hash JoinSplitKey MAC MACVerify RNGRetrieve RNGSeed Sign \
                     SignatureVerify";
        let versions = [ProtocolVersion::V1_0, ProtocolVersion::V1_1, ProtocolVersion::V1_2];
        for (names, version) in [first, second, third].into_iter().zip(versions) {
            for name in names.split_whitespace() {
                assert_eq!(Operation::named(name).and_then(Operation::since), Some(version), "{name}");
            }
        }
    }

    #[test]
    fn names_are_unique_and_numbers_ascend() {
        fn check<E: Enumeration + Ord + std::fmt::Display>(values: &[E]) {
            assert!(values.is_sorted_by(|a, b| a < b));
            let names: std::collections::BTreeSet<String> = values.iter().map(E::to_string).collect();
            assert_eq!(names.len(), values.len(), "{names:?}");
        }
        check(BatchErrorContinuationOption::ALL);
        check(BlockCipherMode::ALL);
        check(CryptographicAlgorithm::ALL);
        check(KeyCompressionType::ALL);
        check(KeyFormatType::ALL);
        check(KeyWrapType::ALL);
        check(NameType::ALL);
        check(ObjectGroupMember::ALL);
        check(ObjectType::ALL);
        check(Operation::ALL);
        check(PaddingMethod::ALL);
        check(QueryFunction::ALL);
        check(ResultReason::ALL);
        check(ResultStatus::ALL);
        check(RevocationReasonCode::ALL);
        check(SecretDataType::ALL);
        check(State::ALL);
        check(HashingAlgorithm::ALL);
        check(RngAlgorithm::ALL);
        check(ClientRegistrationMethod::ALL);
        check(UnwrapMode::ALL);
        check(DestroyAction::ALL);
        check(RngMode::ALL);
    }

    #[test]
    fn the_name_of_a_value_depends_on_the_tag() {
        assert_eq!(value_name(tag::STATE, 1), Some("Pre-Active"));
        assert_eq!(value_name(tag::OPERATION, 1), Some("Create"));
        assert_eq!(value_name(tag::BATCH_COUNT, 1), None);
    }
}
