//! Replaces files.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Writes a new file. Whatever is there is removed first, so that a link which somebody put there is not followed.
///
/// # Errors
/// When it cannot be removed or written.
pub(super) fn write(path: &Path, text: &str, mode: u32) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // `create_new` fails if something appears in between (O_EXCL), and the mode holds from the first byte on.
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
