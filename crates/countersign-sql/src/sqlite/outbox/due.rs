//! Which deliveries may be leased, and whose turn it is.

use std::collections::{BTreeMap, HashMap, HashSet};

use countersign_store::{
    StoreError,
    outbox::{Endpoint, Turn, TurnCount},
};
use serde::Deserialize;
use sqlx::SqliteConnection;

use super::{as_one, list};
use crate::outbox::turns::Turns;

/// An endpoint that something is due for, and that has places left.
#[derive(Deserialize)]
struct Free {
    tenant: Option<String>,
    id: String,
    /// Since when something is due.
    since: i64,
    /// The id of that delivery.
    first: i64,
    places: i64,
    /// When an attempt was made last.
    attempted_at: Option<i64>,
}

/// An endpoint that has deliveries under way.
#[derive(Deserialize)]
struct Busy {
    tenant: Option<String>,
    id: String,
    under_way: usize,
}

/// A delivery that is due: since when, its id, and its endpoint.
type Due<'f> = (i64, i64, &'f Free);

/// The first delivery that is due of each of these endpoints that has a place left.
pub(super) async fn first_of_each(
    connection: &mut SqliteConnection,
    endpoints: &[String],
    now: i64,
) -> Result<Vec<i64>, StoreError> {
    if endpoints.is_empty() {
        return Ok(Vec::new());
    }
    let query = sqlx::query_scalar(FREE).bind(now).bind(Endpoint::HALF_OPEN_AFTER).bind(list(endpoints)?);
    let free: Vec<Free> = as_one(query, connection).await?;
    Ok(free.into_iter().map(|free| free.first).collect())
}

/// The deliveries that are due of all endpoints, as many as are asked for: tenants take turns, and the endpoints of each
/// do, and of an endpoint the oldest due goes first. The endpoints that are given none are the next.
pub(super) async fn in_turn(
    connection: &mut SqliteConnection,
    limit: usize,
    now: i64,
    next: &Turns,
) -> Result<Vec<i64>, StoreError> {
    let query = sqlx::query_scalar(ALL_FREE).bind(now).bind(Endpoint::HALF_OPEN_AFTER);
    let mut free: Vec<Free> = as_one(query, connection).await?;
    if free.is_empty() {
        return Ok(Vec::new());
    }
    free.sort_unstable_by_key(|free| (free.since, free.first));
    let busy: Vec<Busy> = as_one(sqlx::query_scalar(BUSY).bind(now), connection).await?;
    let mut turns = TurnCount::default();
    for endpoint in &busy {
        turns.add(endpoint.tenant.as_deref(), &endpoint.id, endpoint.under_way);
    }
    for endpoint in &free {
        turns.served(endpoint.tenant.as_deref(), &endpoint.id, endpoint.attempted_at);
    }
    let firsts = take_turns(free.iter().map(|free| (free.since, free.first, free)), turns.clone());
    // An endpoint whose first delivery isn't among as many first ones has none among all.
    let served = firsts.iter().take(limit).map(|(.., endpoint)| *endpoint);
    let due = take_turns(of_each(connection, served, limit, now).await?.into_iter(), turns);
    let due = &due[..limit.min(due.len())];
    let served: HashSet<&str> = due.iter().map(|(.., endpoint)| &*endpoint.id).collect();
    let others = firsts.iter().filter(|(.., endpoint)| !served.contains(&*endpoint.id));
    next.follow(others.map(|(.., endpoint)| endpoint.id.clone()));
    Ok(due.iter().map(|(_, id, _)| *id).collect())
}

/// The deliveries that are due of each of these endpoints, as many as it has places for and as are asked for: the first
/// of each, then the second.
async fn of_each<'f>(
    connection: &mut SqliteConnection,
    endpoints: impl Iterator<Item = &'f Free>,
    limit: usize,
    now: i64,
) -> Result<Vec<Due<'f>>, StoreError> {
    let most = i64::try_from(limit).unwrap_or(i64::MAX);
    let endpoints: HashMap<&str, &Free> = endpoints.map(|endpoint| (&*endpoint.id, endpoint)).collect();
    // SQLite looks for as many of each, so those with as many places are asked for together.
    let mut by_places: BTreeMap<i64, Vec<&str>> = BTreeMap::new();
    for endpoint in endpoints.values() {
        by_places.entry(endpoint.places.min(most)).or_default().push(&endpoint.id);
    }
    let mut due = Vec::new();
    for (places, ids) in by_places {
        let query = sqlx::query_scalar(DUE).bind(list(&ids)?).bind(now).bind(places);
        let mut rows: Vec<(String, i64, i64)> = as_one(query, connection).await?;
        rows.sort_unstable();
        for of_one in rows.chunk_by(|(one, ..), (other, ..)| one == other) {
            let rows = of_one.iter().enumerate();
            due.extend(rows.filter_map(|(turn, (id, since, delivery))| {
                Some((turn, *since, *delivery, *endpoints.get(&**id)?))
            }));
        }
    }
    due.sort_unstable_by_key(|(turn, since, id, _)| (*turn, *since, *id));
    Ok(due.into_iter().map(|(_, since, id, endpoint)| (since, id, endpoint)).collect())
}

/// In the order of all what is in the order of each tenant.
fn take_turns<'f>(due: impl Iterator<Item = Due<'f>>, mut turns: TurnCount<'f>) -> Vec<Due<'f>> {
    let due = due.map(|due @ (.., endpoint)| (turns.next(endpoint.tenant.as_deref(), &endpoint.id), due));
    let mut due: Vec<(Turn, Due)> = due.collect();
    due.sort_unstable_by_key(|(turn, (since, id, _))| (*turn, *since, *id));
    due.into_iter().map(|(_, due)| due).collect()
}

/// The endpoints, of those that `$which` means, that something is due for and that have places left, by the rule of
/// [`Endpoint::places`].
macro_rules! free {
    ($which:literal) => {
        concat!(
            "WITH waiting AS MATERIALIZED (
                SELECT tenant, id, attempted_at, CASE WHEN failures >= ?2 THEN 1 ELSE in_flight END AS places, (
                    SELECT min(due_at) FROM countersign_deliveries
                    WHERE endpoint_id = endpoint.id AND state IN ('pending', 'leased')) AS since, (
                    SELECT delivery.id FROM countersign_deliveries AS delivery
                    WHERE delivery.endpoint_id = endpoint.id AND delivery.state IN ('pending', 'leased')
                    ORDER BY delivery.due_at, delivery.id LIMIT 1) AS first
                FROM countersign_endpoints AS endpoint
                WHERE state = 'enabled' AND (open_until IS NULL OR open_until <= ?1)",
            $which,
            "), free AS MATERIALIZED (
                SELECT tenant, id, attempted_at, since, first, places - (
                    SELECT count(*) FROM countersign_deliveries AS leased
                    WHERE leased.endpoint_id = waiting.id AND leased.state = 'leased' AND leased.due_at > ?1) AS places
                FROM waiting WHERE since <= ?1
            )
            SELECT json_group_array(json_array(tenant, id, since, first, places, attempted_at))
            FROM free WHERE places > 0"
        )
    };
}

pub(super) const FREE: &str = free!(" AND id IN (SELECT value FROM json_each(?3))");
const ALL_FREE: &str = free!("");

pub(super) const BUSY: &str = "
    SELECT json_group_array(json_array(tenant, id, number))
    FROM (
        SELECT endpoint_id, count(*) AS number FROM countersign_deliveries
        WHERE state = 'leased' AND due_at > ?1 GROUP BY endpoint_id) AS leased
    JOIN countersign_endpoints ON id = endpoint_id";

/// The sum is what keeps SQLite from preparing the statement anew for each limit.
const DUE: &str = "
    SELECT json_group_array(json_array(delivery.endpoint_id, delivery.due_at, delivery.id))
    FROM json_each(?1) AS free CROSS JOIN countersign_deliveries AS delivery
    WHERE delivery.id IN (
        SELECT candidate.id FROM countersign_deliveries AS candidate
        WHERE candidate.endpoint_id = free.value AND candidate.state IN ('pending', 'leased') AND candidate.due_at <= ?2
        ORDER BY candidate.due_at, candidate.id LIMIT ?3 + 0)";

#[cfg(test)]
mod tests {
    use super::*;

    fn free(tenant: Option<&str>, id: &str) -> Free {
        Free {
            tenant: tenant.map(str::to_owned),
            id: id.to_owned(),
            since: 0,
            first: 0,
            places: 10,
            attempted_at: None,
        }
    }

    #[test]
    fn who_has_had_fewer_turns_goes_first_and_of_equals_who_has_waited_longest() {
        let (a, b, alone) = (free(Some("one"), "a"), free(Some("one"), "b"), free(None, "one"));
        let due = [(1, 1, &a), (2, 2, &b), (3, 3, &b), (4, 4, &alone), (5, 5, &alone)];
        let turns = |busy: &[(Option<&'static str>, &'static str, usize)]| {
            let mut turns = TurnCount::default();
            busy.iter().for_each(|(tenant, id, under_way)| turns.add(*tenant, id, *under_way));
            take_turns(due.into_iter(), turns).into_iter().map(|(_, id, _)| id).collect::<Vec<_>>()
        };
        assert_eq!(turns(&[]), [1, 4, 2, 5, 3]);
        assert_eq!(turns(&[(Some("one"), "c", 1)]), [4, 1, 5, 2, 3], "by another endpoint of the tenant");
        assert_eq!(turns(&[(None, "one", 3)]), [1, 2, 3, 4, 5]);
        assert_eq!(turns(&[(Some("two"), "c", 9)]), [1, 4, 2, 5, 3], "another's");
    }
}
