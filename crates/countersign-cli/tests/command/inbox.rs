//! `countersign inbox`, at the database of an application.

use std::{fs, time::Duration};

use countersign_sql::SqliteStore;
use countersign_store::{InboxStore, Outcome, Received, Settle};
use serde_json::{Value, json};
use sqlx::{ConnectOptions as _, Connection as _, sqlite::SqliteConnectOptions};
use tokio::runtime::Runtime;

use crate::run::{Folder, Run, countersign};

/// What a worker on the inbox of `application.db` does.
fn in_the_application<T>(folder: &Folder, does: impl AsyncFnOnce(&SqliteStore) -> T) -> T {
    Runtime::new().expect("a runtime").block_on(async {
        let store = SqliteStore::open(folder.path("application.db")).await.expect("a database");
        let done = does(&store).await;
        store.close().await;
        done
    })
}

/// An inbox in which the events 1 to 3 were given up and one waits.
fn three_dead() -> Folder {
    let folder = Folder::new();
    in_the_application(&folder, async |store| {
        for number in 1..=3 {
            let mut event = Received::new(format!("stripe/evt_{number}"), "stripe", "{\"amount\":\"x\"}");
            event.event_type = Some("invoice.paid\u{1b}[2J".to_owned());
            store.accept(&event).await.expect("accepted");
        }
        let leased = store.lease(3, Duration::from_secs(60)).await.expect("leased");
        let dead = |id, fence| Settle {
            id,
            fence,
            outcome: Outcome::Dead { reason: "no such customer".to_owned() },
        };
        let settled = leased.iter().map(|leased| dead(leased.id, leased.fence)).collect::<Vec<_>>();
        store.settle(&settled).await.expect("settled");
        store.accept(&Received::new("stripe/evt_4", "stripe", "{}")).await.expect("accepted");
    });
    folder
}

fn inbox(folder: &Folder, line: &str) -> Run {
    countersign(&format!("inbox {line} --database application.db")).within(folder)
}

fn json_of(run: Run) -> Value {
    serde_json::from_str(&run.args(&["--json"]).go().out(0)).expect("JSON")
}

#[test]
fn what_was_given_up_is_listed_by_the_page_and_shown() {
    let folder = three_dead();
    let page = json_of(inbox(&folder, "dead --limit 2"));
    assert_eq!((&page["waiting"], &page["next"]), (&json!(1), &json!(2)));
    let rest = json_of(inbox(&folder, "dead --limit 2 --after 2"));
    let ids = [&page, &rest].map(|page| page["items"].as_array().expect("rows").len());
    assert_eq!((ids, &rest["next"]), ([2, 1], &Value::Null));

    let done = inbox(&folder, "dead").go();
    assert!(done.stderr.contains("being handled: 1"), "{done:?}");
    let table = done.out(0);
    let [head, rows @ ..] = &table.lines().collect::<Vec<_>>()[..] else { panic!("{table}") };
    assert!(head.starts_with("ID") && head.ends_with("REASON") && rows.len() == 3, "{table}");
    assert!(rows.iter().all(|row| row.contains("no such customer") && row.contains("\\u{1b}[2J")), "{table}");

    let shown = json_of(inbox(&folder, "show 2"));
    assert_eq!((&shown["key"], &shown["attempts"]), (&json!("stripe/evt_2"), &json!(1)));
    assert_eq!(inbox(&folder, "show 2 --body").go().out(0), "{\"amount\":\"x\"}");
    assert!(inbox(&folder, "show 4").go().err(1).contains("no event of row 4 was given up"));
}

#[test]
fn what_was_given_up_is_put_back_and_can_be_leased_again() {
    let folder = three_dead();
    assert_eq!(inbox(&folder, "requeue 2").go().out(0), "put back: 1\n");
    assert!(
        inbox(&folder, "requeue 1 2")
            .go()
            .err(1)
            .contains("row 2 was given up: see `countersign inbox dead`")
    );
    assert_eq!(json_of(inbox(&folder, "requeue --all"))["requeued"], 1);
    let leased = in_the_application(&folder, async |store| store.lease(10, Duration::from_secs(60)).await);
    assert_eq!(leased.expect("leased").len(), 4);
}

#[test]
fn a_database_that_is_not_there_is_not_made() {
    let folder = Folder::new();
    assert!(inbox(&folder, "dead").go().err(2).contains("there is no database application.db"));
    assert!(!folder.path("application.db").exists());
    assert!(inbox(&folder, "requeue").go().err(2).contains("required"));
}

#[test]
fn a_database_of_another_program_is_refused_and_left_as_it_is() {
    let folder = Folder::new();
    let path = folder.path("application.db");
    Runtime::new().expect("a runtime").block_on(async {
        let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
        let mut connection = options.connect().await.expect("a database");
        sqlx::raw_sql("CREATE TABLE customers (name TEXT)").execute(&mut connection).await.expect("a table");
        connection.close().await.expect("closed");
    });
    let before = fs::read(&path).expect("a file");
    for line in ["inbox dead", "inbox show 1", "inbox requeue --all", "endpoint list"] {
        let run = countersign(&format!("{line} --database application.db")).within(&folder);
        let said = run.go().err(2);
        assert!(said.contains("application.db has no table countersign_inbox"), "{line}: {said}");
        assert!(fs::read(&path).expect("a file") == before, "{line}");
    }
    assert_eq!(fs::read_dir(folder.path(".")).expect("a folder").count(), 1, "no file beside it");
}
