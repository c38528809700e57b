//! The five billing systems: their endpoints, and what they tell of.

use std::convert::Infallible;

use countersign::{
    Scheme, catalog,
    events::{TypedEvent, billrun, iptvbp, ispbills, panel, snapbill},
};
use countersign_dispatch::profile::{self, ProfileError, snapbill::Late};
use countersign_store::outbox::{Endpoint, NewMessage};
use serde_json::{Value, json};

/// A billing system. Each is a tenant of its own.
#[derive(Clone, Copy)]
pub(super) enum System {
    Billrun,
    Iptvbp,
    Ispbills,
    Panel,
    Snapbill,
}

impl System {
    pub(super) const ALL: [System; 5] =
        [System::Billrun, System::Iptvbp, System::Ispbills, System::Panel, System::Snapbill];

    /// How it is called by people.
    pub(super) fn name(self) -> &'static str {
        match self {
            System::Billrun => "BillRun",
            System::Iptvbp => "IPTVbp",
            System::Ispbills => "ISPBills",
            System::Panel => "Panel",
            System::Snapbill => "SnapBill",
        }
    }

    /// How its messages are signed, if they are.
    pub(super) fn scheme(self) -> Scheme {
        match self {
            System::Billrun => catalog::BILLRUN,
            System::Iptvbp => catalog::IPTVBP,
            System::Ispbills => catalog::ISPBILLS,
            System::Panel => catalog::PANEL,
            System::Snapbill => catalog::SNAPBILL,
        }
    }

    /// An endpoint that wants all that the system tells of here.
    pub(super) fn endpoint(self, id: &str, url: &str, secret: &str) -> Result<Endpoint, ProfileError> {
        let mut endpoint = match self {
            System::Billrun => profile::billrun::endpoint(id, url, &charged()),
            System::Iptvbp => profile::iptvbp::endpoint(id, url, secret, &IPTVBP),
            System::Ispbills => {
                let wanted = [ispbills::Category::Invoice, ispbills::Category::Payment];
                profile::ispbills::endpoint(id, HTTPS, secret, &catalog::ISPBILLS, &wanted)
            }
            System::Panel => profile::panel::endpoint(id, url, secret, &PANEL),
            System::Snapbill => {
                profile::snapbill::endpoint(id, url, &[snapbill::EventType::InvoiceUpdateState])
            }
        }?;
        url.clone_into(&mut endpoint.url);
        endpoint.tenant = Some(self.tenant());
        Ok(endpoint)
    }

    /// What it tells of for the so many-th time.
    pub(super) fn message(self, number: usize) -> Result<NewMessage, ProfileError> {
        let mut message = match self {
            System::Billrun => profile::billrun::message(&event(charged(), number)),
            System::Iptvbp => profile::iptvbp::message(&event(one_of(&IPTVBP, number), number)),
            System::Ispbills => profile::ispbills::message(&event(one_of(&ISPBILLS, number).into(), number)),
            System::Panel => profile::panel::message(&event(one_of(&PANEL, number), number)),
            System::Snapbill => {
                profile::snapbill::message(&snapbill::EventType::InvoiceUpdateState, number.to_string())
            }
        }?;
        message.tenant = Some(self.tenant());
        Ok(message)
    }

    fn tenant(self) -> String {
        self.name().to_lowercase()
    }
}

/// Makes SnapBill's payloads, of which the outbox has the invoice's number alone, when they are delivered.
pub(super) fn payload_source() -> impl countersign_dispatch::PayloadSource {
    Late::new(async |_kind: snapbill::EventType, number: String| {
        let invoice = json!({ "number": number, "state": "paid", "total": "49.00" });
        let rest = [("invoice".to_owned(), invoice)].into_iter().collect();
        let content = snapbill::Body { id: number.into(), details: json!({ "by": "card" }), rest };
        Ok::<_, Infallible>(Some(content))
    })
}

fn charged() -> billrun::EventType {
    billrun::EventType::new("bills", "afterChargeSuccess")
}

/// The data tell events apart, since three of the systems send no id.
fn event<K>(kind: K, number: usize) -> TypedEvent<K, Value> {
    let data = json!({
        "number": number,
        "customer": format!("cus_{}", 8_800 + number % 40),
        "total": "49.00",
        "currency": "EUR",
    });
    TypedEvent { id: None, event_type: kind, time: None, data }
}

/// One after the other, and again from the first.
fn one_of<T: Clone>(all: &[T], number: usize) -> T {
    all[number % all.len()].clone()
}

/// The system takes `https` alone, and the sample has no certificate.
const HTTPS: &str = "https://replaced.example";
const IPTVBP: [iptvbp::EventType; 4] = [
    iptvbp::EventType::SubscriptionCreated,
    iptvbp::EventType::InvoiceCreated,
    iptvbp::EventType::PaymentReceived,
    iptvbp::EventType::InvoicePaid,
];
const ISPBILLS: [&str; 2] = ["invoice.created", "payment.received"];
const PANEL: [panel::EventType; 3] =
    [panel::EventType::UserCreated, panel::EventType::ServerCreated, panel::EventType::TransactionSuccess];
