//! The event types that billing systems document.

use countersign::events::{billrun, iptvbp, ispbills, panel, snapbill};
use serde_json::{Value, json};

use super::{EventType, any};

/// The event types of a system; `None` where none of this name is known.
pub(super) fn of(system: &str) -> Option<Vec<EventType>> {
    match system {
        "billrun" => Some(billrun()),
        "iptvbp" => Some(iptvbp()),
        "ispbills" => Some(ispbills()),
        "panel" => Some(panel()),
        "snapbill" => Some(snapbill()),
        _ => None,
    }
}

/// The body isn't documented.
fn billrun() -> Vec<EventType> {
    let actions = billrun::Module::DOCUMENTED
        .iter()
        .flat_map(|module| module.actions().iter().map(move |action| (module.clone(), action.clone())));
    let described = |(module, action)| {
        let description = format!("BillRun: {action} of the module {module}");
        EventType::new(billrun::EventType { module, action }.to_string(), description)
    };
    actions.map(described).collect()
}

fn iptvbp() -> Vec<EventType> {
    let names = iptvbp::EventType::DOCUMENTED.iter().map(iptvbp::EventType::as_str);
    names
        .map(|name| EventType::new(name, format!("IPTVbp: {}", words(name))).schema(envelope(name)))
        .collect()
}

/// The types in a category, and the body, are not documented.
fn ispbills() -> Vec<EventType> {
    let categories = ispbills::Category::DOCUMENTED.iter().map(ispbills::Category::as_str);
    categories
        .map(|category| EventType::new(format!("{category}.*"), format!("ISPBills: events of a {category}")))
        .collect()
}

/// The body isn't documented.
fn panel() -> Vec<EventType> {
    let names = panel::EventType::DOCUMENTED.iter().map(panel::EventType::as_str);
    names.map(|name| EventType::new(name, format!("Panel: {}", words(name))).schema(any())).collect()
}

fn snapbill() -> Vec<EventType> {
    let paths = snapbill::EventType::DOCUMENTED.iter().map(snapbill::EventType::as_str);
    paths.map(|path| EventType::new(path, format!("SnapBill: {path}")).schema(inner(path))).collect()
}

fn envelope(name: &str) -> Value {
    json!({
        "type": "object",
        "required": ["id", "type", "timestamp", "data"],
        "properties": {
            "id": { "type": "string" },
            "type": { "const": name },
            "timestamp": { "type": "string", "format": "date-time" },
            "data": {},
        },
    })
}

fn inner(path: &str) -> Value {
    json!({
        "type": "object",
        "required": ["uuid", "body"],
        "properties": {
            "uuid": { "type": "string" },
            "body": {
                "type": "object",
                "required": ["path"],
                "properties": { "id": {}, "path": { "const": path }, "details": {} },
            },
        },
    })
}

/// `invoice.paid` as words.
fn words(name: &str) -> String {
    name.replace(['.', '_'], " ")
}
