//! The same by pages, without JavaScript.

use serde_json::json;

use crate::world::{ALICE, OTHER_PASSWORD, PASSWORD, World};

#[test]
fn the_whole_way_by_pages() {
    let world = World::new();
    let browser = world.visitor();
    browser.opens("/").leads_to("/login");
    browser.opens("/register").expect(200).says("autocomplete=\"new-password\"");
    browser
        .posts("/register", &[("email", ALICE), ("username", "alice"), ("name", ""), ("password", PASSWORD)])
        .leads_to("/register/sent");
    browser.opens("/register/sent").expect(200).says("2 days");

    let confirm = world.only_letter_to(ALICE).path();
    browser.opens(&confirm).expect(200).says("Press the button");
    browser.posts(&confirm, &[]).leads_to("/login?notice=confirmed");
    browser.opens("/login?notice=confirmed").expect(200).says("Your address is confirmed.");
    browser.posts("/login", &[("identity", ALICE), ("password", PASSWORD), ("remember", "on")]).leads_to("/account");
    browser.opens("/account").expect(200).says("alice@example.org");
    browser.opens("/account/sessions").expect(200).says("this one");

    let change = [("current_password", PASSWORD), ("new_password", OTHER_PASSWORD)];
    browser.posts("/account/password", &change).leads_to("/account?notice=password-changed");
    world.deliver_mail();
    browser.posts("/logout", &[]).leads_to("/login?notice=logged-out");
    browser.opens("/account").leads_to("/login");

    browser.posts("/forgot", &[("email", ALICE)]).leads_to("/forgot/sent");
    let reset = world.only_letter_to(ALICE).path();
    let form = browser.opens(&reset).expect(200);
    form.says("autocomplete=\"username\" value=\"alice@example.org\" readonly");
    form.says("autocomplete=\"new-password\"");
    browser.posts(&reset, &[("password", PASSWORD)]).leads_to("/login?notice=password-changed");
    browser.posts("/login", &[("identity", "alice"), ("password", PASSWORD)]).leads_to("/account");
}

#[test]
fn what_was_typed_is_kept_but_for_passwords() {
    let world = World::new();
    let secret = "tiny secret";
    let reply = world
        .visitor()
        .posts("/register", &[("email", "not an address"), ("name", "<Alice>"), ("password", secret)])
        .expect(422);
    reply.says("value=\"not an address\"");
    reply.says("value=\"&lt;Alice&gt;\"");
    reply.says("id=\"email-error\"");
    reply.says("write it like name@example.org");
    assert!(!reply.text().contains(secret));
}

#[test]
fn a_wrong_login_says_the_same_to_everybody() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    let wrong = world.visitor().posts("/login", &[("identity", ALICE), ("password", OTHER_PASSWORD)]).expect(401);
    let unknown =
        world.visitor().posts("/login", &[("identity", "bobby@example.org"), ("password", OTHER_PASSWORD)]).expect(401);
    assert_eq!(wrong.text().replace(ALICE, ""), unknown.text().replace("bobby@example.org", ""));
}

#[test]
fn whoever_must_log_in_comes_back_afterwards() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    let browser = world.visitor();
    browser.opens("/account/sessions").leads_to("/login?return_to=%2Faccount%2Fsessions");
    browser
        .opens("/login?return_to=%2Faccount%2Fsessions")
        .expect(200)
        .says("name=\"return_to\" value=\"/account/sessions\"");
    let login = [("identity", ALICE), ("password", PASSWORD), ("return_to", "/account/sessions")];
    browser.posts("/login", &login).leads_to("/account/sessions");
}

#[test]
fn nobody_is_sent_to_another_site() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    for trick in ["https://evil.example", "//evil.example", "/\\evil.example", "/\t/evil.example"] {
        let login = [("identity", ALICE), ("password", PASSWORD), ("return_to", trick)];
        world.visitor().posts("/login", &login).leads_to("/account");
    }
}

#[test]
fn a_form_posted_from_elsewhere_changes_nothing() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    let before = world.records();
    let browser = world.visitor();
    let body = "identity=alice%40example.org&password=correct+horse+battery+staple";
    let post = |headers: &[(&str, &str)]| {
        let request = http::Request::builder()
            .method("POST")
            .uri("/login")
            .header("content-type", "application/x-www-form-urlencoded");
        browser
            .send(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)), body)
            .status()
    };
    assert_eq!(post(&[]), 403);
    assert_eq!(post(&[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")]), 403);
    assert_eq!(post(&[("origin", "null")]), 403);
    assert_eq!(world.records(), before);
    assert_eq!(post(&[("origin", "https://auth.example.org")]), 303);
}

#[test]
fn a_link_that_does_not_work_says_what_to_do() {
    let world = World::new();
    for path in ["/confirm/nonsense", "/reset/glt_nonsense"] {
        world.visitor().opens(path).expect(403).says("Ask for a new one");
    }
    world.visitor().opens("/nowhere").expect(404).says("There is nothing here");
}

#[test]
fn a_refused_reset_form_keeps_the_link_alive() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    world.visitor().posts("/forgot", &[("email", ALICE)]).leads_to("/forgot/sent");
    let path = world.only_letter_to(ALICE).path();
    world.visitor().posts(&path, &[("password", "short")]).expect(422).says("at least 15 characters");
    world.visitor().posts(&path, &[("password", OTHER_PASSWORD)]).leads_to("/login?notice=password-changed");
}

#[test]
fn sessions_address_and_account_are_managed_by_pages() {
    let world = World::new();
    let browser = world.logged_in(ALICE, PASSWORD);
    let other = world.visitor();
    other.log_in(ALICE, PASSWORD).expect(200);
    let page = browser.opens("/account/sessions").expect(200).text();
    let id = page
        .split("/account/sessions/")
        .nth(1)
        .and_then(|rest| rest.split("/end").next())
        .expect("an end button")
        .to_owned();
    browser.posts(&format!("/account/sessions/{id}/end"), &[]).leads_to("/account/sessions?notice=session-ended");
    assert!(!other.is_logged_in());
    browser.posts("/account/sessions/end-others", &[]).leads_to("/account/sessions?notice=session-ended");

    browser
        .posts("/account/email", &[("email", "new@example.org"), ("current_password", OTHER_PASSWORD)])
        .expect(403)
        .says("Enter your current password again");
    browser
        .posts("/account/email", &[("email", "new@example.org"), ("current_password", PASSWORD)])
        .leads_to("/account?notice=address-asked");
    let letters = world.deliver_mail();
    let path = letters.iter().find(|letter| letter.to == "new@example.org").expect("a link").path();
    browser.posts(&path, &[]).leads_to("/login?notice=confirmed");
    browser.opens("/account").expect(200).says("new@example.org");

    browser.posts("/account/delete", &[("current_password", PASSWORD)]).leads_to("/login?notice=account-deleted");
    assert!(!browser.is_logged_in());
}

#[test]
fn every_page_has_strict_headers() {
    let world = World::new();
    let browser = world.logged_in(ALICE, PASSWORD);
    for path in [
        "/login",
        "/register",
        "/forgot",
        "/account",
        "/nowhere",
        "/assets/style.css",
        "/healthz",
        "/api/v1/session",
        "/api/nothing",
    ] {
        let reply = browser.opens(path);
        let policy = reply.header("content-security-policy").expect("a policy");
        assert!(
            policy.starts_with("default-src 'none'")
                && policy.contains("frame-ancestors 'none'")
                && !policy.contains("unsafe"),
            "{path}: {policy}"
        );
        assert_eq!(
            (reply.header("x-content-type-options"), reply.header("referrer-policy")),
            (Some("nosniff"), Some("same-origin")),
            "{path}"
        );
        let kept = if path.starts_with("/assets") { "public, max-age=3600" } else { "no-store" };
        assert_eq!(reply.header("cache-control"), Some(kept), "with credentials: {path}");
        assert_eq!(world.visitor().opens(path).header("cache-control"), Some(kept), "without: {path}");
        assert_eq!(reply.header("strict-transport-security"), None, "a self-signed certificate: {path}");
    }
    let trusted = World::with("[tls]\nmode = \"files\"\ncertificate = \"c\"\nprivate_key = \"k\"");
    assert_eq!(trusted.visitor().opens("/login").header("strict-transport-security"), Some("max-age=31536000"));
}

#[test]
fn confirming_in_another_browser_asks_for_the_password_and_says_when_it_is_wrong() {
    let world = World::new();
    world.visitor().posts("/register", &[("email", ALICE), ("password", PASSWORD)]).leads_to("/register/sent");
    let path = world.only_letter_to(ALICE).path();
    let other = world.visitor();
    other.opens(&path).expect(200).says("Password you registered with");
    other.posts(&path, &[]).expect(422).says("this is not the browser you registered with");
    other.posts(&path, &[("password", OTHER_PASSWORD)]).expect(403).says("id=\"password-error\"");
    other.posts(&path, &[("password", PASSWORD)]).leads_to("/login?notice=confirmed");
}

#[test]
fn a_user_name_taken_meanwhile_can_be_replaced_on_the_page() {
    let world = World::new();
    let (first, second) = (world.visitor(), world.visitor());
    let registers = |browser: &crate::world::Visitor<'_>, email: &str| {
        browser.posts("/register", &[("email", email), ("username", "alice"), ("password", PASSWORD)]);
        world.only_letter_to(email).path()
    };
    let (first_path, second_path) = (registers(&first, ALICE), registers(&second, "other@example.org"));
    first.posts(&first_path, &[]).leads_to("/login?notice=confirmed");
    second.posts(&second_path, &[]).expect(409).says("name=\"username\"");
    second.posts(&second_path, &[("username", "alice2")]).leads_to("/login?notice=confirmed");
}

#[test]
fn every_body_names_its_type_and_its_charset() {
    let world = World::new();
    for (path, kind) in [
        ("/login", "text/html; charset=utf-8"),
        ("/assets/style.css", "text/css; charset=utf-8"),
        ("/assets/icon.svg", "image/svg+xml; charset=utf-8"),
        ("/healthz", "text/plain; charset=utf-8"),
        ("/api/v1/openapi.json", "application/json"),
        ("/api/v1/nothing", "application/problem+json"),
    ] {
        assert_eq!(world.visitor().opens(path).header("content-type"), Some(kind), "{path}");
    }
}

#[test]
fn whoever_chooses_text_messages_is_warned() {
    let world = World::with("[sms]\nurl = \"https://sms.example.net/send\"\n[second_factor]\nsms_codes = true");
    let browser = world.logged_in(ALICE, PASSWORD);
    let phone = json!({"command": "user-phone", "user": ALICE, "phone": "+4930123456"});
    world.command(phone).expect("noted");
    browser.opens("/account/second-factor").expect(200).says("An authenticator app is safer.");
}

#[test]
fn what_somebody_typed_a_little_otherwise_leads_to_the_page() {
    let world = World::new();
    let alice = world.logged_in(ALICE, PASSWORD);
    for (typed, meant) in [
        ("/login/", "/login"),
        ("/login//", "/login"),
        ("/Login", "/login"),
        ("/LOGIN/?return_to=%2Faccount%2Fpassword", "/login?return_to=%2Faccount%2Fpassword"),
        ("/account/", "/account"),
        ("/Account/Password/", "/account/password"),
        ("/register/", "/register"),
        ("/forgot/sent/", "/forgot/sent"),
        ("/confirm/glt_Token/", "/confirm/glt_Token"),
    ] {
        let reply = alice.opens(typed).expect(308);
        assert_eq!(reply.header("location"), Some(meant), "{typed}");
    }
    alice.posts("/login/", &[("identity", ALICE)]).expect(308);
    for nowhere in [
        "/Confirm/glt_Token",
        "/nothing/",
        "//login/",
        "//evil.example/",
        "/%2Flogin",
        "/login%2F",
        "/api/v1/session/",
        "/API/V1/session",
    ] {
        alice.opens(nowhere).expect(404);
    }
    alice.opens("/.well-known/change-password").leads_to("/account/password");
    world.visitor().opens("/.well-known/change-password").leads_to("/account/password");
}

#[test]
fn who_has_to_log_in_for_a_form_comes_back_to_its_page() {
    let world = World::new();
    let visitor = world.visitor();
    for (posted, page) in [
        ("/account/sessions/0123456789abcdef/end", "/account/sessions"),
        ("/account/sessions/end-others", "/account/sessions"),
        ("/account/second-factor/totp/confirm", "/account/second-factor/totp"),
        ("/account/tokens/x/revoke", "/account/tokens"),
        ("/account/app-passwords/x/revoke", "/account/app-passwords"),
        ("/account/password", "/account/password"),
    ] {
        let encoded: String = form_urlencoded::byte_serialize(page.as_bytes()).collect();
        visitor.posts(posted, &[]).leads_to(&format!("/login?return_to={encoded}"));
    }
}

#[test]
fn what_was_copied_along_with_a_link_does_no_harm() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    world.visitor().api("POST", "/forgot", json!({"email": ALICE})).expect(202);
    let letter = world.only_letter_to(ALICE);
    for behind in [".", ")", ",", "%3E", "%20", "=", "%E2%80%8B", "%C2%A0", ").", "/"] {
        let shown = world.visitor().opens(&format!("{}{behind}", letter.path()));
        assert_eq!(shown.status(), if behind == "/" { 308 } else { 200 }, "{behind}");
    }
    let token = format!(" {}.\u{200b}", letter.token());
    world.visitor().api("POST", "/reset/check", json!({"token": token})).expect(200);
    world
        .visitor()
        .posts(&format!("{}.", letter.path()), &[("password", OTHER_PASSWORD)])
        .leads_to("/login?notice=password-changed");
}
