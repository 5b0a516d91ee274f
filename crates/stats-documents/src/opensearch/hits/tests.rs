//! Pages in any number of pieces, and pages that are not whole.

use serde::de::IgnoredAny;
use serde_json::Value;

use super::super::answer::Summary;
use super::window::PIECE;
use super::*;

/// Gives its bytes a few at a time.
struct Slowly<'a>(&'a [u8], usize);

impl Read for Slowly<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.1.min(self.0.len()).min(buffer.len());
        buffer[..length].copy_from_slice(&self.0[..length]);
        self.0 = &self.0[length..];
        Ok(length)
    }
}

const ANSWER: &str = r#"{"pit_id":"x","took":1,"timed_out":false,"_shards":{"total":1,"successful":1,"skipped":0,"failed":0},
"hits":{"max_score":null,"hits":[
{"_index":"i","_id":"a\"1","_seq_no":7,"_primary_term":1,"_score":null,"_source":{"x":"},\"sort\":[5,7]}","y":[{"sort":[5,8]}],"z":"\\"},"sort":[5,7]},
{"_index":"i","_id":"b","_seq_no":8,"_score":null,"_ignored":["k"],"_source":{},"fields":{"d":["2025"]},"sort":[-6,8]},
{"_index":"i","_id":"c","_seq_no":9,"_score":null,"sort":[7,9]}]},"aggregations":{"n":{"count":3}}}
"#;

/// What a page holds.
#[derive(Debug, Clone, PartialEq)]
struct Page {
    /// `_id`, number, day and source of each hit.
    hits: Vec<(String, u64, i64, String)>,
    aggregations: Value,
}

fn read(answer: &str, pieces: usize) -> Result<Page, Failure> {
    read_bytes(answer.as_bytes(), pieces, &Style::default())
}

fn read_bytes(answer: &[u8], pieces: usize, style: &Style) -> Result<Page, Failure> {
    let mut reader = HitReader::new(Slowly(answer, pieces), Room::default(), style);
    let mut hits = Vec::new();
    while let Some(hit) = reader.next_hit()? {
        let source = String::from_utf8_lossy(reader.source(&hit)).into_owned();
        hits.push((reader.id(&hit)?.into_owned(), hit.sequence, hit.millis, source));
        reader.release();
    }
    let summary: Summary<Value> = reader.finish()?;
    Ok(Page { hits, aggregations: summary.aggregations().unwrap_or_default() })
}

/// A page as a node writes it.
fn page() -> String {
    ANSWER.replace(r#","fields":{"d":["2025"]}"#, "")
}

#[test]
fn any_cut_gives_the_same_hits() {
    for pieces in [1, 2, 3, 7, 64, 10_000] {
        let style = Style::default();
        let Page { hits, aggregations } = read_bytes(page().as_bytes(), pieces, &style).unwrap();
        assert_eq!(hits.len(), 3);
        let first = r#"{"x":"},\"sort\":[5,7]}","y":[{"sort":[5,8]}],"z":"\\"}"#;
        assert_eq!(hits[0], ("a\"1".to_owned(), 7, 5, first.to_owned()));
        assert_eq!(hits[1], ("b".to_owned(), 8, -6, "{}".to_owned()));
        assert_eq!(hits[2], ("c".to_owned(), 9, 7, String::new()));
        assert_eq!(aggregations["n"]["count"], 3);
        assert!(!style.is_anew());
    }
}

/// The same JSON in other words: white space, another order, escapes, other numbers.
#[test]
fn what_is_written_anew_is_read_alike() {
    let expected = read(&page(), 100).unwrap();
    let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap();
    let value: Value = serde_json::from_str(&page()).unwrap();
    for (name, written) in [
        ("pretty", pretty(&value)),
        ("sorted", sorted(&value, false).to_string()),
        ("backwards", sorted(&value, true).to_string()),
        ("spaced", spaced(&value)),
        ("sorted and spaced", spaced(&sorted(&value, false))),
        (
            "escaped",
            page().replace("\"hits\"", r#""h\u0069ts""#).replace("\"_id\"", r#""\u005fid""#),
        ),
        ("escaped source", page().replace("\"_source\"", r#""_sour\u0063e""#)),
        ("escaped sort", page().replace(",\"sort\":[7", r#","\u0073ort":[7"#)),
        ("other numbers", page().replace("[7,9]}]", "[7.0e0,9]}]").replace(":9,", ":9.0,")),
    ] {
        for pieces in [1, 5, 10_000] {
            let style = Style::default();
            let found = read_bytes(written.as_bytes(), pieces, &style);
            let found = found.unwrap_or_else(|error| panic!("{name}: {error}\n{written}"));
            assert_eq!(found.aggregations, expected.aggregations, "{name}");
            for (one, other) in found.hits.iter().zip(&expected.hits) {
                assert_eq!((&one.0, one.1, one.2), (&other.0, other.1, other.2), "{name}");
                let value = |text: &str| serde_json::from_str::<Value>(text).ok();
                assert_eq!(value(&one.3), value(&other.3), "{name}");
            }
            assert_eq!(found.hits.len(), 3, "{name}");
            // Once noticed, it is expected.
            assert_eq!(read_bytes(written.as_bytes(), pieces, &style).unwrap(), found, "{name}");
        }
    }
}

/// The same with white space wherever there can be some.
fn spaced(value: &Value) -> String {
    let (open, close, items): (_, _, Vec<String>) = match value {
        Value::Object(members) => {
            let member = |(name, it): (&String, &Value)| format!("{name:?} : {}", spaced(it));
            ('{', '}', members.iter().map(member).collect())
        }
        Value::Array(items) => ('[', ']', items.iter().map(spaced).collect()),
        other => return other.to_string(),
    };
    format!("{open} {} {close}", items.join(" , "))
}

/// The same with the members of each object in the order of their names, or against it.
fn sorted(value: &Value, backwards: bool) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> =
                members.iter().map(|(name, it)| (name.clone(), sorted(it, backwards))).collect();
            members.sort_by(|one, other| one.0.cmp(&other.0));
            if backwards {
                members.reverse();
            }
            Value::Object(members.into_iter().collect())
        }
        Value::Array(items) => items.iter().map(|item| sorted(item, backwards)).collect(),
        other => other.clone(),
    }
}

#[test]
fn an_answer_cut_anywhere_is_an_error() {
    let answer = page();
    for length in 0..answer.trim_end().len() {
        assert!(read(&answer[..length], 50).is_err(), "{length}");
    }
}

#[test]
fn answers_that_are_not_whole() {
    let whole = page();
    for (from, to) in [
        ("\"timed_out\":false", "\"timed_out\":true"),
        ("\"failed\":0", "\"failed\":1"),
        ("\"successful\":1", "\"successful\":0"),
        ("\"timed_out\":false,", ""),
        // Numbers that cannot be true.
        ("\"total\":1", "\"total\":-1"),
        ("\"total\":1", "\"total\":18446744073709551616"),
        ("\"_seq_no\":9", "\"_seq_no\":-9"),
        ("\"_seq_no\":9", "\"_seq_no\":9223372036854775807"),
        ("\"_seq_no\":9", "\"_seq_no\":\"9\""),
        ("\"_seq_no\":9", "\"_seq_no\":9.5"),
        ("[7,9]", "[9223372036854775807,9]"),
        ("[7,9]", "[null,9]"),
        // Members that stand twice, or are of another type.
        ("\"_seq_no\":9", "\"_seq_no\":9,\"_seq_no\":9"),
        ("\"_id\":\"c\"", "\"_id\":\"c\",\"_id\":\"c\""),
        ("\"_id\":\"c\"", "\"_id\":12345"),
        ("\"_id\":\"c\"", "\"_id\":[\"c\"]"),
        ("\"max_score\":null", "\"hits\":[],\"max_score\":null"),
        ("\"timed_out\":false", "\"hits\":{\"hits\":[]},\"timed_out\":false"),
        (",\"aggregations\"", ",\"hits\":{\"hits\":[]},\"aggregations\""),
        ("\"_shards\"", "\"_shards\":{\"total\":1,\"successful\":1,\"failed\":0},\"_shards\""),
        // More than one answer.
        ("{\"count\":3}}}", "{\"count\":3}}}{}"),
        ("{\"count\":3}}}", "{\"count\":3}}}]"),
        ("]},\"aggregations\"", "],},\"aggregations\""),
    ] {
        assert!(whole.contains(from), "{from}");
        assert!(read(&whole.replacen(from, to, 1), 100).is_err(), "{to}");
    }
    assert!(read(r#"{"error":"x"}"#, 100).is_err());
    assert!(read("null", 100).is_err());
    let refused = read(&whole.replace("\"_shards\"", "\"_parts\""), 100).unwrap_err();
    assert!(refused.to_string().contains("leaves out `_shards`"), "{refused}");
}

/// A reader takes only so much into memory, however large an answer is.
#[test]
fn nothing_grows_without_bound() {
    /// Repeats something for ever.
    struct Endless<'a>(&'a [u8], &'a [u8]);
    impl Read for Endless<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            if self.0.is_empty() {
                self.0 = self.1;
            }
            let length = self.0.len().min(buffer.len());
            buffer[..length].copy_from_slice(&self.0[..length]);
            self.0 = &self.0[length..];
            Ok(length)
        }
    }
    let blank = [b' '; 4096];
    let text = [b'x'; 4096];
    let open = [b'['; 4096];
    let hit = r#"{"_index":"i","_id":"a","_seq_no":7,"_score":null,"_source":"#;
    for (begin, again) in [
        ("", blank.as_slice()),
        ("{\"", &text),
        ("{\"a\":\"", &text),
        ("{\"a\":", &open),
        ("{\"a\":", &text),
        ("{\"hits\":{\"a\":", &open),
        ("{\"hits\":{\"hits\":[", &blank),
        (&format!("{{\"hits\":{{\"hits\":[{hit}{{\"a\":\""), &text),
        (&format!("{{\"hits\":{{\"hits\":[{hit}"), &open),
        ("{\"hits\":{\"hits\":[]},\"a\":\"", &text),
        ("{\"hits\":{\"hits\":[]}", b",\"a\":[1,2,3]"),
    ] {
        let style = Style::default();
        let mut reader = HitReader::new(Endless(begin.as_bytes(), again), Room::default(), &style);
        let failure = loop {
            match reader.next_hit() {
                Ok(Some(_)) => {}
                Ok(None) => break reader.finish::<IgnoredAny>().unwrap_err(),
                Err(failure) => break failure,
            }
        };
        assert!(matches!(failure, Failure::TooLarge(_)), "{begin}: {failure:?}");
    }
}

/// Changes at random: an error, or what stands there, but never less.
#[test]
fn changed_answers_are_errors_or_what_they_say() {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random % below as u64) as usize
    };
    let pieces: [&[u8]; 14] = [
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"\"",
        b"\\",
        b"\x00",
        b"-1",
        b"1e999",
        b"null",
        b"\"hits\":",
        b"18446744073709551615",
    ];
    let whole = page();
    let value: Value = serde_json::from_str(&whole).unwrap();
    for _ in 0..20_000 {
        let mut answer = whole.clone().into_bytes();
        for _ in 0..=next(3) {
            let at = next(answer.len());
            match next(4) {
                0 => answer[at] ^= 1 << next(8),
                1 => drop(answer.remove(at)),
                2 => drop(answer.splice(at..at, pieces[next(pieces.len())].iter().copied())),
                _ => {
                    let end = (at + next(40)).min(answer.len());
                    drop(answer.drain(at..end));
                }
            }
        }
        let Ok(found) = read_bytes(&answer, 1 + next(200), &Style::default()) else { continue };
        // Documents may be anything, and are looked at by those who read them.
        let Ok(said) = serde_json::from_slice::<Value>(&answer) else { continue };
        let hits = said["hits"]["hits"].as_array().map_or(0, Vec::len);
        assert_eq!(found.hits.len(), hits, "{}", String::from_utf8_lossy(&answer));
        if said == value {
            assert_eq!(found, read(&whole, 100).unwrap());
        }
    }
}

#[test]
fn large_hits_grow_the_buffer() {
    let source = format!(r#"{{"x":"{}"}}"#, "y".repeat(3 * PIECE));
    let answer = page().replace("\"_source\":{}", &format!("\"_source\":{source}"));
    let found = read(&answer, 50_000).unwrap();
    assert_eq!(found.hits[1].3, source);
}
