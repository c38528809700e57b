//! Claims, as they are read.

use std::{collections::HashMap, sync::Arc};

use countersign_store::{
    Fence, StoreError,
    outbox::{Claimed, Endpoint, Message},
};

use super::{delivery::trigger, endpoint, message};

/// A leased delivery as it is read: id, message, endpoint, attempts, step, and whether it was asked for.
pub(crate) type Row = (i64, String, String, i64, i64, i64);

/// What leased deliveries need: their messages and endpoints, each once.
pub(crate) struct Needed {
    messages: HashMap<String, Arc<Message>>,
    endpoints: HashMap<String, Arc<Endpoint>>,
}

impl Needed {
    pub(crate) fn new(
        messages: Vec<message::Row>,
        endpoints: Vec<endpoint::Row>,
    ) -> Result<Self, StoreError> {
        let messages = messages.into_iter().map(message::message);
        let endpoints = endpoints.into_iter().map(endpoint::endpoint);
        Ok(Needed {
            messages: messages
                .map(|one| one.map(|one| (one.id.clone(), Arc::new(one))))
                .collect::<Result<_, _>>()?,
            endpoints: endpoints
                .map(|one| one.map(|one| (one.id.clone(), Arc::new(one))))
                .collect::<Result<_, _>>()?,
        })
    }

    /// The claim of a row; `None` where its message or endpoint was deleted since.
    fn claimed(&self, row: Row, fence: Fence) -> Result<Option<Claimed>, StoreError> {
        let (id, message, endpoint, attempts, step, asked_for) = row;
        let (Some(message), Some(endpoint)) = (self.messages.get(&message), self.endpoints.get(&endpoint))
        else {
            return Ok(None);
        };
        let number = |number| u32::try_from(number).map_err(StoreError::invalid);
        Ok(Some(Claimed {
            id,
            fence,
            attempt: number(attempts)?,
            step: number(step)?,
            trigger: trigger(asked_for),
            message: message.clone(),
            endpoint: endpoint.clone(),
        }))
    }

    /// The claims of rows, in the order of these ids.
    pub(crate) fn claims(
        &self,
        ids: &[i64],
        rows: Vec<Row>,
        fence: Fence,
    ) -> Result<Vec<Claimed>, StoreError> {
        let mut rows: HashMap<i64, Row> = rows.into_iter().map(|row| (row.0, row)).collect();
        let rows = ids.iter().filter_map(|id| rows.remove(id));
        rows.filter_map(|row| self.claimed(row, fence).transpose()).collect()
    }
}

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
