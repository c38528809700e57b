//! The README's table of schemes is the catalogue's.

use std::{env, fs, path::Path};

use countersign_tests::table;

const BEGIN: &str =
    "<!-- schemes: written by `UPDATE_README=1 cargo test -p countersign-tests --test readme` -->\n";
const END: &str = "<!-- end of schemes -->";

#[test]
fn the_table_of_schemes_is_the_catalogues() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let text = fs::read_to_string(&path).expect("the README");
    let (head, rest) = text.split_once(BEGIN).expect("where the table begins");
    let (table, tail) = rest.split_once(END).expect("where the table ends");
    let expected = format!("\n{}\n", table::of_schemes());
    if env::var_os("UPDATE_README").is_some() {
        fs::write(&path, format!("{head}{BEGIN}{expected}{END}{tail}")).expect("the README can be written");
        return;
    }
    assert!(table == expected, "the table is not the catalogue's: run the command that stands above it");
}
