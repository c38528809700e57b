//! Bodies that are large, slow, broken off, compressed, or signed behind their end.

use std::time::Duration;

use crate::{
    answer::{Answer, Answers},
    case::{Case, Step},
    endpoint::Endpoint,
    request::{BODY, CHUNKED, Request, chunks},
};

/// `hello, canary` as gzip writes it.
const GZIPPED: &[u8] = &[
    31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 203, 72, 205, 201, 201, 215, 81, 72, 78, 204, 75, 44, 170, 4, 0, 154,
    100, 208, 20, 13, 0, 0, 0,
];

pub(super) fn cases() -> Vec<Case> {
    [compressed(), large(), slow(), broken_off(), trailers()].concat()
}

/// A delivery of `BODY` whose connection isn't to be closed, unless the server wants it.
fn open() -> Request {
    Request::signed(BODY).keep_alive()
}

fn compressed() -> Vec<Case> {
    let gzip = |request: Request| request.with("Content-Encoding", "gzip");
    let twice = Request::signed(GZIPPED).with("Content-Encoding", "gzip, gzip").whole(GZIPPED);
    let bomb = vec![31; Endpoint::LIMIT + 1];
    vec![
        Case::new("adv_52_a_compressed_body_that_is_signed_as_it_is")
            .talk(gzip(Request::signed(GZIPPED)).whole(GZIPPED), 200)
            .handles([GZIPPED]),
        Case::new("adv_52_a_compressed_body_that_is_signed_as_it_was")
            .talk(gzip(Request::signed(b"hello, canary")).whole(GZIPPED), 401),
        Case::new("adv_52_what_says_that_it_is_compressed_and_is_not")
            .talk(gzip(Request::signed(BODY)).whole(BODY), 200)
            .handles([BODY]),
        Case::new("adv_53_a_body_compressed_twice_is_bytes").talk(twice, 200).handles([GZIPPED]),
        Case::new("adv_53_a_compressed_body_above_the_limit")
            .talk(gzip(Request::signed(&bomb)).keep_alive().whole(&bomb), Answer::of(413).closing()),
    ]
}

fn large() -> Vec<Case> {
    let too_large = || Answer::of(413).closing();
    let above = vec![b'x'; Endpoint::LIMIT + 1];
    let forged = open().without("webhook-signature");
    let kilobyte = chunks(&[b'x'; 1024], 1024);
    let before_any_byte = |name, length: &str| {
        Case::new(name).talk(open().head(&format!("Content-Length: {length}\r\n")), too_large())
    };
    vec![
        before_any_byte("adv_54_a_length_of_93_gigabytes", "99999999999"),
        before_any_byte("adv_54_a_length_above_the_limit", "65537"),
        before_any_byte("adv_54_the_greatest_length", "9223372036854775807"),
        Case::new("adv_54_a_body_above_the_limit").talk(open().whole(&above), too_large()),
        Case::new("adv_54_chunks_above_the_limit_and_no_end").talk(
            [Step::Send(open().head(CHUNKED)), Step::Send(kilobyte.repeat(64)), Step::Send(chunks(b"x", 1))],
            too_large(),
        ),
        Case::new("adv_54_chunks_without_end")
            .talk([Step::Send(open().head(CHUNKED)), Step::Endless(kilobyte.clone())], too_large()),
        Case::new("adv_54_a_forgery_in_chunks_without_end")
            .talk([Step::Send(forged.head(CHUNKED)), Step::Endless(kilobyte)], 401),
        Case::new("adv_54_a_chunk_of_16_gigabytes").talk(
            [
                Step::Send(open().head(CHUNKED)),
                Step::Send(b"400000000\r\n".to_vec()),
                Step::Endless(vec![b'x'; 1024]),
            ],
            too_large(),
        ),
        Case::new("adv_54_no_length_is_no_body").talk(Request::signed(BODY).head(""), 401),
        Case::new("adv_54_nothing_is_handled_behind_a_body_that_is_too_large").talk(
            [
                Step::Send(open().whole(&above)),
                Step::Hear,
                Step::Send(Request::event("msg_2", b"{}").whole(b"{}")),
            ],
            too_large(),
        ),
    ]
}

fn slow() -> Vec<Case> {
    let too_slow = || Answer::of(408).closing();
    let impatient = Endpoint::standard().within(Duration::from_millis(300), Duration::from_millis(150));
    let untiring = Endpoint::standard().within(Duration::from_millis(300), Duration::from_secs(20));
    let every = Duration::from_millis(50);
    vec![
        Case::new("adv_55_a_body_that_never_comes")
            .at(impatient.clone())
            .talk(open().announcing(10, b""), too_slow()),
        Case::new("adv_55_two_bytes_of_ten")
            .at(impatient.clone())
            .talk(open().announcing(10, b"{}"), too_slow()),
        Case::new("adv_55_chunks_that_stop")
            .at(impatient)
            .talk([open().head(CHUNKED), chunks(&BODY[..9], 9)].concat(), too_slow()),
        Case::new("adv_55_a_byte_now_and_then").at(untiring).talk(
            [Step::Send(open().announcing(BODY.len(), b"")), Step::Trickle(BODY.to_vec(), every)],
            too_slow(),
        ),
        Case::new("adv_55_a_forgery_is_not_waited_for")
            .talk(Request::signed(BODY).without("webhook-signature").announcing(1000, b""), 401),
    ]
}

fn broken_off() -> Vec<Case> {
    let short = Request::signed(BODY).announcing(BODY.len() + 1, BODY);
    let endless = [Request::signed(BODY).head(CHUNKED), chunks(BODY, 9)].concat();
    let garbled = [endless.clone(), b"zz\r\n".to_vec()].concat();
    let gone = |name, sent: &[u8]| {
        let steps = [Step::Send(sent.to_vec()), Step::Wait(Duration::from_millis(20)), Step::Reset];
        Case::new(name).talk(steps, Answers::NONE)
    };
    let ended = |name, sent: &[u8]| {
        Case::new(name).talk([Step::Send(sent.to_vec()), Step::Finish], Answer::of(400).closing())
    };
    vec![
        gone("a_client_that_is_gone_before_the_last_byte", &short),
        gone("a_client_that_is_gone_before_the_last_chunk", &endless),
        ended("a_body_that_ends_before_the_last_byte", &short),
        ended("a_body_that_ends_before_the_last_chunk", &endless),
        Case::new("a_chunk_of_no_size").talk(garbled, Answer::of(400).closing()),
        Case::new("a_delivery_after_one_that_was_broken_off")
            .talk([Step::Send(short.clone()), Step::Reset], Answers::NONE)
            .talk(Request::signed(BODY).whole(BODY), 200)
            .handles([BODY]),
    ]
}

fn trailers() -> Vec<Case> {
    let good = Request::signed(BODY);
    let signature = String::from_utf8(good.header("webhook-signature")).unwrap();
    let trailer = format!("webhook-signature: {signature}\r\n");
    let unsigned = good.clone().without("webhook-signature");
    let other = good.clone().set("webhook-signature", "v1,AAAA");
    vec![
        Case::new("adv_56_a_signature_in_a_trailer").talk(unsigned.with_trailers(BODY, &trailer), 401),
        Case::new("adv_56_an_announced_signature_in_a_trailer")
            .talk(unsigned.with("Trailer", "webhook-signature").with_trailers(BODY, &trailer), 401),
        Case::new("adv_56_a_trailer_in_place_of_a_wrong_signature")
            .talk(other.with_trailers(BODY, &trailer), 401),
        Case::new("adv_56_a_trailer_beside_a_good_signature")
            .talk(good.with_trailers(BODY, "webhook-id: msg_2\r\n"), 200)
            .handles([BODY]),
    ]
}
