//! The look of mails. Many programs that show them know no stylesheet: each element carries its style.

use crate::config::Site;
use crate::templates::{Value, context};

/// Returns what the templates of mails are told of the look of the house.
pub(super) fn values(site: &Site) -> Value {
    let day = site.accent.by_day();
    context! {
        day => day.to_string(),
        night => site.accent.by_night().to_string(),
        button => format!(
            "display:inline-block;box-sizing:border-box;max-width:100%;padding:12px 20px;background:{day};color:#ffffff;\
             border-radius:8px;font-weight:600;text-decoration:none"
        ),
        // A link that is written out has no blank at which a line could end.
        link => format!("color:{day};overflow-wrap:anywhere;word-break:break-all"),
        contact => site.contact.as_ref().map(|contact| contact.as_str()).unwrap_or_default(),
        contact_shown => site.contact.as_ref().map(|contact| contact.shown()).unwrap_or_default(),
        imprint => site.imprint.as_ref().map(|link| link.absolute(&site.url)).unwrap_or_default(),
        privacy => site.privacy.as_ref().map(|link| link.absolute(&site.url)).unwrap_or_default(),
    }
}
