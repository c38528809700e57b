//! Writing a signed request: as headers, as a curl line, as a raw message.

use std::{
    io::{self, Write},
    path::Path,
};

use anyhow::{Context as _, anyhow, bail};
use http::{HeaderName, HeaderValue, Uri};

use crate::input;

/// A request to be sent.
pub(crate) struct Outgoing<'a> {
    pub(crate) method: &'a str,
    pub(crate) url: Option<&'a str>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: &'a [u8],
}

impl Outgoing<'_> {
    /// Writes one header a line.
    pub(crate) fn write_headers(&self, out: &mut impl Write) -> io::Result<()> {
        self.headers.iter().try_for_each(|(name, value)| writeln!(out, "{name}: {value}"))
    }

    /// Writes the whole request as an HTTP/1.1 message.
    pub(crate) fn write_http(&self, out: &mut impl Write) -> anyhow::Result<()> {
        let target = self.url.map_or(Ok("/".to_owned()), super::target_of)?;
        write!(out, "{} {target} HTTP/1.1\r\n", self.method)?;
        if self.value("host").is_none() {
            write!(out, "Host: {}\r\n", self.url.and_then(host).unwrap_or_else(|| "localhost".to_owned()))?;
        }
        if let Some(kind) = self.content_type() {
            write!(out, "Content-Type: {kind}\r\n")?;
        }
        for (name, value) in &self.headers {
            write!(out, "{name}: {value}\r\n")?;
        }
        write!(out, "Content-Length: {}\r\n\r\n", self.body.len())?;
        Ok(out.write_all(self.body)?)
    }

    /// A curl line that sends the request, and shows what is answered: the status too, and a failure without the
    /// progress of what is sent. `path` is where the body was read from.
    pub(crate) fn curl(&self, path: &Path) -> anyhow::Result<String> {
        let url =
            self.url.ok_or_else(|| anyhow!("curl needs to know where to send the request: give --url"))?;
        let begin = ["curl", "--silent", "--show-error", "--include", "--request", self.method];
        let mut words: Vec<String> = begin.map(str::to_owned).into();
        // What curl would otherwise read as a pattern, or shorten.
        words.extend(url.contains(['[', ']', '{', '}']).then(|| "--globoff".to_owned()));
        words.extend(url.contains("/.").then(|| "--path-as-is".to_owned()));
        let kind = self.content_type().map(|kind| ("Content-Type".to_owned(), kind.to_owned()));
        for (name, value) in kind.iter().chain(&self.headers) {
            words.push("--header".into());
            words.push(if value.is_empty() { format!("{name};") } else { format!("{name}: {value}") });
        }
        words.extend(self.curl_body(path)?);
        words.push(url.into());
        Ok(shlex::try_join(words.iter().map(String::as_str))?)
    }

    fn curl_body(&self, path: &Path) -> anyhow::Result<[String; 2]> {
        if !input::is_stdin(path) {
            let path = path.to_str().context("the body's path isn't UTF-8: rename it")?;
            return Ok(["--data-binary".into(), format!("@{path}")]);
        }
        let plain = |c: char| !c.is_control() || matches!(c, '\n' | '\t');
        match std::str::from_utf8(self.body) {
            Ok(text) if text.chars().all(plain) => Ok(["--data-raw".into(), text.to_owned()]),
            _ => bail!(
                "a body that isn't plain text can't stand in a command: write it to a file and give its name"
            ),
        }
    }

    /// The content type that is added where the caller gave none.
    pub(crate) fn content_type(&self) -> Option<&'static str> {
        let json = serde_json::from_slice::<serde::de::IgnoredAny>(self.body).is_ok();
        let kind = if json { "application/json" } else { "application/octet-stream" };
        self.value("content-type").is_none().then_some(kind)
    }

    /// The value of a header that is written already.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| &**value)
    }
}

/// Reads `Name: value`, in which no line break can hide another header.
pub(crate) fn header(text: &str) -> anyhow::Result<(String, String)> {
    let (name, value) = text.split_once(':').context("a header is written `Name: value`")?;
    let value = value.trim_matches([' ', '\t']);
    HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| anyhow!("`{}` can't be a header's name", name.escape_debug()))?;
    HeaderValue::from_bytes(value.as_bytes())
        .map_err(|_| anyhow!("the value of the header {name} holds a control character"))?;
    Ok((name.to_owned(), value.to_owned()))
}

fn host(url: &str) -> Option<String> {
    let uri: Uri = url.parse().ok()?;
    let authority = uri.authority()?.as_str();
    Some(authority.rsplit('@').next().unwrap_or(authority).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outgoing(body: &[u8]) -> Outgoing<'_> {
        let headers =
            vec![("X-Sig".to_owned(), "t=1,v1='a b'".to_owned()), ("X-None".to_owned(), String::new())];
        Outgoing { method: "POST", url: Some("https://u@example.com:8443/h?a=[1]"), headers, body }
    }

    #[test]
    fn a_curl_line_splits_into_what_was_meant() {
        let line = outgoing(b"{}").curl(Path::new("it's here/body.json")).expect("a line");
        let words = shlex::split(&line).expect("a shell line");
        assert_eq!(
            words,
            [
                "curl",
                "--silent",
                "--show-error",
                "--include",
                "--request",
                "POST",
                "--globoff",
                "--header",
                "Content-Type: application/json",
                "--header",
                "X-Sig: t=1,v1='a b'",
                "--header",
                "X-None;",
                "--data-binary",
                "@it's here/body.json",
                "https://u@example.com:8443/h?a=[1]",
            ]
        );
    }

    #[test]
    fn a_body_from_standard_input_stands_in_the_line_where_it_can() {
        let body = "@it's\n{\"a\":\"$HOME `x` é\"}";
        let line = outgoing(body.as_bytes()).curl(Path::new("-")).expect("a line");
        let words = shlex::split(&line).expect("a shell line");
        assert_eq!(words[words.len() - 3..words.len() - 1], ["--data-raw", body]);
        for body in [b"\xff".as_slice(), b"a\0", b"a\x1b[2J", b"a\r\n"] {
            assert!(outgoing(body).curl(Path::new("-")).is_err());
        }
    }

    #[test]
    fn a_raw_message_holds_host_and_length() {
        let mut out = Vec::new();
        outgoing(b"x\n").write_http(&mut out).expect("a message");
        let text = String::from_utf8(out).expect("text");
        assert_eq!(
            text,
            "POST /h?a=[1] HTTP/1.1\r\nHost: example.com:8443\r\nContent-Type: application/octet-stream\r\n\
             X-Sig: t=1,v1='a b'\r\nX-None: \r\nContent-Length: 2\r\n\r\nx\n"
        );
    }

    #[test]
    fn a_header_holds_no_other() {
        assert_eq!(header("X-A:  b ").expect("a header"), ("X-A".to_owned(), "b".to_owned()));
        for bad in ["X-A", "X A: b", "X-A: b\r\nX-B: c", ": b"] {
            assert!(header(bad).is_err(), "{bad}");
        }
    }
}
