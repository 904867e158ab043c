//! Texts that `build.rs` packed, which keeps the program small.

/// A packed text in the program.
#[derive(Clone, Copy, Debug)]
pub struct Packed(pub &'static [u8]);

impl Packed {
    /// Unpacks the text. None if the program was built badly.
    #[must_use]
    pub fn unpack(self) -> Option<String> {
        let bytes = lz4_flex::block::decompress_size_prepended(self.0).ok()?;
        String::from_utf8(bytes).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_packed_is_no_text() {
        assert_eq!(Packed(b"").unpack(), None);
        assert_eq!(Packed(b"\x05\0\0\0\x70hello").unpack(), None);
        assert_eq!(Packed(b"\x05\0\0\0\x50hello").unpack().as_deref(), Some("hello"));
    }
}
