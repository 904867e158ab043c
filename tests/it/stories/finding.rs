//! Finding people among many.

use gatelodge::accounts::find_people::{self, MAX_VISITED, Sought};
use gatelodge::accounts::{Account, identity, person};
use gatelodge::base::{AccountId, DisplayName, EmailAddress};
use gatelodge::store::schema;
use serde_json::{Value, json};

use crate::world::{ALICE, PASSWORD, Visitor, World};

const ROOT: &str = "root@example.org";

/// The addresses of those who are found, in alphabetical order, page by page.
fn found(root: &Visitor<'_>, query: &str) -> Vec<String> {
    let (mut names, mut after) = (vec![], String::new());
    loop {
        let page = root.api("GET", &format!("/admin/users?limit=2{after}&{query}"), Value::Null).expect(200).json();
        let items = page["items"].as_array().expect("items").iter();
        names.extend(items.map(|item| item["email"].as_str().unwrap_or_default().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={}", form_urlencoded::byte_serialize(next.as_bytes()).collect::<String>());
    }
    names.sort();
    names
}

fn add(world: &World, email: &str, name: &str) {
    let add = json!({"command": "user-add", "email": email, "name": name, "password": PASSWORD, "admin": false, "confirmed": true, "groups": []});
    world.command(add).expect("added");
}

#[test]
fn people_are_found_by_the_beginnings_of_what_they_are_called() {
    let world = World::new();
    let root = world.administrator(ROOT);
    add(&world, ALICE, "Alice Liddell");
    add(&world, "alba.berg@wien.example.net", "Älba Berg");
    add(&world, "b@example.org", "Berta Alma");
    assert_eq!(found(&root, "q=al"), ["alba.berg@wien.example.net", ALICE, "b@example.org"], "each once");
    assert_eq!(found(&root, "q=ALBA"), ["alba.berg@wien.example.net"]);
    assert_eq!(found(&root, "q=alma+ber"), ["b@example.org"]);
    assert_eq!(found(&root, "q=wien"), ["alba.berg@wien.example.net"]);
    assert_eq!(found(&root, "q=alice%40example"), [ALICE]);
    assert_eq!(found(&root, "q=liddle"), Vec::<String>::new());
    assert_eq!(found(&root, "q=%21"), Vec::<String>::new(), "no word at all");
}

#[test]
fn who_changes_a_name_is_found_by_the_new_one_only() {
    let world = World::new();
    let root = world.administrator(ROOT);
    let alice = world.logged_in(ALICE, PASSWORD);
    alice.api("POST", "/account/username", json!({"username": "rabbit"})).expect(200);
    assert_eq!(found(&root, "q=rabbit"), [ALICE]);
    alice.api("POST", "/account/username", json!({"username": "hatter"})).expect(200);
    assert_eq!((found(&root, "q=rabbit"), found(&root, "q=hatter")), (vec![], vec![ALICE.to_owned()]));
    root.api("DELETE", &format!("/admin/users/{ALICE}"), Value::Null).expect(204);
    assert_eq!(found(&root, "q=hatter"), Vec::<String>::new());
    let rows = world.records().into_iter().filter(|(key, _)| key[0] == schema::SEARCH_WORDS.prefix).count();
    assert_eq!(rows, 3, "root, example and org");
}

#[test]
fn filters_hold_all_at_once() {
    let world = World::with("[second_factor]\nmail_codes = true");
    let root = world.administrator(ROOT);
    for name in ["ada", "bob", "cleo"] {
        add(&world, &format!("{name}@example.org"), name);
        world
            .command(json!({"command": "user-group", "user": format!("{name}@example.org"), "group": "staff", "member": true}))
            .expect("done");
    }
    root.api("POST", "/admin/users", json!({"email": "dora@example.org"})).expect(200);
    root.api("POST", "/admin/users/bob@example.org/disable", json!({})).expect(200);
    let cleo = world.visitor();
    cleo.log_in("cleo@example.org", PASSWORD).expect(200);
    cleo.api("POST", "/account/factors/mail", json!({})).expect(200);
    assert_eq!(found(&root, "group=staff"), ["ada@example.org", "bob@example.org", "cleo@example.org"]);
    assert_eq!(found(&root, "group=staff&disabled=true"), ["bob@example.org"]);
    assert_eq!(found(&root, "unconfirmed=true"), ["dora@example.org"]);
    assert_eq!(found(&root, "group=staff&without_second_factor=true"), ["ada@example.org", "bob@example.org"]);
    assert_eq!(found(&root, "group=staff&q=example+ad"), ["ada@example.org"]);
    root.api("GET", "/admin/users?disabled=maybe", Value::Null).refused(422, "invalid_fields");
    root.api("GET", "/admin/users?after=nowhere&q=a", Value::Null).refused(422, "refused");
    root.api("GET", "/admin/users/alice?q=a", Value::Null).refused(422, "unknown_parameter");
}

/// However many there are, one look is short; the next goes on where it ended.
#[test]
fn a_look_visits_so_many_and_says_where_to_go_on() {
    const PEOPLE: u64 = 5000;
    let world = World::new();
    for some in 0..PEOPLE / 10 {
        let added = world.app.write(move |work| {
            for number in some * 10..(some + 1) * 10 {
                let name = if number == PEOPLE - 1 { "Zora Last" } else { "Anna Many" };
                let now = work.now();
                let mut account = Account::new(None, DisplayName::parse(name).ok(), now);
                account.disabled_at = (number == PEOPLE - 2).then_some(now);
                let id = AccountId::from_bytes((u128::from(number) << 64).to_be_bytes());
                person::save(work.tx, id, &account)?;
                let address = EmailAddress::parse(&format!("p{number}@example.org")).expect("an address");
                identity::set_email(work.tx, id, &address, Some(now))?;
            }
            Ok(())
        });
        world.block_on(added).expect("memory does not fail");
    }
    let look = |sought: &Sought, after| {
        world.app.read_blocking(|view| find_people::find(view, sought, after, 50)).expect("memory does not fail")
    };
    let text = |text: &str| Sought { text: Some(text.into()), ..Sought::default() };
    let rare = look(&text("example zora"), None);
    assert_eq!((rare.people.len(), rare.next), (1, None), "the rare word leads, whichever comes first");
    let common = look(&text("example"), None);
    assert_eq!((common.people.len(), common.next.is_some()), (50, true));
    let locked = Sought { disabled: true, ..Sought::default() };
    let (mut looks, mut after, mut people) = (0, None, 0);
    loop {
        let page = look(&locked, after);
        looks += 1;
        people += page.people.len();
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!((people, looks), (1, PEOPLE.div_ceil(MAX_VISITED as u64)));
}
