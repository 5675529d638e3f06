//! Protocol versions.
//!
//! Invariant: whatever a client writes can be held and compared; [`ProtocolVersion::is_supported`] says what we speak.

use std::fmt;

/// A version as the header carries it (KMIP 1.4, clause 6.1). The order is that of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProtocolVersion {
    /// Changes when messages are no longer understood by older peers.
    pub major: i32,
    /// Changes when something is added.
    pub minor: i32,
}

impl ProtocolVersion {
    /// KMIP 1.0, of 2010.
    pub const V1_0: Self = Self::new(1, 0);
    /// KMIP 1.1, of 2013.
    pub const V1_1: Self = Self::new(1, 1);
    /// KMIP 1.2, of 2015.
    pub const V1_2: Self = Self::new(1, 2);
    /// KMIP 1.3, of 2016.
    pub const V1_3: Self = Self::new(1, 3);
    /// KMIP 1.4, of 2017.
    pub const V1_4: Self = Self::new(1, 4);

    /// The versions that we speak, the preferred one first, which is the order that Discover Versions asks for.
    pub const SUPPORTED: [Self; 5] = [Self::V1_4, Self::V1_3, Self::V1_2, Self::V1_1, Self::V1_0];

    /// A version of these numbers.
    pub const fn new(major: i32, minor: i32) -> Self {
        ProtocolVersion { major, minor }
    }

    /// Whether we speak it.
    pub const fn is_supported(self) -> bool {
        self.major == 1 && self.minor >= 0 && self.minor <= Self::V1_4.minor
    }
}

impl fmt::Display for ProtocolVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_five_versions_of_1_x_are_supported_and_they_are_ordered() {
        assert!(ProtocolVersion::SUPPORTED.into_iter().all(ProtocolVersion::is_supported));
        assert!(ProtocolVersion::SUPPORTED.is_sorted_by(|newer, older| newer > older));
        for (major, minor) in [(1, 5), (1, -1), (2, 0), (0, 9), (9, 9), (-1, 0), (i32::MAX, i32::MIN)] {
            assert!(!ProtocolVersion::new(major, minor).is_supported(), "{major}.{minor}");
        }
        assert!(ProtocolVersion::V1_4 < ProtocolVersion::new(2, 0));
        assert_eq!(ProtocolVersion::V1_2.to_string(), "1.2");
    }
}
