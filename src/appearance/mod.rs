//! The files that a house gives its pages: logo, icon, and a folder of its own. They are read whole, at the start and at
//! a reload, within a limit of memory: what a visitor asks for is looked up among them, and never on the disk.

mod file;
mod folder;
mod svg;
mod unserved;

use std::collections::BTreeMap;
use std::path::Path;

use crate::config::Site;

pub use file::{FileKind, HouseFile};
pub use unserved::Unserved;

/// The files of the house.
#[derive(Clone, Debug, Default)]
pub struct HouseFiles {
    /// The picture at the top of pages.
    pub logo: Option<HouseFile>,
    /// The picture that browsers show beside the title.
    pub icon: Option<HouseFile>,
    /// What is served below `/static/`, by path.
    pub below_static: BTreeMap<String, HouseFile>,
}

impl HouseFiles {
    /// Reads them, and returns what cannot be served as well.
    #[must_use]
    pub fn read(site: &Site) -> (Self, Vec<Unserved>) {
        let mut unserved = Vec::new();
        let mut picture = |key, path: Option<&Path>, is_icon: bool| {
            let path = path?;
            let read = file::read_picture(path, is_icon);
            read.map_err(|fault| unserved.push(Unserved { key, path: path.into(), fault, is_one_of_many: false })).ok()
        };
        let logo = picture("site.logo", site.logo.as_deref(), false);
        let icon = picture("site.icon", site.icon.as_deref(), true);
        let below_static = site.static_files.as_deref().map(|folder| folder::read(folder, &mut unserved));
        (Self { logo, icon, below_static: below_static.unwrap_or_default() }, unserved)
    }
}
