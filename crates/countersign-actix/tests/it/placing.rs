//! Where the middleware can stand, and what stands around it.

use std::{cell::RefCell, rc::Rc};

use actix_web::{
    App, Error, HttpResponse,
    body::MessageBody,
    dev::{Service, ServiceRequest, ServiceResponse},
    middleware::{Condition, Next, from_fn},
    test, web,
};
use countersign::{Keyring, Message, Signer, Verifier, catalog};
use countersign_actix::{Rejection, VerifiedBody, Webhooks};

use crate::support::*;

async fn handler(verified: VerifiedBody) -> HttpResponse {
    HttpResponse::Ok().body(verified.bytes().clone())
}

#[actix_web::test]
async fn it_stands_under_a_condition_on_a_scope_and_on_the_whole_app() {
    let conditional = App::new()
        .service(web::resource("/").wrap(Condition::new(true, webhooks())).to(handler))
        .service(web::resource("/off").wrap(Condition::new(false, webhooks())).to(handler));
    let conditional = test::init_service(conditional).await;
    assert_eq!(answer(&conditional, delivery("msg_1", BODY)).await, (200, None));
    assert_eq!(answer(&conditional, delivery("msg_1", "{}").uri("/")).await.0, 200);
    // Switched off, nothing is verified, and so nothing is handled.
    assert_eq!(answer(&conditional, delivery("msg_1", BODY).uri("/off")).await, (500, Some("misconfigured")));

    let scoped =
        App::new().service(web::scope("/hooks").wrap(webhooks()).route("/in", web::post().to(handler)));
    let scoped = test::init_service(scoped).await;
    assert_eq!(answer(&scoped, delivery("msg_1", BODY).uri("/hooks/in")).await, (200, None));

    let whole = test::init_service(App::new().wrap(webhooks()).route("/", web::post().to(handler))).await;
    assert_eq!(answer(&whole, delivery("msg_1", BODY)).await, (200, None));
    assert_eq!(answer(&whole, delivery("msg_1", "{}").set_payload("changed")).await.0, 401);
}

#[actix_web::test]
async fn a_scope_takes_nothing_from_a_signed_url() {
    let url = "https://hooks.example.com/hooks/in?tenant=7";
    let keys = || Keyring::new(&catalog::SQUARE, ["a secret of square"]).unwrap();
    let verifier = Verifier::builder(catalog::SQUARE).keys(keys()).public_url(url).build().unwrap();
    let webhooks = Webhooks::new(verifier).clock(|| NOW);
    let app = App::new().service(web::scope("/hooks").route("/in", web::post().to(handler)).wrap(webhooks));
    let app = test::init_service(app).await;
    let message = Message { url, ..Message::new("evt_1", BODY.as_bytes()) };
    let signed = Signer::new(&catalog::SQUARE, keys()).unwrap().sign(&message, NOW).unwrap();
    let request = test::TestRequest::post().uri("/hooks/in?tenant=7").set_payload(BODY);
    let request = signed.headers.into_iter().fold(request, test::TestRequest::append_header);
    assert_eq!(answer(&app, request).await, (200, None));
}

#[actix_web::test]
async fn middleware_outside_sees_the_refusal_and_its_reason() {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let noting = seen.clone();
    let app = App::new().service(web::resource("/").wrap(webhooks()).to(handler)).wrap_fn(
        move |request, service| {
            let (noting, response) = (noting.clone(), service.call(request));
            async move {
                let response = response.await?;
                let kind = response.response().extensions().get::<Rejection>().map(Rejection::kind);
                noting.borrow_mut().push((response.status().as_u16(), kind));
                Ok::<_, Error>(response)
            }
        },
    );
    let app = test::init_service(app).await;
    answer(&app, delivery("msg_1", BODY)).await;
    answer(&app, delivery("msg_1", BODY).set_payload("changed")).await;
    let expected = [(200, None), (401, Some(countersign::ErrorKind::NoMatchingSignature))];
    assert_eq!(*seen.borrow(), expected);
}

#[actix_web::test]
async fn it_works_in_from_fn() {
    async fn verified(
        webhooks: web::Data<Webhooks>,
        request: ServiceRequest,
        next: Next<impl MessageBody + 'static>,
    ) -> Result<ServiceResponse<impl MessageBody>, Error> {
        match webhooks.receive(request).await {
            Ok((request, handling)) => {
                let response = next.call(request).await?;
                handling.finish(response.status().as_u16()).await;
                Ok(response.map_into_left_body())
            }
            Err(answer) => Ok(answer.map_into_right_body()),
        }
    }
    let app = App::new()
        .app_data(web::Data::new(webhooks()))
        .service(web::resource("/").wrap(from_fn(verified)).to(handler));
    let app = test::init_service(app).await;
    assert_eq!(answer(&app, delivery("msg_1", BODY)).await, (200, None));
    assert_eq!(
        answer(&app, delivery("msg_1", BODY).set_payload("x")).await,
        (401, Some("no_matching_signature"))
    );
}

#[actix_web::test]
async fn keys_are_chosen_by_what_the_route_has_matched() {
    let tenant = Keyring::new(&catalog::STANDARD_WEBHOOKS, [SECRET]).unwrap();
    let tenant = std::sync::Arc::new(tenant);
    let none = Keyring::by_request(&catalog::STANDARD_WEBHOOKS).unwrap();
    let verifier = Verifier::builder(catalog::STANDARD_WEBHOOKS).keys(none).build().unwrap();
    let webhooks = Webhooks::new(verifier).clock(|| NOW).resolve_keys(move |request| {
        let found = (request.match_info().get("tenant") == Some("acme")).then(|| tenant.clone());
        async move { Ok::<_, std::convert::Infallible>(found) }
    });
    let app = App::new().service(web::resource("/hooks/{tenant}").wrap(webhooks).to(handler));
    let app = test::init_service(app).await;
    assert_eq!(answer(&app, delivery("msg_1", BODY).uri("/hooks/acme")).await, (200, None));
    assert_eq!(
        answer(&app, delivery("msg_1", BODY).uri("/hooks/other")).await,
        (401, Some("unknown_tenant"))
    );
}
