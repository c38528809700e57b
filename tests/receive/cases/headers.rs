//! Requests whose headers, or what they say of the body, are wrong.

use crate::{
    case::{Case, Expected},
    request::{BODY, NOW, Request},
    server::Server,
};

const ID: &str = "webhook-id";
const TIMESTAMP: &str = "webhook-timestamp";
const SIGNATURE: &str = "webhook-signature";
const REQUIRED: [&str; 3] = [ID, TIMESTAMP, SIGNATURE];

pub(super) fn cases() -> Vec<Case> {
    [missing(), changed(), times(), repeated(), not_text(), signatures()].concat()
}

fn refused(name: impl Into<String>, request: &Request) -> Case {
    Case::new(name).talk(request.whole(BODY), 401)
}

fn missing() -> Vec<Case> {
    let each = REQUIRED.iter().flat_map(|name| {
        let good = Request::signed(BODY);
        [
            refused(format!("adv_11_no_{name}"), &good.clone().without(name)),
            refused(format!("adv_11_an_empty_{name}"), &good.clone().set(name, "")),
            refused(format!("adv_11_a_{name}_of_spaces"), &good.set(name, "   ")),
        ]
    });
    let none = refused("adv_11_no_header_at_all", &Request::new([]));
    each.chain([none]).collect()
}

fn changed() -> Vec<Case> {
    let good = Request::signed(BODY);
    let body = [BODY, b"\n"].concat();
    let tag = good.header(SIGNATURE);
    vec![
        Case::new("adv_32_one_byte_is_changed")
            .talk(good.whole(&[BODY.split_last().unwrap().1, b" "].concat()), 401),
        Case::new("adv_32_a_line_break_is_added").talk(good.whole(&body), 401),
        Case::new("adv_32_the_body_is_gone").talk(good.whole(b""), 401),
        refused("another_id", &good.clone().set(ID, "msg_2")),
        refused("another_time", &good.clone().set(TIMESTAMP, (NOW - 1).to_string())),
        refused("adv_01_the_beginning_of_the_tag", &good.clone().set(SIGNATURE, &tag[..11])),
        refused("adv_02_more_than_the_tag", &good.clone().set(SIGNATURE, [&tag[..], b"AAAA"].concat())),
        refused("adv_24_another_version", &good.set(SIGNATURE, [b"v0", &tag[2..]].concat())),
    ]
}

fn times() -> Vec<Case> {
    let at = |seconds: i64| Request::signed_at(BODY, NOW + seconds);
    let good = |name, request: Request| Case::new(name).talk(request.whole(BODY), 200).handles([BODY]);
    let written = |text: String| Request::signed(BODY).set(TIMESTAMP, text);
    vec![
        refused("adv_17_301_seconds_old", &at(-301)),
        good("adv_17_300_seconds_old", at(-300)),
        good("adv_17_300_seconds_ahead", at(300)),
        refused("adv_17_301_seconds_ahead", &at(301)),
        refused("adv_18_milliseconds_for_seconds", &Request::signed_at(BODY, NOW * 1000)),
        refused("adv_18_seconds_for_milliseconds", &Request::signed_at(BODY, NOW / 1000)),
        refused("adv_15_a_time_that_overflows", &written(i64::MAX.to_string() + "0")),
        refused("adv_16_a_time_with_a_plus", &written(format!("+{NOW}"))),
        refused("adv_16_a_time_with_a_fraction", &written(format!("{NOW}.0"))),
    ]
}

fn repeated() -> Vec<Case> {
    let good = Request::signed(BODY);
    let twice = REQUIRED.iter().flat_map(|name| {
        [
            refused(format!("adv_21_another_{name}_before"), &good.clone().before(name, "v1,AAAA")),
            refused(format!("adv_21_another_{name}_behind"), &good.clone().with(name, "v1,AAAA")),
            refused(format!("adv_21_the_same_{name}_twice"), &good.clone().with(name, good.header(name))),
        ]
    });
    let other = good.clone().without(ID).with("svix-id", "msg_1");
    let both = REQUIRED.iter().fold(good.clone(), |request, name| {
        request.with(&name.replace("webhook", "svix"), good.header(name))
    });
    twice
        .chain([
            refused("adv_22_an_id_of_another_family", &other),
            Case::new("adv_22_two_whole_families").talk(both.whole(BODY), 200).handles([BODY]),
        ])
        .collect()
}

fn not_text() -> Vec<Case> {
    let good = Request::signed(BODY);
    let ending = |name: &str| [&good.header(name)[..], b"\xe9"].concat();
    let each = REQUIRED.iter().map(|name| {
        refused(format!("adv_23_a_{name}_with_a_byte_beyond_ascii"), &good.clone().set(name, ending(name)))
    });
    // A header that nothing is asked of may say what it likes.
    let unasked = Case::new("adv_23_another_header_with_bytes_beyond_ascii")
        .talk(good.clone().with("x-note", b"\xe9\xff").whole(BODY), 200)
        .handles([BODY]);
    each.chain([unasked]).collect()
}

fn signatures() -> Vec<Case> {
    let good = Request::signed(BODY);
    let tag = String::from_utf8(good.header(SIGNATURE)).unwrap();
    let many = |count: usize| Request::signed(BODY).set(SIGNATURE, ["v1,AAAA"].repeat(count).join(" "));
    let too_many = |name, request: &Request| Case::new(name).talk(request.whole(BODY), 400);
    let both = |name, list: String| {
        Case::new(name).talk(Request::signed(BODY).set(SIGNATURE, list).whole(BODY), 200).handles([BODY])
    };
    vec![
        too_many("adv_27_a_header_of_300_kilobytes", &many(37_500)).but_on(
            Server::Actix,
            "actix has a limit of its own",
            Expected::answered(431),
        ),
        too_many(
            "adv_27_a_header_above_8_kilobytes",
            &good.set(SIGNATURE, "v1,".to_owned() + &"A".repeat(8190)),
        ),
        too_many("adv_27_17_signatures", &many(17)),
        refused("adv_27_16_wrong_signatures", &many(16)),
        both("adv_26_a_wrong_signature_before", format!("v1,AAAA {tag}")),
        both("adv_26_a_wrong_signature_behind", format!("{tag} v1,AAAA")),
    ]
}
