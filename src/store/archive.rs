//! The backup format: every record of a consistent view in one stream, whatever engine keeps them.
//!
//! ```text
//! "gatelodge backup 2\n"
//! length 4 | heading as JSON
//! length of key 4 | length of value 4 | key | value      for each record, in the order of the keys
//! 0xffffffff | number of records 8 | SHA-256 of everything before 32 | code over that SHA-256 under the sealing key 32
//! ```
//!
//! Numbers are big-endian. What is sealed stays sealed: a backup opens with the store's sealing key and no other. The
//! code is there because most records are not sealed: without it, whoever can write to where backups lie could add
//! themselves to the administrators and wait for the next restore. A checksum detects accidents, a code detects people.
//! Backups of older programs (`gatelodge backup 1`) have none and end with the SHA-256.

use std::fmt;
use std::io::{self, Read, Write};
use std::ops::Bound;

use crate::base::Timestamp;
use crate::crypto::{Hashing, SealingKey};

use super::{Direction, Heading, KeySpan, LogEnd, Pair, Snapshot, StoreError, Trust, about};

const SIGNED: &[u8; 19] = b"gatelodge backup 2\n";
const UNSIGNED: &[u8; 19] = b"gatelodge backup 1\n";
const END: u32 = u32::MAX;
/// No record of ours comes near it; a damaged length must not fill the memory.
const MAX_PART_BYTES: u32 = 16 << 20;
/// Records read from the store at a time.
const PAGE: usize = 200;

/// The label of a backup's code, which makes it differ from every other code of ours.
const CODE: &[u8] = b"gatelodge backup/2";

/// The reason why a backup cannot be written or read.
#[derive(Debug)]
pub enum ArchiveError {
    /// The store failed.
    Store(StoreError),
    /// The file or the other end failed.
    Io(io::Error),
    /// The file is written, whole and in its place; whether its name outlives a power cut is not known.
    Unsettled(io::Error),
    /// It does not begin as a backup does.
    NotABackup,
    /// It is not what was written: truncated, or changed.
    Damaged,
    /// An export is not what was written: truncated, or changed.
    DamagedExport,
    /// It is whole, but was written by somebody without the sealing key.
    Forged,
    /// It carries no code, so anybody may have written it.
    Unsigned,
    /// A password hash in it would make logins too expensive.
    TooDear,
    /// The line with this number holds no record.
    NotARecord(usize),
    /// A later program wrote it, in this format.
    Newer(u64),
}

impl std::error::Error for ArchiveError {}

impl fmt::Display for ArchiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => error.fmt(f),
            Self::Io(error) => error.fmt(f),
            Self::Unsettled(error) => {
                write!(
                    f,
                    "the file is written and whole, but its folder could not be synced, so a power cut may undo it: {error}"
                )
            }
            Self::NotABackup => f.write_str("this was not made by Gatelodge"),
            Self::Damaged => f.write_str("the backup is damaged: it was cut off or changed"),
            Self::DamagedExport => f.write_str("the export is damaged: it was cut off or changed"),
            Self::Forged => {
                f.write_str("this was not written by whoever has the sealing key: it was changed, or made up")
            }
            Self::Unsigned => {
                f.write_str("this carries no code, as those of older programs do not: anybody may have changed it")
            }
            Self::TooDear => f.write_str("a password hash in this costs more than logins here may cost"),
            Self::NotARecord(number) => write!(f, "line {number} is not a record of Gatelodge"),
            Self::Newer(format) => write!(f, "it has format {format}, which a later program wrote"),
        }
    }
}

impl From<io::Error> for ArchiveError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof { Self::Damaged } else { Self::Io(error) }
    }
}

impl From<StoreError> for ArchiveError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Writes every record of a view, signed. Returns their number. `audit` is where the audit log ends.
pub fn write_archive(
    view: &dyn Snapshot,
    key: &SealingKey,
    audit: Option<LogEnd>,
    created_at: Timestamp,
    out: &mut dyn Write,
) -> Result<u64, ArchiveError> {
    let (format, key_fingerprint) = about(view)?;
    let heading = Heading { format, key_fingerprint, created_at: created_at.to_string(), audit };
    write_records(&heading, &mut Scanning::new(view), Some(key), out)
}

/// Writes every record of a view for programs that know no codes.
pub(super) fn write_unsigned(
    view: &dyn Snapshot,
    created_at: Timestamp,
    out: &mut dyn Write,
) -> Result<u64, ArchiveError> {
    let (format, key_fingerprint) = about(view)?;
    let heading = Heading { format, key_fingerprint, created_at: created_at.to_string(), audit: None };
    write_records(&heading, &mut Scanning::new(view), None, out)
}

/// Writes the records of `source` in the order in which they come; without a
/// key, in the form of programs that knew no codes.
pub fn write_records(
    heading: &Heading,
    source: &mut dyn Records,
    key: Option<&SealingKey>,
    out: &mut dyn Write,
) -> Result<u64, ArchiveError> {
    let mut out = Summing { inner: out, hash: Hashing::default() };
    out.write_all(if key.is_some() { SIGNED } else { UNSIGNED })?;
    let heading = serde_json::to_vec(heading).map_err(io::Error::other)?;
    out.write_all(&length(&heading)?)?;
    out.write_all(&heading)?;
    let mut count = 0u64;
    while let Some((key, value)) = source.next()? {
        out.write_all(&[length(&key)?, length(&value)?].concat())?;
        out.write_all(&key)?;
        out.write_all(&value)?;
        count += 1;
    }
    out.write_all(&END.to_be_bytes())?;
    out.write_all(&count.to_be_bytes())?;
    let sum = out.hash.finish();
    out.inner.write_all(&sum.0)?;
    if let Some(key) = key {
        out.inner.write_all(&key.mark(CODE, &[&sum.0]))?;
    }
    out.inner.flush()?;
    Ok(count)
}

fn length(bytes: &[u8]) -> Result<[u8; 4], ArchiveError> {
    let length = u32::try_from(bytes.len()).ok().filter(|length| *length <= MAX_PART_BYTES);
    length.map(u32::to_be_bytes).ok_or(ArchiveError::Damaged)
}

/// A sequence of records.
pub trait Records {
    /// Returns the next record; none at the end.
    ///
    /// # Errors
    /// When the next record cannot be read.
    fn next(&mut self) -> Result<Option<Pair>, ArchiveError>;
}

/// The records of a view, page by page.
pub struct Scanning<'a> {
    view: &'a dyn Snapshot,
    page: std::vec::IntoIter<Pair>,
    span: KeySpan,
    is_over: bool,
}

impl<'a> Scanning<'a> {
    /// Starts before the first record.
    #[must_use]
    pub fn new(view: &'a dyn Snapshot) -> Self {
        Self { view, page: Vec::new().into_iter(), span: KeySpan::prefix(&[]), is_over: false }
    }
}

impl Records for Scanning<'_> {
    fn next(&mut self) -> Result<Option<Pair>, ArchiveError> {
        if let Some(pair) = self.page.next() {
            return Ok(Some(pair));
        }
        if self.is_over {
            return Ok(None);
        }
        let page = self.view.scan(&self.span, Direction::Up, PAGE)?;
        self.is_over = page.len() < PAGE;
        if let Some((last, _)) = page.last() {
            self.span.from = Bound::Excluded(last.clone());
        }
        self.page = page.into_iter();
        Ok(self.page.next())
    }
}

/// A backup that is being read. Whoever reads it to its end without an error has
/// read what was written, by whom [`Trust`] says.
pub struct Archive<R> {
    /// What the backup says of itself. Nothing of it is proved before the end was read.
    pub heading: Heading,
    is_signed: bool,
    trust: Trust,
    input: Summed<R>,
    count: u64,
    is_over: bool,
}

impl<R: Read> Archive<R> {
    /// Reads the beginning.
    ///
    /// # Errors
    /// When it is not a backup, or one of a later program than `known_format`.
    pub fn open(input: R, known_format: u64) -> Result<Self, ArchiveError> {
        let mut input = Summed { inner: input, hash: Hashing::default() };
        let mut magic = [0; SIGNED.len()];
        let is_signed = match input.read_exact(&mut magic) {
            Ok(()) if magic == *SIGNED => true,
            Ok(()) if magic == *UNSIGNED => false,
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => return Err(error.into()),
            _ => return Err(ArchiveError::NotABackup),
        };
        let length = input.number()?;
        let heading = input.part(length)?;
        let heading: Heading = serde_json::from_slice(&heading).map_err(|_| ArchiveError::Damaged)?;
        if heading.format > known_format {
            return Err(ArchiveError::Newer(heading.format));
        }
        Ok(Self { heading, is_signed, trust: Trust::Anybody, input, count: 0, is_over: false })
    }

    /// Requires it to come, once read to its end, from whom `trust` says. By itself it only has to be whole.
    ///
    /// # Errors
    /// When it carries no code, and has to.
    pub fn trusting(self, trust: Trust) -> Result<Self, ArchiveError> {
        if !self.is_signed && !trust.takes_unsigned() {
            return Err(ArchiveError::Unsigned);
        }
        Ok(Self { trust, ..self })
    }

    /// Whether it carries a code.
    #[must_use]
    pub fn is_signed(&self) -> bool {
        self.is_signed
    }

    /// Reads to the end and returns the number of records.
    ///
    /// # Errors
    /// When it is not what was written.
    pub fn verify(mut self) -> Result<u64, ArchiveError> {
        while self.next()?.is_some() {}
        Ok(self.count)
    }

    fn end(&mut self) -> Result<(), ArchiveError> {
        let mut count = [0; 8];
        self.input.read_exact(&mut count)?;
        let expected = std::mem::take(&mut self.input.hash).finish();
        let mut sum = [0; 32];
        self.input.inner.read_exact(&mut sum)?;
        let mut code = [0; 32];
        if self.is_signed {
            self.input.inner.read_exact(&mut code)?;
        }
        // Nothing may follow: bytes behind the end would be covered by neither the sum nor the code.
        let is_at_end = self.input.inner.read(&mut [0])? == 0;
        self.is_over = true;
        if u64::from_be_bytes(count) != self.count || sum != expected.0 || !is_at_end {
            return Err(ArchiveError::Damaged);
        }
        let is_theirs = !self.is_signed || self.trust.accepts(CODE, &expected, &code);
        if is_theirs { Ok(()) } else { Err(ArchiveError::Forged) }
    }
}

impl<R: Read> Records for Archive<R> {
    fn next(&mut self) -> Result<Option<Pair>, ArchiveError> {
        if self.is_over {
            return Ok(None);
        }
        let key_length = self.input.number()?;
        if key_length == END {
            return self.end().map(|()| None);
        }
        let value_length = self.input.number()?;
        let pair = (self.input.part(key_length)?, self.input.part(value_length)?);
        self.count += 1;
        Ok(Some(pair))
    }
}

struct Summing<'a> {
    inner: &'a mut dyn Write,
    hash: Hashing,
}

impl Write for Summing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

struct Summed<R> {
    inner: R,
    hash: Hashing,
}

impl<R: Read> Summed<R> {
    fn number(&mut self) -> Result<u32, ArchiveError> {
        let mut bytes = [0; 4];
        self.read_exact(&mut bytes)?;
        Ok(u32::from_be_bytes(bytes))
    }

    fn part(&mut self, length: u32) -> Result<Vec<u8>, ArchiveError> {
        if length > MAX_PART_BYTES {
            return Err(ArchiveError::Damaged);
        }
        // Grows as it is read, so that a damaged length costs nothing.
        let mut bytes = Vec::new();
        if self.by_ref().take(length.into()).read_to_end(&mut bytes)? < length as usize {
            return Err(ArchiveError::Damaged);
        }
        Ok(bytes)
    }
}

impl<R: Read> Read for Summed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hash.update(&buffer[..read]);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Digest;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    struct Listed<'a>(std::slice::Iter<'a, Pair>);

    impl Records for Listed<'_> {
        fn next(&mut self) -> Result<Option<Pair>, ArchiveError> {
            Ok(self.0.next().cloned())
        }
    }

    fn key(seed: u8) -> SealingKey {
        SealingKey::draw(&mut crate::base::Moment::new(Timestamp::default(), [seed; 32]))
    }

    fn heading() -> Heading {
        Heading {
            format: 1,
            key_fingerprint: key(3).fingerprint(),
            created_at: "2026-11-23T14:05:00Z".into(),
            audit: Some(LogEnd::new(1, 7, &Digest([5; 32]))),
        }
    }

    fn written_by(key: Option<&SealingKey>, pairs: &[Pair]) -> Vec<u8> {
        let mut out = Vec::new();
        let count = write_records(&heading(), &mut Listed(pairs.iter()), key, &mut out).expect("memory");
        assert_eq!(count, pairs.len() as u64);
        out
    }

    fn written(pairs: &[Pair]) -> Vec<u8> {
        written_by(Some(&key(3)), pairs)
    }

    fn read_trusting(bytes: &[u8], trust: Trust) -> Result<Vec<Pair>, ArchiveError> {
        let mut archive = Archive::open(bytes, 1)?.trusting(trust)?;
        let mut pairs = Vec::new();
        while let Some(pair) = archive.next()? {
            pairs.push(pair);
        }
        Ok(pairs)
    }

    fn read(bytes: &[u8]) -> Result<Vec<Pair>, ArchiveError> {
        read_trusting(bytes, Trust::Key(key(3)))
    }

    #[test]
    fn other_files_and_later_formats_are_told_apart() {
        assert!(matches!(read(b"PK\x03\x04 something else entirely"), Err(ArchiveError::NotABackup)));
        assert!(matches!(read(b""), Err(ArchiveError::NotABackup)));
        assert!(matches!(Archive::open(written(&[]).as_slice(), 0), Err(ArchiveError::Newer(1))));
    }

    #[test]
    fn what_a_backup_tells_about_itself_is_read_without_the_key() {
        let bytes = written(&[]);
        let archive = Archive::open(bytes.as_slice(), 1).expect("a backup");
        assert_eq!((&archive.heading, archive.is_signed()), (&heading(), true));
        assert_eq!(archive.verify().expect("whole"), 0);
    }

    /// Those of older programs, and how a heading looked then.
    #[test]
    fn a_backup_without_a_code_is_taken_only_when_somebody_says_so() {
        let pairs = [(b"a".to_vec(), b"1".to_vec())];
        let bytes = written_by(None, &pairs);
        assert!(matches!(read(&bytes), Err(ArchiveError::Unsigned)));
        assert_eq!(read_trusting(&bytes, Trust::KeyOrUnsigned(key(3))).expect("accepted"), pairs);
        let old = r#"{"format":1,"key_fingerprint":"x","created_at":"2026-11-23T14:05:00Z"}"#;
        assert!(serde_json::from_str::<Heading>(old).is_ok_and(|heading| heading.audit.is_none()));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(pairs: BTreeMap<Vec<u8>, Vec<u8>>) {
            let pairs: Vec<Pair> = pairs.into_iter().collect();
            prop_assert_eq!(read(&written(&pairs)).expect("whole"), pairs);
        }

        /// Whoever accepts unsigned ones does not accept one whose code is another's: it would say nothing then.
        #[test]
        fn what_others_wrote_is_refused(pairs: BTreeMap<Vec<u8>, Vec<u8>>) {
            let bytes = written_by(Some(&key(4)), &pairs.into_iter().collect::<Vec<_>>());
            prop_assert!(matches!(read(&bytes), Err(ArchiveError::Forged)));
            prop_assert!(matches!(read_trusting(&bytes, Trust::KeyOrUnsigned(key(3))), Err(ArchiveError::Forged)));
            prop_assert!(read_trusting(&bytes, Trust::Anybody).is_ok());
        }

        #[test]
        fn a_changed_byte_is_noticed(pairs: BTreeMap<Vec<u8>, Vec<u8>>, at: prop::sample::Index, flip in 1u8..) {
            let mut bytes = written(&pairs.into_iter().collect::<Vec<_>>());
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            prop_assert!(read(&bytes).is_err());
        }

        #[test]
        fn a_cut_is_noticed(pairs: BTreeMap<Vec<u8>, Vec<u8>>, at: prop::sample::Index) {
            let bytes = written(&pairs.into_iter().collect::<Vec<_>>());
            prop_assert!(read(&bytes[..at.index(bytes.len())]).is_err());
        }
    }
}
