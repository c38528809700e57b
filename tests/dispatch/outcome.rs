//! What became of the messages of senders that were killed or stopped.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::Path,
};

use crate::sender::application;

/// What is in the file at the end, and what has arrived.
pub(crate) struct Outcome {
    pub(crate) committed: HashSet<String>,
    arrived: HashMap<String, usize>,
    states: BTreeMap<String, i64>,
    integrity: String,
}

impl Outcome {
    pub(crate) async fn read(file: &Path, arrived: HashMap<String, usize>) -> Outcome {
        let pool = application(file).await;
        let committed: Vec<String> =
            sqlx::query_scalar("SELECT id FROM changes").fetch_all(&pool).await.unwrap();
        let states = "SELECT state, count(*) FROM countersign_deliveries GROUP BY state";
        let states: Vec<(String, i64)> = sqlx::query_as(states).fetch_all(&pool).await.unwrap();
        let integrity = sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&pool).await.unwrap();
        pool.close().await;
        Outcome {
            committed: committed.into_iter().collect(),
            arrived,
            states: states.into_iter().collect(),
            integrity,
        }
    }

    /// What was committed and has not arrived.
    pub(crate) fn lost(&self) -> Vec<&String> {
        self.committed.iter().filter(|id| !self.arrived.contains_key(*id)).collect()
    }

    /// What has arrived and was not committed.
    pub(crate) fn phantoms(&self) -> Vec<&String> {
        self.arrived.keys().filter(|id| !self.committed.contains(*id)).collect()
    }

    /// How many arrivals were of messages that had arrived before.
    pub(crate) fn duplicates(&self) -> usize {
        self.arrived.values().map(|times| times - 1).sum()
    }

    /// Nothing is lost, nothing is made up, the file is whole, and everything is recorded as delivered.
    pub(crate) fn check(&self, acknowledged: &[String]) {
        let forgotten: Vec<_> = acknowledged.iter().filter(|id| !self.committed.contains(*id)).collect();
        assert!(forgotten.is_empty(), "acknowledged and not in the file: {forgotten:?}");
        assert!(self.lost().is_empty(), "lost: {:?}", self.lost());
        assert!(self.phantoms().is_empty(), "never committed: {:?}", self.phantoms());
        assert_eq!(self.integrity, "ok");
        let all = i64::try_from(self.committed.len()).unwrap();
        assert_eq!(self.states, BTreeMap::from([("delivered".to_owned(), all)]));
    }
}
