//! What people do with their account once they are in.

use serde_json::{Value, json};

use crate::world::{ALICE, LOOPBACK, OTHER_PASSWORD, PASSWORD, Visitor, World};

#[test]
fn changing_the_password_ends_the_other_sessions_and_tells_the_owner() {
    let world = World::new();
    let browser = world.logged_in(ALICE, PASSWORD);
    let other = world.visitor();
    other.log_in(ALICE, PASSWORD).expect(200);
    let change = |current: &str| {
        browser.api("POST", "/account/password", json!({"current_password": current, "new_password": OTHER_PASSWORD}))
    };
    change("not the password").refused(403, "wrong_password");
    assert!(other.is_logged_in());
    change(PASSWORD).expect(200);
    assert!(browser.is_logged_in());
    assert!(!other.is_logged_in());
    assert_eq!(world.only_letter_to(ALICE).subject, "Your password for Hill Street was changed");
    world.visitor().log_in(ALICE, OTHER_PASSWORD).expect(200);
}

#[test]
fn a_new_address_is_confirmed_there_and_told_to_the_old_one() {
    let world = World::new();
    let browser = world.logged_in(ALICE, PASSWORD);
    let ask = |password: &str| {
        browser.api("POST", "/account/email", json!({"email": "new@example.org", "current_password": password}))
    };
    ask("not the password").refused(403, "wrong_password");
    ask(PASSWORD).expect(202);
    let letters = world.deliver_mail();
    let to = |address: &str| letters.iter().find(|letter| letter.to == address).expect("a mail");
    assert_eq!(to(ALICE).subject, "Your address for Hill Street is about to change");
    world.visitor().log_in("new@example.org", PASSWORD).expect(401);

    // The link is proof enough, in any browser.
    world.visitor().api("POST", "/confirm", json!({"token": to("new@example.org").token()})).expect(200);
    let told: Vec<String> = world.deliver_mail().into_iter().map(|letter| letter.to).collect();
    assert_eq!(told.len(), 2);
    assert!(told.contains(&ALICE.to_owned()) && told.contains(&"new@example.org".to_owned()));
    world.visitor().log_in("new@example.org", PASSWORD).expect(200);
    world.visitor().log_in(ALICE, PASSWORD).expect(401);
}

#[test]
fn another_persons_address_cannot_be_taken_and_only_its_owner_is_told() {
    let world = World::new();
    world.member("bobby@example.org", PASSWORD);
    let browser = world.logged_in(ALICE, PASSWORD);
    browser
        .api("POST", "/account/email", json!({"email": "bobby@example.org", "current_password": PASSWORD}))
        .expect(202);
    let letters = world.deliver_mail();
    let to_bobby: Vec<_> = letters.iter().filter(|letter| letter.to == "bobby@example.org").collect();
    assert_eq!(to_bobby.len(), 1);
    assert_eq!(to_bobby[0].subject, "You already have an account at Hill Street");
}

#[test]
fn a_new_password_stops_a_change_of_address_that_is_under_way() {
    let world = World::new();
    let browser = world.logged_in(ALICE, PASSWORD);
    browser
        .api("POST", "/account/email", json!({"email": "new@example.org", "current_password": PASSWORD}))
        .expect(202);
    let letters = world.deliver_mail();
    let token = letters.iter().find(|letter| letter.to == "new@example.org").expect("a link").token();
    browser
        .api("POST", "/account/password", json!({"current_password": PASSWORD, "new_password": OTHER_PASSWORD}))
        .expect(200);
    browser.api("POST", "/confirm", json!({"token": token})).refused(403, "token_invalid");
}

#[test]
fn the_present_address_is_no_new_one() {
    let world = World::new();
    let browser = world.logged_in(ALICE, PASSWORD);
    let asks = |email: &str, password: &str| {
        browser.api("POST", "/account/email", json!({"email": email, "current_password": password}))
    };
    let reply = asks(ALICE, PASSWORD).refused(422, "invalid_fields");
    assert_eq!(reply.json()["fields"]["email"][0]["code"], "unchanged");
    // Another spelling of it is its owner's taste: no mail, nothing to confirm.
    asks("Alice@Example.org", OTHER_PASSWORD).refused(403, "wrong_password");
    asks("Alice@Example.org", PASSWORD).expect(202);
    world.expect_no_post();
    let user = browser.api("GET", "/session", Value::Null).expect(200).json()["user"].clone();
    assert_eq!(user["email"], "Alice@example.org", "a domain has no capitals");
    assert!(user["confirmed_at"].is_string());
    world.visitor().log_in(ALICE, PASSWORD).expect(200);
    let form = [("email", ALICE), ("current_password", PASSWORD)];
    browser.posts("/account/email", &form).leads_to("/account?notice=address-respelled");
    browser.opens("/account").expect(200).says(ALICE);
}

#[test]
fn sessions_are_listed_and_ended() {
    let world = World::new();
    let browser = world.logged_in(ALICE, PASSWORD);
    let (second, third) = (world.visitor(), world.visitor());
    second.log_in(ALICE, PASSWORD).expect(200);
    third.log_in(ALICE, PASSWORD).expect(200);
    let list = browser.api("GET", "/account/sessions", Value::Null).expect(200).json();
    let items = list["items"].as_array().expect("a list");
    assert_eq!((items.len(), &list["next"]), (3, &Value::Null));
    assert_eq!(items.iter().filter(|item| item["current"] == true).count(), 1);

    let other =
        items.iter().find(|item| item["current"] == false).expect("another")["id"].as_str().expect("an id").to_owned();
    browser.api("DELETE", &format!("/account/sessions/{other}"), Value::Null).expect(204);
    browser.api("DELETE", &format!("/account/sessions/{other}"), Value::Null).refused(404, "not_found");
    browser.api("DELETE", "/account/sessions/nonsense", Value::Null).refused(404, "not_found");
    assert_eq!([&second, &third].iter().filter(|session| session.is_logged_in()).count(), 1);
    browser.api("DELETE", "/account/sessions", Value::Null).expect(204);
    assert!(browser.is_logged_in() && !second.is_logged_in() && !third.is_logged_in());
}

#[test]
fn a_list_comes_in_pages() {
    let world = World::new();
    let browser = world.logged_in(ALICE, PASSWORD);
    (0..4).for_each(|_| drop(world.visitor().log_in(ALICE, PASSWORD).expect(200)));
    let mut seen = Vec::new();
    let mut query = "?limit=2".to_owned();
    loop {
        let list = browser.api("GET", &format!("/account/sessions{query}"), Value::Null).expect(200).json();
        seen.extend(list["items"].as_array().expect("a list").iter().map(|item| item["id"].clone()));
        let Some(next) = list["next"].as_str() else { break };
        query = format!("?limit=2&after={next}");
    }
    assert_eq!(seen.len(), 5);
    for query in ["?limit=0", "?limit=101", "?limit=x", "?after=nonsense"] {
        browser.api("GET", &format!("/account/sessions{query}"), Value::Null).refused(422, "invalid_fields");
    }
    browser.api("GET", "/account/sessions?limit=1&limit=2", Value::Null).refused(400, "repeated_parameter");
}

#[test]
fn nobody_ends_another_persons_session() {
    let world = World::new();
    let browser = world.logged_in(ALICE, PASSWORD);
    let id = browser.api("GET", "/session", Value::Null).json()["session"]["id"].as_str().expect("an id").to_owned();
    let stranger = world.logged_in("bobby@example.org", PASSWORD);
    stranger.api("DELETE", &format!("/account/sessions/{id}"), Value::Null).refused(404, "not_found");
    assert!(browser.is_logged_in());
}

#[test]
fn a_deleted_account_is_gone_with_its_sessions() {
    let world = World::new();
    let browser = world.logged_in(ALICE, PASSWORD);
    browser
        .api("POST", "/account/delete", json!({"current_password": "not the password"}))
        .refused(403, "wrong_password");
    browser.api("POST", "/account/delete", json!({"current_password": PASSWORD})).expect(204);
    assert!(!browser.is_logged_in());
    assert_eq!(world.only_letter_to(ALICE).subject, "Your account at Hill Street was deleted");
    world.visitor().log_in(ALICE, PASSWORD).expect(401);
    world.member(ALICE, OTHER_PASSWORD);
}

#[test]
fn somebody_chooses_another_user_name_and_logs_in_by_it() {
    let world = World::new();
    let alice = world.logged_in(ALICE, PASSWORD);
    alice.api("POST", "/account/username", json!({"username": "alice"})).expect(200);
    assert!(world.only_letter_to(ALICE).text.contains("It is now alice"));
    alice.api("POST", "/account/username", json!({"username": "alice"})).refused(422, "invalid_fields");
    world.visitor().log_in("Alice", PASSWORD).expect(200);
    let bob = world.logged_in("bob@example.org", PASSWORD);
    bob.api("POST", "/account/username", json!({"username": "alice"})).refused(409, "username_taken");
    bob.posts("/account/username", &[("username", "alice")]).expect(409).says("Somebody else has this user name");
    alice.posts("/account/username", &[("username", "alice2")]).leads_to("/account?notice=username-changed");
    bob.posts("/account/username", &[("username", "bob")]).leads_to("/account?notice=username-changed");
    assert_eq!(world.visitor().log_in("bob", PASSWORD).expect(200).json()["user"]["email"], "bob@example.org");
    world.advance(16 * 60);
    alice.api("POST", "/account/username", json!({"username": "alice3"})).refused(401, "reauthentication_required");
}

#[test]
fn a_forgotten_user_name_is_mailed_to_the_address_of_its_account_only() {
    let world = World::new();
    let alice = world.logged_in(ALICE, PASSWORD);
    alice.api("POST", "/account/username", json!({"username": "alice"})).expect(200);
    world.deliver_mail();
    world.visitor().api("POST", "/username/recover", json!({"email": ALICE})).expect(202);
    assert!(world.only_letter_to(ALICE).text.contains("It is alice."));
    world.visitor().api("POST", "/username/recover", json!({"email": "nobody@example.org"})).expect(202);
    world.expect_no_post();
    let page = world.visitor().posts("/username/recover", &[("email", ALICE)]);
    page.leads_to("/login?notice=username-mailed");
    world.only_letter_to(ALICE);
    world.member("bob@example.org", PASSWORD);
    world.visitor().api("POST", "/username/recover", json!({"email": "bob@example.org"})).expect(202);
    assert!(world.only_letter_to("bob@example.org").text.contains("There is none"));
}

#[test]
fn of_many_who_choose_one_user_name_at_once_one_has_it() {
    let world = World::new();
    let names: Vec<String> = (0..9).map(|number| format!("person{number}@example.org")).collect();
    let askers: Vec<_> = names.iter().map(|email| world.logged_in(email, PASSWORD).caller()).collect();
    let winners = world.block_on(async {
        let mut tries = tokio::task::JoinSet::new();
        for asking in askers {
            let (app, name) = (world.app.clone(), gatelodge::base::Username::parse("wanted").expect("a name"));
            tries.spawn(
                async move { app.choose_username(&asking, name, gatelodge::sessions::Client::at(LOOPBACK)).await },
            );
        }
        let outcomes = tries.join_all().await;
        let is_done = |outcome: &Result<_, _>| matches!(outcome, Ok(gatelodge::accounts::usernames::Chosen::Done));
        outcomes.iter().filter(|outcome| is_done(outcome)).count()
    });
    assert_eq!(winners, 1);
}

#[test]
fn whose_address_is_asked_for_by_a_stranger_too_is_told_whose_account_it_is_for() {
    let world = World::new();
    let stranger = world.logged_in(ALICE, PASSWORD);
    let victim = world.visitor();
    let registering = json!({"email": "victim@example.net", "password": OTHER_PASSWORD});
    victim.api("POST", "/register", registering).expect(202);
    world.deliver_mail();
    stranger
        .api("POST", "/account/email", json!({"email": "victim@example.net", "current_password": PASSWORD}))
        .expect(202);
    let letter = world.deliver_mail().into_iter().find(|letter| letter.to == "victim@example.net").expect("mailed");
    assert!(letter.subject.starts_with("Is this account"), "{}", letter.subject);
    // They take it for their own link: nothing of theirs goes to the stranger's account.
    let confirm = |visitor: &Visitor<'_>, more: Value| {
        let mut body = json!({"token": letter.token()});
        body.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
        visitor.api("POST", "/confirm", body)
    };
    confirm(&victim, json!({})).refused(422, "password_needed");
    confirm(&victim, json!({"password": OTHER_PASSWORD})).refused(403, "wrong_password");
    assert_eq!(stranger.api("GET", "/session", Value::Null).json()["user"]["email"], ALICE);
    // Whoever has both confirms as ever.
    confirm(&stranger, json!({})).expect(200);
}

#[test]
fn a_link_for_an_account_gives_no_further_guesses_at_its_password() {
    let world = World::new();
    let owner = world.logged_in(ALICE, PASSWORD);
    let guesser = world.visitor_from("198.51.100.7");
    // The owner mistypes, and whoever has that mailbox registers it.
    let registering = json!({"email": "typo@example.net", "password": OTHER_PASSWORD});
    guesser.api("POST", "/register", registering).expect(202);
    world.deliver_mail();
    let ask = json!({"email": "typo@example.net", "current_password": PASSWORD});
    owner.api("POST", "/account/email", ask).expect(202);
    let letter = world.deliver_mail().into_iter().find(|letter| letter.to == "typo@example.net").expect("mailed");
    let guess = |visitor: &Visitor<'_>| {
        visitor.api("POST", "/confirm", json!({"token": letter.token(), "password": OTHER_PASSWORD}))
    };
    (0..10).for_each(|_| drop(guess(&guesser).refused(403, "wrong_password")));
    guess(&guesser).refused(429, "too_many_attempts");
    // The login counted them, and the owner knows.
    world.visitor_from("192.0.2.9").log_in(ALICE, PASSWORD).refused(429, "too_many_attempts");
    assert!(world.deliver_mail().iter().any(|letter| letter.to == ALICE));
    owner.log_in(ALICE, PASSWORD).expect(200);
}
