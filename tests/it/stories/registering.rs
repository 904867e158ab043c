//! Register and confirm.

use gatelodge::base::{DAY, MINUTE};
use serde_json::json;

use crate::world::{ALICE, LOOPBACK, OTHER_PASSWORD, PASSWORD, Reply, START, World};

fn registers(world: &World) -> crate::world::Visitor<'_> {
    let browser = world.visitor();
    let reply = browser.api("POST", "/register", json!({"email": ALICE, "password": PASSWORD})).expect(202);
    assert_eq!(reply.json(), json!({"status": "accepted"}));
    browser
}

#[test]
fn somebody_registers_confirms_and_logs_in() {
    let world = World::new();
    let browser = world.visitor();
    let person = json!({"email": ALICE, "password": PASSWORD, "username": "alice", "name": "Alice A."});
    browser.api("POST", "/register", person).expect(202);
    let letter = world.only_letter_to(ALICE);
    let confirmed = browser.api("POST", "/confirm", json!({"token": letter.token()})).expect(200);
    assert_eq!(confirmed.json(), json!({"status": "confirmed"}));

    let user = browser.log_in("alice", PASSWORD).expect(200).json()["user"].clone();
    assert_eq!(
        (&user["email"], &user["username"], &user["name"], &user["groups"]),
        (&json!(ALICE), &json!("alice"), &json!("Alice A."), &json!([]))
    );
    assert_eq!(user["confirmed_at"], START.to_string());
}

#[test]
fn nobody_logs_in_before_confirming() {
    let world = World::new();
    registers(&world);
    world.visitor().log_in(ALICE, PASSWORD).refused(401, "invalid_credentials");
}

#[test]
fn the_right_password_of_an_unconfirmed_registration_has_its_mail_sent_again() {
    let world = World::new();
    registers(&world);
    world.only_letter_to(ALICE);
    world.advance(6 * MINUTE);
    world.visitor().log_in(ALICE, OTHER_PASSWORD).refused(401, "invalid_credentials");
    world.expect_no_post();
    world.visitor().log_in(ALICE, PASSWORD).refused(401, "invalid_credentials");
    let again = world.only_letter_to(ALICE);
    let confirmation = json!({"token": again.token(), "password": PASSWORD});
    world.visitor().api("POST", "/confirm", confirmation).expect(200);
}

#[test]
fn opening_the_link_confirms_nothing() {
    let world = World::new();
    let browser = registers(&world);
    let path = world.only_letter_to(ALICE).path();
    let before = world.records();
    for method in ["GET", "HEAD"] {
        browser.send(http::Request::builder().method(method).uri(&path), "").expect(200);
    }
    assert_eq!(world.records(), before);
    browser.log_in(ALICE, PASSWORD).refused(401, "invalid_credentials");
    browser.posts(&path, &[]).leads_to("/login?notice=confirmed");
    browser.log_in(ALICE, PASSWORD).expect(200);
}

#[test]
fn another_browser_needs_the_password_to_confirm() {
    let world = World::new();
    registers(&world);
    let token = world.only_letter_to(ALICE).token();
    let other = world.visitor();
    other.api("POST", "/confirm", json!({"token": token})).refused(422, "password_needed");
    other.api("POST", "/confirm", json!({"token": token, "password": OTHER_PASSWORD})).refused(403, "wrong_password");
    other.api("POST", "/confirm", json!({"token": token, "password": PASSWORD})).expect(200);
}

#[test]
fn a_confirmation_link_works_once() {
    let world = World::new();
    let browser = registers(&world);
    let token = world.only_letter_to(ALICE).token();
    browser.api("POST", "/confirm", json!({"token": token})).expect(200);
    browser.api("POST", "/confirm", json!({"token": token})).refused(403, "token_used");
}

#[test]
fn a_confirmation_link_expires() {
    let world = World::new();
    let browser = registers(&world);
    let token = world.only_letter_to(ALICE).token();
    world.advance(2 * DAY);
    browser.api("POST", "/confirm", json!({"token": token})).refused(403, "token_expired");
}

#[test]
fn an_expired_link_says_so_even_when_the_registration_was_swept() {
    let world = World::new();
    let browser = registers(&world);
    let token = world.only_letter_to(ALICE).token();
    world.advance(3 * DAY);
    world.block_on(world.app.sweep()).expect("memory does not fail");
    browser.api("POST", "/confirm", json!({"token": token})).refused(403, "token_expired");
}

#[test]
fn each_of_several_registrants_gets_a_confirmation_and_nothing_of_the_others_survives() {
    let world = World::new();
    let (mallory, alice) = (world.visitor(), world.visitor());
    let trap = json!({"email": ALICE, "password": OTHER_PASSWORD, "username": "mallory", "name": "Mallory"});
    mallory.api("POST", "/register", trap).expect(202);
    alice.api("POST", "/register", json!({"email": ALICE, "password": PASSWORD, "username": "alice"})).expect(202);
    let letters = world.deliver_mail();
    assert_eq!(letters.len(), 2);
    assert!(letters.iter().all(|letter| !letter.text.contains("mallory") && !letter.text.contains("Mallory")));

    // Whichever link she opens, hers is the registration that her browser can confirm.
    let codes: Vec<u16> =
        letters.iter().map(|letter| alice.api("POST", "/confirm", json!({"token": letter.token()})).status()).collect();
    assert_eq!(codes.iter().filter(|code| **code == 200).count(), 1);
    world.visitor().log_in(ALICE, OTHER_PASSWORD).refused(401, "invalid_credentials");
    let user = alice.log_in(ALICE, PASSWORD).expect(200).json()["user"].clone();
    assert_eq!((&user["username"], &user["name"]), (&json!("alice"), &json!(null)));
    for (letter, status) in letters.iter().zip(codes) {
        let code = if status == 200 { "token_used" } else { "token_invalid" };
        mallory.api("POST", "/confirm", json!({"token": letter.token()})).refused(403, code);
    }
}

#[test]
fn a_known_address_answers_the_same_and_its_owner_is_told() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    let known = world.visitor().api("POST", "/register", json!({"email": ALICE, "password": OTHER_PASSWORD}));
    let unknown =
        world.visitor().api("POST", "/register", json!({"email": "bobby@example.org", "password": OTHER_PASSWORD}));
    assert_eq!((known.status(), &known.body), (unknown.status(), &unknown.body));
    let names = |reply: &crate::world::Reply| reply.head.headers.keys().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(names(&known), names(&unknown));
    let letters = world.deliver_mail();
    let to_alice: Vec<_> = letters.iter().filter(|letter| letter.to == ALICE).collect();
    assert_eq!(to_alice.len(), 1);
    assert_eq!(to_alice[0].subject, "You already have an account at Hill Street");
    world.visitor().log_in(ALICE, PASSWORD).expect(200);
    world.visitor().log_in(ALICE, OTHER_PASSWORD).refused(401, "invalid_credentials");
}

#[test]
fn an_address_in_other_case_is_the_same_address() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    world
        .visitor()
        .api("POST", "/register", json!({"email": "ALICE@EXAMPLE.ORG", "password": OTHER_PASSWORD}))
        .expect(202);
    let letter = world.only_letter_to(ALICE);
    assert_eq!(letter.subject, "You already have an account at Hill Street");
    world.visitor().log_in("Alice@Example.Org", PASSWORD).expect(200);
}

#[test]
fn a_user_name_taken_meanwhile_is_told_when_confirming_and_another_may_be_given() {
    let world = World::new();
    let (first, second) = (world.visitor(), world.visitor());
    first.api("POST", "/register", json!({"email": ALICE, "password": PASSWORD, "username": "alice"})).expect(202);
    let first_token = world.only_letter_to(ALICE).token();
    second
        .api("POST", "/register", json!({"email": "other@example.org", "password": PASSWORD, "username": "alice"}))
        .expect(202);
    let second_token = world.only_letter_to("other@example.org").token();
    first.api("POST", "/confirm", json!({"token": first_token})).expect(200);
    second.api("POST", "/confirm", json!({"token": second_token})).refused(409, "username_taken");
    second.api("POST", "/confirm", json!({"token": second_token, "username": "alice2"})).expect(200);
    assert_eq!(second.log_in("alice2", PASSWORD).expect(200).json()["user"]["email"], "other@example.org");
}

#[test]
fn the_mail_is_sent_again_on_request_but_nobody_can_flood_a_mailbox() {
    let world = World::new();
    let browser = registers(&world);
    let first = world.only_letter_to(ALICE);
    let resend = || world.visitor().api("POST", "/confirm/resend", json!({"email": ALICE})).expect(202);
    resend();
    world.expect_no_post();
    world.advance(6 * MINUTE);
    resend();
    resend();
    let newest = world.only_letter_to(ALICE);
    world.visitor().api("POST", "/confirm/resend", json!({"email": "nobody@example.org"})).expect(202);
    world.expect_no_post();
    // The newest is the one that works.
    browser.api("POST", "/confirm", json!({"token": first.token()})).refused(403, "token_invalid");
    browser.api("POST", "/confirm", json!({"token": newest.token()})).expect(200);
}

#[test]
fn strangers_who_register_an_address_keep_its_owner_from_nothing() {
    let world = World::new();
    let register = |browser: &crate::world::Visitor<'_>, password: &str| {
        browser.api("POST", "/register", json!({"email": ALICE, "password": password})).expect(202);
    };
    let stranger = world.visitor_from("203.0.113.9");
    (0..6).for_each(|_| register(&stranger, OTHER_PASSWORD));
    let letters = world.deliver_mail();
    assert_eq!(letters.len(), 5, "the address has had enough mails");
    let owner = world.visitor();
    register(&owner, PASSWORD);
    world.expect_no_post();
    // The newest of the mails that the stranger caused confirms the owner's registration, and no older one does.
    let newest = letters[4].token();
    owner.api("POST", "/confirm", json!({"token": letters[3].token()})).refused(403, "token_invalid");
    stranger.api("POST", "/confirm", json!({"token": "glt_nonsense"})).refused(403, "token_invalid");
    owner.api("POST", "/confirm", json!({"token": newest})).expect(200);
    owner.log_in(ALICE, PASSWORD).expect(200);
    world.visitor().log_in(ALICE, OTHER_PASSWORD).refused(401, "invalid_credentials");
}

#[test]
fn whoever_has_the_mailbox_may_choose_a_password_whatever_others_registered() {
    let world = World::new();
    let trap = json!({"email": ALICE, "password": OTHER_PASSWORD, "username": "mallory", "name": "Mallory"});
    world.visitor_from("203.0.113.9").api("POST", "/register", trap).expect(202);
    let letter = world.only_letter_to(ALICE);
    let owner = world.visitor();
    owner.opens(&letter.path()).expect(200).says("Or choose a password now");
    let choose =
        |password: &str| owner.api("POST", "/confirm", json!({"token": letter.token(), "new_password": password}));
    let refused = choose("too short").refused(422, "invalid_fields");
    assert_eq!(refused.json()["fields"]["new_password"], json!([{"code": "too_short", "min": 15}]));
    choose(PASSWORD).expect(200);
    let user = owner.log_in(ALICE, PASSWORD).expect(200).json()["user"].clone();
    assert_eq!((&user["username"], &user["name"]), (&json!(null), &json!(null)));
    world.visitor().log_in(ALICE, OTHER_PASSWORD).refused(401, "invalid_credentials");
    choose(PASSWORD).refused(403, "token_used");
}

#[test]
fn weak_passwords_are_refused_with_the_reason() {
    let world = World::new();
    let refusal = |password: &str| {
        let body = json!({"email": ALICE, "password": password});
        world.visitor().api("POST", "/register", body).refused(422, "invalid_fields").json()["fields"]["password"][0]
            .clone()
    };
    assert_eq!(refusal("too short"), json!({"code": "too_short", "min": 15}));
    assert_eq!(refusal(&"long ".repeat(300)), json!({"code": "too_long", "max": 1024}));
    assert_eq!(refusal("passwordpassword"), json!({"code": "common"}));
    assert_eq!(refusal("alice@example.org"), json!({"code": "guessable"}));
    assert_eq!(refusal("hill street hill street"), json!({"code": "guessable"}));
    world.expect_no_post();
}

#[test]
fn a_closed_site_takes_no_registrations() {
    let world = World::with("[registration]\nmode = \"closed\"");
    world
        .visitor()
        .api("POST", "/register", json!({"email": ALICE, "password": PASSWORD}))
        .refused(403, "registration_closed");
}

#[test]
fn without_confirmation_the_account_exists_at_once_but_gets_no_reset_mail() {
    let world = World::with("[registration]\nconfirm_email = false");
    let browser = world.visitor();
    browser.api("POST", "/register", json!({"email": ALICE, "password": PASSWORD})).expect(202);
    browser.log_in(ALICE, PASSWORD).expect(200);
    let letter = world.only_letter_to(ALICE);
    browser.api("POST", "/forgot", json!({"email": ALICE})).expect(202);
    world.expect_no_post();
    let taken =
        browser.api("POST", "/register", json!({"email": ALICE, "password": PASSWORD})).refused(422, "invalid_fields");
    assert_eq!(taken.json()["fields"]["email"][0]["code"], "taken");
    world.visitor().api("POST", "/confirm", json!({"token": letter.token()})).expect(200);
    browser.api("POST", "/forgot", json!({"email": ALICE})).expect(202);
    world.only_letter_to(ALICE);
}

#[test]
fn confirming_logs_in_only_where_the_configuration_says_so() {
    let world = World::with("[tokens]\nlogin_after_confirm = true");
    let browser = registers(&world);
    let token = world.only_letter_to(ALICE).token();
    browser.api("POST", "/confirm", json!({"token": token})).expect(200);
    assert!(browser.is_logged_in());
}

#[test]
fn a_proof_for_one_address_confirms_no_other() {
    use gatelodge::accounts::confirm::{ConfirmRefused, ConfirmRequest, Proof, Target, confirm, look_up};
    let world = World::new();
    registers(&world);
    let first = world.only_letter_to(ALICE).token();
    let other = json!({"email": "bob@example.org", "password": PASSWORD});
    world.visitor().api("POST", "/register", other).expect(202);
    let second = world.only_letter_to("bob@example.org").token();
    let found =
        world.app.read_blocking(|view| look_up(view, &world.app.env(), &first, START)).expect("memory does not fail");
    let Ok(Target::Registrations(first)) = found else { panic!("a registration") };
    for proof in [Proof::Password(first[0].0), Proof::None] {
        let (token, client) = (second.clone(), gatelodge::sessions::Client::at(LOOPBACK));
        let request = ConfirmRequest { token, proof, username: None, client, replaces: None };
        let outcome =
            world.block_on(world.app.write(move |work| confirm(work, &request))).expect("memory does not fail");
        assert!(matches!(outcome, Err(ConfirmRefused::Token(_))), "{outcome:?}");
    }
}

#[test]
fn many_older_registrations_do_not_hide_the_newest() {
    let world = World::with("[throttle]\nenabled = false");
    for _ in 0..60 {
        world.visitor().api("POST", "/register", json!({"email": ALICE, "password": OTHER_PASSWORD})).expect(202);
        world.advance(1);
    }
    registers(&world);
    world.deliver_mail();
    world.visitor().log_in(ALICE, PASSWORD).refused(401, "invalid_credentials");
    let token = world.only_letter_to(ALICE).token();
    world.visitor().api("POST", "/confirm", json!({"token": token, "password": PASSWORD})).expect(200);
    world.visitor().log_in(ALICE, PASSWORD).expect(200);
    assert!(gatelodge::base::EmailAddress::parse(ALICE).is_ok_and(|address| {
        world
            .app
            .read_blocking(|view| gatelodge::accounts::registration::of_address(view, &address))
            .is_ok_and(|left| left.is_empty())
    }));
}

#[test]
fn addresses_of_domains_that_are_kept_out_are_refused_and_nothing_is_written() {
    let world = World::with(
        "[registration]\nallowed_domains = [\"example.org\", \"*.example.org\"]\nblocked_domains = [\"guests.example.org\"]",
    );
    let register =
        |email: &str| world.visitor().api("POST", "/register", json!({"email": email, "password": PASSWORD}));
    let before = world.records();
    for email in ["eve@evil.test", "eve@badexample.org", "eve@example.org.evil.test", "ada@Guests.example.org"] {
        let refused = register(email).refused(422, "invalid_fields");
        assert_eq!(refused.json()["fields"]["email"], json!([{"code": "domain_not_allowed"}]), "{email}");
    }
    assert_eq!(world.records(), before);
    register("ada@office.example.org").expect(202);
    world.only_letter_to("ada@office.example.org");

    let alice = world.logged_in(ALICE, PASSWORD);
    let change = json!({"email": "alice@evil.test", "current_password": PASSWORD});
    let refused = alice.api("POST", "/account/email", change).refused(422, "invalid_fields");
    assert_eq!(refused.json()["fields"]["email"], json!([{"code": "domain_not_allowed"}]));
    let change = json!({"email": "alice@home.example.org", "current_password": PASSWORD});
    alice.api("POST", "/account/email", change).expect(202);
}

#[test]
fn an_administrator_may_add_whom_the_domains_keep_out() {
    let world = World::with("[registration]\nblocked_domains = [\"evil.test\"]");
    let add = json!({"command": "user-add", "email": "adam@evil.test", "password": PASSWORD, "admin": false, "confirmed": true, "groups": []});
    world.command(add).expect("added");
    world.visitor().log_in("adam@evil.test", PASSWORD).expect(200);
}

#[test]
fn addresses_of_networks_without_an_internet_may_register() {
    let world = World::new();
    for email in ["ada@nas.local", "ada@server.home.arpa", "ada@mail.internal", "ada@pi.lan", "ada@localhost"] {
        let browser = world.visitor();
        browser.api("POST", "/register", json!({"email": email, "password": PASSWORD})).expect(202);
        browser.api("POST", "/confirm", json!({"token": world.only_letter_to(email).token()})).expect(200);
        browser.log_in(email, PASSWORD).expect(200);
    }
    let closed = World::with("[registration]\nallowed_domains = [\"*.home.arpa\"]");
    let told = closed.visitor().api("POST", "/register", json!({"email": "ada@nas.local", "password": PASSWORD}));
    assert_eq!(told.refused(422, "invalid_fields").json()["fields"]["email"], json!([{"code": "domain_not_allowed"}]));
}

#[test]
fn nobody_is_called_what_nobody_sees() {
    let world = World::new();
    let root = world.administrator("root@example.org");
    let before = world.records();
    for name in [
        "Eve\u{200b}",
        "Eve\u{2028}Bcc",
        "Eve\u{2029}",
        "\u{61c}Eve",
        "\u{feff}Eve",
        "Eve\u{e0041}",
        "E\u{ad}ve",
        "E\u{180e}ve",
        "\u{3164}",
        "\u{2800}",
        "E\u{200d}ve",
        "\u{202e}evE",
        "Eve\u{200c}",
    ] {
        let told = |reply: Reply| {
            let told = reply.refused(422, "invalid_fields").json();
            assert_eq!(told["fields"]["name"], json!([{"code": "not_a_name"}]), "{name:?}");
        };
        told(world.visitor().api("POST", "/register", json!({"email": ALICE, "password": PASSWORD, "name": name})));
        told(root.api("POST", "/account/tokens", json!({"name": name, "scopes": ["profile"]})));
        told(root.api("POST", "/account/factors/totp", json!({"name": name})));
        root.api("POST", "/admin/users", json!({"email": ALICE, "name": name})).refused(422, "refused");
        assert_eq!(world.records(), before, "{name:?}");
    }
    for (number, name) in ["علی\u{200c}رضا", "👩\u{200d}🚀 Zoë", "葛\u{e0100}城", "प्रिया"].iter().enumerate()
    {
        let added = json!({"email": format!("person{number}@example.org"), "name": name});
        assert_eq!(root.api("POST", "/admin/users", added).expect(200).json()["name"], json!(name));
    }
}

#[test]
fn whoever_was_called_so_before_keeps_the_name() {
    let world = World::new();
    let alice = world.logged_in(ALICE, PASSWORD);
    let account = alice.caller().person.id;
    let renamed = world.app.write(move |work| {
        let mut person = gatelodge::accounts::person::load(work.tx, account)?.expect("there");
        person.account.name = gatelodge::base::DisplayName::stored("Al\u{200b}ice".to_owned());
        gatelodge::accounts::person::save(work.tx, account, &person.account)?;
        gatelodge::accounts::identity::set_username(
            work.tx,
            account,
            &gatelodge::base::Username::parse("admin").expect("a name"),
            person.account.created_at,
        )
    });
    world.block_on(renamed).expect("memory does not fail");
    let user = world.visitor().log_in("admin", PASSWORD).expect(200).json()["user"].clone();
    assert_eq!((&user["name"], &user["username"]), (&json!("Al\u{200b}ice"), &json!("admin")));
}

#[test]
fn nobody_chooses_a_user_name_that_is_reserved() {
    let world = World::with("[registration]\nreserved_usernames = [\"board\"]");
    let alice = world.logged_in(ALICE, PASSWORD);
    let told = |reply: Reply| {
        let told = reply.refused(422, "invalid_fields").json();
        assert_eq!(told["fields"]["username"], json!([{"code": "reserved"}]));
    };
    let browser = world.visitor();
    let registration = |username: &str| json!({"email": "eve@example.org", "password": PASSWORD, "username": username});
    for name in ["admin", "root", "support", "postmaster", "mailer-daemon", "no.reply", "www", "board", "bo-ard"] {
        let before = world.records_but_counts();
        told(browser.api("POST", "/register", registration(name)));
        told(alice.api("POST", "/account/username", json!({"username": name})));
        assert_eq!(world.records_but_counts(), before, "{name}");
    }
    browser
        .posts("/register", &[("email", "eve@example.org"), ("password", PASSWORD), ("username", "admin")])
        .expect(422)
        .says("kept for those");
    // At the confirmation too, where another may be given.
    browser.api("POST", "/register", registration("eve")).expect(202);
    let letter = world.only_letter_to("eve@example.org");
    told(browser.api("POST", "/confirm", json!({"token": letter.token(), "username": "security"})));
    browser.posts(&letter.path(), &[("username", "root")]).expect(422).says("kept for those");
    browser.api("POST", "/confirm", json!({"token": letter.token()})).expect(200);
    // Administrators may give one.
    let add = json!({"command": "user-add", "username": "postmaster", "password": PASSWORD, "admin": false, "confirmed": false, "groups": []});
    world.command(add).expect("added");
    world.visitor().log_in("postmaster", PASSWORD).expect(200);
}

#[test]
fn who_registered_before_the_house_was_closed_comes_in_only_if_invited() {
    for (mode, code) in [("closed", "registration_closed"), ("invite", "invitation_needed")] {
        let world = World::new();
        let add = json!({"command": "invite-add", "email": null, "within": null, "uses": 1, "groups": []});
        let link = world.command(add).expect("invited")["link"].as_str().expect("a link").to_owned();
        let invitation = link.rsplit('/').next().expect("a token");
        let (alice, bob) = (world.visitor(), world.visitor());
        alice.api("POST", "/register", json!({"email": ALICE, "password": PASSWORD})).expect(202);
        let hers = world.only_letter_to(ALICE);
        let registration = json!({"email": "bob@example.org", "password": PASSWORD, "invitation": invitation});
        bob.api("POST", "/register", registration).expect(202);
        let his = world.only_letter_to("bob@example.org");
        let other = |mode: &str| world.reconfigure(&format!("[registration]\nmode = \"{mode}\""));
        other(mode);
        let before = world.records_but_counts();
        alice.api("POST", "/confirm", json!({"token": hers.token()})).refused(403, code);
        alice.posts(&hers.path(), &[]).expect(403);
        assert_eq!(world.records_but_counts(), before, "the link is not used up");
        bob.api("POST", "/confirm", json!({"token": his.token()})).expect(200);
        other("open");
        alice.api("POST", "/confirm", json!({"token": hers.token()})).expect(200);
        // What an administrator confirms is their decision.
        let carol = world.visitor();
        carol.api("POST", "/register", json!({"email": "carol@example.org", "password": PASSWORD})).expect(202);
        other(mode);
        world.command(json!({"command": "user-confirm", "user": "carol@example.org"})).expect("confirmed");
    }
}

#[test]
fn whoever_registers_in_the_second_in_which_the_address_lost_its_account_gets_a_mail() {
    let world = World::with("[throttle]\nenabled = false");
    (0..6).for_each(|_| drop(registers(&world)));
    world.command(json!({"command": "user-add", "email": ALICE, "password": PASSWORD, "admin": false, "confirmed": true, "groups": []})).expect("added");
    world.command(json!({"command": "user-delete", "user": ALICE})).expect("deleted");
    world.deliver_mail();
    // No time has passed: nothing tells this registration from those before but that it came later.
    let browser = registers(&world);
    let token = world.only_letter_to(ALICE).token();
    browser.api("POST", "/confirm", json!({"token": token})).expect(200);
    world.visitor().log_in(ALICE, PASSWORD).expect(200);
}
