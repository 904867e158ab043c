//! Makes new names in folders durable.

use std::fs::File;
use std::io::{ErrorKind, Result};
use std::path::Path;

/// Makes a new name in a folder durable, where the file system can do that.
///
/// # Errors
/// When the folder cannot be opened, or the disk failed.
pub fn sync_folder_of(path: &Path) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    as_of_a_folder(File::open(folder.unwrap_or(Path::new(".")))?.sync_all())
}

/// Accepts that some file systems (CIFS, FUSE, shared folders of virtual machines) cannot sync folders, and say so by
/// EINVAL (fsync(2)): what they do with names is up to them. For a file this would not be acceptable.
fn as_of_a_folder(synced: Result<()>) -> Result<()> {
    match synced {
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Error;

    #[test]
    fn a_file_system_that_syncs_no_folders_is_taken_as_it_is_and_a_disk_that_fails_is_not() {
        const EIO: i32 = 5;
        const EINVAL: i32 = 22;
        const EROFS: i32 = 30;
        const EOPNOTSUPP: i32 = 95;
        for (code, is_fine) in [(EINVAL, true), (EOPNOTSUPP, true), (EIO, false), (EROFS, false)] {
            assert_eq!(as_of_a_folder(Err(Error::from_raw_os_error(code))).is_ok(), is_fine, "{code}");
        }
        assert!(sync_folder_of(&std::env::temp_dir().join("x")).is_ok());
        assert!(sync_folder_of(Path::new("/nowhere/x")).is_err());
    }
}
