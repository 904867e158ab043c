//! An administrator's week, from the pages alone.

use gatelodge::base::HOUR;
use serde_json::{Value, json};

use crate::world::{ALICE, OTHER_PASSWORD, PASSWORD, Visitor, World};

const ROOT: &str = "root@example.org";

/// Markup, a template's braces, a quotation mark, an emoji.
const HOSTILE: &str = "\"><svg onload=alert(1)>{{7*7}}\u{1f600}'";

fn id_of(world: &World, user: &str) -> String {
    let shown = world.command(json!({"command": "user-show", "user": user})).expect("there");
    shown["id"].as_str().expect("an id").to_owned()
}

/// Follows the link of this text on a page.
fn link(page: &str, text: &str) -> String {
    let end = page.find(&format!(">{text}</a>")).unwrap_or_else(|| panic!("no link {text:?} in {page}"));
    let start = page[..end].rfind("href=\"").expect("a link") + 6;
    page[start..].split('"').next().expect("closed").replace("&amp;", "&")
}

#[test]
fn the_account_page_leads_administrators_to_their_pages_and_nobody_else() {
    let world = World::new();
    let root = world.administrator(ROOT);
    let page = root.opens("/account").expect(200).text();
    assert_eq!(link(&page, "Administration"), "/admin");
    let page = root.opens("/admin").expect(200).text();
    for name in
        ["People", "Groups", "Invitations", "Approvals", "Emails", "Limits", "Audit log", "Webhooks", "Configuration"]
    {
        root.opens(&link(&page, name)).expect(200).says("<h1>");
    }
    let alice = world.logged_in(ALICE, PASSWORD);
    assert!(!alice.opens("/account").text().contains("/admin"));
    alice.opens("/admin").expect(403);
}

#[test]
fn a_person_is_found_corrected_and_locked() {
    let world = World::new();
    let root = world.administrator(ROOT);
    let alice = world.logged_in(ALICE, PASSWORD);
    let found = root.opens("/admin/people?q=ali").expect(200).text();
    let path = link(&found, &format!("<bdi>{ALICE}</bdi>"));
    assert_eq!(path, format!("/admin/people/{}", id_of(&world, ALICE)));
    let at = |rest: &str| format!("{path}/{rest}");
    root.posts(&at("name"), &[("name", "Alice L.")]).leads_to(&format!("{path}?notice=changed"));
    root.posts(&at("username"), &[("username", "rabbit")]).leads_to(&format!("{path}?notice=changed"));
    root.posts(&at("join"), &[("group", "staff")]).leads_to(&format!("{path}?notice=changed"));
    let page = root.opens(&path).expect(200);
    for words in ["Alice L.", "rabbit", "staff", "Send a link"] {
        page.says(words);
    }
    root.posts(&at("username"), &[("username", "-")]).expect(422).says("is not a user name");
    root.posts(&at("email"), &[("email", ROOT), ("confirmed", "on")]).expect(409).says("another account");
    // It asks first, and tells what follows; asking changes nothing.
    root.opens(&at("disable")).expect(200).says("1 session ends now");
    assert!(alice.is_logged_in());
    root.posts(&at("disable"), &[]).leads_to(&format!("{path}?notice=changed"));
    assert!(!alice.is_logged_in());
    root.posts(&at("enable"), &[]).leads_to(&format!("{path}?notice=changed"));
    root.posts(&at("delete"), &[]).leads_to("/admin/people?notice=account-gone");
    root.opens(&path).expect(404);
}

#[test]
fn sessions_are_ended_and_a_link_is_sent_by_the_help_desk_too() {
    let world = World::new();
    world.administrator(ROOT);
    let alice = world.logged_in(ALICE, PASSWORD);
    let helper = world.logged_in("helper@example.org", PASSWORD);
    let join = json!({"command": "user-group", "user": "helper@example.org", "group": "helpdesk", "member": true});
    world.command(join).expect("done");
    world.deliver_mail();
    helper.opens("/account").expect(200).says("Administration");
    helper.opens("/admin").leads_to("/admin/people");
    let path = format!("/admin/people/{}", id_of(&world, ALICE));
    let page = helper.opens(&path).expect(200).text();
    assert!(page.contains("Send a link") && !page.contains("Change name"), "{page}");
    let from = page.find("/sessions/").expect("a session") + 10;
    helper
        .posts(&format!("{path}/sessions/{}/end", &page[from..from + 32]), &[])
        .leads_to(&format!("{path}?notice=session-ended"));
    assert!(!alice.is_logged_in());
    helper.opens(&format!("{path}/end-sessions")).expect(200).says("0 sessions end now");
    helper.posts(&format!("{path}/send-reset"), &[]).leads_to(&format!("{path}?notice=link-sent"));
    assert!(world.only_letter_to(ALICE).path().starts_with("/reset/"));
    helper.opens(&format!("{path}/logins")).expect(200).says("done");
    let root = format!("/admin/people/{}", id_of(&world, ROOT));
    assert!(!helper.opens(&root).expect(200).text().contains("Send a link"));
    helper.posts(&format!("{root}/send-reset"), &[]).expect(403).says("ask an administrator");
}

#[test]
fn five_are_invited_at_once_and_one_is_told_why_not() {
    let world = World::new();
    let root = world.administrator(ROOT);
    world.member(ALICE, PASSWORD);
    let addresses = "ada@example.org, bob@example.org\r\ncleo@example.org;nobody alice@example.org";
    let page = root
        .posts("/admin/invitations", &[("addresses", addresses), ("within", "7d"), ("groups", "staff")])
        .expect(200);
    page.says("<strong><bdi>ada@example.org</bdi></strong>: an invitation is on its way");
    page.says("&quot;nobody&quot; is not an e-mail address");
    page.says("has an account");
    let mut told: Vec<String> = world.deliver_mail().into_iter().map(|letter| letter.to).collect();
    told.sort();
    assert_eq!(told, ["ada@example.org", "bob@example.org", "cleo@example.org"]);
    let page =
        root.posts("/admin/invitations", &[("addresses", ""), ("within", "1d"), ("uses", "3")]).expect(200).text();
    let at = page.find("https://auth.example.org/invite/").expect("a link");
    let link = page[at..].split('<').next().expect("closed").trim_start_matches("https://auth.example.org").to_owned();
    world.visitor().opens(&link).expect(200);
    assert!(!root.opens("/admin/invitations").text().contains("/invite/"), "it is shown once");
    root.posts("/admin/invitations", &[("addresses", ""), ("within", "soon")]).expect(422).says("is no time");
    let page = root.opens("/admin/invitations").expect(200).text();
    let from = page.find("/admin/invitations/").expect("one") + 19;
    root.posts(&format!("/admin/invitations/{}/revoke", &page[from..from + 32]), &[])
        .leads_to("/admin/invitations?notice=invitation-revoked");
}

#[test]
fn a_group_is_given_a_permission_and_disbanded() {
    let world = World::new();
    let root = world.administrator(ROOT);
    let given = [("group", "staff"), ("permission", "files:read")];
    root.posts("/admin/groups/permit", &given).leads_to("/admin/groups?notice=changed");
    root.opens("/admin/groups").expect(200).says("files:read");
    root.posts("/admin/groups/permit", &[("group", "St Aff"), ("permission", "x")]).expect(422).says("is not a group");
    root.opens("/admin/groups/staff/disband").expect(200).says("Everybody is taken out of the group");
    root.posts("/admin/groups/staff/disband", &[]).leads_to("/admin/groups?notice=changed");
    assert!(!root.opens("/admin/groups").text().contains("staff"));
}

/// Gives up a mail for a reason.
fn fail_a_mail(world: &World, reason: &'static str) {
    world.visitor().api("POST", "/forgot", json!({"email": ALICE})).expect(202);
    world.block_on(async {
        while world.app.process_mail_requests().await.expect("memory does not fail") {}
        let (id, ..) = world.app.claim_mail().await.expect("memory does not fail").expect("one is due");
        let failed = world.app.write(move |work| gatelodge::mail::fail(work.tx, id, reason));
        failed.await.expect("memory does not fail");
    });
}

#[test]
fn why_a_mail_failed_is_seen_and_it_is_retried_or_dropped() {
    let world = World::new();
    let root = world.administrator(ROOT);
    world.member(ALICE, PASSWORD);
    fail_a_mail(&world, "550 mailbox full");
    let page = root.opens("/admin/mails").expect(200).text();
    assert!(page.contains("550 mailbox full") && page.contains(ALICE));
    let from = page.find("/admin/mails/").expect("one") + 13;
    let id = &page[from..from + 32];
    root.posts(&format!("/admin/mails/{id}/retry"), &[]).leads_to("/admin/mails?notice=mail-queued");
    root.opens(&format!("/admin/mails/{id}/drop")).expect(200).says(ALICE);
    root.posts(&format!("/admin/mails/{id}/drop"), &[]).leads_to("/admin/mails?notice=mail-dropped");
    root.posts(&format!("/admin/mails/{id}/drop"), &[]).expect(409).says("no such mail");
    root.opens("/admin/mails").expect(200).says("None is waiting");
}

#[test]
fn a_limit_is_lifted_and_all_only_after_a_question() {
    let world = World::new();
    let root = world.administrator(ROOT);
    world.member(ALICE, PASSWORD);
    let guess = || world.visitor().log_in(ALICE, OTHER_PASSWORD).refused(401, "invalid_credentials");
    guess();
    root.opens("/admin/limits").expect(200).says(ALICE);
    root.posts("/admin/limits/lift", &[("who", ALICE)]).leads_to("/admin/limits?notice=limits-lifted");
    assert!(!root.opens("/admin/limits").text().contains(ALICE));
    guess();
    root.posts("/admin/limits/lift", &[("who", "")]).expect(422);
    root.opens("/admin/limits").expect(200).says(ALICE);
    root.opens("/admin/limits/lift").expect(200).says("everybody");
    root.posts("/admin/limits/lift", &[("everybody", "on")]).leads_to("/admin/limits?notice=limits-lifted");
    assert!(!root.opens("/admin/limits").text().contains(ALICE));
}

#[test]
fn the_log_is_filtered_and_saved() {
    let world = World::new();
    let root = world.administrator(ROOT);
    world.member(ALICE, PASSWORD);
    world.visitor().log_in(ALICE, OTHER_PASSWORD).refused(401, "invalid_credentials");
    let page = root.opens(&format!("/admin/audit?user={ALICE}&act=login")).expect(200).text();
    assert!(page.contains("wrong-password") && !page.contains("<td><code>confirmed</code></td>"), "{page}");
    let saved = root.opens(&link(&page, "Save as a table (CSV)")).expect(200);
    assert_eq!(saved.header("content-type"), Some("text/csv; charset=utf-8; header=present"));
    assert_eq!(saved.text().lines().count(), 2, "{}", saved.text());
    root.opens("/admin/audit?user=nobody").expect(404).says("there is no account nobody");
    root.opens("/admin/audit?since=soon").expect(422).says("is not a time");
}

#[test]
fn what_changes_something_asks_for_a_proof_and_leads_back_to_the_person() {
    let world = World::new();
    let root = world.administrator(ROOT);
    world.member(ALICE, PASSWORD);
    let path = format!("/admin/people/{}", id_of(&world, ALICE));
    world.advance(HOUR);
    root.opens(&path).expect(200);
    let encoded: String = form_urlencoded::byte_serialize(format!("{path}/disable").as_bytes()).collect();
    root.posts(&format!("{path}/disable"), &[]).leads_to(&format!("/account/verify?return_to={encoded}"));
    let encoded: String = form_urlencoded::byte_serialize(path.as_bytes()).collect();
    root.posts(&format!("{path}/send-reset"), &[]).leads_to(&format!("/account/verify?return_to={encoded}"));
    world.expect_no_post();
}

#[test]
fn the_last_administrator_stays() {
    let world = World::new();
    let root = world.administrator(ROOT);
    let path = format!("/admin/people/{}", id_of(&world, ROOT));
    for (act, fields) in [("disable", &[][..]), ("delete", &[]), ("leave", &[("group", "admins")])] {
        root.posts(&format!("{path}/{act}"), fields).expect(409).says("administers");
    }
    root.opens("/admin").expect(200);
}

/// What strangers and other programs wrote harms no page, wherever it stands.
#[test]
fn hostile_values_harm_no_page() {
    let world = World::with("[registration]\nmode = \"approval\"");
    let add = json!({"command": "user-add", "email": ROOT, "password": PASSWORD, "admin": true, "confirmed": true, "groups": []});
    world.command(add).expect("added");
    let agent = format!("{HOSTILE}{}", "x".repeat(3_000));
    let root = world.visitor();
    let log_in =
        http::Request::builder().method("POST").uri("/api/v1/login").header("content-type", "application/json");
    let log_in = log_in.header("user-agent", http::HeaderValue::from_bytes(agent.as_bytes()).expect("bytes"));
    root.send(log_in, json!({"identity": ROOT, "password": PASSWORD}).to_string()).expect(200);
    let alice = json!({"command": "user-add", "email": ALICE, "name": HOSTILE, "password": PASSWORD, "admin": false, "confirmed": true, "groups": []});
    world.command(alice).expect("added");
    let wish = json!({"email": "o'neil&co@example.org", "password": PASSWORD, "name": HOSTILE});
    world.visitor().api("POST", "/register", wish).expect(202);
    let token = world.only_letter_to("o'neil&co@example.org").token();
    world.visitor().api("POST", "/confirm", json!({"token": token, "password": PASSWORD})).expect(200);
    world.deliver_mail();
    root.api("POST", "/account/tokens", json!({"name": HOSTILE, "scopes": ["profile"]})).expect(200);
    fail_a_mail(&world, "550 \u{202e}<svg onload=alert(1)>\u{0}\u{7} no");
    world.visitor().log_in("<svg>@example.org", OTHER_PASSWORD).expect(401);
    let (of_alice, of_root) = (id_of(&world, ALICE), id_of(&world, ROOT));
    let encoded: String =
        form_urlencoded::byte_serialize(format!("{HOSTILE}\u{202e}{}", "x".repeat(10_000)).as_bytes()).collect();
    let short: String = encoded.chars().take(90).collect::<String>().trim_end_matches('%').to_owned();
    let mut seen = 0;
    for path in [
        "/admin".to_owned(),
        "/admin/people".to_owned(),
        format!("/admin/people?q={encoded}&group={short}"),
        format!("/admin/people?group={encoded}"),
        format!("/admin/people/{of_alice}"),
        format!("/admin/people/{of_alice}/delete"),
        format!("/admin/people/{of_alice}/logins"),
        format!("/admin/people/{of_root}"),
        format!("/admin/people/{encoded}"),
        "/admin/groups".to_owned(),
        format!("/admin/groups/{encoded}/disband"),
        "/admin/invitations".to_owned(),
        "/admin/approvals".to_owned(),
        format!("/admin/approvals/{encoded}/decline"),
        "/admin/mails".to_owned(),
        format!("/admin/mails/{encoded}/drop"),
        "/admin/limits".to_owned(),
        "/admin/audit".to_owned(),
        format!("/admin/audit?user={encoded}"),
        format!("/admin/audit?act={encoded}&since={short}"),
        "/admin/webhooks".to_owned(),
        "/admin/configuration".to_owned(),
    ] {
        let reply = root.opens(&path);
        assert!(reply.status() < 500, "{path}: {}", reply.text());
        let page = reply.text();
        assert!(
            !page.contains("<svg") && !page.contains("alert(1)>{{49") && !page.contains("{{49}}"),
            "{path}: {page}"
        );
        assert!(!page.contains(['\0', '\u{7}', '\u{202e}']), "{path} hides something: {page}");
        seen += usize::from(page.contains("&lt;svg"));
    }
    assert!(seen >= 7, "it is shown, escaped: {seen}");
    for (path, field) in [
        (format!("/admin/people/{of_alice}/name"), "name"),
        (format!("/admin/people/{of_alice}/username"), "username"),
        (format!("/admin/people/{of_alice}/email"), "email"),
        (format!("/admin/people/{of_alice}/phone"), "phone"),
        (format!("/admin/people/{of_alice}/join"), "group"),
        ("/admin/groups/permit".to_owned(), "group"),
        ("/admin/invitations".to_owned(), "addresses"),
        ("/admin/invitations".to_owned(), "within"),
        ("/admin/invitations".to_owned(), "groups"),
        ("/admin/limits/lift".to_owned(), "who"),
    ] {
        for value in [format!("{HOSTILE}\u{202e}\u{7}"), "x".repeat(10_000)] {
            let reply = root.posts(&path, &[(field, &value), ("permission", "x")]);
            // Of a list of addresses each is told by itself.
            let is_list = field == "addresses" && reply.status() == 200;
            assert!(is_list || (400..500).contains(&reply.status()), "{path}: {}", reply.status());
            let page = reply.text();
            assert!(!page.contains("<svg") && !page.contains(['\u{7}', '\u{202e}']), "{path}: {page}");
        }
    }
    for format in ["csv", "jsonl"] {
        let file = root.opens(&format!("/admin/audit/export?format={format}")).expect(200);
        assert!(!file.text().contains(['\0', '\u{7}']), "{}", file.text());
    }
    let by_api = root.api("GET", "/admin/mails", Value::Null).expect(200).text();
    assert!(!by_api.contains('\u{7}'), "JSON escapes what is no text: {by_api}");
}

/// Whoever sees an administrator's page sees nothing that opens anything.
#[test]
fn nobody_reads_a_secret_on_these_pages() {
    let world = World::new();
    let root = world.administrator(ROOT);
    let alice: Visitor<'_> = world.logged_in(ALICE, PASSWORD);
    let path = format!("/admin/people/{}", id_of(&world, ALICE));
    for page in [path.as_str(), "/admin/audit", "/admin/mails", "/admin/configuration", "/admin/limits"] {
        let text = root.opens(page).expect(200).text();
        for secret in alice.cookies.borrow().values() {
            assert!(!text.contains(secret.as_str()), "{page}");
        }
        assert!(!text.contains("$argon2") && !text.contains("glt_") && !text.contains("gls_"), "{page}");
    }
}
