//! The texts: that all that is said has words, and that nothing is said in English but by way of a catalogue.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use gatelodge::texts::{english, sentences};
use regex::Regex;

use crate::store::Folder;
use crate::world::{ALICE, PASSWORD, World};

/// Keys whose names are made while the program runs, by the beginning of each.
const MADE: [&str; 6] = ["failure.", "month.", "length.", "ago.", "time.moment", "language.name"];

/// Every template: its name and its text.
fn templates() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for folder in ["src/web/templates", "src/mail/templates"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        for file in std::fs::read_dir(folder).expect("a folder").flatten() {
            let text = std::fs::read_to_string(file.path()).expect("a text");
            found.push((file.file_name().to_string_lossy().into_owned(), text));
        }
    }
    found
}

#[test]
fn every_text_that_is_used_is_there_and_every_text_is_used() {
    let call = Regex::new(r#"\bt\(\s*"([^"]+)""#).expect("a pattern");
    let mut used: BTreeSet<String> = sentences().iter().map(|(key, _)| (*key).to_owned()).collect();
    for (_, text) in templates() {
        used.extend(call.captures_iter(&text).map(|found| found[1].to_owned()));
    }
    let there: BTreeSet<String> = english().keys().map(str::to_owned).collect();
    let missing: Vec<_> = used.difference(&there).collect();
    let is_made = |key: &&String| MADE.iter().any(|made| key.starts_with(made));
    let unused: Vec<_> = there.difference(&used).filter(|key| !is_made(key)).collect();
    assert!(missing.is_empty() && unused.is_empty(), "without words: {missing:#?}; never used: {unused:#?}");
}

#[test]
fn no_template_says_anything_by_itself() {
    let code = Regex::new(r"(?s)\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}").expect("a pattern");
    let tag = Regex::new(r"(?s)<style>.*?</style>|<[^>]*>").expect("a pattern");
    let spoken = Regex::new(r#"\b(?:placeholder|alt|aria-label)="([^"]*)""#).expect("a pattern");
    let letters = Regex::new(r"\p{L}{2}").expect("a pattern");
    for (name, text) in templates() {
        let bare = code.replace_all(&text, "");
        let bare = bare.strip_prefix("Subject:").unwrap_or(&bare);
        for attribute in spoken.captures_iter(bare) {
            assert!(!letters.is_match(&attribute[1]), "{name}: {}", &attribute[1]);
        }
        let words = tag.replace_all(bare, " ");
        assert!(!letters.is_match(&words), "{name}: {}", words.split_whitespace().collect::<Vec<_>>().join(" "));
    }
}

/// A text in a language that nobody speaks: its letters are wide ones, and its values stay.
fn pseudo(sentence: &str) -> String {
    let mut is_value = false;
    let wide = |c: char| {
        is_value = (is_value || c == '{') && c != '}';
        match u32::from(c) {
            code @ 0x21..=0x7e if !is_value && c != '}' => char::from_u32(code + 0xfee0).unwrap_or(c),
            _ => c,
        }
    };
    sentence.chars().map(wide).collect()
}

/// A world where everybody reads the language that nobody speaks.
fn pseudo_world(folder: &Folder) -> World {
    let mut texts = String::new();
    for key in english().keys() {
        let last = english().sentences(key).last().expect("a message has a sentence");
        // The last form is `other`, and the only one of this language.
        let is_counted = english().sentences(key).count() > 1;
        // What JSON calls a string TOML does as well.
        let sentence = serde_json::json!(pseudo(last));
        let value = if is_counted { format!("{{ other = {sentence} }}") } else { sentence.to_string() };
        writeln!(texts, "\"{key}\" = {value}").expect("a string takes it");
    }
    std::fs::write(folder.0.join("qps.toml"), texts).expect("written");
    let texts = serde_json::json!(folder.0);
    let site = format!("texts = {texts}\nlanguages = [\"qps\", \"en\"]\nlanguage = \"qps\"");
    World::within_site(&site, "[second_factor]\nmail_codes = true")
}

/// The words of a page that are in plain letters, but for those that are the same in every language.
fn plain_words(page: &str) -> Vec<String> {
    let tag = Regex::new(r"(?s)<svg.*?</svg>|<code>.*?</code>|<option[^>]*>(?:English|[a-z-]+)</option>|<[^>]*>")
        .expect("a pattern");
    let spoken = Regex::new(r#"\b(?:placeholder|alt|aria-label)="([^"]*)""#).expect("a pattern");
    let mut text = tag.replace_all(page, " ").into_owned();
    text.extend(spoken.captures_iter(page).map(|found| format!(" {}", &found[1])));
    for value in
        ["Hill Street", ALICE, "bob@example.org", "alice", "admins", "UTC", "profile", "Reader", "Firefox", "Linux"]
    {
        text = text.replace(value, "");
    }
    let word = Regex::new("[A-Za-z]{3,}").expect("a pattern");
    word.find_iter(&text).map(|found| found.as_str().to_owned()).collect()
}

#[test]
fn pages_say_nothing_but_by_the_catalogue() {
    let folder = Folder::new();
    let world = pseudo_world(&folder);
    let none: [String; 0] = [];
    let look = |reply: &crate::world::Reply, what: &str| {
        assert_eq!(plain_words(&reply.text()), none, "{what}: {}", reply.text());
        assert!(reply.text().contains("<html lang=\"qps\" dir=\"ltr\">"), "{what}");
    };
    let visitor = world.visitor();
    for path in [
        "/login",
        "/login?notice=confirmed",
        "/register",
        "/register/sent",
        "/forgot",
        "/forgot/sent",
        "/confirm/resend",
        "/username/recover",
        "/nowhere",
        "/confirm/x",
        "/reset/x",
        "/invite/x",
        "/setup/x",
    ] {
        look(&visitor.opens(path), path);
    }
    look(&visitor.posts("/register", &[("email", "x"), ("password", "short")]), "a wrong registration");
    look(&visitor.posts("/login", &[("identity", ALICE), ("password", PASSWORD)]), "a wrong login");

    let alice = world.administrator(ALICE);
    world.logged_in("bob@example.org", PASSWORD);
    for path in [
        "/account",
        "/account/password",
        "/account/email",
        "/account/delete",
        "/account/sessions",
        "/account/second-factor",
        "/account/tokens",
        "/account/app-passwords",
        "/account/verify",
        "/account/username",
        "/logout",
        "/admin",
        "/admin/people",
        "/admin/people/bob@example.org",
        "/admin/people/bob@example.org/logins",
        "/admin/people/bob@example.org/delete",
        "/admin/people/bob@example.org/disable",
        "/admin/people/bob@example.org/end-sessions",
        "/admin/people/bob@example.org/reset-factors",
        "/admin/groups",
        "/admin/groups/admins/disband",
        "/admin/invitations",
        "/admin/approvals",
        "/admin/mails",
        "/admin/limits",
        "/admin/limits/lift",
        "/admin/audit",
        "/admin/webhooks",
        "/admin/configuration",
    ] {
        look(&alice.opens(path).expect(200), path);
    }
    look(&alice.posts("/admin/invitations", &[("addresses", "")]).expect(200), "a link to pass on");
    look(&alice.posts("/admin/invitations", &[("uses", "x")]).expect(422), "a wrong invitation");
    look(&alice.opens("/nowhere").expect(404), "/nowhere, as somebody who is logged in");
    look(&alice.posts("/account/tokens", &[("name", "Reader"), ("scopes", "profile"), ("within", "7d")]), "a token");
    alice.posts("/account/second-factor/totp", &[]).leads_to("/account/second-factor/totp");
    look(&alice.opens("/account/second-factor/totp").expect(200), "an authenticator app");
    look(&alice.posts("/account/second-factor/mail", &[]).expect(200), "recovery codes");
    look(&alice.opens("/account/second-factor").expect(200), "a second factor");
    look(&alice.opens("/account/verify?with=recovery-code").expect(200), "a proof by a recovery code");
    world.visitor().posts("/forgot", &[("email", ALICE)]);
    let letter = world.deliver_mail().into_iter().find(|letter| letter.text.contains("/reset/")).expect("a link");
    look(&world.visitor().opens(&letter.path()).expect(200), "a new password");
    let browser = world.visitor();
    browser.posts("/login", &[("identity", ALICE), ("password", PASSWORD)]).leads_to("/login/second-factor");
    look(&browser.opens("/login/second-factor").expect(200), "the second step");
    look(&browser.opens("/login/second-factor?with=recovery-code").expect(200), "the second step by a recovery code");
}
