//! The reasons for which a request is refused before, or in spite of, any rule.

use std::fmt;

/// What makes a request doubtful: two programs might read it differently, so nobody is let in by it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Doubt {
    /// The URL is longer than any that is read.
    TooLong,
    /// It is not `scheme://host/path`, or its path does not begin with a slash.
    NotAUrl,
    /// The scheme is none of `https`, `wss`, `http` and `ws`.
    Scheme,
    /// There is no host.
    NoHost,
    /// The host is neither a name nor an address.
    Host,
    /// The port is no number from 1 to 65535.
    Port,
    /// The URL names a user.
    UserInfo,
    /// A control character, as it is or encoded.
    ControlCharacter,
    /// A blank that is not encoded.
    Whitespace,
    /// A character beyond ASCII that is not encoded.
    NotAscii,
    /// A backslash in the path, as it is or encoded: some servers take it for a slash.
    Backslash,
    /// A fragment, which browsers never send.
    Fragment,
    /// A percent sign without two hexadecimal digits.
    MalformedEncoding,
    /// What the path encodes is no UTF-8.
    NotUtf8,
    /// The path is encoded more than twice.
    EncodedTooOften,
    /// `..;` or the like, which servlet containers take for `..`.
    PathParameter,
    /// The method is not in capital letters.
    Method,
    /// The path may be read in more ways than are tried for its length.
    TooManyReadings,
    /// Read in another way, the path falls under a rule that asks something else.
    Ambiguous,
    /// Without its dot segments removed, the path falls under a rule that asks something else.
    DotSegments,
    /// Plain HTTP to a host that is not in a private zone.
    PlainHttp,
}

impl Doubt {
    /// Says it in words, for the log and for administrators.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::TooLong => "the URL is too long",
            Self::NotAUrl => "it is no URL with a scheme, a host and a path",
            Self::Scheme => "the scheme is neither https nor http, wss nor ws",
            Self::NoHost => "the host is missing",
            Self::Host => "the host is neither a name nor an address",
            Self::Port => "the port is no number from 1 to 65535",
            Self::UserInfo => "the URL names a user before the host",
            Self::ControlCharacter => "the URL holds a control character",
            Self::Whitespace => "the URL holds a blank",
            Self::NotAscii => "the URL holds a character that has to be percent-encoded",
            Self::Backslash => "the path holds a backslash, which some servers take for a slash",
            Self::Fragment => "the URL has a fragment (#), which browsers never send",
            Self::MalformedEncoding => "a percent sign stands without two hexadecimal digits",
            Self::NotUtf8 => "what the path encodes is no UTF-8",
            Self::EncodedTooOften => "the path is percent-encoded more than twice",
            Self::PathParameter => "the path holds a `..;`, which some servers take for `..`",
            Self::Method => "the method is not in capital letters",
            Self::TooManyReadings => {
                "servers may read the path differently (`//`, `%2F`, `;`, encoded twice), in more ways than are tried for its length"
            }
            Self::Ambiguous => {
                "another server may read the path differently (`//`, `%2F`, `;`, encoded twice), and another rule decides then"
            }
            Self::DotSegments => "a server that does not remove the `..` sees a path for which another rule decides",
            Self::PlainHttp => {
                "the scheme is plain http, and the host is not in a private zone such as .lan or .home.arpa"
            }
        }
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.in_words())
    }
}
