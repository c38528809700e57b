//! Requests whose headers are wrong.

use bytes::Bytes;
use countersign::{ErrorKind, Keyring, Message, Verifier, catalog};
use http::{Method, Request, header::ALLOW};
use http_body_util::Full;

use crate::support::{
    BODY, NOW, Server, layer, layer_of, raw, refusal, request, send, sign, signed, signed_at, status, text,
};

#[tokio::test]
async fn adv_11_every_required_header_is_required() {
    let headers = signed(BODY);
    for subset in 0..(1_u32 << headers.len()) - 1 {
        let kept: Vec<_> = headers
            .iter()
            .enumerate()
            .filter(|(i, _)| subset & (1 << i) != 0)
            .map(|(_, h)| h.clone())
            .collect();
        assert_eq!(
            refusal(&layer(), request(&kept, BODY)).await,
            (401.try_into().unwrap(), ErrorKind::MissingHeader)
        );
    }
    for blank in ["", "   "] {
        for index in 0..headers.len() {
            let mut headers = headers.clone();
            blank.clone_into(&mut headers[index].1);
            assert_eq!(refusal(&layer(), request(&headers, BODY)).await.0, 401);
        }
    }
}

#[tokio::test]
async fn adv_17_the_tolerance_holds_to_the_second() {
    for (offset, expected) in [(-301, 401), (-300, 200), (300, 200), (301, 401)] {
        let (response, calls) = send(&layer(), request(&signed_at(BODY, NOW + offset), BODY)).await;
        assert_eq!(response.status(), expected, "{offset}");
        assert_eq!(calls.count(), usize::from(expected == 200));
    }
}

#[tokio::test]
async fn adv_21_a_repeated_header_is_refused_in_both_orders() {
    let server = Server::start(layer()).await;
    let good = signed(BODY);
    for (index, (name, _)) in good.iter().enumerate() {
        for at in [index, index + 1] {
            let mut headers = good.clone();
            headers.insert(at, (name.clone(), "other".to_owned()));
            assert_eq!(status(&server.send(&raw(&headers, BODY)).await), 401, "{name} at {at}");
        }
    }
    assert_eq!(server.calls.count(), 0);
}

#[tokio::test]
async fn adv_23_bytes_that_are_not_text_are_refused() {
    let server = Server::start(layer()).await;
    for (name, value) in signed(BODY) {
        let mut request = String::from_utf8(raw(&signed(BODY), BODY)).unwrap().into_bytes();
        let line = format!("{name}: {value}");
        let at = request.windows(line.len()).position(|window| window == line.as_bytes()).unwrap();
        request[at + line.len() - 1] = 0xE9;
        assert_eq!(status(&server.send(&request).await), 401, "{name}");
    }
    assert_eq!(server.calls.count(), 0);
}

#[tokio::test]
async fn adv_27_many_signatures_cost_nothing() {
    let server = Server::start(layer()).await;
    let mut headers = signed(BODY);
    let signature = headers.iter_mut().find(|(name, _)| name == "webhook-signature").unwrap();
    signature.1 = "v1,AAAA ".repeat(37_500).trim_end().to_owned();
    assert_eq!(status(&server.send(&raw(&headers, BODY)).await), 400);
    let signature = headers.iter_mut().find(|(name, _)| name == "webhook-signature").unwrap();
    signature.1 = "v1,AAAA ".repeat(17).trim_end().to_owned();
    assert_eq!(status(&server.send(&raw(&headers, BODY)).await), 400);
    assert_eq!(server.calls.count(), 0);
}

#[tokio::test]
async fn adv_39_forwarded_headers_change_nothing() {
    let keys = || Keyring::new(&catalog::SQUARE, ["square_secret_of_some_length"]).unwrap();
    let url = "https://example.com/hooks/square";
    let verifier = Verifier::builder(catalog::SQUARE).keys(keys()).public_url(url).build().unwrap();
    let layer = layer_of(verifier);
    let forged = [("Host", "evil.test"), ("X-Forwarded-Host", "evil.test"), ("X-Forwarded-Proto", "http")];
    for (signed_url, expected) in [(url, 200), ("http://evil.test/hooks/square", 401)] {
        let message = Message { url: signed_url, ..Message::new("evt_1", BODY) };
        let mut headers = sign(&catalog::SQUARE, keys(), &message, NOW);
        headers.extend(forged.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let (response, _) = send(&layer, request(&headers, BODY)).await;
        assert_eq!(response.status(), expected);
    }
}

#[tokio::test]
async fn adv_49_every_refusal_looks_the_same() {
    let other =
        Keyring::new(&catalog::STANDARD_WEBHOOKS, ["whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"]).unwrap();
    let wrong_secret = sign(&catalog::STANDARD_WEBHOOKS, other, &Message::new("msg_1", BODY), NOW);
    let mut wrong_tag = signed(BODY);
    wrong_tag.iter_mut().find(|(name, _)| name == "webhook-signature").unwrap().1 = "v1,AAAA".to_owned();
    let stale = signed_at(BODY, NOW - 9000);
    let mut answers = Vec::new();
    for headers in [Vec::new(), wrong_secret, wrong_tag, stale] {
        let (response, calls) = send(&layer(), request(&headers, BODY)).await;
        assert_eq!(calls.count(), 0);
        answers.push(format!(
            "{} {:?} {:?}",
            response.status(),
            response.headers().clone(),
            text(response).await
        ));
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
}

#[tokio::test]
async fn adv_59_other_methods_are_refused() {
    for method in [Method::GET, Method::HEAD, Method::OPTIONS, Method::PUT, Method::DELETE] {
        let mut request = request(&signed(b""), Bytes::new());
        *request.method_mut() = method.clone();
        let (response, calls) = send(&layer(), request).await;
        assert_eq!((response.status().as_u16(), calls.count()), (405, 0), "{method}");
        assert_eq!(response.headers()[ALLOW], "POST");
    }
}

#[tokio::test]
async fn a_challenge_goes_with_a_401_alone() {
    let keys = Keyring::new(&catalog::BASIC_AUTH, ["user:a-password-of-some-length"]).unwrap();
    let layer = layer_of(Verifier::builder(catalog::BASIC_AUTH).keys(keys).build().unwrap());
    let (response, _) = send(&layer, request(&[], BODY)).await;
    assert_eq!(response.status(), 401);
    assert!(response.headers().contains_key("www-authenticate"));
    let get: Request<Full<Bytes>> = Request::builder().method("TRACE").body(Full::default()).unwrap();
    let (response, _) = send(&layer, get).await;
    assert_eq!(response.status(), 405);
    assert!(!response.headers().contains_key("www-authenticate"));
}
