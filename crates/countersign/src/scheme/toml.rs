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
