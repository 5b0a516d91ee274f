//! What a node is made of.
//!
//! The libraries are fetched with Maven once and kept, with our compiled launcher, in
//! `$COMMUNITY_STATS_TEST_CACHE`, else `$XDG_CACHE_HOME/community-stats`, else
//! `~/.cache/community-stats`.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, anyhow, ensure};

use super::Release;
use crate::services::process::on_path;

const LAUNCHER: &str = include_str!("../../../opensearch/Node.java");
const LOGGING: &str = include_str!("../../../opensearch/log4j2.properties");

/// The program that is missing, if no node of this line can be started here.
pub(in crate::services) fn missing(release: Release) -> Option<&'static str> {
    let compiled = cache(release).is_some_and(|cache| cache.join("classes").is_dir());
    let needed: &[&str] = if compiled { &["java"] } else { &["java", "javac"] };
    let java = needed.iter().find_map(|name| release.program(name).err());
    java.or(if compiled || on_path("mvn") { None } else { Some("mvn") })
}

/// Where the libraries and the launcher of exactly these sources are kept.
fn cache(release: Release) -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let parent = variable("COMMUNITY_STATS_TEST_CACHE")
        .or_else(|| Some(variable("XDG_CACHE_HOME")?.join("community-stats")))
        .or_else(|| Some(variable("HOME")?.join(".cache/community-stats")))?;
    let mut hasher = DefaultHasher::new();
    (release.project(), LAUNCHER, release.plugins(), LOGGING).hash(&mut hasher);
    let version = release.version();
    Some(parent.join(format!("opensearch-{version}-{:08x}", hasher.finish() as u32)))
}

/// Fetches and compiles what is not in the cache yet; complete or not there at all.
pub(super) fn install(release: Release) -> anyhow::Result<PathBuf> {
    let home = cache(release).context("neither HOME nor COMMUNITY_STATS_TEST_CACHE is set")?;
    if home.join("classes").is_dir() {
        return Ok(home);
    }
    let compiler = release.program("javac").map_err(|name| anyhow!("{name} not found"))?;
    let parent = home.parent().context("a cache folder has a parent")?;
    fs::create_dir_all(parent)?;
    let building = tempfile::Builder::new().prefix(".building-").tempdir_in(parent)?;
    let (lib, classes) = (building.path().join("lib"), building.path().join("classes"));
    fs::create_dir(&classes)?;
    fs::write(building.path().join("pom.xml"), release.project())?;
    fs::write(building.path().join("Node.java"), LAUNCHER)?;
    fs::write(building.path().join("Plugins.java"), release.plugins())?;
    fs::write(classes.join("log4j2.properties"), LOGGING)?;
    let mut maven = Command::new("mvn");
    maven.args(["-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=lib"]);
    run(maven.current_dir(building.path()))?;
    let mut compiler = Command::new(compiler);
    compiler.args(["--release", &release.java().to_string()]);
    compiler.arg("-cp").arg(lib.join("*")).arg("-d").arg(&classes);
    compiler.args(["Node.java", "Plugins.java"]);
    run(compiler.current_dir(building.path()))?;
    keep(building, &home)?;
    Ok(home)
}

/// Another process may have been quicker, with the same result.
fn keep(building: tempfile::TempDir, home: &Path) -> anyhow::Result<()> {
    let renamed = fs::rename(building.path(), home);
    if home.join("classes").is_dir() {
        return Ok(());
    }
    renamed.with_context(|| format!("keeping {}", home.display()))
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("running {program}"))?;
    let said = [output.stdout, output.stderr].concat();
    ensure!(output.status.success(), "{program} failed: {}", String::from_utf8_lossy(&said));
    Ok(())
}
