//! Closed lists of wire values.

/// A closed list of values, each with one spelling on the wire.
///
/// ```
/// use cos_batch_model::{JobTier, WireEnum};
///
/// assert_eq!(JobTier::ALLOWED, ["Bulk", "Standard"]);
/// assert_eq!(JobTier::from_wire_name("Bulk"), Some(JobTier::Bulk));
/// assert_eq!(JobTier::Standard.wire_name(), "Standard");
/// ```
pub trait WireEnum: Copy + Eq + Sized + 'static {
    /// Wire name of the field that usually holds the value.
    const FIELD: &'static str;
    /// Every spelling, in the documented order.
    const ALLOWED: &'static [&'static str];

    /// The value's spelling on the wire.
    fn wire_name(self) -> &'static str;

    /// The value with exactly this spelling.
    fn from_wire_name(text: &str) -> Option<Self>;
}

/// Declares an enum whose values have one spelling each, with everything that goes with it.
macro_rules! wire_enum {
    (
        $(#[$meta:meta])*
        pub enum $name:ident in $field:literal {
            $($(#[$doc:meta])* $variant:ident = $wire:literal,)+
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$doc])* $variant,)+
        }

        impl $name {
            /// Every value, in the documented order.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The value's spelling on the wire.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $wire,)+
                }
            }
        }

        impl $crate::WireEnum for $name {
            const FIELD: &'static str = $field;
            const ALLOWED: &'static [&'static str] = &[$($wire),+];

            fn wire_name(self) -> &'static str {
                self.as_str()
            }

            fn from_wire_name(text: &str) -> Option<Self> {
                match text {
                    $($wire => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::ValidationError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::WireEnum::from_wire_name(text).ok_or_else(|| {
                    $crate::ValidationError::OneOf {
                        field: <Self as $crate::WireEnum>::FIELD,
                        allowed: <Self as $crate::WireEnum>::ALLOWED,
                        actual: $crate::validation::shorten(text),
                    }
                })
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

pub(crate) use wire_enum;
