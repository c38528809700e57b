//! `countersign tenant`.

use crate::{
    run::Folder,
    running::{Server, receiver},
};

#[test]
fn tenants_are_listed_shown_and_forgotten() {
    let folder = Folder::new();
    let receiver = receiver(&folder, "--json");
    let server = Server::start(&folder, receiver.port());
    assert!(server.json("tenant list")["items"].as_array().expect("a list").is_empty());
    for tenant in ["acme", "globex"] {
        server.ask(&format!("endpoint add https://example.com/{tenant} --tenant {tenant}")).go().out(0);
    }
    for _ in 0..3 {
        server.ask("message send --type x - --tenant acme").stdin("{}").go().out(0);
    }
    let table = server.ask("tenant list").go().out(0);
    let words = ["NAME", "ENDPOINTS", "LAST MESSAGE AT", "acme", "globex"];
    assert!(words.iter().all(|word| table.contains(word)), "{table}");
    assert_eq!(server.json("tenant show acme")["endpoints"], 1);

    assert!(server.ask("tenant forget acme").go().err(2).contains("--yes"));
    assert_eq!(server.json("tenant forget acme --yes")["forgotten"], 4);
    for line in ["tenant show acme", "tenant forget acme --yes"] {
        assert!(server.ask(line).go().err(1).contains("(404)"), "{line}");
    }
    assert_eq!(server.json("tenant list")["items"][0]["name"], "globex");
    assert_eq!(server.json("endpoint list")["items"].as_array().expect("a list").len(), 1);
    let done = server.running.stop();
    assert!(done.stderr.contains(r#"action="tenant.forgotten" subject="acme""#), "{done:?}");
}
