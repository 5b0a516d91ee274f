//! The house: which crate, which room and which file may know which (ARCHITECTURE.md, "Floors").

mod floors;
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use self::floors::Floors;
use self::source::{Module, Sources};

/// Crates that only tests may know.
const FOR_TESTS: &str = "stats-testkit";

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn architecture() -> Floors {
    let text = fs::read_to_string(workspace().join("ARCHITECTURE.md")).unwrap();
    Floors::read(&text)
}

fn crates() -> Vec<String> {
    let folders = fs::read_dir(workspace().join("crates")).unwrap();
    let mut names: Vec<String> =
        folders.map(|folder| folder.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn sources(name: &str) -> Sources {
    Sources::read(&workspace().join("crates").join(name).join("src"))
}

/// The members of the workspace that a crate depends on, in its program and in its tests.
fn dependencies(name: &str) -> [BTreeSet<String>; 2] {
    let manifest = workspace().join("crates").join(name).join("Cargo.toml");
    let manifest: toml::Table = fs::read_to_string(manifest).unwrap().parse().unwrap();
    let known: BTreeSet<String> = crates().into_iter().collect();
    ["dependencies", "dev-dependencies"].map(|section| {
        let names = manifest.get(section).and_then(toml::Value::as_table);
        let names = names.into_iter().flat_map(toml::Table::keys);
        names.filter(|name| known.contains(*name)).cloned().collect()
    })
}

#[test]
fn crates_know_only_those_on_lower_floors() {
    let floors = architecture();
    let mut wrong = Vec::new();
    for name in crates() {
        let [program, tests] = dependencies(&name);
        if program.contains(FOR_TESTS) {
            wrong.push(format!("{name} depends on {FOR_TESTS} outside of its tests"));
        }
        let all = program.iter().chain(&tests).filter(|it| *it != FOR_TESTS);
        wrong.extend(floors.wrong("crates", all.map(|other| (name.clone(), other.clone()))));
        wrong.extend(floors.absent("crates", [name]));
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn rooms_know_only_those_on_lower_floors() {
    let floors = architecture();
    let mut wrong = Vec::new();
    for name in crates() {
        let sources = sources(&name);
        wrong.extend(floors.absent(&name, sources.rooms()));
        let between = sources.arrows().into_iter().filter_map(|(from, to)| {
            let (from, to) = (from.first()?.clone(), to.first()?.clone());
            (from != to).then_some((from, to))
        });
        wrong.extend(floors.wrong(&name, between));
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn no_file_knows_itself_by_way_of_others() {
    let mut circles = Vec::new();
    for name in crates() {
        circles.extend(circles_of(&sources(&name).arrows()).into_iter().map(|circle| {
            let files: Vec<String> = circle.iter().map(|file| file.join("::")).collect();
            format!("{name}: {}", files.join(", "))
        }));
    }
    assert_eq!(circles, [""; 0]);
}

/// The groups of files that reach each other.
fn circles_of(arrows: &BTreeSet<(Module, Module)>) -> Vec<BTreeSet<Module>> {
    let mut reach: BTreeMap<&Module, BTreeSet<&Module>> = BTreeMap::new();
    for (from, _) in arrows {
        let mut found = BTreeSet::new();
        let mut next = vec![from];
        while let Some(file) = next.pop() {
            let known = arrows.iter().filter(|(user, _)| user == file).map(|(_, used)| used);
            next.extend(known.filter(|used| found.insert(*used)));
        }
        reach.insert(from, found);
    }
    let reaches = |from: &Module, to: &Module| reach.get(from).is_some_and(|it| it.contains(to));
    let mut circles: Vec<BTreeSet<Module>> = Vec::new();
    for file in reach.keys().filter(|file| reaches(file, file)) {
        let circle = reach[file].iter().filter(|other| reaches(other, file));
        let circle: BTreeSet<Module> = circle.map(|other| (*other).clone()).collect();
        if !circles.contains(&circle) {
            circles.push(circle);
        }
    }
    circles
}

/// A house with one fault of each kind.
#[test]
fn what_is_wrong_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("lib.rs", "mod cellar; mod roof; pub use cellar::wine::Wine;");
    write("roof/mod.rs", "pub mod tiles; pub use tiles::Tile;");
    write("roof/tiles.rs", "use crate::cellar::wine::Wine; pub struct Tile(Wine);");
    write("cellar/mod.rs", "pub mod wine; pub mod beer;");
    write("cellar/wine.rs", "use super::beer::Beer; pub struct Wine(Beer);");
    write(
        "cellar/beer.rs",
        "pub struct Beer; fn up() { let _ = vec![crate::roof::Tile::new(), super::wine::MORE]; }
         #[cfg(test)] mod tests { use crate::attic::Unseen; }",
    );
    let sources = Sources::read(folder.path());
    let module = |path: &str| -> Module { path.split("::").map(str::to_owned).collect() };
    let arrows = [
        ("cellar::beer", "cellar::wine"),
        ("cellar::beer", "roof::tiles"),
        ("cellar::wine", "cellar::beer"),
        ("roof::tiles", "cellar::wine"),
    ];
    let arrows: BTreeSet<_> = arrows.map(|(from, to)| (module(from), module(to))).into();
    assert_eq!(sources.arrows(), arrows);
    let whole = ["cellar::beer", "cellar::wine", "roof::tiles"].map(module);
    assert_eq!(circles_of(&arrows), [BTreeSet::from(whole)]);

    let floors = Floors::read("```floors\nhut:\n  roof\n  cellar\n```\n");
    let arrow = |from: &str, to: &str| (from.to_owned(), to.to_owned());
    assert_eq!(floors.wrong("hut", [arrow("roof", "cellar")]), [""; 0]);
    let up = floors.wrong("hut", [arrow("cellar", "roof")]);
    assert_eq!(up, ["hut: cellar uses roof, which is not below it"]);
    let missing = floors.absent("hut", sources.rooms().into_iter().chain(["attic".to_owned()]));
    assert_eq!(missing, ["hut: attic is on no floor"]);
}
