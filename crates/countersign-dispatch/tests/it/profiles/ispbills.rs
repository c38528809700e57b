//! ISPBills.

use countersign::{
    Scheme, catalog,
    events::{
        TypedEvent,
        ispbills::{Category, Event, EventType},
    },
    scheme::{Algorithm, Encoding},
};
use countersign_axum::Verified;
use countersign_dispatch::profile::{ProfileErrorKind, ispbills};
use serde_json::{Value, json};

use super::{
    Vector, data, kind_of,
    site::{Read, Site},
};

const READ: Read<Event> = |_, verified: &Verified| Event::from_verified(verified);
const SECRET: &str = "a-secret-that-is-long";
const URL: &str = "https://example.com/hooks";

fn event<T>(kind: &str, data: T) -> TypedEvent<EventType, T> {
    TypedEvent { id: None, event_type: kind.into(), time: None, data }
}

#[tokio::test]
async fn an_event_arrives_as_it_was_sent_and_is_handled_once() {
    let (vector, site) = (Vector::of("ispbills"), Site::new().await);
    let (url, wanted) = (site.url("/hooks"), [Category::Invoice]);
    let endpoint = ispbills::endpoint("ep", &url, vector.secret(), &catalog::ISPBILLS, &wanted).unwrap();
    assert_eq!(endpoint.scheme, "ispbills");
    let invoice = data(r#"{"invoice":{"id":42,"total":"750.00"}}"#);
    let message = ispbills::message(&event("invoice.created", invoice)).unwrap();
    for seen in site.handles_once(&endpoint, message, 1, READ, |dispatcher| dispatcher).await {
        assert_eq!(seen.event.event_type.category(), Category::Invoice);
        assert_eq!(seen.event.data["invoice"], json!({"id": 42, "total": "750.00"}));
        assert_eq!(seen.body, vector.body());
        assert_eq!(seen.headers["x-webhook-signature"], vector.header("X-Webhook-Signature"));
    }
}

#[tokio::test]
async fn what_its_user_states_is_what_signs() {
    let site = Site::new().await;
    let stated = catalog::isp_bills("X-ISPBills-Signature", Algorithm::HmacSha512, Encoding::Base64);
    let wanted = [Category::Payment];
    let endpoint = ispbills::endpoint("ep", &site.url("/hooks"), SECRET, &stated, &wanted).unwrap();
    assert_eq!(Scheme::from_toml(&endpoint.scheme).unwrap(), stated);
    let message = ispbills::message(&event("payment.received", json!({"amount": 42}))).unwrap();
    for seen in site.handles_once(&endpoint, message, 1, READ, |dispatcher| dispatcher).await {
        assert_eq!(
            (seen.event.event_type.as_str(), &seen.event.data["amount"]),
            ("payment.received", &json!(42))
        );
        let signature = seen.headers["x-ispbills-signature"].to_str().unwrap();
        assert_eq!((signature.len(), &signature[86..]), (88, "=="));
        assert!(!seen.headers.contains_key("x-webhook-signature"));
    }
}

#[test]
fn an_endpoint_has_an_https_url_a_secret_and_a_scheme_by_hmac() {
    let endpoint = |url, secret, scheme: &Scheme| {
        kind_of(ispbills::endpoint("ep", url, secret, scheme, &[Category::Customer]))
    };
    assert_eq!(endpoint(URL, SECRET, &catalog::ISPBILLS), None);
    assert_eq!(endpoint("https://10.0.0.1:8443/hooks", SECRET, &catalog::ISPBILLS), None);
    let refused = Some(ProfileErrorKind::InvalidEndpoint);
    for url in ["http://example.com/hooks", "example.com", "https://user@example.com", "https://"] {
        assert_eq!(endpoint(url, SECRET, &catalog::ISPBILLS), refused, "{url}");
    }
    for secret in ["", "   ", "short"] {
        assert_eq!(endpoint(URL, secret, &catalog::ISPBILLS), refused, "{secret:?}");
    }
    let stated = |algorithm, encoding| catalog::isp_bills("X-Signature", algorithm, encoding);
    let contradiction = catalog::isp_bills("not a header", Algorithm::HmacSha256, Encoding::Hex);
    for scheme in [
        stated(Algorithm::Token, Encoding::Raw),
        stated(Algorithm::None, Encoding::Raw),
        stated(Algorithm::Sha256SecretPrefix, Encoding::Hex),
        contradiction,
        catalog::IPTVBP,
        catalog::STRIPE,
    ] {
        assert_eq!(endpoint(URL, SECRET, &scheme), refused, "{}", scheme.to_toml());
    }
}

#[test]
fn an_event_is_of_a_category_that_is_documented() {
    let message = |kind| kind_of(ispbills::message(&event(kind, json!({}))));
    for known in ["customer.created", "connection.suspended", "package.price.changed"] {
        assert_eq!(message(known), None, "{known}");
    }
    for other in ["", "invoice", "invoice.", "invoice/created", "invoice/a.b", "voucher.created", ".created"]
    {
        assert_eq!(message(other), Some(ProfileErrorKind::UnknownEvent), "{other}");
    }
    let wanted = [Category::from("voucher")];
    let endpoint = ispbills::endpoint("ep", URL, SECRET, &catalog::ISPBILLS, &wanted);
    assert_eq!(kind_of(endpoint), Some(ProfileErrorKind::UnknownEvent));
    let wants_nothing = ispbills::endpoint("ep", URL, SECRET, &catalog::ISPBILLS, &[]);
    assert_eq!(kind_of(wants_nothing), Some(ProfileErrorKind::InvalidEndpoint));
    let not_fields = ispbills::message(&event::<Value>("invoice.created", json!([])));
    assert_eq!(kind_of(not_fields), Some(ProfileErrorKind::InvalidEvent));
}
