//! Deliveries that are accepted, however their bytes arrive.

use std::time::Duration;

use crate::{
    case::{Case, Expected, Step},
    endpoint::Endpoint,
    request::{BODY, CHUNKED, Request, chunks},
    server::Server,
};

pub(super) fn cases() -> Vec<Case> {
    [whole(), in_chunks(), in_time(), on_one_connection()].concat()
}

fn whole() -> Vec<Case> {
    let text = b"\xff\xfe\x00\r\n".as_slice();
    let full = vec![b'x'; Endpoint::LIMIT];
    vec![
        accepted("a_body_with_its_length", Request::signed(BODY).whole(BODY), BODY),
        accepted("an_empty_body", Request::signed(b"").whole(b""), b""),
        accepted("no_body_at_all", Request::signed(b"").head(""), b""),
        accepted("a_body_as_large_as_the_limit", Request::signed(&full).whole(&full), &full),
        accepted("adv_34_a_body_that_is_no_text", Request::signed(text).whole(text), text),
        accepted("header_names_in_capitals", in_capitals(&Request::signed(BODY).whole(BODY)), BODY),
    ]
}

fn in_chunks() -> Vec<Case> {
    let chunked = |size| Request::signed(BODY).in_chunks(BODY, size);
    let full = vec![b'x'; Endpoint::LIMIT];
    vec![
        accepted("one_chunk", chunked(BODY.len()), BODY),
        accepted("three_chunks", chunked(BODY.len().div_ceil(3)), BODY),
        accepted("a_chunk_for_each_byte", chunked(1), BODY),
        accepted("an_empty_body_in_no_chunk", Request::signed(b"").in_chunks(b"", 1), b""),
        accepted("chunks_up_to_the_limit", Request::signed(&full).in_chunks(&full, 1000), &full),
        accepted("trailers_beside_the_body", Request::signed(BODY).with_trailers(BODY, "x-sum: 1\r\n"), BODY),
    ]
}

fn in_time() -> Vec<Case> {
    let pause = Duration::from_millis(20);
    let request = Request::signed(BODY);
    let pieces = [
        Step::Send(request.head(CHUNKED)),
        Step::Wait(pause),
        Step::Send(chunks(&BODY[..9], 9)),
        Step::Wait(pause),
        Step::Send(chunks(&BODY[9..], 9)),
        Step::Wait(pause),
        Step::Send(b"0\r\n\r\n".to_vec()),
    ];
    vec![
        Case::new("chunks_with_pauses").talk(pieces, 200).handles([BODY]),
        Case::new("a_request_byte_by_byte")
            .talk([Step::Trickle(request.whole(BODY), Duration::from_millis(1))], 200)
            .handles([BODY]),
        Case::new("a_head_and_a_body_apart")
            .talk(
                [
                    Step::Send(request.head(&format!("Content-Length: {}\r\n", BODY.len()))),
                    Step::Wait(pause),
                    Step::Send(BODY.to_vec()),
                ],
                200,
            )
            .handles([BODY]),
    ]
}

fn on_one_connection() -> Vec<Case> {
    let first = Request::event("msg_1", BODY).keep_alive();
    let second = Request::event("msg_2", b"{}");
    let changed = Request::signed(BODY).keep_alive().whole(b"{}");
    let patient = |request: Request| request.with("Expect", "100-continue");
    let forged = Request::signed(BODY).without("webhook-signature");
    let length = format!("Content-Length: {}\r\n", BODY.len());
    vec![
        Case::new("two_requests_written_at_once")
            .talk([first.whole(BODY), second.whole(b"{}")].concat(), [200, 200])
            .handles([BODY, b"{}"]),
        Case::new("two_requests_one_after_the_other")
            .talk(
                [Step::Send(first.in_chunks(BODY, 9)), Step::Hear, Step::Send(second.whole(b"{}"))],
                [200, 200],
            )
            .handles([BODY, b"{}"]),
        Case::new("a_good_request_behind_a_forged_one")
            .talk([Step::Send(changed), Step::Hear, Step::Send(second.whole(b"{}"))], [401, 200])
            .handles([b"{}"]),
        Case::new("a_client_that_waits_for_100_continue")
            .talk(
                [
                    Step::Send(patient(Request::signed(BODY)).head(&length)),
                    Step::Hear,
                    Step::Send(BODY.to_vec()),
                ],
                [100, 200],
            )
            .handles([BODY]),
        Case::new("a_forger_that_waits_for_100_continue").talk(patient(forged).head(&length), 401).but_on(
            Server::Actix,
            "actix says 100 before anybody has seen the request",
            Expected::answered([100, 401]),
        ),
    ]
}

fn accepted(name: &str, request: Vec<u8>, body: &[u8]) -> Case {
    Case::new(name).talk(request, 200).handles([body])
}

/// With every header's name in capitals.
fn in_capitals(request: &[u8]) -> Vec<u8> {
    let mut name = false;
    let capital = |byte: &u8| {
        name = match byte {
            b'\n' => true,
            b':' => false,
            _ => name,
        };
        if name { byte.to_ascii_uppercase() } else { *byte }
    };
    let head = request.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    request[..head].iter().map(capital).chain(request[head..].iter().copied()).collect()
}
