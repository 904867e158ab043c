//! Enumerations in records.

/// Declares an enumeration that is stored as a number and shown as a word. Numbers are never used again.
macro_rules! stored_enum {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $code:literal $word:literal,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
        pub enum $name { $($(#[$doc])* $variant,)* }

        impl $name {
            /// Every variant.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Every word.
            pub const WORDS: &[&str] = &[$($word),*];

            /// Returns the stable word.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// Returns the variant of a word.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)* _ => None }
            }
        }

        impl $crate::store::Field for $name {
            fn put(&self, out: &mut Vec<u8>) {
                let code: u32 = match self { $(Self::$variant => $code,)* };
                code.put(out);
            }

            fn take(input: &mut $crate::store::Reader<'_>) -> Result<Self, $crate::store::Damaged> {
                match u32::take(input)? { $($code => Ok(Self::$variant),)* _ => Err($crate::store::Damaged) }
            }

            fn to_json(&self) -> serde_json::Value {
                self.as_str().into()
            }

            fn from_json(shown: &serde_json::Value) -> Result<Self, $crate::store::Damaged> {
                shown.as_str().and_then(Self::from_word).ok_or($crate::store::Damaged)
            }
        }
    };
}
pub(crate) use stored_enum;
