//! Traces that `countersign serve` sends to a collector.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
    time::{Duration, Instant},
};

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value},
    trace::v1::Span,
};
use prost::Message as _;

use crate::{
    run::{Done, Folder, countersign},
    running::{Running, Server, receiver, serve_line},
};

/// A request that a collector has taken: its head, and its body.
type Taken = (String, Vec<u8>);

/// A collector on a free port: its URL, and what it takes.
fn collector() -> (String, Receiver<Taken>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let (sender, taken) = channel();
    thread::spawn(move || listener.incoming().flatten().try_for_each(|stream| take_all(stream, &sender)));
    (url, taken)
}

/// Takes the requests of a connection. Where nobody waits for them any more, all ends.
fn take_all(stream: TcpStream, sender: &Sender<Taken>) -> Result<(), ()> {
    let mut stream = BufReader::new(stream);
    while let Some(taken) = take(&mut stream) {
        sender.send(taken).map_err(drop)?;
    }
    Ok(())
}

fn take(stream: &mut BufReader<TcpStream>) -> Option<Taken> {
    let lines = stream.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty());
    let head = lines.map(|line| line.to_lowercase() + "\n").collect::<String>();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "))?.parse().ok()?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    let answer = "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n";
    stream.get_mut().write_all(answer.as_bytes()).ok()?;
    Some((head, body))
}

/// A text among attributes.
fn text<'a>(attributes: &'a [KeyValue], name: &str) -> Option<&'a str> {
    let found = attributes.iter().find(|attribute| attribute.key == name)?;
    match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text),
        other => panic!("{name} is {other:?}"),
    }
}

/// What a server that delivers one message to a receiver leaves, with these arguments and variables.
fn delivered(folder: &Folder, more: &str, environment: &[(&str, &str)]) -> (String, Done) {
    let mut receiver = receiver(folder, "--json");
    let line = format!("{} {more}", serve_line(receiver.port()));
    let run = countersign(&line).within(folder);
    let run = environment.iter().fold(run, |run, (name, value)| run.env(name, value));
    let server = Server::of(Running::start(run));
    let made = server.json(&format!("endpoint add {}/hooks", receiver.url));
    server.json_with("message send --type invoice.paid -", r#"{"amount":"hunter2"}"#);
    receiver.json();
    (made["secret"].as_str().expect("a secret").to_owned(), server.running.stop())
}

#[test]
fn an_attempt_is_traced_without_its_secret_signature_and_body_before_the_server_ends() {
    let (url, taken) = collector();
    let folder = Folder::new();
    let header = ("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=ours");
    let (secret, done) = delivered(&folder, &format!("--otlp-endpoint {url}/in/"), &[header]);
    assert_eq!(done.code, 0, "{done:?}");
    let taken: Vec<Taken> = taken.try_iter().collect();
    let mut spans: Vec<Span> = Vec::new();
    for (head, body) in &taken {
        assert!(head.starts_with("post /in/v1/traces http/1.1\n"), "{head}");
        assert!(head.contains("content-type: application/x-protobuf\n") && head.contains("x-tenant: ours\n"));
        for traced in ExportTraceServiceRequest::decode(&**body).expect("protobuf").resource_spans {
            let attributes = traced.resource.expect("a resource").attributes;
            assert_eq!(text(&attributes, "service.name"), Some("countersign"));
            spans.extend(traced.scope_spans.into_iter().flat_map(|scope| scope.spans));
        }
    }
    let mut names: Vec<_> = spans.iter().map(|span| &*span.name).collect();
    names.sort_unstable();
    assert_eq!(names, ["webhook.attempt", "webhook.enqueue"]);
    let attempt = spans.iter().find(|span| span.name == "webhook.attempt").expect("an attempt");
    assert_eq!(text(&attempt.attributes, "outcome"), Some("delivered"));
    assert_eq!(text(&attempt.attributes, "event_type"), Some("invoice.paid"));

    let kept = std::fs::read_to_string(folder.path(".countersign/1.http")).expect("a request");
    let signature = kept.lines().find_map(|line| line.split_once("v1,")).expect("a signature").1;
    let sent: Vec<u8> = taken.into_iter().flat_map(|(_, body)| body).collect();
    for hidden in [&secret[6..], signature.trim(), "hunter2"] {
        assert!(!sent.windows(hidden.len()).any(|window| window == hidden.as_bytes()), "{hidden}");
    }
}

#[test]
fn the_variables_of_opentelemetry_are_honoured() {
    let (url, taken) = collector();
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", &*url), ("OTEL_SERVICE_NAME", "hooks")];
    delivered(&Folder::new(), "", &variables);
    let (_, body) = taken.try_recv().expect("a request");
    let traced = ExportTraceServiceRequest::decode(&*body).expect("protobuf");
    let resource = traced.resource_spans[0].resource.as_ref().expect("a resource");
    assert_eq!(text(&resource.attributes, "service.name"), Some("hooks"));
}

#[test]
fn a_collector_that_can_not_be_reached_is_warned_of_once_and_delays_nothing() {
    let (_, done) = delivered(&Folder::new(), "--otlp-endpoint http://127.0.0.1:9", &[]);
    assert_eq!((done.code, done.stderr.matches("traces can't be sent").count()), (0, 1), "{done:?}");
}

#[test]
fn a_collector_that_never_answers_is_not_waited_for_longer_than_some_seconds() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let began = Instant::now();
    let (_, done) = delivered(&Folder::new(), &format!("--otlp-endpoint {url}"), &[]);
    assert!(done.code == 0 && done.stderr.contains(" WARN "), "{done:?}");
    assert!(began.elapsed() < Duration::from_secs(12), "{:?}", began.elapsed());
}
