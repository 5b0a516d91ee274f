//! The stored bytes are those of the Python package.

use sha2::{Digest, Sha256};
use stats_testkit::fixtures;

use super::support::Scene;

#[test]
fn every_stored_response_equals_the_golden_one() {
    let scene = Scene::tiny();
    let cells: Vec<serde_json::Value> =
        serde_json::from_slice(&fixtures::bytes("series/tiny-7.json").unwrap()).unwrap();
    for mode in ["--optimize", "--no-optimize"] {
        scene.run(&["cache", "generate", mode]).expect(0);
        for cell in cells.iter().filter(|cell| cell["optimize"] == (mode == "--optimize")) {
            let year = cell["year"].to_string();
            let output = scene
                .command(&["cache", "read", "--year", &year])
                .args(["--community-id", cell["community"].as_str().unwrap()])
                .args(["--category", cell["category"].as_str().unwrap()])
                .output()
                .unwrap();
            let digest = Sha256::digest(&output.stdout);
            let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(hex, cell["sha256"].as_str().unwrap(), "{mode} {cell}");
        }
    }
}
