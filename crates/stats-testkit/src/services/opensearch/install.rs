//! What a node is made of.
//!
//! The libraries are fetched with Maven once and kept, with our compiled launcher.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, anyhow};

use super::Release;
use crate::services::cache::{beside, keep, place, run};
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
    let sources = (release.project(), LAUNCHER, release.plugins(), LOGGING);
    place(&format!("opensearch-{}", release.version()), sources)
}

/// Fetches and compiles what is not in the cache yet; complete or not there at all.
pub(super) fn install(release: Release) -> anyhow::Result<PathBuf> {
    let home = cache(release).context("neither HOME nor COMMUNITY_STATS_TEST_CACHE is set")?;
    if home.join("classes").is_dir() {
        return Ok(home);
    }
    let compiler = release.program("javac").map_err(|name| anyhow!("{name} not found"))?;
    let building = beside(&home)?;
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
    keep(building, &home, || home.join("classes").is_dir())?;
    Ok(home)
}
