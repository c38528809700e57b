//! What an operator can do, whoever asks for it: the API, or another side that is built on top.
//!
//! Each operation is told who is calling, and keeps to what they may see and do.

use std::sync::Arc;

use countersign_store::outbox::{OutboxStore, Page, TenantFilter};
use uuid::Uuid;

use crate::{
    Action, Caller, EventTypes,
    refusal::{Refusal, RefusalKind},
    server::Settings,
    text,
};

pub(crate) mod api_keys;
pub(crate) mod cancel;
pub(crate) mod deliveries;
pub(crate) mod draft;
pub(crate) mod endpoints;
pub(crate) mod messages;
pub(crate) mod replay;
pub(crate) mod secrets;
pub(crate) mod stats;
pub(crate) mod tenants;
pub(crate) mod test_event;
pub(crate) mod webhooks;
pub(crate) mod which;

/// An operator's hands. Cheap to clone.
pub(crate) struct Operator<S>(Arc<Settings<S>>);

impl<S: OutboxStore> Operator<S> {
    pub(crate) fn new(settings: Settings<S>) -> Self {
        Operator(Arc::new(settings))
    }

    pub(crate) fn settings(&self) -> &Settings<S> {
        &self.0
    }

    pub(crate) fn event_types(&self) -> &EventTypes {
        &self.0.event_types
    }

    /// # Errors
    /// Where the store can't be written.
    pub(crate) async fn probe(&self) -> Result<(), Refusal> {
        Ok(self.store().probe().await?)
    }

    fn store(&self) -> &S {
        self.0.outbox.store()
    }

    /// The time, in microseconds.
    fn now(&self) -> i64 {
        (self.0.clock)()
    }

    /// Takes one of the caller's times of asking for something to be sent.
    fn take_resend(&self, caller: &Caller) -> Result<(), Refusal> {
        self.0.resends.take(caller.label(), self.now()).map_err(Refusal::rate_limited)
    }

    fn audit(&self, caller: &Caller, name: &'static str, subject: &str) {
        let action = Action { caller: caller.label(), name, subject };
        action.log();
        (self.0.audit)(&action);
    }
}

impl<S> Clone for Operator<S> {
    fn clone(&self) -> Self {
        Operator(self.0.clone())
    }
}

/// Which rows of a list are wanted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// What the page before ended with.
    pub(crate) cursor: Option<String>,
    /// How many.
    pub(crate) limit: Option<u32>,
}

/// A page of a list.
#[derive(Debug)]
pub(crate) struct Rows<T> {
    pub(crate) items: Vec<T>,
    /// The cursor of the next page; `None` where this is the last.
    pub(crate) next: Option<String>,
}

impl Wanted {
    /// The most rows of a page.
    pub(crate) const MAX: u32 = 200;
    const DEFAULT: u32 = 50;

    /// How many rows are wanted.
    fn rows(&self) -> Result<u32, Refusal> {
        match self.limit.unwrap_or(Self::DEFAULT) {
            limit @ 1..=Self::MAX => Ok(limit),
            _ => Err(Refusal::field("limit", format!("is not from 1 to {}", Self::MAX))),
        }
    }

    /// The page to ask the store for: a row more than is wanted, to see whether there is another page.
    fn page(&self) -> Result<Page, Refusal> {
        let limit = self.rows()? + 1;
        match &self.cursor {
            Some(cursor) if text::check_stored(cursor).is_err() => Err(unknown_cursor()),
            after => Ok(Page { after: after.clone(), limit }),
        }
    }
}

impl<T> Rows<T> {
    /// The page that was wanted, of what the store has given for it.
    fn of(page: &Page, mut items: Vec<T>, id: impl Fn(&T) -> String) -> Self {
        let wanted = page.limit as usize - 1;
        let more = items.len() > wanted;
        items.truncate(wanted);
        let next = items.last().filter(|_| more).map(id);
        Rows { items, next }
    }

    pub(crate) fn map<U>(self, view: impl FnMut(T) -> U) -> Rows<U> {
        Rows { items: self.items.into_iter().map(view).collect(), next: self.next }
    }
}

impl Caller {
    /// # Errors
    /// Where they may see alone.
    fn check_may_change(&self) -> Result<(), Refusal> {
        match self.may_change() {
            true => Ok(()),
            false => Err(Refusal::new(RefusalKind::Forbidden, "this key may read alone: use another")),
        }
    }

    /// # Errors
    /// Where they are no admin.
    fn check_is_admin(&self) -> Result<(), Refusal> {
        match self.is_admin() {
            true => Ok(()),
            false => Err(Refusal::new(RefusalKind::Forbidden, "this is for admins: use a key of theirs")),
        }
    }

    /// The tenants whose things are listed: of all that they see, those of `wanted` where it is given.
    fn narrow(&self, wanted: Option<&str>) -> Result<TenantFilter, Refusal> {
        match (self.tenant(), wanted) {
            (Some(own), Some(wanted)) if own != wanted => Err(other_tenant()),
            (own, wanted) => {
                let tenant = checked("tenant", wanted)?.or(own);
                Ok(tenant.map_or(TenantFilter::Any, |tenant| TenantFilter::Is(tenant.to_owned())))
            }
        }
    }

    /// The tenant of what they make.
    fn tenant_of_new(&self, wanted: Option<String>) -> Result<Option<String>, Refusal> {
        match (self.tenant(), wanted) {
            (Some(own), Some(wanted)) if own != wanted => Err(other_tenant()),
            (Some(own), _) => Ok(Some(own.to_owned())),
            (None, wanted) => {
                let checked = wanted.as_deref().map_or(Ok(()), text::check);
                checked.map(|()| wanted).map_err(|mistake| Refusal::field("tenant", mistake))
            }
        }
    }
}

fn other_tenant() -> Refusal {
    Refusal::field("tenant", "is not the tenant of this key: leave it out")
}

fn unknown_cursor() -> Refusal {
    Refusal::field("cursor", "is not the `next` of a page: begin with the first page again")
}

/// A text by which something is looked for, if it can be one at all.
fn checked<'a>(field: &str, text: Option<&'a str>) -> Result<Option<&'a str>, Refusal> {
    let checked = text.map(text::check_stored).transpose();
    checked.map(|_| text).map_err(|mistake| Refusal::field(field, mistake))
}

/// The same, for a filter to keep.
fn owned(field: &str, text: Option<&str>) -> Result<Option<String>, Refusal> {
    Ok(checked(field, text)?.map(str::to_owned))
}

/// An id that the store can be asked for: another text is the id of nothing.
fn known_form(id: &str) -> Result<&str, Refusal> {
    text::check_stored(id).map(|()| id).map_err(|_| Refusal::not_found())
}

/// An id that nobody has had: `ep_…`. Those that are made later sort later.
fn new_id(prefix: &str) -> String {
    format!("{prefix}_{}", Uuid::now_v7().simple())
}
