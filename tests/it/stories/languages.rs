//! Everybody reads pages and mails in their own language.

use serde_json::{Value, json};

use crate::store::Folder;
use crate::world::{ALICE, OTHER_PASSWORD, PASSWORD, Reply, Visitor, World};

/// Opens a page with a browser that asks for languages.
fn opens(browser: &Visitor<'_>, path: &str, accept: &str) -> Reply {
    browser.send(http::Request::builder().uri(path).header("accept-language", accept), "")
}

#[track_caller]
fn is_in(page: &Reply, language: &str) {
    page.says(&format!("<html lang=\"{language}\" dir=\"ltr\">"));
    assert_eq!(page.header("content-language"), Some(language));
    assert_eq!(page.header("vary"), Some("Accept-Language, Cookie"));
}

#[test]
fn a_page_is_in_the_language_that_the_browser_asks_for() {
    let world = World::new();
    let page = opens(&world.visitor(), "/login", "de-AT,de;q=0.9,en;q=0.8").expect(200);
    is_in(&page, "de");
    page.says("<h1>Anmelden</h1>");
    let page = opens(&world.visitor(), "/login", "ko, xx;q=0.5").expect(200);
    is_in(&page, "en");
    page.says("<h1>Log in</h1>");
}

#[test]
fn whoever_asks_for_nothing_gets_the_language_of_the_site() {
    let world = World::within_site("language = \"de\"", "");
    is_in(&world.visitor().opens("/login"), "de");
    is_in(&opens(&world.visitor(), "/login", "en"), "en");
}

#[test]
fn a_browser_remembers_the_language_that_was_chosen_in_it() {
    let world = World::new();
    let browser = world.visitor();
    browser.opens("/login?return_to=%2Faccount").says("name=\"return_to\" value=\"/login?return_to=%2Faccount\"");
    browser.posts("/language", &[("language", "de"), ("return_to", "/forgot")]).leads_to("/forgot");
    is_in(&opens(&browser, "/forgot", "en"), "de");
}

#[test]
fn nobody_is_sent_elsewhere_by_choosing_a_language() {
    let world = World::new();
    for elsewhere in ["https://evil.example", "//evil.example", "/\\evil.example", ""] {
        world.visitor().posts("/language", &[("language", "de"), ("return_to", elsewhere)]).leads_to("/");
    }
    let visitor = world.visitor();
    for tag in ["xx", "", "de\r\nx: y", "../de"] {
        let reply = visitor.posts("/language", &[("language", tag), ("return_to", "/login")]).expect(422);
        assert_eq!(reply.header("set-cookie"), None, "{tag}");
    }
}

#[test]
fn a_planted_cookie_chooses_nothing() {
    let world = World::new();
    let browser = world.visitor();
    for planted in ["xx", "de-de-de", "<script>", "../../etc"] {
        browser.cookies.borrow_mut().insert("__Host-gatelodge-language".into(), planted.into());
        is_in(&browser.opens("/login"), "en");
    }
}

#[test]
fn an_account_keeps_its_language_in_every_browser() {
    let world = World::new();
    let browser = world.logged_in(ALICE, PASSWORD);
    browser.posts("/language", &[("language", "de"), ("return_to", "/account")]).leads_to("/account");
    let other = world.visitor();
    other.log_in(ALICE, PASSWORD).expect(200);
    is_in(&opens(&other, "/account", "en"), "de");
    is_in(&opens(&other, "/forgot", "en"), "de");
    is_in(&opens(&other, "/admin/approvals", "en").expect(403), "de");
    assert_eq!(other.api("GET", "/session", Value::Null).json()["user"]["language"], "de");

    other.api("PUT", "/account/language", json!({"language": null})).expect(200);
    is_in(&opens(&other, "/account", "en"), "en");
    other.api("PUT", "/account/language", json!({"language": "xx"})).refused(422, "invalid_fields");
    other.api("PUT", "/account/language", json!({})).refused(422, "invalid_fields");
    world.visitor().api("PUT", "/account/language", json!({"language": "de"})).refused(401, "not_logged_in");
}

#[test]
fn mails_are_in_the_language_of_whoever_reads_them() {
    let world = World::new();
    let browser = world.visitor();
    browser.posts("/language", &[("language", "de"), ("return_to", "/register")]).leads_to("/register");
    browser.posts("/register", &[("email", ALICE), ("password", PASSWORD)]).leads_to("/register/sent");
    let letter = world.only_letter_to(ALICE);
    assert!(letter.text.contains("Content-Language: de") && letter.subject.contains("Adresse"), "{letter:?}");
    browser.posts(&letter.path(), &[]).leads_to("/login?notice=confirmed");

    // Whoever asks for it in another language changes nothing about that.
    opens(&world.visitor(), "/forgot", "en");
    world.visitor().posts("/forgot", &[("email", ALICE)]).leads_to("/forgot/sent");
    assert!(world.only_letter_to(ALICE).subject.contains("Passwort"));
    browser.log_in(ALICE, PASSWORD).expect(200);
    world.deliver_mail();
    browser.api("PUT", "/account/language", json!({"language": "en"})).expect(200);
    let change = json!({"current_password": PASSWORD, "new_password": OTHER_PASSWORD});
    browser.api("POST", "/account/password", change).expect(200);
    assert_eq!(world.only_letter_to(ALICE).subject, "Your password for Hill Street was changed");
}

#[test]
fn an_invitation_is_in_the_language_of_the_site_and_not_of_whoever_invites() {
    let world = World::within_site("language = \"de\"", "");
    let administrator = world.administrator("root@example.org");
    administrator.api("PUT", "/account/language", json!({"language": "en"})).expect(200);
    world.deliver_mail();
    administrator.api("POST", "/admin/invitations", json!({"email": ALICE})).expect(200);
    assert!(world.only_letter_to(ALICE).subject.starts_with("Du bist"));
}

#[test]
fn known_and_unknown_addresses_are_answered_alike_in_every_language() {
    for language in gatelodge::texts::built_in_languages() {
        let (world, language) = (World::new(), language.as_str());
        world.member(ALICE, PASSWORD);
        let answers = [ALICE, "bob@example.org"].map(|address| {
            let browser = world.visitor();
            browser.posts("/language", &[("language", language), ("return_to", "/login")]);
            let wrong = browser.posts("/login", &[("identity", address), ("password", OTHER_PASSWORD)]).expect(401);
            browser.posts("/forgot", &[("email", address)]).leads_to("/forgot/sent");
            browser.posts("/register", &[("email", address), ("password", PASSWORD)]).leads_to("/register/sent");
            let texts = [wrong, browser.opens("/forgot/sent"), browser.opens("/register/sent")];
            texts.map(|reply| reply.text().replace(address, ""))
        });
        assert_eq!(answers[0], answers[1]);
        assert!(answers[0][0].contains(&format!("<html lang=\"{language}\"")));
    }
}

#[test]
fn times_are_told_by_the_clocks_of_the_site() {
    let world = World::within_site("time_zone = \"Europe/Berlin\"", "");
    let browser = world.logged_in(ALICE, PASSWORD);
    browser.opens("/account").says("18 May 2033, 05:33 CEST");
    browser.posts("/language", &[("language", "de"), ("return_to", "/account")]);
    browser.opens("/account").says("18. Mai 2033, 05:33 Uhr CEST");
    world.advance(180);
    browser.opens("/account/sessions").says("zuletzt benutzt vor 3 Minuten");
}

#[test]
fn errors_are_told_in_the_language_of_the_page() {
    let world = World::new();
    let browser = world.visitor();
    browser.posts("/language", &[("language", "de"), ("return_to", "/login")]);
    let reply = browser.posts("/register", &[("email", "x"), ("password", "short")]).expect(422);
    reply.says("Das ist keine E-Mail-Adresse");
    reply.says("Mindestens 15 Zeichen");
    browser.opens("/nowhere").expect(404).says("Hier ist nichts");
    // Programs are told in English.
    let told = browser
        .api("POST", "/login", json!({"identity": ALICE, "password": PASSWORD}))
        .refused(401, "invalid_credentials");
    assert_eq!(told.json()["title"], "That did not work.");
}

#[test]
fn an_administrator_replaces_a_text_and_adds_a_language() {
    let folder = Folder::new();
    let write = |name: &str, text: &str| std::fs::write(folder.0.join(name), text).expect("written");
    write("de.toml", "[pages.login]\ntitle = 'Willkommen <b>'\ntitel = 'x'\n[mails.test]\nsubject = 'Für {sight}'\n");
    write("ar.toml", "[language]\nname = 'العربية'\n[pages.login]\ntitle = 'تسجيل الدخول'\n");
    let site = format!("texts = {:?}\nlanguages = [\"en\", \"de\", \"ar\", \"fi\"]", folder.0);
    let world = World::within_site(&site, "");
    let page = opens(&world.visitor(), "/login", "de");
    page.says("<h1>Willkommen &lt;b&gt;</h1>");
    page.says("Passwort vergessen?");
    let page = opens(&world.visitor(), "/login", "ar");
    page.says("<html lang=\"ar\" dir=\"rtl\">");
    page.says("<h1>تسجيل الدخول</h1>");
    page.says("Forgot your password?");
    page.says("<option value=\"ar\" lang=\"ar\" selected>العربية</option>");
    assert!(!page.text().contains("value=\"fi\""), "there are no texts for it");
}

#[test]
fn a_site_of_one_language_asks_nobody() {
    let world = World::within_site("languages = [\"en\"]", "");
    let page = opens(&world.visitor(), "/login", "de");
    is_in(&page, "en");
    assert!(!page.text().contains("/language"));
}
