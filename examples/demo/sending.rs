//! Sending: an application enqueues the events of five systems in transactions of its own SQLite database; a
//! dispatcher delivers them to receivers behind our layer.
//!
//! One receiver fails twice before it handles its event, and one endpoint lies behind a proxy that changes
//! what it passes on.

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Request, StatusCode},
    routing::post,
};
use countersign::{
    Keyring, Scheme, Verifier, catalog,
    events::{TypedEvent, billrun, iptvbp, ispbills, panel, snapbill},
};
use countersign_axum::{VerifiedBody, WebhookLayer};
use countersign_dispatch::{Dispatcher, Outbox, Schedule, profile};
use countersign_sql::SqliteStore;
use countersign_store::{
    MemoryStore,
    outbox::{DeliveryFilter, DeliveryState, Endpoint, NewMessage, OutboxStore, Page},
};
use countersign_tower::Idempotency;
use countersign_transport::{Policy, Transport};
use http_body_util::Full;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use serde_json::json;
use sqlx::SqlitePool;
use tokio::{net::TcpListener, time::sleep};

use crate::{Result, report::Report};

const SECRET: &str = "a secret of the demo";

/// Plays it, and says what happened.
pub(crate) async fn play() -> Result<Report> {
    let handled = Handled::default();
    let receiver = serve(receiver(&handled)?).await?;
    let proxy = serve(tampering_proxy(&receiver)).await?;

    let folder = tempfile::tempdir()?;
    let file = folder.path().join("app.db");
    let outbox = Outbox::new(SqliteStore::open(&file).await?);
    for endpoint in endpoints(&receiver, &proxy)? {
        outbox.store().put_endpoint(&endpoint).await?;
    }
    let pool = SqlitePool::connect(&format!("sqlite:{}", file.display())).await?;
    enqueue(&outbox, &pool).await?;

    // Everything here is on this machine; without this, no address is dialled that isn't public.
    let policy = Policy::new().allow_http().allow_ports(1..=u16::MAX).allow_network("127.0.0.0/8".parse()?);
    let transport = Transport::builder().policy(policy).build()?;
    let dispatcher = Dispatcher::new(outbox.clone(), transport)
        .payload_source(profile::snapbill::Late::new(move |_, invoice| state_of(pool.clone(), invoice)))
        // Short, to be watched: the default is ten attempts over three days.
        .schedule(Schedule::new([Duration::from_millis(100); 3]));
    dispatcher.run(all_settled(&outbox)).await;
    report(&outbox, &handled).await
}

// The receivers.

/// The paths at which handlers ran, in order.
type Handled = Arc<Mutex<Vec<&'static str>>>;

/// A route for each system, behind a layer of its scheme that hands each event on once.
fn receiver(handled: &Handled) -> Result<Router> {
    let mut app = Router::new();
    for (path, scheme) in [
        ("/iptvbp", catalog::IPTVBP),
        ("/slow", catalog::IPTVBP),
        ("/panel", catalog::PANEL),
        ("/ispbills", catalog::ISPBILLS),
        ("/billrun", catalog::BILLRUN),
        ("/snapbill", catalog::SNAPBILL),
    ] {
        let handled = handled.clone();
        // It takes the body, which nobody has who wasn't verified.
        let handler = async move |_: VerifiedBody| handle(&handled, path);
        app = app.route(path, post(handler).layer(layer(scheme)?));
    }
    Ok(app)
}

fn layer(scheme: Scheme) -> Result<WebhookLayer> {
    let keys = match scheme.is_unsigned() {
        true => Keyring::accept_unsigned(&scheme)?,
        false => Keyring::new(&scheme, [SECRET])?,
    };
    let week = Duration::from_secs(7 * 86_400);
    let once = Idempotency::new(MemoryStore::new()).ttl(week);
    Ok(WebhookLayer::new(Verifier::builder(scheme).keys(keys).build()?).idempotency(once)?)
}

/// Handles an event; at `/slow`, once it comes for the third time.
fn handle(handled: &Handled, path: &'static str) -> StatusCode {
    let mut handled = handled.lock().expect("nobody panics with the list in hand");
    handled.push(path);
    match path == "/slow" && handled.iter().filter(|other| **other == path).count() < 3 {
        true => StatusCode::INTERNAL_SERVER_ERROR,
        false => StatusCode::OK,
    }
}

/// Passes requests on to the panel's receiver, with one figure changed.
fn tampering_proxy(receiver: &str) -> Router {
    let client: Client<HttpConnector, Full<Bytes>> =
        Client::builder(hyper_util::rt::TokioExecutor::new()).build_http();
    let to = (client, format!("{receiver}/panel"));
    let pass_on =
        async |State((client, url)): State<(Client<_, _>, String)>, headers: HeaderMap, body: String| {
            let mut request = Request::post(url);
            for name in ["x-webhook-signature", "content-type"] {
                request =
                    headers.get(name).into_iter().fold(request, |request, value| request.header(name, value));
            }
            let request =
                request.body(Full::from(body.replace("42", "43"))).map_err(|_| StatusCode::BAD_GATEWAY)?;
            let answer = client.request(request).await.map_err(|_| StatusCode::BAD_GATEWAY)?;
            Ok::<_, StatusCode>(answer.status())
        };
    Router::new().route("/", post(pass_on)).with_state(to)
}

async fn serve(app: Router) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let origin = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async { axum::serve(listener, app).await });
    Ok(origin)
}

// The application.

/// Where the events go: each system's own receiver, and two more.
fn endpoints(receiver: &str, proxy: &str) -> Result<Vec<Endpoint>> {
    use profile::{billrun as b, iptvbp as i, ispbills as isp, panel as p, snapbill as s};
    let url = |path: &str| format!("{receiver}{path}");
    let paid = [iptvbp::EventType::PaymentReceived];
    let created = [panel::EventType::UserCreated];
    let https = "https://replaced.example";
    let mut isp =
        isp::endpoint("ISPBills", https, SECRET, &catalog::ISPBILLS, &[ispbills::Category::Invoice])?;
    // The profile takes https alone, as ISPBills does; here there is no certificate.
    isp.url = url("/ispbills");
    let mut endpoints = vec![
        i::endpoint("IPTVbp", &url("/iptvbp"), SECRET, &paid)?,
        i::endpoint("IPTVbp, a receiver that fails twice", &url("/slow"), SECRET, &paid)?,
        p::endpoint("panel", &url("/panel"), SECRET, &created)?,
        p::endpoint("panel, behind a proxy that changes a figure", &format!("{proxy}/"), SECRET, &created)?,
        isp,
        b::endpoint("BillRun", &url("/billrun"), &billrun::EventType::new("bills", "afterChargeSuccess"))?,
        s::endpoint("SnapBill", &url("/snapbill"), &[snapbill::EventType::InvoiceUpdateState])?,
    ];
    // Tenants keep the systems apart: each is an application of its own.
    for endpoint in &mut endpoints {
        endpoint.tenant = endpoint.id.split(',').next().map(str::to_owned);
    }
    Ok(endpoints)
}

/// The events, each system's own.
fn messages() -> Result<Vec<(&'static str, NewMessage)>> {
    let amount = json!({"amount": 42});
    let data = || amount.clone();
    let event = |id: &str| (Some(id.to_owned()), Some("2026-11-21T07:26:53Z".to_owned()));
    let (id, time) = event("evt_1");
    let iptvbp = TypedEvent { id, event_type: iptvbp::EventType::PaymentReceived, time, data: data() };
    let panel = TypedEvent { id: None, event_type: panel::EventType::UserCreated, time: None, data: data() };
    let invoice = ispbills::EventType::from("invoice.created");
    let ispbills = TypedEvent { id: None, event_type: invoice, time: None, data: data() };
    let charged = billrun::EventType::new("bills", "afterChargeSuccess");
    let billrun = TypedEvent { id: None, event_type: charged, time: None, data: data() };
    Ok(vec![
        ("IPTVbp", profile::iptvbp::message(&iptvbp)?),
        ("panel", profile::panel::message(&panel)?),
        ("ISPBills", profile::ispbills::message(&ispbills)?),
        ("BillRun", profile::billrun::message(&billrun)?),
        ("SnapBill", profile::snapbill::message(&snapbill::EventType::InvoiceUpdateState, "42")?),
    ])
}

/// Each event is enqueued in the transaction of the change that it tells of. One is rolled back: nobody hears
/// of it.
async fn enqueue(outbox: &Outbox<SqliteStore>, pool: &SqlitePool) -> Result {
    sqlx::query("CREATE TABLE invoices (id INTEGER PRIMARY KEY, state TEXT)").execute(pool).await?;
    sqlx::query("INSERT INTO invoices VALUES (42, 'open')").execute(pool).await?;
    for (tenant, mut message) in messages()? {
        message.tenant = Some(tenant.to_owned());
        for commits in [false, true] {
            let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
            sqlx::query("UPDATE invoices SET state = 'paid' WHERE id = 42")
                .execute(&mut *transaction)
                .await?;
            outbox.store().enqueue_in(&mut transaction, std::slice::from_ref(&message)).await?;
            match commits {
                true => transaction.commit().await?,
                false => transaction.rollback().await?,
            }
        }
    }
    Ok(())
}

/// What SnapBill's payload is made of, when it is delivered.
async fn state_of(pool: SqlitePool, invoice: String) -> io::Result<Option<snapbill::Body>> {
    let query = sqlx::query_scalar("SELECT state FROM invoices WHERE id = ?").bind(invoice);
    let state: Option<String> = query.fetch_optional(&pool).await.map_err(io::Error::other)?;
    Ok(state.map(|state| {
        let rest = [("invoice".to_owned(), json!({"id": 42, "state": state}))].into_iter().collect();
        snapbill::Body { id: json!(7301), details: json!({"state": state}), rest }
    }))
}

async fn all_settled(outbox: &Outbox<SqliteStore>) {
    while !matches!(outbox.store().next_due().await, Ok(None)) {
        sleep(Duration::from_millis(20)).await;
    }
}

// What happened.

/// What should have become of a delivery: the answers to its attempts, and how often the handler ran.
fn expected(endpoint: &str) -> (&'static str, DeliveryState, usize) {
    match endpoint {
        endpoint if endpoint.contains("fails twice") => ("500 500 200", DeliveryState::Delivered, 3),
        endpoint if endpoint.contains("proxy") => ("401 401 401 401", DeliveryState::Dead, 0),
        _ => ("200", DeliveryState::Delivered, 1),
    }
}

async fn report(outbox: &Outbox<SqliteStore>, handled: &Handled) -> Result<Report> {
    let columns = ["endpoint", "event", "answers", "outcome", "handler ran"];
    let mut report = Report::new("deliveries", columns);
    report.note("* A scheme without a signature: the receiver had to say that it accepts it.");
    let store = outbox.store();
    let mut deliveries = store.deliveries(&DeliveryFilter::default(), &Page::default()).await?;
    deliveries.reverse();
    for delivery in deliveries {
        let statuses = store
            .attempts(delivery.id, &Page::default())
            .await?
            .into_iter()
            .rev()
            .filter_map(|attempt| attempt.status);
        let answers = statuses.map(|status| status.to_string()).collect::<Vec<_>>().join(" ");
        let endpoint = store.endpoint(&delivery.endpoint_id).await?.ok_or("the endpoint is gone")?;
        let ran = runs(handled, &endpoint);
        let right = (&*answers, delivery.state, ran) == expected(&endpoint.id);
        let name = format!("{}{}", endpoint.id, if endpoint.keys.is_empty() { " *" } else { "" });
        let outcome = format!("{:?}", delivery.state).to_lowercase();
        report.row(right, [&name, &delivery.event_type, &answers, &outcome, &ran.to_string()]);
    }
    Ok(report)
}

/// How often the handler of an endpoint's receiver ran.
fn runs(handled: &Handled, endpoint: &Endpoint) -> usize {
    let handled = handled.lock().expect("nobody panics with the list in hand");
    handled.iter().filter(|path| endpoint.url.ends_with(**path)).count()
}
