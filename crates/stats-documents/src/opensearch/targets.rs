//! Which indices hold the documents of a kind, and how their communities are searched for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use stats_model::DocumentKind;

use super::answer::MOST_NAMES;
use super::client::{Call, Client, Request};
use super::failure::Failure;
use super::json::Named;

/// The indices of one kind of documents, behind their alias or found by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// What a search addresses: the alias, or all indices, comma-separated.
    pub(super) name: String,
    /// The indices for each form of the community field. More than one form only where some
    /// indices were made before their template (source-documents specification, section 1.2).
    pub(super) groups: Vec<Group>,
}

/// Indices that share the form of the community field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    /// What a search addresses.
    pub(super) name: String,
    /// The field that holds the community as one word.
    pub(super) community: String,
}

impl Target {
    /// The groups that one index belongs to.
    pub(super) fn groups_of(&self, index: &str) -> impl Iterator<Item = &Group> {
        let only = self.groups.len() == 1;
        let holds = move |group: &&Group| only || group.name.split(',').any(|name| name == index);
        self.groups.iter().filter(holds)
    }

    /// A filter for these communities.
    pub(super) fn communities(&self, communities: &[String]) -> Value {
        let mut forms: Vec<Value> = self
            .groups
            .iter()
            .map(|group| match communities {
                [one] => json!({"term": {&group.community: one}}),
                several => json!({"terms": {&group.community: several}}),
            })
            .collect();
        if forms.len() == 1 { forms.remove(0) } else { json!({"bool": {"should": forms}}) }
    }
}

/// Finds the indices of `alias` and how `field` is mapped in them; `None` if there are none.
pub(super) fn resolve(
    client: &Client,
    call: &Call,
    alias: &str,
    field: &str,
) -> Result<Option<Target>, Failure> {
    let path = |names: &str| format!("/{}/_mapping/field/{field}*", escape(names));
    match client.json::<Mappings>(call, &Request::get(path(alias))) {
        // For a daily kind, an index that has the alias's own name is not looked at.
        Ok(Named(mappings))
            if !mappings.is_empty() && (!mappings.contains_key(alias) || !is_daily(alias)) =>
        {
            return Ok(Some(target(alias, true, &mappings, field)));
        }
        // No right to see mappings: believe that they are as they should be.
        Err(failure) if failure.is_declined() && !failure.is_missing() => {
            let group = Group { name: alias.to_owned(), community: field.to_owned() };
            return Ok(Some(Target { name: alias.to_owned(), groups: vec![group] }));
        }
        Err(failure) if !failure.is_missing() => return Err(failure),
        Ok(_) | Err(_) => {}
    }
    let indices = year_indices(client, call, alias)?;
    if indices.is_empty() {
        return Ok(None);
    }
    let names = indices.join(",");
    let Named(mappings) = client.json::<Mappings>(call, &Request::get(path(&names)))?;
    Ok(Some(target(&names, false, &mappings, field)))
}

/// Whether `alias` is that of a kind of daily documents, which year indices stand behind.
fn is_daily(alias: &str) -> bool {
    DocumentKind::ALL.iter().any(|kind| alias.ends_with(kind.alias()))
}

/// The indices named exactly `<alias>-YYYY`. The pattern that lists them would also find
/// `<alias>-zero-2025` and the like.
pub(super) fn year_indices(
    client: &Client,
    call: &Call,
    alias: &str,
) -> Result<Vec<String>, Failure> {
    let request = Request::get(format!("/{}-*/_alias", escape(alias)));
    let listed = match client.json::<Named<IgnoredAny, MOST_NAMES>>(call, &request) {
        Ok(Named(listed)) => listed,
        Err(failure) if failure.is_missing() => return Ok(Vec::new()),
        Err(failure) => return Err(failure),
    };
    let is_year = |name: &String| {
        name.strip_prefix(alias)
            .and_then(|rest| rest.strip_prefix('-'))
            .is_some_and(|year| year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit()))
    };
    Ok(listed.into_keys().filter(is_year).collect())
}

fn target(
    name: &str,
    is_alias: bool,
    mappings: &BTreeMap<String, IndexMappings>,
    field: &str,
) -> Target {
    let mut forms: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (index, mapping) in mappings {
        forms.entry(mapping.keyword(field)).or_default().push(index);
    }
    let whole = is_alias && forms.len() == 1;
    let groups = forms.into_iter().map(|(community, indices)| Group {
        name: if whole { name.to_owned() } else { indices.join(",") },
        community,
    });
    Target { name: name.to_owned(), groups: groups.collect() }
}

type Mappings = Named<IndexMappings, MOST_NAMES>;

#[derive(Debug, Deserialize)]
struct IndexMappings {
    mappings: Named<FieldMapping, MOST_NAMES>,
}

#[derive(Debug, Deserialize)]
struct FieldMapping {
    mapping: Named<FieldType, MOST_NAMES>,
}

#[derive(Debug, Deserialize)]
struct FieldType {
    #[serde(rename = "type")]
    name: String,
}

impl IndexMappings {
    /// `field`, unless it is a text that has a keyword beside it.
    fn keyword(&self, field: &str) -> String {
        let is = |name: &str, kind: &str| {
            let found = self.mappings.0.get(name);
            found.is_some_and(|field| field.mapping.0.values().any(|form| form.name == kind))
        };
        let beside = format!("{field}.keyword");
        if !is(field, "keyword") && is(&beside, "keyword") { beside } else { field.to_owned() }
    }
}

/// The aliases of one source, each looked up once and again when it no longer fits.
#[derive(Debug, Default)]
pub(super) struct Targets(Mutex<BTreeMap<(String, String), Arc<Target>>>);

impl Targets {
    /// The indices behind `alias`, or else its year indices; `None` if there are none.
    pub(super) fn find(
        &self,
        client: &Client,
        call: &Call,
        alias: &str,
        field: &str,
    ) -> Result<Option<Arc<Target>>, Failure> {
        let key = (alias.to_owned(), field.to_owned());
        if let Some(known) = self.lock().get(&key) {
            return Ok(Some(known.clone()));
        }
        let Some(target) = resolve(client, call, alias, field)? else { return Ok(None) };
        let target = Arc::new(target);
        // Indices found by name may be joined by another one at the turn of the year.
        if target.name == alias && target.groups.len() == 1 {
            self.lock().insert(key, target.clone());
        }
        Ok(Some(target))
    }

    /// Look again the next time.
    pub(super) fn forget(&self, alias: &str) {
        self.lock().retain(|(known, _), _| known != alias);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(String, String), Arc<Target>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Index names as they stand in a path.
pub(super) fn escape(names: &str) -> String {
    let mut escaped = String::with_capacity(names.len());
    for byte in names.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b',' => {
                escaped.push(byte as char);
            }
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}
