//! Yes, no, or perhaps.

/// How sure something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sure {
    /// It is so.
    Yes,
    /// It is not so.
    No,
    /// It may be so.
    Perhaps,
}

impl Sure {
    /// Whether both are so.
    pub(super) fn and(self, other: Sure) -> Sure {
        match (self, other) {
            (Sure::No, _) | (_, Sure::No) => Sure::No,
            (Sure::Yes, Sure::Yes) => Sure::Yes,
            _ => Sure::Perhaps,
        }
    }

    /// Whether one of them is so.
    pub(super) fn or(self, other: Sure) -> Sure {
        self.not().and(other.not()).not()
    }

    /// Whether it is not so.
    pub(super) fn not(self) -> Sure {
        match self {
            Sure::Yes => Sure::No,
            Sure::No => Sure::Yes,
            Sure::Perhaps => Sure::Perhaps,
        }
    }
}

impl From<bool> for Sure {
    fn from(known: bool) -> Self {
        if known { Sure::Yes } else { Sure::No }
    }
}
