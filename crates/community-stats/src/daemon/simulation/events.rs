//! What happens around the processes: documents come, change and go, people do something, machines fail.

use std::time::Duration;

use jiff::SignedDuration;
use stats_cache::UpdateMark;
use stats_model::{Day, DocumentKind, GLOBAL, Shelf};

use super::library::{COMMUNITIES, KINDS, YEARS};
use super::truth::layouts;
use super::world::Core;

/// Something happens.
pub(super) fn happen(core: &mut Core) {
    match core.random.below(100) {
        0..=34 => documents_are_written(core),
        35..=39 => documents_vanish(core, false),
        40..=44 => documents_vanish(core, true),
        45..=52 => a_bookmark_moves(core),
        53..=55 => a_community_comes(core),
        56..=60 => a_layout_changes(core),
        61..=63 => it_is_deployed_anew(core),
        64..=68 => a_year_is_marked(core),
        69..=72 => a_clock_jumps(core),
        73..=75 => the_lock_is_taken_away(core),
        76..=81 => an_entry_is_lost(core),
        82..=86 => something_is_down(core),
        87..=93 => a_process_is_stopped(core),
        _ => a_process_is_killed(core),
    }
}

/// The end of all that.
pub(super) fn calm(core: &mut Core) {
    core.note("from here on nothing happens");
    core.state.down.clear();
    core.state.skew.fill(SignedDuration::ZERO);
    for kind in KINDS {
        for community in everybody(core) {
            core.state.library.complete(kind, &community);
        }
    }
}

fn everybody(core: &Core) -> Vec<String> {
    let known = core.state.library.communities.keys().cloned();
    known.chain([GLOBAL.to_owned()]).collect()
}

fn somebody(core: &mut Core) -> String {
    let all = everybody(core);
    core.random.one_of(&all).clone()
}

fn some_kind(core: &mut Core) -> DocumentKind {
    *core.random.one_of(&KINDS)
}

fn some_shelf(core: &mut Core) -> Shelf {
    let (community, kind) = (somebody(core), some_kind(core));
    Shelf { kind, community, year: *core.random.one_of(&YEARS) }
}

fn documents_are_written(core: &mut Core) {
    for _ in 0..=core.random.below(3) {
        let shelf = some_shelf(core);
        core.note(&format!("a document comes to {shelf}"));
        core.state.library.write(&shelf, &mut core.random);
    }
}

fn documents_vanish(core: &mut Core, many: bool) {
    let shelf = some_shelf(core);
    core.note(&format!("documents of {shelf} vanish, many: {many}"));
    core.state.library.remove(&shelf, many, &mut core.random);
}

fn a_bookmark_moves(core: &mut Core) {
    let (community, kind) = (somebody(core), some_kind(core));
    let days = [None, Day::new(2024, 12, 30), Day::new(2025, 6, 13), Day::new(2025, 6, 15)];
    let day = *core.random.one_of(&days);
    core.note(&format!("{kind} of {community} is aggregated through {day:?}"));
    core.state.library.mark(kind, &community, day);
}

fn a_community_comes(core: &mut Core) {
    let id = COMMUNITIES[2];
    if !core.state.library.communities.contains_key(id) {
        core.note("a community comes");
        core.state.library.found(id, &mut core.random);
    }
}

fn a_layout_changes(core: &mut Core) {
    let layout = core.random.one_of(&layouts()).clone();
    let id = *core.random.one_of(&COMMUNITIES);
    if let Some(community) = core.state.library.communities.get_mut(id) {
        community.dashboard_layout = layout;
        core.state.library.moves += 1;
        core.note(&format!("{id} has another layout"));
    }
}

fn it_is_deployed_anew(core: &mut Core) {
    core.state.setup.configuration = 1 - core.state.setup.configuration;
    core.note("everything is deployed under another configuration");
    for place in 0..core.state.skew.len() {
        core.kill(place);
    }
}

fn a_year_is_marked(core: &mut Core) {
    let (community, year) = (somebody(core), *core.random.one_of(&YEARS));
    let value = format!("{:?}", core.now);
    core.note(&format!("{community} {year} is marked as aggregated"));
    let mark = UpdateMark { community: community.clone(), year, value };
    core.state.marks.insert((community, year), mark);
}

fn a_clock_jumps(core: &mut Core) {
    let place = some_place(core);
    let minutes = i64::try_from(core.random.below(360)).unwrap_or_default() - 180;
    core.note(&format!("the clock of {place} is {minutes} minutes ahead"));
    core.state.skew[place] = SignedDuration::from_mins(minutes);
}

fn the_lock_is_taken_away(core: &mut Core) {
    core.note("the lock is taken away");
    core.state.lock = None;
}

fn an_entry_is_lost(core: &mut Core) {
    let keys: Vec<String> = core.state.store.keys().cloned().collect();
    if core.state.evicts && !keys.is_empty() {
        let key = core.random.one_of(&keys).clone();
        core.note(&format!("{key} is evicted"));
        core.state.store.remove(&key);
    }
}

fn something_is_down(core: &mut Core) {
    let what = *core.random.one_of(&["source", "store", "queue", "lock", "results"]);
    let time = core.random.between(Duration::from_secs(5), Duration::from_secs(200));
    core.note(&format!("{what} does not answer for {time:?}"));
    core.state.down.insert(what, core.now + time);
}

fn a_process_is_stopped(core: &mut Core) {
    let place = some_place(core);
    let time = core.random.between(Duration::from_secs(5), Duration::from_secs(150));
    core.note(&format!("{place} is stopped for {time:?}"));
    core.stop_process(place, time);
}

fn a_process_is_killed(core: &mut Core) {
    let place = some_place(core);
    core.note(&format!("{place} is killed"));
    core.kill(place);
}

fn some_place(core: &mut Core) -> usize {
    let places = core.state.skew.len() as u64;
    usize::try_from(core.random.below(places)).unwrap_or_default()
}
