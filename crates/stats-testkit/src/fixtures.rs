//! The files of the folder `fixtures/` of the workspace.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use flate2::read::GzDecoder;

/// The path of a fixture, given relative to `fixtures/`.
#[must_use]
pub fn path(relative: impl AsRef<Path>) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(relative)
}

/// The content of a fixture, unpacked when its name ends in `.gz`.
///
/// # Errors
/// When the file cannot be read or unpacked.
pub fn bytes(relative: impl AsRef<Path>) -> Result<Vec<u8>> {
    let path = path(relative);
    let stored = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
    if path.extension().is_none_or(|extension| extension != "gz") {
        return Ok(stored);
    }
    let mut plain = Vec::new();
    GzDecoder::new(stored.as_slice())
        .read_to_end(&mut plain)
        .with_context(|| format!("unpacking {}", path.display()))?;
    Ok(plain)
}

/// The lines of a fixture, unpacked when its name ends in `.gz`.
///
/// # Errors
/// When the file cannot be read or unpacked, or is not UTF-8.
pub fn lines(relative: impl AsRef<Path>) -> Result<Vec<String>> {
    let text = String::from_utf8(bytes(relative)?)?;
    Ok(text.lines().map(str::to_owned).collect())
}
