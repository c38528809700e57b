//! Forgetting: a bounded number of messages in each transaction, or of deliveries to an endpoint that is gone, so that no
//! writer waits for long. A message goes with all of its deliveries and their attempts, of which nobody sees a part: of
//! messages that went to many endpoints these are as many times more rows.
//!
//! An endpoint goes before its deliveries, so that it is given no more. Those that are there nevertheless, because whoever
//! deleted it was interrupted, or because they were enqueued or settled at that moment, are found by a later pruning.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use countersign_store::outbox::Retention;

/// Implements forgetting for a store. `FORGET_MESSAGES` and `STILL_SETTLED` take the ids of messages as `list` writes
/// them, `FORGET_DELIVERIES` those of deliveries as `numbers` does, and `lock_deliveries` keeps others off those of messages.
macro_rules! forgetting {
    ($store:ident on $connection:ty, lock: $lock:literal) => {
        impl $store {
            /// Forgets some messages that are old. Says how many.
            async fn prune_messages(&self, keep: &Retention) -> Result<u64, StoreError> {
                let old = self.old_messages(keep).await?;
                if old.is_empty() {
                    return Ok(0);
                }
                let mut transaction = self.begin().await?;
                lock_deliveries(&mut transaction, &old).await?;
                let query = sqlx::query_scalar(STILL_SETTLED).bind(list(&old)?);
                let old: Vec<String> = query.fetch_all(&mut *transaction).await.map_err(failed)?;
                forget_messages(&mut transaction, &old).await?;
                transaction.commit().await.map_err(failed)?;
                Ok(old.len() as u64)
            }

            /// Some messages that are old, and had nothing left to deliver when they were looked at. They are looked for
            /// in no transaction, and a bounded number at a time: many can be old and still wait.
            async fn old_messages(&self, keep: &Retention) -> Result<Vec<String>, StoreError> {
                let mut search = match self.forgetting.search(keep) {
                    Some(search) => search,
                    None => self.begin_search(keep).await?,
                };
                let mut old = Vec::new();
                for _ in 0..forget::LOOKS {
                    let (behind, last) = (search.behind, search.last);
                    let query = sqlx::query_as(forget::END_OF_LOOK).bind(behind.0).bind(behind.1);
                    let end: Option<Place> = query
                        .bind(last.0)
                        .bind(last.1)
                        .bind(forget::LOOK_AT)
                        .fetch_optional(&self.pool)
                        .await
                        .map_err(failed)?;
                    let until = end.unwrap_or(last);
                    let query = sqlx::query_as(forget::OLD).bind(behind.0).bind(behind.1);
                    let wanted = PRUNE_AT_MOST.saturating_sub_unsigned(old.len() as u64);
                    let query = query.bind(until.0).bind(until.1).bind(wanted);
                    let found: Vec<(i64, i64, String)> = query.fetch_all(&self.pool).await.map_err(failed)?;
                    for (created_at, seq, id) in found {
                        search.behind = (created_at, seq);
                        old.push(id);
                    }
                    if old.len() as u64 >= PRUNED_AT_ONCE {
                        break;
                    }
                    match end {
                        Some(end) => search.behind = end,
                        None => return Ok(old),
                    }
                }
                self.forgetting.go_on(search);
                Ok(old)
            }

            async fn begin_search(&self, keep: &Retention) -> Result<Search, StoreError> {
                let before = self.time().await?.saturating_sub(clock::span(keep.age));
                let beyond = i64::try_from(keep.messages).unwrap_or(i64::MAX);
                let query = sqlx::query_as(forget::BEYOND).bind(beyond);
                let beyond = query.fetch_optional(&self.pool).await.map_err(failed)?;
                Ok(Search::new(*keep, before, beyond))
            }

            /// Forgets some deliveries whose endpoint is gone. Says how many.
            async fn prune_deliveries(&self) -> Result<u64, StoreError> {
                let query =
                    sqlx::query_as(forget::GONE).bind(self.forgetting.endpoint()).bind(forget::ENDPOINTS);
                let rows: Vec<(String, i64)> = query.fetch_all(&self.pool).await.map_err(failed)?;
                let mut forgotten = 0;
                for (endpoint, _) in &rows {
                    let some = self.forget_some_deliveries_to(endpoint).await?;
                    forgotten += some;
                    if some >= PRUNED_AT_ONCE {
                        return Ok(forgotten);
                    }
                }
                self.forgetting.looked_at(rows);
                Ok(forgotten)
            }

            /// Forgets the deliveries to an endpoint that is gone.
            async fn forget_deliveries_to(&self, endpoint: &str) -> Result<(), StoreError> {
                loop {
                    let began = Instant::now();
                    if self.forget_some_deliveries_to(endpoint).await? < PRUNED_AT_ONCE {
                        return Ok(());
                    }
                    // Another process that wants to write asks only now and then whether it may.
                    sleep(began.elapsed()).await;
                }
            }

            async fn forget_some_deliveries_to(&self, endpoint: &str) -> Result<u64, StoreError> {
                let mut transaction = self.begin().await?;
                let query = sqlx::query_scalar(concat!(some_deliveries!(), $lock));
                let query = query.bind(endpoint).bind(PRUNE_AT_MOST);
                let ids: Vec<i64> = query.fetch_all(&mut *transaction).await.map_err(failed)?;
                if !ids.is_empty() {
                    for statement in FORGET_DELIVERIES {
                        let query = sqlx::query(statement).bind(list(&ids)?);
                        query.execute(&mut *transaction).await.map_err(failed)?;
                    }
                    transaction.commit().await.map_err(failed)?;
                }
                Ok(ids.len() as u64)
            }
        }

        /// Forgets messages with their deliveries and attempts.
        async fn forget_messages(connection: &mut $connection, ids: &[String]) -> Result<(), StoreError> {
            for statement in FORGET_MESSAGES {
                let query = sqlx::query(statement).bind(list(ids)?);
                query.execute(&mut *connection).await.map_err(failed)?;
            }
            Ok(())
        }
    };
}
pub(crate) use forgetting;

/// When a message was enqueued, and its number: messages are looked at in this order, which an index has.
pub(crate) type Place = (i64, i64);

/// Where a store goes on forgetting. A clone is another handle on the same.
#[derive(Clone, Default)]
pub(crate) struct Forgetting(Arc<Mutex<Places>>);

#[derive(Default)]
struct Places {
    search: Option<Search>,
    /// The endpoint from which on deliveries are looked at whose endpoint is gone.
    endpoint: String,
}

/// A search for old messages, the oldest first.
#[derive(Clone, Copy)]
pub(crate) struct Search {
    keep: Retention,
    pub(crate) behind: Place,
    pub(crate) last: Place,
}

impl Forgetting {
    /// The search that was not ended, unless another retention is wanted now.
    pub(crate) fn search(&self, keep: &Retention) -> Option<Search> {
        self.lock().search.take().filter(|search| search.keep == *keep)
    }

    pub(crate) fn go_on(&self, search: Search) {
        self.lock().search = Some(search);
    }

    pub(crate) fn endpoint(&self) -> String {
        self.lock().endpoint.clone()
    }

    /// Goes on with the last of these endpoints, or, where they were all that there are, with the first again.
    pub(crate) fn looked_at(&self, endpoints: Vec<(String, i64)>) {
        let last = endpoints.into_iter().last().filter(|(_, place)| *place >= ENDPOINTS);
        self.lock().endpoint = last.map(|(endpoint, _)| endpoint).unwrap_or_default();
    }

    fn lock(&self) -> MutexGuard<'_, Places> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Search {
    /// A search for what is before a time, or not behind a place.
    pub(crate) fn new(keep: Retention, before: i64, beyond: Option<Place>) -> Self {
        let last = (before.saturating_sub(1), i64::MAX);
        Search { keep, behind: (i64::MIN, i64::MIN), last: beyond.map_or(last, |beyond| beyond.max(last)) }
    }
}

/// How often a call looks for old messages that it can forget.
pub(crate) const LOOKS: usize = 10;
/// At how many it looks each time.
pub(crate) const LOOK_AT: i64 = 4_000;
/// How many endpoints a call looks at that have deliveries.
pub(crate) const ENDPOINTS: i64 = 1_000;

/// The first message that is beyond the newest so many.
pub(crate) const BEYOND: &str = "
    SELECT created_at, seq FROM countersign_messages ORDER BY created_at DESC, seq DESC LIMIT 1 OFFSET $1";

/// The last message of a look, where there are more behind it.
pub(crate) const END_OF_LOOK: &str = "
    SELECT created_at, seq FROM countersign_messages
    WHERE (created_at, seq) > ($1, $2) AND (created_at, seq) <= ($3, $4)
    ORDER BY created_at, seq LIMIT 1 OFFSET $5";

/// The messages of a look that have nothing left to deliver. Without the offset PostgreSQL would rather read all deliveries
/// than look for those of each message.
pub(crate) const OLD: &str = "
    SELECT created_at, seq, id FROM countersign_messages AS message
    WHERE (created_at, seq) > ($1, $2) AND (created_at, seq) <= ($3, $4) AND NOT EXISTS (
        SELECT 1 FROM countersign_deliveries AS delivery
        WHERE delivery.message_id = message.id AND delivery.state IN ('pending', 'leased') LIMIT 1 OFFSET 0)
    ORDER BY created_at, seq LIMIT $5";

/// Of messages that had nothing left to deliver, those that still have nothing.
macro_rules! still_settled {
    ($in_list:literal) => {
        concat!(
            "SELECT id FROM countersign_messages AS message WHERE id ",
            $in_list,
            " AND NOT EXISTS (
                SELECT 1 FROM countersign_deliveries AS delivery
                WHERE delivery.message_id = message.id AND delivery.state IN ('pending', 'leased'))"
        )
    };
}
pub(crate) use still_settled;

/// The statements that forget messages whose ids are `$in_list`, which is the first parameter.
macro_rules! forget_messages {
    ($in_list:literal) => {
        [
            concat!(
                "DELETE FROM countersign_attempts WHERE delivery_id IN (",
                "SELECT id FROM countersign_deliveries WHERE message_id ",
                $in_list,
                ")"
            ),
            concat!("DELETE FROM countersign_deliveries WHERE message_id ", $in_list),
            concat!("DELETE FROM countersign_messages WHERE id ", $in_list),
        ]
    };
}
pub(crate) use forget_messages;

/// Some deliveries to an endpoint that is gone.
macro_rules! some_deliveries {
    () => {
        "SELECT id FROM countersign_deliveries
        WHERE endpoint_id = $1 AND NOT EXISTS (SELECT 1 FROM countersign_endpoints WHERE id = $1)
        ORDER BY id LIMIT $2"
    };
}
pub(crate) use some_deliveries;

/// The statements that forget deliveries whose ids are `$in_list`, which is the first parameter.
macro_rules! forget_deliveries {
    ($in_list:literal) => {
        [
            concat!("DELETE FROM countersign_attempts WHERE delivery_id ", $in_list),
            concat!("DELETE FROM countersign_deliveries WHERE id ", $in_list),
        ]
    };
}
pub(crate) use forget_deliveries;

/// The endpoints, from one on, that have deliveries and are gone, and the last that was looked at, each with its place. Each
/// is looked for behind the one before it in an index, however many deliveries there are.
pub(crate) const GONE: &str = "
    WITH RECURSIVE endpoints (id, place) AS (
        SELECT (SELECT min(endpoint_id) FROM countersign_deliveries WHERE endpoint_id >= $1), CAST(1 AS BIGINT)
        UNION ALL
        SELECT (SELECT min(endpoint_id) FROM countersign_deliveries WHERE endpoint_id > endpoints.id), place + 1
        FROM endpoints WHERE id IS NOT NULL AND place < $2)
    SELECT id, place FROM endpoints
    WHERE id IS NOT NULL AND (place = $2 OR NOT EXISTS (
        SELECT 1 FROM countersign_endpoints AS endpoint WHERE endpoint.id = endpoints.id))
    ORDER BY place";
