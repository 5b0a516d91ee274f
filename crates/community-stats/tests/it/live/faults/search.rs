//! OpenSearch, and the way to it.

use std::sync::{Arc, Mutex};

use serde_json::json;
use stats_testkit::proxy::{Action, Fault, Request};
use stats_testkit::services::{OpenSearch, Redis, Service, require};

use super::super::corpus::{COMMUNITIES, DOCUMENTS, Line, SURROUNDINGS, golden, index, shelf};
use super::super::support::{Change, Cluster, Live, errors, is_later_page, is_manifest, is_page};
use super::{QUERY, TOUCHED, Trial};
use crate::cli::support::MEDIEVAL;

#[test]
fn the_cluster_is_stopped_in_the_middle() {
    let Some(()) = require(Service::OpenSearch) else { return };
    let Some(redis) = Redis::shared() else { return };
    let documents = DOCUMENTS.iter().filter(|line| line.index == index("usage_delta"));
    let lines: Vec<&Line> = SURROUNDINGS.iter().chain(documents).collect();
    let node = OpenSearch::start().unwrap();
    let cluster = Arc::new(Cluster::of(&node, lines.clone()));
    let mut trial = Trial::on(Live::over(cluster, redis));
    let before = trial.live.store.bodies();
    assert_eq!(before.len(), 4);
    let node = Arc::new(Mutex::new(node));
    trial.live.before_page(4, move || node.lock().unwrap().stop());
    let failed = trial.fails("no answer from http://");
    assert!((1..4).contains(&failed), "{failed}");
    let after = trial.live.store.bodies();
    assert_eq!(after.len(), 4);
    let same = before.iter().filter(|(key, body)| after[*key] == **body).count();
    assert_eq!(
        same, failed,
        "what failed stands byte for byte as it was, and what was made is new"
    );
    // Nobody answers at all: nothing can be said about a single response.
    let arguments = ["cache", "generate", "--category", "usage_delta"];
    let refused = trial.live.run(&arguments).expect(5);
    assert!(refused.stderr.starts_with("error: asking the search indices for "), "{refused}");
    assert!(trial.live.store.bodies() == after, "a run that cannot begin changes nothing");
    // Another node takes its place.
    let cluster = Arc::new(Cluster::of(OpenSearch::shared().unwrap(), lines));
    trial.live = trial
        .live
        .set("SOURCE_HOSTS", cluster.proxy.url())
        .set("SOURCE_INDEX_PREFIX", &cluster.prefix);
    trial.live.cluster = cluster;
    trial.repaired();
}

/// One of two nodes takes connections and says nothing: everything takes longer, and succeeds.
#[test]
fn a_host_never_answers() {
    let Some(live) = Live::small("usage_delta") else { return };
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let hosts = format!("http://{},{}", silent.local_addr().unwrap(), live.cluster.proxy.url());
    let live = live.set("SOURCE_HOSTS", hosts).set("SOURCE_TIMEOUT", "500ms");
    let report = live.generate(&["--category", "usage_delta"], 0);
    assert_eq!((&report["success"], &report["failed"]), (&4.into(), &0.into()), "{report}");
    live.store.assert_golden_category("usage_delta", QUERY, "optimized");
    silent.set_nonblocking(true).unwrap();
    assert!(silent.accept().is_ok(), "nobody asked the silent one");
}

#[test]
fn every_page_may_be_refused_because_the_cluster_is_busy() {
    let Some(mut trial) = Trial::new() else { return };
    let journal = trial.live.watch();
    trial.run(0);
    let pages = journal.pages();
    assert!(pages > 8, "{pages}");
    trial = trial.turned();
    let busy = || Fault::when(is_page, Action::Answer { status: 429, retry_after: None });
    let mut failed = Vec::new();
    for page in 0..pages {
        trial.live.cluster.proxy.add(busy().after(page));
        failed.push(trial.fails("answered 429"));
        trial = trial.repaired();
        // Once is no failure.
        trial.live.cluster.proxy.add(busy().after(page).times(1));
        trial.run(0);
        trial = trial.turned();
    }
    assert_eq!((failed.first(), failed.last()), (Some(&4), Some(&1)), "{failed:?}");
}

#[test]
fn a_shard_fails() {
    let Some(mut trial) = Trial::new() else { return };
    let failed = || {
        Action::Rewrite(Arc::new(|body| {
            String::from_utf8(body).unwrap().replacen("\"failed\":0", "\"failed\":1", 1).into()
        }))
    };
    trial.live.cluster.proxy.add(Fault::when(is_page, failed()).after(1));
    assert_eq!(trial.fails("shards failed"), 4);
    trial = trial.repaired();
    trial.touch_every_shelf();
    trial.live.cluster.proxy.add(Fault::when(is_manifest, failed()).after(1));
    assert_eq!(trial.fails("the manifest of "), 3);
    trial = trial.repaired();
    // Before anything is known of single responses, the whole run fails.
    let searches = trial.live.cluster.proxy.requests();
    assert!(searches.is_empty(), "{searches:?}");
    for question in 0..6 {
        let fault = Fault::when(|request| request.target.contains("/_search?"), failed());
        trial.live.cluster.proxy.add(fault.after(question));
        let arguments = ["cache", "generate", "--category", "usage_delta", "--overwrite"];
        let outcome = trial.live.run(&arguments);
        assert!([1, 3].contains(&outcome.code), "{question}: {outcome}");
        let text = format!("{}{}", outcome.stdout, outcome.stderr);
        assert!(text.contains("asking the search indices for "), "{question}: {outcome}");
        assert!(text.contains("shards failed"), "{question}: {outcome}");
        trial.assert_all(trial.old);
        trial.live.cluster.proxy.clear();
    }
    trial.repaired();
}

#[test]
fn bodies_are_cut_anywhere() {
    let Some(mut trial) = Trial::new() else { return };
    let _journal = trial.live.watch();
    trial.run(0);
    let requests = trial.live.cluster.proxy.requests();
    let pages: Vec<usize> =
        requests.iter().filter(|request| is_page(request)).map(|page| page.received).collect();
    trial = trial.turned();
    let mut random = Random::new();
    let mut cuts = vec![(0, 0)];
    cuts.extend((0..4).map(|_| {
        let page = random.below(pages.len());
        (page, random.below(pages[page]))
    }));
    let mut all = Vec::new();
    for (page, cut) in cuts {
        tell(&format!("page {page} cut after {cut}"));
        let fault = Fault::when(is_page, Action::CutBody(cut)).after(page);
        trial.live.cluster.proxy.add(fault);
        // The second attempt asks for what did not arrive, which may be shorter than the cut.
        // What is asked beside it may meet the cluster while it is left alone for that.
        all.push(trial.may_fail(&["the answer broke off", "usage_delta"]));
        trial = trial.repaired();
    }
    assert_eq!(all[0], 4, "{all:?}");
}

/// Shown when the test fails.
#[allow(clippy::print_stdout, reason = "shown by a test that fails")]
fn tell(text: &str) {
    println!("{text}");
}

/// Other numbers every time, and the same ones when `COMMUNITY_STATS_TEST_SEED` is what a test
/// that failed has printed.
struct Random(u64);

impl Random {
    fn new() -> Self {
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().subsec_nanos();
        let given = std::env::var("COMMUNITY_STATS_TEST_SEED").ok();
        let seed = given.map_or(u64::from(now), |seed| seed.parse().unwrap());
        tell(&format!("COMMUNITY_STATS_TEST_SEED={seed}"));
        Self(seed)
    }

    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(0x9e37_79b9_7f4a_7c15);
        (self.0 >> 33) as usize % end
    }
}

#[test]
fn a_document_changes_between_list_and_page() {
    let Some(mut trial) = Trial::new() else { return };
    let line = shelf("usage_delta", "global")[TOUCHED].clone();
    for each_time in [false, true] {
        trial.touch_every_shelf();
        // The responses of `global` are made last.
        let change = changing(&trial, &line);
        let fault = Fault::when(is_page, change).after(3);
        trial.live.cluster.proxy.add(if each_time { fault } else { fault.times(1) });
        assert_one_changes(&trial, "global", each_time);
        trial = restored(trial, &line);
    }
}

#[test]
fn a_document_changes_between_two_pages() {
    let Some(mut trial) = Trial::new() else { return };
    let line = shelf("usage_delta", MEDIEVAL)[40].clone();
    // Two pages, and several: those after the first are read from a state of their own.
    for (page_size, several) in [("64 KiB", false), ("8 KiB", true)] {
        trial.live = trial.live.set("SOURCE_PAGE_SIZE", page_size);
        for each_time in [false, true] {
            // Behind the first page of the first community.
            let change = changing(&trial, &line);
            let fault = if several {
                Fault::on("point_in_time?", change)
            } else {
                Fault::when(is_later_page, change)
            };
            trial.live.cluster.proxy.add(if each_time { fault } else { fault.times(1) });
            assert_one_changes(&trial, MEDIEVAL, each_time);
            trial = restored(trial, &line);
        }
    }
}

#[test]
fn a_document_changes_while_the_mirror_is_synced() {
    let Some(live) = Live::new() else { return };
    let trial = Trial::on(live.set("SOURCE_SHELVES_IN_FLIGHT", "1"));
    let lines = COMMUNITIES.map(|community| shelf("usage_delta", community)[TOUCHED].clone());
    let sync = |trial: &Trial, code| {
        let report = trial.live.run(&["sync", "--json"]).expect(code).json();
        trial.live.cluster.proxy.clear();
        report
    };
    for whole in [true, false] {
        let change = || {
            let (cluster, changed) = (Arc::clone(&trial.live.cluster), lines.each_ref());
            let changed = changed.map(Change::altered);
            let change = Action::Before(Arc::new(move || cluster.write(&changed)));
            // All of a shelf is fetched in several pages, a single document after a list.
            let of_kind = |request: &Request| request.target.contains("usage-delta");
            let goes_on = |request: &Request| {
                is_later_page(request) || request.target.contains("point_in_time?")
            };
            let meant = if whole { goes_on } else { is_page };
            Fault::when(move |request| of_kind(request) && meant(request), change)
        };
        trial.live.cluster.proxy.add(change().times(1));
        let report = sync(&trial, 0);
        assert_eq!(report["failures"], json!([]), "{report}");
        trial.live.run(&["cache", "verify", "--source"]).expect(0);

        if whole {
            trial.live.forget_documents();
        } else {
            trial.live.cluster.write(&lines.each_ref().map(Change::put));
        }
        trial.live.cluster.proxy.add(change());
        let report = sync(&trial, 3);
        let failures = report["failures"].as_array().unwrap();
        assert_eq!(failures.len(), 4, "{report}");
        for failure in failures {
            assert_eq!(failure["kind"], "usage_delta", "{report}");
            assert!(failure["error"].as_str().unwrap().contains("changed while"), "{report}");
        }
        sync(&trial, 0);
        trial.live.run(&["cache", "verify", "--source"]).expect(0);
        trial.live.cluster.write(&lines.each_ref().map(Change::put));
    }
    trial.repaired();
}

/// Writes another form of the document, under a new number.
fn changing(trial: &Trial, line: &Line) -> Action {
    let (cluster, changed) = (Arc::clone(&trial.live.cluster), Change::altered(line));
    Action::Before(Arc::new(move || cluster.write(std::slice::from_ref(&changed))))
}

/// Writes the document as it was.
fn restored(trial: Trial, line: &Line) -> Trial {
    trial.live.cluster.write(&[Change::put(line)]);
    trial.repaired()
}

/// A shelf that changes once is read again in the same run, and its response has the change; one
/// that changes each time fails.
fn assert_one_changes(trial: &Trial, community: &str, each_time: bool) {
    if !each_time {
        let report = trial.run(0);
        assert_eq!(report["success"], 4, "{report}");
        let fresh = trial.live.anew();
        fresh.generate(&["--category", "usage_delta", trial.mode()], 0);
        assert!(trial.live.store.bodies() == fresh.store.bodies());
        let body = trial.live.store.body(community, QUERY).unwrap();
        assert!(body != golden("usage_delta", community, trial.new));
        return;
    }
    let report = trial.run(3);
    let errors = errors(&report);
    let [(cell, error)] = errors.as_slice() else { panic!("{report}") };
    assert_eq!(*cell, format!("{community}/2025/{QUERY}"));
    assert!(error.contains(&format!("reading {community}/2025/usage_delta, in vain")), "{error}");
    assert!(error.contains("changed while"), "{error}");
    trial.assert_old(&[cell]);
}
