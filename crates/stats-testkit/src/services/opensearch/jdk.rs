//! A Java development kit that is new enough, where `java` on the search path may be an old one.

use std::fs;
use std::path::{Path, PathBuf};

/// The folder of a JDK of this version or newer: that of `java` on the search path, else
/// `$JAVA_HOME`, else the newest below `/usr/lib/jvm`.
pub(super) fn newer(version: u32) -> Option<PathBuf> {
    let enough = |home: &PathBuf| self::version(home).is_some_and(|found| found >= version);
    of_path()
        .filter(enough)
        .or_else(|| Some(PathBuf::from(std::env::var_os("JAVA_HOME")?)).filter(enough))
        .or_else(|| newest(Path::new("/usr/lib/jvm")).filter(enough))
}

fn of_path() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let java = std::env::split_paths(&path)
        .map(|folder| folder.join("java"))
        .find(|file| file.is_file())?;
    Some(java.canonicalize().ok()?.parent()?.parent()?.to_owned())
}

fn newest(folder: &Path) -> Option<PathBuf> {
    let homes = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    homes.filter_map(|home| Some((version(&home)?, home))).max().map(|(_, home)| home)
}

/// The version of the JDK in this folder, as its file `release` tells. None for a runtime without
/// a compiler.
fn version(home: &Path) -> Option<u32> {
    if !["bin/java", "bin/javac"].iter().all(|program| home.join(program).is_file()) {
        return None;
    }
    let release = fs::read_to_string(home.join("release")).ok()?;
    let text = release.lines().find_map(|line| line.strip_prefix("JAVA_VERSION=\""))?;
    text.split(|character: char| !character.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jdk(folder: &Path, name: &str, version: &str, programs: &[&str]) {
        let home = folder.join(name);
        fs::create_dir_all(home.join("bin")).unwrap();
        let release = format!("IMPLEMENTOR=\"x\"\nJAVA_VERSION=\"{version}\"\n");
        fs::write(home.join("release"), release).unwrap();
        for program in programs {
            fs::write(home.join("bin").join(program), "").unwrap();
        }
    }

    #[test]
    fn the_newest_is_found_by_number_and_needs_a_compiler() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(newest(folder.path()), None);
        jdk(folder.path(), "b", "9.0.4", &["java", "javac"]);
        jdk(folder.path(), "a", "21", &["java", "javac"]);
        jdk(folder.path(), "c", "17.0.21.1", &["java", "javac"]);
        jdk(folder.path(), "runtime", "25.0.3", &["java"]);
        fs::create_dir(folder.path().join("empty")).unwrap();
        assert_eq!(newest(folder.path()), Some(folder.path().join("a")));
        jdk(folder.path(), "d", "25-ea", &["java", "javac"]);
        assert_eq!(version(&newest(folder.path()).unwrap()), Some(25));
    }
}
