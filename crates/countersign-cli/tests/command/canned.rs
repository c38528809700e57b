//! A server whose answers are written down beforehand.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    thread::{self, JoinHandle},
};

/// A server that gives each request the next answer, and then ends.
pub(crate) struct Canned {
    pub(crate) url: String,
    requests: JoinHandle<Vec<String>>,
}

impl Canned {
    /// Each answer is a status line with its headers, and a body.
    pub(crate) fn new(answers: Vec<(&'static str, String)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let requests =
            thread::spawn(move || answers.iter().map(|(head, body)| answer(&listener, head, body)).collect());
        Canned { url, requests }
    }

    /// What was asked, once all answers are given.
    pub(crate) fn requests(self) -> Vec<String> {
        self.requests.join().expect("requests")
    }
}

/// Reads one request, answers it, and closes the connection.
fn answer(listener: &TcpListener, head: &str, body: &str) -> String {
    let (mut stream, _) = listener.accept().expect("a connection");
    let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
    let (mut request, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a line");
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a number");
        }
        request += &line;
        if line == "\r\n" {
            break;
        }
    }
    reader.take(length).read_to_string(&mut request).expect("a body");
    let answer =
        format!("HTTP/1.1 {head}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    stream.write_all(answer.as_bytes()).expect("written");
    request
}
