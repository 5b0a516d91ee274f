//! Literals and settings files of any bytes are read or refused.

use invenio_config::{Cfg, Literal, Surroundings};
use stats_testkit::fuzz;

fn fuzz_literal(data: &[u8]) {
    drop(Literal::parse(&String::from_utf8_lossy(data)));
}

fn fuzz_cfg(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let Ok(cfg) = Cfg::parse(&text, &Surroundings::default()) else { return };
    for name in cfg.names() {
        assert!(cfg.find(name).is_some(), "{name}");
    }
}

#[test]
fn literals() {
    fuzz::run("literal", fuzz_literal).unwrap();
}

#[test]
fn settings_files() {
    fuzz::run("cfg", fuzz_cfg).unwrap();
}
