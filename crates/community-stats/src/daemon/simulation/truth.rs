//! What responses have to be: made anew, by nothing but the transformation, from what a shelf held.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Value, json};
use stats_cache::{EntryDescription, Origin};
use stats_model::{Category, Fingerprint, GLOBAL, Shelf};
use stats_series::{
    ComponentRegistry, DEFAULT_SUBCOUNTS, FloatStyle, GENERATOR_VERSION, LayoutOwner, Layouts,
    ResponseSpec, Selection, SeriesBuilder, SeriesConfig, SubcountConfig,
};
use stats_service::hash;

use super::library::{Documents, Library};

/// The responses that are kept.
pub(super) const CATEGORIES: [Category; 2] = [Category::UsageDelta, Category::UsageDeltaDataViews];

/// The layouts that communities change between.
pub(super) fn layouts() -> [Option<Value>; 3] {
    let tabs = |component: &str| json!({"community_layout": {"tabs": [{"rows": [{"components": [component]}]}]}});
    [None, Some(tabs("ResourceTypesMultiDisplay")), Some(tabs("SingleStatRecordCount"))]
}

/// The configurations that deployments change between: one has no languages.
pub(super) static CONFIGURATIONS: LazyLock<[SeriesConfig; 2]> =
    LazyLock::new(|| [0, 1].map(configuration));

/// The layouts of those who have none of their own.
pub(super) static LAYOUTS: LazyLock<Layouts> = LazyLock::new(Layouts::default);

fn configuration(number: usize) -> SeriesConfig {
    let all: Value = serde_json::from_str(DEFAULT_SUBCOUNTS).unwrap_or_default();
    let Value::Object(mut subcounts) = all else { return SeriesConfig::default() };
    if number == 1 {
        subcounts.remove("languages");
    }
    let subcounts = SubcountConfig::from_json(&Value::Object(subcounts).to_string());
    subcounts.map_or_else(
        |_| SeriesConfig::default(),
        |subcounts| SeriesConfig::new(subcounts, ComponentRegistry::default()),
    )
}

/// What was made before, since the same is asked for often.
#[derive(Default)]
pub(super) struct Truth {
    made: BTreeMap<(String, String), Result<Vec<u8>, String>>,
}

impl Truth {
    /// Why an entry is not what it says that it is.
    pub(super) fn fault(
        &mut self,
        library: &Library,
        entry: &EntryDescription,
        body: &[u8],
    ) -> Option<String> {
        let Some(origin) = &entry.origin else { return Some("it has no origin".to_owned()) };
        let name = serde_json::to_string(origin).unwrap_or_default();
        let place = (entry.key.clone(), name);
        let made = match self.made.get(&place) {
            Some(made) => made,
            None => {
                let made = make(library, entry, origin);
                self.made.entry(place).or_insert(made)
            }
        };
        match made {
            Ok(made) if made == body => None,
            Ok(_) => Some("its body is another than one made from what it says".to_owned()),
            Err(error) => Some(error.clone()),
        }
    }
}

fn make(library: &Library, entry: &EntryDescription, origin: &Origin) -> Result<Vec<u8>, String> {
    let kind = entry.category.kind();
    let shelf = Shelf { kind, community: entry.community.clone(), year: entry.year };
    let mark = origin.shelf;
    let fingerprint = Fingerprint { count: mark.count, max: mark.max, sum: mark.sum };
    let documents = library.past(&shelf, fingerprint);
    let documents = documents.ok_or_else(|| format!("its shelf never was at {fingerprint}"))?;
    if origin.generator != GENERATOR_VERSION {
        return Err("it says another generator".to_owned());
    }
    let config = CONFIGURATIONS.iter().find(|it| hash(&it.canonical()) == origin.configuration);
    let config = config.ok_or("nobody was ever configured like this")?;
    let selection = if origin.optimized {
        selection_of(&origin.layout, &entry.community).ok_or("nobody ever had this layout")?
    } else {
        Selection::All
    };
    written(config, entry.category, selection, documents)
}

fn selection_of(layout: &str, community: &str) -> Option<Selection> {
    layouts().iter().find_map(|own| {
        let owner = if community == GLOBAL {
            LayoutOwner::Global
        } else {
            LayoutOwner::Community(own.as_ref())
        };
        let names = LAYOUTS.components(owner);
        (hash(&names.canonical()) == layout).then_some(Selection::Components(names))
    })
}

fn written(
    config: &SeriesConfig,
    category: Category,
    selection: Selection,
    documents: &Documents,
) -> Result<Vec<u8>, String> {
    let spec = ResponseSpec { category, selection };
    let mut builder = SeriesBuilder::new(config, &[spec]).map_err(|error| error.to_string())?;
    for ((_, id), written) in documents {
        builder.feed(id, &written.bytes);
    }
    let mut body = Vec::new();
    builder.write(0, FloatStyle::Plain, &mut body).map_err(|error| error.to_string())?;
    Ok(body)
}
