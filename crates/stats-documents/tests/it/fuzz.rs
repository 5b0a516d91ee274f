//! Files of any bytes are imported, or what is wrong with them is told.

use std::cell::RefCell;
use std::io::Cursor;

use stats_documents::import::{ImportOptions, Input, import};
use stats_testkit::fuzz;

use crate::support::{Place, contents};

fn fuzz_import(place: &Place, data: &[u8]) {
    let given = || {
        let reader = Box::new(Cursor::new(data.to_vec()));
        vec![Input::Reader { name: "input".to_owned(), reader }]
    };
    let report = import(given(), &place.archive, &ImportOptions::default(), &mut ()).unwrap();
    let again = import(given(), &place.archive, &ImportOptions::default(), &mut ()).unwrap();
    assert_eq!(again.total().new, 0, "{report:?}");
    contents(&place.archive);
}

/// Places with few documents are looked through quickly.
const INPUTS_OF_A_PLACE: u32 = 50;

#[test]
fn imports() {
    let place = RefCell::new((Place::new(), 0));
    fuzz::run("import", |data| {
        let (place, inputs) = &mut *place.borrow_mut();
        *inputs += 1;
        if *inputs % INPUTS_OF_A_PLACE == 0 {
            *place = Place::new();
        }
        fuzz_import(place, data);
    })
    .unwrap();
}
