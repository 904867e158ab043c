//! Where to go after logging in: a path of this site, or nowhere.

/// The path, if it can only mean a page of ours. Browsers read backslashes as slashes, drop tabs and line breaks,
/// and take `//host` for another site, so only plain visible characters pass.
pub fn safe_path(text: &str) -> Option<&str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/?&=+%".contains(&byte);
    let is_path = text.starts_with('/') && !text.starts_with("//");
    (is_path && text.len() <= 1024 && text.bytes().all(is_plain)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::safe_path;

    #[test]
    fn paths_of_this_site_pass() {
        for path in ["/", "/account", "/account/sessions?x=1&y=%20"] {
            assert_eq!(safe_path(path), Some(path));
        }
    }

    #[test]
    fn tricks_do_not() {
        for trick in [
            "",
            "account",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            " /x",
            "javascript:alert(1)",
            "/x#y",
            "/@evil.example:x",
            "/\u{2044}evil",
            "/a\0b",
            "/a;b",
            "/a\"b",
            "/a<b",
        ] {
            assert_eq!(safe_path(trick), None, "{trick:?}");
        }
    }
}
