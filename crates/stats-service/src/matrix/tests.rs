use stats_cache::{DamagedEntry, EntryDescription};
use stats_documents::ImportEnding;
use stats_model::{Category, Day, PositionMark};

use super::*;
use crate::matrix::words::StateName;

fn position(histories: &[&str]) -> Position {
    let mark = |history: &&str| PositionMark::written(*history, 7);
    Position(histories.iter().map(mark).collect())
}

fn wanted() -> Wanted {
    Wanted {
        shelf: ShelfMark { count: 3, max: 9, sum: 20 },
        position: position(&["h1", "h2"]),
        layout: "l".to_owned(),
        configuration: "c".to_owned(),
        optimized: true,
        generator: 1,
    }
}

fn origin() -> Origin {
    Origin {
        shelf: ShelfMark { count: 3, max: 9, sum: 20 },
        days: Some(3),
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
        foreign: ForeignRule::Keep,
        known_loss: None,
        accept_loss: false,
        pause: None,
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
        (|origin| origin.shelf.count -= 1, Some(Difference::Documents)),
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
    for (entry, keep) in [(foreign, Keep::Foreign), (by_hand, Keep::ByHand)] {
        let facts = facts(&entry, &wanted);
        assert_eq!(decide(&facts).action, Action::Keep(keep));
        let adopt = Facts { foreign: ForeignRule::Adopt, ..facts };
        let adopted = keep == Keep::Foreign;
        let expected =
            if adopted { Action::Make(Cause::Adopt) } else { Action::Keep(Keep::ByHand) };
        assert_eq!(decide(&adopt).action, expected);
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
        (
            EntryState::Damaged(DamagedEntry::new("k", "cut")),
            StateName::Damaged,
            StateName::Damaged,
        ),
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
    // What has lost days may get them back by it.
    let (entry, lost) = (ours(|_| ()), Wanted { shelf: ShelfMark::default(), ..wanted.clone() });
    assert_eq!(decide(&Facts { entry: &entry, wanted: &lost, ..facts }).action, waits);
}

#[test]
fn what_has_lost_days_is_held_until_the_loss_is_accepted() {
    let gap = Gap { through: None, needed: Day::new(2024, 12, 31).unwrap() };
    let kept = wanted();
    let lost = Wanted { shelf: ShelfMark { count: 2, max: 8, sum: 11 }, ..wanted() };
    let gone = Wanted { shelf: ShelfMark::default(), position: Position::default(), ..wanted() };
    let elsewhere = |origin: &mut Origin| {
        origin.position = position_text(&position(&["h0"]));
        origin.generator = 0;
        origin.layout.clear();
    };
    let entries = [
        ours(|_| ()),
        ours(elsewhere),
        ours(|origin| origin.days = None),
        EntryState::Expired(description(Some(origin()))),
    ];
    for entry in &entries {
        for (wanted, now) in [(&lost, 2), (&gone, 0)] {
            for gap in [None, Some(gap)] {
                for overwrite in [false, true] {
                    for refusal in [None, Some(Refusal::NoIndex)] {
                        let facts = Facts { gap, overwrite, refusal, ..facts(entry, wanted) };
                        let verdict = decide(&facts);
                        assert_eq!(
                            verdict.action,
                            Action::Hold(Loss { then: 3, now }),
                            "{facts:?}"
                        );
                        assert_eq!(verdict.name(), StateName::Held);
                        let accepted = decide(&Facts { accept_loss: true, ..facts });
                        assert!(!matches!(accepted.action, Action::Hold(_)), "{facts:?}");
                    }
                }
            }
        }
        let whole = decide(&facts(entry, &kept));
        assert!(!matches!(whole.action, Action::Hold(_)), "{whole:?}");
    }
    // Two documents were of one day each: what is left may be all days.
    let doubled = ours(|origin| origin.days = Some(2));
    assert_eq!(decide(&facts(&doubled, &lost)).action, Action::Make(Cause::State));
    // A loss that an earlier run found by reading.
    let foreign = EntryState::Foreign(description(None));
    let known = Facts { known_loss: Some(Loss { then: 9, now: 1 }), ..facts(&foreign, &kept) };
    assert_eq!(decide(&known).action, Action::Hold(Loss { then: 9, now: 1 }));
    let deleted = Facts { refusal: Some(Refusal::Deleted), ..known };
    assert_eq!(decide(&deleted).action, Action::Refuse(Refusal::Deleted));
}

#[test]
fn what_could_not_be_made_is_left_alone_for_a_while_unless_somebody_insists() {
    let (wanted, entry) = (wanted(), EntryState::Absent);
    let until = "2025-01-01T00:00:00Z".parse().ok();
    for (pause, name) in [(until, StateName::Failed), (None, StateName::Dead)] {
        let pause = Some(Pause { attempts: 3, until: pause });
        let resting = Facts { pause, ..facts(&entry, &wanted) };
        let verdict = decide(&resting);
        assert_eq!(verdict.name(), name);
        assert!(verdict.reason().starts_with("failed 3 times, n"), "{}", verdict.reason());
        let insisted = decide(&Facts { overwrite: true, ..resting });
        assert_eq!(insisted.action, Action::Make(Cause::Overwrite));
    }
    let entry = ours(|_| ());
    let pause = Some(Pause { attempts: 3, until: None });
    let fresh = decide(&Facts { pause, ..facts(&entry, &wanted) });
    assert_eq!(
        fresh.action,
        Action::Keep(Keep::Unchanged),
        "what stands as it should rests anyway"
    );
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    fn marks() -> impl Strategy<Value = ShelfMark> {
        (0..40_u64, 0..3_u64, 0..3_u64).prop_map(|(count, max, sum)| ShelfMark { count, max, sum })
    }

    prop_compose! {
        fn origins()(
            shelf in marks(),
            days in proptest::option::of(0..40_u64),
            histories in proptest::sample::subsequence(vec!["h0", "h1", "h2"], 0..3),
            layout in "[lm]",
            configuration in "[cd]",
            optimized: bool,
            generator in 1..3_u32,
        ) -> Origin {
            let position = position_text(&position(&histories));
            let days = days.map(|days| days.min(shelf.count));
            Origin { shelf, days, position, layout, configuration, optimized, generator }
        }
    }

    fn entries() -> impl Strategy<Value = EntryState> {
        let described = || proptest::option::weighted(0.8, origins()).prop_map(description);
        prop_oneof![
            1 => Just(EntryState::Absent),
            1 => Just(EntryState::Damaged(DamagedEntry::new("k", "cut"))),
            1 => Just(EntryState::Foreign(description(None))),
            1 => described().prop_map(EntryState::Expired),
            3 => described().prop_map(EntryState::Ours),
        ]
    }

    prop_compose! {
        fn wants()(
            shelf in marks(),
            histories in proptest::sample::subsequence(vec!["h0", "h1", "h2"], 0..3),
            layout in "[lm]",
            configuration in "[cd]",
            optimized: bool,
            generator in 1..3_u32,
        ) -> Wanted {
            let position = position(&histories);
            Wanted { shelf, position, layout, configuration, optimized, generator }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn no_decision_loses_anything_or_takes_old_for_new(
            entry in entries(),
            mut wanted in wants(),
            alike: bool,
            gap: bool,
            imported in proptest::bool::weighted(0.1),
            flags: [bool; 4],
            refusal in 0..3_u8,
            adopt: bool,
            resting in proptest::bool::weighted(0.2),
            known in proptest::option::weighted(0.1, (1..40_u64).prop_map(|then| Loss { then, now: 0 })),
        ) {
            let origin = entry.description().and_then(|entry| entry.origin.clone());
            if alike && let Some(origin) = &origin {
                wanted.shelf = origin.shelf;
            }
            let gap = gap.then(|| Gap { through: None, needed: Day::new(2024, 12, 31).unwrap() });
            let [current_year, marked, overwrite, accept_loss] = flags;
            let facts = Facts {
                entry: &entry,
                wanted: &wanted,
                gap,
                import: imported.then_some(OpenImport {
                    began_milliseconds: 0,
                    ending: ImportEnding::NotYet,
                }),
                current_year,
                marked,
                overwrite,
                refusal: [None, Some(Refusal::Deleted), Some(Refusal::NoIndex)][refusal as usize],
                foreign: if adopt { ForeignRule::Adopt } else { ForeignRule::Keep },
                known_loss: known,
                accept_loss,
                pause: resting.then_some(Pause { attempts: 2, until: None }),
            };
            let Verdict { state, action } = decide(&facts);
            let ours = matches!(entry, EntryState::Ours(_));
            let same = ours && origin.as_ref().is_some_and(|origin| {
                difference(origin, &wanted).is_none()
            });
            // Fresh and unchanged exactly when nothing differs.
            prop_assert_eq!(state == CellState::Fresh, same);
            prop_assert!(action != Action::Keep(Keep::Unchanged) || same);
            // What has lost days is never made, unless that is accepted.
            let lost = origin.as_ref().is_some_and(|origin| {
                let then = days_of(origin);
                then.saturating_sub(wanted.shelf.count) * 10 > then
            });
            if lost {
                prop_assert!(accept_loss || !matches!(action, Action::Make(_)));
            }
            if let Action::Hold(_) = action {
                prop_assert!(!accept_loss && entry.description().is_some());
                prop_assert!(lost || known.is_some());
            }
            // Nothing is made before its period is complete, or of what cannot be made.
            if let Action::Make(_) = action {
                prop_assert!(facts.gap.is_none() && facts.refusal.is_none() && !imported);
                prop_assert!(overwrite || !resting);
            }
            // What is missing, damaged or not up to date is never left alone.
            if let Action::Keep(_) = action {
                prop_assert!(same || matches!(state, CellState::Foreign | CellState::ByHand));
            }
        }
    }
}
