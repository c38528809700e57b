//! Every seed and every regression of the fuzz targets, and the schemes and bodies of the project, given to
//! the targets without libFuzzer.

use std::{
    collections::BTreeSet,
    fs,
    panic::catch_unwind,
    path::{Path, PathBuf},
};

use countersign::catalog;
use countersign_fuzz::{TARGETS, Target, envelope, scheme_toml};
use countersign_tests::case;

#[test]
fn every_seed_and_every_regression_passes() {
    let inputs = |name: &str| {
        let folders = ["seeds", "regressions"].map(|kind| fuzz().join(kind).join(name));
        folders.iter().flat_map(|folder| entries(folder)).collect::<Vec<_>>()
    };
    let failed = |target: Target, file: &PathBuf| {
        let data = fs::read(file).expect("an input");
        catch_unwind(|| target(&data)).is_err()
    };
    let failures = TARGETS.iter().flat_map(|(name, target)| {
        let inputs = inputs(name).into_iter();
        inputs.filter(|file| failed(*target, file)).collect::<Vec<_>>()
    });
    let failures: Vec<PathBuf> = failures.collect();
    assert!(failures.is_empty(), "these inputs fail: {failures:#?}");
}

#[test]
fn every_target_has_a_program_and_seeds() {
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).expect("a manifest");
    for (name, _) in TARGETS {
        let program = format!("fuzz_targets/{name}.rs");
        let text = fs::read_to_string(fuzz().join(&program)).expect("a program");
        assert!(text.contains(&format!("countersign_fuzz::{name}::target(data)")), "{program}");
        assert!(manifest.contains(&format!("path = \"{program}\"")), "{program} isn't built");
        assert!(!entries(&fuzz().join("seeds").join(name)).is_empty(), "{name} has no seeds");
    }
}

#[test]
fn every_file_belongs_to_a_target() {
    let names: BTreeSet<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    assert_eq!(names.len(), TARGETS.len(), "a name stands twice");
    for folder in ["fuzz_targets", "seeds", "regressions", "dictionaries"] {
        for path in entries(&fuzz().join(folder)) {
            let name = path.file_stem().and_then(|name| name.to_str()).expect("a name");
            assert!(names.contains(name), "{} is no target's", path.display());
        }
    }
}

#[test]
fn every_scheme_of_the_catalogue_passes_as_an_input() {
    for scheme in catalog::ALL {
        scheme_toml::target(scheme.to_toml().as_bytes());
    }
}

#[test]
fn every_body_of_the_vectors_passes_as_an_input() {
    for case in case::all() {
        envelope::target(&case.body());
    }
}

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").join("fuzz")
}

/// What a folder holds, sorted; nothing, where there is none.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}
