//! The nine weaknesses of the systems before this one, each tried as it was seen there. What they did wrong fails these tests.

use std::io::Read;
use std::sync::{Arc, Barrier};

use gatelodge::base::MINUTE;
use serde_json::{Value, json};

use crate::process::{Server, configuration, file_mail, free_port, mailed_token, shown};
use crate::store::Folder;
use crate::stories::halfway_with_a_phone;
use crate::world::{ALICE, LOOPBACK, OTHER_PASSWORD, PASSWORD, Visitor, World};

/// Parallel tries.
const MANY: usize = 64;
const ROUNDS: usize = 8;

fn reset_token(world: &World) -> String {
    world.visitor().api("POST", "/forgot", json!({"email": ALICE})).expect(202);
    world.only_letter_to(ALICE).token()
}

#[test]
fn one_a_reset_link_dies_when_the_address_changes() {
    let world = World::new();
    let browser = world.logged_in(ALICE, PASSWORD);
    let token = reset_token(&world);
    browser
        .api("POST", "/account/email", json!({"email": "new@example.org", "current_password": PASSWORD}))
        .expect(202);
    let letters = world.deliver_mail();
    let confirm = letters.iter().find(|letter| letter.to == "new@example.org").expect("mailed").token();
    browser.api("POST", "/confirm", json!({"token": confirm})).expect(200);
    let reset = json!({"token": token, "password": OTHER_PASSWORD});
    world.visitor().api("POST", "/reset", reset).refused(403, "token_invalid");
    world.visitor().log_in("new@example.org", PASSWORD).expect(200);
}

/// Sends the same request from many clients at once. How many got 200.
fn at_once(server: &Server, path: &'static str, bodies: Vec<Value>) -> usize {
    let barrier = Arc::new(Barrier::new(bodies.len()));
    let threads: Vec<_> = bodies
        .into_iter()
        .map(|body| {
            let (mut client, barrier) = (server.client(), Arc::clone(&barrier));
            std::thread::spawn(move || {
                barrier.wait();
                client.api("POST", path, &body).status()
            })
        })
        .collect();
    threads.into_iter().map(|thread| thread.join().expect("it ends")).filter(|status| *status == 200).count()
}

#[test]
fn two_of_sixty_four_parallel_uses_of_a_link_exactly_one_wins() {
    let (folder, port) = (Folder::new(), free_port());
    let settings = format!("{}[throttle]\nenabled = false\n", file_mail(&folder.0));
    let config = configuration(&folder.0, port, &settings);
    let mut server = Server::start(&["serve", "--config", &config], port);
    shown(&["user", "add", ALICE, "--confirmed", "--password-stdin", "--config", &config], &format!("{PASSWORD}\n"));
    for round in 0..ROUNDS {
        server.client().api("POST", "/forgot", &json!({"email": ALICE})).expect(202);
        let token = mailed_token(&mut server, &folder.0);
        let password = |number| format!("pass phrase {number} of round {round}");
        let bodies = (0..MANY).map(|number| json!({"token": token, "password": password(number)})).collect();
        assert_eq!(at_once(&server, "/reset", bodies), 1, "round {round}");
        server.reads_until("mail delivered");
        // The winner's password is the one that counts, and no other.
        let logins = (0..MANY).map(|number| json!({"identity": ALICE, "password": password(number)})).collect();
        assert_eq!(at_once(&server, "/login", logins), 1, "round {round}");
    }
}

#[test]
fn three_a_cookie_copied_before_the_logout_opens_nothing_after_it() {
    let world = World::new();
    let browser = world.logged_in(ALICE, PASSWORD);
    let copied = browser.copy();
    assert!(copied.is_logged_in());
    browser.api("POST", "/logout", Value::Null).expect(204);
    assert!(!copied.is_logged_in());
}

/// Status, headers and body of an answer, but for what is random in any case.
fn told(reply: &crate::world::Reply) -> (u16, Vec<(String, String)>, String) {
    let headers = reply.head.headers.iter().map(|(name, value)| {
        let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
        let text = if name == "set-cookie" { text.split('=').next().unwrap_or_default().to_owned() } else { text };
        (name.to_string(), text)
    });
    (reply.status(), headers.collect(), reply.text())
}

#[test]
fn four_known_and_unknown_get_the_same_answer_for_the_same_work() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    let ask = |visitor: &Visitor<'_>, path: &str, email: &str| {
        let body = match path {
            "/register" => json!({"email": email, "password": PASSWORD}),
            "/login" => json!({"identity": email, "password": OTHER_PASSWORD}),
            _ => json!({"email": email}),
        };
        let rows = world.records().len();
        let reply = visitor.api("POST", path, body);
        (told(&reply), world.records().len() - rows)
    };
    for path in ["/register", "/confirm/resend", "/forgot", "/login"] {
        // What everybody shares is there before.
        ask(&world.visitor_from("203.0.113.1"), path, "somebody@example.org");
        // From networks of their own, so that each makes the same rows; what the answer is worth in time is measured apart
        // (tests/reliability).
        let known = ask(&world.visitor_from("192.0.2.1"), path, ALICE);
        let unknown = ask(&world.visitor_from("198.51.100.1"), path, "nobody@example.org");
        assert_eq!(known, unknown, "{path}");
        world.deliver_mail();
        world.advance(6 * MINUTE);
    }
}

#[test]
fn five_a_poisoned_host_changes_no_link() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    let request = http::Request::builder()
        .method("POST")
        .uri("/api/v1/forgot")
        .header("content-type", "application/json")
        .header("host", "evil.example")
        .header("x-forwarded-host", "evil.example")
        .header("forwarded", "host=evil.example");
    world.visitor().send(request, json!({"email": ALICE}).to_string()).expect(202);
    let letter = world.only_letter_to(ALICE);
    assert!(letter.link().starts_with("https://auth.example.org/reset/") && !letter.text.contains("evil"));
}

/// The id of the key that signed a token: four bytes behind the format's one.
fn key_of(token: &str) -> Vec<u8> {
    let body = token.strip_prefix("glt_").expect("a token");
    gatelodge::crypto::from_base64url(body).expect("base64url")[1..5].to_vec()
}

#[test]
fn six_after_a_rotation_the_new_key_signs_and_the_old_one_verifies() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    world.member("bob@example.org", PASSWORD);
    let before = reset_token(&world);
    world.command(json!({"command": "key-rotate"})).expect("rotated");
    world.visitor().api("POST", "/forgot", json!({"email": "bob@example.org"})).expect(202);
    let after = world.only_letter_to("bob@example.org").token();
    assert_ne!(key_of(&before), key_of(&after));
    for token in [before, after] {
        world.visitor().api("POST", "/reset/check", json!({"token": token})).expect(200);
    }
}

#[test]
fn seven_looking_confirms_nothing() {
    let world = World::new();
    let browser = world.visitor();
    browser.api("POST", "/register", json!({"email": ALICE, "password": PASSWORD})).expect(202);
    let letter = world.only_letter_to(ALICE);
    let before = world.records();
    for visitor in [&browser, &world.visitor()] {
        for method in ["GET", "HEAD", "GET"] {
            visitor.send(http::Request::builder().method(method).uri(letter.path()), "").expect(200);
        }
    }
    assert_eq!(world.records(), before);
    browser.log_in(ALICE, PASSWORD).refused(401, "invalid_credentials");
    browser.api("POST", "/confirm", json!({"token": letter.token()})).expect(200);
}

#[test]
fn eight_a_dead_mail_server_loses_nothing() {
    let (folder, port) = (Folder::new(), free_port());
    // Somebody takes connections there and hangs up.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback");
    let relay = listener.local_addr().expect("bound").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten().take(8) {
            let _ = stream.take(0).read(&mut []);
        }
    });
    let mail = format!(
        "[mail]\nfrom = \"auth@example.org\"\n[mail.smtp]\nhost = \"localhost\"\nport = {relay}\nsecurity = \"none\"\n"
    );
    let config = configuration(&folder.0, port, &mail);
    let mut server = Server::start(&["serve", "--config", &config], port);
    let mut browser = server.client();
    let register = json!({"email": ALICE, "password": PASSWORD});
    browser.api("POST", "/register", &register).expect(202);
    server.reads_until("mail not delivered");
    // Trying again is no error either, and nobody is told that the address is taken. There is a mail for it as well.
    browser.api("POST", "/register", &register).expect(202);
    server.reads_until("mail not delivered");
    let listed = shown(&["mail", "list", "--config", &config], "");
    assert_eq!((&listed["items"][0]["to"], &listed["items"][0]["state"]), (&json!(ALICE), &json!("queued")));
    server.dies();
    // The same store, and a way that works.
    let config = configuration(&folder.0, port, &file_mail(&folder.0));
    shown(&["mail", "retry", "--config", &config], "");
    let mut server = Server::start(&["serve", "--config", &config], port);
    browser.reconnect(server.port);
    // Both arrive, and the newer one's link is the one that works.
    server.reads_until("mail delivered");
    let token = mailed_token(&mut server, &folder.0);
    browser.api("POST", "/confirm", &json!({"token": token, "password": PASSWORD})).expect(200);
}

#[test]
fn nine_the_code_that_set_a_phone_up_logs_nobody_in_and_no_code_does_twice() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    let (phone, mut halfway) = halfway_with_a_phone(&world);
    let mut gives = |code: &str| {
        let visitor = halfway();
        visitor.api("POST", "/login/second-factor", json!({"code": code}))
    };
    gives(&phone.shows()).refused(401, "wrong_code");
    world.advance(30);
    let code = phone.shows();
    gives(&code).expect(200);
    gives(&code).refused(401, "wrong_code");
}

#[test]
fn of_sixty_four_registrations_of_one_address_or_one_user_name_one_account_comes() {
    let world = World::with("[throttle]\nenabled = false");
    let browsers: Vec<Visitor<'_>> = (0..MANY).map(|_| world.visitor()).collect();
    for browser in &browsers {
        browser.api("POST", "/register", json!({"email": ALICE, "password": PASSWORD})).expect(202);
    }
    let letters = world.deliver_mail();
    let confirmed = browsers
        .iter()
        .flat_map(|browser| letters.iter().map(move |letter| (browser, letter)))
        .filter(|(browser, letter)| browser.api("POST", "/confirm", json!({"token": letter.token()})).status() == 200)
        .count();
    assert_eq!((letters.len(), confirmed), (MANY, 1));

    let named: Vec<(String, Visitor<'_>)> =
        (0..MANY).map(|number| (format!("person{number}@example.org"), world.visitor())).collect();
    for (email, browser) in &named {
        let body = json!({"email": email, "password": PASSWORD, "username": "wanted"});
        browser.api("POST", "/register", body).expect(202);
    }
    let letters = world.deliver_mail();
    let mut wins = 0;
    for (email, browser) in &named {
        let token = letters.iter().find(|letter| letter.to == *email).expect("mailed").token();
        let reply = browser.api("POST", "/confirm", json!({"token": token}));
        match reply.status() {
            200 => wins += 1,
            _ => drop(reply.refused(409, "username_taken")),
        }
    }
    assert_eq!(wins, 1);
}

#[test]
fn of_a_change_and_a_reset_of_the_password_at_once_one_wins_and_nothing_is_halfway() {
    let world = World::with("[throttle]\nenabled = false");
    let browser = world.logged_in(ALICE, PASSWORD);
    let mut password = PASSWORD.to_owned();
    for round in 0..ROUNDS {
        world.advance(6 * MINUTE);
        browser.log_in(ALICE, &password).expect(200);
        let token = reset_token(&world);
        let (changed, reset) = (format!("changed in round {round}, once"), format!("reset in round {round}, once"));
        let parse = |text: &str| gatelodge::crypto::Password::parse(text).expect("printable");
        let asking = browser.caller();
        let client = || gatelodge::sessions::Client::at(LOOPBACK);
        let (old, new, other) = (parse(&password), parse(&changed), parse(&reset));
        let (one, two) = world.block_on(async {
            let app = world.app.clone();
            let resetting = tokio::spawn(async move { app.reset(token, other, client(), None).await });
            let changing = world.app.change_password(&asking, Some(old), new, client()).await;
            (changing, resetting.await.expect("it ends"))
        });
        let (has_changed, is_reset) = (matches!(one, Ok(Ok(_))), matches!(two, Ok(Ok(_))));
        assert!(has_changed != is_reset, "round {round}: changed {has_changed}, reset {is_reset}");
        let (good, bad) = if has_changed { (changed, reset) } else { (reset, changed) };
        world.visitor().log_in(ALICE, &bad).refused(401, "invalid_credentials");
        world.visitor().log_in(ALICE, &password).refused(401, "invalid_credentials");
        world.visitor().log_in(ALICE, &good).expect(200);
        world.deliver_mail();
        password = good;
    }
}

#[test]
fn of_sixty_four_parallel_refreshes_exactly_one_wins() {
    let (folder, port) = (Folder::new(), free_port());
    let settings = format!("{}[throttle]\nenabled = false\n", file_mail(&folder.0));
    let config = configuration(&folder.0, port, &settings);
    let server = Server::start(&["serve", "--config", &config], port);
    let add = ["user", "add", ALICE, "--confirmed", "--password-stdin", "--config", &config];
    shown(&add, &format!("{PASSWORD}\n"));
    for _ in 0..ROUNDS {
        let log_in = json!({"identity": ALICE, "password": PASSWORD, "refresh": true});
        let session = server.client().api("POST", "/login", &log_in).expect(200).json()["session"].clone();
        let refresh = json!({"refresh_token": session["refresh_token"]});
        assert_eq!(at_once(&server, "/session/refresh", vec![refresh.clone(); MANY]), 1);
        server.client().api("POST", "/session/refresh", &refresh).expect(401);
    }
    let audit = shown(&["audit", "list", "--act", "refresh-reused", "--config", &config], "");
    assert_eq!(audit["items"].as_array().map(Vec::len), Some(ROUNDS), "each session has ended, once");
}
