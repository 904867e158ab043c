//! What stands in HTML.

/// Escapes what may not stand in HTML, in a text or between quotation marks. A slash may: the engine would write it as
/// `&#x2f;`, and programs that look for links in a mail, to check or to rewrite them, would not find ours.
pub(super) fn escape(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(['<', '>', '&', '"', '\'']).flat_map(|piece| {
        let escaped = match piece.as_bytes().last() {
            Some(b'<') => "&lt;",
            Some(b'>') => "&gt;",
            Some(b'&') => "&amp;",
            Some(b'"') => "&quot;",
            Some(b'\'') => "&#x27;",
            _ => return [piece, ""],
        };
        [&piece[..piece.len() - 1], escaped]
    })
}
