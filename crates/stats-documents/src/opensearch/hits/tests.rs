//! Pages in any number of pieces, and pages that are not whole.

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

#[allow(clippy::type_complexity, reason = "a test's own shape")]
fn read(
    answer: &str,
    pieces: usize,
) -> Result<(Vec<(String, u64, i64, String)>, Summary), Failure> {
    let mut reader = HitReader::new(Slowly(answer.as_bytes(), pieces));
    let mut hits = Vec::new();
    while let Some(hit) = reader.next_hit()? {
        let source = String::from_utf8(reader.source(&hit).to_vec()).unwrap();
        hits.push((reader.id(&hit)?.into_owned(), hit.sequence, hit.millis, source));
        reader.release();
    }
    Ok((hits, reader.finish()?))
}

#[test]
fn any_cut_gives_the_same_hits() {
    let answer = ANSWER.replace(r#","fields":{"d":["2025"]}"#, "");
    for pieces in [1, 2, 3, 7, 64, 10_000] {
        let (hits, summary) = read(&answer, pieces).unwrap();
        assert_eq!(hits.len(), 3);
        let first = r#"{"x":"},\"sort\":[5,7]}","y":[{"sort":[5,8]}],"z":"\\"}"#;
        assert_eq!(hits[0], ("a\"1".to_owned(), 7, 5, first.to_owned()));
        assert_eq!(hits[1], ("b".to_owned(), 8, -6, "{}".to_owned()));
        assert_eq!(hits[2], ("c".to_owned(), 9, 7, String::new()));
        assert_eq!(summary.aggregations["n"]["count"], 3);
    }
}

#[test]
fn an_answer_cut_anywhere_is_an_error() {
    let answer = ANSWER.replace(r#","fields":{"d":["2025"]}"#, "");
    for length in 0..answer.trim_end().len() {
        assert!(read(&answer[..length], 50).is_err(), "{length}");
    }
}

#[test]
fn answers_that_are_not_whole() {
    let whole = ANSWER.replace(r#","fields":{"d":["2025"]}"#, "");
    for (from, to) in [
        ("\"timed_out\":false", "\"timed_out\":true"),
        ("\"failed\":0", "\"failed\":1"),
        ("\"successful\":1", "\"successful\":0"),
        ("\"timed_out\":false,", ""),
    ] {
        assert!(read(&whole.replace(from, to), 100).is_err(), "{to}");
    }
    assert!(read(r#"{"error":"x"}"#, 100).is_err());
    assert!(read("null", 100).is_err());
}

#[test]
fn large_hits_grow_the_buffer() {
    let source = format!(r#"{{"x":"{}"}}"#, "y".repeat(3 * PIECE));
    let answer = ANSWER
        .replace(r#","fields":{"d":["2025"]}"#, "")
        .replace("\"_source\":{}", &format!("\"_source\":{source}"));
    let (hits, _) = read(&answer, 50_000).unwrap();
    assert_eq!(hits[1].3, source);
}
