//! Envelopes of any bytes are read or refused, and what was read is written as it was.

use stats_testkit::fuzz;

use super::envelope::{self, Unacked};

fn fuzz_envelope(data: &[u8]) {
    if let Ok((message, _)) = envelope::message(data) {
        let text = envelope::text(&message, "", "queue");
        let (again, redelivered) = envelope::message(text.as_bytes()).expect("it was written");
        assert!(!redelivered);
        assert_eq!((again.properties, again.body), (message.properties, message.body));
    }
    let unacked = [b"[", data, br#", "", "queue"]"#].concat();
    if let Some(unacked) = Unacked::read(&unacked) {
        let readable = envelope::message(data).is_ok();
        let again = unacked.again();
        assert_eq!(envelope::message(again.as_bytes()).is_ok(), readable);
    }
}

#[test]
fn envelopes() {
    fuzz::run("envelope", fuzz_envelope).unwrap();
}
