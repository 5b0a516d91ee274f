//! The alias of one kind of documents, and the indices of years behind it.

use stats_documents::opensearch::examine::{CommunityField, KindIndices, Node, Unread};
use stats_model::DocumentKind;

use super::super::check::{Check, plural};
use super::reading::unread;

/// What was found of a kind.
pub(super) struct Alias {
    pub(super) check: Check,
    /// What its documents can be read from, if they can.
    pub(super) target: Option<String>,
    /// Whether there is neither alias nor index, for certain.
    pub(super) absent: bool,
}

impl From<Check> for Alias {
    fn from(check: Check) -> Self {
        Self { check, target: None, absent: false }
    }
}

/// Looks at the alias of a kind.
pub(super) fn found(node: &Node, kind: DocumentKind) -> Alias {
    let (name, alias) = (format!("alias {}", kind.alias()), node.name(kind.alias()));
    let indices = match node.indices(kind) {
        Ok(indices) => indices,
        Err(Unread::Forbidden(_)) => return believed(node, name, alias),
        Err(why) => return unread(why, &name, &alias).into(),
    };
    if indices.are_none() {
        let remedy = "let the Python side aggregate once, or correct `source.index_prefix`";
        let detail = format!("{alias}: neither the alias nor an index of a year is there");
        return Alias { absent: true, ..Check::failed(name, detail, remedy).into() };
    }
    let target = indices.target(&alias);
    let documents = match node.documents(&target) {
        Ok(documents) => documents,
        Err(why) => return unread(why, &name, &target).into(),
    };
    let check = told(&indices, name, &alias, documents);
    Alias { check, target: Some(target), absent: false }
}

fn told(indices: &KindIndices, name: String, alias: &str, documents: u64) -> Check {
    let number = plural(indices.number(), "index", "indices");
    let detail = format!("{alias}: {number}, {}", plural(documents, "document", "documents"));
    let reindex = "reindex into indices that the templates of the Python side make";
    let (guessed, useless) =
        (indices.with(CommunityField::Beside), indices.with(CommunityField::Useless));
    let outside = indices.outside();
    if !useless.is_empty() {
        let which = useless.join(", ");
        let detail =
            format!("{detail}; communities cannot be searched for in {which}: guessed type");
        Check::failed(name, detail, reindex)
    } else if !guessed.is_empty() {
        Check::warning(
            name,
            format!("{detail}; community_id has a guessed type in {}", guessed.join(", ")),
            format!("{reindex}; until then the field community_id.keyword is asked"),
        )
    } else if indices.behind.is_empty() {
        Check::warning(
            name,
            format!("{detail}; the alias is missing, the indices are read by their names"),
            format!("add the alias {alias} to {}", outside.join(", ")),
        )
    } else if !outside.is_empty() {
        Check::warning(
            name,
            format!("{detail}; {} not behind the alias, and so not read", is(&outside)),
            format!("add the alias {alias} to {}", outside.join(", ")),
        )
    } else {
        Check::ok(name, detail)
    }
}

/// An alias that we may read and whose indices we may not look at.
fn believed(node: &Node, name: String, alias: String) -> Alias {
    let documents = match node.documents(&alias) {
        Ok(documents) => documents,
        Err(why) => return unread(why, &name, &alias).into(),
    };
    let counted = plural(documents, "document", "documents");
    let check = Check::warning(
        name,
        format!("{alias}: {counted}; no right to see its indices and how they are mapped"),
        "grant indices:admin/aliases/get and indices:admin/mappings/get on it; until then it is \
         believed to be as the templates of the Python side make it",
    );
    Alias { check, target: Some(alias), absent: false }
}

fn is(names: &[&str]) -> String {
    format!("{} {}", names.join(", "), if names.len() == 1 { "is" } else { "are" })
}
