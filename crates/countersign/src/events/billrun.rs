//! Events of BillRun, received by [`catalog::BILLRUN`](crate::catalog::BILLRUN), which authenticates
//! nobody.
//!
//! A webhook is created for a module and an action, and its body isn't documented to name them. So
//! give each webhook its own URL, and take the two from there:
//!
//! ```
//! use countersign::{Error, Verified, events::billrun::{Action, Event, EventType, Module}};
//!
//! // Of a route such as `/webhooks/billrun/{module}/{action}`.
//! fn on_event(module: &str, action: &str, verified: &Verified<'_>) -> Result<(), Error> {
//!     let event = Event::with_event_type(EventType::new(module, action), verified)?;
//!     match (event.event_type.module, event.event_type.action) {
//!         (Module::Bills, Action::AfterChargeSuccess) => println!("charged: {}", event.data),
//!         (Module::Collection, Action::Other(step)) => println!("collection: {step}"),
//!         _ => {}
//!     }
//!     Ok(())
//! }
//! ```

use core::fmt;

use super::{TypedEvent, text::text_enum};

/// An event; its data is the whole body.
pub type Event = TypedEvent<EventType>;

/// An event type: something that happens in a module. It is shown as `module.action`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EventType {
    /// The module.
    pub module: Module,
    /// The action.
    pub action: Action,
}

impl EventType {
    /// The type of this module and this action.
    pub fn new(module: impl Into<Module>, action: impl Into<Action>) -> EventType {
        EventType { module: module.into(), action: action.into() }
    }

    /// Reads `module.action`; `None` where there is no `.`.
    #[must_use]
    pub fn parse(text: &str) -> Option<EventType> {
        text.split_once('.').map(|(module, action)| EventType::new(module, action))
    }

    /// Whether the module is documented to have the action.
    #[must_use]
    pub fn is_documented(&self) -> bool {
        self.module.actions().contains(&self.action)
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.module, self.action)
    }
}

text_enum! {
    /// The modules that webhooks are created for.
    enum Module {
        Accounts = "accounts",
        Autorenew = "autorenew",
        Balances = "balances",
        Bills = "bills",
        Collection = "collection",
        Discounts = "discounts",
        Events = "events",
        /// Deletions alone are tracked.
        Lines = "lines",
        Plans = "plans",
        PrepaidGroups = "prepaidgroups",
        PrepaidIncludes = "prepaidincludes",
        /// Deletions alone are tracked.
        Queue = "queue",
        Rates = "rates",
        Services = "services",
        Subscribers = "subscribers",
        Taxes = "taxes",
        Users = "users",
    }
}

impl Module {
    /// The actions that the module is documented to have. [`Collection`](Module::Collection) has the
    /// steps that an installation defines besides.
    #[must_use]
    pub fn actions(&self) -> &'static [Action] {
        match self {
            Module::Bills => BILLS,
            Module::Events => &[Action::Create, Action::Notify],
            Module::Collection => &[Action::InCollection, Action::OutOfCollection],
            Module::Other(_) => &[],
            _ => &[Action::TrackChanges],
        }
    }
}

text_enum! {
    /// What can happen in a module.
    enum Action {
        TrackChanges = "trackchanges",
        AfterChargeSuccess = "afterChargeSuccess",
        AfterPaymentAdjusted = "afterPaymentAdjusted",
        AfterRefundSuccess = "afterRefundSuccess",
        AfterInvoiceConfirmed = "afterInvoiceConfirmed",
        AfterRejection = "afterRejection",
        AfterDenial = "afterDenial",
        AfterBalanceUpdate = "afterBalanceUpdate",
        AfterBalanceCreation = "afterBalanceCreation",
        Create = "create",
        Notify = "notify",
        InCollection = "in_collection",
        OutOfCollection = "out_of_collection",
    }
}

const BILLS: &[Action] = &[
    Action::AfterChargeSuccess,
    Action::AfterPaymentAdjusted,
    Action::AfterRefundSuccess,
    Action::AfterInvoiceConfirmed,
    Action::AfterRejection,
    Action::AfterDenial,
    Action::AfterBalanceUpdate,
    Action::AfterBalanceCreation,
];
