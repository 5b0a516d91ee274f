//! The reference page is that of the code.

use std::path::Path;

use community_stats::config::{SECTIONS, reference};

#[test]
fn reference_page_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/settings.md");
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, reference()).unwrap();
    }
    let page = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        page == reference(),
        "docs/reference/settings.md is not what the code says; make it again with \
         UPDATE_REFERENCE=1 cargo test -p community-stats reference"
    );
}

#[test]
fn every_setting_is_explained() {
    for setting in SECTIONS.iter().flat_map(|section| section.settings) {
        let text = setting.text();
        assert!(text.len() > 20 && text.ends_with('.'), "{}: {text}", setting.key);
    }
}
