//! Judges SVG pictures: those that run nothing and load nothing are served, all others are refused.
//!
//! A picture in an `<img>` runs nothing anyway, and a policy keeps it from running anything when somebody opens it by
//! itself; this is the first of three fences. It refuses on doubt: what it does not know it does not have to understand.

use crate::config::{Unreadable, text_of};

/// Elements that run, embed, or change other elements' links.
const REFUSED: [&str; 14] = [
    "script",
    "foreignobject",
    "iframe",
    "object",
    "embed",
    "handler",
    "listener",
    "set",
    "animate",
    "animatetransform",
    "animatemotion",
    "animatecolor",
    "audio",
    "video",
];

/// Checks a picture.
pub(super) fn check(bytes: &[u8]) -> Result<(), Unreadable> {
    let text = text_of(bytes.to_vec())?.to_lowercase();
    let refuse = |what: &str| {
        let hint = "export it anew as a plain picture, or use a PNG";
        Err(Unreadable::saying(&format!("the picture {what}"), hint))
    };
    if !text.contains("<svg") {
        return refuse("is no SVG");
    }
    if text.contains("<!entity") || text.contains("<?xml-stylesheet") || text.contains("javascript:") {
        return refuse("holds more than a picture");
    }
    if text.split("encoding=").skip(1).any(|rest| !rest.trim_start_matches(['"', '\'']).starts_with("utf-8")) {
        return refuse("is not UTF-8");
    }
    for tag in text.split('<').skip(1) {
        let name: String = tag.chars().take_while(|c| !c.is_whitespace() && !"/>".contains(*c)).collect();
        let local = name.rsplit(':').next().unwrap_or_default();
        if REFUSED.contains(&local) {
            return refuse(&format!("holds an element that is not served: {local}"));
        }
    }
    for (name, value) in attributes(&text) {
        let local = name.rsplit(':').next().unwrap_or_default();
        if local.starts_with("on") {
            return refuse("holds a handler of events");
        }
        if matches!(local, "href" | "src") && !is_within(value) {
            return refuse("refers to something elsewhere");
        }
    }
    let loads = text.split("url(").skip(1).any(|rest| !rest.trim_start_matches([' ', '"', '\'']).starts_with('#'));
    // Markup may write any character as `&#…`, and a style as `\…`.
    let hides = text.contains("&#") || text.contains('\\');
    if loads || hides || text.contains("@import") || text.contains("image-set(") {
        return refuse("loads something else, or hides what it does");
    }
    Ok(())
}

/// Whether a reference stays in the picture: a part of it, or a picture written out in it.
fn is_within(value: &str) -> bool {
    let kinds = ["data:image/png;", "data:image/jpeg;", "data:image/webp;", "data:image/gif;"];
    value.starts_with('#') || kinds.iter().any(|kind| value.starts_with(kind))
}

/// Lists whatever looks like an attribute: a name, `=`, and a value up to its quotation mark.
fn attributes(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.match_indices('=').map(|(at, _)| {
        let before = text[..at].trim_end();
        let start = before
            .rfind(|c: char| c.is_whitespace() || "\"'<>/".contains(c))
            .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
        let value = text[at + 1..].trim_start().trim_start_matches(['"', '\'']).trim_start();
        (&before[start..], value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn svg(inside: &str) -> Result<(), Unreadable> {
        check(
            format!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\">{inside}</svg>"
            )
            .as_bytes(),
        )
    }

    #[test]
    fn pictures_are_served() {
        for fine in [
            "<path fill=\"#1f5c3f\" d=\"M3 14 16 4l13 10v3H3z\"/>",
            "<defs><linearGradient id=\"a\"/></defs><rect fill=\"url(#a)\" style=\"fill: url('#a')\"/>",
            "<use xlink:href=\"#a\"/><use href = '#b'/>",
            "<image href=\"data:image/png;base64,iVBORw0KGgo=\"/>",
            "<style>.a { fill: red }</style><title>House &amp; garden</title>",
            "<g font-family=\"sans\" stroke-linejoin=\"round\"><text>a = 1</text></g>",
        ] {
            assert_eq!(svg(fine), Ok(()), "{fine}");
        }
        let exported = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE svg PUBLIC \"-//W3C//DTD SVG 1.1//EN\" \"http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd\">\n<svg/>";
        assert_eq!(check(exported.as_bytes()), Ok(()));
        assert_eq!(check(include_bytes!("../web/assets/icon.svg")), Ok(()));
    }

    #[test]
    fn whatever_runs_or_loads_is_refused() {
        for bad in [
            "<script>alert(1)</script>",
            "<SCRIPT/>",
            "<svg:script>alert(1)</svg:script>",
            "<script\n>alert(1)</script>",
            "<foreignObject><p/></foreignObject>",
            "<g onload=\"alert(1)\"/>",
            "<g fill='red'onclick = 'alert(1)'/>",
            "<g/onmouseover=alert(1)>",
            "<a href=\"javascript:alert(1)\"/>",
            "<a xlink:href=\"https://evil.example/\"/>",
            "<a href=\"&#106;avascript:alert(1)\"/>",
            "<a href=\" java\nscript:alert(1)\"/>",
            "<image href=\"//evil.example/a.png\"/>",
            "<image href=\"data:image/svg+xml;base64,AAAA\"/>",
            "<image href=\"\"/>",
            "<use href=\"other.svg#a\"/>",
            "<rect fill=\"url(https://evil.example/a)\"/>",
            "<rect style=\"fill:url( 'a.svg#b')\"/>",
            "<style>@import 'https://evil.example/a.css';</style>",
            "<style>rect { fill: \\75rl(https://evil.example) }</style>",
            "<set attributeName=\"href\" to=\"https://evil.example\"/>",
            "<animate attributeName=\"href\" values=\"https://evil.example\"/>",
            "<iframe/>",
        ] {
            assert!(svg(bad).is_err(), "{bad}");
        }
        for bad in [
            &b"<!DOCTYPE svg [<!ENTITY a \"b\">]><svg/>"[..],
            b"<?xml-stylesheet href=\"a.css\"?><svg/>",
            b"<?xml version='1.0' encoding='utf-7'?><svg/>",
            b"<html/>",
            b"",
            b"\xff\xfe<\0s\0v\0g\0",
        ] {
            assert!(check(bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
    }

    proptest::proptest! {
        #[test]
        fn no_picture_makes_it_stumble(text in "(<svg|[ -~\\n=<'\"é]|on|href|url\\(|encoding=|<style){0,40}") {
            let _ = check(text.as_bytes());
        }
    }
}
