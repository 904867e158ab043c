//! Text files that people write: read whatever their editor put around the text, or refused with words on what to do.

use std::fmt;
use std::io::Read;
use std::io::{Error, ErrorKind};
use std::path::Path;

/// The reason why a file cannot be read as text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Unreadable {
    /// What is wrong.
    pub reason: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Line and column of what is wrong, counted from 1.
    pub place: Option<(usize, usize)>,
    /// Whether the only trouble is that this user may not read it.
    pub is_forbidden: bool,
    /// Whether the file is missing.
    pub is_missing: bool,
}

/// Prints the reason, and in the same line what to do.
impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)?;
        if let Some((line, _)) = self.place {
            write!(f, " (line {line})")?;
        }
        self.hint.iter().try_for_each(|hint| write!(f, ": {hint}"))
    }
}

impl std::error::Error for Unreadable {}

/// Reads a text file, without what editors put before the text, and with line ends converted.
///
/// # Errors
/// When there is no such file, or it is not text.
pub fn read_text(path: &Path) -> Result<String, Unreadable> {
    text_of(read_bytes(path)?)
}

/// The most bytes of a file that somebody wrote; a bundle of every authority there is has an eighth of it.
const MAX_BYTES: u64 = 4 << 20;

/// Reads the bytes of a file.
///
/// # Errors
/// When there is no such file, or it is not a regular file.
pub fn read_bytes(path: &Path) -> Result<Vec<u8>, Unreadable> {
    let kind = std::fs::metadata(path).map_err(|error| Unreadable::of(&error))?;
    // Reading a pipe that nobody writes to would never end. What a shell hands over is named by its descriptor.
    let is_handed = ["/dev/stdin", "/dev/fd", "/proc/self/fd"].iter().any(|place| path.starts_with(place));
    if !kind.is_file() && !kind.is_dir() && !is_handed {
        return Err(Unreadable::saying("is no file", "name a file with text in it"));
    }
    let read = || {
        let mut bytes = Vec::new();
        std::fs::File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes: Vec<u8> = read().map_err(|error| Unreadable::of(&error))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Unreadable::saying("is larger than 4 MiB", "this can hardly be the file that was meant"));
    }
    Ok(bytes)
}

/// Reads the first line of a file that holds a secret.
///
/// # Errors
/// When it cannot be read, or has no first line.
pub fn read_first_line(path: &Path) -> Result<String, Unreadable> {
    let text = read_text(path)?;
    let line = text.lines().next().filter(|line| !line.is_empty());
    line.map(str::to_owned).ok_or_else(|| {
        let reason = if text.trim().is_empty() { "is empty" } else { "has a blank first line" };
        Unreadable::saying(reason, "the secret is the first line of the file")
    })
}

/// Decodes bytes as text.
pub fn text_of(bytes: Vec<u8>) -> Result<String, Unreadable> {
    const MARK: &str = "\u{feff}";
    if is_utf16(&bytes) {
        return Err(Unreadable::saying(
            "is UTF-16, which Windows calls Unicode",
            "save it as UTF-8, or: iconv -f UTF-16 -t UTF-8 OLD > NEW",
        ));
    }
    let at = |bytes: &[u8]| {
        let line_start = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
        let column = String::from_utf8_lossy(&bytes[line_start..]).chars().count() + 1;
        Some((bytes.split(|byte| *byte == b'\n').count(), column))
    };
    if let Some(zero) = bytes.iter().position(|byte| *byte == 0) {
        let fault = Unreadable::saying("holds a zero byte", "it is no text, or damaged: write it anew");
        return Err(Unreadable { place: at(&bytes[..zero]), ..fault });
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let (end, bytes) = (error.utf8_error().valid_up_to(), error.as_bytes());
        let reason = format!("holds the byte 0x{:02x}, which is not UTF-8", bytes[end]);
        let hint = "most likely it is Latin-1: save it as UTF-8, or: iconv -f ISO-8859-1 -t UTF-8 OLD > NEW";
        Unreadable { place: at(&bytes[..end]), ..Unreadable::saying(&reason, hint) }
    })?;
    let text = text.strip_prefix(MARK).map(str::to_owned).unwrap_or(text);
    // As Macs wrote until 2001, and some editors still can.
    if text.contains('\r') && !text.contains('\n') {
        return Ok(text.replace('\r', "\n"));
    }
    Ok(text)
}

/// Recognises UTF-16 by its mark, or by how Latin letters look in it.
fn is_utf16(bytes: &[u8]) -> bool {
    match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => true,
        [first, 0, second, 0, ..] | [0, first, 0, second, ..] => *first != 0 && *second != 0,
        _ => false,
    }
}

impl Unreadable {
    /// Makes one with a reason and a hint.
    #[must_use]
    pub fn saying(reason: &str, hint: &str) -> Self {
        Self { reason: reason.into(), hint: Some(hint.into()), place: None, is_forbidden: false, is_missing: false }
    }

    /// Says in words what the system reports of a file.
    #[must_use]
    pub fn of(error: &Error) -> Self {
        let plain = |reason: &str| Self { hint: None, ..Self::saying(reason, "") };
        match error.kind() {
            ErrorKind::NotFound => Self { is_missing: true, ..plain("there is no such file") },
            ErrorKind::PermissionDenied => {
                let hint = "give the service's user the right to read it, and to enter every folder above it";
                Self { is_forbidden: true, ..Self::saying("this user may not read it", hint) }
            }
            ErrorKind::IsADirectory => Self::saying(
                "is a folder, and should be a file",
                "was the file missing when the container was made? Then a folder was made in its place: remove it, put the file there, make the container anew",
            ),
            ErrorKind::NotADirectory => plain("something in its path is a file, and should be a folder"),
            _ => plain(&format!("the system cannot read it: {}", bare(error))),
        }
    }
}

/// Strips the system's words of its error number.
fn bare(error: &Error) -> String {
    let said = error.to_string();
    said.split(" (os error").next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(bytes: &[u8]) -> Unreadable {
        text_of(bytes.to_vec()).expect_err("no text")
    }

    #[test]
    fn what_editors_put_around_a_text_is_dropped() {
        assert_eq!(text_of(b"\xef\xbb\xbfa = 1\n".to_vec()).as_deref(), Ok("a = 1\n"));
        assert_eq!(text_of(b"a = 1\rb = 2\r".to_vec()).as_deref(), Ok("a = 1\nb = 2\n"));
        assert_eq!(text_of(b"a = 1\r\nb = 2\r\n".to_vec()).as_deref(), Ok("a = 1\r\nb = 2\r\n"));
        assert_eq!(text_of(vec![]).as_deref(), Ok(""));
    }

    #[test]
    fn what_is_no_text_is_refused_with_its_place() {
        let utf16: Vec<u8> = "[site]\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for bytes in [&utf16[..], &[b"\xff\xfe", &utf16[..]].concat(), b"\xfe\xff\0[\0s"] {
            assert!(refused(bytes).to_string().contains("iconv -f UTF-16"), "{bytes:?}");
        }
        let latin = refused(b"a = 1\nb = \"M\xfcller\"\n");
        assert_eq!(latin.place, Some((2, 7)));
        assert!(latin.to_string().contains("0xfc") && latin.to_string().contains("iconv -f ISO-8859-1"), "{latin}");
        assert_eq!(refused(b"a = 1\nb\0").place, Some((2, 2)));
    }

    #[test]
    fn a_folder_in_the_place_of_a_file_tells_of_containers() {
        let fault = read_text(&std::env::temp_dir()).expect_err("a folder");
        assert!(fault.to_string().contains("was the file missing when the container was made?"), "{fault}");
    }
}
