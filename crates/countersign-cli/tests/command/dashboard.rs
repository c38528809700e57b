//! The dashboard of `countersign serve`, as a browser comes to it.

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
