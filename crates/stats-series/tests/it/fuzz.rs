//! Documents of any bytes are read or refused, alike by their looks and by the rules.

use stats_model::DocumentKind;
use stats_series::Selection;
use stats_testkit::fuzz;

use crate::prediction::{all_specs, compare};

fn fuzz_document(data: &[u8]) {
    for kind in DocumentKind::ALL {
        let mut specs = all_specs(kind);
        specs.retain(|spec| spec.selection == Selection::All);
        // The second looks like the first, and so may be predicted.
        compare(&specs, &[data, data]).unwrap();
    }
}

#[test]
fn documents() {
    fuzz::run("document", fuzz_document).unwrap();
}
