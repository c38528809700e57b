//! Many rows as parameters of one statement.

/// How many rows a statement is given at most. Those that are not bound are null.
pub(super) const ROWS: usize = 64;

/// A statement that begins with its rows, as a table `given` of these columns. Its text is one for any number
/// of rows, so that it is prepared once.
pub(super) fn given(columns: &str, statement: &str) -> String {
    let row = format!("({})", vec!["?"; columns.split(',').count()].join(", "));
    format!("WITH given ({columns}) AS (VALUES {}) {statement}", vec![row; ROWS].join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_has_a_place_for_each_column() {
        let statement = given("id, name", "SELECT id FROM given");
        assert!(statement.starts_with("WITH given (id, name) AS (VALUES (?, ?), (?, ?), "), "{statement}");
        assert!(statement.ends_with(", (?, ?)) SELECT id FROM given"), "{statement}");
        assert_eq!(statement.matches('?').count(), 2 * ROWS);
    }
}
