//! JSON values that do not stand one a line: the hits of search answers and arrays, each made a
//! line of its own. Only one hit is in memory at a time.

use std::io::{self, Read};

use super::answers::Answers;
use super::bytes::Bytes;

/// Where in a text the reading is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    /// In an array whose elements are hits, or answers.
    Array,
    /// In an answer, between its members.
    Answer,
    /// In the member `hits` of an answer, between its members.
    Hits,
    /// In the array of hits of an answer.
    HitArray,
}

/// Reads values as lines.
pub(crate) struct Values<R> {
    bytes: Bytes<R>,
    levels: Vec<Level>,
    limit: usize,
    line: Vec<u8>,
    at: usize,
    answers: Answers,
    done: bool,
}

/// Arrays in arrays are followed so deep.
const DEEPEST: usize = 64;

impl<R: Read> Values<R> {
    /// Values of `raw`, each at most so many bytes long.
    pub(crate) fn new(raw: R, limit: usize) -> Self {
        Self {
            bytes: Bytes::new(raw),
            levels: Vec::new(),
            limit,
            line: Vec::new(),
            at: 0,
            answers: Answers::default(),
            done: false,
        }
    }

    /// Goes on until a line is there or the text ends.
    fn step(&mut self) -> io::Result<()> {
        self.bytes.skip_space_and_commas()?;
        let Some(next) = self.bytes.peek()? else {
            return if self.levels.is_empty() { self.finish() } else { Err(cut()) };
        };
        match (self.levels.last(), next) {
            (Some(Level::Array | Level::HitArray), b']') | (Some(Level::Hits), b'}') => {
                self.close()
            }
            (Some(Level::Answer), b'}') => {
                self.answers.end();
                self.close()
            }
            (Some(Level::Answer), b'"') => self.member_of_answer(),
            (Some(Level::Hits), b'"') => self.member_of_hits(),
            (Some(Level::Answer | Level::Hits), _) => Err(unexpected(next)),
            (Some(Level::HitArray), _) => {
                self.copy_line()?;
                self.answers.hit(&self.line);
                Ok(())
            }
            (None | Some(Level::Array), b'[') => self.enter(Level::Array),
            (None | Some(Level::Array), b'{') => self.object(),
            (None | Some(Level::Array), _) => self.copy_line(),
        }
    }

    fn close(&mut self) -> io::Result<()> {
        self.bytes.bump();
        self.levels.pop();
        Ok(())
    }

    fn enter(&mut self, level: Level) -> io::Result<()> {
        if self.levels.len() >= DEEPEST {
            return Err(invalid("arrays in arrays, too deep to be read"));
        }
        if matches!(level, Level::Hits | Level::HitArray) {
            self.answers.hits();
        }
        self.bytes.bump();
        self.levels.push(level);
        Ok(())
    }

    fn copy_line(&mut self) -> io::Result<()> {
        self.bytes.copy_value(&mut self.line, self.limit)?;
        self.line.push(b'\n');
        Ok(())
    }

    /// An object that is an answer if it has hits, else a line. Until that is seen it is kept.
    fn object(&mut self) -> io::Result<()> {
        let mut kept = vec![b'{'];
        self.bytes.bump();
        loop {
            self.bytes.skip_space_and_commas()?;
            match self.bytes.peek()? {
                Some(b'}') => {
                    self.bytes.bump();
                    kept.extend_from_slice(b"}\n");
                    self.line = kept;
                    return Ok(());
                }
                Some(b'"') => {}
                Some(other) => return Err(unexpected(other)),
                None => return Err(cut()),
            }
            if kept.len() > 1 {
                kept.push(b',');
            }
            let start = kept.len();
            self.bytes.copy_value(&mut kept, self.limit)?;
            let next = self.bytes.after_colon()?;
            let level = match (&kept[start..], next) {
                (b"\"hits\"", b'{') => Level::Hits,
                (b"\"hits\"", b'[') => Level::HitArray,
                (b"\"responses\"", b'[') => Level::Array,
                _ => {
                    kept.push(b':');
                    self.bytes.copy_value(&mut kept, self.limit)?;
                    continue;
                }
            };
            kept.truncate(start.saturating_sub(usize::from(start > 1)));
            kept.push(b'}');
            self.answers.begin(&kept);
            self.levels.push(Level::Answer);
            return self.enter(level);
        }
    }

    fn member_of_answer(&mut self) -> io::Result<()> {
        let (mut name, mut value) = (Vec::new(), vec![b'{']);
        self.bytes.copy_value(&mut name, self.limit)?;
        match (name.as_slice(), self.bytes.after_colon()?) {
            (b"\"hits\"", b'{') => return self.enter(Level::Hits),
            (b"\"responses\"", b'[') => return self.enter(Level::Array),
            (b"\"timed_out\"" | b"\"terminated_early\"" | b"\"_shards\"", _) => {
                value.extend_from_slice(&name);
                value.push(b':');
                self.bytes.copy_value(&mut value, self.limit)?;
                value.push(b'}');
                self.answers.look(&value);
            }
            _ => self.bytes.skip_value()?,
        }
        Ok(())
    }

    fn member_of_hits(&mut self) -> io::Result<()> {
        let (mut name, mut value) = (Vec::new(), Vec::new());
        self.bytes.copy_value(&mut name, self.limit)?;
        match (name.as_slice(), self.bytes.after_colon()?) {
            (b"\"hits\"", b'[') => return self.enter(Level::HitArray),
            (b"\"total\"", _) => {
                self.bytes.copy_value(&mut value, self.limit)?;
                self.answers.total(&value);
            }
            _ => self.bytes.skip_value()?,
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.done = true;
        self.answers.check()
    }
}

impl<R: Read> Read for Values<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.line.len() {
            if self.done {
                return Ok(0);
            }
            self.line.clear();
            self.at = 0;
            self.step()?;
        }
        let length = buffer.len().min(self.line.len() - self.at);
        buffer[..length].copy_from_slice(&self.line[self.at..self.at + length]);
        self.at += length;
        Ok(length)
    }
}

fn cut() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the JSON breaks off")
}

fn unexpected(byte: u8) -> io::Error {
    invalid(&format!("not JSON: unexpected '{}'", byte.escape_ascii()))
}

fn invalid(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Result<Vec<String>, String> {
        let mut read = String::new();
        Values::new(text.as_bytes(), 10_000)
            .read_to_string(&mut read)
            .map_err(|error| error.to_string())?;
        Ok(read.lines().map(|line| line.replace(' ', "")).collect())
    }

    #[test]
    fn hits_become_lines() {
        let two = Ok(vec![r#"{"_id":"a","n":[1,{"b":"}]\"\\"}]}"#.to_owned(), "{}".to_owned()]);
        let hits = r#"{"_id":"a","n":[1,{"b":"}]\"\\"}]} , {}"#;
        for text in [
            format!("[{hits}]"),
            format!("[[{hits}]]\n[]"),
            hits.to_owned(),
            format!(r#"{{"took":1,"hits":{{"total":{{"value":2}},"hits":[{hits}]}}}}"#),
            format!("{{\"hits\":{{\"hits\":[{hits}],\n\"total\":2}},\"timed_out\":false}}"),
            format!(r#"{{"responses":[{{"hits":{{"total":2,"hits":[{hits}]}}}}]}}"#),
            format!("[{{\"hits\":{{\"total\":2,\"hits\":[{hits}]}}}}]").replace(',', "\n,"),
        ] {
            assert_eq!(lines(&text), two, "{text}");
        }
    }

    #[test]
    fn what_is_not_all_is_an_error() {
        for (text, error) in [
            (r#"{"hits":{"total":{"value":365},"hits":[{}]}}"#, "1 of 365 hits"),
            (r#"{"hits":{"total":3,"hits":[{}]}}{"hits":{"total":3,"hits":[1]}}"#, "2 of 3 hits"),
            (r#"{"timed_out":true,"hits":{"hits":[]}}"#, "timed out"),
            (r#"{"hits":{"hits":[]},"_shards":{"failed":1}}"#, "did not answer"),
            (r#"{"hits":{"hits":[{"a":1}"#, "breaks off"),
            (r#"[{"a":"x"#, "breaks off"),
            (r#"[{"a" 1}]"#, "unexpected"),
            (r#"{"hits":{1}}"#, "unexpected"),
            ("[{\"a\":\"x\ny\"}]", "end of a line"),
        ] {
            let found = lines(text).unwrap_err();
            assert!(found.contains(error), "{text}: {found}");
        }
        let long = format!("[{{\"a\":\"{}\"}}]", "x".repeat(20_000));
        assert!(lines(&long).unwrap_err().contains("10000 bytes"));
        assert!(lines(&"[".repeat(1_000)).unwrap_err().contains("too deep"));
    }
}
