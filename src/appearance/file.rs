//! One file of the house: of a kind that we serve, and holding what its name says.

use std::path::Path;

use bytes::Bytes;

use crate::config::{Unreadable, read_bytes};

use super::svg;

/// The most bytes of a logo or an icon: every visitor loads them.
const MAX_PICTURE_BYTES: usize = 256 << 10;

/// The kinds of files that are served. Nothing that runs is among them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FileKind {
    /// A vector picture, known to hold no script and to load nothing.
    Svg,
    /// A picture.
    Png,
    /// A picture.
    Jpeg,
    /// A picture.
    Webp,
    /// A picture.
    Gif,
    /// A picture.
    Avif,
    /// An icon, in several sizes.
    Ico,
    /// A stylesheet.
    Css,
    /// A font.
    Woff2,
}

impl FileKind {
    const WORDS: &str = "svg, png, jpg, webp, gif, avif, ico, css, woff2";

    /// Determines the kind by the end of a name.
    fn of_name(name: &str) -> Option<Self> {
        Some(match name.rsplit_once('.')?.1.to_ascii_lowercase().as_str() {
            "svg" => Self::Svg,
            "png" => Self::Png,
            "jpg" | "jpeg" => Self::Jpeg,
            "webp" => Self::Webp,
            "gif" => Self::Gif,
            "avif" => Self::Avif,
            "ico" => Self::Ico,
            "css" => Self::Css,
            "woff2" => Self::Woff2,
            _ => return None,
        })
    }

    /// Returns the end of a file's name.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::Webp => "webp",
            Self::Gif => "gif",
            Self::Avif => "avif",
            Self::Ico => "ico",
            Self::Css => "css",
            Self::Woff2 => "woff2",
        }
    }

    /// Returns the media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Svg => "image/svg+xml; charset=utf-8",
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Webp => "image/webp",
            Self::Gif => "image/gif",
            Self::Avif => "image/avif",
            Self::Ico => "image/x-icon",
            Self::Css => "text/css; charset=utf-8",
            Self::Woff2 => "font/woff2",
        }
    }

    fn is_picture(self) -> bool {
        !matches!(self, Self::Css | Self::Woff2)
    }

    /// Checks that bytes are of this kind, and harmless.
    fn check(self, bytes: &[u8]) -> Result<(), Unreadable> {
        let has = |at: usize, mark: &[u8]| bytes.get(at..).is_some_and(|rest| rest.starts_with(mark));
        let is_it = match self {
            Self::Svg => return svg::check(bytes),
            Self::Css => str::from_utf8(bytes).is_ok() && !bytes.contains(&0),
            Self::Png => has(0, b"\x89PNG\r\n\x1a\n"),
            Self::Jpeg => has(0, b"\xff\xd8\xff"),
            Self::Webp => has(0, b"RIFF") && has(8, b"WEBP"),
            Self::Gif => has(0, b"GIF87a") || has(0, b"GIF89a"),
            Self::Avif => has(4, b"ftypavif") || has(4, b"ftypavis"),
            Self::Ico => has(0, b"\0\0\x01\0"),
            Self::Woff2 => has(0, b"wOF2"),
        };
        let fault = || Unreadable::saying("does not hold what its name says", "give it the ending of what it is");
        if is_it { Ok(()) } else { Err(fault()) }
    }
}

/// A file that is served.
#[derive(Clone, Debug, PartialEq)]
pub struct HouseFile {
    /// The kind.
    pub kind: FileKind,
    /// The content.
    pub bytes: Bytes,
}

/// Reads a file of at most `max` bytes.
pub(super) fn read(path: &Path, max: usize) -> Result<HouseFile, Unreadable> {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let Some(kind) = FileKind::of_name(&name) else {
        let hint = format!("what is served ends in one of: {}", FileKind::WORDS);
        return Err(Unreadable::saying("is of no kind that is served", &hint));
    };
    let bytes = read_bytes(path)?;
    if bytes.len() > max {
        return Err(Unreadable::saying(&format!("is larger than {} KiB", max >> 10), "make it smaller"));
    }
    kind.check(&bytes)?;
    Ok(HouseFile { kind, bytes: bytes.into() })
}

/// Reads a logo or an icon.
pub(super) fn read_picture(path: &Path, is_icon: bool) -> Result<HouseFile, Unreadable> {
    let file = read(path, MAX_PICTURE_BYTES)?;
    if !file.kind.is_picture() || (file.kind == FileKind::Ico && !is_icon) {
        return Err(Unreadable::saying("is no picture for this", "name an SVG, PNG, JPEG or WebP file"));
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_holds_what_its_name_says() {
        let kinds = [
            (FileKind::Png, &b"\x89PNG\r\n\x1a\n...."[..]),
            (FileKind::Jpeg, b"\xff\xd8\xff\xe0"),
            (FileKind::Webp, b"RIFF\x10\0\0\0WEBPVP8 "),
            (FileKind::Gif, b"GIF89a"),
            (FileKind::Avif, b"\0\0\0\x20ftypavif"),
            (FileKind::Ico, b"\0\0\x01\0\x01\0"),
            (FileKind::Css, b"p { color: red }"),
            (FileKind::Woff2, b"wOF2\0\x01\0\0"),
            (FileKind::Svg, b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>"),
        ];
        for (kind, bytes) in kinds {
            assert_eq!(kind.check(bytes), Ok(()), "{kind:?}");
            assert_eq!(FileKind::of_name(&format!("a.b.{}", kind.extension())), Some(kind));
            assert!(kind.check(b"\0<script>alert(1)</script>").is_err(), "{kind:?}");
            assert!(FileKind::WORDS.contains(kind.extension()));
        }
        for name in ["a.js", "a.html", "a.mjs", "a.xml", "a.wasm", "a.pdf", "a.svgz", "a", "svg", ".png.js", "a.png "] {
            assert_eq!(FileKind::of_name(name), None, "{name}");
        }
    }
}
