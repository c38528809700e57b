//! Requests that two parsers can read in two ways. What each server makes of them is written down,
//! so that a version that changes it is noticed. Whatever it makes of them, only a body that is the
//! signed one is handled.

use crate::{
    case::{Case, Expected},
    request::{BODY, CHUNKED, Request, chunks},
    server::Server,
};

pub(super) fn cases() -> Vec<Case> {
    [lengths(), codings(), lines()].concat()
}

fn accepted(name: &str, request: Vec<u8>) -> Case {
    Case::new(name).talk(request, 200).handles([BODY])
}

/// What actix refuses.
fn accepted_by_hyper(name: &str, why: &'static str, request: Vec<u8>) -> Case {
    accepted(name, request).but_on(Server::Actix, why, Expected::answered(400))
}

fn refused(name: &str, request: Vec<u8>) -> Case {
    Case::new(name).talk(request, 400)
}

/// A delivery, with these lines about its body.
fn framed(lines: &str, body: &[u8]) -> Vec<u8> {
    [Request::signed(BODY).head(lines), body.to_vec()].concat()
}

fn lengths() -> Vec<Case> {
    let length = BODY.len();
    let said = |lines: String| framed(&lines, BODY);
    vec![
        refused("adv_57_two_lengths", said(format!("Content-Length: {length}\r\nContent-Length: 4\r\n"))),
        accepted_by_hyper(
            "adv_57_one_length_twice",
            "actix takes no header of a length twice",
            said(format!("Content-Length: {length}\r\n").repeat(2)),
        ),
        refused("adv_57_lengths_in_a_list", said(format!("Content-Length: {length}, {length}\r\n"))),
        refused("adv_57_a_length_with_a_plus", said(format!("Content-Length: +{length}\r\n"))),
        refused("adv_57_a_length_below_zero", said("Content-Length: -1\r\n".to_owned())),
        refused("adv_57_a_length_in_hexadecimal", said(format!("Content-Length: 0x{length:x}\r\n"))),
        refused(
            "adv_57_a_length_that_overflows",
            said("Content-Length: 18446744073709551617\r\n".to_owned()),
        ),
        Case::new("adv_57_a_length_that_is_less")
            .talk(said(format!("Content-Length: {}\r\n", length - 1)), 401)
            .but_on(
                Server::Actix,
                "actix takes the byte behind the body for a request, though this one was the last",
                Expected::answered([401, 400]),
            ),
    ]
}

fn codings() -> Vec<Case> {
    let body = [chunks(BODY, 9), b"0\r\n\r\n".to_vec()].concat();
    let coded = |lines: &str| framed(lines, &body);
    let sized = |size: &str| [size.as_bytes(), b"\r\n", BODY, b"\r\n0\r\n\r\n"].concat();
    let length = BODY.len();
    let hidden =
        [chunks(BODY, 9), b"0\r\n\r\n".to_vec(), Request::event("msg_2", b"{}").whole(b"{}")].concat();
    let both = "actix refuses a length beside chunks";
    let once = "actix takes one coding";
    vec![
        accepted_by_hyper(
            "adv_57_a_length_and_chunks",
            both,
            coded(&format!("Content-Length: 4\r\n{CHUNKED}")),
        ),
        accepted_by_hyper(
            "adv_57_chunks_and_a_length",
            both,
            coded(&format!("{CHUNKED}Content-Length: 4\r\n")),
        ),
        accepted_by_hyper(
            "adv_57_a_request_behind_a_length_and_chunks",
            both,
            framed(&format!("Content-Length: {}\r\n{CHUNKED}", hidden.len()), &hidden),
        ),
        accepted_by_hyper("adv_57_chunked_twice", once, coded("Transfer-Encoding: chunked, chunked\r\n")),
        accepted_by_hyper("adv_57_two_codings", once, coded(&CHUNKED.repeat(2))),
        refused("adv_57_an_unknown_coding", coded("Transfer-Encoding: xchunked\r\n")),
        refused("adv_57_chunked_is_not_the_last", coded("Transfer-Encoding: chunked, identity\r\n")),
        accepted("adv_57_a_coding_with_a_tab", coded("Transfer-Encoding:\tchunked\r\n")),
        refused("adv_57_a_chunk_size_with_a_plus", framed(CHUNKED, &sized(&format!("+{length:x}")))),
        refused("adv_57_a_chunk_size_with_0x", framed(CHUNKED, &sized(&format!("0x{length:x}")))),
        refused("adv_57_a_chunk_size_that_overflows", framed(CHUNKED, &sized("10000000000000000"))),
        accepted("adv_57_a_chunk_size_with_zeros_before", framed(CHUNKED, &sized(&format!("000{length:x}")))),
        accepted("adv_57_a_chunk_with_an_extension", framed(CHUNKED, &sized(&format!("{length:x};a=b")))),
        refused(
            "adv_57_a_bare_line_feed_behind_a_chunk_size",
            framed(CHUNKED, &[format!("{length:x}\n").as_bytes(), BODY, b"\r\n0\r\n\r\n"].concat()),
        ),
    ]
}

fn lines() -> Vec<Case> {
    let length = format!("Content-Length: {}\r\n", BODY.len());
    let with = |line: &str| framed(&format!("{line}{length}"), BODY);
    let bare = String::from_utf8(framed(&length, BODY)).unwrap().replace("\r\n", "\n").into_bytes();
    let one_host = "actix wants one Host";
    let signed = Request::signed(BODY);
    let old = String::from_utf8(signed.whole(BODY)).unwrap().replace("HTTP/1.1", "HTTP/1.0").into_bytes();
    let old_chunks = String::from_utf8(signed.in_chunks(BODY, 9)).unwrap().replace("HTTP/1.1", "HTTP/1.0");
    vec![
        refused("adv_57_a_folded_line", with("X-A: b\r\n c\r\n")),
        refused("adv_57_a_space_before_the_colon", with("X-A : b\r\n")),
        refused("adv_57_a_line_without_a_colon", with("X-A\r\n")),
        refused("adv_57_a_name_with_a_space", with("X A: b\r\n")),
        refused("adv_57_a_zero_byte_in_a_value", with("X-A: b\0c\r\n")),
        refused("adv_57_a_bare_carriage_return_in_a_value", with("X-A: b\rc\r\n")),
        refused("adv_57_a_space_before_the_first_name", with(" X-A: b\r\n")),
        accepted("adv_57_bare_line_feeds", bare),
        accepted(
            "adv_57_line_breaks_before_the_request",
            [b"\r\n\r\n".to_vec(), signed.whole(BODY)].concat(),
        ),
        accepted("adv_57_an_old_version", old),
        refused("adv_57_chunks_in_an_old_version", old_chunks.into_bytes()),
        accepted_by_hyper("adv_57_no_host", one_host, signed.clone().without("Host").whole(BODY)),
        accepted_by_hyper("adv_57_two_hosts", one_host, signed.with("Host", "evil.test").whole(BODY)),
    ]
}
