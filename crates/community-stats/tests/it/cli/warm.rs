//! Warm is what is asked: whatever the dashboard's client asks for category by category is a response
//! that a plan contains, under the very key.

use std::collections::BTreeSet;

use serde_json::Value;
use stats_testkit::fixtures;

use super::support::Scene;

/// The requests were recorded with the package's own view over the documents beside them.
#[test]
fn every_recorded_request_is_answered_by_a_planned_response() {
    let text = std::fs::read_to_string(fixtures::path("http/requests.json")).unwrap();
    let recorded: Value = serde_json::from_str(&text).unwrap();
    let scene = Scene::new().at(recorded["now"].as_str().unwrap());
    let documents = fixtures::path("http/dataset.ndjson");
    scene.run(&["import", documents.to_str().unwrap()]).expect(0);
    let states = ["missing", "incomplete", "stale", "fresh"];
    let states: Vec<&str> = states.iter().flat_map(|state| ["--state", state]).collect();
    let listed = scene.run(&[&["cache", "list", "--json"], &states[..]].concat()).expect(0).json();
    let planned: BTreeSet<(String, i64, String)> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|cell| {
            let word = |name: &str| cell[name].as_str().unwrap().to_owned();
            (word("community_id"), cell["year"].as_i64().unwrap(), word("category"))
        })
        .collect();
    let (mut asked, mut created) = (0, 0);
    for request in recorded["requests"].as_array().unwrap() {
        let queries = request["body"].as_object().unwrap();
        let categories = queries.iter().filter(|(query, _)| query.ends_with("-category"));
        let mut keys = BTreeSet::new();
        for (query, it) in categories {
            let community = it["params"]["community_id"].as_str().unwrap_or("global");
            let year = it["params"]["start_date"].as_str().unwrap().split('-').next().unwrap();
            let place = ["--community-id", community, "--year", year, "--category", query];
            let explain = [&["cache", "explain", "--json"], &place[..]].concat();
            let explained = scene.run(&explain).expect(0).json();
            let id = explained["community_id"].as_str().unwrap().to_owned();
            let cell = (id, year.parse().unwrap(), query.clone());
            assert!(planned.contains(&cell), "{}: {cell:?}", request["name"]);
            keys.insert(explained["cache_key"].as_str().unwrap().to_owned());
            asked += 1;
        }
        for key in request["cache_keys_created"].as_array().unwrap() {
            let key = key.as_str().unwrap();
            assert!(keys.contains(key) || queries.len() > 1, "{}: {key}", request["name"]);
            created += u32::from(keys.contains(key));
        }
    }
    assert!(asked > 5 && created > 0, "{asked} {created}");
}
