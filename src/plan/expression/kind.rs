//! What a part of an expression gives, as far as that is known without an object.

use std::fmt;

/// What a part of an expression gives, as far as that is known without an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Condition,
    Number,
    Text,
    Bytes,
    List,
    Map,
    Timestamp,
    Duration,
    Type,
    Nothing,
    /// It depends on the object.
    Unknown,
}

impl Kind {
    /// Whether it may be `other`.
    pub(super) fn may_be(self, other: Self) -> bool {
        self == other || self == Self::Unknown || other == Self::Unknown
    }

    /// Whether it may be the same as `other`. Everything may be compared with `null`.
    pub(super) fn may_equal(self, other: Self) -> bool {
        self.may_be(other) || self == Self::Nothing || other == Self::Nothing
    }

    /// Whether things of the kind may have a greater and a lesser.
    pub(super) fn has_order(self) -> bool {
        !matches!(self, Self::List | Self::Map | Self::Type | Self::Nothing)
    }

    /// Whether it may have fields.
    pub(super) fn may_have_fields(self) -> bool {
        matches!(self, Self::Map | Self::Unknown)
    }

    /// Whether it may have members to go through.
    pub(super) fn may_have_members(self) -> bool {
        matches!(self, Self::Map | Self::List | Self::Unknown)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Condition => "true or false",
            Self::Number => "a number",
            Self::Text => "text",
            Self::Bytes => "bytes",
            Self::List => "a list",
            Self::Map => "a map",
            Self::Timestamp => "a timestamp",
            Self::Duration => "a duration",
            Self::Type => "a type",
            Self::Nothing => "null",
            Self::Unknown => "anything",
        })
    }
}
