//! Second factors: set up, used, lost and taken away, by page, API and command line.

use gatelodge::app::SecondStep;
use gatelodge::base::{DAY, MINUTE, Seconds, Timestamp};
use gatelodge::crypto::{Bearer, BearerKind, TotpSeed, TypedCode};
use gatelodge::sessions::Client;
use serde_json::{Value, json};

use crate::world::{ALICE, LOOPBACK, OTHER_PASSWORD, PASSWORD, Reply, Visitor, World};

/// Reads the key that an authenticator app is told: base32.
pub fn read_key(key: &str) -> TotpSeed {
    let bits = |letter: u8| match letter {
        b'A'..=b'Z' => letter - b'A',
        _ => letter - b'2' + 26,
    };
    let (mut bytes, mut kept, mut count) = (Vec::new(), 0u32, 0);
    for letter in key.bytes().filter(|letter| *letter != b' ') {
        kept = kept << 5 | u32::from(bits(letter));
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(kept >> count & 0xff).expect("a byte"));
        }
    }
    TotpSeed::from_bytes(&bytes).expect("twenty bytes")
}

/// An authenticator app.
pub struct Phone<'a> {
    world: &'a World,
    seed: TotpSeed,
    /// Seconds that its clock is late.
    late: Seconds,
}

impl<'a> Phone<'a> {
    pub fn told(world: &'a World, key: &str) -> Self {
        Self { world, seed: read_key(key), late: 0 }
    }

    /// What it shows.
    pub fn shows(&self) -> String {
        self.seed.shown_at(self.world.app.now().minus(self.late))
    }

    /// What it shows at another time.
    pub fn shows_at(&self, now: Timestamp) -> String {
        self.seed.shown_at(now)
    }

    /// What it shows next, in the step after.
    pub fn shows_next(&self) -> String {
        self.world.advance(30);
        self.shows()
    }
}

/// Sets an authenticator app up; gives it and the recovery codes.
pub fn set_up<'a>(browser: &Visitor<'a>) -> (Phone<'a>, Vec<String>) {
    let begun = browser.api("POST", "/account/factors/totp", json!({"name": "Phone"})).expect(200).json();
    let phone = Phone::told(browser.world, begun["key"].as_str().expect("a key"));
    let confirm = json!({"id": begun["id"], "code": phone.shows()});
    let added = browser.api("POST", "/account/factors/totp/confirm", confirm).expect(200).json();
    let codes = added["recovery_codes"].as_array().expect("the first comes with codes").iter();
    let codes = codes.map(|code| code.as_str().expect("text").to_owned()).collect();
    browser.world.deliver_mail();
    (phone, codes)
}

/// Gives the password; a code is asked for.
fn halfway(world: &World) -> Visitor<'_> {
    let browser = world.visitor();
    browser.log_in(ALICE, PASSWORD).refused(401, "second_factor_required");
    browser
}

/// Alice's phone, and her giving the password again and again.
pub fn halfway_with_a_phone<'a>(world: &'a World) -> (Phone<'a>, impl FnMut() -> Visitor<'a>) {
    let (phone, _) = set_up(&logged_in(world));
    (phone, || halfway(world))
}

fn gives(browser: &Visitor<'_>, code: &str) -> Reply {
    browser.api("POST", "/login/second-factor", json!({"code": code}))
}

fn member(settings: &str) -> World {
    let world = World::with(settings);
    world.member(ALICE, PASSWORD);
    world
}

fn logged_in(world: &World) -> Visitor<'_> {
    let browser = world.visitor();
    browser.log_in(ALICE, PASSWORD).expect(200);
    browser
}

#[test]
fn somebody_sets_a_phone_up_and_logs_in_with_it() {
    let world = member("");
    let (browser, other) = (logged_in(&world), logged_in(&world));
    let begun = browser.api("POST", "/account/factors/totp", json!({"name": "Phone"})).expect(200).json();
    let uri = begun["uri"].as_str().expect("a URI");
    assert!(uri.starts_with("otpauth://totp/Hill%20Street:alice%40example%2Eorg?secret="), "{uri}");
    // Until a code was given it does not count.
    logged_in(&world);
    let phone = Phone::told(&world, begun["key"].as_str().expect("a key"));
    let wrong = json!({"id": begun["id"], "code": "000000"});
    browser.api("POST", "/account/factors/totp/confirm", wrong).refused(401, "wrong_code");
    let confirm = json!({"id": begun["id"], "code": phone.shows()});
    let added = browser.api("POST", "/account/factors/totp/confirm", confirm).expect(200).json();
    assert_eq!(added["recovery_codes"].as_array().map(Vec::len), Some(10));
    assert!(world.only_letter_to(ALICE).subject.contains("second factor was added"));
    assert!(browser.is_logged_in() && !other.is_logged_in(), "sessions that began without it end");

    let visitor = halfway(&world);
    assert!(!visitor.is_logged_in());
    let user = gives(&visitor, &phone.shows_next()).expect(200).json();
    assert_eq!((&user["status"], &user["user"]["email"]), (&json!("logged_in"), &json!(ALICE)));
    assert_eq!(user["session"]["methods"], json!(["password", "totp"]));
    assert!(visitor.is_logged_in());
    let listed = visitor.api("GET", "/account/factors", Value::Null).expect(200).json();
    assert_eq!((&listed["items"][0]["kind"], &listed["recovery_codes_left"]), (&json!("totp"), &json!(10)));
    assert!(listed["items"][0]["last_used_at"].is_string());
}

#[test]
fn by_page_without_a_script() {
    let world = member("");
    let browser = logged_in(&world);
    browser.opens("/account").expect(200).says("Two-factor authentication (off)");
    browser.opens("/account/second-factor").expect(200).says("keeps out whoever learns your password");
    browser.posts("/account/second-factor/totp", &[("name", "My phone")]).leads_to("/account/second-factor/totp");
    let before = world.records();
    let page = browser.opens("/account/second-factor/totp").expect(200);
    assert_eq!(world.records(), before);
    page.says("<svg class=\"qr\"");
    let text = page.text();
    let key = text.split("<code>").nth(1).and_then(|rest| rest.split("</code>").next()).expect("the key");
    let id = text.split("name=\"id\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("the id");
    let phone = Phone::told(&world, key);
    let confirm = "/account/second-factor/totp/confirm";
    browser.posts(confirm, &[("id", id), ("code", "12")]).expect(422).says("This is not a code");
    browser.posts(confirm, &[("id", id), ("code", "000 000")]).expect(401).says("The code is wrong");
    let codes = browser.posts(confirm, &[("id", id), ("code", &phone.shows())]).expect(200);
    codes.says("They are not shown again");
    let text = codes.text();
    let code = text.split("<li><code>").nth(1).and_then(|rest| rest.split('<').next()).expect("a code").to_owned();
    browser.opens("/account/second-factor").expect(200).says("10 left");
    browser.opens("/account/second-factor/totp").leads_to("/account/second-factor");

    let visitor = world.visitor();
    let login = [("identity", ALICE), ("password", PASSWORD), ("return_to", "/account/sessions")];
    visitor.posts("/login", &login).leads_to("/login/second-factor?return_to=%2Faccount%2Fsessions");
    visitor.opens("/login/second-factor?return_to=%2Faccount%2Fsessions").expect(200).says("one-time-code");
    let step =
        |code: &str| visitor.posts("/login/second-factor", &[("code", code), ("return_to", "/account/sessions")]);
    step("999999").expect(401).says("The code is wrong");
    step(&code).leads_to("/account/sessions");
    assert!(visitor.is_logged_in());
    visitor.posts("/login/second-factor", &[("code", "123456")]).leads_to("/login?notice=login-over");
    visitor.opens("/login/second-factor").leads_to("/login?notice=login-over");
}

#[test]
fn a_code_works_once_and_not_long() {
    let world = member("");
    let (phone, _) = set_up(&logged_in(&world));
    let code = phone.shows_next();
    gives(&halfway(&world), &code).expect(200);
    gives(&halfway(&world), &code).refused(401, "wrong_code");
    // The code that set it up is used as well: its step lies before.
    let early = phone.shows_next();
    world.advance(30);
    gives(&halfway(&world), &early).expect(200);
    let late = phone.shows_next();
    world.advance(60);
    gives(&halfway(&world), &late).refused(401, "wrong_code");
}

#[test]
fn the_code_that_set_it_up_logs_nobody_in() {
    let world = member("");
    let browser = logged_in(&world);
    let (phone, _) = set_up(&browser);
    gives(&halfway(&world), &phone.shows()).refused(401, "wrong_code");
}

#[test]
fn a_phone_whose_clock_is_late_is_noted() {
    let world = member("");
    let (mut phone, _) = set_up(&logged_in(&world));
    world.advance(60);
    phone.late = 30;
    let browser = halfway(&world);
    gives(&browser, &phone.shows()).expect(200);
    let listed = browser.api("GET", "/account/factors", Value::Null).expect(200).json();
    assert_eq!(listed["items"][0]["clock_is_late"], true);
    browser.opens("/account/second-factor").expect(200).says("clock of this device is slow");
}

#[test]
fn of_many_parallel_uses_of_a_code_one_wins() {
    let world = member("");
    let (phone, codes) = set_up(&logged_in(&world));
    world.advance(30);
    for code in [phone.shows(), codes[0].clone()] {
        let secrets: Vec<Bearer> = (0..9)
            .map(|_| {
                let cookie = halfway(&world).cookies.borrow()["__Host-gatelodge-pending"].clone();
                Bearer::parse(BearerKind::PendingLogin, &cookie).expect("a secret")
            })
            .collect();
        let winners = world.block_on(async {
            let mut tries = tokio::task::JoinSet::new();
            for secret in secrets {
                let code = TypedCode::parse(&code).expect("a code");
                let step = SecondStep {
                    secret: secret.digest(),
                    code,
                    trust: None,
                    client: Client::at(LOOPBACK),
                    replaces: None,
                };
                let app = world.app.clone();
                tries.spawn(async move { app.take_second_step(step).await });
            }
            let outcomes = tries.join_all().await;
            outcomes.into_iter().filter(|outcome| matches!(outcome, Ok(Ok(_)))).count()
        });
        assert_eq!(winners, 1, "{code}");
    }
}

#[test]
fn a_recovery_code_lets_in_once_and_the_owner_is_told() {
    let world = member("");
    let (_, codes) = set_up(&logged_in(&world));
    assert!(codes.iter().all(|code| code.len() == 19), "{codes:?}");
    let typed = codes[3].to_uppercase().replace('-', " ");
    let browser = halfway(&world);
    let session = gives(&browser, &typed).expect(200).json()["session"].clone();
    assert_eq!(session["methods"], json!(["password", "recovery-code"]));
    assert!(world.only_letter_to(ALICE).text.contains("9 are left"));
    gives(&halfway(&world), &codes[3]).refused(401, "wrong_code");

    for code in codes.iter().filter(|code| **code != codes[3]) {
        gives(&halfway(&world), code).expect(200);
    }
    let told = world.deliver_mail();
    assert_eq!((told.len(), told.iter().filter(|letter| letter.text.contains("None is left")).count()), (9, 1));
    let made = browser.api("POST", "/account/recovery-codes", Value::Null).expect(200).json();
    assert!(world.only_letter_to(ALICE).subject.contains("New recovery codes"));
    let fresh = made["recovery_codes"][0].as_str().expect("a code").to_owned();
    gives(&halfway(&world), &fresh).expect(200);
}

#[test]
fn neither_seed_nor_recovery_codes_stand_in_the_store() {
    let world = member("");
    let browser = logged_in(&world);
    let begun = browser.api("POST", "/account/factors/totp", json!({})).expect(200).json();
    let phone = Phone::told(&world, begun["key"].as_str().expect("a key"));
    let confirm = json!({"id": begun["id"], "code": phone.shows()});
    let added = browser.api("POST", "/account/factors/totp/confirm", confirm).expect(200).json();
    let code = added["recovery_codes"][0].as_str().expect("a code").replace('-', "");
    let secrets = [phone.seed.expose().to_vec(), code.into_bytes()];
    for (_, value) in world.records() {
        for secret in &secrets {
            assert!(!value.windows(secret.len()).any(|part| part == secret.as_slice()));
        }
    }
    // What was confirmed is never shown again.
    let listed = browser.api("GET", "/account/factors", Value::Null).expect(200).text();
    assert!(!listed.contains(begun["key"].as_str().expect("a key")));
}

#[test]
fn wrong_codes_have_a_counter_of_their_own() {
    let world = member("");
    let (phone, codes) = set_up(&logged_in(&world));
    let mut browser = halfway(&world);
    for attempt in 0..10 {
        if attempt % 5 == 0 {
            // After five the password has to be given again.
            browser = halfway(&world);
        }
        gives(&browser, "000000").refused(401, "wrong_code");
    }
    gives(&browser, "000000").refused(401, "login_over");
    let told = world.only_letter_to(ALICE);
    assert!(told.text.contains("again and again"), "{told:?}");
    let browser = halfway(&world);
    world.advance(30);
    gives(&browser, &phone.shows()).refused(429, "too_many_attempts");
    gives(&browser, &codes[0]).refused(429, "too_many_attempts");
    // A password is no code: it was right all the time, and stays so.
    world.advance(5 * MINUTE);
    gives(&browser, &phone.shows()).expect(200);
}

#[test]
fn a_login_under_way_dies_with_its_time_and_with_the_password() {
    let world = member("");
    let (phone, _) = set_up(&logged_in(&world));
    let late = halfway(&world);
    world.advance(10 * MINUTE);
    gives(&late, &phone.shows()).refused(401, "login_over");

    let overtaken = halfway(&world);
    world.command(json!({"command": "user-passwd", "user": ALICE, "password": OTHER_PASSWORD})).expect("set");
    world.advance(30);
    gives(&overtaken, &phone.shows()).refused(401, "login_over");
    let disabled = world.visitor();
    disabled.log_in(ALICE, OTHER_PASSWORD).refused(401, "second_factor_required");
    world.command(json!({"command": "user-disable", "user": ALICE})).expect("locked");
    gives(&disabled, &phone.shows_next()).refused(401, "login_over");
    world.visitor().api("POST", "/login/second-factor", json!({"code": "123456"})).refused(401, "login_over");
}

#[test]
fn a_program_goes_on_with_the_secret_it_is_given() {
    let world = member("");
    let (phone, _) = set_up(&logged_in(&world));
    let program = world.visitor();
    let login = json!({"identity": ALICE, "password": PASSWORD, "bearer": true});
    let asked = program.api("POST", "/login", login).refused(401, "second_factor_required").json();
    assert_eq!(asked["methods"], json!(["totp", "recovery_code"]));
    assert!(program.cookies.borrow().is_empty());
    let step = json!({"pending": asked["pending"], "code": phone.shows_next()});
    let entered = program.api("POST", "/login/second-factor", step.clone()).expect(200).json();
    let token = entered["session"]["token"].as_str().expect("a token");
    let request = http::Request::builder().uri("/api/v1/session").header("authorization", format!("Bearer {token}"));
    program.send(request, "").expect(200);
    program.api("POST", "/login/second-factor", step).refused(401, "login_over");
}

#[test]
fn a_reset_password_does_not_get_past_the_second_factor() {
    let world = member("[tokens]\nlogin_after_reset = true");
    let (phone, _) = set_up(&logged_in(&world));
    let browser = world.visitor();
    browser.api("POST", "/forgot", json!({"email": ALICE})).expect(202);
    let token = world.only_letter_to(ALICE).token();
    browser.api("POST", "/reset", json!({"token": token, "password": OTHER_PASSWORD})).expect(200);
    assert!(!browser.is_logged_in());
    browser.log_in(ALICE, OTHER_PASSWORD).refused(401, "second_factor_required");
    gives(&browser, &phone.shows_next()).expect(200);
}

#[test]
fn a_trusted_browser_is_not_asked_until_its_time_is_over_or_its_owner_says_so() {
    let world = member("");
    let owner = logged_in(&world);
    let (phone, _) = set_up(&owner);
    let browser = halfway(&world);
    let code = phone.shows_next();
    browser.api("POST", "/login/second-factor", json!({"code": code, "trust_browser": true})).expect(200);
    let entered = browser.log_in(ALICE, PASSWORD).expect(200).json();
    assert_eq!(entered["session"]["methods"], json!(["password"]));
    halfway(&world);
    // It is one account's trust.
    world.deliver_mail();
    world.member("bob@example.org", PASSWORD);
    let bob = world.visitor();
    bob.log_in("bob@example.org", PASSWORD).expect(200);
    set_up(&bob);
    browser.copy().log_in("bob@example.org", PASSWORD).refused(401, "second_factor_required");

    let listed = browser.api("GET", "/account/browsers", Value::Null).expect(200).json();
    let path = format!("/account/browsers/{}", listed["items"][0]["id"].as_str().expect("an id"));
    bob.api("DELETE", &path, Value::Null).refused(404, "not_found");
    browser.api("DELETE", &path, Value::Null).expect(204);
    browser.copy().log_in(ALICE, PASSWORD).refused(401, "second_factor_required");

    let again = halfway(&world);
    again.api("POST", "/login/second-factor", json!({"code": phone.shows_next(), "trust_browser": true})).expect(200);
    world.advance(29 * DAY);
    again.log_in(ALICE, PASSWORD).expect(200);
    world.advance(DAY);
    again.log_in(ALICE, PASSWORD).refused(401, "second_factor_required");
}

#[test]
fn a_house_may_trust_no_browser() {
    let world = member("[second_factor]\ntrust_browsers = false");
    let (phone, _) = set_up(&logged_in(&world));
    let browser = halfway(&world);
    browser.opens("/login/second-factor").expect(200);
    let step = json!({"code": phone.shows_next(), "trust_browser": true});
    browser.api("POST", "/login/second-factor", step).expect(200);
    browser.log_in(ALICE, PASSWORD).refused(401, "second_factor_required");
}

#[test]
fn a_small_office_has_codes_mailed() {
    let world = member("[second_factor]\nmail_codes = true");
    let browser = logged_in(&world);
    let added = browser.api("POST", "/account/factors/mail", Value::Null).expect(200).json();
    assert_eq!(added["recovery_codes"].as_array().map(Vec::len), Some(10));
    world.deliver_mail();
    let visitor = halfway(&world);
    world.expect_no_post();
    visitor.api("POST", "/login/second-factor/send", json!({})).expect(202);
    let letter = world.only_letter_to(ALICE);
    let code = letter.subject.split(' ').next().expect("a code").to_owned();
    assert!(code.len() == 6 && letter.text.contains(&code), "{letter:?}");
    // Not twice within a minute, and nowhere else.
    visitor.api("POST", "/login/second-factor/send", json!({})).expect(202);
    world.expect_no_post();
    gives(&halfway(&world), &code).refused(401, "wrong_code");
    gives(&visitor, &code).expect(200);

    let late = halfway(&world);
    late.api("POST", "/login/second-factor/send", json!({})).expect(202);
    let code = world.only_letter_to(ALICE).subject.split(' ').next().expect("a code").to_owned();
    world.advance(9 * MINUTE + 59);
    gives(&late.copy(), &code).expect(200);
    let guessed = halfway(&world);
    guessed.api("POST", "/login/second-factor/send", json!({})).expect(202);
    let code = world.only_letter_to(ALICE).subject.split(' ').next().expect("a code").to_owned();
    let wrong = if code == "000000" { "111111" } else { "000000" };
    (0..5).for_each(|_| drop(gives(&guessed, wrong).refused(401, "wrong_code")));
    gives(&guessed, &code).refused(401, "login_over");
}

#[test]
fn a_login_with_a_factor_is_told_unless_that_is_not_wanted() {
    for (settings, count) in [("", 1), ("[second_factor]\ntell_uses = false", 0)] {
        let world = member(settings);
        let (phone, codes) = set_up(&logged_in(&world));
        let told = || {
            let letters = world.deliver_mail();
            assert!(letters.iter().all(|letter| letter.subject.contains("A code of your second factor was used")));
            letters.len()
        };
        let verify = |browser: &Visitor<'_>| {
            let proof = json!({"password": PASSWORD, "code": phone.shows_next()});
            browser.api("POST", "/session/verify", proof).expect(200);
        };
        let browser = halfway(&world);
        let step = json!({"code": phone.shows_next(), "trust_browser": true});
        browser.api("POST", "/login/second-factor", step).expect(200);
        assert_eq!(told(), count, "{settings}");
        verify(&browser);
        assert_eq!(told(), 0, "who began with a factor is not told of each proof");
        browser.log_in(ALICE, PASSWORD).expect(200);
        assert_eq!(told(), 0, "there was none");
        verify(&browser);
        assert_eq!(told(), count, "{settings}");

        gives(&halfway(&world), &codes[0]).expect(200);
        let letter = world.only_letter_to(ALICE);
        assert!(letter.subject.contains("recovery code"), "{}", letter.subject);
    }
}

#[test]
fn a_login_with_a_factor_from_somewhere_new_is_told_of_once() {
    let world = member("");
    let (phone, _) = set_up(&logged_in(&world));
    let far = world.visitor_from("203.0.113.9");
    far.log_in(ALICE, PASSWORD).refused(401, "second_factor_required");
    gives(&far, &phone.shows_next()).expect(200);
    let letter = world.only_letter_to(ALICE);
    assert!(letter.text.contains("/not-me/"), "{}", letter.text);
}

const WITH_TEXTS: &str = "[sms]\nurl = \"https://sms.example.net/send\"\n[second_factor]\nsms_codes = true";
const NUMBER: &str = "+4930123456";

/// The one text message, and the digits in it.
fn texted(world: &World) -> (String, String) {
    let texts = world.texts();
    assert_eq!(texts.len(), 1, "{texts:?}");
    let code = texts[0].1.split(' ').next().expect("a code").to_owned();
    (texts[0].1.clone(), code)
}

#[test]
fn codes_come_by_text_message_to_the_number_of_the_account() {
    let world = member(WITH_TEXTS);
    let browser = logged_in(&world);
    browser.api("POST", "/account/factors/sms", Value::Null).refused(404, "not_found");
    world.command(json!({"command": "user-phone", "user": ALICE, "phone": NUMBER})).expect("noted");
    browser.opens("/account/second-factor").expect(200).says("Have codes sent to +4930123456");
    let added = browser.api("POST", "/account/factors/sms", Value::Null).expect(200).json();
    assert_eq!(added["recovery_codes"].as_array().map(Vec::len), Some(10));
    world.deliver_mail();
    let visitor = halfway(&world);
    assert_eq!(world.texts(), vec![], "only when it is asked for");
    visitor.api("POST", "/login/second-factor/send", json!({"by": "mail"})).refused(401, "login_over");
    visitor.api("POST", "/login/second-factor/send", json!({"by": "pigeon"})).refused(422, "invalid_fields");
    visitor.api("POST", "/login/second-factor/send", json!({"by": "sms"})).expect(202);
    let (text, code) = texted(&world);
    let bound = format!("@auth.example.org #{code}");
    assert!(code.len() == 6 && text.contains("Hill Street") && text.ends_with(&bound), "{text}");
    world.expect_no_post();
    visitor.api("POST", "/login/second-factor/send", json!({})).expect(202);
    assert_eq!(world.texts(), vec![], "not twice within a minute");
    gives(&halfway(&world), &code).refused(401, "wrong_code");
    let session = gives(&visitor, &code).expect(200).json()["session"].clone();
    assert_eq!(session["methods"], json!(["password", "sms-code"]));
    gives(&halfway(&world), &code).refused(401, "wrong_code");
    world.advance(16 * MINUTE);
    visitor.api("POST", "/account/recovery-codes", Value::Null).refused(401, "reauthentication_required");
    visitor.opens("/account/verify").expect(200).says("Send me a code by text message");
    visitor.posts("/account/verify/send", &[("by", "sms")]).leads_to("/account/verify?notice=code-mailed");
    let (_, code) = texted(&world);
    visitor.api("POST", "/session/verify", json!({"password": PASSWORD, "code": code})).expect(200);
    world.command(json!({"command": "user-phone", "user": ALICE, "phone": null})).expect("taken");
    halfway(&world).api("POST", "/login/second-factor/send", json!({"by": "sms"})).refused(401, "login_over");
}

#[test]
fn a_code_dies_with_the_factor_that_it_is_of() {
    let world = member(&format!("{WITH_TEXTS}\nmail_codes = true"));
    world.command(json!({"command": "user-phone", "user": ALICE, "phone": NUMBER})).expect("noted");
    let browser = logged_in(&world);
    browser.api("POST", "/account/factors/mail", Value::Null).expect(200);
    world.deliver_mail();
    browser.api("POST", "/session/verify/send", Value::Null).expect(202);
    let code = world.only_letter_to(ALICE).subject.split(' ').next().expect("a code").to_owned();
    browser.api("POST", "/session/verify", json!({"password": PASSWORD, "code": code})).expect(200);
    browser.api("POST", "/account/factors/sms", Value::Null).expect(200);
    let visitor = halfway(&world);
    visitor.api("POST", "/login/second-factor/send", json!({"by": "sms"})).expect(202);
    let (_, code) = texted(&world);
    let factors = browser.api("GET", "/account/factors", Value::Null).expect(200).json();
    let sms = factors["items"].as_array().and_then(|items| items.iter().find(|item| item["kind"] == "sms"));
    let id = sms.expect("it is there")["id"].as_str().expect("an id").to_owned();
    browser.api("DELETE", &format!("/account/factors/{id}"), Value::Null).expect(204);
    gives(&visitor, &code).refused(401, "wrong_code");
}

#[test]
fn text_messages_are_not_sent_without_end() {
    let world = member(WITH_TEXTS);
    world.command(json!({"command": "user-phone", "user": ALICE, "phone": NUMBER})).expect("noted");
    logged_in(&world).api("POST", "/account/factors/sms", Value::Null).expect(200);
    let send = || halfway(&world).api("POST", "/login/second-factor/send", json!({})).expect(202);
    let hasty = halfway(&world);
    (0..12).for_each(|_| drop(hasty.api("POST", "/login/second-factor/send", json!({})).expect(202)));
    assert_eq!(world.texts().len(), 1, "whoever presses twice has taken one");
    (0..15).for_each(|_| drop(send()));
    assert_eq!(world.texts().len(), 9, "the answer is the same");
    world.advance(15 * MINUTE);
    send();
    assert_eq!(world.texts().len(), 1);
}

#[test]
fn by_page_one_chooses_how_the_code_comes() {
    let world = member(&format!("{WITH_TEXTS}\nmail_codes = true"));
    world.command(json!({"command": "user-phone", "user": ALICE, "phone": NUMBER})).expect("noted");
    let browser = logged_in(&world);
    browser.posts("/account/second-factor/mail", &[]).expect(200).says("recovery");
    world.deliver_mail();
    browser.posts("/account/verify/send", &[("by", "mail")]).leads_to("/account/verify?notice=code-mailed");
    let code = world.only_letter_to(ALICE).subject.split(' ').next().expect("a code").to_owned();
    browser.posts("/account/verify", &[("password", PASSWORD), ("code", &code)]).leads_to("/account");
    browser.posts("/account/second-factor/sms", &[]).leads_to("/account/second-factor?notice=factor-added");
    world.deliver_mail();
    let visitor = world.visitor();
    visitor.posts("/login", &[("identity", ALICE), ("password", PASSWORD)]).leads_to("/login/second-factor");
    let page = visitor.opens("/login/second-factor").expect(200).text();
    assert!(page.contains("Send me a code by email") && page.contains("Send me a code by text message"), "{page}");
    visitor.posts("/login/second-factor/send", &[("by", "sms")]).leads_to("/login/second-factor?notice=code-mailed");
    let (_, code) = texted(&world);
    world.expect_no_post();
    visitor.posts("/login/second-factor", &[("code", &code)]).leads_to("/account");
}

#[test]
fn codes_by_mail_are_for_houses_that_want_them() {
    let world = member("");
    let browser = logged_in(&world);
    browser.api("POST", "/account/factors/mail", Value::Null).refused(404, "not_found");
    set_up(&browser);
    halfway(&world).api("POST", "/login/second-factor/send", json!({})).refused(401, "login_over");
    world.expect_no_post();
}

#[test]
fn whose_group_asks_for_one_sets_it_up_before_anything_else() {
    let world = member("[second_factor]\nrequired_for = [\"staff\"]");
    let browser = logged_in(&world);
    assert!(browser.is_logged_in());
    world.command(json!({"command": "user-group", "user": ALICE, "group": "staff", "member": true})).expect("joined");
    browser.api("GET", "/account/sessions", Value::Null).refused(403, "second_factor_setup_required");
    browser.opens("/account").leads_to("/account/second-factor");
    browser.opens("/account/second-factor").expect(200).says("One of your groups requires a second factor");
    assert_eq!(browser.api("GET", "/account/factors", Value::Null).expect(200).json()["required"], true);
    let (phone, _) = set_up(&browser);
    browser.api("GET", "/account/sessions", Value::Null).expect(200);
    let id = browser.api("GET", "/account/factors", Value::Null).expect(200).json()["items"][0]["id"].clone();
    let path = format!("/account/factors/{}", id.as_str().expect("an id"));
    browser.api("DELETE", &path, Value::Null).refused(409, "second_factor_needed");
    gives(&halfway(&world), &phone.shows_next()).expect(200);
    world.deliver_mail();
    world.command(json!({"command": "user-group", "user": ALICE, "group": "staff", "member": false})).expect("left");
    browser.api("DELETE", &path, Value::Null).expect(204);
    world.only_letter_to(ALICE);
    logged_in(&world);
}

#[test]
fn a_removed_factor_is_told_and_with_the_last_everything_of_it_goes() {
    let world = member("");
    let browser = logged_in(&world);
    let (_, codes) = set_up(&browser);
    let other = halfway(&world);
    gives(&other, &codes[0]).expect(200);
    world.deliver_mail();
    let id = browser.api("GET", "/account/factors", Value::Null).expect(200).json()["items"][0]["id"].clone();
    let path = format!("/account/second-factor/{}/remove", id.as_str().expect("an id"));
    browser.posts(&path, &[]).leads_to("/account/second-factor?notice=factor-removed");
    assert!(world.only_letter_to(ALICE).text.contains("the password alone is enough"));
    assert!(!other.is_logged_in());
    logged_in(&world);
    let factors = browser.api("GET", "/account/factors", Value::Null).expect(200).json();
    assert_eq!((&factors["items"], &factors["recovery_codes_left"]), (&json!([]), &json!(0)));
}

#[test]
fn an_administrator_takes_lost_factors_away() {
    let world = member("");
    set_up(&logged_in(&world));
    let reset = json!({"command": "user-reset-factors", "user": ALICE});
    let shown = world.command(json!({"command": "user-show", "user": ALICE})).expect("shown");
    assert_eq!(shown["second_factors"][0]["kind"], "totp");
    assert_eq!(world.command(reset.clone()).expect("reset")["second_factors_end_at"], Value::Null);
    assert!(world.only_letter_to(ALICE).text.contains("removed the second factors"));
    logged_in(&world);
    assert!(world.command(reset).is_err_and(|why| why.contains("no second factor")));
    assert!(world.audit().iter().any(|(act, ..)| act == "factors-reset"));
}

#[test]
fn a_reset_may_wait_so_that_the_owner_can_object() {
    let world = member("[second_factor]\nreset_after = \"1d\"");
    let root = world.administrator("root@example.org");
    let (phone, _) = set_up(&logged_in(&world));
    world.deliver_mail();
    let ask = || root.api("POST", &format!("/admin/users/{ALICE}/reset-factors"), Value::Null);
    let shown = ask().expect(200).json();
    assert_eq!(shown["second_factors_end_at"], world.app.now().plus(DAY).to_string());
    assert!(world.only_letter_to(ALICE).text.contains("will be removed"));
    // She has it after all.
    gives(&halfway(&world), &phone.shows_next()).expect(200);
    world.advance(DAY + 1);
    world.block_on(world.app.sweep()).expect("memory does not fail");
    halfway(&world);

    root.log_in("root@example.org", PASSWORD).expect(200);
    ask().expect(200);
    world.deliver_mail();
    world.advance(DAY + 1);
    // No sweep was here: the login itself sees that the time has come.
    logged_in(&world);
    assert!(world.only_letter_to(ALICE).text.contains("removed the second factors"));
}

#[test]
fn while_the_clock_is_wrong_no_code_of_a_phone_counts_but_recovery_codes_do() {
    let world = member("");
    let (phone, codes) = set_up(&logged_in(&world));
    let browser = halfway(&world);
    let code = phone.shows_next();
    world.block_on(world.app.note_seen()).expect("memory does not fail");
    logged_in_with(&world, &codes[0]);
    world.clock.set(world.app.now().minus(DAY));
    gives(&browser, &code).refused(503, "clock_unsure");
    gives(&browser, &codes[1]).expect(200);
}

fn logged_in_with(world: &World, code: &str) {
    gives(&halfway(world), code).expect(200);
}

#[test]
fn nobody_has_too_many() {
    let world = member("");
    let browser = logged_in(&world);
    set_up(&browser);
    for number in 1..10 {
        world.advance(30);
        let begun = browser.api("POST", "/account/factors/totp", json!({"name": format!("Phone {number}")}));
        let begun = begun.expect(200).json();
        let phone = Phone::told(&world, begun["key"].as_str().expect("a key"));
        let confirm = json!({"id": begun["id"], "code": phone.shows()});
        let added = browser.api("POST", "/account/factors/totp/confirm", confirm).expect(200).json();
        assert_eq!(added["recovery_codes"], Value::Null, "only the first comes with codes");
    }
    browser.api("POST", "/account/factors/totp", json!({})).refused(409, "conflict");
}

#[test]
fn wrong_codes_are_counted_across_sweeps_and_the_owner_is_told_of_a_few() {
    let world = member(
        "[throttle]\nmail_network = \"1000, then one every 1s\"\nlogins = \"1000, then one every 1s\"\nnetwork = \"1000, then one every 1s\"",
    );
    let (phone, mut come) = halfway_with_a_phone(&world);
    let mut told = 0;
    for _ in 0..20 {
        let stranger = Visitor { address: "198.51.100.1".parse().expect("an address"), ..come() };
        for _ in 0..5 {
            let wrong = if phone.shows() == "000000" { "111111" } else { "000000" };
            gives(&stranger, wrong).refused(401, "wrong_code");
        }
        told += world.deliver_mail().iter().filter(|letter| letter.subject.contains("trying codes")).count();
        // Patience: the bucket is full again, and swept.
        world.advance(2 * 60 * MINUTE);
        world.block_on(world.app.sweep()).expect("memory does not fail");
    }
    assert!(told >= 1, "the owner is told, however slow it is");
    let late = Visitor { address: "198.51.100.2".parse().expect("an address"), ..come() };
    gives(&late, &phone.shows()).refused(429, "too_many_attempts");
}

#[test]
fn confirming_an_address_logs_nobody_in_past_a_second_factor_or_at_all() {
    let world = member("[tokens]\nlogin_after_confirm = true");
    let browser = logged_in(&world);
    let (_, _) = set_up(&browser);
    let ask = json!({"email": "alyce@example.org", "current_password": PASSWORD});
    browser.api("POST", "/account/email", ask).expect(202);
    let letters = world.deliver_mail();
    let letter = letters.iter().find(|letter| letter.to == "alyce@example.org").expect("mailed");
    // The address was mistyped; whoever reads that mailbox confirms it, and is nobody here.
    let stranger = world.visitor_from("203.0.113.9");
    stranger.api("POST", "/confirm", json!({"token": letter.token()})).expect(200);
    assert!(!stranger.is_logged_in());
    world.deliver_mail();
    // The same without a second factor: the link proves a mailbox and no person.
    world.member("bob@example.org", PASSWORD);
    let bob = world.visitor();
    bob.log_in("bob@example.org", PASSWORD).expect(200);
    let ask = json!({"email": "bobby@example.org", "current_password": PASSWORD});
    bob.api("POST", "/account/email", ask).expect(202);
    let letters = world.deliver_mail();
    let letter = letters.iter().find(|letter| letter.to == "bobby@example.org").expect("mailed");
    stranger.posts(&letter.path(), &[]).leads_to("/login?notice=confirmed");
    assert!(!stranger.is_logged_in());
}

#[test]
fn a_copied_cookie_dies_when_the_password_changes_or_a_factor_is_added_or_removed() {
    let world = member("");
    let owner = logged_in(&world);
    let acts: [&dyn Fn(&Visitor<'_>); 4] = [
        &|owner| {
            let change = json!({"current_password": PASSWORD, "new_password": OTHER_PASSWORD});
            owner.api("POST", "/account/password", change).expect(200);
        },
        &|owner| drop(set_up(owner)),
        &|owner| {
            let factors = owner.api("GET", "/account/factors", Value::Null).expect(200).json();
            let id = factors["items"][0]["id"].as_str().expect("an id").to_owned();
            owner.api("DELETE", &format!("/account/factors/{id}"), Value::Null).expect(204);
        },
        &|owner| {
            world.visitor().log_in(ALICE, OTHER_PASSWORD).expect(200);
            owner.api("DELETE", "/account/sessions", Value::Null).expect(204);
        },
    ];
    for (number, act) in acts.iter().enumerate() {
        let thief = owner.copy();
        assert!(thief.is_logged_in());
        act(&owner);
        assert!(owner.is_logged_in() && !thief.is_logged_in(), "act {number}");
    }
}

#[test]
fn a_program_is_told_its_new_token_when_the_password_changes() {
    let world = member("");
    let program = world.visitor();
    let body = json!({"identity": ALICE, "password": PASSWORD, "bearer": true});
    let token = program.api("POST", "/login", body).expect(200).json()["session"]["token"].clone();
    let change = json!({"current_password": PASSWORD, "new_password": OTHER_PASSWORD});
    let changed =
        program.by_token(token.as_str().expect("text"), "POST", "/account/password", change).expect(200).json();
    let renewed = changed["session"]["token"].as_str().expect("a new one");
    program.by_token(token.as_str().expect("text"), "GET", "/session", Value::Null).refused(401, "not_logged_in");
    program.by_token(renewed, "GET", "/session", Value::Null).expect(200);
}

#[test]
fn trust_in_a_browser_ends_with_the_password_in_the_browser_that_changes_it_too() {
    let world = member("");
    let (phone, mut come) = halfway_with_a_phone(&world);
    world.advance(MINUTE);
    let browser = come();
    browser.api("POST", "/login/second-factor", json!({"code": phone.shows(), "trust_browser": true})).expect(200);
    browser.log_in(ALICE, PASSWORD).expect(200);
    let change = json!({"current_password": PASSWORD, "new_password": OTHER_PASSWORD});
    browser.api("POST", "/account/password", change).expect(200);
    browser.log_in(ALICE, OTHER_PASSWORD).refused(401, "second_factor_required");
}

#[test]
fn codes_by_mail_have_a_limit_for_each_account() {
    let world = member("[second_factor]\nmail_codes = true\n[throttle]\nlogins = \"1000, then one every 1s\"");
    logged_in(&world).api("POST", "/account/factors/mail", Value::Null).expect(200);
    world.deliver_mail();
    // Somebody knows the password, and fills the mailbox.
    for _ in 0..25 {
        let stranger = halfway(&world);
        stranger.api("POST", "/login/second-factor/send", json!({})).expect(202);
    }
    let letters = world.deliver_mail();
    assert_eq!(letters.iter().filter(|letter| letter.text.contains("again and again")).count(), 1, "the owner knows");
    assert_eq!(letters.len(), 10 + 1);
}

#[test]
fn a_reset_that_waits_dies_with_the_rights_of_whoever_asked_for_it() {
    let world = member("[second_factor]\nreset_after = \"1d\"");
    let root = world.administrator("root@example.org");
    let second = world.administrator("second@example.org");
    set_up(&logged_in(&world));
    let path = format!("/admin/users/{ALICE}/reset-factors");
    root.api("POST", &path, Value::Null).expect(200);
    world.advance(10 * MINUTE);
    let demote = json!({"command": "user-group", "user": "root@example.org", "group": "admins", "member": false});
    world.command(demote).expect("done");
    let shown = world.command(json!({"command": "user-show", "user": ALICE})).expect("there");
    assert_eq!(shown["second_factors_end_at"], Value::Null);
    world.advance(DAY);
    world.block_on(world.app.sweep()).expect("memory does not fail");
    // She is still asked for a code.
    halfway(&world);
    assert!(world.audit().iter().any(|(act, ..)| act == "factor-reset-dropped"));
    // Another administrator's time begins anew.
    second.log_in("second@example.org", PASSWORD).expect(200);
    let shown = second.api("POST", &path, Value::Null).expect(200).json();
    assert_eq!(shown["second_factors_end_at"], world.app.now().plus(DAY).to_string());
    world.advance(DAY + 1);
    logged_in(&world);
}

#[test]
fn a_colon_in_the_names_parts_nothing_in_what_a_phone_reads() {
    let world = World::new();
    world.rename("Haus: S\u{fc}d::");
    let alice = world.logged_in(ALICE, PASSWORD);
    let begun = alice.api("POST", "/account/factors/totp", json!({"name": "Phone"})).expect(200).json();
    let uri = begun["uri"].as_str().expect("a URI");
    assert!(uri.starts_with("otpauth://totp/Haus%20S%C3%BCd:alice%40example%2Eorg?secret="), "{uri}");
    assert!(uri.ends_with("&issuer=Haus%20S%C3%BCd"), "{uri}");
}
