use stats_cache::EntryDescription;
use stats_documents::{Day, ImportEnding, PositionMark};
use stats_series::Category;

use super::*;

fn position(histories: &[&str]) -> Position {
    let mark = |history: &&str| PositionMark { history: (*history).to_owned(), sequence: 7 };
    Position(histories.iter().map(mark).collect())
}

fn wanted() -> Wanted {
    Wanted {
        shelf: ShelfMark { count: 3, max: 9, sum: 20 },
        histories: ["h1", "h2"].map(str::to_owned).into(),
        layout: "l".to_owned(),
        configuration: "c".to_owned(),
        optimized: true,
        generator: 1,
    }
}

fn origin() -> Origin {
    Origin {
        shelf: ShelfMark { count: 3, max: 9, sum: 20 },
        position: position_text(&position(&["h1"])),
        layout: "l".to_owned(),
        configuration: "c".to_owned(),
        optimized: true,
        generator: 1,
    }
}

fn description(origin: Option<Origin>) -> EntryDescription {
    EntryDescription {
        key: "p:k".to_owned(),
        community: "global".to_owned(),
        year: 2024,
        category: Category::UsageDelta,
        created: None,
        expires: None,
        data_through: None,
        origin,
        plain_length: 1,
        stored_length: 1,
        sha256: None,
    }
}

fn ours(change: impl FnOnce(&mut Origin)) -> EntryState {
    let mut origin = origin();
    change(&mut origin);
    EntryState::Ours(description(Some(origin)))
}

fn facts<'a>(entry: &'a EntryState, wanted: &'a Wanted) -> Facts<'a> {
    Facts {
        entry,
        wanted,
        import: None,
        gap: None,
        current_year: false,
        marked: false,
        overwrite: false,
        refusal: None,
    }
}

#[test]
fn an_entry_is_made_again_exactly_when_its_origin_differs() {
    type Change = fn(&mut Origin);
    let rows: [(Change, Option<Difference>); 11] = [
        (|_| (), None),
        (|origin| origin.position = position_text(&position(&["h1", "h2"])), None),
        (|origin| origin.position = position_text(&position(&["h0"])), Some(Difference::History)),
        (|origin| origin.position = "?".to_owned(), Some(Difference::History)),
        (|origin| origin.shelf.count += 1, Some(Difference::Documents)),
        (|origin| origin.shelf.max += 1, Some(Difference::Documents)),
        (|origin| origin.shelf.sum += 1, Some(Difference::Documents)),
        (|origin| origin.optimized = false, Some(Difference::Optimize)),
        (|origin| origin.layout = "other".to_owned(), Some(Difference::Layout)),
        (|origin| origin.configuration = "other".to_owned(), Some(Difference::Configuration)),
        (|origin| origin.generator = 2, Some(Difference::Generator)),
    ];
    let wanted = wanted();
    for (change, difference) in rows {
        let entry = ours(change);
        for (current_year, marked) in [(false, false), (true, false), (false, true)] {
            let verdict = decide(&Facts { current_year, marked, ..facts(&entry, &wanted) });
            let expected = match difference {
                None => Verdict { state: CellState::Fresh, action: Action::Keep(Keep::Unchanged) },
                Some(difference) => Verdict {
                    state: CellState::Stale(difference),
                    action: Action::Make(Cause::State),
                },
            };
            assert_eq!(verdict, expected, "{entry:?} current {current_year} marked {marked}");
        }
    }
}

#[test]
fn entries_of_unknown_origin_follow_the_rule_of_the_python_package() {
    let foreign = EntryState::Foreign(description(None));
    let by_hand = EntryState::Ours(description(None));
    let wanted = wanted();
    for entry in [foreign, by_hand] {
        let facts = facts(&entry, &wanted);
        assert_eq!(decide(&facts).action, Action::Keep(Keep::Foreign));
        let current = Facts { current_year: true, ..facts };
        assert_eq!(decide(&current).action, Action::Make(Cause::CurrentYear));
        let marked = Facts { marked: true, ..facts };
        assert_eq!(decide(&marked).action, Action::Make(Cause::Marked));
        assert_eq!(decide(&marked).name(), StateName::Foreign);
    }
}

#[test]
fn what_is_not_there_is_made_unless_its_period_is_incomplete() {
    let gap = Gap { through: None, needed: Day::new(2024, 12, 31).unwrap() };
    let wanted = wanted();
    let rows = [
        (EntryState::Absent, StateName::Missing, StateName::Incomplete),
        (EntryState::Damaged("cut".to_owned()), StateName::Damaged, StateName::Damaged),
        (EntryState::Expired(description(Some(origin()))), StateName::Expired, StateName::Expired),
        (ours(|origin| origin.shelf.sum = 1), StateName::Stale, StateName::Stale),
    ];
    for (entry, complete, incomplete) in rows {
        let facts = facts(&entry, &wanted);
        let verdict = decide(&facts);
        assert_eq!((verdict.name(), verdict.action), (complete, Action::Make(Cause::State)));
        let verdict = decide(&Facts { gap: Some(gap), ..facts });
        assert_eq!(
            (verdict.name(), verdict.action),
            (incomplete, Action::Wait(Wait::Aggregation(gap)))
        );
    }
}

#[test]
fn overwriting_makes_everything_that_is_complete() {
    let gap = Gap { through: None, needed: Day::new(2024, 12, 31).unwrap() };
    let (entry, wanted) = (ours(|_| ()), wanted());
    let facts = Facts { overwrite: true, ..facts(&entry, &wanted) };
    assert_eq!(decide(&facts).action, Action::Make(Cause::Overwrite));
    assert_eq!(
        decide(&Facts { gap: Some(gap), ..facts }).action,
        Action::Wait(Wait::Aggregation(gap))
    );
    let refused = Facts { refusal: Some(Refusal::Deleted), ..facts };
    assert_eq!(decide(&refused).action, Action::Refuse(Refusal::Deleted));
}

#[test]
fn nothing_is_made_of_what_an_open_import_changed() {
    let import = OpenImport { began_milliseconds: 0, ending: ImportEnding::NotYet };
    let wanted = wanted();
    let facts = Facts { import: Some(import), ..facts(&EntryState::Absent, &wanted) };
    let waits = Action::Wait(Wait::Import(import));
    assert_eq!(decide(&facts).action, waits);
    assert_eq!(decide(&Facts { overwrite: true, ..facts }).action, waits);
    assert_eq!(
        decide(&facts).reason(),
        "the import of 1970-01-01T00:00:00Z is running or was broken off"
    );
}
