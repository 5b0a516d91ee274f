//! How far the aggregation went.

use std::collections::BTreeMap;

use serde_json::json;
use stats_model::{Day, DocumentKind};

use super::node::Node;
use crate::opensearch::names::BOOKMARKS;

impl Node {
    /// The newest bookmark of each kind that has one; `None` where bookmarks cannot be read.
    #[must_use]
    pub fn newest_bookmarks(&self) -> Option<BTreeMap<DocumentKind, Day>> {
        let newest = json!({"newest": {"max": {"field": "date", "format": "yyyy-MM-dd"}}});
        let by_kind = json!({"terms": {"field": "aggregation_type", "size": 100}, "aggs": newest});
        let question = json!({"size": 0, "aggs": {"kinds": by_kind}});
        let answer = self.search(&format!("/{}/_search", self.name(BOOKMARKS)), &question).ok()?;
        let buckets = answer.json["aggregations"]["kinds"]["buckets"].as_array()?;
        let newest = buckets.iter().filter_map(|bucket| {
            let kind = DocumentKind::from_bookmark_type(bucket["key"].as_str()?)?;
            Some((kind, bucket["newest"]["value_as_string"].as_str()?.parse().ok()?))
        });
        Some(newest.collect())
    }
}
