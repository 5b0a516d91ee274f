//! An older export never sets back what a newer one brought.

use stats_documents::archive::Put;
use stats_documents::import::{ImportOptions, ImportReport, LineKind};
use stats_documents::{Directory, Documents};
use stats_model::DocumentKind;

use crate::support::{Place, line};

const KIND: DocumentKind = DocumentKind::UsageDelta;

/// A community as an index holds it.
fn community(index: &str, title: &str, time: &str) -> String {
    let source = format!(r#"{{"id":"c","slug":"c","metadata":{{"title":"{title}"}},{time}}}"#);
    line(&format!("communities-communities-{index}"), "c", &source)
}

fn bookmark(day: &str) -> String {
    let name = KIND.bookmark_type();
    let source =
        format!(r#"{{"aggregation_type":"{name}","community_id":"c","date":"{day}T00:00:00"}}"#);
    line("stats-bookmarks-community", &format!("{name}_c"), &source)
}

const AT_1: &str = r#""updated":"2024-01-01T00:00:00.000001+00:00""#;
const AT_2: &str = r#""updated":"2024-01-01T00:00:00.000002+00:00""#;
const AT_3: &str = r#""updated":"2024-01-01T00:00:00.000003+00:00""#;

fn title(place: &Place) -> String {
    place.archive.communities().unwrap()[0].title.clone().unwrap()
}

fn import(place: &Place, content: &str) -> ImportReport {
    let report = place.import(&[&place.file("export", content)]);
    assert!(report.is_complete(), "{report:?}");
    report
}

fn replaced(place: &Place, content: &str) {
    let options = ImportOptions { replace: true, ..ImportOptions::default() };
    let report = place.import_with(&[&place.file("export", content)], &options).unwrap();
    assert_eq!((report.total().replaced, report.total().older), (1, 0), "{report:?}");
}

#[test]
fn a_community_that_was_changed_later_stays() {
    for (older, newer) in [
        (AT_1, AT_2),
        (r#""version_id":8"#, r#""version_id":9"#),
        (r#""version_id":8"#, r#""version_id":9,"updated":"2024-01-01T00:00:00""#),
    ] {
        let place = Place::new();
        let [older, newer] =
            [community("v2.0.0", "older", older), community("v2.0.0", "newer", newer)];
        import(&place, &newer);
        let report = import(&place, &older);
        assert_eq!(report.kinds[&LineKind::Communities].older, 1, "{report:?}");
        assert_eq!((report.kept[0].id.as_str(), report.kept[0].why), ("c", Put::Older));
        assert_eq!(title(&place), "newer");
        replaced(&place, &older);
        assert_eq!(title(&place), "older");
        // What was put back is of its own time.
        assert_eq!(import(&place, &newer).total().replaced, 1);
        assert_eq!(title(&place), "newer");
    }
    // Where nothing tells, the last one wins.
    let place = Place::new();
    import(&place, &community("v2.0.0", "one", AT_2));
    import(&place, &community("v2.0.0", "two", r#""version_id":1"#));
    import(&place, &community("v2.0.0", "three", AT_1));
    assert_eq!(title(&place), "three");
}

#[test]
fn of_two_generations_of_an_index_the_newer_content_wins() {
    let restored = community("v3.0.0-restored", "older", AT_1);
    let present = community("v2.0.0", "newer", AT_2);
    for content in [restored.clone() + &present, present + &restored] {
        let place = Place::new();
        import(&place, &content);
        assert_eq!(title(&place), "newer");
    }
}

#[test]
fn what_did_not_change_is_as_new_as_its_last_export() {
    let place = Place::new();
    let [first, again] = [AT_1, AT_3].map(|time| community("v2.0.0", "same", time));
    let between = community("v2.0.0", "between", AT_2);
    import(&place, &first);
    // In one import and in the next one.
    let report = import(&place, &(again + &between));
    assert_eq!((report.total().unchanged, report.total().older), (1, 1), "{report:?}");
    assert_eq!(import(&place, &between).total().older, 1);
    // An older export of the same does not make it older.
    assert_eq!(import(&place, &first).total().unchanged, 1);
    assert_eq!(import(&place, &between).total().older, 1);
    assert_eq!(title(&place), "same");
}

#[test]
fn a_community_that_somebody_else_wrote_has_no_time() {
    let place = Place::new();
    import(&place, &community("v2.0.0", "one", AT_2));
    let mut other = place.archive.communities().unwrap().remove(0);
    other.title = Some("two".to_owned());
    let mut writer = place.archive.writer().unwrap();
    writer.put_community(&other).unwrap();
    writer.commit().unwrap();
    drop(writer);
    assert_eq!(import(&place, &community("v2.0.0", "three", AT_1)).total().replaced, 1);
}

#[test]
fn a_bookmark_does_not_go_back() {
    let place = Place::new();
    let day = || place.archive.bookmarks(KIND, &[]).unwrap()["c"].day.to_string();
    import(&place, &bookmark("2025-03-09"));
    let report = import(&place, &(bookmark("2025-03-08") + &bookmark("2025-03-07")));
    assert_eq!(report.kinds[&LineKind::Bookmarks].older, 2, "{report:?}");
    assert_eq!(report.kept[0].kind, LineKind::Bookmarks);
    assert_eq!(day(), "2025-03-09");
    import(&place, &(bookmark("2025-03-11") + &bookmark("2025-03-10")));
    assert_eq!(day(), "2025-03-11");
    replaced(&place, &bookmark("2025-03-08"));
    assert_eq!(day(), "2025-03-08");
}

#[test]
fn what_is_kept_back_did_not_stay_either() {
    let place = Place::new();
    import(&place, &bookmark("2025-03-09"));
    let broken = bookmark("2025-03-08") + "nonsense\n";
    let report = place.import(&[&place.file("export", broken)]);
    assert!(!report.is_complete() && report.kept.is_empty(), "{report:?}");
    assert_eq!(report.kinds[&LineKind::Bookmarks].kept_back, 1, "{report:?}");
}
