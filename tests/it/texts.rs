//! Text messages: the real binary, and a gateway that takes them, or does not.

use serde_json::{Value, json};

use crate::process::{Server, configuration, file_mail, free_port, shown};
use crate::store::Folder;
use crate::webhooks::Ear;
use crate::world::{ALICE, PASSWORD};

/// A server with a gateway, and somebody who has codes sent; gives what `mail list` shows.
fn with_gateway(ear: &Ear, query: &str, settings: &str) -> (Folder, Server, impl Fn() -> Value + use<>) {
    let (folder, port) = (Folder::new(), free_port());
    let secret = folder.0.join("sms");
    std::fs::write(&secret, "Authorization: Bearer of-the-gateway\nX-Account: house\n").expect("written");
    let gateway = format!(
        "[sms]\nurl = \"http://127.0.0.1:{}/send{query}\"\ncredentials_file = \"{}\"\n",
        ear.port,
        secret.display()
    );
    let factor = "[second_factor]\nsms_codes = true\n";
    let config =
        configuration(&folder.0, port, &format!("{}{gateway}private = true\n{settings}{factor}", file_mail(&folder.0)));
    let server = Server::start(&["serve", "--config", &config], port);
    let add =
        ["user", "add", ALICE, "--phone", "+49 30 123456", "--confirmed", "--password-stdin", "--config", &config];
    shown(&add, &format!("{PASSWORD}\n"));
    let log_in = json!({"identity": ALICE, "password": PASSWORD});
    let mut browser = server.client();
    browser.api("POST", "/login", &log_in).expect(200);
    browser.api("POST", "/account/factors/sms", &json!({})).expect(200);
    let mut browser = server.client();
    browser.api("POST", "/login", &log_in).expect(401);
    browser.api("POST", "/login/second-factor/send", &json!({})).expect(202);
    (folder, server, move || shown(&["mail", "list", "--config", &config], "")["items"].clone())
}

#[test]
fn a_code_goes_to_the_gateway_with_its_credentials() {
    let ear = Ear::listens();
    let (_folder, mut server, waiting) = with_gateway(&ear, "", "");
    let told = ear.hears();
    let body: Value = serde_json::from_str(&told.body).expect("JSON");
    assert_eq!(body["to"], "+4930123456");
    let text = body["text"].as_str().expect("a text");
    assert!(text.contains("is your code for") && text.contains("\n\n@localhost #"), "{text}");
    let has = |line: &str| told.headers.iter().any(|header| header.eq_ignore_ascii_case(line));
    assert!(has("authorization: Bearer of-the-gateway") && has("x-account: house"), "{:?}", told.headers);
    // The log does not say which: a mail may have left before.
    loop {
        server.reads_until("mail delivered");
        let left = waiting();
        if left.as_array().is_some_and(|left| left.iter().all(|mail| mail["to"] != "+4930123456")) {
            return;
        }
    }
}

#[test]
fn a_gateway_that_is_down_is_asked_again_and_one_that_refuses_is_not() {
    for (status, state) in [(503, "queued"), (422, "failed")] {
        let ear = Ear::listens();
        ear.answers.send(status).expect("it listens");
        let form = "content_type = \"application/x-www-form-urlencoded\"\nbody = \"To={{ to }}&Body={{ text }}\"\n";
        let (_folder, mut server, waiting) = with_gateway(&ear, "", form);
        assert!(ear.hears().body.starts_with("To=%2B4930123456&Body="));
        server.reads_until_either(&["it is tried again", "refused for good"]);
        let left = waiting();
        let text =
            left.as_array().and_then(|left| left.iter().find(|mail| mail["to"] == "+4930123456")).expect("it waits");
        assert_eq!((&text["state"], &text["letter"]), (&json!(state), &json!("second-factor-code")));
        assert!(text["last_error"].as_str().is_some_and(|error| error.contains(&status.to_string())), "{text}");
    }
}

#[test]
fn a_gateway_may_be_asked_by_its_url_alone() {
    let ear = Ear::listens();
    let (_folder, mut server, _) = with_gateway(&ear, "?to={{to}}&text={{text}}", "method = \"GET\"\n");
    let told = ear.hears();
    let line = told.headers.first().expect("a request line");
    assert!(line.starts_with("GET /send?to=%2B4930123456&text=") && line.contains("+is+your+code+for+"), "{line}");
    assert_eq!(told.body, "");
    server.reads_until("mail delivered");
}
