//! Claiming, fairly.

use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

use countersign_store::{
    Fence, StoreError,
    outbox::{Claimed, Endpoint},
};
use sqlx::SqliteConnection;

use super::{
    super::{SqliteStore, error::failed},
    as_one, list,
};
use crate::{
    clock,
    outbox::{
        claim::{Needed, Row, distinct, put_off},
        endpoint::{self, endpoint_columns},
        message,
        turns::Turns,
    },
};

/// A delivery that is due: whose turn of its endpoint it is, when it was due, and its id.
type Due = (usize, i64, i64);
/// An endpoint that something is due for: since when, the delivery, its id, and how many places it has left.
type Free = (i64, i64, String, i64);
/// A message but for its payload, as it is read.
type Head = (String, Option<String>, String, String, i64, Option<String>, i64);

impl SqliteStore {
    pub(super) async fn claim_deliveries(
        &self,
        limit: u32,
        lease: Duration,
        fence: Fence,
    ) -> Result<Vec<Claimed>, StoreError> {
        let ids = self.lease_due(limit as usize, lease, fence).await?;
        match ids.is_empty() {
            true => Ok(Vec::new()),
            false => self.read_leased(&ids, fence).await,
        }
    }

    /// Leases deliveries, and returns their ids in turn.
    async fn lease_due(&self, limit: usize, lease: Duration, fence: Fence) -> Result<Vec<i64>, StoreError> {
        let mut transaction = self.begin().await?;
        let now = self.now();
        let ids = due(&mut transaction, limit, now, &self.turns).await?;
        if ids.is_empty() {
            return Ok(ids);
        }
        let until = now.saturating_add(clock::span(lease));
        let query = sqlx::query(LEASE).bind(endpoint::json(&ids)?).bind(until).bind(fence.as_i64());
        query.execute(&mut *transaction).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        Ok(ids)
    }

    /// Reads the deliveries apart from leasing them: nobody waits to write while payloads are read.
    async fn read_leased(&self, ids: &[i64], fence: Fence) -> Result<Vec<Claimed>, StoreError> {
        let mut connection = self.pool.acquire().await.map_err(failed)?;
        let rows = sqlx::query_scalar(LEASED).bind(endpoint::json(&ids)?).bind(fence.as_i64());
        let rows: Vec<Row> = as_one(rows, &mut connection).await?;
        let endpoints = sqlx::query_scalar(ENDPOINTS).bind(list(&distinct(&rows, |row| &row.2))?);
        let endpoints = as_one(endpoints, &mut connection).await?;
        let messages = sqlx::query_as(MESSAGES).bind(list(&distinct(&rows, |row| &row.1))?);
        let messages: Vec<(String, Vec<u8>)> = messages.fetch_all(&mut *connection).await.map_err(failed)?;
        let messages = messages.into_iter().map(whole).collect::<Result<_, _>>()?;
        let leased = Needed::new(messages, endpoints).claims(ids, rows, fence);
        if !leased.unreadable.is_empty() {
            let query = sqlx::query(PUT_OFF).bind(endpoint::json(&leased.unreadable)?).bind(fence.as_i64());
            query.execute(&mut *connection).await.map_err(failed)?;
        }
        Ok(leased.claimed)
    }
}

/// A message of its head and its payload.
fn whole((head, payload): (String, Vec<u8>)) -> Result<message::Row, StoreError> {
    let (id, tenant, kind, content_type, is_reference, traceparent, created_at): Head =
        endpoint::parse(&head)?;
    Ok((id, tenant, kind, content_type, payload, is_reference, traceparent, created_at))
}

/// The ids of deliveries that may be leased: endpoints take turns, the oldest due of each first.
async fn due(
    connection: &mut SqliteConnection,
    limit: usize,
    now: i64,
    turns: &Turns,
) -> Result<Vec<i64>, StoreError> {
    let next = turns.next(limit);
    let mut free = free(connection, now, &next).await?;
    if free.len() < limit {
        free = in_turn(all_free(connection, now).await?, &next);
        turns.follow(free.iter().skip(limit).map(|(_, _, endpoint, _)| endpoint.clone()));
    }
    let mut due: Vec<Due> = Vec::new();
    for (places, endpoints) in by_places(free, limit) {
        let query = sqlx::query_scalar(DUE).bind(list(&endpoints)?).bind(now).bind(places);
        let mut rows = as_one(query, connection).await?;
        rows.sort_unstable();
        due.extend(count_turns(rows));
    }
    due.sort_unstable();
    Ok(due.into_iter().take(limit).map(|(_, _, id)| id).collect())
}

/// Those of these endpoints that something is due for, and that have places left.
async fn free(
    connection: &mut SqliteConnection,
    now: i64,
    among: &[String],
) -> Result<Vec<Free>, StoreError> {
    if among.is_empty() {
        return Ok(Vec::new());
    }
    let query = sqlx::query_scalar(FREE).bind(now).bind(Endpoint::HALF_OPEN_AFTER).bind(list(among)?);
    as_one(query, connection).await
}

/// All endpoints that something is due for, and that have places left.
async fn all_free(connection: &mut SqliteConnection, now: i64) -> Result<Vec<Free>, StoreError> {
    as_one(sqlx::query_scalar(ALL_FREE).bind(now).bind(Endpoint::HALF_OPEN_AFTER), connection).await
}

/// Those whose turn it is, and then the others, for which something has been due longest first.
fn in_turn(mut free: Vec<Free>, next: &[String]) -> Vec<Free> {
    free.sort_unstable();
    let next: HashSet<&String> = next.iter().collect();
    free.sort_by_key(|(_, _, endpoint, _)| !next.contains(endpoint));
    free
}

/// The first endpoints by how many places they have left: SQLite looks for as many deliveries of each.
fn by_places(free: Vec<Free>, limit: usize) -> BTreeMap<i64, Vec<String>> {
    // With more endpoints than places, one turn is enough.
    let most = if free.len() >= limit { 1 } else { i64::try_from(limit).unwrap_or(i64::MAX) };
    let mut groups: BTreeMap<i64, Vec<String>> = BTreeMap::new();
    for (_, _, endpoint, places) in free.into_iter().take(limit) {
        groups.entry(places.min(most)).or_default().push(endpoint);
    }
    groups
}

/// Counts the turns of each endpoint, whose rows follow each other, the oldest due first.
fn count_turns(rows: Vec<(String, i64, i64)>) -> impl Iterator<Item = Due> {
    let (mut last, mut turn) = (String::new(), 0);
    rows.into_iter().map(move |(endpoint, due_at, id)| {
        turn = if endpoint == last { turn + 1 } else { 0 };
        last = endpoint;
        (turn, due_at, id)
    })
}

/// The endpoints, of those that `$which` means, that something is due for and that have places left, by the rule of
/// [`Endpoint::places`].
macro_rules! free {
    ($which:literal) => {
        concat!(
            "WITH waiting AS MATERIALIZED (
                SELECT id, CASE WHEN failures >= ?2 THEN 1 ELSE in_flight END AS places, (
                    SELECT min(due_at) FROM countersign_deliveries
                    WHERE endpoint_id = endpoint.id AND state IN ('pending', 'leased')) AS due_since, (
                    SELECT delivery.id FROM countersign_deliveries AS delivery
                    WHERE delivery.endpoint_id = endpoint.id AND delivery.state IN ('pending', 'leased')
                    ORDER BY delivery.due_at, delivery.id LIMIT 1) AS first
                FROM countersign_endpoints AS endpoint
                WHERE state = 'enabled' AND (open_until IS NULL OR open_until <= ?1)",
            $which,
            "), free AS MATERIALIZED (
                SELECT due_since, first, id, places - (
                    SELECT count(*) FROM countersign_deliveries AS leased
                    WHERE leased.endpoint_id = waiting.id AND leased.state = 'leased' AND leased.due_at > ?1) AS places
                FROM waiting WHERE due_since <= ?1
            )
            SELECT json_group_array(json_array(due_since, first, id, places)) FROM free WHERE places > 0"
        )
    };
}

pub(super) const FREE: &str = free!(" AND id IN (SELECT value FROM json_each(?3))");
const ALL_FREE: &str = free!("");

/// The sum is what keeps SQLite from preparing the statement anew for each limit.
const DUE: &str = "
    SELECT json_group_array(json_array(delivery.endpoint_id, delivery.due_at, delivery.id))
    FROM json_each(?1) AS free CROSS JOIN countersign_deliveries AS delivery
    WHERE delivery.id IN (
        SELECT candidate.id FROM countersign_deliveries AS candidate
        WHERE candidate.endpoint_id = free.value AND candidate.state IN ('pending', 'leased') AND candidate.due_at <= ?2
        ORDER BY candidate.due_at, candidate.id LIMIT ?3 + 0)";

const LEASE: &str = "
    UPDATE countersign_deliveries
    SET state = 'leased', due_at = ?2, fence = ?3, attempts = attempts + 1, step = step + 1
    WHERE id IN (SELECT value FROM json_each(?1))";

const LEASED: &str = "
    SELECT json_group_array(json_array(id, message_id, endpoint_id, attempts, step, asked_for))
    FROM countersign_deliveries WHERE id IN (SELECT value FROM json_each(?1)) AND fence = ?2";

const MESSAGES: &str = "
    SELECT json_array(id, tenant, kind, content_type, is_reference, traceparent, created_at), payload
    FROM countersign_messages WHERE id IN (SELECT value FROM json_each(?1))";

const ENDPOINTS: &str = concat!(
    "SELECT json_group_array(json_array(json_array(",
    endpoint_columns!(),
    "), revision)) FROM countersign_endpoints WHERE id IN (SELECT value FROM json_each(?1))"
);

const PUT_OFF: &str = put_off!("IN (SELECT value FROM json_each($1))");

#[cfg(test)]
mod tests {
    use super::*;

    fn row(endpoint: &str, due_at: i64, id: i64) -> (String, i64, i64) {
        (endpoint.to_owned(), due_at, id)
    }

    #[test]
    fn each_endpoint_counts_its_own_turns() {
        let rows = vec![row("a", 5, 1), row("a", 6, 2), row("b", 1, 3)];
        assert_eq!(count_turns(rows).collect::<Vec<_>>(), [(0, 5, 1), (1, 6, 2), (0, 1, 3)]);
    }

    #[test]
    fn with_more_endpoints_than_places_those_that_wait_longest_have_one() {
        let free = || {
            in_turn(
                vec![(7, 1, "a".to_owned(), 10), (5, 3, "b".to_owned(), 3), (5, 4, "c".to_owned(), 1)],
                &[],
            )
        };
        let names = |names: &[&str]| names.iter().copied().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(by_places(free(), 1), BTreeMap::from([(1, names(&["b"]))]));
        assert_eq!(by_places(free(), 3), BTreeMap::from([(1, names(&["b", "c", "a"]))]));
        let apart = by_places(free(), 5);
        assert_eq!(apart, BTreeMap::from([(1, names(&["c"])), (3, names(&["b"])), (5, names(&["a"]))]));
    }

    #[test]
    fn those_whose_turn_it_is_come_before_those_that_wait_longest() {
        let free = vec![(7, 1, "a".to_owned(), 1), (5, 2, "b".to_owned(), 1), (6, 3, "c".to_owned(), 1)];
        let sorted = in_turn(free, &["a".to_owned(), "nobody".to_owned()]);
        assert_eq!(sorted.iter().map(|(since, ..)| *since).collect::<Vec<_>>(), [7, 5, 6]);
    }
}
