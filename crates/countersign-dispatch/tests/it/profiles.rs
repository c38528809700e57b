//! The sender profiles: exactly what the project's vectors hold, and the way of each system's events to a
//! real receiver, where each is handled once.

use std::path::Path;

use countersign_dispatch::profile::{ProfileError, ProfileErrorKind};
use countersign_store::outbox::{NewMessage, Payload};
use serde_json::{Value, value::RawValue};

mod billrun;
mod iptvbp;
mod ispbills;
mod panel;
mod site;
mod snapbill;

/// A request as its system sends it, made by other means than ours: the first of the project's vectors.
struct Vector(Value);

impl Vector {
    fn of(scheme: &str) -> Vector {
        let file = format!("../../tests/vectors/{scheme}.json");
        let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
        Vector(serde_json::from_str::<Value>(&text).unwrap()[0].take())
    }

    fn secret(&self) -> &str {
        self.0["secrets"][0].as_str().unwrap()
    }

    fn body(&self) -> &str {
        self.0["body"].as_str().unwrap()
    }

    fn header(&self, name: &str) -> &str {
        let headers = self.0["headers"].as_array().unwrap();
        headers.iter().find(|header| header[0] == name).unwrap()[1].as_str().unwrap()
    }
}

/// Data that is sent as it is written here.
fn data(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).unwrap()
}

fn body_of(message: &NewMessage) -> &str {
    match &message.payload {
        Payload::Bytes(bytes) => std::str::from_utf8(bytes).unwrap(),
        Payload::Reference(reference) => panic!("{reference} is not made yet"),
    }
}

/// What is wrong with a message or an endpoint.
fn kind_of<T>(result: Result<T, ProfileError>) -> Option<ProfileErrorKind> {
    result.err().map(|error| error.kind())
}
