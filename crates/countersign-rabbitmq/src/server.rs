//! Where the server is, read of a URL: <https://www.rabbitmq.com/docs/uri-spec>.

use std::borrow::Cow;

use amqprs::connection::OpenConnectionArguments;
use countersign_store::StoreError;
use percent_encoding::percent_decode_str;
use url::Url;

/// What `amqp://user:password@host:port/vhost?heartbeat=seconds` says. What it doesn't say is as the specification has
/// it: `guest`, `guest`, 5672 and `/`; that the connection was lost is known after two
/// heartbeats. No error shows the URL, which can hold a password.
pub(crate) fn server(url: &str) -> Result<OpenConnectionArguments, StoreError> {
    let url = Url::parse(url).map_err(|error| StoreError::invalid(format!("not a URL: {error}")))?;
    match url.scheme() {
        "amqp" => {}
        "amqps" => {
            return Err(StoreError::invalid("`amqps` needs settings for TLS: use `RabbitMqForwarder::new`"));
        }
        scheme => return Err(StoreError::invalid(format!("`{scheme}` is no URL of RabbitMQ: use `amqp`"))),
    }
    let host = url.host_str().ok_or_else(|| StoreError::invalid("the URL names no host"))?;
    let user = match url.username() {
        "" => Cow::Borrowed(GUEST),
        user => decoded(user)?,
    };
    let password = url.password().map_or(Ok(Cow::Borrowed(GUEST)), decoded)?;
    let mut server = OpenConnectionArguments::new(host, url.port().unwrap_or(PORT), &user, &password);
    server.heartbeat(HEARTBEAT);
    // `/` alone names the empty one.
    if let Some(vhost) = url.path().strip_prefix('/') {
        server.virtual_host(&short(&decoded(vhost)?)?);
    }
    for (name, value) in url.query_pairs() {
        if name == "heartbeat" {
            let seconds =
                value.parse().map_err(|_| StoreError::invalid("`heartbeat` is no number of seconds"))?;
            // The client halves it for its own, by whole seconds.
            server.heartbeat(if seconds == 1 { 2 } else { seconds });
        }
    }
    Ok(server)
}

fn decoded(text: &str) -> Result<Cow<'_, str>, StoreError> {
    percent_decode_str(text).decode_utf8().map_err(|_| StoreError::invalid("a part of the URL isn't UTF-8"))
}

/// A text that AMQP can hold where it counts the bytes by one byte.
fn short(text: &str) -> Result<String, StoreError> {
    match u8::try_from(text.len()) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(StoreError::invalid("the virtual host has more than 255 bytes")),
    }
}

const GUEST: &str = "guest";
const PORT: u16 = 5672;
/// In seconds.
const HEARTBEAT: u16 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> (String, u16, String, u16) {
        let server = server(url).expect("a URL");
        let (host, vhost) = (server.get_host().to_owned(), server.get_virtual_host().to_owned());
        (host, server.get_port(), vhost, server.get_heartbeat())
    }

    #[test]
    fn each_part_is_read_and_the_others_are_as_the_specification_has_them() {
        assert_eq!(read("amqp://localhost"), ("localhost".into(), 5672, "/".into(), 10));
        assert_eq!(read("amqp://10.0.0.1:10000/%2f"), ("10.0.0.1".into(), 10000, "/".into(), 10));
        assert_eq!(read("amqp://u:p@[::1]/a%20b?heartbeat=7"), ("[::1]".into(), 5672, "a b".into(), 7));
        assert_eq!(read("amqp://localhost/").2, "");
    }

    #[test]
    fn what_is_no_url_of_a_server_is_refused_without_being_shown() {
        let long = format!("amqp://u:hunter2@h/{}", "v".repeat(256));
        for url in
            ["", "u:hunter2@h", "amqp://u:hunter2@", "amqp://u:hunter2@h:x", "http://u:hunter2@h", &long]
        {
            let error = server(url).err().expect("an error").to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
        assert!(server("amqps://u:hunter2@h").err().expect("an error").to_string().contains("TLS"));
    }
}
