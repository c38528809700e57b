//! The endpoints of the sample, and how the receiver of each behaves.

use std::time::Duration;

use super::system::System;

/// An endpoint of the sample.
pub(super) struct Sample {
    /// The last part of its id, and of its URL.
    pub(super) path: &'static str,
    pub(super) system: System,
    pub(super) name: &'static str,
    pub(super) manner: Manner,
    /// What can be seen of it.
    pub(super) shows: &'static str,
}

/// What a receiver does with what it is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// Takes it.
    Well,
    /// Takes it after a second and a half.
    Slow,
    /// Fails for as long, and takes it from then on.
    Recovers(Duration),
    /// Says each time that it is overloaded.
    Overloaded,
    /// Says that it is gone for ever.
    Gone,
    /// Verifies with another secret than the sender signs with.
    OtherSecret,
}

pub(super) const ENDPOINTS: [Sample; 8] = [
    Sample {
        path: "portal",
        system: System::Iptvbp,
        name: "Customer portal",
        manner: Manner::Well,
        shows: "takes what it is sent, with a signature that it verifies",
    },
    Sample {
        path: "crm",
        system: System::Iptvbp,
        name: "CRM",
        manner: Manner::Recovers(Duration::from_secs(8)),
        shows: "answers 500 for 8 seconds, is left alone for 10, then takes what has waited",
    },
    Sample {
        path: "accounts",
        system: System::Panel,
        name: "Accounts",
        manner: Manner::Slow,
        shows: "takes a second and a half for each, and holds up nobody else",
    },
    Sample {
        path: "audit",
        system: System::Panel,
        name: "Audit log",
        manner: Manner::OtherSecret,
        shows: "answers 401: it verifies with another secret, so nothing gets through",
    },
    Sample {
        path: "provisioning",
        system: System::Ispbills,
        name: "Provisioning",
        manner: Manner::Well,
        shows: "takes what it is sent, by another system's scheme",
    },
    Sample {
        path: "warehouse",
        system: System::Ispbills,
        name: "Warehouse",
        manner: Manner::Overloaded,
        shows: "answers 503 for ever: tried less and less often, until deliveries are given up",
    },
    Sample {
        path: "retired",
        system: System::Billrun,
        name: "Retired shop",
        manner: Manner::Gone,
        shows: "answers 410, and is disabled by that",
    },
    Sample {
        path: "invoices",
        system: System::Snapbill,
        name: "Invoices",
        manner: Manner::Well,
        shows: "takes payloads that are made when they are sent, and aren't signed",
    },
];
