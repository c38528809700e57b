//! A day at a billing company: the same in each run.

use std::{sync::atomic::Ordering, time::Duration};

use countersign::{Keyring, Message, Signer, catalog};
use countersign_store::{
    api_keys::{ApiKeyStore, Scope, StoredKey},
    outbox::{
        Attempt, Claimed, DeliveryFilter, DisabledBecause, Effect, Endpoint, EndpointKey, EndpointState,
        NewMessage, OutboxStore, Page, SettleDelivery, Verdict,
    },
};
use serde_json::json;

use crate::site::Site;

/// What there is to look at.
pub(crate) struct Sample {
    /// The path of a delivery that has failed twice.
    pub(crate) delivery: String,
    message: String,
}

impl Sample {
    /// Each page: its name, and its path.
    pub(crate) fn pages(&self) -> Vec<(&'static str, String)> {
        let pages = [
            ("overview", "/dashboard"),
            ("endpoints", "/dashboard/endpoints"),
            ("endpoint", "/dashboard/endpoints/ep_portal"),
            ("endpoint-failing", "/dashboard/endpoints/ep_crm"),
            ("endpoint-edit", "/dashboard/endpoints/ep_portal/edit"),
            ("endpoint-new", "/dashboard/endpoints/new"),
            ("endpoint-delete", "/dashboard/endpoints/ep_portal/delete"),
            ("secret-change", "/dashboard/endpoints/ep_portal/secret"),
            ("replay", "/dashboard/endpoints/ep_warehouse/replay?status=delivered"),
            ("cancel", "/dashboard/endpoints/ep_crm/cancel"),
            ("deliveries", "/dashboard/deliveries"),
            ("delivery", &self.delivery),
            ("messages", "/dashboard/messages"),
            ("message", &self.message),
            ("tenants", "/dashboard/tenants"),
            ("endpoints-of-tenant", "/dashboard/endpoints?tenant=northwind"),
            ("messages-of-tenant", "/dashboard/messages?tenant=northwind"),
            ("keys", "/dashboard/keys"),
            ("key-new", "/dashboard/keys/new"),
            ("key-remove", "/dashboard/keys/key_03/remove"),
            ("failed", "/dashboard/nothing"),
        ];
        pages.map(|(name, path)| (name, path.to_owned())).to_vec()
    }
}

/// Lets a day pass at a site: messages are enqueued, and each attempt is answered.
pub(crate) async fn fill(site: &Site) -> Sample {
    let store = site.outbox.store();
    let mut chance = Chance(0x9E37_79B9_7F4A_7C15);
    set(site, BEGIN - 30 * DAY);
    for endpoint in endpoints() {
        store.put_endpoint(&endpoint).await.unwrap();
    }
    for key in keys() {
        store.add_api_key(&key).await.unwrap();
    }
    set(site, BEGIN);
    let mut ticket = NewMessage::new("ticket.opened", json!({ "type": "ticket.opened" }).to_string());
    ticket.tenant = tenant();
    store.enqueue(&[ticket]).await.unwrap();
    let mut last = String::new();
    for step in 0..STEPS {
        let now = BEGIN + step * STEP + chance.below(120) * SECOND;
        set(site, now);
        let mut messages: Vec<_> = (0..busy(step, &mut chance)).map(|_| message(&mut chance, now)).collect();
        if step == STEPS - 4 {
            let failing = invoice(&mut chance, now, 20_418);
            last.clone_from(failing.id.as_ref().unwrap());
            messages.push(failing);
        }
        store.enqueue(&messages).await.unwrap();
        let claimed = store.claim(1000, Duration::from_secs(60)).await.unwrap();
        let settled: Vec<_> =
            claimed.iter().map(|claimed| settle(claimed, now, step, &last, &mut chance)).collect();
        store.settle(&settled).await.unwrap();
    }
    set(site, BEGIN + STEPS * STEP);
    let state = EndpointState::Disabled(DisabledBecause::Operator);
    store.set_state("ep_tax", state).await.unwrap();
    Sample { delivery: delivery_of(site, &last).await, message: format!("/dashboard/messages/{last}") }
}

/// The path of a message's delivery to the customers' portal.
async fn delivery_of(site: &Site, message: &str) -> String {
    let mut filter = DeliveryFilter::default();
    filter.message_id = Some(message.to_owned());
    filter.endpoint_id = Some("ep_portal".to_owned());
    let page = Page { after: None, limit: 1 };
    let found = site.outbox.store().deliveries(&filter, &page).await.unwrap();
    format!("/dashboard/deliveries/{}", found[0].id)
}

fn set(site: &Site, now: i64) {
    site.now.store(now, Ordering::SeqCst);
}

fn endpoints() -> Vec<Endpoint> {
    let own = ENDPOINTS.iter().map(|(id, name, url, events)| endpoint(id, name, url, events));
    let mut desk = endpoint("ep_desk", "Help desk", "https://desk.northwind.example/hooks", &["ticket.*"]);
    desk.tenant = tenant();
    own.chain([desk]).collect()
}

fn tenant() -> Option<String> {
    Some("northwind".to_owned())
}

fn endpoint(id: &str, name: &str, url: &str, events: &[&str]) -> Endpoint {
    let mut endpoint = Endpoint::new(id, url, "standard-webhooks");
    name.clone_into(&mut endpoint.name);
    endpoint.events = events.iter().map(|&event| event.to_owned()).collect();
    let key = |label: &str, valid_until| EndpointKey {
        label: label.to_owned(),
        secret: SECRET.to_owned(),
        valid_from: None,
        valid_until,
    };
    endpoint.keys.push(key("2026-10-20T08:12:44Z whsec_…7oD", None));
    if id == "ep_portal" {
        endpoint.keys.insert(0, key("2025-10-21T09:30:02Z whsec_…Q2k", Some((BEGIN / SECOND) + 6 * 86_400)));
    }
    endpoint
}

/// One that has expired is among them.
fn keys() -> Vec<StoredKey> {
    let key = |(number, label, scope, days): (u8, &str, Scope, Option<i64>)| StoredKey {
        id: format!("key_{number:02}"),
        label: label.to_owned(),
        digest: [number; 32],
        scope,
        created_at: BEGIN - 30 * DAY,
        expires_at: days.map(|days| BEGIN + days * DAY),
    };
    let keys = [
        (1, "General ledger", Scope::App { tenant: tenant().unwrap() }, None),
        (2, "Reports of the night before", Scope::Read { tenant: tenant() }, Some(-3)),
        (3, "Grafana", Scope::Read { tenant: None }, Some(90)),
        (4, "Ada Holm", Scope::Admin, Some(30)),
    ];
    keys.map(key).to_vec()
}

/// How many messages there are in a step: few at night, many before noon.
fn busy(step: i64, chance: &mut Chance) -> i64 {
    let hour = (step * STEP / SECOND / 3600 + 16) % 24;
    let most = [1, 1, 1, 1, 1, 2, 3, 5, 7, 9, 10, 9, 7, 8, 8, 7, 6, 5, 4, 4, 3, 2, 2, 1];
    1 + chance.below(most[usize::try_from(hour).unwrap()])
}

fn message(chance: &mut Chance, now: i64) -> NewMessage {
    let number = 20_000 + chance.below(400);
    match chance.below(10) {
        0..4 => invoice(chance, now, number),
        4 | 5 => event(
            chance,
            now,
            "payment.succeeded",
            json!({ "payment": format!("pay_{number}"), "amount": "49.00", "currency": "EUR" }),
        ),
        6 => event(
            chance,
            now,
            "payment.failed",
            json!({ "payment": format!("pay_{number}"), "reason": "insufficient_funds" }),
        ),
        7 => event(
            chance,
            now,
            "subscription.renewed",
            json!({ "subscription": format!("sub_{number}"), "plan": "fibre-500" }),
        ),
        8 => event(
            chance,
            now,
            "customer.updated",
            json!({ "customer": format!("cus_{number}"), "changed": ["address"] }),
        ),
        _ => event(chance, now, "invoice.overdue", json!({ "invoice": format!("INV-{number}"), "days": 14 })),
    }
}

fn invoice(chance: &mut Chance, now: i64, number: i64) -> NewMessage {
    let data = json!({
        "invoice": format!("INV-2026-{number}"),
        "customer": { "id": "cus_8841", "name": "Ada Holm" },
        "lines": [
            { "text": "Fibre 500, November", "amount": "49.00" },
            { "text": "Static IPv4", "amount": "5.00" },
        ],
        "total": "54.00",
        "currency": "EUR",
    });
    event(chance, now, "invoice.paid", data)
}

fn event(chance: &mut Chance, now: i64, kind: &str, data: serde_json::Value) -> NewMessage {
    let seconds = now / SECOND;
    let body = json!({ "type": kind, "timestamp": seconds, "data": data }).to_string();
    let mut message = NewMessage::new(kind, body);
    message.id = Some(format!("msg_{:012x}7{:019x}", now / 1000, chance.below(i64::MAX)));
    message
}

/// What comes of an attempt. The CRM is down since the morning; the portal fails at the last message.
fn settle(claimed: &Claimed, now: i64, step: i64, last: &str, chance: &mut Chance) -> SettleDelivery {
    let is_last = claimed.message.id == last && claimed.endpoint.id == "ep_portal";
    let answer = match &*claimed.endpoint.id {
        "ep_crm" if step > CRM_IS_DOWN => Answer::of(503, "upstream connect error"),
        "ep_portal" if is_last && claimed.attempt == 1 => Answer::NONE,
        "ep_portal" if is_last => Answer::of(500, r#"{"error":"deadlock detected","retryable":true}"#),
        "ep_warehouse" if chance.below(25) == 0 => Answer::of(429, "slow down"),
        "ep_fraud" if chance.below(40) == 0 => Answer::NONE,
        _ => Answer::of(200, r#"{"ok":true}"#),
    };
    let again = Duration::from_secs(if is_last { 500 } else { 3000 });
    let (verdict, effect) = match answer.status {
        Some(200) => (Verdict::Delivered, Effect::Well),
        Some(503) => (Verdict::Retry { after: again }, Effect::Failed { open_for: Some(LEFT_ALONE) }),
        _ => (Verdict::Retry { after: again }, Effect::Failed { open_for: None }),
    };
    let began = now + chance.below(300) * SECOND;
    let attempt = Some(attempt(claimed, began, answer, chance));
    let (id, fence, endpoint) = (claimed.id, claimed.fence, claimed.endpoint.clone());
    SettleDelivery { id, fence, endpoint, verdict, effect, attempt }
}

struct Answer {
    status: Option<u16>,
    body: &'static str,
}

impl Answer {
    const NONE: Answer = Answer { status: None, body: "" };

    fn of(status: u16, body: &'static str) -> Answer {
        Answer { status: Some(status), body }
    }

    fn error(&self) -> Option<String> {
        match self.status {
            Some(200) => None,
            Some(status) => Some(format!("answered {status}")),
            None => Some("timeout: the receiver took longer than 20 s".to_owned()),
        }
    }
}

fn attempt(claimed: &Claimed, now: i64, answer: Answer, chance: &mut Chance) -> Attempt {
    let mut attempt = Attempt::new(claimed.attempt, now, claimed.trigger);
    attempt.latency = match answer.status {
        Some(_) => Duration::from_micros(u64::try_from(38_000 + chance.below(160_000)).unwrap()),
        None => Duration::from_secs(20),
    };
    attempt.request_headers = signed(&claimed.message.id, now);
    attempt.error = answer.error();
    if answer.status.is_some() {
        let headers =
            [("content-type", "application/json"), ("server", "nginx"), ("x-request-id", "b7c1f0e2")];
        attempt.response_headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    }
    (attempt.status, attempt.response_body) = (answer.status, answer.body.into());
    attempt
}

fn signed(id: &str, now: i64) -> Vec<(String, String)> {
    let scheme = catalog::STANDARD_WEBHOOKS;
    let signer = Signer::new(&scheme, Keyring::new(&scheme, [SECRET]).unwrap()).unwrap();
    let mut headers = signer.sign(&Message::new(id, b"{}"), now / SECOND).unwrap().headers;
    headers.push(("content-type".to_owned(), "application/json".to_owned()));
    headers
}

/// Numbers by chance, the same in each run (xorshift).
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: i64) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        i64::try_from(self.0 >> 1).unwrap() % limit
    }
}

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;
/// 2026-11-19T16:00:00Z.
const BEGIN: i64 = 1_795_104_000 * SECOND;
const STEP: i64 = 600 * SECOND;
/// A day of them.
const STEPS: i64 = 144;
/// Half past nine in the morning.
const CRM_IS_DOWN: i64 = 105;
/// Two steps.
const LEFT_ALONE: Duration = Duration::from_secs(1200);
pub(crate) const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const ENDPOINTS: [(&str, &str, &str, &[&str]); 7] = [
    (
        "ep_crm",
        "CRM sync",
        "https://hooks.crm.example/in/8f2c",
        &["customer.*", "subscription.*", "invoice.overdue"],
    ),
    (
        "ep_dunning",
        "Dunning",
        "https://dunning.northwind.example/events",
        &["invoice.overdue", "payment.failed"],
    ),
    ("ep_fraud", "Fraud screening", "https://api.sentinel.example/v2/ingest", &["payment.*"]),
    (
        "ep_ledger",
        "General ledger",
        "https://ledger.northwind.example/hooks",
        &["invoice.*", "payment.succeeded"],
    ),
    (
        "ep_portal",
        "Customer portal",
        "https://portal.northwind.example/webhooks",
        &["invoice.*", "subscription.*"],
    ),
    ("ep_tax", "Tax reports", "https://tax.northwind.example/hooks", &["tax.*"]),
    ("ep_warehouse", "Data warehouse", "https://etl.northwind.example/countersign", &["*"]),
];
