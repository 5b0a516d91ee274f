//! Lines of the bulk interface: an action, then its document; each pair made one export line.

use std::io::{self, Read};

use serde::Deserialize;
use serde_json::Value;

use super::bytes::Bytes;

/// Reads pairs as export lines. An action that brings no whole document comes as it is, and is
/// refused where lines are read.
pub(crate) struct Bulk<R> {
    bytes: Bytes<R>,
    limit: usize,
    /// The index of actions that name none.
    index: Option<String>,
    line: Vec<u8>,
    at: usize,
}

#[derive(Deserialize)]
struct Action {
    #[serde(alias = "create")]
    index: Option<Names>,
    update: Option<Value>,
}

#[derive(Deserialize)]
struct Names {
    #[serde(rename = "_index")]
    index: Option<Value>,
    #[serde(rename = "_id")]
    id: Option<Value>,
}

impl<R: Read> Bulk<R> {
    pub(crate) fn new(raw: R, limit: usize, index: Option<String>) -> Self {
        Self { bytes: Bytes::new(raw), limit, index, line: Vec::new(), at: 0 }
    }

    /// The next pair; false at the end.
    fn step(&mut self) -> io::Result<bool> {
        self.line.clear();
        self.at = 0;
        let Some(action) = self.bytes.line(self.limit)? else { return Ok(false) };
        match serde_json::from_slice::<Action>(&action) {
            Ok(Action { index: Some(names), .. }) => {
                let cut = || {
                    io::Error::new(io::ErrorKind::UnexpectedEof, "an action without its document")
                };
                let source = self.bytes.line(self.limit)?.ok_or_else(cut)?;
                let index = names.index.or_else(|| self.index.clone().map(Value::from));
                let names = [("_index", index), ("_id", names.id)];
                self.line.push(b'{');
                for (name, value) in names {
                    if let Some(value) = value {
                        self.line.extend_from_slice(format!("\"{name}\":{value},").as_bytes());
                    }
                }
                self.line.extend_from_slice(b"\"_source\":");
                self.line.extend_from_slice(source.trim_ascii());
                self.line.extend_from_slice(b"}\n");
            }
            read => {
                if matches!(read, Ok(Action { update: Some(_), .. })) {
                    self.bytes.line(self.limit)?;
                }
                self.line = action;
                self.line.push(b'\n');
            }
        }
        Ok(true)
    }
}

impl<R: Read> Read for Bulk<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.line.len() {
            if !self.step()? {
                return Ok(0);
            }
        }
        let length = buffer.len().min(self.line.len() - self.at);
        buffer[..length].copy_from_slice(&self.line[self.at..self.at + length]);
        self.at += length;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_become_export_lines() {
        let text = "{\"index\":{\"_index\":\"i\",\"_id\":\"a\"}}\n{\"n\":1}\r\n\
                    {\"create\":{\"_id\":\"b\"}}\n{\"n\":2}\n\
                    {\"delete\":{\"_id\":\"c\"}}\n{\"update\":{\"_id\":\"d\"}}\n{\"doc\":{}}\n\n";
        let mut read = String::new();
        Bulk::new(text.as_bytes(), 100, Some("j".to_owned())).read_to_string(&mut read).unwrap();
        let lines: Vec<&str> = read.lines().filter(|line| !line.is_empty()).collect();
        assert_eq!(
            lines,
            [
                r#"{"_index":"i","_id":"a","_source":{"n":1}}"#,
                r#"{"_index":"j","_id":"b","_source":{"n":2}}"#,
                r#"{"delete":{"_id":"c"}}"#,
                r#"{"update":{"_id":"d"}}"#,
            ]
        );
        let cut = "{\"index\":{}}\n";
        assert!(Bulk::new(cut.as_bytes(), 100, None).read_to_string(&mut String::new()).is_err());
        let long = format!("{{\"index\":{{}}}}\n{}", "x".repeat(200));
        assert!(Bulk::new(long.as_bytes(), 100, None).read_to_string(&mut String::new()).is_err());
    }
}
