//! Each event is handled once, and comes again where it failed.

use countersign::{Keyring, Message, Verifier, catalog};

use crate::{
    answer::{Answer, Answers, REPLAYED},
    case::{Case, Expected, Step},
    endpoint::{Around, Endpoint, Store},
    handler::Act,
    request::{BODY, NOW, Request, sign},
    server::Server,
};

pub(super) fn cases() -> Vec<Case> {
    [copies(), unsigned_parts(), failures(), at_once(), stores()].concat()
}

fn good() -> Vec<u8> {
    Request::signed(BODY).whole(BODY)
}

fn replayed(status: u16) -> Answer {
    Answer::of(status).with(REPLAYED, "true")
}

fn copies() -> Vec<Case> {
    let later = Request::signed_at(BODY, NOW + 60).whole(BODY);
    let forged = Request::signed(BODY).set("webhook-signature", "v1,AAAA").whole(BODY);
    let other = Request::event("msg_2", BODY).whole(BODY);
    vec![
        Case::new("adv_41_a_copy").talk(good(), 200).talk(good(), replayed(200)).handles([BODY]),
        Case::new("adv_41_a_copy_in_chunks")
            .talk(good(), 200)
            .talk(Request::signed(BODY).in_chunks(BODY, 1), replayed(200))
            .handles([BODY]),
        Case::new("adv_41_an_event_that_is_signed_anew")
            .talk(good(), 200)
            .talk(later, replayed(200))
            .handles([BODY]),
        Case::new("another_event_with_the_same_body")
            .talk(good(), 200)
            .talk(other, 200)
            .handles([BODY, BODY]),
        Case::new("a_copy_is_given_the_recorded_status")
            .at(Endpoint::standard().whose_handler([Act::Answer(204)]))
            .talk(good(), 204)
            .talk(good(), replayed(204))
            .handles([BODY]),
        Case::new("adv_44_a_forgery_before_the_true_delivery")
            .talk(forged, 401)
            .talk(good(), 200)
            .handles([BODY]),
        Case::new("a_forged_copy")
            .talk(good(), 200)
            .talk(Request::signed(BODY).whole(b"{}"), 401)
            .handles([BODY]),
    ]
}

/// What the signature doesn't cover makes no new event.
fn unsigned_parts() -> Vec<Case> {
    let secret = "a-secret-of-a-repository";
    let message = Message { event_type: Some("push"), ..Message::new("1", BODY) };
    let github = Request::new(sign(&catalog::GITHUB, secret, &message, NOW));
    let delivery = |id| github.clone().set("X-GitHub-Delivery", id).whole(BODY);
    let keys = Keyring::new(&catalog::HUBSPOT_V3, [secret]).unwrap();
    let origin = "https://example.com";
    let hubspot = Verifier::builder(catalog::HUBSPOT_V3).keys(keys).public_url(origin).build().unwrap();
    let message = Message { url: "https://example.com/?a=b/c", ..Message::new("1", BODY) };
    let hubspot_request = Request::new(sign(&catalog::HUBSPOT_V3, secret, &message, NOW));
    let written = |target| hubspot_request.clone().to(target).whole(BODY);
    vec![
        Case::new("adv_42_the_same_delivery_under_another_id")
            .at(Endpoint::of(&catalog::GITHUB, secret))
            .talk(delivery("first"), 200)
            .talk(delivery("second"), replayed(200))
            .handles([BODY]),
        Case::new("adv_40_a_signed_url_that_is_written_otherwise")
            .at(Endpoint::accepting(hubspot))
            .talk(written("/?a=b/c"), 200)
            .talk(written("/?a=b%2Fc"), replayed(200))
            .handles([BODY]),
    ]
}

fn failures() -> Vec<Case> {
    let failing = |act| Endpoint::standard().whose_handler([act]);
    vec![
        Case::new("adv_62_a_handler_that_fails")
            .at(failing(Act::Answer(500)))
            .talk(good(), 500)
            .handles([BODY])
            .remembers(0),
        Case::new("adv_62_a_delivery_after_a_handler_that_failed")
            .at(failing(Act::Answer(500)))
            .talk(good(), 500)
            .talk(good(), 200)
            .handles([BODY, BODY])
            .remembers(1),
        Case::new("adv_62_a_handler_that_refuses")
            .at(failing(Act::Answer(422)))
            .talk(good(), 422)
            .handles([BODY])
            .remembers(0),
        Case::new("adv_62_a_handler_that_panics")
            .at(failing(Act::Panic))
            .talk(good(), Answers::NONE)
            .handles([BODY])
            .remembers(0),
        Case::new("adv_62_a_delivery_after_a_handler_that_panicked")
            .at(failing(Act::Panic))
            .talk(good(), Answers::NONE)
            .talk([Step::Forgotten, Step::Send(good())], 200)
            .handles([BODY, BODY])
            .remembers(1),
        Case::new("adv_62_a_client_that_is_gone_while_its_event_is_handled")
            .at(failing(Act::Hold))
            .talk([Step::Send(good()), Step::ResetOnceHandled], Answers::NONE)
            .handles([BODY])
            .remembers(0)
            .but_on(
                Server::Actix,
                "actix lets a handler go on whose client is gone, and the event stays claimed",
                Expected::answered(Answers::NONE).handling([BODY]),
            ),
    ]
}

fn at_once() -> Vec<Case> {
    let busy = || Answer::of(409).with("retry-after", "60");
    vec![
        Case::new("adv_61_a_copy_while_the_event_is_handled")
            .at(Endpoint::standard().whose_handler([Act::Hold]))
            .talk(good(), 200)
            .talk(good(), busy())
            .while_the_first_is_handled()
            .handles([BODY]),
        Case::new("adv_61_many_copies_while_the_event_is_handled")
            .at(Endpoint::standard().whose_handler([Act::Hold]))
            .talk(good(), 200)
            .talk(good(), busy())
            .talk(good(), busy())
            .talk(good(), busy())
            .while_the_first_is_handled()
            .handles([BODY]),
        Case::new("a_layer_that_is_there_twice_and_would_wait_for_itself")
            .at(Endpoint::standard().within_a_layer(Around::Same))
            .talk(good(), 500)
            .talk(good(), 500),
        Case::new("a_copy_within_a_layer_that_only_verifies")
            .at(Endpoint::standard().within_a_layer(Around::Verifying).whose_handler([Act::Hold]))
            .talk(good(), 200)
            .talk(good(), busy())
            .while_the_first_is_handled()
            .handles([BODY]),
        Case::new("another_event_while_one_is_handled")
            .at(Endpoint::standard().whose_handler([Act::Hold]))
            .talk(good(), 200)
            .talk(Request::event("msg_2", b"{}").whole(b"{}"), 200)
            .while_the_first_is_handled()
            .handles([BODY, b"{}"]),
    ]
}

fn stores() -> Vec<Case> {
    let down = || Endpoint::standard().where_the_store(Store::IsDown);
    let open = || Endpoint::standard().where_the_store(Store::IsDownAndOpen);
    let forged = Request::signed(BODY).set("webhook-signature", "v1,AAAA").whole(BODY);
    vec![
        Case::new("adv_63_a_store_that_is_down")
            .at(down())
            .talk(good(), Answer::of(503).with("retry-after", "30")),
        Case::new("adv_63_a_forgery_where_the_store_is_down").at(down()).talk(forged.clone(), 401),
        Case::new("adv_63_a_store_that_is_down_where_events_are_handled_all_the_same")
            .at(open())
            .talk(good(), 200)
            .talk(good(), 200)
            .handles([BODY, BODY])
            .remembers(0),
        Case::new("a_copy_where_nothing_is_remembered")
            .at(Endpoint::standard().where_the_store(Store::IsNone))
            .talk(good(), 200)
            .talk(good(), 200)
            .handles([BODY, BODY])
            .remembers(0),
        Case::new("adv_63_a_forgery_where_events_are_handled_all_the_same").at(open()).talk(forged, 401),
    ]
}
