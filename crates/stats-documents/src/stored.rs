//! Communities, bookmarks and community events as the indices hold them (source-documents
//! specification, sections 1.12, 1.13, 3.2 and 3.3).

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;
use stats_model::{Bookmark, Community, Day, DeletionStatus, DocumentKind, Visibility};

use crate::InvalidDocument;
use crate::archive::CommunityEvent;
use crate::facts::{Text, read_object_bytes};

/// Reads a document of the communities index; `id` is its `_id`.
///
/// Odd values never refuse a community: a visibility that is missing or unknown counts as
/// restricted, a deletion status that is unknown as deleted, and one that is missing (older
/// releases have none) as published unless `is_deleted` is true.
///
/// # Errors
/// When `source` is not a JSON object, or plainly a document of statistics.
pub(crate) fn read_community(id: &str, source: &[u8]) -> Result<Community, InvalidDocument> {
    let document: serde_json::Map<String, Value> = read_object_bytes(source)?;
    let own = ["slug", "metadata", "access"];
    if document.contains_key("community_id") && !own.iter().any(|it| document.contains_key(*it)) {
        return Err(InvalidDocument::OtherKind("communities"));
    }
    let at = |object: &str, field: &str| document.get(object).and_then(|inner| inner.get(field));
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let custom = |field: &str| at("custom_fields", field).filter(|value| !value.is_null());
    Ok(Community {
        id: id.to_owned(),
        slug: text(document.get("slug")),
        title: text(at("metadata", "title")),
        created: text(document.get("created")).and_then(|created| day_before_time(&created)),
        visibility: match at("access", "visibility").and_then(Value::as_str) {
            Some("public") => Visibility::Public,
            _ => Visibility::Restricted,
        },
        deletion: deletion(document.get("deletion_status"), document.get("is_deleted")),
        dashboard_enabled: custom("stats:dashboard_enabled").and_then(flag),
        dashboard_layout: custom("stats:dashboard_layout").cloned(),
    })
}

/// A day whatever time stands behind it.
fn day_before_time(text: &str) -> Option<Day> {
    text.split('T').next()?.parse().ok()
}

fn deletion(status: Option<&Value>, is_deleted: Option<&Value>) -> DeletionStatus {
    match status.filter(|status| !status.is_null()).map(Value::as_str) {
        Some(Some("P")) => DeletionStatus::Published,
        Some(Some("X")) => DeletionStatus::Marked,
        Some(_) => DeletionStatus::Deleted,
        None if is_deleted == Some(&Value::Bool(true)) => DeletionStatus::Deleted,
        None => DeletionStatus::Published,
    }
}

/// A flag, also when it is stored as text.
fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) => Some(text == "true"),
        _ => None,
    }
}

/// Reads a bookmark document: of which kind and community, and the bookmark.
///
/// # Errors
/// When it is no bookmark of one of the four kinds on the basis *added*.
pub(crate) fn read_bookmark(
    source: &[u8],
) -> Result<(DocumentKind, String, Bookmark), InvalidDocument> {
    #[derive(Deserialize)]
    struct Fields<'a> {
        #[serde(borrow, default)]
        date: Text<'a>,
        #[serde(borrow, default)]
        aggregation_type: Text<'a>,
        #[serde(borrow, default)]
        community_id: Text<'a>,
    }
    let fields: Fields<'_> = read_object_bytes(source)?;
    let name = fields.aggregation_type.0.unwrap_or_default();
    let kind = DocumentKind::from_bookmark_type(&name)
        .ok_or_else(|| InvalidDocument::OtherAggregation(name.into_owned()))?;
    let community = community(fields.community_id)?;
    let day = day("date", fields.date)?.ok_or(InvalidDocument::NoDay("date"))?;
    Ok((kind, community, Bookmark { day }))
}

/// Reads a document of the community events index.
///
/// # Errors
/// When it names no community, or neither of its two days.
pub(crate) fn read_event(source: &[u8]) -> Result<CommunityEvent, InvalidDocument> {
    #[derive(Deserialize)]
    struct Fields<'a> {
        #[serde(borrow, default)]
        community_id: Text<'a>,
        #[serde(borrow, default)]
        event_date: Text<'a>,
        #[serde(borrow, default)]
        record_created_date: Text<'a>,
    }
    let fields: Fields<'_> = read_object_bytes(source)?;
    let event = CommunityEvent {
        community: community(fields.community_id)?,
        day: day("event_date", fields.event_date)?,
        record_created: day("record_created_date", fields.record_created_date)?,
    };
    if event.day.is_none() && event.record_created.is_none() {
        return Err(InvalidDocument::NoDay("event_date"));
    }
    Ok(event)
}

fn community(field: Text<'_>) -> Result<String, InvalidDocument> {
    let community = field.0.filter(|community| !community.is_empty());
    community.map(Cow::into_owned).ok_or(InvalidDocument::NoCommunity)
}

fn day(name: &'static str, field: Text<'_>) -> Result<Option<Day>, InvalidDocument> {
    let Some(text) = field.0 else { return Ok(None) };
    text.parse().map(Some).map_err(|invalid| InvalidDocument::DayNotADate(name, invalid))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_communities() {
        let read = |source: &str| read_community("c", source.as_bytes()).unwrap();
        let empty = read("{}");
        assert_eq!(empty.visibility, Visibility::Restricted);
        assert_eq!(empty.deletion, DeletionStatus::Published);
        assert_eq!((empty.slug, empty.title, empty.created), (None, None, None));
        assert_eq!((empty.dashboard_enabled, empty.dashboard_layout), (None, None));
        let odd = read(
            r#"{"slug":null,"access":{"visibility":"members"},"deletion_status":"Z","metadata":null,
                "created":"2023-05-04T09:08:07","custom_fields":{"stats:dashboard_enabled":"true",
                "stats:dashboard_layout":{"community_layout":null}}}"#,
        );
        assert_eq!(odd.visibility, Visibility::Restricted);
        assert_eq!(odd.deletion, DeletionStatus::Deleted);
        assert_eq!(odd.created.unwrap().to_string(), "2023-05-04");
        assert_eq!(odd.dashboard_enabled, Some(true));
        assert!(odd.dashboard_layout.is_some());
        assert_eq!(read(r#"{"is_deleted":true}"#).deletion, DeletionStatus::Deleted);
        assert!(read_community("c", b"[]").is_err());
        let other = read_community("c", br#"{"community_id":"c","totals":{}}"#);
        assert_eq!(other, Err(InvalidDocument::OtherKind("communities")));
    }

    #[test]
    fn bookmarks_of_other_aggregations_are_refused() {
        let read = |aggregation: &str| {
            let source = format!(
                r#"{{"aggregation_type":"{aggregation}","community_id":"a","date":"2025-03-09"}}"#
            );
            read_bookmark(source.as_bytes()).map(|(kind, ..)| kind)
        };
        assert_eq!(read("community-usage-delta-agg"), Ok(DocumentKind::UsageDelta));
        let other = "community-records-delta-created-agg";
        assert_eq!(read(other), Err(InvalidDocument::OtherAggregation(other.to_owned())));
    }

    #[test]
    fn events_need_one_day() {
        let read = |source: &str| read_event(source.as_bytes());
        assert!(read(r#"{"community_id":"a","event_date":"2025-03-09T13:45:52.411"}"#).is_ok());
        let event =
            read(r#"{"community_id":"a","record_created_date":"2025-03-09","event_date":null}"#);
        assert_eq!(event.unwrap().day, None);
        assert_eq!(read(r#"{"community_id":"a"}"#), Err(InvalidDocument::NoDay("event_date")));
        assert_eq!(read(r#"{"event_date":"2025-03-09"}"#), Err(InvalidDocument::NoCommunity));
    }
}
