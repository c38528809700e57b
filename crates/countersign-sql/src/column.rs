//! Columns that hold JSON.

use countersign_store::StoreError;
use serde::{Serialize, de::DeserializeOwned};

/// A value as JSON.
pub(crate) fn json(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(StoreError::invalid)
}

/// A value of a JSON column. The error says nothing of what the column holds.
pub(crate) fn parse<T: DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|_| StoreError::invalid("a column doesn't hold what it should"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_shows_nothing_of_the_column() {
        for column in ["{", r#"["CANARY"]"#, r#""CANARY""#, r#"{"CANARY":1}"#] {
            let error = parse::<Vec<(String, String)>>(column).expect_err("no list of pairs");
            assert!(!format!("{error} {error:?}").contains("CANARY"), "{error}");
        }
    }
}
