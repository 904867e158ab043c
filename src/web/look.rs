//! The look of the house: its stylesheet and pictures, under names that change with what they hold.

use std::collections::BTreeMap;
use std::fmt::Write;

use bytes::Bytes;

use crate::appearance::{HouseFile, HouseFiles};
use crate::config::Site;
use crate::crypto::Digest;
use crate::templates::{Value, context};

/// The stylesheet of the house, in its own folder: it comes after ours.
const OWN_STYLE: &str = "style.css";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml; charset=utf-8";
const PNG: &str = "image/png";
const ICON: &str = include_str!("assets/icon.svg");
const TOUCH_ICON: &[u8] = include_bytes!("assets/touch-icon.png");

/// Bytes of a digest in a name: enough that no two files of a house share them.
const BYTES_OF_DIGEST: usize = 8;

/// A file as it is served.
#[derive(Clone)]
pub(super) struct Asset {
    pub(super) media_type: &'static str,
    pub(super) bytes: Bytes,
    /// The digest of the content, as an `ETag`.
    pub(super) tag: String,
}

impl Asset {
    fn new(media_type: &'static str, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let tag = Digest::of(&bytes).0[..BYTES_OF_DIGEST].iter().fold(String::new(), |mut tag, byte| {
            let _ = write!(tag, "{byte:02x}");
            tag
        });
        Self { media_type, bytes, tag }
    }

    fn of(file: &HouseFile) -> Self {
        Self::new(file.kind.media_type(), file.bytes.clone())
    }
}

/// Everything that pages load, and what templates are told of it.
pub(super) struct Look {
    /// Files below `/assets/`, by name. Their names hold the digest of their content, so they never change.
    named: BTreeMap<String, Asset>,
    /// Files below `/static/`, by path.
    below_static: BTreeMap<String, Asset>,
    /// Our stylesheet, under a name that stays: for templates of an administrator.
    pub(super) style: Asset,
    /// What `/favicon.ico` shows.
    pub(super) icon: Asset,
    /// What a telephone shows on its first screen.
    pub(super) touch_icon: Asset,
    /// What every template is told.
    pub(super) values: Value,
}

impl Look {
    /// Reads the files of the house. What cannot be served is left out, and logged: `gatelodge check` names it before.
    pub(super) fn new(site: &Site) -> Self {
        let (house, unserved) = HouseFiles::read(site);
        for left in unserved.iter().filter(|left| !left.is_one_of_many) {
            tracing::warn!("{}: {}: {}", left.key, left.path.display(), left.fault);
        }
        Self::of(site, &house)
    }

    fn of(site: &Site, house: &HouseFiles) -> Self {
        let style = Asset::new(CSS, style_with(site));
        let own_icon = house.icon.as_ref().map(|file| (file.kind.extension(), Asset::of(file)));
        let touch_icon = own_icon.as_ref().map(|(_, icon)| icon).filter(|icon| icon.media_type == PNG);
        let touch_icon = touch_icon.cloned().unwrap_or_else(|| Asset::new(PNG, TOUCH_ICON));
        let (icon_kind, icon) = own_icon.unwrap_or_else(|| ("svg", Asset::new(SVG, ICON)));
        let below_static: BTreeMap<String, Asset> =
            house.below_static.iter().map(|(path, file)| (path.clone(), Asset::of(file))).collect();

        let mut named = BTreeMap::new();
        let mut name = |stem: &str, kind: &str, asset: &Asset| {
            let name = format!("{stem}-{}.{kind}", asset.tag);
            let path = format!("/assets/{name}");
            named.insert(name, asset.clone());
            path
        };
        let logo = house.logo.as_ref().map(|file| name("logo", file.kind.extension(), &Asset::of(file)));
        let own_style = below_static.get(OWN_STYLE).filter(|style| style.media_type == CSS);
        let values = context! {
            style => name("style", "css", &style),
            script => name("script", "js", &Asset::new(SCRIPT, include_str!("assets/script.js"))),
            icon => name("icon", icon_kind, &icon),
            logo => logo.unwrap_or_default(),
            own_style => own_style.map(|own| name("own", "css", own)).unwrap_or_default(),
            contact => site.contact.as_ref().map(|contact| contact.as_str()).unwrap_or_default(),
            imprint => site.imprint.as_ref().map(|link| link.as_str()).unwrap_or_default(),
            privacy => site.privacy.as_ref().map(|link| link.as_str()).unwrap_or_default(),
        };
        Self { named, below_static, style, icon, touch_icon, values }
    }

    /// Returns the file of a name that holds its digest.
    pub(super) fn named(&self, name: &str) -> Option<&Asset> {
        self.named.get(name)
    }

    /// Returns the present name of a file, of which an older one was asked for: by a page from before a reload.
    pub(super) fn present_name(&self, name: &str) -> Option<&str> {
        let stem = |name: &str| name.split_once('-').map(|(stem, _)| stem.to_owned());
        let asked = stem(name)?;
        self.named.keys().find(|known| stem(known).as_ref() == Some(&asked)).map(String::as_str)
    }

    /// Returns a file of the house's own folder. Nothing but what was read at the start is found: no path leads out.
    pub(super) fn below_static(&self, path: &str) -> Option<&Asset> {
        self.below_static.get(path)
    }
}

/// Returns our stylesheet with the accent colour of the site.
fn style_with(site: &Site) -> String {
    let (day, night) = (site.accent.by_day(), site.accent.by_night());
    format!(":root {{ --day: {day}; --night: {night}; }}\n{}", include_str!("assets/style.css"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_stylesheet_is_small() {
        const MAX_BYTES: usize = 15_000;
        assert!(include_str!("assets/style.css").len() < MAX_BYTES);
    }
}
