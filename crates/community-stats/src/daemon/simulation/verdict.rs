//! What everything has to have become once nothing happened for long enough.

use stats_cache::EntryDescription;
use stats_model::{Category, GLOBAL, Shelf};
use stats_series::{GENERATOR_VERSION, LayoutOwner};
use stats_service::hash;

use super::library::YEARS;
use super::truth::{CATEGORIES, CONFIGURATIONS, LAYOUTS};
use super::world::Core;

/// What is not as it has to be; `None`: all is.
pub(super) fn untrue(core: &Core) -> Option<String> {
    let known = core.state.library.communities.keys().map(String::as_str);
    for community in known.chain([GLOBAL]) {
        for year in YEARS {
            for category in CATEGORIES {
                let what = untrue_cell(core, community, year, category);
                if what.is_some() {
                    return what;
                }
            }
        }
    }
    None
}

fn untrue_cell(core: &Core, community: &str, year: i16, category: Category) -> Option<String> {
    let wrong = |what: &str| Some(format!("{community} {year} {category}: {what}"));
    let of_it = |it: &&EntryDescription| {
        (it.community.as_str(), it.year, it.category) == (community, year, category)
    };
    let entries = core.state.store.values().map(|stored| &stored.description);
    let Some(entry) = entries.into_iter().find(|it| of_it(it)) else {
        return wrong("nothing stands there");
    };
    if entry.expires.is_some_and(|end| end <= core.time()) {
        return wrong("what stands there has ended");
    }
    let Some(origin) = &entry.origin else { return wrong("it has no origin") };
    let shelf = Shelf { kind: category.kind(), community: community.to_owned(), year };
    let days = core.state.library.shelves.get(&shelf).map_or(0, |documents| documents.len() as u64);
    let now = core.state.library.fingerprint(&shelf);
    let mark = origin.shelf;
    let setup = core.state.setup;
    let layout = if setup.optimize { layout_of(core, community) } else { String::new() };
    let config = hash(&CONFIGURATIONS[setup.configuration].canonical());
    let same = (mark.count, mark.max, mark.sum) == (now.count, now.max, now.sum)
        && origin.layout == layout
        && origin.configuration == config
        && origin.optimized == setup.optimize
        && origin.generator == GENERATOR_VERSION;
    // Of a shelf that lost more than a tenth of its days the old response stays.
    let then = origin.days.unwrap_or(mark.count);
    let is_held = then.saturating_sub(days) > then / 10;
    if same || is_held {
        return None;
    }
    wrong(&format!(
        "it is made from {origin:?}, and not from {now:?}, layout {layout}, configuration {config}; it was \
         noted {:?}",
        core.state.memory.notes.get(&entry.key)
    ))
}

fn layout_of(core: &Core, community: &str) -> String {
    let own = core.state.library.communities.get(community);
    let own = own.and_then(|community| community.dashboard_layout.as_ref());
    let owner = match community {
        GLOBAL => LayoutOwner::Global,
        _ => LayoutOwner::Community(own),
    };
    hash(&LAYOUTS.components(owner).canonical())
}
