//! How pages read: to eyes, to screen readers, to a thumb on a telephone, on paper.

use crate::world::{ALICE, OTHER_PASSWORD, PASSWORD, Reply, World};

use super::second_factors::{halfway_with_a_phone, set_up};

/// What stands between two marks, each time.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Vec<&'a str> {
    text.split(before).skip(1).filter_map(|rest| rest.split(after).next()).collect()
}

fn title(page: &Reply) -> String {
    between(&page.text(), "<title>", "</title>").concat()
}

#[test]
fn what_is_wrong_with_a_form_is_listed_and_the_first_field_is_focused() {
    let world = World::new();
    let page = world
        .visitor()
        .posts("/register", &[("email", "nobody"), ("username", "!"), ("password", "short")])
        .expect(422);
    assert_eq!(title(&page), "Error: Create an account · Hill Street");
    let text = page.text();
    let list = between(&text, "role=\"alert\">", "</div>").concat();
    assert_eq!(between(&list, "href=\"#", "\""), ["email", "username"]);
    assert_eq!(text.matches("autofocus").count(), 1);
    assert!(between(&text, "<input id=\"email\"", ">")[0].contains("autofocus"));
    assert_eq!(title(&world.visitor().opens("/register")), "Create an account · Hill Street");
}

#[test]
fn whatever_describes_a_field_is_there() {
    let world = World::new();
    let alice = world.logged_in(ALICE, PASSWORD);
    let wrong = [("current_password", OTHER_PASSWORD), ("new_password", "short")];
    let pages = [
        world.visitor().opens("/register"),
        world.visitor().posts("/register", &[("email", "nobody"), ("password", "short")]),
        world.visitor().posts("/forgot", &[("email", "nobody")]),
        alice.opens("/account/password"),
        alice.posts("/account/password", &wrong),
        alice.posts("/account/email", &[("email", "new@example.org"), ("current_password", OTHER_PASSWORD)]),
        alice.opens("/account/app-passwords"),
    ];
    let mut described = 0;
    for page in pages {
        let text = page.text();
        for id in between(&text, "aria-describedby=\"", "\"").iter().flat_map(|ids| ids.split(' ')) {
            described += 1;
            assert_eq!(text.matches(&format!(" id=\"{id}\"")).count(), 1, "{id}: {text}");
        }
        for field in between(&text, "<a href=\"#", "\"") {
            assert!(text.contains(&format!("<input id=\"{field}\"")), "{field}: {text}");
        }
    }
    assert!(described > 5, "{described}");
}

#[test]
fn password_managers_are_told_under_which_name_somebody_logs_in() {
    let optional = World::new().visitor().opens("/register").text();
    assert!(between(&optional, "<input id=\"email\"", ">")[0].contains("autocomplete=\"username\""));
    assert!(between(&optional, "<input id=\"username\"", ">")[0].contains("autocomplete=\"off\""));
    let required = World::with("[registration]\nusername = \"required\"").visitor().opens("/register").text();
    assert!(between(&required, "<input id=\"email\"", ">")[0].contains("autocomplete=\"email\""));
    assert!(between(&required, "<input id=\"username\"", ">")[0].contains("autocomplete=\"username\""));
}

#[test]
fn dead_ends_say_what_the_link_was_for() {
    let world = World::new();
    for (path, says, not) in [
        ("/invite/glt_nonsense", "Ask the people who invited you", "/forgot"),
        ("/setup/glt_nonsense", "restart Gatelodge", "/forgot"),
        ("/confirm/glt_nonsense", "/confirm/resend", "/forgot"),
        ("/reset/glt_nonsense", "/forgot", "/confirm/resend"),
    ] {
        let page = world.visitor().opens(path).expect(403);
        page.says(says);
        assert!(!page.text().contains(not), "{path}: {}", page.text());
        assert_eq!(title(&page), "This link does not work · Hill Street");
        page.says("<h1>This link does not work.</h1>");
    }
}

#[test]
fn whoever_is_logged_in_keeps_the_navigation_where_there_is_nothing_to_see() {
    let world = World::new();
    let alice = world.logged_in(ALICE, PASSWORD);
    alice.opens("/account").expect(200);
    for (path, status) in [("/nowhere", 404), ("/admin/approvals", 403)] {
        let page = alice.opens(path).expect(status);
        page.says("You are logged in as alice@example.org.");
        page.says("<a href=\"/account\">Account</a>");
        assert_eq!(page.header("cache-control"), Some("no-store"));
    }
    assert!(!world.visitor().opens("/nowhere").text().contains("/account"));
}

#[test]
fn whoever_types_the_address_of_logging_out_finds_the_button() {
    let world = World::new();
    let alice = world.logged_in(ALICE, PASSWORD);
    alice.opens("/logout").expect(200).says("<form method=\"post\" action=\"/logout\">");
    assert!(alice.is_logged_in(), "opening a page ends nothing");
    world.visitor().opens("/logout").leads_to("/login");
}

#[test]
fn digits_have_a_numeric_keypad_and_recovery_codes_a_field_of_their_own() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    let (_, mut halfway) = halfway_with_a_phone(&world);
    let browser = halfway();
    let digits = browser.opens("/login/second-factor").expect(200).text();
    assert!(between(&digits, "<input id=\"code\"", ">")[0].contains("inputmode=\"numeric\""));
    let path = between(&digits, "<p><a href=\"", "\"")[0].to_owned();
    let letters = browser.opens(&path).expect(200).text();
    assert!(!letters.contains("inputmode") && letters.contains("Recovery code"));
    let again = browser.posts(&path, &[("code", "wrong")]).expect(422);
    again.says("Recovery code");
    assert_eq!(again.text().matches("autofocus").count(), 1);
}

#[test]
fn a_recovery_code_of_the_file_lets_its_owner_in() {
    let world = World::new();
    let alice = world.logged_in(ALICE, PASSWORD);
    set_up(&alice);
    let page = alice.posts("/account/second-factor/recovery-codes", &[]).expect(200).text();
    let link = between(&page, "href=\"data:text/plain;charset=utf-8,", "\"")[0];
    let file = percent_encoding::percent_decode_str(link).decode_utf8().expect("text").into_owned();
    assert!(file.starts_with("Hill Street (https://auth.example.org)\nalice@example.org\n"), "{file}");
    assert!(page.contains("class=\"print\">Hill Street · alice@example.org · 18 May 2033"), "{page}");
    let code = file.lines().last().expect("codes");
    let browser = world.visitor();
    browser.posts("/login", &[("identity", ALICE), ("password", PASSWORD)]).leads_to("/login/second-factor");
    browser.posts("/login/second-factor?with=recovery-code", &[("code", code)]).leads_to("/account");
}

#[test]
fn what_cannot_be_undone_is_asked_twice() {
    let world = World::new();
    let alice = world.logged_in(ALICE, PASSWORD);
    set_up(&alice);
    let page = alice.opens("/account/second-factor").expect(200).text();
    for (form, button) in [("/remove\"", "Yes, remove it"), ("/recovery-codes\"", "Yes, make new ones")] {
        let asked = between(&page, "<details>", "</details>").into_iter().find(|asked| asked.contains(form));
        assert!(asked.is_some_and(|asked| asked.contains(button)), "{form}: {page}");
    }
}

#[test]
fn a_trusted_browser_is_named_in_words() {
    let world = World::with("[second_factor]\ntrust_browsers = true");
    world.member(ALICE, PASSWORD);
    let (phone, mut halfway) = halfway_with_a_phone(&world);
    let browser = halfway();
    let agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36";
    let post = http::Request::builder()
        .method("POST")
        .uri("/login/second-factor")
        .header("origin", "https://auth.example.org")
        .header("user-agent", agent)
        .header("content-type", "application/x-www-form-urlencoded");
    let body = format!("code={}&trust_browser=on", phone.shows_next());
    assert_eq!(browser.send(post, body).status(), 303);
    let page = browser.opens("/account/second-factor").expect(200);
    page.says("<strong>Chrome on Linux</strong>");
    assert!(!page.text().contains("AppleWebKit"));
}

#[test]
fn our_script_runs_where_it_helps_and_no_other_script_does() {
    let world = World::new();
    let alice = world.logged_in(ALICE, PASSWORD);
    let policy = |page: &Reply| page.header("content-security-policy").expect("a policy").to_owned();
    let page = world.visitor().opens("/login").expect(200);
    assert!(policy(&page).starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{}", policy(&page));
    let text = page.text();
    let script = world.visitor().opens(between(&text, "<script src=\"", "\"")[0]).expect(200);
    assert_eq!(script.header("content-type"), Some("text/javascript; charset=utf-8"));
    assert_eq!(script.header("cache-control"), Some("public, max-age=31536000, immutable"));
    for (page, path) in [
        (alice.opens("/account"), "/account"),
        (alice.opens("/account/sessions"), "/account/sessions"),
        (world.visitor().opens("/nowhere"), "/nowhere"),
    ] {
        assert!(!policy(&page).contains("script-src") && !page.text().contains("<script"), "{path}");
    }
    let trick = "<script src=\"/assets/script-";
    let page = world.visitor().posts("/forgot", &[("email", trick)]).expect(422);
    assert!(!policy(&page).contains("script-src"), "{}", page.text());
}

#[test]
fn whoever_has_to_log_in_first_is_told_so() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    let path = "/login?return_to=%2Faccount%2Fpassword";
    world.visitor().opens(path).expect(200).says("Please log in to continue.");
    assert!(!world.visitor().opens("/login").text().contains("Please log in"));
    let wrong = [("identity", ALICE), ("password", OTHER_PASSWORD), ("return_to", "/account/password")];
    let text = world.visitor().posts("/login", &wrong).expect(401).text();
    assert!(!text.contains("Please log in to continue."));
    assert!(between(&text, "<input id=\"password\"", ">")[0].contains("autofocus"));
}

#[test]
fn a_new_address_that_was_confirmed_is_told_to_whoever_is_logged_in() {
    let world = World::new();
    let alice = world.logged_in(ALICE, PASSWORD);
    let change = [("email", "new@example.org"), ("current_password", PASSWORD)];
    alice.posts("/account/email", &change).leads_to("/account?notice=address-asked");
    let letters = world.deliver_mail();
    let asked = letters.iter().find(|letter| letter.to == "new@example.org").expect("a mail");
    alice.posts(&asked.path(), &[]).leads_to("/login?notice=confirmed");
    alice.opens("/login?notice=confirmed").leads_to("/account?notice=confirmed");
    alice.opens("/account?notice=confirmed").expect(200).says("Your address is confirmed.");
}
