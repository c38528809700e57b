//! Schemes as TOML.

use alloc::{borrow::ToOwned, format, string::String};

use super::{Scheme, SchemeError};

impl Scheme {
    /// Reads a scheme from TOML and [checks](Scheme::check) it.
    ///
    /// # Errors
    /// Text that isn't TOML, a field or value that no scheme has, or a contradiction; with the line,
    /// the field, and what to write instead.
    pub fn from_toml(text: &str) -> Result<Scheme, SchemeError> {
        let scheme: Scheme = toml::from_str(text).map_err(|error| {
            let line = error.span().map(|span| line_of(text, span.start));
            SchemeError::syntax(error.message().to_owned(), line)
        })?;
        scheme.check().map_err(|error| {
            let line = line_of_field(text, error.field());
            error.at_line(line)
        })?;
        Ok(scheme)
    }

    /// Writes the scheme as TOML that [`from_toml`](Scheme::from_toml) reads back to an equal value.
    #[must_use]
    pub fn to_toml(&self) -> String {
        toml::to_string_pretty(self)
            .unwrap_or_else(|error| format!("# scheme `{}` can't be written: {error}\n", self.name))
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text[..offset.min(text.len())].matches('\n').count() + 1
}

/// The line of the deepest table or key on `path` that the text holds.
fn line_of_field(text: &str, path: &str) -> Option<usize> {
    let document = toml::de::DeTable::parse(text).ok()?;
    let mut table = document.get_ref();
    let mut line = None;
    for key in path.split('.') {
        let Some((name, value)) = table.iter().find(|(name, _)| name.get_ref() == key) else { break };
        line = Some(line_of(text, name.span().start));
        let inner = match value.get_ref() {
            toml::de::DeValue::Array(items) => items.iter().next().map(|item| item.get_ref()),
            other => Some(other),
        };
        let Some(toml::de::DeValue::Table(inner)) = inner else { break };
        table = inner;
    }
    line
}

#[cfg(test)]
mod tests {
    use alloc::{string::ToString, vec::Vec};

    use super::*;

    const REFERENCE: &str = include_str!("reference.toml");

    #[test]
    fn the_reference_is_a_scheme() {
        let scheme = Scheme::from_toml(REFERENCE).expect("a scheme");
        assert_eq!(Scheme::from_toml(&scheme.to_toml()), Ok(scheme));
    }

    #[test]
    fn the_reference_shows_every_key_and_value() {
        // What is unknown is answered with all that is known.
        for place in [
            "name = ",
            "methods = ",
            "{ name = \"acme-version\"",
            "header = \"acme-signature\"",
            "list = ",
            "label = ",
            "\"hmac-sha256\"",
            "\"hex\"",
            "\"comma\", delimiter",
            "min_bytes = ",
            "prefix = ",
            "\"base64\"",
            "\"symmetric\"",
            "at = ",
            "\"unix-seconds\"",
            "id = ",
            "signed = ",
            "method = ",
            "setting = ",
            "status = ",
            "text = ",
            "query = \"token\"",
        ] {
            let wrong = place.replacen(|letter: char| letter.is_ascii_lowercase(), "Q", 1);
            let error =
                Scheme::from_toml(&REFERENCE.replacen(place, &wrong, 1)).expect_err(place).to_string();
            let known: Vec<&str> = error.split('`').skip(3).step_by(2).collect();
            assert!(error.contains("unknown") && known.len() > 1, "{place}: {error}");
            for name in known {
                assert!(REFERENCE.contains(name), "{place}: `{name}` is missing");
            }
        }
    }
}
