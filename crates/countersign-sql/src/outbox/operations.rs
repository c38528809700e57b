//! The operations that are the same [statements](super::statements) in both databases: endpoints, and what an operator
//! sees.

use countersign_store::{StoreError, outbox::Activity};

/// Implements [`OutboxStore`](countersign_store::outbox::OutboxStore) for a store, whose own statements
/// enqueue, claim, settle and [forget](super::forget). What is read alone goes over its `readers`. `failed` judges what
/// its database answers, `list` is its way to take a list as one parameter, and `$lock` is how it keeps others off the rows
/// that it is about to change.
macro_rules! outbox_store {
    ($store:ident, lock: $lock:literal) => {
        impl OutboxStore for $store {
            async fn enqueue(&self, messages: &[NewMessage]) -> Result<Vec<Enqueued>, StoreError> {
                self.enqueue_messages(messages).await
            }

            async fn claim(&self, limit: u32, lease: Duration) -> Result<Vec<Claimed>, StoreError> {
                self.give_back(&self.lost_claims, GIVE_BACK_CLAIMED).await?;
                let fence = Fence::random()?;
                self.lost_claims.watch(fence, self.claim_deliveries(limit, lease, fence)).await
            }

            async fn settle(&self, settled: &[SettleDelivery]) -> Result<Vec<Settlement>, StoreError> {
                self.settle_deliveries(settled).await
            }

            async fn changed(&self) {
                self.notified().await;
            }

            async fn put_endpoint(&self, endpoint: &Endpoint) -> Result<(), StoreError> {
                let created_at = self.created_at(endpoint).await?;
                self.write_endpoint(statements::PUT_ENDPOINT, endpoint, created_at).await.map(drop)
            }

            async fn put_endpoint_if_unchanged(&self, endpoint: &Endpoint) -> Result<(), StoreError> {
                let written = match endpoint.revision {
                    0 => {
                        let created_at = self.created_at(endpoint).await?;
                        self.write_endpoint(statements::ADD_ENDPOINT, endpoint, created_at).await?
                    }
                    read => self.write_endpoint(statements::CHANGE_ENDPOINT, endpoint, read).await?,
                };
                match written {
                    true => Ok(()),
                    false => Err(StoreError::new(StoreErrorKind::Changed)),
                }
            }

            async fn endpoint(&self, id: &str) -> Result<Option<Endpoint>, StoreError> {
                let query = sqlx::query_as(statements::ENDPOINT).bind(id);
                let row: Option<endpoint::Row> =
                    query.fetch_optional(self.readers()).await.map_err(failed)?;
                row.map(endpoint::endpoint).transpose()
            }

            async fn endpoints(
                &self,
                tenant: &TenantFilter,
                page: &Page,
            ) -> Result<Vec<Endpoint>, StoreError> {
                let mut conditions = Conditions::new(statements::ENDPOINTS);
                conditions.tenant(tenant);
                conditions.text("id >", page.after.as_deref());
                let mut sql = conditions.limit(" ORDER BY id", page.rows().into());
                let rows: Vec<endpoint::Row> =
                    sql.build_query_as().fetch_all(self.readers()).await.map_err(failed)?;
                rows.into_iter().map(endpoint::endpoint).collect()
            }

            async fn any_secret_begins(&self, with: &str) -> Result<bool, StoreError> {
                let query =
                    sqlx::query_scalar(statements::ANY_SECRET_BEGINS).bind(endpoint::secret_beginning(with)?);
                query.fetch_one(self.readers()).await.map_err(failed)
            }

            async fn delete_endpoint(&self, id: &str) -> Result<bool, StoreError> {
                let query = sqlx::query(statements::DELETE_ENDPOINT).bind(id);
                let removed = query.execute(&self.pool).await.map_err(failed)?;
                self.forget_deliveries_to(id).await?;
                Ok(removed.rows_affected() > 0)
            }

            async fn set_state(&self, id: &str, state: EndpointState) -> Result<bool, StoreError> {
                let query = sqlx::query(statements::SET_STATE).bind(id).bind(endpoint::state(state)?);
                let changed = query.execute(&self.pool).await.map_err(failed)?;
                Ok(changed.rows_affected() > 0)
            }

            async fn turn_failure_clocks(
                &self,
                warn_after: Duration,
                disable_after: Duration,
            ) -> Result<Vec<HealthChange>, StoreError> {
                let now = self.time().await?;
                let before = |age| now.saturating_sub(clock::span(age));
                let (warn, disable) = (before(warn_after), before(disable_after));
                // In one commit: where a warning fails, nothing was disabled of which nobody is told.
                let mut transaction = self.begin().await?;
                for (sql, ahead) in [
                    (statements::END_LEASES, TOO_FAR),
                    (statements::end_openings!($lock), TOO_FAR),
                    (statements::end_waiting_of_enqueued!($lock), AHEAD),
                    (statements::end_waiting_of_tried!($lock), AHEAD),
                    (statements::end_attempted!($lock), AHEAD),
                ] {
                    let query = sqlx::query(sql).bind(now).bind(now.saturating_add(clock::span(ahead)));
                    query.execute(&mut *transaction).await.map_err(failed)?;
                }
                let disabled = sqlx::query_as(statements::disable_failing!($lock)).bind(disable);
                let disabled = disabled.fetch_all(&mut *transaction).await.map_err(failed)?;
                let warned =
                    sqlx::query_as(statements::warn_of_failing!($lock)).bind(warn).bind(disable).bind(now);
                let warned = warned.fetch_all(&mut *transaction).await.map_err(failed)?;
                transaction.commit().await.map_err(failed)?;
                Ok(health::changed(disabled, warned, now))
            }

            async fn message(&self, id: &str) -> Result<Option<Message>, StoreError> {
                let query = sqlx::query_as(statements::MESSAGE).bind(id);
                let row: Option<message::Row> = query.fetch_optional(self.readers()).await.map_err(failed)?;
                row.map(message::message).transpose()
            }

            async fn messages(
                &self,
                filter: &MessageFilter,
                page: &Page,
            ) -> Result<Vec<Message>, StoreError> {
                let mut conditions = Conditions::new(statements::MESSAGES).messages(filter);
                if let Some(after) = &page.after {
                    let sql =
                        conditions.and().push("seq < (SELECT seq FROM countersign_messages WHERE id = ");
                    sql.push_bind(after.clone()).push(")");
                }
                let mut sql = conditions.limit(" ORDER BY seq DESC", page.rows().into());
                let rows: Vec<message::Row> =
                    sql.build_query_as().fetch_all(self.readers()).await.map_err(failed)?;
                rows.into_iter().map(message::message).collect()
            }

            async fn deliveries(
                &self,
                filter: &DeliveryFilter,
                page: &Page,
            ) -> Result<Vec<Delivery>, StoreError> {
                let mut conditions = Conditions::new(statements::DELIVERIES).deliveries(filter);
                conditions.number("id <", filter::number(page.after.as_deref())?);
                let mut sql = conditions.limit(filter::newest_first(filter.state), page.rows().into());
                let rows: Vec<delivery::Row> =
                    sql.build_query_as().fetch_all(self.readers()).await.map_err(failed)?;
                rows.into_iter().map(delivery::delivery).collect()
            }

            async fn count(&self, filter: &DeliveryFilter) -> Result<u64, StoreError> {
                let mut conditions = Conditions::new(statements::COUNT).deliveries(filter);
                let count: i64 =
                    conditions.sql.build_query_scalar().fetch_one(self.readers()).await.map_err(failed)?;
                u64::try_from(count).map_err(StoreError::invalid)
            }

            async fn attempts(&self, delivery: i64, page: &Page) -> Result<Vec<Attempt>, StoreError> {
                let below = filter::number(page.after.as_deref())?.unwrap_or(i64::MAX);
                let limit = i64::from(page.rows());
                let query = sqlx::query_as(attempt::SELECT).bind(delivery).bind(below).bind(limit);
                let rows: Vec<attempt::Row> = query.fetch_all(self.readers()).await.map_err(failed)?;
                rows.into_iter().map(attempt::attempt).collect()
            }

            async fn redeliver(
                &self,
                filter: &DeliveryFilter,
                limit: u32,
            ) -> Result<Redelivered, StoreError> {
                let now = self.time().await?;
                let mut statement = Conditions::new(statements::REDELIVER);
                statement.sql.push_bind(now).push(statements::REDELIVER_THOSE);
                statement.and().push(statements::can_be_redelivered(filter));
                let mut sql = statement.deliveries(filter).limit(" ORDER BY id", limit.into());
                sql.push($lock).push(") RETURNING id");
                let ids: Vec<i64> = sql.build_query_scalar().fetch_all(&self.pool).await.map_err(failed)?;
                Ok(Redelivered { count: ids.len() as u64, last: ids.into_iter().max() })
            }

            async fn cancel(&self, filter: &DeliveryFilter, limit: u32) -> Result<u64, StoreError> {
                let now = self.time().await?;
                let those = Conditions::new(statements::CANCEL_THOSE).deliveries(filter);
                let mut sql = those.waiting(now, limit);
                let cancelled = sql.push($lock).push(")").build().execute(&self.pool).await;
                Ok(cancelled.map_err(failed)?.rows_affected())
            }

            async fn next_due(&self) -> Result<Option<Duration>, StoreError> {
                let now = self.time().await?;
                let query = sqlx::query_scalar(statements::NEXT_DUE);
                let due: Option<i64> = query.fetch_one(self.readers()).await.map_err(failed)?;
                Ok(due.map(|due| clock::remaining(due.saturating_sub(now))))
            }

            async fn probe(&self) -> Result<(), StoreError> {
                self.try_writing().await
            }

            async fn depth(&self) -> Result<Depth, StoreError> {
                let now = self.time().await?;
                let query = sqlx::query_as(statements::DEPTH);
                let (waiting, leased, due): (i64, i64, Option<i64>) =
                    query.fetch_one(self.readers()).await.map_err(failed)?;
                let mut depth = Depth::default();
                depth.pending = u64::try_from(waiting - leased).map_err(StoreError::invalid)?;
                depth.leased = u64::try_from(leased).map_err(StoreError::invalid)?;
                depth.oldest_due = due.filter(|due| *due <= now).map(|due| clock::remaining(now - due));
                Ok(depth)
            }

            async fn activity(&self, filter: &ActivityFilter) -> Result<Vec<Activity>, StoreError> {
                let (from, step) = (filter.from, filter.step_micros());
                let mut statement = Conditions::new("SELECT (at - ");
                statement.sql.push_bind(from).push(") / ").push_bind(step).push(statements::ACTIVITY);
                statement.number("at >=", Some(from));
                statement.number("at <", Some(filter.until));
                statement.text("endpoint_id =", filter.endpoint_id.as_deref());
                statement.endpoints_of(&filter.tenant);
                statement.sql.push(" GROUP BY 1 ORDER BY 1");
                let rows: Vec<(i64, i64, i64)> =
                    statement.sql.build_query_as().fetch_all(self.readers()).await.map_err(failed)?;
                rows.into_iter().map(|row| operations::activity(from, step, row)).collect()
            }

            async fn tenants(&self, page: &Page) -> Result<Vec<Tenant>, StoreError> {
                let statement = match page.after {
                    Some(_) => tenant::PAGE_BEHIND,
                    None => tenant::FIRST_PAGE,
                };
                let after = page.after.as_deref().unwrap_or_default();
                let query = sqlx::query_as(statement).bind(after).bind(i64::from(page.rows()));
                let rows: Vec<tenant::Row> = query.fetch_all(self.readers()).await.map_err(failed)?;
                rows.into_iter().map(tenant::tenant).collect()
            }

            async fn tenant(&self, name: &str) -> Result<Option<Tenant>, StoreError> {
                let query = sqlx::query_as(tenant::ONE).bind(name);
                let row: Option<tenant::Row> = query.fetch_optional(self.readers()).await.map_err(failed)?;
                row.map(tenant::tenant).transpose()
            }

            async fn forget_tenant(&self, name: &str) -> Result<u64, StoreError> {
                let disable = sqlx::query(tenant::DISABLE_ENDPOINTS).bind(name);
                disable.execute(&self.pool).await.map_err(failed)?;
                let mut transaction = self.begin().await?;
                let query = sqlx::query_scalar(concat!(tenant::some_messages!(), $lock))
                    .bind(name)
                    .bind(PRUNE_AT_MOST);
                let ids: Vec<String> = query.fetch_all(&mut *transaction).await.map_err(failed)?;
                lock_deliveries(&mut transaction, &ids).await?;
                forget_messages(&mut transaction, &ids).await?;
                transaction.commit().await.map_err(failed)?;
                if ids.len() as u64 >= PRUNED_AT_ONCE {
                    return Ok(ids.len() as u64);
                }
                let query = sqlx::query_scalar(tenant::DELETE_ENDPOINTS).bind(name);
                let endpoints: Vec<String> = query.fetch_all(&self.pool).await.map_err(failed)?;
                for endpoint in &endpoints {
                    // What came to them from another tenant.
                    self.forget_deliveries_to(endpoint).await?;
                }
                Ok((ids.len() + endpoints.len()) as u64)
            }

            async fn prune_outbox(&self, keep: &Retention) -> Result<u64, StoreError> {
                let deliveries = self.prune_deliveries().await?;
                Ok(deliveries + self.prune_messages(keep).await?)
            }
        }

        impl $store {
            async fn created_at(&self, endpoint: &Endpoint) -> Result<i64, StoreError> {
                match endpoint.created_at {
                    0 => self.time().await,
                    known => Ok(known),
                }
            }

            /// Whether a statement, whose last parameter is `last`, has written the endpoint.
            async fn write_endpoint(
                &self,
                statement: &'static str,
                endpoint: &Endpoint,
                last: i64,
            ) -> Result<bool, StoreError> {
                check::endpoint(endpoint)?;
                let query = sqlx::query(statement)
                    .bind(&endpoint.id)
                    .bind(&endpoint.tenant)
                    .bind(&endpoint.name)
                    .bind(&endpoint.url)
                    .bind(endpoint::state(endpoint.state)?)
                    .bind(column::json(&endpoint.events)?)
                    .bind(column::json(&endpoint.channels)?)
                    .bind(i64::from(endpoint.limits.in_flight))
                    .bind(endpoint::settings(endpoint)?)
                    .bind(last);
                let written = query.execute(&self.pool).await.map_err(failed)?;
                Ok(written.rows_affected() > 0)
            }
        }
    };
}
pub(crate) use outbox_store;

/// The attempts of a step of time, from its number and two counts.
pub(crate) fn activity(from: i64, step: i64, row: (i64, i64, i64)) -> Result<Activity, StoreError> {
    let (number, succeeded, failed) = row;
    let count = |count| u64::try_from(count).map_err(StoreError::invalid);
    Ok(Activity { at: from + number * step, succeeded: count(succeeded)?, failed: count(failed)? })
}
