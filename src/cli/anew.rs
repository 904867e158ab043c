//! Files that are written anew.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Writes a file that is nobody else's: whatever stands there is removed first, so that a link somebody put there leads nowhere.
///
/// # Errors
/// When it cannot be removed or written.
pub fn write(path: &Path, text: &str, mode: u32) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    std::fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_in_its_place_leads_nowhere() {
        let folder = std::env::temp_dir().join(format!("gatelodge-anew-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("made");
        let (precious, path) = (folder.join("precious"), folder.join("new"));
        std::fs::write(&precious, "precious").expect("written");
        std::os::unix::fs::symlink(&precious, &path).expect("made");
        write(&path, "text", 0o600).expect("written");
        assert_eq!(std::fs::read_to_string(&precious).expect("there"), "precious");
        assert!(!path.symlink_metadata().expect("there").is_symlink());
        std::fs::remove_dir_all(&folder).expect("removed");
    }
}
