//! The invariants of the tree that a program can hold: which crate may use which, what the core may
//! depend on, how long a file may be, what a published crate must carry.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Which crates of the workspace a crate may use. What isn't listed is refused.
const MAY_USE: &[(&str, &[&str])] = &[
    ("countersign", &[]),
    ("countersign-store", &["countersign"]),
    ("countersign-sql", &["countersign", "countersign-store"]),
    ("countersign-redis", &["countersign", "countersign-store"]),
    ("countersign-nats", &["countersign", "countersign-store"]),
    ("countersign-rabbitmq", &["countersign", "countersign-store"]),
    ("countersign-inbox", &["countersign", "countersign-store"]),
    ("countersign-receive", &["countersign", "countersign-store"]),
    ("countersign-transport", &[]),
    ("countersign-dispatch", &["countersign", "countersign-store", "countersign-transport"]),
    ("countersign-tower", &["countersign", "countersign-store", "countersign-receive"]),
    ("countersign-actix", &["countersign", "countersign-store", "countersign-receive"]),
    ("countersign-axum", &["countersign", "countersign-tower"]),
    (
        "countersign-server",
        &["countersign", "countersign-store", "countersign-transport", "countersign-dispatch"],
    ),
    (
        "countersign-cli",
        &[
            "countersign",
            "countersign-store",
            "countersign-sql",
            "countersign-transport",
            "countersign-dispatch",
            "countersign-server",
        ],
    ),
];

/// Everything that the core may pull in by default, itself left out.
const CORE_DEPENDENCIES: &[&str] = &[
    "base64ct",
    "block-buffer",
    "cfg-if",
    "cmov",
    "cpufeatures",
    "crypto-common",
    "ctutils",
    "digest",
    "hex",
    "hmac",
    "hybrid-array",
    "itoa",
    "memchr",
    "percent-encoding",
    "serde_core",
    "serde_json",
    "sha2",
    "subtle",
    "typenum",
    "zeroize",
    "zmij",
];

/// The longest file, in lines.
const MAX_LINES: usize = 600;

/// How many rows the project's list of attacks has.
const ATTACKS: usize = 100;

#[test]
fn crates_use_each_other_in_one_direction() {
    let allowed: BTreeMap<_, _> = MAY_USE.iter().copied().collect();
    for manifest in manifests("crates") {
        let name = string(&manifest.toml, "package", "name");
        let allowed = allowed.get(&*name).unwrap_or_else(|| panic!("{name} is not in MAY_USE: add it"));
        let ours = manifest.dependencies().into_iter().filter(|other| other.starts_with("countersign"));
        for other in ours {
            assert!(allowed.contains(&&*other), "{name} may not use {other}");
        }
    }
}

/// A URL that somebody else supplies is dialled by `countersign-transport` alone. The command's own client
/// speaks to the server that its user names.
#[test]
fn adv_76_one_crate_alone_has_an_http_client() {
    const CLIENTS: [&str; 6] = ["hyper-util", "reqwest", "ureq", "isahc", "attohttpc", "awc"];
    for manifest in manifests("crates") {
        let name = string(&manifest.toml, "package", "name");
        let clients = manifest.dependencies().into_iter().filter(|other| CLIENTS.contains(&&**other));
        match &*name {
            "countersign-transport" => assert_eq!(clients.count(), 1),
            // It serves by the one, and asks by the other.
            "countersign-cli" => {
                assert_eq!(clients.collect::<Vec<_>>(), ["hyper-util", "reqwest"]);
                let features = manifest.toml["dependencies"]["hyper-util"]["features"].to_string();
                assert!(!features.contains("client"), "{features}");
            }
            _ => assert_eq!(clients.collect::<Vec<_>>(), [""; 0], "{name}"),
        }
    }
}

#[test]
fn the_core_pulls_in_what_is_listed_and_no_more() {
    let mut command = Command::new(env!("CARGO"));
    command.args(["tree", "--locked", "-p", "countersign", "-e", "normal,build", "--prefix", "none"]);
    let output = command.current_dir(root()).output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let names: BTreeSet<&str> = text.lines().filter_map(|line| line.split(' ').next()).collect();
    let pulled: BTreeSet<&str> = names.into_iter().filter(|name| *name != "countersign").collect();
    let listed: BTreeSet<&str> = CORE_DEPENDENCIES.iter().copied().collect();
    // On some targets `cpufeatures` adds `libc`.
    let more: Vec<_> = pulled.difference(&listed).filter(|name| **name != "libc").collect();
    assert!(more.is_empty(), "the core pulls in {more:?}");
    assert!(listed.is_subset(&pulled), "the core no longer pulls in {:?}", listed.difference(&pulled));
    for forbidden in ["tokio", "http", "futures-core", "futures-util", "bytes", "std"] {
        assert!(!pulled.contains(forbidden), "the core pulls in {forbidden}");
    }
}

#[test]
fn no_file_is_longer_than_600_lines() {
    for file in sources() {
        let lines = read(&file).lines().count();
        assert!(lines <= MAX_LINES, "{} has {lines} lines: it is two ideas in one room", file.display());
    }
}

#[test]
fn a_published_crate_has_a_readme_licences_and_its_metadata() {
    for manifest in manifests("crates") {
        let name = string(&manifest.toml, "package", "name");
        for file in ["README.md", "LICENSE-MIT", "LICENSE-APACHE"] {
            assert!(manifest.folder.join(file).is_file(), "{name} has no {file}");
        }
        for key in ["description", "rust-version"] {
            assert!(manifest.toml["package"].get(key).is_some(), "{name} has no {key}");
        }
        assert!(manifest.toml.get("lints").is_some(), "{name} doesn't inherit the workspace's lints");
    }
}

#[test]
fn only_the_members_that_are_meant_to_be_are_published() {
    for folder in ["tests", "tests/browser", "tests/secrets", "examples", "benches", "benches/instructions"] {
        let manifest = parse(&root().join(folder));
        let publish = manifest.toml["package"].get("publish").and_then(toml::Value::as_bool);
        assert_eq!(publish, Some(false), "{folder}");
    }
}

#[test]
fn the_core_reads_no_clock() {
    for file in sources().into_iter().filter(|file| file.starts_with(root().join("crates/countersign/src"))) {
        let text = read(&file);
        for clock in ["SystemTime", "Instant"] {
            assert!(!text.contains(clock), "{} names {clock}", file.display());
        }
    }
}

#[test]
fn nothing_published_is_unsafe_or_unfinished() {
    for file in sources().into_iter().filter(|file| file.starts_with(root().join("crates"))) {
        let text = read(&file);
        for mark in ["unsafe {", "unsafe fn", "unsafe impl", "todo!(", "unimplemented!(", "#[ignore"] {
            // `todo!()` stands in examples that must not compile.
            let found = text.lines().any(|line| line.contains(mark) && !line.trim_start().starts_with("//"));
            assert!(!found, "{} holds {mark}", file.display());
        }
    }
}

#[test]
fn every_attack_of_the_list_is_a_test_with_its_number() {
    let tests = sources().iter().map(|file| read(file)).collect::<String>();
    let missing = (1..=ATTACKS).map(|row| format!("adv_{row:02}_")).filter(|name| !tests.contains(name));
    assert_eq!(missing.collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn every_test_that_a_page_names_exists() {
    let tests = sources().iter().map(|file| read(file)).collect::<String>();
    for (page, least) in [("SECURITY.md", 50), ("ARCHITECTURE.md", 10)] {
        let text = read(&root().join(page));
        let named = text.split('`').skip(1).step_by(2).filter(|text| is_test_name(text));
        let (found, missing): (Vec<_>, Vec<_>) = named.partition(|name| tests.contains(*name));
        assert_eq!(missing, [""; 0], "{page}");
        assert!(found.len() > least, "{page} names only {found:?}");
    }
}

#[test]
fn nothing_needs_a_folder_outside_the_project() {
    let outside = concat!("../", "shared");
    for file in sources().into_iter().chain(files(&root().join("scripts"), "")) {
        assert!(!read(&file).contains(outside), "{} reads {outside}", file.display());
    }
}

/// Whether it begins as the tests of attacks do, or is a sentence.
fn is_test_name(text: &str) -> bool {
    let plain = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    plain && (text.starts_with("adv_") || text.matches('_').count() >= 4)
}

struct Manifest {
    folder: PathBuf,
    toml: toml::Value,
}

impl Manifest {
    fn dependencies(&self) -> Vec<String> {
        let tables =
            ["dependencies", "build-dependencies"].iter().filter_map(|name| self.toml.get(*name)?.as_table());
        tables.flat_map(|table| table.keys().cloned()).collect()
    }
}

fn manifests(folder: &str) -> Vec<Manifest> {
    let folders =
        fs::read_dir(root().join(folder)).expect("a folder").map(|entry| entry.expect("an entry").path());
    folders.filter(|path| path.join("Cargo.toml").is_file()).map(|path| parse(&path)).collect()
}

fn parse(folder: &Path) -> Manifest {
    let toml = toml::from_str(&read(&folder.join("Cargo.toml"))).expect("a manifest");
    Manifest { folder: folder.to_owned(), toml }
}

fn string(toml: &toml::Value, table: &str, key: &str) -> String {
    toml[table][key].as_str().expect("text").to_owned()
}

/// The Rust files of the project.
fn sources() -> Vec<PathBuf> {
    let folders = ["crates", "tests", "examples", "benches", "fuzz"].map(|folder| root().join(folder));
    folders.iter().flat_map(|folder| files(folder, "rs")).collect()
}

/// The files below `folder` with this extension (any, where it is empty); build output left out.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut found = Vec::new();
    for path in entries.map(|entry| entry.expect("an entry").path()) {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() && !["target", "node_modules", ".venv"].contains(&name) {
            found.extend(files(&path, extension));
        } else if path.is_file() && (extension.is_empty() || path.extension().is_some_and(|e| e == extension))
        {
            found.push(path);
        }
    }
    found
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}
