//! A server that means harm: answers without end, packed to almost nothing, and waits for ever.
//! What it costs is measured in a process of its own.

use std::io::{BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use flate2::Compression as Level;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use stats_documents::opensearch::Compression;
use stats_documents::{
    Directory, Documents, OpenSearch, OpenSearchSettings, ShelfFilter, SourceError,
};
use stats_model::{Clock, ManualClock};
use stats_testkit::proxy::{Action, Fault};

use super::replay;
use super::support::{Cluster, KIND, chain, read, shelf};

/// In which variable a child process finds the address of the server.
const ADDRESS: &str = "COMMUNITY_STATS_TEST_HOSTILE";
/// More than usual no answer may cost.
const MOST_KILOBYTES: u64 = 64 << 10;

/// What the answer to a request is made of: a beginning, then the same again and again.
struct Endless {
    head: &'static str,
    begin: &'static str,
    again: Vec<u8>,
    /// Whether what follows the beginning is packed.
    packed: bool,
}

fn endless(path: &str) -> Option<Endless> {
    let json = "HTTP/1.1 200 OK\r\n\r\n";
    let zip = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n";
    let plain = |begin: &'static str, again: &[u8]| {
        Some(Endless { head: json, begin, again: again.repeat(4096), packed: false })
    };
    let numbers = b"0,".as_slice();
    let hit =
        r#"{"hits":{"hits":[{"_index":"i","_id":"a","_seq_no":7,"_score":null,"_source":{"a":""#;
    // The prefix of the indices says what is wanted.
    match path.split(['/', '-']).nth(1)? {
        "numbers" => plain(r#"{"a":["#, numbers),
        "depth" => plain(r#"{"a":"#, b"[["),
        "buckets" => plain(
            r#"{"aggregations":{"buckets":{"buckets":["#,
            br#"{"key":{"community":"","year":""},"doc_count":0},"#,
        ),
        "names" => plain("{", br#""a":{"uuid":"","shards":{}},"#),
        "hits" => plain(r#"{"hits":{"hits":["#, br#"{"_index":"","_id":"","_source":0},"#),
        "hit" => plain(hit, b"xx"),
        "white" => plain(r#"{"hits":{"hits":["#, b"  "),
        "rest" => plain(r#"{"hits":{"hits":[]},"a":["#, numbers),
        "bomb" => {
            Some(Endless { head: zip, begin: "", again: b" ".repeat(16 << 20), packed: true })
        }
        "zipped" => Some(Endless {
            head: zip,
            begin: "",
            again: hit.as_bytes().repeat(9_999),
            packed: true,
        }),
        "error" => Some(Endless {
            head: "HTTP/1.1 500 no\r\n\r\n",
            begin: r#"{"error":{"reason":""#,
            again: b"x".repeat(65_536),
            packed: false,
        }),
        "header" => Some(Endless {
            head: "HTTP/1.1 200 OK\r\n",
            begin: "x-a: ",
            again: b"x".repeat(65_536),
            packed: false,
        }),
        _ => None,
    }
}

const PREFIXES: [&str; 12] = [
    "numbers", "depth", "buckets", "names", "hits", "hit", "white", "rest", "bomb", "zipped",
    "error", "header",
];

fn serve(mut client: &TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(client);
    while let Some((_, path, _)) = replay::request(&mut reader)? {
        // How fields are mapped is told, so that searches are sent; or nothing else would be.
        let mapped = path.contains("_mapping") && !path.starts_with("/names");
        let Some(endless) = endless(&path).filter(|_| !mapped) else {
            let body = if mapped { r#"{"i":{"mappings":{}}}"# } else { "{}" };
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
            client.write_all(&[head, body.to_owned()].concat().into_bytes())?;
            continue;
        };
        client.write_all(endless.head.as_bytes())?;
        client.write_all(endless.begin.as_bytes())?;
        let piece = if endless.packed {
            let mut encoder = GzEncoder::new(Vec::new(), Level::best());
            encoder.write_all(&endless.again)?;
            encoder.finish()?
        } else {
            endless.again
        };
        loop {
            client.write_all(&piece)?;
        }
    }
    Ok(())
}

/// Every question to a server whose every answer is such a one.
fn ask_everything(
    address: &str,
    prefix: &str,
    compression: Compression,
) -> Vec<Option<SourceError>> {
    let settings = OpenSearchSettings {
        attempts: 1,
        probe_interval: Duration::ZERO,
        request_timeout: Duration::from_secs(60),
        compression,
        ..OpenSearchSettings::new([format!("http://{address}")], format!("{prefix}-"))
    };
    let source = OpenSearch::new(settings).unwrap();
    let all = ShelfFilter::default();
    [
        source.position(KIND).err(),
        source.count(KIND).err(),
        source.fingerprints(KIND, &all).err(),
        source.manifest(&shelf("a")).err(),
        read(&source, &shelf("a"), None).err(),
        source.bookmarks(KIND, &[]).err(),
        source.communities().err(),
        source.first_events(&[]).err(),
        source.first_record().err(),
    ]
    .into()
}

/// The most memory that this process ever had, in kilobytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse().unwrap()
}

/// What runs in the process that is measured; nothing where it is run as a test among others.
#[test]
#[allow(clippy::print_stdout, reason = "how the process tells what it measured")]
fn in_a_process_of_its_own() {
    let Ok(address) = std::env::var(ADDRESS) else { return };
    // What the first question costs: connections, buffers, threads.
    let usual = ask_everything(&address, "nothing", Compression::On);
    assert_eq!(usual.len(), 9);
    let before = peak();
    for prefix in PREFIXES {
        for compression in [Compression::On, Compression::Off] {
            let errors = ask_everything(&address, prefix, compression);
            assert!(errors.iter().all(Option::is_some), "{prefix}: {errors:?}");
            println!("PEAK {prefix} {}", peak() - before);
        }
    }
}

#[test]
fn no_answer_costs_much_memory() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            std::thread::spawn(move || drop(serve(&client)));
        }
    });
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["opensearch::hostile::in_a_process_of_its_own", "--exact", "--nocapture"])
        .env(ADDRESS, &address)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}\n{errors}");
    let peaks: Vec<(&str, u64)> = text
        .lines()
        .filter_map(|line| line.split("PEAK ").nth(1)?.split_once(' '))
        .map(|(prefix, kilobytes)| (prefix, kilobytes.parse().unwrap()))
        .collect();
    assert_eq!(peaks.len(), 2 * PREFIXES.len(), "{text}");
    let highest = peaks.iter().map(|(_, kilobytes)| *kilobytes).max().unwrap();
    assert!(highest > 8 << 10, "something was measured: {peaks:?}");
    assert!(highest < MOST_KILOBYTES, "{peaks:?}");
}

/// A server that wants to be left alone until the end of time, or longer.
#[test]
fn a_wait_without_end_is_not_waited_for() {
    let Some(cluster) = Cluster::new() else { return };
    for seconds in [u64::MAX, u64::MAX / 2, i64::MAX as u64, 1 << 40] {
        let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
        let source = cluster.source().with_clock(clock.clone());
        let busy = Action::Answer { status: 429, retry_after: Some(seconds) };
        cluster.proxy.clear();
        cluster.proxy.add(Fault::on("", busy));
        let error = source.position(KIND).unwrap_err();
        assert!(chain(&error).contains("429"), "{}", chain(&error));
        assert_eq!(clock.monotonic(), Duration::ZERO);
        assert_eq!(cluster.proxy.count(""), 1, "and it is not asked again");
    }
}

/// An answer that does not say of how many shards it is, as some services send it.
#[test]
fn an_answer_without_shards_is_refused_and_says_so() {
    let Some(cluster) = Cluster::new() else { return };
    cluster.put_year(3);
    let source = cluster.source();
    read(&source, &shelf("a"), None).unwrap();
    let without = Action::Rewrite(Arc::new(|body: Vec<u8>| {
        let mut value: serde_json::Value = serde_json::from_slice(&body).unwrap();
        value.as_object_mut().unwrap().remove("_shards");
        value.to_string().into_bytes()
    }));
    cluster.proxy.clear();
    cluster.proxy.add(Fault::on("", without));
    let errors = [
        source.position(KIND).unwrap_err(),
        source.fingerprints(KIND, &ShelfFilter::default()).unwrap_err(),
        read(&source, &shelf("a"), None).unwrap_err(),
        source.communities().unwrap_err(),
    ];
    for error in errors {
        let text = chain(&error);
        assert!(text.contains("leaves out `_shards`") && text.contains("source.hosts"), "{text}");
    }
    let asked = (cluster.proxy.count("/_stats"), cluster.proxy.count("/_search"));
    assert_eq!(asked, (1, 3), "asking again does not help");
}

/// An index that is closed, blocked or wrongly mapped fails its own kind, and is named.
#[test]
fn a_bad_index_is_named() {
    use stats_documents::contract::given;
    use stats_model::DocumentKind;

    let Some(cluster) = Cluster::new() else { return };
    let other = DocumentKind::RecordDelta;
    let index = cluster.index(KIND);
    let send = |method: &str, path: &str, body: &str| {
        cluster.node.send(method, path, body.as_bytes()).unwrap();
    };
    type Step<'a> = &'a dyn Fn();
    let close: Step<'_> = &|| send("POST", &format!("/{index}/_close"), "");
    let open: Step<'_> = &|| send("POST", &format!("/{index}/_open?wait_for_active_shards=1"), "");
    let block = |on: bool| {
        let body = format!(r#"{{"index.blocks.read":{on}}}"#);
        send("PUT", &format!("/{index}/_settings"), &body);
    };
    let map: Step<'_> = &|| {
        send("DELETE", &format!("/{index}"), "");
        let body = r#"{"mappings":{"properties":{"community_id":{"type":"text"}}}}"#;
        send("PUT", &format!("/{index}"), body);
        cluster.put(&[given(KIND, "x", "a", "2025-01-01", 1)]);
    };
    let nothing: Step<'_> = &|| {};
    cluster.put(&[given(KIND, "x", "a", "2025-01-01", 1), given(other, "x", "a", "2025-01-01", 1)]);
    let cases: [(&str, Step<'_>, Step<'_>); 3] = [
        ("closed", close, open),
        ("blocked", &|| block(true), &|| block(false)),
        ("wrongly mapped", map, nothing),
    ];
    for (name, spoil, mend) in cases {
        let all = ShelfFilter::default();
        let source = cluster.source();
        assert_eq!(source.fingerprints(KIND, &all).unwrap().len(), 1, "{name}: before");
        spoil();
        let error = source.fingerprints(KIND, &all).unwrap_err();
        assert!(chain(&error).contains(&index), "{name}: {}", chain(&error));
        assert_eq!(source.fingerprints(other, &all).unwrap().len(), 1, "{name}: another kind");
        mend();
    }
}
