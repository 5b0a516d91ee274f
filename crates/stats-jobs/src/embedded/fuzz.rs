//! Rows that were damaged are read or refused, and what was read is written as it was.

use stats_testkit::fuzz;

use super::row;

fn fuzz_row(data: &[u8]) {
    let Ok(head) = std::str::from_utf8(data) else { return };
    if let Ok(read) = row::message(head, data.to_vec()) {
        let again = row::message(&row::head(&read), read.body.clone()).expect("it was written");
        assert_eq!((again.properties, again.body), (read.properties, read.body));
    }
}

#[test]
fn rows() {
    fuzz::run("row", fuzz_row).unwrap();
}
