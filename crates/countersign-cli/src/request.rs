//! Reading requests from files: a whole HTTP/1.1 message, or headers and body apart.
//!
//! The body is everything behind the blank line, byte for byte: a file from which a byte would have
//! to be left out, or whose body is framed in chunks, is refused with what to do about it.

use std::{
    io::{self, Write},
    path::Path,
};

use anyhow::{Context as _, anyhow, bail};
use countersign::RequestView;
use http::Uri;

use crate::{input, output};

pub(crate) mod write;

/// A request as it was captured.
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    /// The values are raw: they need not be UTF-8.
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// Reads a raw HTTP/1.1 message.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Request> {
        let bytes = input::read(path)?;
        parse(&bytes).with_context(|| format!("{} isn't a request", input::name(path)))
    }

    /// Reads headers and body from two files.
    pub(crate) fn read_parts(
        headers: &Path,
        body: &Path,
        method: &str,
        url: Option<&str>,
    ) -> anyhow::Result<Request> {
        if input::is_stdin(headers) && input::is_stdin(body) {
            bail!("headers and body can't both be read from standard input");
        }
        let text = input::read(headers)?;
        let headers =
            parse_headers(text).with_context(|| format!("{} holds no headers", input::name(headers)))?;
        let target = url.map(target_of).transpose()?.unwrap_or_else(|| "/".to_owned());
        let request = Request { method: method.to_owned(), target, headers, body: input::read(body)? };
        request.check_framing()?;
        Ok(request)
    }

    /// The request as the core sees it.
    pub(crate) fn view(&self) -> RequestView<'_> {
        RequestView { method: &self.method, target: &self.target, headers: &self.headers }
    }

    /// Writes a raw HTTP/1.1 message, whose body is framed by its length however it came.
    pub(crate) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        write!(out, "{} {} HTTP/1.1\r\n", self.method, self.target)?;
        let framing =
            |name: &str| ["content-length", "transfer-encoding"].contains(&&*name.to_ascii_lowercase());
        for (name, value) in self.headers.iter().filter(|(name, _)| !framing(name)) {
            write!(out, "{name}: ")?;
            out.write_all(value)?;
            out.write_all(b"\r\n")?;
        }
        write!(out, "content-length: {}\r\n\r\n", self.body.len())?;
        out.write_all(&self.body)
    }

    /// Refuses a body that is not the message's own bytes, whole and without more.
    fn check_framing(&self) -> anyhow::Result<()> {
        if self.values("transfer-encoding").next().is_some() {
            bail!(
                "the header Transfer-Encoding says that the body is framed: save the body without its chunk \
                 sizes; where that was done already, remove this header"
            );
        }
        for length in self.values("content-length") {
            let digits =
                std::str::from_utf8(length).ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
            let length: usize = digits
                .and_then(|digits| digits.parse().ok())
                .ok_or_else(|| anyhow!("the header Content-Length isn't a number: correct or remove it"))?;
            check_length(length, &self.body)?;
        }
        Ok(())
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        let headers = self.headers.iter().filter(move |(other, _)| other.eq_ignore_ascii_case(name));
        headers.map(|(_, value)| value.as_slice())
    }
}

/// The path and query of a URL, as a request line holds them.
pub(crate) fn target_of(url: &str) -> anyhow::Result<String> {
    let uri: Uri = url.parse().ok().filter(|uri: &Uri| uri.scheme().is_some()).ok_or_else(|| {
        anyhow!("the URL isn't whole: write it as it is registered, such as https://example.com/hooks?x=1")
    })?;
    let target = uri.path_and_query().map_or("", |target| target.as_str());
    // A request line holds the slash that a URL may leave out.
    Ok(if target.starts_with('/') { target.to_owned() } else { format!("/{target}") })
}

fn parse(bytes: &[u8]) -> anyhow::Result<Request> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut message = httparse::Request::new(&mut headers);
    let end = match message.parse(bytes) {
        Ok(httparse::Status::Complete(end)) => end,
        Ok(httparse::Status::Partial) => bail!(
            "no blank line ends the headers: the message is a line such as `POST /hooks HTTP/1.1`, the headers, \
             a blank line and the body"
        ),
        Err(error) => return Err(explain(error, bytes, 1)),
    };
    let (Some(method), Some(target)) = (message.method, message.path) else {
        bail!("the first line isn't one such as `POST /hooks HTTP/1.1`")
    };
    note_line_ends(&bytes[..end]);
    let target = if target.contains("://") { target_of(target)? } else { target.to_owned() };
    let request = Request {
        method: method.to_owned(),
        target,
        headers: owned(message.headers),
        body: bytes[end..].to_vec(),
    };
    request.check_framing()?;
    Ok(request)
}

/// Reads one header a line; a blank line may stand behind the last.
fn parse_headers(mut text: Vec<u8>) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    if text.last().is_some_and(|byte| *byte != b'\n') {
        text.extend(b"\r\n");
    }
    text.extend(b"\r\n");
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    match httparse::parse_headers(&text, &mut headers) {
        Ok(httparse::Status::Complete((end, headers))) => {
            if !text[end..].iter().all(u8::is_ascii_whitespace) {
                bail!(
                    "something stands behind the blank line: give the body by --body, or all of it by --request"
                );
            }
            Ok(owned(headers))
        }
        Ok(httparse::Status::Partial) => bail!("the last header is cut off"),
        Err(error) => Err(explain(error, &text, 0)),
    }
}

fn owned(headers: &[httparse::Header<'_>]) -> Vec<(String, Vec<u8>)> {
    headers.iter().map(|header| (header.name.to_owned(), header.value.to_vec())).collect()
}

fn check_length(length: usize, body: &[u8]) -> anyhow::Result<()> {
    match body.len() {
        have if have < length => bail!(
            "the body is cut off: Content-Length says {length} bytes, {have} are there; save the whole request"
        ),
        have if have > length => {
            let more = have - length;
            let line_end = body[length..].iter().all(|byte| matches!(byte, b'\r' | b'\n'));
            let whose = if line_end { ", a line break that an editor may have added" } else { "" };
            bail!(
                "the body is too long: Content-Length says {length} bytes, {have} are there ({more} more{whose}); \
                 remove what isn't part of it, such as by `truncate -s -{more} FILE`"
            )
        }
        _ => Ok(()),
    }
}

/// LF for CRLF in the head changes nothing that is signed, but tells that the body may have changed.
fn note_line_ends(head: &[u8]) {
    let bare = |(index, byte): (usize, &u8)| *byte == b'\n' && (index == 0 || head[index - 1] != b'\r');
    if head.iter().enumerate().any(bare) {
        output::note(
            "the lines of the message end with LF, not CRLF: it was written by hand, or a tool converted it; \
             the body is verified as it stands, and is wrong where its line ends were converted too",
        );
    }
}

/// Says where the head is wrong. httparse doesn't tell, so each line is tried alone.
fn explain(error: httparse::Error, bytes: &[u8], first: usize) -> anyhow::Error {
    let lines = bytes.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let mut headers = lines.enumerate().skip(first).take_while(|(_, line)| !line.is_empty());
    match error {
        httparse::Error::TooManyHeaders => anyhow!("there are more than {MAX_HEADERS} headers"),
        httparse::Error::Version => {
            anyhow!("line 1: write the version as HTTP/1.1, whichever it was sent by")
        }
        _ => match headers.find(|(_, line)| !is_header(line)) {
            Some((index, _)) => anyhow!("line {}: isn't a header such as `Name: value`", index + 1),
            None => anyhow!("line 1: isn't a request line such as `POST /hooks HTTP/1.1`"),
        },
    }
}

fn is_header(line: &[u8]) -> bool {
    let line = [line, b"\r\n\r\n"].concat();
    httparse::parse_headers(&line, &mut [httparse::EMPTY_HEADER; 1]).is_ok()
}

const MAX_HEADERS: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn error(message: &[u8]) -> String {
        parse(message).err().expect("a refusal").to_string()
    }

    #[test]
    fn the_body_is_everything_behind_the_blank_line() {
        let request = parse(b"POST /h?a=1 HTTP/1.1\r\nX-A: \xff b \r\n\r\n\r\n{}\n").expect("a request");
        assert_eq!((&*request.method, &*request.target), ("POST", "/h?a=1"));
        assert_eq!(request.headers, [("X-A".to_owned(), b"\xff b".to_vec())]);
        assert_eq!(request.body, b"\r\n{}\n");
    }

    #[test]
    fn lines_may_end_with_lf_and_the_target_may_be_a_url() {
        let request = parse(b"POST https://example.com/h?a=%2F HTTP/1.1\nX-A: b\n\n{}").expect("a request");
        assert_eq!((&*request.target, &*request.body), ("/h?a=%2F", b"{}".as_slice()));
    }

    #[test]
    fn a_url_asks_for_a_path() {
        for (url, target) in [
            ("https://example.com", "/"),
            ("https://example.com/", "/"),
            ("https://example.com?a=1", "/?a=1"),
            ("https://u:p@example.com:8443/h%2f?a=[1]&b=%20#part", "/h%2f?a=[1]&b=%20"),
        ] {
            assert_eq!(target_of(url).expect(url), target);
        }
        for url in ["", "/h", "example.com", "example.com/h", "https://example.com/a b"] {
            assert!(target_of(url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_length_that_does_not_fit_is_explained() {
        assert!(error(b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n{}").contains("cut off"));
        let long = error(b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}\n");
        assert!(
            long.contains("a line break that an editor may have added") && long.contains("truncate -s -1")
        );
        assert!(error(b"POST / HTTP/1.1\r\nContent-Length: +2\r\n\r\n{}").contains("isn't a number"));
        assert!(error(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n").contains("framed"));
    }

    #[test]
    fn a_head_that_is_wrong_is_explained_with_its_line() {
        assert!(error(b"POST / HTTP/1.1\r\nX-A: b\r\n").contains("blank line"));
        assert!(error(b"POST / HTTP/1.1\r\nX-A: b\r\nno header\r\n\r\n").starts_with("line 3:"));
        assert!(error(b"POST / HTTP/2\r\n\r\n").contains("HTTP/1.1"));
        assert!(error(b"{\"id\": 1}\n\n").starts_with("line 1:"));
    }

    #[test]
    fn headers_apart_need_no_blank_line() {
        for text in ["A: 1\nB: 2", "A: 1\nB: 2\n", "A: 1\r\nB: 2\r\n\r\n"] {
            let headers = parse_headers(text.into()).expect(text);
            assert_eq!(headers, [("A".to_owned(), b"1".to_vec()), ("B".to_owned(), b"2".to_vec())]);
        }
        assert!(
            parse_headers("POST / HTTP/1.1\nA: 1\n".into()).is_err_and(|e| e.to_string().contains("line 1"))
        );
        assert!(parse_headers("A: 1\n\n{}".into()).is_err_and(|e| e.to_string().contains("--body")));
    }
}
