//! Names: ids, event types, tenants and labels.

use crate::StoreError;

/// The longest id, event type, tenant or label in bytes. An entry of an index has room for 2,704 bytes in PostgreSQL,
/// and holds up to two of them, or one and a key.
pub const MAX_NAME: usize = 1024;

/// Refuses names that no store keeps, because they are longer than [`MAX_NAME`]. Each stands behind what it is.
pub(crate) fn check_names(names: &[(&str, &str)]) -> Result<(), StoreError> {
    match names.iter().find(|(_, name)| name.len() > MAX_NAME) {
        Some((what, name)) => {
            let length = name.len();
            Err(StoreError::invalid(format!("the {what} has {length} bytes: {MAX_NAME} are the most")))
        }
        None => Ok(()),
    }
}
