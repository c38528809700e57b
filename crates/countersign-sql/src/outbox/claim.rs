//! Claims, as they are read.

use std::{collections::HashMap, sync::Arc};

use countersign_store::{
    Fence, StoreError,
    outbox::{Claimed, Endpoint, Message},
};

use super::{delivery::trigger, endpoint, message};

/// A leased delivery as it is read: id, message, endpoint, attempts, step, and whether it was asked for.
pub(crate) type Row = (i64, String, String, i64, i64, i64);

/// What leased deliveries need: their messages and endpoints, each once, or why one can't be read.
pub(crate) struct Needed {
    messages: HashMap<String, Result<Arc<Message>, StoreError>>,
    endpoints: HashMap<String, Result<Arc<Endpoint>, StoreError>>,
}

/// What was leased. What can't be read must keep no other delivery from its endpoint.
#[derive(Default)]
pub(crate) struct Leased {
    pub(crate) claimed: Vec<Claimed>,
    /// The ids of the deliveries that can't be read, or whose message or endpoint can't.
    pub(crate) unreadable: Vec<i64>,
}

impl Needed {
    pub(crate) fn new(messages: Vec<message::Row>, endpoints: Vec<endpoint::Row>) -> Self {
        let messages = messages.into_iter().map(|row| (row.0.clone(), message::message(row).map(Arc::new)));
        let endpoints =
            endpoints.into_iter().map(|row| (row.id().to_owned(), endpoint::endpoint(row).map(Arc::new)));
        Needed { messages: messages.collect(), endpoints: endpoints.collect() }
    }

    /// The claim of a row; `None` where its message or endpoint was deleted since. The error is a text, because one
    /// endpoint's is that of all its deliveries.
    fn claimed(&self, row: &Row, fence: Fence) -> Result<Option<Claimed>, String> {
        let (id, message, endpoint, attempts, step, asked_for) = row;
        let (Some(message), Some(endpoint)) = (self.messages.get(message), self.endpoints.get(endpoint))
        else {
            return Ok(None);
        };
        let number = |number: i64| u32::try_from(number).map_err(|error| error.to_string());
        Ok(Some(Claimed {
            id: *id,
            fence,
            attempt: number(*attempts)?,
            step: number(*step)?,
            trigger: trigger(*asked_for),
            message: message.as_ref().map_err(ToString::to_string)?.clone(),
            endpoint: endpoint.as_ref().map_err(ToString::to_string)?.clone(),
        }))
    }

    /// The claims of rows, in the order of these ids.
    pub(crate) fn claims(&self, ids: &[i64], rows: Vec<Row>, fence: Fence) -> Leased {
        let mut rows: HashMap<i64, Row> = rows.into_iter().map(|row| (row.0, row)).collect();
        let mut leased = Leased::default();
        for row in ids.iter().filter_map(|id| rows.remove(id)) {
            match self.claimed(&row, fence) {
                Ok(claimed) => leased.claimed.extend(claimed),
                Err(reason) => {
                    log(&row, &reason);
                    leased.unreadable.push(row.0);
                }
            }
        }
        leased
    }
}

fn log((delivery, message, endpoint, ..): &Row, reason: &str) {
    tracing::error!(
        target: "countersign",
        delivery,
        message_id = message,
        endpoint,
        reason,
        "a delivery can't be read: it is looked at again when its lease ends"
    );
}

/// The statement that puts off deliveries, whose ids `$list` means, that can't be read: they stay leased, to nobody, so
/// that they are neither claimed over and over nor take more places of their endpoint than it has. It doesn't count, or
/// nothing would be left of the schedule once they can be read.
macro_rules! put_off {
    ($list:literal) => {
        concat!(
            "UPDATE countersign_deliveries SET fence = NULL, attempts = attempts - 1, step = step - 1 WHERE id ",
            $list,
            " AND fence = $2"
        )
    };
}
pub(crate) use put_off;

/// Gives back the deliveries of a fence as if they had not been claimed: due now, the second parameter.
pub(crate) const GIVE_BACK_CLAIMED: &str = "
    UPDATE countersign_deliveries
    SET state = 'pending', due_at = $2, fence = NULL, attempts = attempts - 1, step = step - 1
    WHERE state = 'leased' AND fence = $1";

/// The ids of the messages or endpoints of rows, each once.
pub(crate) fn distinct(rows: &[Row], id: fn(&Row) -> &String) -> Vec<String> {
    let mut ids: Vec<String> = rows.iter().map(id).cloned().collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_asked_for_once() {
        let row = |message: &str| (1, message.to_owned(), String::new(), 1, 1, 0);
        assert_eq!(distinct(&[row("b"), row("a"), row("b")], |row| &row.1), ["a", "b"]);
    }
}
