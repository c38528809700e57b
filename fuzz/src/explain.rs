//! Any refused request can be explained: nothing panics, nothing is called valid that isn't, and a line break that was
//! added to what was signed is always found.

use countersign::{
    HeaderView, Keyring, Message, RequestView, Signer, catalog,
    explain::{Case, Finding, explain, hints},
};

/// Takes the bytes for a body that was signed, and for one that was not.
///
/// # Panics
/// Where what is said can't be.
pub fn target(data: &[u8]) {
    let headers = signed(data);
    assert_eq!(said(&headers, data), Finding::Valid);
    let changed = [data, b"\n"].concat();
    assert!(matches!(said(&headers, &changed), Finding::Changed(changes) if !changes.is_empty()));
    // Signed in place of the bytes, which none of their forms can be.
    let other = signed(b"\0 another body");
    assert!(!matches!(said(&other, data), Finding::Valid));
}

fn signed(body: &[u8]) -> Vec<(String, String)> {
    let keys = Keyring::new(&catalog::IPTVBP, [SECRET]).expect("a secret");
    let signer = Signer::new(&catalog::IPTVBP, keys).expect("a signer");
    signer.sign(&Message::new("evt_1", body), NOW).expect("signed").headers
}

fn said(headers: &(dyn HeaderView + Sync), body: &[u8]) -> Finding {
    let request = RequestView::post(headers);
    let case = Case { scheme: &catalog::IPTVBP, secrets: &[SECRET], request, body, url: None, now: NOW };
    let said = explain(&case);
    assert!(hints(&case).is_empty() || !matches!(said, Finding::Valid), "a hint at what is valid");
    said
}

const SECRET: &str = "a secret of some length";
const NOW: i64 = 1_700_000_000;
