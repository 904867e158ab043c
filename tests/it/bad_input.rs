//! What nobody should send: each time a clear 4xx in the contract's form, and a store that is what it was.

use gatelodge::store::schema;
use serde_json::{Value, json};

use crate::world::{ALICE, PASSWORD, Reply, Visitor, World};

/// Every endpoint that takes a body: its path and a body that has the right form.
fn endpoints() -> Vec<(&'static str, Value)> {
    vec![
        (
            "/register",
            json!({"email": "new@example.org", "password": PASSWORD, "username": "newcomer", "name": "New", "invitation": "gli_x"}),
        ),
        ("/confirm", json!({"token": "glt_x", "password": PASSWORD, "username": "newcomer"})),
        ("/confirm/resend", json!({"email": "new@example.org"})),
        ("/login", json!({"identity": ALICE, "password": PASSWORD, "remember": true, "bearer": true, "refresh": true})),
        ("/forgot", json!({"email": "new@example.org"})),
        ("/reset/check", json!({"token": "glt_x"})),
        ("/reset", json!({"token": "glt_x", "password": PASSWORD})),
        ("/account/password", json!({"current_password": PASSWORD, "new_password": "seven geese over the moor"})),
        ("/account/username", json!({"username": "newcomer"})),
        ("/username/recover", json!({"email": "new@example.org"})),
        ("/account/email", json!({"email": "new@example.org", "current_password": PASSWORD})),
        ("/login/second-factor", json!({"code": "123456", "pending": "glp_x", "trust_browser": true})),
        ("/login/second-factor/send", json!({"pending": "glp_x", "by": "sms"})),
        ("/login/mail", json!({"identity": ALICE})),
        (
            "/login/mail/code",
            json!({"code": "123456", "pending": "glm_x", "remember": true, "bearer": true, "refresh": true}),
        ),
        (
            "/login/mail/link",
            json!({"token": "glt_x", "here": true, "remember": true, "bearer": true, "refresh": true}),
        ),
        ("/session/verify", json!({"password": PASSWORD, "code": "123456"})),
        ("/account/factors/totp", json!({"name": "Phone"})),
        ("/account/factors/totp/confirm", json!({"id": "0".repeat(32), "code": "123456"})),
        ("/account/take-back", json!({"token": "glt_x"})),
        ("/session/refresh", json!({"refresh_token": "glr_x"})),
        ("/account/tokens", json!({"name": "wiki", "scopes": ["profile"], "within": "7d"})),
        ("/account/app-passwords", json!({"name": "wiki", "hosts": ["wiki.example.org"], "expires_at": "2100-01-31"})),
        ("/account/delete", json!({"current_password": PASSWORD})),
    ]
}

/// As a script of this site sends it.
fn post(caller: &Visitor<'_>, path: &str, kind: Option<&str>, body: impl Into<bytes::Bytes>) -> Reply {
    let request = http::Request::builder().method("POST").uri(format!("/api/v1{path}"));
    let request = request.header("sec-fetch-site", "same-origin");
    caller.send(kind.into_iter().fold(request, |request, kind| request.header("content-type", kind)), body)
}

/// Sends each of `bodies` to every endpoint and expects this refusal and no change.
fn all_refuse(bodies: &[&[u8]], kind: Option<&str>, status: u16, code: &str) {
    let world = World::new();
    let member = world.logged_in(ALICE, PASSWORD);
    let before = world.records();
    for (path, _) in endpoints() {
        for body in bodies {
            post(&member, path, kind, body.to_vec()).refused(status, code);
        }
    }
    assert_eq!(world.records(), before);
}

const JSON: Option<&str> = Some("application/json");

#[test]
fn malformed_json_is_refused() {
    let bodies: &[&[u8]] = &[
        b"",
        b"{",
        b"}",
        b"{\"email\":}",
        b"{'email':'x'}",
        b"\xff\xfe",
        b"{\"email\":\"\xc3\x28\"}",
        b"{\"a\":\"\\ud800\"}",
        b"{} {}",
        b"nope",
    ];
    all_refuse(bodies, JSON, 400, "malformed_json");
}

#[test]
fn deeply_nested_json_is_refused() {
    all_refuse(
        &[
            ("[".repeat(30_000)).as_bytes(),
            format!("{{\"email\":{}1{}}}", "[".repeat(5000), "]".repeat(5000)).as_bytes(),
        ],
        JSON,
        400,
        "malformed_json",
    );
}

#[test]
fn other_documents_than_objects_are_refused() {
    all_refuse(&[b"[]", b"null", b"1", b"\"text\"", b"true"], JSON, 422, "invalid_fields");
}

#[test]
fn a_member_given_twice_is_refused() {
    all_refuse(&[b"{\"email\":\"a@example.org\",\"email\":\"b@example.org\"}"], JSON, 400, "repeated_parameter");
}

#[test]
fn another_content_type_is_refused() {
    for kind in [
        None,
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("application/jsonx"),
        Some("multipart/form-data; boundary=x"),
    ] {
        all_refuse(&[b"{}"], kind, 415, "unsupported_media_type");
    }
}

#[test]
fn wrong_types_in_every_field_are_refused() {
    let world = World::new();
    let member = world.logged_in(ALICE, PASSWORD);
    let before = world.records();
    for (path, body) in endpoints() {
        for field in body.as_object().expect("an object").keys() {
            let wrong = [json!(7), json!(1.5), json!([]), json!(["x"]), json!({}), json!({"x": 1}), json!(-1)];
            for wrong in wrong.into_iter().filter(|wrong| !(wrong.is_array() && body[field].is_array())) {
                let mut body = body.clone();
                body[field] = wrong;
                let reply = post(&member, path, JSON, body.to_string()).refused(422, "invalid_fields");
                assert_eq!(reply.json()["fields"][field], json!([{"code": "wrong_type"}]), "{path} {field}");
            }
        }
    }
    assert_eq!(world.records(), before);
}

/// Every operation that takes a body: its path, ready to be called, and the schema of each member.
fn operations(world: &World) -> Vec<(String, serde_json::Map<String, Value>, Vec<String>)> {
    let document = world.visitor().api("GET", "/openapi.json", Value::Null).expect(200).json();
    let mut found = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        let Some(schema) = methods["post"].pointer("/requestBody/content/application~1json/schema") else { continue };
        let path = path.trim_start_matches("/api/v1").to_owned();
        let required = schema["required"].as_array().expect("required").iter();
        let required = required.map(|name| name.as_str().expect("a name").to_owned()).collect();
        found.push((path, schema["properties"].as_object().expect("properties").clone(), required));
    }
    assert!(found.len() > 20);
    found
}

/// A value of the right form for a member of this name.
fn fitting(name: &str) -> Value {
    match name {
        "email" => json!("new@example.org"),
        "password" | "new_password" | "current_password" => json!(PASSWORD),
        "identity" => json!(ALICE),
        "code" => json!("123456"),
        "id" => json!("0".repeat(32)),
        _ => json!("glt_x"),
    }
}

/// What is no counter, no row about tries and no audit: the accounts and what belongs to them.
fn belongings(world: &World) -> Vec<gatelodge::store::Pair> {
    let counted =
        [schema::BUCKETS.prefix, schema::AUDIT.prefix, schema::AUDIT_HEADS.prefix, schema::LINK_REQUESTS.prefix];
    world.records().into_iter().filter(|(key, _)| !counted.contains(&key[0])).collect()
}

#[test]
fn every_field_of_every_endpoint_refuses_what_it_does_not_take() {
    let world = World::with("[throttle]\nenabled = false\n[login]\nby_mail = true\n[second_factor]\nmail_codes = true");
    let root = world.administrator(ALICE);
    let before = belongings(&world);
    let mut tried = 0;
    for (path, properties, required) in operations(&world) {
        for (name, schema) in &properties {
            let mut wrong = vec![json!(null), json!({}), json!({"a": 1}), json!([[]]), json!([7]), json!(1.5)];
            match schema["type"].as_str().expect("a type") {
                "integer" => wrong.extend([json!("7"), json!(true), json!([]), json!(-1)]),
                "boolean" => wrong.extend([json!("true"), json!(1), json!([])]),
                "array" => wrong.extend([json!("x"), json!(7), json!(true)]),
                _ => wrong.extend([json!(7), json!(true), json!([])]),
            }
            let mut body: serde_json::Map<_, _> = required.iter().map(|name| (name.clone(), fitting(name))).collect();
            for value in wrong {
                body.insert(name.clone(), value.clone());
                let reply = post(&root, &path, JSON, Value::from(body.clone()).to_string());
                let told = reply.refused(422, "invalid_fields").json();
                assert_eq!(told["fields"][name][0]["code"], "wrong_type", "{path} {name} {value}");
                tried += 1;
            }
            body.insert(name.clone(), json!("x".repeat(1 << 20)));
            let long = Value::from(body.clone()).to_string();
            // The connection refuses it before it is read whole; here it has come so far.
            let reply = post(&root, &path, JSON, long);
            assert!((400..500).contains(&reply.status()), "{path} {name}: {}", reply.status());
            let broken = format!("{{\"{name}\":\"").into_bytes();
            let broken = [&broken[..], b"\xff\xfe\"}"].concat();
            post(&root, &path, JSON, broken).refused(400, "malformed_json");
        }
    }
    assert!(tried > 400, "{tried}");
    assert_eq!(belongings(&world), before);
    assert!(root.is_logged_in());
}

#[test]
fn unknown_fields_are_refused() {
    let world = World::new();
    let member = world.logged_in(ALICE, PASSWORD);
    let before = world.records();
    for (path, mut body) in endpoints() {
        for extra in ["extra", "confirmed_at", "groups", "id", "Email", "__proto__"] {
            if body.get(extra).is_some() {
                continue;
            }
            body[extra] = json!("x");
            let reply = post(&member, path, JSON, body.to_string()).refused(422, "invalid_fields");
            assert_eq!(reply.json()["fields"][extra], json!([{"code": "unknown"}]), "{path}");
            body.as_object_mut().expect("an object").remove(extra);
        }
    }
    assert_eq!(world.records(), before);
}

#[test]
fn missing_fields_are_named() {
    let world = World::new();
    let reply = post(&world.visitor(), "/register", JSON, "{}").refused(422, "invalid_fields");
    assert_eq!(reply.json()["fields"], json!({"email": [{"code": "required"}], "password": [{"code": "required"}]}));
}

#[test]
fn hostile_text_in_every_field_is_refused_or_harmless() {
    let world = World::new();
    let member = world.logged_in(ALICE, PASSWORD);
    let long = "x".repeat(60_000);
    for (path, body) in endpoints() {
        for field in
            body.as_object().expect("an object").keys().filter(|field| !matches!(field.as_str(), "remember" | "bearer"))
        {
            for text in [
                "a@example.org\r\nBcc: b@example.org",
                "nul\0nul@example.org",
                "\u{1b}[31m",
                "\u{202e}gro.elpmaxe@a",
                long.as_str(),
                "' OR 1=1 --",
                "../etc/passwd",
                "<script>x",
            ] {
                let mut body = body.clone();
                body[field] = json!(text);
                let reply = post(&member, path, JSON, body.to_string());
                // Any printable text may be a name or a password.
                let may_pass = field == "name" || field.contains("password");
                assert!(
                    (400..500).contains(&reply.status()) || (may_pass && reply.status() < 300),
                    "{path} {field} {text:?}: {}",
                    reply.status()
                );
                // What somebody calls their own token is shown to them.
                let is_shown = matches!(path, "/account/tokens" | "/account/app-passwords") && field == "name";
                assert!(!reply.text().contains(text) || is_shown, "{path} {field} echoes");
            }
        }
    }
    assert!(member.is_logged_in());
    world.expect_clean_post();
}

impl World {
    fn expect_clean_post(&self) {
        for letter in self.deliver_mail() {
            assert!(["new@example.org", ALICE].contains(&letter.to.as_str()));
            assert!(!letter.text.contains("Bcc") && !letter.text.contains("script"));
        }
    }
}

#[test]
fn an_address_with_a_line_break_is_refused() {
    let world = World::new();
    let before = world.records();
    for email in ["a@example.org\nBcc: b@example.org", "a\r@example.org", "a@example.org\0"] {
        let reply =
            post(&world.visitor(), "/forgot", JSON, json!({"email": email}).to_string()).refused(422, "invalid_fields");
        assert_eq!(reply.json()["fields"]["email"], json!([{"code": "not_an_address"}]));
    }
    assert_eq!(world.records(), before);
}

#[test]
fn an_over_long_password_is_refused_before_it_is_hashed() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    let before = world.records();
    let reply =
        post(&world.visitor(), "/login", JSON, json!({"identity": ALICE, "password": "x".repeat(1025)}).to_string())
            .refused(422, "invalid_fields");
    assert_eq!(reply.json()["fields"]["password"], json!([{"code": "too_long", "max": 1024}]));
    assert_eq!(world.records(), before, "a verified attempt would have left its record");
}

#[test]
fn cookies_and_tokens_of_garbage_are_nobody() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    let long = format!("gls_{}", "A".repeat(8000));
    for garbage in [
        "x",
        "gls_",
        "gls_\u{7f}",
        "\"quoted\"",
        "a=b",
        &"%00".repeat(50),
        &long,
        "gls_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ] {
        let visitor = world.visitor();
        let request = |name: &str, value: String| {
            visitor.send(http::Request::builder().uri("/api/v1/session").header(name, value), "")
        };
        if http::HeaderValue::try_from(garbage).is_ok() {
            request("cookie", format!("__Host-gatelodge={garbage}")).refused(401, "not_logged_in");
            request("authorization", format!("Bearer {garbage}")).refused(401, "not_logged_in");
        }
        let body = json!({"token": garbage, "password": PASSWORD});
        post(&visitor, "/reset", JSON, body.to_string()).refused(403, "token_invalid");
        post(&visitor, "/confirm", JSON, body.to_string()).refused(403, "token_invalid");
    }
    let twice = world.logged_in("twice@example.org", PASSWORD);
    let cookie = twice.cookies.borrow()["__Host-gatelodge"].clone();
    let request = http::Request::builder()
        .uri("/api/v1/session")
        .header("cookie", format!("__Host-gatelodge={cookie}; __Host-gatelodge={cookie}"));
    world.visitor().send(request, "").refused(401, "not_logged_in");
}

#[test]
fn headers_that_others_fill_hide_nothing_of_ours() {
    let world = World::new();
    let alice = world.logged_in(ALICE, PASSWORD);
    let ours = format!("__Host-gatelodge={}", alice.cookies.borrow()["__Host-gatelodge"]);
    let others =
        [&b"lang=fran\xc3\xa7ais"[..], b"lang=fran\xe7ais", b"\xfc=1", b"\xff", b"=", b"{\"a\":1}", b"a=\"b; c=\""];
    for other in others {
        for line in [[other, b"; ", ours.as_bytes()].concat(), [ours.as_bytes(), b"; ", other].concat()] {
            let request = http::Request::builder().uri("/api/v1/session");
            let header = http::HeaderValue::from_bytes(&line).expect("no control characters");
            let reply = world.visitor().send(request.header("cookie", header), "").expect(200);
            assert_eq!(reply.json()["user"]["email"], ALICE, "{}", line.escape_ascii());
        }
    }
    // What a proxy's own log-in sends along, and whatever a browser says of itself and of where it comes from.
    for (name, value) in [
        ("authorization", &b"Basic \xfc:\xfc"[..]),
        ("authorization", b"Digest username=\"\xc3\xbc\""),
        ("user-agent", b"caf\xe9"),
        ("referer", b"https://localhost/\xe9"),
        ("accept-language", b"\xff"),
        ("accept", b"\xff"),
        ("forwarded", b"for=\xff"),
        ("x-forwarded-for", b"\xff"),
        ("if-none-match", b"\xff"),
    ] {
        let header = http::HeaderValue::from_bytes(value).expect("no control characters");
        let request = http::Request::builder().uri("/api/v1/session").header("cookie", &ours).header(name, header);
        world.visitor().send(request, "").expect(200);
    }
    let kind = http::HeaderValue::from_bytes(b"application/json; x=\xe9").expect("no control characters");
    let request = http::Request::builder().method("POST").uri("/api/v1/forgot").header("content-type", kind);
    world.visitor().send(request, json!({"email": ALICE}).to_string()).expect(202);
}

#[test]
fn forms_with_repeated_or_broken_fields_are_refused() {
    let world = World::new();
    let visitor = world.visitor();
    let before = world.records();
    let send = |body: &str| {
        let request = http::Request::builder().method("POST").uri("/login").header("sec-fetch-site", "same-origin");
        visitor.send(request.header("content-type", "application/x-www-form-urlencoded"), body.to_owned()).status()
    };
    assert_eq!(send("identity=a&identity=b&password=x"), 400);
    for broken in ["identity=%ff%fe", "identity=%zz", "identity=%", "identity=%4", "identity=a%00b", "%zz=a"] {
        assert_eq!(send(broken), 400, "{broken}");
        assert_eq!(visitor.opens(&format!("/login?{broken}")).status(), 400, "{broken}");
    }
    assert_eq!(send(&"a=&".repeat(65)), 400);
    assert_eq!(send(""), 422);
    assert_eq!(world.records(), before);
}

#[test]
fn more_parameters_than_any_route_has_are_refused_before_they_are_compared() {
    let world = World::new();
    let visitor = world.visitor();
    let query = |count: usize| (0..count).map(|n| format!("a{n}=1")).collect::<Vec<_>>().join("&");
    visitor.api("GET", &format!("/openapi.json?{}", query(64)), Value::Null).expect(200);
    visitor.api("GET", &format!("/openapi.json?{}", query(65)), Value::Null).refused(400, "too_many_parameters");
    let members: serde_json::Map<_, _> = (0..5_000).map(|n| (format!("a{n}"), json!(n))).collect();
    let reply = visitor.api("POST", "/forgot", Value::from(members)).refused(400, "too_many_parameters");
    assert!(reply.body.len() < 1_000, "what was sent is not sent back");
}

#[test]
fn what_stands_in_a_path_is_decoded_once() {
    let world = World::new();
    let root = world.administrator("root@example.org");
    world.member(ALICE, PASSWORD);
    let get = |path: &str| root.api("GET", path, Value::Null);
    for name in ["alice@example.org", "alice%40example.org", "%61lice%40example%2Eorg", "alice%40EXAMPLE.org"] {
        assert_eq!(get(&format!("/admin/users/{name}")).expect(200).json()["email"], ALICE, "{name}");
    }
    root.api("PUT", "/admin/users/alice%40example.org/groups/st%61ff", Value::Null).expect(200);
    root.api("PUT", "/admin/groups/staff/permissions/files%3Aread", Value::Null).expect(200);
    assert_eq!(get("/users/alice%40example.org/may/files%3Aread").expect(200).json()["allowed"], true);
    // A slash that is part of a name leads to no other route, and nothing is decoded twice.
    for name in ["alice%40example.org%2Ftokens", "alice%2540example.org", "..%2Fgroups", "%2e%2e"] {
        get(&format!("/admin/users/{name}")).refused(404, "not_found");
    }
    for broken in ["%zz", "%", "%4", "a%00b", "%ff", "%c3%28"] {
        get(&format!("/admin/users/{broken}")).refused(400, "malformed_request");
        root.opens(&format!("/confirm/{broken}")).expect(400);
    }
    // Fixed parts of a path are written as they are.
    get("/admin/%75sers").refused(404, "not_found");
}
