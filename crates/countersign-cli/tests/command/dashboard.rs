//! The dashboard of `countersign serve`, as a browser comes to it.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    time::{Duration, Instant},
};

use crate::{
    run::{Folder, countersign},
    running::{Running, Server, get, http},
};

/// What a browser sends when a form of the page it shows is sent.
fn post(origin: &str, path: &str, form: &str) -> String {
    let length = form.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: same-origin\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{form}"
    );
    http(origin, &request)
}

/// What is answered to a browser with a cookie.
fn get_with(origin: &str, path: &str, cookie: &str) -> String {
    http(
        origin,
        &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nCookie: {cookie}\r\n\r\n"),
    )
}

/// The value of a header of an answer.
fn header<'a>(answer: &'a str, name: &str) -> &'a str {
    let value = answer.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    value.unwrap_or_else(|| panic!("no {name} in {answer}"))
}

/// The path of the link that is printed, and its token.
fn link(running: &mut Running) -> (String, String) {
    let line = running.line();
    let path = line.strip_prefix("dashboard: ").and_then(|link| link.strip_prefix(&running.url));
    let path = path.unwrap_or_else(|| panic!("no link in {line}")).to_owned();
    let token = path.strip_prefix("/dashboard/sign-in?token=").expect("a token").to_owned();
    assert!(running.line().contains("once, within 10 minutes"));
    (path, token)
}

#[test]
fn adv_98_the_link_that_is_printed_opens_the_dashboard_once() {
    let folder = Folder::new();
    let mut server = Server::start(&folder, "1");
    let origin = server.running.url.clone();
    assert_eq!(header(&get(&origin, "/"), "location"), "/dashboard");
    assert_eq!(header(&get(&origin, "/dashboard"), "location"), "/dashboard/sign-in");
    let (path, token) = link(&mut server.running);
    assert!(get(&origin, &path).contains(&token), "the page that the link opens sends its token");

    let entered = post(&origin, "/dashboard/sign-in", &format!("token={token}"));
    assert_eq!(header(&entered, "location"), "/dashboard");
    let set = header(&entered, "set-cookie");
    assert!(!set.contains("Secure"), "a browser sends it by http, which is what is spoken here: {set}");
    let cookie = set.split(';').next().expect("a cookie");
    let overview = get_with(&origin, "/dashboard", cookie);
    assert!(overview.starts_with("HTTP/1.1 200") && overview.contains("Sign out"), "{overview}");

    let again = post(&origin, "/dashboard/sign-in", &format!("token={token}"));
    assert!(again.starts_with("HTTP/1.1 401") && !again.contains("set-cookie"), "{again}");
    let by_key = post(&origin, "/dashboard/sign-in", &format!("key={}", server.key));
    assert_eq!(header(&by_key, "location"), "/dashboard");
}

#[test]
fn adv_98_behind_a_proxy_no_link_stands_in_the_log_and_the_cookie_is_secure() {
    let folder = Folder::new();
    let line = "serve --listen 127.0.0.1:0 --behind-tls-proxy";
    let mut server = Server::of(Running::start(countersign(line).within(&folder)));
    assert_eq!(
        server.running.line(),
        "dashboard: /dashboard at the proxy's address; sign in with an admin's API key"
    );
    let by_key = post(&server.running.url, "/dashboard/sign-in", &format!("key={}", server.key));
    assert!(header(&by_key, "set-cookie").ends_with("; Secure"), "{by_key}");
    let done = server.running.stop();
    assert!(!(done.stdout + &done.stderr).contains("token"));
}

/// Opens the stream that keeps the overview up to date, and reads it until it has said something.
fn stream(origin: &str, cookie: &str) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(origin.strip_prefix("http://").expect("a URL")).expect("a server");
    let request = format!("GET /dashboard/live HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("written");
    let mut stream = BufReader::new(stream);
    let said = stream.by_ref().lines().map(|line| line.expect("a line")).find(|line| line == "retry: 3000");
    said.expect("a stream");
    stream
}

#[test]
fn a_server_that_is_told_to_stop_does_not_wait_for_pages_that_are_looked_at() {
    let folder = Folder::new();
    let server = Server::start(&folder, "1");
    let origin = server.running.url.clone();
    let entered = post(&origin, "/dashboard/sign-in", &format!("key={}", server.key));
    let cookie = header(&entered, "set-cookie").split(';').next().expect("a cookie");
    let _streams = [stream(&origin, cookie), stream(&origin, cookie)];
    let told = Instant::now();
    assert_eq!(server.running.stop().code, 0);
    assert!(told.elapsed() < Duration::from_secs(3), "{:?}", told.elapsed());
}

#[test]
fn the_failure_clock_of_the_sample_is_shown_as_its_dispatcher_has_it() {
    let folder = Folder::new();
    let run = countersign("serve --sample --listen 127.0.0.1:0");
    let run = run.env("TMPDIR", folder.path("").to_str().expect("text"));
    let server = Server::of(Running::start(run));
    let origin = server.running.url.clone();
    let entered = post(&origin, "/dashboard/sign-in", &format!("key={}", server.key));
    let cookie = header(&entered, "set-cookie").split(';').next().expect("a cookie");
    let until = Instant::now() + Duration::from_secs(60);
    let page = loop {
        let page = get_with(&origin, "/dashboard/endpoints/ep_audit", cookie);
        if page.contains("It has been failing since") {
            break page;
        }
        assert!(Instant::now() < until, "{page}");
    };
    let banner = page.split_once("It has been failing since").expect("a banner").1;
    let times =
        banner.split("datetime=\"").skip(1).take(3).map(|rest| rest.split_once('"').expect("a time").0);
    let times: Vec<_> = times.map(|time| time.split_at("2026-11-21T08:".len())).collect();
    assert_eq!(times[0].1, times[2].1, "an hour later: {times:?}");
    assert!(times[0].0 != times[2].0 && times[0].1 != times[1].1, "{times:?}");
}
