use alloc::vec::Vec;

use super::*;

/// The providers whose schemes are established, by the ids of the facts and of the vectors.
const PROVIDERS: &[&str] = &[
    "adyen-platform",
    "airtable",
    "asana",
    "bitbucket",
    "box",
    "calcom",
    "calendly",
    "chargebee",
    "checkout",
    "circleci",
    "clerk",
    "cloudevents-webhook",
    "coinbase-commerce",
    "discord",
    "discord-events",
    "docusign",
    "dropbox",
    "flutterwave-v3",
    "flutterwave-v4",
    "github",
    "github-sha1",
    "gitlab",
    "gitlab-token",
    "gocardless",
    "hubspot-v1",
    "hubspot-v2",
    "hubspot-v3",
    "intercom",
    "jira",
    "lemonsqueezy",
    "line",
    "linear",
    "meta",
    "meta-legacy-sha1",
    "mollie",
    "mux",
    "notion",
    "openai",
    "paddle",
    "pagerduty",
    "paystack",
    "razorpay",
    "recurly",
    "resend",
    "sanity",
    "sendgrid",
    "sentry",
    "shopify",
    "shopify-events",
    "slack",
    "square",
    "square-legacy-sha1",
    "standard-webhooks",
    "stripe",
    "supabase",
    "svix",
    "telegram",
    "trello",
    "twilio",
    "twitch",
    "typeform",
    "vercel",
    "viber",
    "websub",
    "woocommerce",
    "xero",
    "zendesk",
    "zoom",
];

/// The systems that this project began with, and the templates.
const OTHERS: &[&str] = &["basic-auth", "bearer-token", "billrun", "iptvbp", "ispbills", "panel", "snapbill"];

#[test]
fn the_catalogue_holds_each_provider_once_sorted_by_name() {
    let mut expected: Vec<&str> = PROVIDERS.iter().chain(OTHERS).copied().collect();
    expected.sort_unstable();
    let names: Vec<&str> = ALL.iter().map(|scheme| &*scheme.name).collect();
    assert_eq!(names, expected);
    assert!(names.windows(2).all(|pair| pair[0] < pair[1]), "a name stands twice");
}

#[test]
fn every_scheme_is_found_by_its_name() {
    for scheme in ALL {
        assert_eq!(find(&scheme.name), Some(scheme));
    }
    assert_eq!(find(""), None);
    assert_eq!(find("Stripe"), None);
}

#[test]
fn every_scheme_makes_sense() {
    for scheme in ALL {
        assert_eq!(scheme.check(), Ok(()), "{}", scheme.name);
        assert!(!scheme.title.is_empty() && !scheme.source.is_empty(), "{}", scheme.name);
    }
}

#[test]
fn what_signs_covers_the_body() {
    for scheme in ALL {
        let signs = scheme.algorithms().any(|a| !matches!(a, Algorithm::Token | Algorithm::None));
        assert_eq!(scheme.covers_body(), signs, "{}", scheme.name);
    }
}

#[test]
fn every_time_in_the_signed_content_is_checked() {
    for scheme in ALL {
        let times = |part: &&Part| match part {
            Part::Field(_) => true,
            Part::Header(name) => name.to_ascii_lowercase().contains("timestamp"),
            _ => false,
        };
        if scheme.content.iter().any(|part| times(&part)) {
            assert!(scheme.timestamp.is_some(), "{}", scheme.name);
        }
    }
}

#[test]
fn nothing_is_echoed_as_html_or_for_sniffing() {
    for answer in ALL.iter().flat_map(|scheme| scheme.handshakes.iter()).map(|handshake| &handshake.answer) {
        if let AnswerBody::Text(value) = &answer.body
            && !matches!(value, AnswerValue::Fixed(_))
        {
            assert_eq!(answer.content_type.as_deref(), Some("text/plain"));
            assert_eq!(*answer.headers, *NO_SNIFFING);
        }
    }
}

#[test]
fn a_handshake_that_hands_over_a_secret_is_answered_only_while_enrolling() {
    for handshake in ALL.iter().flat_map(|scheme| scheme.handshakes.iter()) {
        assert_eq!(handshake.enrolment, handshake.secret.is_some());
    }
}

#[test]
fn keys_of_pairs_are_accepted_by_algorithms_of_pairs_alone() {
    for scheme in ALL {
        let pair = scheme.key.forms.iter().any(|form| form.kind != KeyKind::Symmetric);
        assert_eq!(pair, scheme.algorithms().any(Algorithm::is_asymmetric), "{}", scheme.name);
    }
}

#[test]
fn a_template_takes_what_an_installation_uses() {
    let scheme = isp_bills("X-Isp", Algorithm::HmacSha512, Encoding::Base64);
    assert_eq!(scheme.check(), Ok(()));
    assert_eq!(scheme.algorithms().collect::<Vec<_>>(), [Algorithm::HmacSha512]);
    assert_eq!(isp_bills("X-Webhook-Signature", Algorithm::HmacSha256, Encoding::Hex), ISPBILLS);
}

#[cfg(feature = "toml")]
mod toml {
    use super::*;

    #[test]
    fn every_scheme_reads_back_from_its_toml() {
        for scheme in ALL {
            let text = scheme.to_toml();
            let read = Scheme::from_toml(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
            assert_eq!(read, *scheme);
        }
    }
}
