//! The look of the house: its colour and pictures, its own files, and what browsers look for at places of their own.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::world::{ALICE, PASSWORD, Reply, World};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\nhouse";
const SVG: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\"><path d=\"M0 0h9v9z\"/></svg>";

/// A folder with what a house has, which is removed when the story is over.
struct House(PathBuf);

impl House {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("gatelodge-house-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(folder.join("static/fonts")).expect("made");
        let house = Self(folder);
        house.has("logo.svg", SVG);
        house.has("icon.png", PNG);
        house.has("secret.png", PNG);
        house.has("static/picture.png", PNG);
        house.has("static/style.css", "h1 { color: #123456 }");
        house.has("static/fonts/house.woff2", "wOF2");
        house.has("static/run.js", "alert(1)");
        house.has("static/page.html", "<script>alert(1)</script>");
        house
    }

    fn has(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.0.join(name), content).expect("written");
    }

    fn settings(&self, more: &str) -> String {
        let folder = self.0.display();
        format!("logo = \"{folder}/logo.svg\"\nicon = \"{folder}/icon.png\"\nstatic = \"{folder}/static\"\n{more}")
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The address behind the first place where a page says `before`.
fn address(page: &Reply, before: &str) -> String {
    let text = page.text();
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("{before} is not in {text}"));
    rest.split('"').next().unwrap_or_default().to_owned()
}

fn kept(reply: &Reply) -> Option<&str> {
    reply.header("cache-control")
}

const FOR_EVER: Option<&str> = Some("public, max-age=31536000, immutable");

#[test]
fn a_house_has_its_logo_its_icon_and_its_colour() {
    let house = House::new("logo");
    let world = World::with(&house.settings("accent = \"#7a1fa2\""));
    let page = world.visitor().opens("/login").expect(200);
    page.says("alt=\"Hill Street\"");
    let logo = world.visitor().opens(&address(&page, "<img src=\"")).expect(200);
    assert_eq!(
        (logo.text().as_str(), logo.header("content-type"), kept(&logo)),
        (SVG, Some("image/svg+xml; charset=utf-8"), FOR_EVER)
    );
    let icon = world.visitor().opens(&address(&page, "<link rel=\"icon\" href=\"")).expect(200);
    assert_eq!((icon.header("content-type"), kept(&icon)), (Some("image/png"), FOR_EVER));
    let style = world.visitor().opens(&address(&page, "<link rel=\"stylesheet\" href=\"")).expect(200);
    style.says("--day: #7a1fa2");
    assert_eq!(kept(&style), FOR_EVER);
    let own = address(
        &page,
        &format!("{}\">\n<link rel=\"stylesheet\" href=\"", address(&page, "<link rel=\"stylesheet\" href=\"")),
    );
    world.visitor().opens(&own).expect(200).says("#123456");
}

#[test]
fn whoever_is_logged_in_loads_a_file_once_too() {
    let world = World::new();
    let alice = world.logged_in(ALICE, PASSWORD);
    let style = alice.opens(&address(&alice.opens("/account"), "<link rel=\"stylesheet\" href=\"")).expect(200);
    assert_eq!((kept(&style), style.header("set-cookie")), (FOR_EVER, None));
}

#[test]
fn another_colour_has_another_name_and_the_old_name_leads_to_it() {
    let world = World::new();
    let style = |world: &World| address(&world.visitor().opens("/login"), "<link rel=\"stylesheet\" href=\"");
    let before = style(&world);
    world.reconfigure("accent = \"#00f\"");
    let after = style(&world);
    assert_ne!(before, after);
    let old = world.visitor().opens(&before).expect(302);
    assert_eq!((old.header("location"), kept(&old)), (Some(after.as_str()), Some("no-store")));
    world.visitor().opens("/assets/other-0123456789abcdef.css").expect(404);
    world.visitor().opens("/assets/style").expect(404);
}

#[test]
fn a_colour_that_nobody_could_read_is_corrected() {
    let world = World::with("accent = \"#ffff00\"");
    let style = world.visitor().opens("/assets/style.css").expect(200).text();
    assert!(!style.contains("--day: #ffff00") && style.contains("--night: #ffff00"), "{}", &style[..80]);
}

#[test]
fn files_of_the_house_are_served_and_nothing_else_is() {
    let house = House::new("files");
    let world = World::with(&house.settings(""));
    for (path, kind) in [
        ("/static/picture.png", "image/png"),
        ("/static/style.css", "text/css; charset=utf-8"),
        ("/static/fonts/house.woff2", "font/woff2"),
    ] {
        let file = world.visitor().opens(path).expect(200);
        assert_eq!((file.header("content-type"), file.header("x-content-type-options")), (Some(kind), Some("nosniff")));
        let policy = file.header("content-security-policy").expect("a policy");
        assert!(policy.starts_with("default-src 'none'") && policy.ends_with("sandbox"), "{policy}");
        assert_eq!((kept(&file), file.header("set-cookie")), (Some("public, max-age=3600"), None));
    }
    for path in [
        "/static",
        "/static/",
        "/static/fonts",
        "/static/fonts/",
        "/static/run.js",
        "/static/page.html",
        "/static/PICTURE.png",
    ] {
        world.visitor().opens(path).expect(404);
    }
    world.visitor().posts("/static/picture.png", &[]).expect(405);
}

#[test]
fn no_path_leads_out_of_the_folder() {
    let house = House::new("paths");
    symlink(house.0.join("secret.png"), house.0.join("static/link.png")).expect("linked");
    let world = World::with(&house.settings(""));
    for path in [
        "/static/../secret.png",
        "/static/..%2Fsecret.png",
        "/static/%2e%2e/secret.png",
        "/static/%2e%2e%2fsecret.png",
        "/static/%252e%252e/secret.png",
        "/static/fonts/../../secret.png",
        "/static/fonts/..%5C..%5Csecret.png",
        "/static/..%5Csecret.png",
        "/static//etc/passwd",
        "/static/%2Fetc%2Fpasswd",
        "/static/./picture.png",
        "/static/picture.png%00",
        "/static/picture.png%00.css",
        "/static/picture.png/",
        "/static/picture.png%2F",
        "/static/picture.png%20",
        "/static/picture.png.",
        "/static/link.png",
        "/static/C:%5Cpicture.png",
        "/static/%C0%AE%C0%AE/secret.png",
        "/assets/../static/picture.png",
        "/assets/..%2Fstatic%2Fpicture.png",
    ] {
        let reply = world.visitor().opens(path);
        assert!(
            matches!(reply.status(), 400 | 404) || reply.header("location") == Some("/static/picture.png"),
            "{path}: {}",
            reply.status()
        );
    }
    world.visitor().opens(&format!("/static/{}.png", "a".repeat(3000))).expect(404);
    assert!(Path::new(&house.0).join("secret.png").exists(), "there is something to be found");
}

#[test]
fn a_file_that_has_not_changed_is_not_sent_again() {
    let house = House::new("tags");
    let world = World::with(&house.settings(""));
    let visitor = world.visitor();
    let tag = visitor.opens("/static/picture.png").expect(200).header("etag").expect("a tag").to_owned();
    let ask = |tags: &str| {
        visitor.send(http::Request::builder().uri("/static/picture.png").header("if-none-match", tags), "")
    };
    for known in [tag.clone(), format!("\"other\", W/{tag}")] {
        let reply = ask(&known).expect(304);
        assert_eq!((reply.text().as_str(), reply.header("etag")), ("", Some(tag.as_str())));
    }
    ask("\"other\"").expect(200);
    house.has("static/picture.png", b"\x89PNG\r\n\x1a\nanother");
    ask(&tag).expect(304);
    world.reconfigure(&house.settings(""));
    ask(&tag).expect(200).says("another");
}

#[test]
fn a_picture_that_runs_something_is_not_shown() {
    let house = House::new("scripts");
    house.has("logo.svg", "<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>");
    house.has("static/bad.svg", "<svg><script>alert(1)</script></svg>");
    let world = World::with(&house.settings(""));
    let page = world.visitor().opens("/login").expect(200);
    assert!(!page.text().contains("<img"));
    page.says("Hill Street");
    world.visitor().opens("/static/bad.svg").expect(404);
}

#[test]
fn browsers_and_programs_find_what_they_look_for() {
    let house = House::new("places");
    let world = World::with(&house.settings("contact = \"mailto:people@example.org\""));
    let visitor = world.visitor();
    let opens = |path: &str| {
        let reply = visitor.opens(path);
        assert_eq!(reply.header("set-cookie"), None, "{path}");
        reply
    };
    assert_eq!(opens("/favicon.ico").expect(200).header("content-type"), Some("image/png"));
    assert!(opens("/apple-touch-icon.png").expect(200).text().ends_with("house"));
    assert_eq!(opens("/robots.txt").expect(200).text(), "User-agent: *\nDisallow: /\n");
    opens("/.well-known/change-password").leads_to("/account/password");
    let security = opens("/.well-known/security.txt").expect(200);
    security.says("Contact: mailto:people@example.org\nExpires: 2033-06-17T03:33:20Z\n");
    security.says("Canonical: https://auth.example.org/.well-known/security.txt\n");
    assert_eq!(security.header("content-type"), Some("text/plain; charset=utf-8"));

    let plain = World::new();
    assert_eq!(
        plain.visitor().opens("/favicon.ico").expect(200).header("content-type"),
        Some("image/svg+xml; charset=utf-8")
    );
    assert_eq!(plain.visitor().opens("/apple-touch-icon.png").expect(200).header("content-type"), Some("image/png"));
    plain.visitor().opens("/.well-known/security.txt").expect(404);
}

#[test]
fn the_foot_of_a_page_names_who_runs_the_house() {
    let settings =
        "contact = \"mailto:people@example.org\"\nimprint = \"https://example.org/imprint\"\nprivacy = \"/privacy\"";
    let page = World::with(settings).visitor().opens("/login").expect(200);
    for link in ["href=\"mailto:people@example.org\"", "href=\"https://example.org/imprint\"", "href=\"/privacy\""] {
        page.says(link);
    }
    let plain = World::within_site("languages = [\"en\"]", "");
    plain.visitor().opens("/login").says("<footer></footer>");
}
