//! What the lock file may hold, and that every script keeps to it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;

/// The first `h2` that bounds what a peer can make it do: RUSTSEC-2024-0332, RUSTSEC-2026-0258.
const FIRST_SAFE_H2: [u64; 3] = [0, 4, 16];

/// Names that were registered to be taken for others: RUSTSEC-2026-0027, RUSTSEC-2025-0155,
/// RUSTSEC-2023-0103.
const TYPO_SQUATS: [&str; 3] = ["tracings", "rands", "postgress"];

const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// The commands of cargo that would write a new lock file where they may.
const RESOLVING: [&str; 9] = ["bench", "build", "check", "clippy", "doc", "metadata", "run", "test", "tree"];

#[test]
fn adv_60_no_h2_that_can_be_flooded_is_locked() {
    let packages = locked();
    assert_eq!(floodable_h2(&packages), Vec::<String>::new());
    assert!(packages.iter().any(|package| package.name == "h2"), "the transport's `http2` was looked at");
}

#[test]
fn adv_60_an_old_h2_would_be_found() {
    let h2 =
        |version: &str| Package { name: "h2".into(), version: version.into(), source: None, checksum: None };
    let found = floodable_h2(&["0.3.99", "0.4.15", "0.4.16", "0.5.0", "1.0.0"].map(h2));
    assert_eq!(found, ["0.3.99", "0.4.15"]);
}

#[test]
fn adv_100_no_typo_squat_is_locked() {
    for package in locked() {
        assert!(!TYPO_SQUATS.contains(&&*package.name), "{} is not what it seems", package.name);
    }
}

#[test]
fn adv_100_every_package_is_ours_or_of_crates_io() {
    let packages = locked();
    for Package { name, source, checksum, .. } in &packages {
        match source.as_deref() {
            None => assert!(name.starts_with("countersign"), "{name} has no source, and isn't ours"),
            Some(CRATES_IO) => assert!(checksum.is_some(), "{name} has no checksum"),
            Some(other) => panic!("{name} comes from {other}"),
        }
    }
    assert!(packages.len() > 100, "only {} packages were found", packages.len());
}

#[test]
fn adv_100_scripts_build_what_is_locked() {
    let mut commands = 0;
    for script in scripts() {
        for command in cargo_commands(&read(&script)) {
            assert!(command.contains("--locked"), "{}: {command}", script.display());
            commands += 1;
        }
    }
    assert!(commands > 8, "only {commands} commands were found");
}

#[test]
fn adv_100_an_unlocked_command_would_be_found() {
    let script =
        "cargo fmt --all\n# cargo build\n  cargo build -p x \\\n    --locked\ncargo \"+$version\" test\n";
    assert_eq!(cargo_commands(script), ["  cargo build -p x     --locked", "cargo \"+$version\" test"]);
}

/// The lock file, as cargo writes it.
#[derive(Deserialize)]
struct Lock {
    package: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    source: Option<String>,
    checksum: Option<String>,
}

fn locked() -> Vec<Package> {
    let lock: Lock = toml::from_str(&read(&root().join("Cargo.lock"))).expect("a lock file");
    lock.package
}

fn floodable_h2(packages: &[Package]) -> Vec<String> {
    let old = |version: &str| {
        let numbers = version.split(['.', '-', '+']).map_while(|number| number.parse::<u64>().ok());
        numbers.lt(FIRST_SAFE_H2)
    };
    let h2 = packages.iter().filter(|package| package.name == "h2");
    h2.map(|package| package.version.clone()).filter(|version| old(version)).collect()
}

fn scripts() -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("scripts")).expect("a folder");
    entries.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_file()).collect()
}

/// The commands of a script that call cargo for what needs the lock file, each in one line.
fn cargo_commands(script: &str) -> Vec<String> {
    let whole = script.replace("\\\n", "");
    let commands = whole.lines().filter(|line| !line.trim_start().starts_with('#') && resolves(line));
    commands.map(str::to_owned).collect()
}

fn resolves(command: &str) -> bool {
    let words: Vec<&str> = command.split([' ', '\t', '(', '$']).filter(|word| !word.is_empty()).collect();
    let cargo = words.iter().position(|word| *word == "cargo");
    cargo.is_some_and(|at| words[at + 1..].iter().any(|word| RESOLVING.contains(word)))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}
