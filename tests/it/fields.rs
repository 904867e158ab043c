//! The `OpenAPI` document and the parsers agree, field by field: what its schemas let pass is taken, and what they do not is refused.

use regex::Regex;
use serde_json::{Map, Value, json};

use crate::openapi::{document, operations, request_schema};
use crate::world::{ALICE, PASSWORD, Visitor, World};

/// Texts at the bounds of one rule or another; each is tried in every field.
fn texts() -> Vec<String> {
    let long = |letter: &str, count: usize| letter.repeat(count);
    let mut texts: Vec<String> = [
        "",
        "a",
        "ad",
        "ada",
        "Ada",
        " ada",
        "ada\u{a0}",
        "ada\n",
        "\u{feff}ada",
        "-ada",
        "a.b-c_d",
        "a b",
        "ä",
        "ada!",
        "Ada Lovelace",
        "علی\u{200c}رضا",
        "a\0b",
        "a\nb",
        "a\u{85}b",
        "a\u{1b}b",
        "a\u{7f}b",
        "123456",
        "123 456",
        "123\u{a0}456",
        "123-456",
        " 123456\n",
        "12345",
        "1234567",
        "o1l456",
        "12345x",
        "0123-4567-89AB-CDEF",
        "0123 4567 89ab cdeu",
        "0123456789abcdefg",
        "+49 30 123456",
        "0049-30-123456",
        "+49 (30) 12.34/56",
        "030 123456",
        "+0301234567",
        "+49",
        "+4930123456789012",
        "+1234567",
        "+123456",
        "ada@example.org",
        "Ada.B+c@Example.org",
        " ada@example.org",
        "ada@example",
        "@example.org",
        "ada@",
        "ada@@example.org",
        "ada@example.org,",
        "ada lovelace@example.org",
        "7d",
        "90s",
        "30m",
        "24h",
        "0d",
        "07d",
        "7",
        "d",
        "7 d",
        "-7d",
        "7w",
        "7D",
        "profile",
        "mail",
        "sms",
        "Mail",
        "de",
        "xx",
        "staff",
        "st aff",
        "a/b",
        "2100-01-31",
        "2100-01-31T10:00:00Z",
        "2100-01-31T10:00:00+02:00",
        "2100-01-31 10:00",
        "31.1.2100",
        "0123456789abcdef0123456789abcdef",
        "0123456789ABCDEF0123456789ABCDEF",
        "0123456789abcdef0123456789abcde",
    ]
    .map(str::to_owned)
    .to_vec();
    for bound in [32, 64, 100, 254, 1024, 4096] {
        texts.extend([long("a", bound), long("a", bound + 1), long("é", bound), long("é", bound + 1)]);
    }
    texts.push(format!("{}@{}.org", long("a", 64), long("b", 59)));
    texts.push(format!("{}@example.org", long("a", 65)));
    texts
}

/// Values that are no texts, or texts where none are wanted.
fn others() -> Vec<Value> {
    let lists = [0, 1, 3, 4, 64, 65].map(|length| json!(vec!["staff"; length]));
    let numbers = [-1, 0, 1, 2, 1000, 1001].map(|number| json!(number));
    let more = [
        Value::Null,
        json!(true),
        json!(false),
        json!({}),
        json!(1.5),
        json!([1]),
        json!([""]),
        json!(["profile"]),
        json!(["ask", "admin:read"]),
        json!(["access"]),
        json!(["wiki.example.org", "*.lab.example.org"]),
        json!(["https://wiki.example.org"]),
        json!(["wiki.example.org:443"]),
        json!(["wiki.*.org"]),
        json!(["*"]),
    ];
    lists.into_iter().chain(numbers).chain(more).collect()
}

/// Whether a value follows a schema, as far as the document uses JSON Schema.
fn follows(schema: &Value, value: &Value) -> bool {
    if let Some(words) = schema["enum"].as_array() {
        return words.contains(value);
    }
    let count = |name: &str| schema[name].as_u64();
    // One of several types: the first, or none.
    if value.is_null() && schema["type"].as_array().is_some_and(|types| types.contains(&json!("null"))) {
        return true;
    }
    let kind = schema["type"].as_str().or_else(|| schema["type"][0].as_str());
    match (kind.expect("a type"), value) {
        ("string", Value::String(text)) => {
            let length = text.chars().count() as u64;
            let pattern = schema["pattern"].as_str().map(|pattern| Regex::new(pattern).expect("a pattern"));
            count("minLength").is_none_or(|least| length >= least)
                && count("maxLength").is_none_or(|most| length <= most)
                && pattern.is_none_or(|pattern| pattern.is_match(text))
                && (schema["format"] != "email" || is_address(text))
                && (schema["format"] != "language" || ["de", "en"].contains(&text.as_str()))
        }
        ("integer", Value::Number(number)) => {
            let bound = |name: &str| schema[name].as_i64();
            number.as_i64().is_some_and(|number| {
                bound("minimum").is_none_or(|least| number >= least)
                    && bound("maximum").is_none_or(|most| number <= most)
            })
        }
        ("boolean", Value::Bool(_)) => true,
        ("array", Value::Array(items)) => {
            let length = items.len() as u64;
            count("minItems").is_none_or(|least| length >= least)
                && count("maxItems").is_none_or(|most| length <= most)
                && items.iter().all(|item| follows(&schema["items"], item))
        }
        _ => false,
    }
}

/// RFC 5321, 4.1.2, without quoted parts and literals; the description says that white space around it is dropped.
fn is_address(text: &str) -> bool {
    let atom = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+";
    let label = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
    let address = Regex::new(&format!(r"^\s*({atom}(?:\.{atom})*)@{label}(?:\.{label})+\s*$")).expect("a pattern");
    address.captures(text).is_some_and(|parts| parts[1].len() <= 64)
}

/// Whatever the rest of a body needs, so that the field alone decides.
fn plausible(name: &str, schema: &Value) -> Value {
    match name {
        "email" => json!("somebody@example.org"),
        "identity" | "username" => json!("somebody"),
        "code" => json!("123456"),
        "id" => json!("0123456789abcdef0123456789abcdef"),
        "phone" => json!("+49 30 654321"),
        "scopes" => json!(["profile"]),
        "name" => json!("Somebody"),
        _ if schema["type"] == "boolean" => json!(false),
        _ => json!("seven geese over the moor"),
    }
}

/// What the program made of a field: none if it took it, whatever it then said of the whole.
fn refusal(caller: &Visitor<'_>, method: &str, path: &str, body: &Value, field: &str) -> Option<String> {
    /// What is said of a text that follows the document, and is refused for another reason.
    const FOR_OTHER_REASONS: [&str; 12] = [
        "are for administrators",
        "has fewer",
        "everybody tries",
        "easily guessed",
        "\"too_short\"",
        "\"common\"",
        "\"guessable\"",
        "\"reused\"",
        "\"reserved\"",
        "reads as an account's id",
        "\"taken\"",
        "\"unchanged\"",
    ];
    let reply = caller.api(method, path, body.clone());
    if reply.status() != 422 {
        return None;
    }
    let told = reply.json();
    let of_field = &told["fields"][field];
    let (words, is_of_field) = match &told["code"] {
        code if code == "invalid_fields" => (of_field.to_string(), !of_field.is_null()),
        _ => (told["detail"].to_string(), true),
    };
    let is_policy = FOR_OTHER_REASONS.iter().any(|reason| words.contains(reason));
    (is_of_field && !is_policy).then_some(words)
}

#[test]
fn what_the_document_lets_pass_is_taken_and_nothing_else() {
    let described = document(&World::new());
    let values: Vec<Value> = texts().into_iter().map(Value::String).chain(others()).collect();
    let mut wrong = Vec::new();
    let mut tried = 0;
    for (method, path, operation) in operations(&described) {
        let Some(schema) = request_schema(&operation) else { continue };
        let properties = schema["properties"].as_object().expect("properties");
        let required: Vec<&str> =
            schema["required"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
        for (field, rule) in properties {
            let world = World::with("[throttle]\nenabled = false");
            let root = world.administrator(ALICE);
            world.member("nobody@example.org", PASSWORD);
            for value in &values {
                let needed = |name: &&&str| **name != field.as_str();
                let mut body: Map<String, Value> = required
                    .iter()
                    .filter(needed)
                    .map(|name| ((*name).to_owned(), plausible(name, &properties[*name])))
                    .collect();
                // One of several is needed, which JSON Schema does not say here.
                if matches!(path.as_str(), "/api/v1/admin/users" | "/api/v1/session/verify") {
                    body.insert("password".into(), json!("four geese over the moor"));
                }
                if path == "/api/v1/admin/users" {
                    body.insert("username".into(), json!("somebody"));
                }
                body.insert(field.clone(), value.clone());
                let caller = if operation["security"] == json!([]) { world.visitor() } else { root.copy() };
                let route = path.trim_start_matches("/api/v1").replace("{user}", "nobody@example.org");
                let refused = refusal(&caller, &method, &route, &Value::Object(body), field);
                tried += 1;
                if refused.is_none() != follows(rule, value) {
                    let shown: String = value.to_string().chars().take(60).collect();
                    wrong.push(format!(
                        "{method} {path} {field} = {shown}: {}",
                        refused.unwrap_or_else(|| "taken".into())
                    ));
                }
            }
        }
    }
    assert!(tried > 5_000, "{tried}");
    assert!(wrong.is_empty(), "{} of {tried}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn what_the_document_says_of_a_query_holds() {
    let world = World::new();
    let root = world.administrator(ALICE);
    let mut tried = 0;
    for (method, path, operation) in operations(&document(&world)) {
        for parameter in operation["parameters"].as_array().into_iter().flatten().filter(|one| one["in"] == "query") {
            let (name, rule) = (parameter["name"].as_str().expect("a name"), &parameter["schema"]);
            for (text, value) in [
                ("0", json!(0)),
                ("1", json!(1)),
                ("100", json!(100)),
                ("101", json!(101)),
                ("-1", json!(-1)),
                ("x", json!("x")),
            ] {
                if rule["type"] != "integer" {
                    continue;
                }
                let route = path.trim_start_matches("/api/v1").replace("{group}", "admins").replace("{user}", ALICE);
                let status = root.api(&method, &format!("{route}?{name}={text}"), Value::Null).status();
                assert_eq!(status == 200, follows(rule, &value), "{method} {path}?{name}={text}: {status}");
                tried += 1;
            }
        }
    }
    assert!(tried >= 24, "{tried}");
}
