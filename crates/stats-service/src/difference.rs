//! Where two responses part: the first series and date in which they differ. Both are walked
//! token by token, side by side, and neither becomes a tree.

use std::fmt;

/// The first place in which two responses differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstDifference {
    /// The series: `block.metric`, and its `id` in parentheses as far as it is known.
    pub series: String,
    /// The date of the point, as the response writes it, when the difference is in a point.
    pub date: Option<String>,
    /// What the first response has there.
    pub left: String,
    /// What the second has there.
    pub right: String,
}

impl fmt::Display for FirstDifference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.series)?;
        if let Some(date) = &self.date {
            write!(formatter, " on {date}")?;
        }
        write!(formatter, ": {} stored, {} made now", self.left, self.right)
    }
}

/// The first difference between two responses; `None` when they are equal to the byte.
#[must_use]
pub fn first_difference(left: &[u8], right: &[u8]) -> Option<FirstDifference> {
    if left == right {
        return None;
    }
    let (mut left, mut right) = (Tokens::new(left), Tokens::new(right));
    let mut path = Path::default();
    loop {
        let (one, two) = (left.next(), right.next());
        if one != two {
            return Some(path.difference(one, two));
        }
        match one {
            Some(token) => path.step(token),
            // Equal tokens, unequal bytes: white space.
            None => return Some(path.difference(None, None)),
        }
    }
}

/// The dates of all points of a response, as it writes them.
pub(crate) fn dates(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (mut depth, mut opened) = (0_usize, false);
    Tokens::new(body).filter_map(move |token| {
        let begins_point = std::mem::replace(&mut opened, false) && depth == IN_POINT;
        match token {
            Token::Open(_) => {
                depth += 1;
                opened = true;
            }
            Token::Close(_) => depth = depth.saturating_sub(1),
            Token::Scalar(text) if begins_point => {
                return Some(
                    text.strip_prefix(b"\"")
                        .and_then(|text| text.strip_suffix(b"\""))
                        .unwrap_or(text),
                );
            }
            Token::Key(_) | Token::Scalar(_) => {}
        }
        None
    })
}

/// The pieces of JSON that say something: brackets, and texts between the punctuation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Open(u8),
    Close(u8),
    Key(&'a [u8]),
    Scalar(&'a [u8]),
}

impl Token<'_> {
    fn shown(self) -> String {
        let text = match self {
            Token::Open(b'{') => b"an object".as_slice(),
            Token::Open(_) => b"a list",
            Token::Close(_) => b"the end",
            Token::Key(text) | Token::Scalar(text) => text,
        };
        let text = String::from_utf8_lossy(text);
        if text.chars().count() > 60 {
            text.chars().take(59).chain(['…']).collect()
        } else {
            text.into_owned()
        }
    }
}

struct Tokens<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Tokens<'a> {
    const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    fn skip(&mut self, skipped: impl Fn(u8) -> bool) {
        while self.bytes.get(self.at).is_some_and(|byte| skipped(*byte)) {
            self.at += 1;
        }
    }

    fn end_of_string(&mut self) {
        self.at += 1;
        while let Some(byte) = self.bytes.get(self.at) {
            self.at += 1;
            match byte {
                b'\\' => self.at += 1,
                b'"' => break,
                _ => {}
            }
        }
        self.at = self.at.min(self.bytes.len());
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.skip(|byte| byte.is_ascii_whitespace() || matches!(byte, b',' | b':'));
        let start = self.at;
        match self.bytes.get(start)? {
            open @ (b'{' | b'[') => {
                self.at += 1;
                Some(Token::Open(*open))
            }
            close @ (b'}' | b']') => {
                self.at += 1;
                Some(Token::Close(*close))
            }
            b'"' => {
                self.end_of_string();
                let text = &self.bytes[start..self.at];
                self.skip(|byte| byte.is_ascii_whitespace());
                let key = self.bytes.get(self.at) == Some(&b':');
                Some(if key { Token::Key(text) } else { Token::Scalar(text) })
            }
            _ => {
                self.skip(|byte| {
                    !byte.is_ascii_whitespace()
                        && !matches!(byte, b',' | b':' | b'{' | b'}' | b'[' | b']' | b'"')
                });
                Some(Token::Scalar(&self.bytes[start..self.at]))
            }
        }
    }
}

/// Where in a response a walk is: `{block: {metric: [{id, name, data: [[date, value]]}]}}`.
#[derive(Default)]
struct Path {
    depth: usize,
    keys: [String; 3],
    id: Option<String>,
    date: Option<String>,
}

/// Depth inside the object of a series, inside its `data`, and inside one point.
const IN_SERIES: usize = 4;
const IN_POINT: usize = 6;

impl Path {
    fn step(&mut self, token: Token<'_>) {
        match token {
            Token::Open(_) => {
                self.depth += 1;
                if self.depth == IN_SERIES {
                    self.id = None;
                }
                self.date = None;
            }
            Token::Close(_) => {
                self.depth = self.depth.saturating_sub(1);
                self.date = None;
            }
            Token::Key(text) => {
                let place = match self.depth {
                    1 => 0,
                    2 => 1,
                    IN_SERIES => 2,
                    _ => return,
                };
                self.keys[place] = unquoted(text);
            }
            Token::Scalar(text) => {
                if self.depth == IN_SERIES && self.keys[2] == "id" {
                    self.id = Some(unquoted(text));
                } else if self.depth == IN_POINT && self.date.is_none() {
                    self.date = Some(unquoted(text));
                }
            }
        }
    }

    fn difference(&self, left: Option<Token<'_>>, right: Option<Token<'_>>) -> FirstDifference {
        let mut series = match self.depth {
            0 => "the response".to_owned(),
            1 => "the list of blocks".to_owned(),
            2 => self.keys[0].clone(),
            _ => format!("{}.{}", self.keys[0], self.keys[1]),
        };
        if self.depth >= IN_SERIES
            && let Some(id) = &self.id
        {
            series.push_str(&format!(" ({id})"));
        }
        if self.depth == IN_SERIES {
            series.push_str(&format!(", member {}", self.keys[2]));
        }
        let shown = |token: Option<Token<'_>>| match token {
            Some(token) => token.shown(),
            None => "the end".to_owned(),
        };
        FirstDifference { series, date: self.date.clone(), left: shown(left), right: shown(right) }
    }
}

fn unquoted(text: &[u8]) -> String {
    let parsed = serde_json::from_slice::<String>(text);
    parsed.unwrap_or_else(|_| String::from_utf8_lossy(text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(points: &str) -> String {
        let empty = r#"{"id":"global","name":"Global","data":[],"type":"bar"}"#;
        format!(
            r#"{{"global":{{"views":[{empty}]}},"countries":{{"views":[{{"id":"US","name":"US","data":[{points}],"type":"bar"}}]}}}}"#
        )
    }

    fn between(left: &str, right: &str) -> String {
        first_difference(left.as_bytes(), right.as_bytes()).unwrap().to_string()
    }

    #[test]
    fn names_series_and_date() {
        let left = response(r#"["01-01",1],["01-02",2]"#);
        let right = response(r#"["01-01",1],["01-02",3]"#);
        assert_eq!(between(&left, &right), "countries.views (US) on 01-02: 2 stored, 3 made now");
    }

    #[test]
    fn a_missing_point_is_named_by_what_stands_in_its_place() {
        let left = response(r#"["01-01",1]"#);
        let right = response(r#"["01-01",1],["01-02",3]"#);
        assert_eq!(between(&left, &right), "countries.views (US): the end stored, a list made now");
    }

    #[test]
    fn other_members_and_blocks_are_named() {
        let left = response("");
        assert_eq!(
            between(&left, &left.replace("\"US\",\"name\":\"US\"", "\"US\",\"name\":\"U S\"")),
            "countries.views (US), member name: \"US\" stored, \"U S\" made now"
        );
        assert_eq!(
            between(&left, &left.replace("countries", "languages")),
            "the list of blocks: \"countries\" stored, \"languages\" made now"
        );
        assert_eq!(between(&left, "[]"), "the response: an object stored, a list made now");
        assert_eq!(between("{}", "{} "), "the response: the end stored, the end made now");
    }

    #[test]
    fn equal_responses_do_not_differ_and_broken_ones_do_not_loop() {
        assert_eq!(first_difference(b"{}", b"{}"), None);
        assert!(first_difference(b"{\"a", b"{\"a\\").is_some());
        assert!(first_difference(b"", b"]]]").is_some());
    }
}
