//! The `OpenAPI` document says what the program does: it is compared with the route list, with what bodies are taken, and
//! with what answers look like.

use std::collections::BTreeSet;
use std::path::Path;

use gatelodge::web::{Access, Audience, ROUTES, Route};
use serde_json::{Value, json};

use crate::world::{ALICE, PASSWORD, World};

pub fn document(world: &World) -> Value {
    world.visitor().api("GET", "/openapi.json", Value::Null).expect(200).json()
}

/// Method, path and operation of each.
pub fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let mut found = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            found.push((method.to_uppercase(), path.clone(), operation.clone()));
        }
    }
    found
}

pub fn request_schema(operation: &Value) -> Option<&Value> {
    operation.pointer("/requestBody/content/application~1json/schema")
}

#[test]
fn every_api_route_is_documented_with_its_access_and_nothing_else_is() {
    let document = document(&World::new());
    assert_eq!(document["openapi"], "3.1.0");
    let documented: BTreeSet<_> = operations(&document)
        .into_iter()
        .map(|(method, path, operation)| {
            (method, path, operation["security"].as_array().expect("a security list").is_empty())
        })
        .collect();
    let api = ROUTES.iter().filter(|route| route.audience == Audience::Api);
    let routed: BTreeSet<_> =
        api.map(|route| (route.method.to_owned(), route.path.to_owned(), route.access == Access::Anyone)).collect();
    assert_eq!(documented, routed);
}

#[test]
fn bodies_take_exactly_the_documented_members() {
    let world = World::new();
    let member = world.administrator(ALICE);
    for (method, path, operation) in operations(&document(&world)) {
        let Some(schema) = request_schema(&operation) else { continue };
        let path = path.trim_start_matches("/api/v1");
        let properties = schema["properties"].as_object().expect("properties");
        let wrong: serde_json::Map<_, _> = properties.keys().map(|name| (name.clone(), json!([7]))).collect();
        let told = member.api(&method, path, wrong).refused(422, "invalid_fields").json()["fields"].clone();
        assert!(
            told.as_object().expect("fields").values().all(|errors| errors == &json!([{"code": "wrong_type"}])),
            "{path}: {told}"
        );
        assert_eq!(
            told.as_object().expect("fields").keys().collect::<Vec<_>>(),
            properties.keys().collect::<Vec<_>>(),
            "{path}"
        );

        assert_eq!(schema["additionalProperties"], false, "{path}");
        if schema["required"] == json!([]) {
            continue;
        }
        let told = member.api(&method, path, json!({})).refused(422, "invalid_fields").json()["fields"].clone();
        let required: BTreeSet<_> =
            schema["required"].as_array().expect("required").iter().filter_map(Value::as_str).collect();
        assert_eq!(
            told.as_object().expect("fields").keys().map(String::as_str).collect::<BTreeSet<_>>(),
            required,
            "{path}"
        );
    }
}

#[test]
fn every_code_of_the_program_is_documented_and_the_other_way_round() {
    let world = World::new();
    let text = document(&world).to_string();
    let statuses =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web/status.rs")).expect("UTF-8");
    let codes: BTreeSet<&str> =
        statuses.split("explain(S::").skip(1).filter_map(|rest| rest.split('"').nth(1)).collect();
    assert!(codes.len() > 20);
    for code in &codes {
        assert!(
            text.contains(&format!("\"{code}\"")) || text.contains(&format!("`{code}`")),
            "{code} is not documented"
        );
    }
    for (_, path, operation) in operations(&document(&world)) {
        let responses = operation["responses"].as_object().expect("responses");
        for (_, response) in responses.iter().filter(|(status, _)| status.as_str() >= "400") {
            let documented = response["description"].as_str().expect("a description").split('`').skip(1).step_by(2);
            for code in documented {
                assert!(codes.contains(code), "{path} documents {code}");
            }
        }
    }
}

/// As much of JSON Schema as the document uses.
fn fits(value: &Value, schema: &Value, document: &Value) -> Result<(), String> {
    if let Some(reference) = schema["$ref"].as_str() {
        return fits(
            value,
            document.pointer(reference.trim_start_matches('#')).expect("the reference leads somewhere"),
            document,
        );
    }
    if let Some(kinds) = schema["oneOf"].as_array() {
        let tried: Vec<Result<(), String>> = kinds.iter().map(|kind| fits(value, kind, document)).collect();
        return tried.iter().find(|tried| tried.is_ok()).or(tried.first()).cloned().unwrap_or(Ok(()));
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let allowed = match &schema["type"] {
        Value::String(one) => vec![one.as_str()],
        Value::Array(some) => some.iter().filter_map(Value::as_str).collect(),
        _ => vec![kind],
    };
    let is_another = schema.get("const").is_some_and(|only| only != value)
        || schema["enum"].as_array().is_some_and(|words| !words.contains(value));
    if !allowed.contains(&kind) || is_another {
        return Err(format!("{value} is not {schema}"));
    }
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        value.get(name).ok_or(format!("{name} is missing in {value}"))?;
    }
    for (name, member) in value.as_object().into_iter().flatten() {
        let known = schema["properties"]
            .get(name)
            .or_else(|| schema.get("additionalProperties").filter(|rule| rule.is_object()))
            .ok_or(format!("{name} is not documented"))?;
        fits(member, known, document)?;
    }
    value.as_array().into_iter().flatten().try_for_each(|item| fits(item, &schema["items"], document))
}

#[test]
fn answers_look_as_documented() {
    let world = World::new();
    let document = document(&world);
    let check = |method: &str, path: &str, reply: crate::world::Reply| {
        let status = reply.status().to_string();
        let response = &document["paths"][format!("/api/v1{path}")][method.to_lowercase()]["responses"][&status];
        assert!(response.is_object(), "{method} {path} answers {status}, which is not documented");
        if let Some(schema) = response.pointer("/content/application~1json/schema") {
            fits(&reply.json(), schema, &document).unwrap_or_else(|reason| panic!("{method} {path}: {reason}"));
        }
        reply
    };
    let call = |browser: &crate::world::Visitor<'_>, method: &str, path: &str, body: Value| {
        check(method, path, browser.api(method, path, body))
    };

    let browser = world.visitor();
    call(&browser, "POST", "/register", json!({"email": ALICE, "password": PASSWORD}));
    let token = world.only_letter_to(ALICE).token();
    call(&browser, "POST", "/confirm", json!({"token": token}));
    call(&browser, "POST", "/confirm/resend", json!({"email": ALICE}));
    call(&browser, "POST", "/login", json!({"identity": ALICE, "password": PASSWORD, "bearer": true}));
    call(&browser, "POST", "/login", json!({"identity": ALICE, "password": PASSWORD}));
    call(&browser, "GET", "/session", Value::Null);
    call(&browser, "POST", "/account/tokens", json!({"name": "wiki", "scopes": ["access"]}));
    call(&browser, "POST", "/account/app-passwords", json!({"name": "x", "expires_at": "2100-01-31"}));
    call(&browser, "GET", "/account/sessions", Value::Null);
    call(&browser, "DELETE", "/account/sessions", Value::Null);
    call(
        &browser,
        "POST",
        "/account/password",
        json!({"current_password": "x", "new_password": "seven geese over the moor"}),
    );
    call(&browser, "POST", "/account/email", json!({"email": "new@example.org", "current_password": PASSWORD}));
    world.deliver_mail();
    call(&browser, "POST", "/forgot", json!({"email": ALICE}));
    let token = world.only_letter_to(ALICE).token();
    call(&browser, "POST", "/reset/check", json!({"token": token}));
    call(&browser, "POST", "/reset", json!({"token": token, "password": "seven geese over the moor"}));
    call(&browser, "GET", "/session", Value::Null);
    call(&browser, "POST", "/login", json!({"identity": ALICE, "password": "seven geese over the moor"}));
    call(&browser, "POST", "/account/delete", json!({"current_password": "seven geese over the moor"}));
    call(&browser, "POST", "/logout", Value::Null);
}

/// Whatever can be read, in a house in which something is there to read; and what is said to a refusal.
#[test]
fn lists_and_refusals_look_as_documented() {
    let world = World::with("[registration]\nmode = \"approval\"");
    let document = document(&world);
    let account = json!({"command": "user-add", "email": ALICE, "password": PASSWORD, "admin": true, "confirmed": true, "groups": []});
    world.command(account).expect("added");
    let root = world.visitor();
    root.log_in(ALICE, PASSWORD).expect(200);
    let wish = json!({"email": "bob@example.org", "password": PASSWORD, "name": "Bob", "username": "bob"});
    world.visitor().api("POST", "/register", wish).expect(202);
    let token = world.only_letter_to("bob@example.org").token();
    world.visitor().api("POST", "/confirm", json!({"token": token, "password": PASSWORD})).expect(200);
    root.api(
        "POST",
        "/admin/users",
        json!({"email": "eve@example.org", "phone": "+49 30 123456", "groups": ["staff"]}),
    )
    .expect(200);
    root.api("POST", "/admin/invitations", json!({"uses": 3, "groups": ["staff"]})).expect(200);
    root.api("PUT", "/admin/groups/staff/permissions/files:read", Value::Null).expect(200);
    root.api("POST", "/account/tokens", json!({"name": "backup", "scopes": ["profile"]})).expect(200);
    let calendar = json!({"name": "calendar", "hosts": ["cal.example.org"]});
    root.api("POST", "/account/app-passwords", calendar).expect(201);
    root.api("POST", "/account/factors/totp", json!({"name": "telephone"})).expect(200);
    let (mut read, mut wrong) = (0, Vec::new());
    for (method, path, operation) in operations(&document) {
        let (route, reply) = if method == "GET" {
            let route = path
                .replace("{user}", "alice@example.org")
                .replace("{group}", "staff")
                .replace("{permission}", "files:read");
            (route.clone(), root.api("GET", route.trim_start_matches("/api/v1"), Value::Null))
        } else if request_schema(&operation).is_some() {
            let route = path.replace("{user}", "alice@example.org");
            (route.clone(), root.api(&method, route.trim_start_matches("/api/v1"), json!({"nonsense": 7})))
        } else {
            continue;
        };
        let status = reply.status().to_string();
        let response = &operation["responses"][&status];
        let response =
            response["$ref"].as_str().map_or(response, |place| document.pointer(&place[1..]).expect("it is there"));
        assert!(response.is_object(), "{method} {route} answers {status}, which is not documented");
        let schema = response
            .pointer("/content/application~1json/schema")
            .or_else(|| response.pointer("/content/application~1problem+json/schema"));
        if let Some(schema) = schema {
            fits(&reply.json(), schema, &document)
                .unwrap_or_else(|reason| wrong.push(format!("{method} {route}: {reason}")));
            read += 1;
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(read > 40, "{read}");
}

#[test]
fn the_guide_lists_every_code_and_every_page() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(root.join(path)).expect("UTF-8");
    let (guide, statuses) = (read("docs/api.md"), read("src/web/status.rs"));
    for code in statuses.split("S::").skip(1).filter_map(|rest| rest.split('"').nth(1)) {
        assert!(guide.contains(&format!("| `{code}` |")), "{code}");
    }
    let is_page = |route: &&Route| route.audience == Audience::Page && !route.path.starts_with("/assets/");
    for route in ROUTES.iter().filter(is_page) {
        assert!(guide.contains(&format!("`{}`", route.path)), "{}", route.path);
    }
}

/// Whoever asks for some rows of a list by a name that nothing is made of is not given all of them.
#[test]
fn lists_take_exactly_the_documented_parameters() {
    let world = World::new();
    let member = world.administrator(ALICE);
    let mut lists = 0;
    for (method, path, operation) in operations(&document(&world)) {
        let items = "/responses/200/content/application~1json/schema/properties/items";
        if method != "GET" || operation.pointer(items).is_none() {
            continue;
        }
        lists += 1;
        let path = path.trim_start_matches("/api/v1").replace("{user}", ALICE).replace("{group}", "admins");
        member.api("GET", &format!("{path}?nosuch=1"), Value::Null).refused(422, "unknown_parameter");
        for parameter in operation["parameters"].as_array().into_iter().flatten().filter(|one| one["in"] == "query") {
            let name = parameter["name"].as_str().expect("a name");
            let reply = member.api("GET", &format!("{path}?{name}=1"), Value::Null);
            // Nobody is called so.
            let is_unknown = reply.status() == 404 && name == "user";
            assert!(is_unknown || matches!(reply.status(), 200 | 422), "{path}?{name}=1: {}", reply.status());
        }
    }
    assert!(lists > 10, "{lists} lists");
}
