//! The files that the house gives its pages.

use crate::appearance::HouseFiles;

use super::Look;

impl Look<'_> {
    /// A logo or icon that cannot be shown is a fault; one file of a whole folder is worth a word, and is left out.
    pub(super) fn house_files(&mut self) {
        let (_, unserved) = HouseFiles::read(&self.config.site);
        for left in unserved {
            if left.is_one_of_many {
                self.seen.doubts.push(format!("{}: not served: {}", left.path.display(), left.fault));
            } else {
                self.blame(left.key, &left.path, left.fault);
            }
        }
    }
}
