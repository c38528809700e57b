//! The statements of the [operations](super::operations) that are the same in both databases.

use countersign_store::outbox::{DeliveryFilter, DeliveryState};

use super::{delivery::delivery_columns, endpoint::select_endpoints, message::select_messages};

/// When the next delivery of an enabled endpoint is due.
macro_rules! next_due {
    () => {
        "(SELECT min(CASE WHEN next.open_until > next.due_at THEN next.open_until ELSE next.due_at END)
        FROM (
            SELECT endpoint.open_until, (
                SELECT min(delivery.due_at) FROM countersign_deliveries AS delivery
                WHERE delivery.endpoint_id = endpoint.id AND delivery.state IN ('pending', 'leased')) AS due_at
            FROM countersign_endpoints AS endpoint WHERE endpoint.state = 'enabled') AS next)"
    };
}

macro_rules! insert_endpoint {
    () => {
        "INSERT INTO countersign_endpoints
            (id, tenant, name, url, state, events, channels, in_flight, settings, created_at, failures, revision)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, 1)
        ON CONFLICT (id) DO "
    };
}

/// What was known of another URL's failures is not known of this one.
macro_rules! where_url_stays {
    ($new:literal) => {
        concat!(
            "failing_since = CASE WHEN countersign_endpoints.url = ",
            $new,
            " THEN countersign_endpoints.failing_since END,
            failures = CASE WHEN countersign_endpoints.url = ",
            $new,
            " THEN countersign_endpoints.failures ELSE 0 END,
            warned_at = CASE WHEN countersign_endpoints.url = ",
            $new,
            " THEN countersign_endpoints.warned_at END,
            open_until = CASE WHEN countersign_endpoints.url = ",
            $new,
            " THEN countersign_endpoints.open_until END"
        )
    };
}

/// What an endpoint keeps where it is written again: its health, and when it was created.
pub(crate) const PUT_ENDPOINT: &str = concat!(
    insert_endpoint!(),
    "UPDATE SET tenant = excluded.tenant, name = excluded.name, url = excluded.url,
        state = excluded.state, events = excluded.events, channels = excluded.channels,
        in_flight = excluded.in_flight, settings = excluded.settings,
        revision = countersign_endpoints.revision + 1, ",
    where_url_stays!("excluded.url")
);
pub(crate) const ADD_ENDPOINT: &str = concat!(insert_endpoint!(), "NOTHING");
/// Where its revision is the last parameter.
pub(crate) const CHANGE_ENDPOINT: &str = concat!(
    "UPDATE countersign_endpoints
    SET tenant = $2, name = $3, url = $4, state = $5, events = $6, channels = $7, in_flight = $8, settings = $9,
        revision = revision + 1, ",
    where_url_stays!("$4"),
    " WHERE id = $1 AND revision = $10"
);

pub(crate) const ENDPOINT: &str = select_endpoints!("WHERE id = $1");
pub(crate) const ENDPOINTS: &str = select_endpoints!("");

/// Whether the settings of any hold a text.
pub(crate) const ANY_SECRET_BEGINS: &str =
    "SELECT EXISTS (SELECT 1 FROM countersign_endpoints WHERE replace(settings, $1, '') <> settings)";

pub(crate) const DELETE_ENDPOINT: &str = "DELETE FROM countersign_endpoints WHERE id = $1";

/// Enabling sets the failure clock back and closes the circuit.
pub(crate) const SET_STATE: &str = "
    UPDATE countersign_endpoints
    SET state = $2,
        revision = revision + 1,
        failing_since = CASE WHEN $2 = 'enabled' THEN NULL ELSE failing_since END,
        failures = CASE WHEN $2 = 'enabled' THEN 0 ELSE failures END,
        warned_at = CASE WHEN $2 = 'enabled' THEN NULL ELSE warned_at END,
        open_until = CASE WHEN $2 = 'enabled' THEN NULL ELSE open_until END
    WHERE id = $1";

/// Ends now what is leased until too far ahead.
pub(crate) const END_LEASES: &str =
    "UPDATE countersign_deliveries SET due_at = $1 WHERE state = 'leased' AND due_at > $2";

/// Closes circuits that are open until too far ahead, and lets what has been failing since then have begun now.
macro_rules! end_openings {
    ($lock:literal) => {
        concat!(
            "UPDATE countersign_endpoints
            SET open_until = CASE WHEN open_until <= $2 THEN open_until END,
                failing_since = CASE WHEN failing_since > $2 THEN $1 ELSE failing_since END
            WHERE id IN (SELECT id FROM countersign_endpoints WHERE open_until > $2 OR failing_since > $2",
            $lock,
            ")"
        )
    };
}
pub(crate) use end_openings;

/// Makes due now what was enqueued, to be sent at once, at a time that is yet to come.
macro_rules! end_waiting_of_enqueued {
    ($lock:literal) => {
        concat!(
            "UPDATE countersign_deliveries SET due_at = $1
            WHERE id IN (
                SELECT id FROM countersign_deliveries
                WHERE state = 'pending' AND due_at = created_at
                  AND message_id IN (SELECT id FROM countersign_messages WHERE created_at > $2)",
            $lock,
            ")"
        )
    };
}
pub(crate) use end_waiting_of_enqueued;

/// Makes due now what was put off by endpoints whose last attempt is yet to come: `end_attempted!` comes after it.
///
/// It is the endpoint's time that is looked at, because that of a delivery's last attempt is told by the clock of who made
/// it, which isn't the store's.
macro_rules! end_waiting_of_tried {
    ($lock:literal) => {
        concat!(
            "UPDATE countersign_deliveries SET due_at = $1
            WHERE id IN (
                SELECT id FROM countersign_deliveries
                WHERE state = 'pending' AND attempts > 0 AND due_at > $2
                  AND endpoint_id IN (SELECT id FROM countersign_endpoints WHERE attempted_at > $2)",
            $lock,
            ")"
        )
    };
}
pub(crate) use end_waiting_of_tried;

/// Lets attempts that are yet to come have been made now.
macro_rules! end_attempted {
    ($lock:literal) => {
        concat!(
            "UPDATE countersign_endpoints
            SET attempted_at = $1, succeeded_at = CASE WHEN succeeded_at > $2 THEN $1 ELSE succeeded_at END
            WHERE id IN (SELECT id FROM countersign_endpoints WHERE attempted_at > $2",
            $lock,
            ")"
        )
    };
}
pub(crate) use end_attempted;

/// Disables those that have been failing since before a time, but for those that somebody else is about to change: they
/// are looked at again, and are not waited for.
macro_rules! disable_failing {
    ($lock:literal) => {
        concat!(
            "UPDATE countersign_endpoints SET state = 'failing', revision = revision + 1
            WHERE state = 'enabled' AND failing_since <= $1 AND id IN (
                SELECT id FROM countersign_endpoints WHERE state = 'enabled' AND failing_since <= $1",
            $lock,
            ") RETURNING ",
            $crate::outbox::endpoint::endpoint_columns!(),
            ", revision"
        )
    };
}
pub(crate) use disable_failing;

/// Warns likewise of those that have been failing since before one time, and not since before another, from when on
/// they are disabled.
macro_rules! warn_of_failing {
    ($lock:literal) => {
        concat!(
            "UPDATE countersign_endpoints SET warned_at = $3
            WHERE state = 'enabled' AND warned_at IS NULL AND failing_since <= $1 AND failing_since > $2 AND id IN (
                SELECT id FROM countersign_endpoints
                WHERE state = 'enabled' AND warned_at IS NULL AND failing_since <= $1 AND failing_since > $2",
            $lock,
            ") RETURNING ",
            $crate::outbox::endpoint::endpoint_columns!(),
            ", revision"
        )
    };
}
pub(crate) use warn_of_failing;

pub(crate) const MESSAGE: &str = select_messages!("WHERE id = $1");
pub(crate) const MESSAGES: &str = select_messages!("");
pub(crate) const DELIVERIES: &str = concat!("SELECT ", delivery_columns!(), " FROM countersign_deliveries");
pub(crate) const COUNT: &str = "SELECT count(*) FROM countersign_deliveries";

/// Goes on with the time, with [`REDELIVER_THOSE`], and with the conditions. What waits keeps the attempts that it has
/// left.
pub(crate) const REDELIVER: &str = "UPDATE countersign_deliveries
    SET state = 'pending', step = CASE state WHEN 'pending' THEN step ELSE 0 END, asked_for = 1, due_at = ";
pub(crate) const REDELIVER_THOSE: &str = " WHERE id IN (SELECT id FROM countersign_deliveries";

/// What waits is made at once only where it is asked for.
pub(crate) fn can_be_redelivered(filter: &DeliveryFilter) -> &'static str {
    match filter.state {
        Some(DeliveryState::Pending) => "state = 'pending'",
        _ => "state IN ('delivered', 'dead', 'cancelled')",
    }
}

/// Goes on with conditions.
pub(crate) const CANCEL_THOSE: &str = "
    UPDATE countersign_deliveries SET state = 'cancelled', due_at = NULL, fence = NULL
    WHERE id IN (SELECT id FROM countersign_deliveries";

pub(crate) const NEXT_DUE: &str = concat!("SELECT ", next_due!());
/// The first count is of both states, because that is what an index holds.
pub(crate) const DEPTH: &str = concat!(
    "SELECT (SELECT count(*) FROM countersign_deliveries WHERE state IN ('pending', 'leased')), ",
    "(SELECT count(*) FROM countersign_deliveries WHERE state = 'leased'), ",
    next_due!()
);

/// The second count is a difference, because the index holds whether the error is null, and not whether it isn't.
pub(crate) const ACTIVITY: &str = ", count(*) FILTER (WHERE error IS NULL),
    count(*) - count(*) FILTER (WHERE error IS NULL) FROM countersign_attempts";
