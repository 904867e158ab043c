//! One account makes as much noise as it can: what that does to others, with the real binary.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::process::{Server, configuration, file_mail, free_port, run};
use crate::store::Folder;
use crate::world::{ALICE, PASSWORD};

/// Threads of the loud one, and how often each goes round.
const THREADS: usize = 6;
const ROUNDS: usize = 150;

fn mails_to(folder: &Path, address: &str) -> usize {
    let Ok(entries) = std::fs::read_dir(folder.join("mail")) else { return 0 };
    let texts = entries.filter_map(|entry| std::fs::read_to_string(entry.ok()?.path()).ok());
    texts.filter(|text| text.contains(&format!("To: {address}"))).count()
}

/// Six threads make and revoke API tokens, ask for other addresses, log in and out, as fast as they are served.
#[test]
fn a_flood_of_acts_holds_up_nobody_elses_mail_and_fills_no_disk() {
    const LOUD: &str = "loud@example.org";
    let (folder, port) = (Folder::new(), free_port());
    let config = configuration(&folder.0, port, &file_mail(&folder.0));
    let mut server = Server::start(&["serve", "--config", &config], port);
    for person in [ALICE, LOUD] {
        let add = ["user", "add", person, "--confirmed", "--password-stdin", "--config", &config];
        assert!(run(&add, &format!("{PASSWORD}\n")).status.success());
    }
    let mut loud = server.client();
    loud.api("POST", "/login", &json!({"identity": LOUD, "password": PASSWORD})).expect(200);
    let size = || std::fs::metadata(folder.join("gatelodge.redb")).expect("the store").len();
    let before = size();
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for number in 0..THREADS {
            let mut client = loud.copy();
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    let new = json!({"name": "x", "scopes": ["profile"]});
                    let made = client.api("POST", "/account/tokens", &new);
                    if made.status() == 200 {
                        let id = made.json()["id"].as_str().expect("an id").to_owned();
                        client.api("DELETE", &format!("/account/tokens/{id}"), &Value::Null);
                    }
                    if round % 10 == 0 {
                        let to = format!("stranger{number}@example.net");
                        let ask = json!({"email": to, "current_password": PASSWORD});
                        client.api("POST", "/account/email", &ask);
                    }
                }
            });
        }
    });
    let flooded = begun.elapsed();
    // Somebody else forgot a password: the mail leaves in the order of its urgency, not behind what the loud one caused.
    let asked = Instant::now();
    server.client().api("POST", "/forgot", &json!({"email": ALICE})).expect(202);
    while mails_to(&folder.0, ALICE) == 0 {
        server.reads_until("mail delivered");
    }
    let waited = asked.elapsed();
    let (growth, told) = (size() - before, mails_to(&folder.0, LOUD));
    println!(
        "{} acts tried in {flooded:?}: the store grew by {growth} B, the loud one got {told} mails, another's link came after {waited:?}",
        THREADS * ROUNDS
    );
    assert!(waited < Duration::from_secs(10), "{waited:?}");
    assert!(growth < 2 << 20, "{growth} B");
    assert!(told < 20, "{told} mails to the loud one");
}
