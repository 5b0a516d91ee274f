//! Real answers of a node, cut everywhere and changed at random: what comes out is the whole truth
//! or an error.

use std::io::Write;
use std::ops::ControlFlow;
use std::time::Duration;

use flate2::Compression as Level;
use flate2::write::GzEncoder;
use stats_documents::contract::given;
use stats_documents::opensearch::Compression;
use stats_documents::{Directory, Documents, Feed, OpenSearch, OpenSearchSettings, ShelfFilter};
use stats_model::{DocumentKind, Position};
use stats_testkit::proxy::{Action, Fault};

use super::replay::{Recording, Replay};
use super::support::{Cluster, KIND, read, shelf};

/// A question, and all that came of it as text.
type Question = (&'static str, fn(&OpenSearch) -> Option<String>);

fn told<T: std::fmt::Debug, E>(answer: Result<T, E>) -> Option<String> {
    answer.ok().map(|answer| format!("{answer:?}"))
}

/// Ids and sources, which may be no text.
fn documents(source: &OpenSearch, only: Option<&[String]>) -> Option<String> {
    let mut found = Vec::new();
    let read = source.documents(&shelf("a"), only, &mut |document| {
        let text = String::from_utf8_lossy(document.source).into_owned();
        found.push((document.id.to_owned(), document.day, document.sequence, text));
        ControlFlow::Continue(())
    });
    told(read.map(|()| found))
}

const QUESTIONS: [Question; 11] = [
    ("position", |source| told(source.position(KIND))),
    ("changes", |source| {
        let now = source.position(KIND).ok()?;
        let earlier = Position(
            now.0
                .into_iter()
                .map(|mark| stats_model::PositionMark { sequence: 3, ..mark })
                .collect(),
        );
        told(source.changed_since(KIND, &earlier))
    }),
    ("count", |source| told(source.count(KIND))),
    ("fingerprints", |source| told(source.fingerprints(KIND, &ShelfFilter::default()))),
    ("manifest", |source| told(source.manifest(&shelf("a")))),
    ("documents", |source| documents(source, None)),
    ("some documents", |source| documents(source, Some(&["a-2025-01-02".to_owned()]))),
    ("bookmarks", |source| told(source.bookmarks(KIND, &[]))),
    ("communities", |source| told(source.communities())),
    ("first events", |source| told(source.first_events(&[]))),
    ("first record", |source| told(source.first_record())),
];

/// A cluster that has something of everything.
fn filled() -> Option<Cluster> {
    let cluster = Cluster::new()?;
    cluster.put_year(12);
    cluster.put(&[given(KIND, "b-1", "b", "2025-01-01", 1)]);
    cluster.put(&[given(DocumentKind::RecordDelta, "b-1", "b", "2025-01-01", 1)]);
    let load = |index: &str, id: &str, source: &str| {
        let line = format!(r#"{{"_index":"{index}","_id":"{id}","_source":{source}}}"#);
        cluster.node.load(&cluster.prefix, [line]).unwrap();
    };
    for (id, slug) in [("1", "one"), ("2", "two")] {
        let source = format!(
            r#"{{"id":"{id}","slug":"{slug}","created":"2024-02-03T00:00:00","metadata":{{"title":"T"}},
                "access":{{"visibility":"public"}},"deletion_status":"P"}}"#
        );
        load("communities-communities-v2.0.0-1", id, &source.replace('\n', ""));
        let kind = KIND.bookmark_type();
        let bookmark = format!(
            r#"{{"date":"2025-01-0{id}T00:00:00","aggregation_type":"{kind}","community_id":"{id}"}}"#
        );
        load("stats-bookmarks-community", &format!("{kind}_{id}"), &bookmark);
        let event = format!(r#"{{"community_id":"{id}","event_date":"2024-01-0{id}T10:00:00"}}"#);
        load("stats-community-events-2025", id, &event);
    }
    load("rdmrecords-records-record-v7.0.0-1", "r", r#"{"created":"2023-05-06T01:02:03"}"#);
    Some(cluster)
}

fn settings(cluster: &Cluster, url: String) -> OpenSearchSettings {
    OpenSearchSettings {
        hosts: vec![url.into()],
        attempts: 1,
        probe_interval: Duration::ZERO,
        ..cluster.settings()
    }
}

/// How a cluster is asked: with all rights, and with few.
const RIGHTS: [(&str, &[&str]); 2] = [("all", &[]), ("few", &["/_stats"])];

/// Runs `each` with every question, what it finds, and every answer that is part of it.
fn with_every_answer(mut each: impl FnMut(&str, &Asking<'_>)) -> Option<usize> {
    let cluster = filled()?;
    let mut answers = 0;
    for (rights, declined) in RIGHTS {
        for (name, question) in QUESTIONS {
            if !declined.is_empty() && !matches!(name, "position" | "documents") {
                continue;
            }
            // Small pages, of which there are several.
            let settings_at = |url: String| OpenSearchSettings {
                page_bytes: if declined.is_empty() { 8 << 20 } else { 600 },
                ..settings(&cluster, url)
            };
            let source = OpenSearch::new(settings_at(cluster.proxy.url().to_owned())).unwrap();
            cluster.proxy.clear();
            let recording = if declined.is_empty() {
                Recording::of(&cluster.proxy, || drop(question(&source)))
            } else {
                // Of these the answers to other questions are of interest.
                let refused = Action::Answer { status: 403, retry_after: None };
                let front = stats_testkit::proxy::HttpProxy::in_front_of(
                    cluster.proxy.url().trim_start_matches("http://"),
                )
                .start()
                .unwrap();
                front.add(Fault::on(declined[0], refused));
                let source = OpenSearch::new(settings_at(front.url().to_owned())).unwrap();
                Recording::of(&cluster.proxy, || drop(question(&source)))
            };
            let replay = Replay::start(recording.clone());
            let settings = settings_at(replay.url());
            let whole = question(&OpenSearch::new(settings.clone()).unwrap());
            let whole = whole.unwrap_or_else(|| panic!("{name} with {rights} rights"));
            answers += recording.asked.len();
            let asking =
                Asking { question, replay: &replay, recording: &recording, settings, whole };
            each(&format!("{name} with {rights} rights"), &asking);
        }
    }
    Some(answers)
}

/// A question to a node whose answers are known.
struct Asking<'a> {
    question: fn(&OpenSearch) -> Option<String>,
    replay: &'a Replay,
    recording: &'a Recording,
    settings: OpenSearchSettings,
    /// What comes of it when nothing is changed.
    whole: String,
}

impl Asking<'_> {
    /// A new source, since what one has learnt it does not ask for again.
    fn ask(&self) -> Option<String> {
        (self.question)(&OpenSearch::new(self.settings.clone()).unwrap())
    }
}

/// Cuts of longer answers are this many, evenly spread, besides those near both ends.
const CUTS: usize = 150;

fn cuts(length: usize) -> impl Iterator<Item = usize> {
    let step = length / CUTS + 1;
    (0..length).filter(move |cut| cut % step == 0 || *cut < 40 || cut + 40 >= length)
}

/// Every truncation that arrives as a whole answer: nothing but its content tells.
#[test]
fn no_cut_answer_is_taken_for_a_whole_one() {
    let (mut tried, mut refused) = (0, 0);
    let answers = with_every_answer(|name, asking| {
        for asked in &asking.recording.asked {
            if asked.0 == "DELETE" {
                // Nothing depends on whether a point in time was closed.
                continue;
            }
            let answer = asking.recording.answer(asked);
            for cut in cuts(answer.trim_ascii_end().len()) {
                asking.replay.say(asked, &answer[..cut], false);
                tried += 1;
                match asking.ask() {
                    None => refused += 1,
                    Some(found) => {
                        assert_eq!(found, asking.whole, "{name}, {} cut after {cut}", asked.1);
                    }
                }
            }
        }
    });
    let Some(answers) = answers else { return };
    assert!(answers >= 20 && tried > 2_000, "{tried} cuts of {answers} answers");
    assert_eq!(refused, tried, "every one was refused");
}

/// The same of answers that are packed, whose end is not that of their content.
#[test]
fn no_cut_packed_answer_is_taken_for_a_whole_one() {
    let Some(cluster) = filled() else { return };
    let source = OpenSearch::new(settings(&cluster, cluster.proxy.url().to_owned())).unwrap();
    let ask = |source: &OpenSearch| documents(source, None);
    let recording = Recording::of(&cluster.proxy, || drop(ask(&source)));
    let replay = Replay::start(recording.clone());
    let settings =
        OpenSearchSettings { compression: Compression::On, ..settings(&cluster, replay.url()) };
    let whole = ask(&source).unwrap();
    let page = recording.asked.iter().find(|asked| asked.1.contains("/_search?")).unwrap();
    let answer = recording.answer(page);
    // In one piece, and in two that follow each other.
    for middle in [0, answer.len() / 2] {
        let packed = [&answer[..middle], &answer[middle..]].map(|part| {
            let mut encoder = GzEncoder::new(Vec::new(), Level::default());
            encoder.write_all(part).unwrap();
            encoder.finish().unwrap()
        });
        let packed = packed.concat();
        replay.say(page, &packed, true);
        assert_eq!(ask(&OpenSearch::new(settings.clone()).unwrap()).as_ref(), Some(&whole));
        for cut in 0..packed.len() {
            replay.say(page, &packed[..cut], true);
            let found = ask(&OpenSearch::new(settings.clone()).unwrap());
            assert_eq!(found, None, "cut after {cut} of {}", packed.len());
        }
        // What was not asked to be packed is not unpacked.
        let plain = OpenSearchSettings { compression: Compression::Off, ..settings.clone() };
        replay.say(page, &packed, true);
        let error = read(&OpenSearch::new(plain).unwrap(), &shelf("a"), None).unwrap_err();
        assert!(super::support::chain(&error).contains("packed"), "{error:?}");
    }
}

/// Answers with bits, numbers and brackets changed: an error or an answer, and never a panic.
#[test]
fn changed_answers_break_nothing() {
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = move |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random % below.max(1) as u64) as usize
    };
    let pieces: [&[u8]; 16] = [
        b"18446744073709551615",
        b"-9223372036854775808",
        b"1e308",
        b"-1",
        b"0.5",
        b"null",
        b"[]",
        b"{}",
        b"\"\"",
        b"\"x\"",
        b"true",
        b"9007199254740993",
        b"253402300800000",
        b"\\u0000",
        b"\xff",
        b",",
    ];
    let deep = [b"[".repeat(200_000), b"{\"a\":".repeat(200_000)];
    let mut tried = 0;
    let answers = with_every_answer(|_, asking| {
        for asked in &asking.recording.asked {
            let whole = asking.recording.answer(asked);
            for round in 0..120 {
                let mut answer = whole.to_vec();
                for _ in 0..=next(2) {
                    change(&mut answer, &mut next, &pieces);
                }
                if round < deep.len() {
                    let at = answer.iter().position(|byte| *byte == b':').unwrap_or(0);
                    drop(answer.splice(at + 1..at + 1, deep[round].iter().copied()));
                }
                asking.replay.say(asked, &answer, false);
                drop(asking.ask());
                tried += 1;
            }
            asking.replay.say(asked, whole, false);
            assert_eq!(asking.ask().as_ref(), Some(&asking.whole), "and then it is read again");
        }
    });
    assert!(answers.is_none() || tried > 2_500, "{tried}");
}

/// Changes a value, a bit, or a stretch of an answer.
fn change(answer: &mut Vec<u8>, next: &mut impl FnMut(usize) -> usize, pieces: &[&[u8]]) {
    let piece = pieces[next(pieces.len())].to_vec();
    let at = next(answer.len());
    match next(5) {
        0 => answer[at] ^= 1 << next(8),
        1 => drop(answer.splice(at..at, piece)),
        2 => {
            let end = (at + next(60)).min(answer.len());
            let again: Vec<u8> = answer[at..end].to_vec();
            drop(answer.splice(at..at, again));
        }
        _ => {
            // The value after the next colon, so that names stay what they are.
            let colon = answer[at..].iter().position(|byte| *byte == b':').map(|it| at + it + 1);
            let Some(start) = colon else { return };
            let value = &answer[start..];
            let end = value.iter().position(|byte| b",}]".contains(byte)).unwrap_or(0);
            drop(answer.splice(start..start + end, piece));
        }
    }
}
