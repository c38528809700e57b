//! Forms whose fields are signed, in place of their bytes.

use countersign::{Keyring, Message, Verifier, catalog};

use crate::{
    answer::{Answer, REPLAYED},
    case::Case,
    endpoint::Endpoint,
    request::{NOW, Request, sign},
};

const FORM: &[u8] = b"MessageSid=SM1&From=%2B14158675309&Body=hello+there";
/// The same fields, written otherwise.
const REWRITTEN: &[u8] = b"Body=hello%20there&From=%2b14158675309&MessageSid=SM1&MessageSid=SM1";
const SECRET: &str = "0123456789abcdef0123456789abcdef";
const URL: &str = "https://example.com/sms";

pub(super) fn cases() -> Vec<Case> {
    let changed = b"MessageSid=SM1&From=%2B14158675309&Body=hello+them!";
    let many = vec!["a=1"; 1_001].join("&").into_bytes();
    let replayed = Answer::of(200).with(REPLAYED, "true");
    let case = |name: &str| Case::new(name).at(endpoint());
    vec![
        case("a_form").talk(signed(FORM).whole(FORM), 200).handles([FORM]),
        case("a_form_in_chunks").talk(signed(FORM).in_chunks(FORM, 3), 200).handles([FORM]),
        case("a_form_without_fields").talk(signed(b"").whole(b""), 200).handles([b""]),
        case("a_form_with_another_field").talk(signed(FORM).whole(changed), 401),
        case("a_form_with_another_field_in_chunks").talk(signed(FORM).in_chunks(changed, 3), 401),
        case("adv_41_a_copy_of_a_form_that_is_written_otherwise")
            .talk(signed(FORM).whole(FORM), 200)
            .talk(signed(FORM).whole(REWRITTEN), replayed)
            .handles([FORM]),
        case("adv_27_a_form_of_many_fields").talk(signed(&many).whole(&many), 400),
    ]
}

fn endpoint() -> Endpoint {
    let keys = Keyring::new(&catalog::TWILIO, [SECRET]).unwrap();
    let verifier = Verifier::builder(catalog::TWILIO).keys(keys).public_url(URL);
    Endpoint::accepting(verifier.build().unwrap())
}

fn signed(form: &[u8]) -> Request {
    let message = Message { url: URL, ..Message::new("token_1", form) };
    let headers = sign(&catalog::TWILIO, SECRET, &message, NOW);
    Request::new(headers).to("/sms").with("Content-Type", "application/x-www-form-urlencoded")
}
