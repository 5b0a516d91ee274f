//! What people have instead of export lines: which form a text is in, by its beginning.

use serde_json::{Map, Value};

use super::lines::{is_export_line, lines_of};

/// In which form documents stand in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// One export line after the other, or nothing.
    Lines,
    /// Answers of a search, arrays of hits, or hits over several lines.
    Values,
    /// Lines of the bulk interface: an action, then its document.
    Bulk,
    /// Documents without index names, one a line or over several lines.
    Bare(Layout),
    /// JSON or text that is nothing of these.
    Unknown(&'static str),
}

/// How values stand in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    OneALine,
    SeveralLines,
}

/// So many bytes of a text are looked at.
pub(crate) const LOOKED_AT: usize = 1024 * 1024;
/// So many of its lines.
const LINES: usize = 20;

pub(crate) const NO_EXPORT: &str = "no export lines";
pub(crate) const MARKUP: &str = "a page of HTML or XML, not an export";
pub(crate) const BINARY: &str = "not a text, and not compressed or packed in a known way";
/// What a search engine answers that cannot do what it was asked for.
pub(crate) const ERROR: &str = "an error in the place of an answer";
/// What dumps leave beside the documents.
pub(crate) const DESCRIPTION: &str = "a description of an index, not its documents";
/// Why documents without index names are not imported.
pub(crate) const BARE: &str = "documents without index names: say which index they are of with \
    --index NAME, or export them with _index, _id and _source";

/// The form of a text that begins with `head`.
pub(crate) fn form_of(head: &[u8], ended: bool) -> Form {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let Some(first) = text.first() else { return Form::Lines };
    if *first == b'[' {
        return form_of_array(text);
    }
    let end =
        if ended { text.len() } else { memchr::memrchr(b'\n', text).map_or(0, |end| end + 1) };
    let lines = || lines_of(&text[..end]).filter(|line| !line.trim_ascii().is_empty());
    if lines().take(LINES).any(is_export_line) {
        return Form::Lines;
    }
    if *first != b'{' && has(text, "\"_index\"") && has(text, "\"_source\"") {
        // Damaged at the beginning.
        return Form::Lines;
    }
    let form = match first {
        b'{' => match lines().next().map(serde_json::from_slice::<Map<String, Value>>) {
            Some(Ok(object)) => form_of_object(&object),
            // Over several lines, too long to be seen whole, or damaged.
            _ => form_of_first_key(text),
        },
        b'<' => Form::Unknown(MARKUP),
        _ => Form::Unknown(NO_EXPORT),
    };
    match form {
        Form::Unknown(NO_EXPORT) => Form::Unknown(what_else(text)),
        form => form,
    }
}

/// What a text is that is no export.
fn what_else(text: &[u8]) -> &'static str {
    if is_binary(&text[..text.len().min(1024)]) {
        return BINARY;
    }
    let mut values = serde_json::Deserializer::from_slice(text).into_iter::<Map<String, Value>>();
    match values.next() {
        Some(Ok(object)) if is_error(&object) => ERROR,
        Some(Ok(object)) if is_description(&object) => DESCRIPTION,
        _ => NO_EXPORT,
    }
}

/// Whether this is no text in any encoding that has ASCII in it.
fn is_binary(head: &[u8]) -> bool {
    let is_control = |byte: &u8| *byte < b' ' && !byte.is_ascii_whitespace() && *byte != 0x1b;
    // The last character may be cut.
    let is_utf8 = match std::str::from_utf8(head) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    head.contains(&0) || (!is_utf8 && head.iter().any(is_control))
}

fn is_error(object: &Map<String, Value>) -> bool {
    object.contains_key("error")
        && ["status", "statusCode"].iter().any(|name| object.contains_key(*name))
}

/// Mappings, settings and the like, of themselves or by the name of an index.
fn is_description(object: &Map<String, Value>) -> bool {
    let describes = |object: &Map<String, Value>| {
        OF_DESCRIPTIONS.iter().any(|name| object.get(*name).is_some_and(is_composed))
    };
    let mut values = object.values();
    describes(object)
        || (!object.is_empty() && values.all(|value| value.as_object().is_some_and(describes)))
}

fn form_of_object(object: &Map<String, Value>) -> Form {
    let has = |names: &[&str]| names.iter().any(|name| object.contains_key(*name));
    let is_source = object.get("_source").is_some_and(Value::is_object);
    if object.get("hits").or_else(|| object.get("responses")).is_some_and(is_composed) {
        Form::Values
    } else if object.len() == 1 && has(&ACTIONS) && object.values().all(Value::is_object) {
        Form::Bulk
    } else if is_source {
        Form::Lines
    } else if has(&OF_DOCUMENTS) {
        Form::Bare(Layout::OneALine)
    } else {
        Form::Unknown(NO_EXPORT)
    }
}

fn is_composed(value: &Value) -> bool {
    value.is_object() || value.is_array()
}

fn form_of_first_key(text: &[u8]) -> Form {
    let several_lines = text[1..].trim_ascii_start().len() < text.len() - 1
        && memchr::memchr(b'\n', &text[..text.len() - text[1..].trim_ascii_start().len()])
            .is_some();
    let key = text[1..].trim_ascii_start().strip_prefix(b"\"").unwrap_or_default();
    let key = key.split(|byte| *byte == b'"').next().unwrap_or_default();
    let is = |names: &[&str]| names.iter().any(|name| name.as_bytes() == key);
    match several_lines {
        _ if is(&OF_ANSWERS) => Form::Values,
        true if is(&OF_HITS) => Form::Values,
        false if is(&OF_HITS) => Form::Lines,
        true if is(&OF_DOCUMENTS) => Form::Bare(Layout::SeveralLines),
        false if is(&OF_DOCUMENTS) => Form::Bare(Layout::OneALine),
        _ => Form::Unknown(NO_EXPORT),
    }
}

fn form_of_array(text: &[u8]) -> Form {
    if has(text, "\"_source\"") || text[1..].trim_ascii_start().starts_with(b"]") {
        Form::Values
    } else if OF_DOCUMENTS[..4].iter().any(|name| has(text, name)) {
        Form::Bare(Layout::SeveralLines)
    } else {
        Form::Unknown(NO_EXPORT)
    }
}

fn has(text: &[u8], part: &str) -> bool {
    memchr::memmem::find(text, part.as_bytes()).is_some()
}

const OF_DESCRIPTIONS: [&str; 5] =
    ["mappings", "settings", "aliases", "index_patterns", "index_templates"];
const ACTIONS: [&str; 4] = ["index", "create", "update", "delete"];
const OF_ANSWERS: [&str; 9] = [
    "took",
    "timed_out",
    "_shards",
    "hits",
    "_scroll_id",
    "pit_id",
    "num_reduce_phases",
    "terminated_early",
    "responses",
];
const OF_HITS: [&str; 8] =
    ["_index", "_id", "_type", "_score", "_source", "_version", "_seq_no", "_routing"];
const OF_DOCUMENTS: [&str; 12] = [
    "community_id",
    "period_start",
    "snapshot_date",
    "aggregation_type",
    "community_parent_id",
    "period_end",
    "timestamp",
    "updated_timestamp",
    "totals",
    "subcounts",
    "event_date",
    "event_type",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_known_by_its_beginning() {
        let hit = r#"{"_index":"i","_id":"a","_source":{"community_id":"a"}}"#;
        let bare = r#"{"community_id":"a","totals":{}}"#;
        for (text, form) in [
            (String::new(), Form::Lines),
            (" \n".to_owned(), Form::Lines),
            (format!("{hit}\n"), Form::Lines),
            (format!("{{\"_ind\n{hit}\n"), Form::Lines),
            ("{\"_index\":\"stats-comm".to_owned(), Form::Lines),
            ("{\"_id\":\"y\",\"_source\":{}}".to_owned(), Form::Lines),
            ("{\"_index\":\"x\",\"_id\":\"y\"}".to_owned(), Form::Unknown(NO_EXPORT)),
            (format!("nonsense\n{}{hit}\n", "{}\n".repeat(30)), Form::Lines),
            (format!("[{bare}]"), Form::Bare(Layout::SeveralLines)),
            (format!("[{hit}]"), Form::Values),
            (format!("[\n{hit}\n,{hit}\n]"), Form::Values),
            ("[]".to_owned(), Form::Values),
            ("[1,2]".to_owned(), Form::Unknown(NO_EXPORT)),
            (format!(r#"{{"took":1,"hits":{{"hits":[{hit}]}}}}"#), Form::Values),
            (format!("{{\n \"took\":1,\n \"hits\":{{\"hits\":[{hit}]}}}}"), Form::Values),
            (format!("{{\"took\":1,\"hits\":{{\"hits\":[{}", &hit[..20]), Form::Values),
            (hit.replace(',', ",\n").replace('{', "{\n"), Form::Values),
            (format!("{{\"index\":{{\"_index\":\"i\"}}}}\n{bare}\n"), Form::Bulk),
            (bare.to_owned(), Form::Bare(Layout::OneALine)),
            (bare.replace('{', "{\n"), Form::Bare(Layout::SeveralLines)),
            ("{\"mappings\":{}}".to_owned(), Form::Unknown(DESCRIPTION)),
            ("{\"i\":{\n\"settings\":{}}}".to_owned(), Form::Unknown(DESCRIPTION)),
            ("{}".to_owned(), Form::Unknown(NO_EXPORT)),
            (r#"{"error":{"type":"x"},"status":404}"#.to_owned(), Form::Unknown(ERROR)),
            ("{\n \"statusCode\": 502,\n \"error\": \"x\"}".to_owned(), Form::Unknown(ERROR)),
            (format!(r#"{{"docs":[{hit}]}}"#), Form::Unknown(NO_EXPORT)),
            ("{\0\"\0_\0".to_owned(), Form::Unknown(BINARY)),
            ("<html>".to_owned(), Form::Unknown(MARKUP)),
            ("SQLite format 3\0".to_owned(), Form::Unknown(BINARY)),
            ("nonsense".to_owned(), Form::Unknown(NO_EXPORT)),
        ] {
            assert_eq!(form_of(text.as_bytes(), true), form, "{text}");
        }
        assert_eq!(form_of(b"\x8c\r\x04\t\x03\x02\xff", true), Form::Unknown(BINARY));
        assert_eq!(form_of(b"Gr\xf6\xdfe", true), Form::Unknown(NO_EXPORT));
        // A line that is longer than what is looked at.
        let long = format!(r#"{{"_index":"i","_source":{{"a":"{}"}}}}"#, "x".repeat(100));
        assert_eq!(form_of(&long.as_bytes()[..60], false), Form::Lines);
    }
}
