//! Entries whose descriptions are damaged, of a cell and of none.

use std::fs;

use serde_json::{Value, json};

use super::support::{COASTAL, Scene};

/// Alters the category in the row of a key, which no index holds: it comes after key and community. A
/// page that was divided may hold what is left of a row that is on another page by now.
fn alter_row(scene: &Scene, key: &str, community: &str) {
    let mut file = fs::read(scene.data("cache.db")).unwrap();
    let (key, community) = (key.as_bytes(), community.as_bytes());
    // Between the texts are numbers of a few bytes.
    let end_of_community = |at: usize| {
        let rest = file[at..].strip_prefix(key)?;
        let gap = (0..4).find(|gap| rest[*gap..].starts_with(community))?;
        Some(at + key.len() + gap + community.len())
    };
    let last = file.len() - key.len() - community.len() - 4;
    let ends: Vec<usize> = (0..last).filter_map(end_of_community).collect();
    assert!(!ends.is_empty(), "no row of {key:?}");
    for end in ends {
        let category = file[end..].iter().position(|byte| *byte == b'-').unwrap();
        file[end + category] ^= 0x02;
    }
    fs::write(scene.data("cache.db"), file).unwrap();
}

fn listed(scene: &Scene, more: &[&str]) -> Vec<Value> {
    let listed = scene.run(&[&["cache", "list", "--json"], more].concat()).expect(0).json();
    listed.as_array().unwrap().clone()
}

#[test]
fn a_damaged_entry_of_no_cell_is_listed_and_removed() {
    let scene = Scene::generated();
    let place = ["--community-id", COASTAL, "--year", "2001", "--category", "usage_delta"];
    scene.run_with(&[&["cache", "update"], &place[..]].concat(), "{}").expect(0);
    let key = |entry: &&Value| entry["cache_key"].as_str().unwrap().to_owned();
    let all = listed(&scene, &[]);
    let orphan = all.iter().find(|entry| entry["year"] == 2001).as_ref().map(key).unwrap();
    let of_cell = all.iter().find(|entry| entry["community_id"] == "global");
    let of_cell = of_cell.as_ref().map(key).unwrap();
    alter_row(&scene, &orphan, COASTAL);
    alter_row(&scene, &of_cell, "global");

    let damaged = listed(&scene, &["--state", "damaged"]);
    let [cell, left] = damaged.as_slice() else { panic!("{damaged:?}") };
    assert_eq!((&cell["community_id"], &cell["cache_key"]), (&json!("global"), &json!(of_cell)));
    for name in ["community_id", "year", "category", "size"] {
        assert_eq!(left[name], Value::Null, "{left}");
    }
    assert_eq!(left["cache_key"], json!(orphan));
    assert!(left["reason"].as_str().unwrap().contains("is not as it was written"), "{left}");
    assert_eq!(listed(&scene, &[]).len(), 33);
    assert_eq!(listed(&scene, &["--state", "orphan"]), std::slice::from_ref(left));
    // Nothing tells its year, so it is of none that is asked for.
    assert_eq!(listed(&scene, &["--years", "2001"]), [] as [Value; 0]);
    assert!(scene.run(&["cache", "list"]).expect(0).stdout.contains(&orphan));
    let explained = scene.run(&[&["cache", "explain", "--json"], &place[..]].concat()).expect(0);
    assert_eq!(explained.json()["state"], "damaged", "{explained}");

    let clear = ["cache", "clear", "--orphans", "--yes", "--json"];
    assert_eq!(scene.run(&clear).expect(0).json(), json!({"deleted": 1}));
    assert_eq!(scene.run(&clear).expect(0).json(), json!({"deleted": 0}));
    // What is damaged of a cell is made again, not removed.
    assert_eq!(listed(&scene, &["--state", "damaged"]), std::slice::from_ref(cell));
    assert_eq!(scene.run(&["cache", "generate", "--json"]).expect(0).json()["success"], 1);
    assert_eq!(listed(&scene, &["--state", "fresh"]).len(), 32);
}
