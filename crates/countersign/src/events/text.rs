//! Enums of texts that somebody else may add to.

/// Defines an enum of documented texts, with a variant for every other one.
macro_rules! text_enum {
    ($(#[$meta:meta])* enum $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $(#[doc = concat!("`", $text, "`.")] $(#[$doc])* $variant,)+
            /// Any other, with its text. Made by `from`, it holds none of the documented ones.
            Other(::alloc::string::String),
        }

        impl $name {
            /// Those that are documented.
            pub const DOCUMENTED: &'static [$name] = &[$($name::$variant),+];

            /// The text that the system writes.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $($name::$variant => $text,)+
                    $name::Other(text) => text,
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $($text => $name::$variant,)+
                    other => $name::Other(other.into()),
                }
            }
        }

        impl From<::alloc::string::String> for $name {
            fn from(text: ::alloc::string::String) -> Self {
                text.as_str().into()
            }
        }

        impl ::core::fmt::Display for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

pub(super) use text_enum;
