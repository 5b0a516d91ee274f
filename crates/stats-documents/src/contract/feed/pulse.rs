//! The case about whether anything happened at all.
#![allow(clippy::missing_panics_doc, reason = "a case panics when the source breaks the contract")]

use stats_model::{Bookmark, DocumentKind, Position};

use super::FeedHarness;
use crate::Pulse;
use crate::contract::answers::{day, ok};
use crate::contract::given::{GivenBookmark, given};

/// It is the same while nothing happens, and another one after each write, of whatever kind.
pub fn a_pulse_tells_of_every_write(harness: &mut dyn FeedHarness) {
    let ids = |kind: DocumentKind| format!("{}_a", kind.bookmark_type());
    let mut last = quiet(harness);
    for kind in DocumentKind::ALL {
        harness.put(&[given(kind, "x", "a", "2025-01-01", 1)]);
        last = another(harness, &last, "a document", documents);
        harness.put(&[given(kind, "x", "a", "2025-01-01", 2)]);
        last = another(harness, &last, "a replacement", documents);
        let bookmark = Bookmark { day: day("2025-01-01") };
        harness.put_bookmarks(&[GivenBookmark {
            id: ids(kind),
            kind,
            community: "a".to_owned(),
            bookmark,
        }]);
        last = another(harness, &last, "a bookmark", bookmarks);
    }
    for kind in DocumentKind::ALL {
        harness.remove(kind, &["x"]);
        last = another(harness, &last, "a removal", documents);
        harness.remove_bookmarks(&[&ids(kind)]);
        last = another(harness, &last, "a bookmark that is gone", bookmarks);
    }
}

/// The pulse, of which that part is another one.
fn another(
    harness: &dyn FeedHarness,
    last: &Pulse,
    what: &str,
    part: impl Fn(&Pulse) -> &Position,
) -> Pulse {
    let pulse = quiet(harness);
    assert_ne!(part(&pulse), part(last), "{what}");
    assert!(!pulse.has_same_shelves(last), "{what}");
    pulse
}

const fn documents(pulse: &Pulse) -> &Position {
    &pulse.documents
}

const fn bookmarks(pulse: &Pulse) -> &Position {
    &pulse.bookmarks
}

/// The pulse, which is the same when it is felt again.
fn quiet(harness: &dyn FeedHarness) -> Pulse {
    let pulse = ok(harness.feed().pulse());
    assert_eq!(ok(harness.feed().pulse()), pulse);
    pulse
}
