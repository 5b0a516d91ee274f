//! Where what was fetched for tests is kept: `$COMMUNITY_STATS_TEST_CACHE`, else
//! `$XDG_CACHE_HOME/community-stats`, else `~/.cache/community-stats`.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

/// The folder for something that is made of exactly these `sources`.
pub(super) fn place(name: &str, sources: impl Hash) -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let parent = variable("COMMUNITY_STATS_TEST_CACHE")
        .or_else(|| Some(variable("XDG_CACHE_HOME")?.join("community-stats")))
        .or_else(|| Some(variable("HOME")?.join(".cache/community-stats")))?;
    let mut hasher = DefaultHasher::new();
    sources.hash(&mut hasher);
    Some(parent.join(format!("{name}-{:08x}", hasher.finish() as u32)))
}

/// An empty folder beside `home`, which is removed unless it is [kept](keep) as that.
pub(super) fn beside(home: &Path) -> anyhow::Result<tempfile::TempDir> {
    let parent = home.parent().context("a cache folder has a parent")?;
    fs::create_dir_all(parent)?;
    Ok(tempfile::Builder::new().prefix(".building-").tempdir_in(parent)?)
}

/// Keeps what was made, whole or not at all. Another process may have been quicker, with the same
/// result: `is_made` says so.
pub(super) fn keep(
    building: tempfile::TempDir,
    home: &Path,
    is_made: impl Fn() -> bool,
) -> anyhow::Result<()> {
    let renamed = fs::rename(building.path(), home);
    if is_made() {
        return Ok(());
    }
    renamed.with_context(|| format!("keeping {}", home.display()))
}

/// Runs a command; says what it said when it fails.
pub(super) fn run(command: &mut Command) -> anyhow::Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("running {program}"))?;
    let (out, all) = (output.stdout.clone(), [output.stdout, output.stderr].concat());
    ensure!(output.status.success(), "{program} failed: {}", String::from_utf8_lossy(&all));
    Ok(String::from_utf8(out)?)
}
