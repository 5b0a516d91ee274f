//! Responses as objects, over the SQLite store.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use stats_cache::{CacheType, CachedResponse, EntryState, InvalidData, SqliteStore};
use stats_model::Category;
use tempfile::TempDir;

const PREFIX: &str = "stats_dashboard";

fn now() -> Timestamp {
    "2025-06-15T12:34:56.789Z".parse().unwrap()
}

fn store() -> (TempDir, SqliteStore) {
    let folder = TempDir::new().unwrap();
    let store = SqliteStore::open(folder.path().join("cache.db")).unwrap();
    (folder, store)
}

#[test]
fn the_json_form_has_exactly_the_members_of_the_design() {
    let mut response = CachedResponse::new("global", 2024, Category::UsageDelta);
    let days = Some(SignedDuration::from_hours(30 * 24));
    response.set_data(b"{\"views\":[[\"01-01\",1e16]]}".to_vec(), now(), days).unwrap();
    assert_eq!(
        response.to_json(PREFIX).unwrap(),
        concat!(
            r#"{"community_id":null,"year":2024,"category":"usage-delta-category","#,
            r#""cache_type":"global","#,
            r#""cache_key":"stats_dashboard:88f7ddb4aa36d820f1c7214408ae0230d6b12a4dfa12bdfdabede21c2aa26744","#,
            r#""data":{"views":[["01-01",1e16]]},"#,
            r#""created_at":"2025-06-15T12:34:56.789Z","expires_at":"2025-07-15T12:34:56.789Z"}"#
        )
    );

    let empty = CachedResponse::new("7d9c1e52", 987, Category::UsageDeltaDataViews)
        .with_cache_type(CacheType::Global);
    let value: Value = serde_json::from_str(&empty.to_json(PREFIX).unwrap()).unwrap();
    assert_eq!(
        value,
        json!({"community_id": "7d9c1e52", "year": 987, "category": "usage_delta_data_views",
               "cache_type": "global", "cache_key": empty.cache_key(PREFIX).as_str(),
               "data": null, "created_at": null, "expires_at": null})
    );
}

#[test]
fn the_cache_type_changes_no_key() {
    let response = CachedResponse::new("a", 2024, Category::UsageDelta);
    assert_eq!(response.cache_type(), CacheType::Community);
    let other = response.clone().with_cache_type(CacheType::Global);
    assert_eq!(other.cache_key(PREFIX), response.cache_key(PREFIX));
    assert!(!other.is_global());
}

#[test]
fn it_is_saved_loaded_and_deleted() {
    let (_folder, store) = store();
    let mut made = CachedResponse::new("a", 2024, Category::RecordDelta);
    assert!(!made.save(&store, PREFIX).unwrap());
    let now = Timestamp::now();
    made.set_data(b"{}".to_vec(), now, Some(SignedDuration::from_hours(1))).unwrap();
    assert!(made.save(&store, PREFIX).unwrap());

    let mut read = CachedResponse::new("a", 2024, Category::RecordDelta);
    assert!(read.load(&store, PREFIX).unwrap());
    assert_eq!(read.data(), Some(b"{}".as_slice()));
    let milliseconds = |time: Option<Timestamp>| time.map(Timestamp::as_millisecond);
    assert_eq!(milliseconds(read.created_at()), milliseconds(made.created_at()));
    assert_eq!(milliseconds(read.expires_at()), milliseconds(made.expires_at()));

    assert!(read.delete(&store, PREFIX).unwrap());
    assert!(!read.delete(&store, PREFIX).unwrap());
    assert!(!read.load(&store, PREFIX).unwrap());
    assert_eq!(read.data(), Some(b"{}".as_slice()));
}

#[test]
fn states_come_in_the_order_of_the_responses() {
    let (_folder, store) = store();
    let mut responses: Vec<CachedResponse> =
        Category::ALL.map(|category| CachedResponse::new("a", 2024, category)).into();
    responses[3].set_data(b"[]".to_vec(), Timestamp::now(), None).unwrap();
    responses[3].save(&store, PREFIX).unwrap();
    let states = CachedResponse::states(&responses, &store, PREFIX).unwrap();
    let ours: Vec<usize> =
        (0..8).filter(|&index| matches!(states[index], EntryState::Ours(_))).collect();
    assert_eq!(ours, [3]);
}

#[test]
fn data_that_are_no_json_are_refused_and_change_nothing() {
    let mut response = CachedResponse::new("a", 2024, Category::RecordDelta);
    for data in [b"".as_slice(), b"{", b"{} []", b"NaN"] {
        let error = response.set_data(data.to_vec(), now(), None).unwrap_err();
        assert!(matches!(error, InvalidData::NotJson(_)), "{data:?}: {error}");
    }
    let error = response.set_data(b"\"\xff\"".to_vec(), now(), None).unwrap_err();
    assert!(matches!(error, InvalidData::NotUtf8(_)));
    let error = response.set_data(b"{}".to_vec(), now(), Some(SignedDuration::MAX)).unwrap_err();
    assert!(matches!(error, InvalidData::Lifetime(_)));
    assert_eq!((response.data(), response.created_at()), (None, None));
}
