//! Reading files, standard input and the clock.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, bail};

/// The most bytes of a body, a request or a line.
pub(crate) const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// Reads a file, or standard input where the path is `-`.
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    read_up_to(path, MAX_BYTES)
}

/// Reads a file or standard input of at most `limit` bytes.
pub(crate) fn read_up_to(path: &Path, limit: u64) -> anyhow::Result<Vec<u8>> {
    let name = name(path);
    let bytes = match is_stdin(path) {
        true => bounded(io::stdin().lock(), limit),
        false => File::open(path).and_then(|file| bounded(file, limit)),
    };
    let bytes = bytes.with_context(|| format!("{name} can't be read"))?;
    if bytes.len() as u64 > limit {
        bail!("{name} holds more than {limit} bytes, which is the limit");
    }
    Ok(bytes)
}

/// Whether the path stands for standard input.
pub(crate) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// What messages call the path.
pub(crate) fn name(path: &Path) -> String {
    match is_stdin(path) {
        true => "standard input".to_owned(),
        false => path.display().to_string(),
    }
}

/// The time now, in Unix seconds.
pub(crate) fn clock() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

/// One byte more than the limit, so that the caller sees that it is exceeded.
fn bounded(from: impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(limit + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
