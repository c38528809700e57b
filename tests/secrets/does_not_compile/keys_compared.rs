//! Nor are two keys.

use countersign::Key;

fn main() {
    let _ = Key::new("old", "secret") == Key::new("new", "secret");
}
