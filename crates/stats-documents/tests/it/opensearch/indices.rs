//! Aliases, year indices, guessed mappings, missing indices.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use stats_documents::contract::{GivenDocument, given};
use stats_documents::{
    Amiss, Archive, ArchiveOptions, Changes, Directory, Documents, Feed, Mirror, MirrorOptions,
    ShelfFilter, SourceErrorKind,
};
use stats_model::{DocumentKind, Fingerprint};
use stats_testkit::proxy::{Action, Fault};

use super::support::{Cluster, KIND, chain, pairs, read, shelf, year};

/// The lines of the bundled corpus, all kinds.
pub(super) fn corpus() -> Vec<String> {
    let names = [
        "bookmarks",
        "communities",
        "community-events",
        "stats-community-records-delta-added-2025",
        "stats-community-records-snapshot-added-2025",
        "stats-community-usage-delta-2025",
        "stats-community-usage-snapshot-2025",
    ];
    let lines = |name| {
        let file = format!("documents/tiny-7/{name}.ndjson.gz");
        stats_testkit::fixtures::lines(file).unwrap()
    };
    names.into_iter().flat_map(lines).collect()
}

#[test]
pub(super) fn a_kind_without_indices_is_an_error_and_not_empty() {
    let Some(cluster) = Cluster::bare() else { return };
    let source = cluster.source();
    let errors = [
        source.position(KIND).unwrap_err(),
        source.fingerprints(KIND, &ShelfFilter::default()).unwrap_err(),
        source.manifest(&shelf("a")).unwrap_err(),
        read(&source, &shelf("a"), None).unwrap_err(),
        source.communities().unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), SourceErrorKind::Own(Amiss::NotFound), "{}", chain(&error));
        assert!(error.to_string().contains(&cluster.prefix), "{error}");
    }
    assert!(source.bookmarks(KIND, &[]).unwrap().is_empty());
    assert!(source.first_events(&[]).unwrap().is_empty());
    assert_eq!(source.first_record().unwrap(), None);
}

#[test]
fn other_variants_are_never_mixed_in() {
    let Some(cluster) = Cluster::new() else { return };
    let kind = DocumentKind::RecordDelta;
    for variant in ["created-2025", "published-2025", "added-zero-2025", "added-20255"] {
        let index = format!("{}stats-community-records-delta-{variant}", cluster.prefix);
        let document = given(kind, "a-2025-01-01", "a", "2025-01-01", 1).source;
        let path = format!("/{index}/_doc/a-2025-01-01?refresh=true");
        cluster.node.send("PUT", &path, document.as_bytes()).unwrap();
        // Names that the template's pattern covers carry the alias; take it away.
        let alias = format!("/{index}/_alias/*");
        drop(cluster.node.send("DELETE", &alias, b""));
    }
    for _ in 0..2 {
        let source = cluster.source();
        assert!(source.fingerprints(kind, &ShelfFilter::default()).unwrap().is_empty());
        // Once more without alias, by the names of indices.
        let path = format!("/{}/_alias/*", cluster.index(kind));
        drop(cluster.node.send("DELETE", &path, b""));
    }
}

/// Indices made before their template: no alias, text fields.
#[test]
pub(super) fn year_indices_with_guessed_mappings() {
    let Some(cluster) = Cluster::bare() else { return };
    let template = format!("/_index_template/{}{}-v1.0.0", cluster.prefix, KIND.alias());
    let community = "6f0c1f3e-8a52-4d6e-9c1b-2f7f6f1f0a11";
    let put = |year: i16, refresh: &str| {
        let index = format!("{}{}-{year}", cluster.prefix, KIND.alias());
        let id = format!("{community}-{year}-03-01");
        let source = given(KIND, &id, community, &format!("{year}-03-01"), 1).source;
        let path = format!("/{index}/_doc/{id}?refresh={refresh}");
        cluster.node.send("PUT", &path, source.as_bytes()).unwrap();
    };
    cluster.node.send("DELETE", &template, b"").unwrap();
    put(2023, "true");
    put(2024, "true");
    let source = cluster.source();
    let all = source.fingerprints(KIND, &ShelfFilter::default()).unwrap();
    assert_eq!(all.len(), 2);
    let position = source.position(KIND).unwrap();
    assert_eq!(position.0.len(), 2);
    // A year that begins while the program runs, this one with a regular mapping.
    let mapping = json!({"mappings": {"properties": {
        "community_id": {"type": "keyword"}, "period_start": {"type": "date"},
    }}});
    let index = format!("/{}{}-2025", cluster.prefix, KIND.alias());
    cluster.node.send("PUT", &index, mapping.to_string().as_bytes()).unwrap();
    put(2025, "true");
    let all = source.fingerprints(KIND, &ShelfFilter::default()).unwrap();
    assert_eq!(all.len(), 3);
    for shelf in all.keys() {
        assert_eq!(read(&source, shelf, None).unwrap().len(), 1, "{shelf}");
    }
    let changes = source.changed_since(KIND, &position).unwrap();
    let named = std::collections::BTreeSet::from([community.to_owned()]);
    assert_eq!(changes, Changes::Communities(named));
    // Last, somebody makes the alias.
    let alias = format!("/{0}{1}-*/_alias/{0}{1}", cluster.prefix, KIND.alias());
    cluster.node.send("PUT", &alias, b"").unwrap();
    assert_eq!(source.fingerprints(KIND, &ShelfFilter::default()).unwrap().len(), 3);
    assert_eq!(source.position(KIND).unwrap().0.len(), 3);
}

/// A document of 2025 in an index of another year.
fn put_into(cluster: &Cluster, year: i16, id: &str, day: &str, views: u32) -> (String, String) {
    let index = format!("{}{}-{year}", cluster.prefix, KIND.alias());
    let source = given(KIND, id, "a", day, views).source;
    let path = format!("/{index}/_doc/{id}?refresh=true");
    cluster.node.send("PUT", &path, source.as_bytes()).unwrap();
    (id.to_owned(), source)
}

/// Two indices behind the alias give out the same numbers.
#[test]
pub(super) fn equal_numbers_of_different_indices_lose_nothing() {
    let Some(cluster) = Cluster::new() else { return };
    let mut expected = Vec::new();
    for n in 1..=12 {
        let day = format!("2025-01-{n:02}");
        expected.push(put_into(&cluster, 2024, &format!("left-{day}"), &day, n));
        expected.push(put_into(&cluster, 2025, &format!("a-{day}"), &day, n));
    }
    expected.sort_by_key(|(id, _)| (id[id.len() - 2..].to_owned(), id.clone()));
    for bytes in [1, 200, 500, 1_000, 100_000] {
        let source = cluster.source_with_pages(bytes);
        for _ in 0..2 {
            assert_eq!(read(&source, &shelf("a"), None).unwrap(), expected, "{bytes}");
        }
        let manifest = source.manifest(&shelf("a")).unwrap();
        let numbers = manifest.iter().map(|it| it.sequence).collect::<Vec<_>>();
        assert_eq!((numbers.len(), numbers[0], numbers[1]), (24, 0, 0));
        let all = source.fingerprints(KIND, &ShelfFilter::default()).unwrap();
        assert_eq!(all[&shelf("a")], Fingerprint::of(numbers));
    }
}

/// A copy of an index that kept the alias.
#[test]
fn a_document_in_two_indices_names_both() {
    let Some(cluster) = Cluster::new() else { return };
    cluster.put_year(40);
    let copy = format!("{}{}-2024", cluster.prefix, KIND.alias());
    let body = json!({"source": {"index": cluster.index(KIND)}, "dest": {"index": copy}});
    let path = "/_reindex?refresh=true";
    cluster.node.send("POST", path, body.to_string().as_bytes()).unwrap();
    // Another day for one of them, so that the copies are not neighbours.
    cluster.node.send("DELETE", &format!("/{copy}/_doc/a-2025-01-01"), b"").unwrap();
    put_into(&cluster, 2024, "a-2025-01-01", "2025-03-05", 1);
    for bytes in [1, 1_000, 100_000] {
        let source = cluster.source_with_pages(bytes);
        let errors = [
            read(&source, &shelf("a"), None).unwrap_err(),
            source.manifest(&shelf("a")).unwrap_err(),
            read(&source, &shelf("a"), Some(&["a-2025-01-01".to_owned()])).unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.kind(), SourceErrorKind::Refused, "{}", chain(&error));
            let text = chain(&error);
            assert!(text.contains("of a/2025/usage_delta: document 'a-2025-01-"), "{text}");
            for part in [&copy, &cluster.index(KIND), "take the copy's alias away"] {
                assert!(text.contains(part), "{part}: {text}");
            }
        }
    }
    let alias = format!("/{copy}/_alias/*");
    cluster.node.send("DELETE", &alias, b"").unwrap();
    assert_eq!(read(&cluster.source(), &shelf("a"), None).unwrap().len(), 40);
}

#[test]
pub(super) fn an_index_of_two_shards() {
    let Some(cluster) = Cluster::bare() else { return };
    let settings = json!({"settings": {"number_of_shards": 2}}).to_string();
    cluster.node.send("PUT", &format!("/{}", cluster.index(KIND)), settings.as_bytes()).unwrap();
    let mut documents = year(60);
    for n in 0..20 {
        documents.push(given(KIND, &format!("left-{n:02}"), "a", "2025-01-25", n));
    }
    cluster.put(&documents);
    let day = |source: &str| source.split("\"period_start\":\"").nth(1).unwrap()[..10].to_owned();
    documents.sort_by_key(|it| (day(&it.source), it.id.clone()));
    let folder = tempfile::tempdir().unwrap();
    let archive = Archive::open(folder.path().join("m.db"), ArchiveOptions::default()).unwrap();
    let options = MirrorOptions { believe: Duration::ZERO, ..MirrorOptions::default() };
    let mirror = Mirror::new(Arc::new(cluster.source()), archive, options);
    let assert_read = |documents: &[GivenDocument]| {
        for bytes in [1, 1_000, 100_000] {
            let source = cluster.source_with_pages(bytes);
            assert_eq!(read(&source, &shelf("a"), None).unwrap(), pairs(documents), "{bytes}");
            let manifest = source.manifest(&shelf("a")).unwrap();
            let all = source.fingerprints(KIND, &ShelfFilter::default()).unwrap();
            assert_eq!(all[&shelf("a")], Fingerprint::of(manifest.iter().map(|it| it.sequence)));
        }
        assert_eq!(read(&mirror, &shelf("a"), None).unwrap(), pairs(documents));
    };
    assert_read(&documents);
    let source = cluster.source();
    let position = source.position(KIND).unwrap();
    assert_eq!(position.0.len(), 2);
    let nothing = Changes::Communities(std::collections::BTreeSet::new());
    assert_eq!(source.changed_since(KIND, &position).unwrap(), nothing);

    let changed = given(KIND, &documents[7].id, "a", &day(&documents[7].source), 99);
    documents[7] = changed.clone();
    cluster.put(&[changed]);
    assert_ne!(source.position(KIND).unwrap(), position);
    assert_eq!(source.changed_since(KIND, &position).unwrap(), Changes::Everything);
    assert_read(&documents);
    let gone = documents.remove(11);
    cluster.remove(KIND, &[&gone.id]);
    assert_read(&documents);
}

#[test]
fn an_index_made_anew_is_everything() {
    let Some(cluster) = Cluster::new() else { return };
    cluster.put_year(10);
    let source = cluster.source();
    let position = source.position(KIND).unwrap();
    let path = format!("/{}", cluster.index(KIND));
    cluster.node.send("DELETE", &path, b"").unwrap();
    let error = source.manifest(&shelf("a")).unwrap_err();
    assert_eq!(error.kind(), SourceErrorKind::Own(Amiss::NotFound), "{}", chain(&error));
    cluster.put_year(10);
    assert_ne!(source.position(KIND).unwrap(), position);
    let changes = source.changed_since(KIND, &position).unwrap();
    assert_eq!(changes, Changes::Everything);
    assert_eq!(source.manifest(&shelf("a")).unwrap().len(), 10);
}

/// Old and new index of the communities with the same ids and the same numbers, over several pages.
#[test]
fn the_newer_index_of_communities_wins_on_page_borders_too() {
    let Some(cluster) = Cluster::bare() else { return };
    for (index, title) in [("v1.0.0-1", "old"), ("v2.0.0-1", "new")] {
        let mut ids: Vec<String> = (0..1_203).map(|n| format!("c{n:04}")).collect();
        if title == "new" {
            // One more in front moves the border of pages between two of a kind.
            ids.push("a".to_owned());
        }
        let lines = ids.iter().map(|id| {
            let source = json!({"id": id, "uuid": id, "slug": "s", "metadata": {"title": title}});
            let index = format!("communities-communities-{index}");
            json!({"_index": index, "_id": id, "_source": source}).to_string()
        });
        cluster.node.load(&cluster.prefix, lines).unwrap();
    }
    let sent = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&sent);
    let count = Action::Rewrite(Arc::new(move |body: Vec<u8>| {
        let hits = String::from_utf8_lossy(&body).matches("\"_id\"").count();
        counted.fetch_add(hits, Ordering::SeqCst);
        body
    }));
    cluster.proxy.add(Fault::on("/_search?", count));
    let communities = cluster.source().communities().unwrap();
    assert_eq!(communities.len(), 1_204);
    // All of both indices, and the first page once more.
    assert_eq!(sent.load(Ordering::SeqCst), 1_203 + 1_204 + 1_000);
    assert!(communities.iter().all(|it| it.title.as_deref() == Some("new")));
}

#[test]
pub(super) fn the_corpus_has_communities_bookmarks_and_events() {
    let Some(cluster) = Cluster::bare() else { return };
    cluster.node.load(&cluster.prefix, corpus()).unwrap();
    let source = cluster.source();
    let communities = source.communities().unwrap();
    assert_eq!(communities.len(), 6);
    assert!(communities.iter().all(|community| community.slug.is_some()));
    for kind in DocumentKind::ALL {
        let bookmarks = source.bookmarks(kind, &[]).unwrap();
        assert_eq!(bookmarks.len(), 4);
        assert_eq!(bookmarks["global"].day.to_string(), "2025-12-31");
    }
    assert_eq!(source.first_events(&[]).unwrap().len(), 4);
}
