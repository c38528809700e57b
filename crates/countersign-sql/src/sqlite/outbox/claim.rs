//! Claiming, fairly.

use std::{collections::BTreeMap, time::Duration};

use countersign_store::{
    Fence, StoreError,
    outbox::{Claimed, Endpoint},
};
use sqlx::SqliteConnection;

use super::{
    super::{SqliteStore, error::failed},
    list,
};
use crate::{
    clock,
    outbox::{
        claim::{Needed, Row, distinct},
        endpoint::{self, select_endpoints},
        message::{self, select_messages},
    },
};

/// A delivery that is due: whose turn of its endpoint it is, when it was due, and its id.
type Due = (usize, i64, i64);

impl SqliteStore {
    pub(super) async fn claim_deliveries(
        &self,
        limit: u32,
        lease: Duration,
    ) -> Result<Vec<Claimed>, StoreError> {
        let fence = Fence::random()?;
        let (ids, rows) = self.lease_due(limit as usize, lease, fence).await?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let messages = sqlx::query_as(MESSAGES).bind(list(&distinct(&rows, |row| &row.1))?);
        let messages: Vec<message::Row> = messages.fetch_all(&self.pool).await.map_err(failed)?;
        let endpoints = sqlx::query_as(ENDPOINTS).bind(list(&distinct(&rows, |row| &row.2))?);
        let endpoints: Vec<endpoint::Row> = endpoints.fetch_all(&self.pool).await.map_err(failed)?;
        Needed::new(messages, endpoints)?.claims(&ids, rows, fence)
    }

    /// Leases deliveries, and returns their ids in turn, and their rows.
    async fn lease_due(
        &self,
        limit: usize,
        lease: Duration,
        fence: Fence,
    ) -> Result<(Vec<i64>, Vec<Row>), StoreError> {
        let mut transaction = self.begin().await?;
        let now = self.now();
        let ids = due(&mut transaction, limit, now).await?;
        if ids.is_empty() {
            return Ok(Default::default());
        }
        let until = now.saturating_add(clock::span(lease));
        let query = sqlx::query_as(LEASE).bind(endpoint::json(&ids)?).bind(until).bind(fence.as_i64());
        let rows = query.fetch_all(&mut *transaction).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        Ok((ids, rows))
    }
}

/// The ids of deliveries that may be leased: endpoints take turns, the oldest due of each first.
async fn due(connection: &mut SqliteConnection, limit: usize, now: i64) -> Result<Vec<i64>, StoreError> {
    let free = sqlx::query_as(FREE).bind(now).bind(Endpoint::HALF_OPEN_AFTER);
    let free: Vec<(String, i64)> = free.fetch_all(&mut *connection).await.map_err(failed)?;
    let mut due: Vec<Due> = Vec::new();
    for (places, endpoints) in by_places(free, limit) {
        let query = sqlx::query_as(DUE).bind(list(&endpoints)?).bind(now).bind(places);
        let rows: Vec<(String, i64, i64)> = query.fetch_all(&mut *connection).await.map_err(failed)?;
        due.extend(turns(rows));
    }
    due.sort_unstable();
    Ok(due.into_iter().take(limit).map(|(_, _, id)| id).collect())
}

/// The endpoints that have places left, by how many: SQLite looks for as many deliveries of each.
fn by_places(free: Vec<(String, i64)>, limit: usize) -> BTreeMap<i64, Vec<String>> {
    let free: Vec<_> = free.into_iter().filter(|(_, places)| *places > 0).collect();
    // With more endpoints than places, one turn of each is enough.
    let most = if free.len() >= limit { 1 } else { i64::try_from(limit).unwrap_or(i64::MAX) };
    let mut groups: BTreeMap<i64, Vec<String>> = BTreeMap::new();
    for (endpoint, places) in free {
        groups.entry(places.min(most)).or_default().push(endpoint);
    }
    groups
}

/// Counts the turns of each endpoint, whose rows follow each other, the oldest due first.
fn turns(rows: Vec<(String, i64, i64)>) -> impl Iterator<Item = Due> {
    let (mut last, mut turn) = (String::new(), 0);
    rows.into_iter().map(move |(endpoint, due_at, id)| {
        turn = if endpoint == last { turn + 1 } else { 0 };
        last = endpoint;
        (turn, due_at, id)
    })
}

/// By the rule of [`Endpoint::places`].
const FREE: &str = "
    SELECT endpoint.id, CASE WHEN endpoint.failures >= ?2 THEN 1 ELSE endpoint.in_flight END - (
        SELECT count(*) FROM countersign_deliveries AS leased
        WHERE leased.endpoint_id = endpoint.id AND leased.state = 'leased' AND leased.due_at > ?1)
    FROM countersign_endpoints AS endpoint
    WHERE endpoint.state = 'enabled' AND (endpoint.open_until IS NULL OR endpoint.open_until <= ?1)
      AND EXISTS (
          SELECT 1 FROM countersign_deliveries AS waiting
          WHERE waiting.endpoint_id = endpoint.id AND waiting.state IN ('pending', 'leased') AND waiting.due_at <= ?1)";

const DUE: &str = "
    SELECT delivery.endpoint_id, delivery.due_at, delivery.id
    FROM json_each(?1) AS free CROSS JOIN countersign_deliveries AS delivery
    WHERE delivery.id IN (
        SELECT candidate.id FROM countersign_deliveries AS candidate
        WHERE candidate.endpoint_id = free.value AND candidate.state IN ('pending', 'leased') AND candidate.due_at <= ?2
        ORDER BY candidate.due_at, candidate.id LIMIT ?3)
    ORDER BY delivery.endpoint_id, delivery.due_at, delivery.id";

const LEASE: &str = "
    UPDATE countersign_deliveries
    SET state = 'leased', due_at = ?2, fence = ?3, attempts = attempts + 1, step = step + 1
    WHERE id IN (SELECT value FROM json_each(?1))
    RETURNING id, message_id, endpoint_id, attempts, step, asked_for";

const MESSAGES: &str = select_messages!("WHERE id IN (SELECT value FROM json_each(?1))");
const ENDPOINTS: &str = select_endpoints!("WHERE id IN (SELECT value FROM json_each(?1))");

#[cfg(test)]
mod tests {
    use super::*;

    fn row(endpoint: &str, due_at: i64, id: i64) -> (String, i64, i64) {
        (endpoint.to_owned(), due_at, id)
    }

    #[test]
    fn each_endpoint_counts_its_own_turns() {
        let rows = vec![row("a", 5, 1), row("a", 6, 2), row("b", 1, 3)];
        assert_eq!(turns(rows).collect::<Vec<_>>(), [(0, 5, 1), (1, 6, 2), (0, 1, 3)]);
    }

    #[test]
    fn with_more_endpoints_than_places_each_has_one() {
        let free = || vec![("a".to_owned(), 10), ("b".to_owned(), 3), ("c".to_owned(), 0)];
        assert_eq!(by_places(free(), 2), BTreeMap::from([(1, vec!["a".to_owned(), "b".to_owned()])]));
        let apart = by_places(free(), 5);
        assert_eq!(apart, BTreeMap::from([(3, vec!["b".to_owned()]), (5, vec!["a".to_owned()])]));
    }
}
