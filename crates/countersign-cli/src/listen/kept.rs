//! Requests that are kept: a file each, of which the newest stay.

use std::{
    collections::VecDeque,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::Context as _;

use crate::{private, request::Request};

/// A folder with the newest requests, which nobody but their owner may read.
pub(super) struct Kept {
    folder: PathBuf,
    /// The numbers of those that are there, the oldest first.
    numbers: VecDeque<u64>,
    most: usize,
}

impl Kept {
    /// # Errors
    /// A folder that can't be made or read.
    pub(super) fn open(folder: &Path, most: usize) -> anyhow::Result<Self> {
        private::create_folder(folder)
            .and_then(|()| numbers(folder))
            .map(|numbers| Kept { folder: folder.to_owned(), numbers, most })
            .with_context(|| format!("the folder {} can't be used", folder.display()))
    }

    /// Keeps a request, and removes the oldest where there are too many. Its number is the next one.
    pub(super) fn keep(&mut self, request: &Request) -> io::Result<u64> {
        let mut number = self.numbers.back().map_or(Ok(1), |last| next(*last))?;
        let mut file = loop {
            match private::create(&path(&self.folder, number)) {
                // Another process keeps requests in the same folder.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number = next(number)?,
                created => break created?,
            }
        };
        self.numbers.push_back(number);
        let mut bytes = Vec::new();
        request.write(&mut bytes)?;
        file.write_all(&bytes)?;
        self.remove_oldest();
        Ok(number)
    }

    fn remove_oldest(&mut self) {
        while self.numbers.len() > self.most {
            let Some(oldest) = self.numbers.pop_front() else { return };
            // One that somebody has removed already is removed.
            let _ = fs::remove_file(path(&self.folder, oldest));
        }
    }
}

/// Where the request of this number is kept.
pub(super) fn path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number}{SUFFIX}"))
}

/// The number behind this one, which somebody else's file may be the last of.
fn next(number: u64) -> io::Result<u64> {
    let none = || {
        io::Error::other(format!(
            "there is no number behind {number}{SUFFIX}: remove that file, or give another --folder"
        ))
    };
    number.checked_add(1).ok_or_else(none)
}

fn numbers(folder: &Path) -> io::Result<VecDeque<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let number: Option<u64> = name.to_str().and_then(|name| name.strip_suffix(SUFFIX)?.parse().ok());
        numbers.extend(number);
    }
    numbers.sort_unstable();
    Ok(numbers.into())
}

const SUFFIX: &str = ".http";

#[cfg(test)]
mod tests {
    use super::*;

    fn request(body: &str) -> Request {
        Request {
            method: "POST".to_owned(),
            target: "/hooks?x=1".to_owned(),
            headers: vec![("x-sig".to_owned(), b"1".to_vec()), ("content-length".to_owned(), b"9".to_vec())],
            body: body.into(),
        }
    }

    #[test]
    fn the_newest_stay_and_are_read_as_they_came() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut kept = Kept::open(folder.path(), 2).expect("a folder");
        let numbers: Vec<u64> = ["a", "b", "c"].map(|body| kept.keep(&request(body)).expect("kept")).into();
        assert_eq!(numbers, [1, 2, 3]);
        assert!(!path(folder.path(), 1).exists());
        let read = Request::read(&path(folder.path(), 3)).expect("a request");
        assert_eq!((&*read.method, &*read.target, &*read.body), ("POST", "/hooks?x=1", &b"c"[..]));
        assert_eq!(read.headers[0], ("x-sig".to_owned(), b"1".to_vec()));
        let mut again = Kept::open(folder.path(), 2).expect("a folder");
        assert_eq!(again.keep(&request("d")).expect("kept"), 4);
        assert!(!path(folder.path(), 2).exists());
    }

    #[test]
    fn two_processes_keep_requests_in_one_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut kept = Kept::open(folder.path(), 10).expect("a folder");
        let mut other = Kept::open(folder.path(), 10).expect("a folder");
        assert_eq!(kept.keep(&request("a")).expect("kept"), 1);
        assert_eq!(other.keep(&request("b")).expect("kept"), 2);
    }

    #[test]
    fn behind_the_last_number_nothing_is_kept_and_the_file_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(path(folder.path(), u64::MAX), "").expect("a file");
        let mut kept = Kept::open(folder.path(), 10).expect("a folder");
        let error = kept.keep(&request("a")).expect_err("no number").to_string();
        assert!(error.contains("18446744073709551615.http: remove that file"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_read_what_is_kept() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a folder");
        let inner = folder.path().join("kept");
        Kept::open(&inner, 10).expect("a folder").keep(&request("a")).expect("kept");
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(&inner), mode(&path(&inner, 1))), (0o700, 0o600));
    }
}
