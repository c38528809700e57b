//! Several tenants at one server, and who says which URL was asked for.

use countersign::{Keyring, Message, Scheme, Verifier, catalog};

use crate::{
    case::Case,
    endpoint::Endpoint,
    request::{BODY, NOW, Request, SECRET, sign},
};

pub(super) fn cases() -> Vec<Case> {
    [tenants(), urls(catalog::SQUARE), urls(catalog::HUBSPOT_V3)].concat()
}

fn tenants() -> Vec<Case> {
    let both = || Endpoint::of_tenants(&[("/a", SECRET), ("/b", "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX")]);
    let alike = || Endpoint::of_tenants(&[("/a", SECRET), ("/b", SECRET)]);
    let to = |target: &str| Request::signed(BODY).to(target).whole(BODY);
    let claiming = br#"{"tenant":"/b","type":"invoice.paid"}"#;
    let claim = Request::signed(claiming).to("/b").with("x-tenant", "/a").whole(claiming);
    vec![
        Case::new("adv_45_a_delivery_to_its_tenant").at(both()).talk(to("/a"), 200).handles([BODY]),
        Case::new("adv_45_a_delivery_to_another_tenant").at(both()).talk(to("/b"), 401),
        Case::new("adv_45_a_delivery_to_two_tenants_with_one_secret")
            .at(alike())
            .talk(to("/a"), 200)
            .talk(to("/b"), 200)
            .handles([BODY, BODY]),
        Case::new("adv_46_a_body_that_names_another_tenant").at(both()).talk(claim, 401),
        Case::new("adv_12_a_tenant_that_is_not_known").at(both()).talk(to("/c"), 401),
    ]
}

/// The URL that is signed is the configured one.
fn urls(scheme: Scheme) -> Vec<Case> {
    let secret = "a-secret-of-some-length";
    let url = "https://example.com/hooks";
    let endpoint = || {
        let keys = Keyring::new(&scheme, [secret]).unwrap();
        let verifier = Verifier::builder(scheme.clone()).keys(keys).public_url(url);
        Endpoint::accepting(verifier.build().unwrap())
    };
    let signed =
        |url| Request::new(sign(&scheme, secret, &Message { url, ..Message::new("evt_1", BODY) }, NOW));
    let forged = |request: Request| {
        request
            .to("/hooks")
            .set("Host", "evil.test")
            .with("X-Forwarded-Host", "evil.test")
            .with("X-Forwarded-Proto", "http")
            .with("Forwarded", "host=evil.test;proto=http")
            .whole(BODY)
    };
    let name = |what: &str| format!("adv_39_{what}_{}", scheme.name);
    vec![
        Case::new(name("forged_headers_beside_the_true_url_of"))
            .at(endpoint())
            .talk(forged(signed(url)), 200)
            .handles([BODY]),
        Case::new(name("forged_headers_that_agree_with_the_signed_url_of"))
            .at(endpoint())
            .talk(forged(signed("http://evil.test/hooks")), 401),
    ]
}
