//! An `invenio.cfg`: Python of which only literal assignments are understood.
//!
//! Everything else (calls, imports, conditions, one name assigned to another) is named with its
//! line and skipped; the value of a name that something else may have changed is not used.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use super::error::ConfigError;
use super::literal::Literal;
use super::statements::{Statement, code_only, statements};

/// A name that an `invenio.cfg` sets in a way that is not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The name.
    pub name: String,
    /// The file, as it was named.
    pub file: PathBuf,
    /// The line, counted from 1.
    pub line: usize,
    /// Why it was skipped, to be read after the name: "is no literal (a name or an operator)".
    pub reason: String,
}

/// `SEARCH_HOSTS is no literal (a name or an operator)`.
impl fmt::Display for Skipped {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.name, self.reason)
    }
}

impl Skipped {
    /// Where it stands: file and line.
    #[must_use]
    pub fn place(&self) -> String {
        format!("{}:{}", self.file.display(), self.line)
    }
}

/// What an `invenio.cfg` says.
#[derive(Debug, Default)]
pub(super) struct InvenioCfg {
    /// The literal assignments that count, with their lines.
    pub(super) assigned: BTreeMap<String, (Literal, usize)>,
    /// What was skipped, in the order of the file.
    pub(super) skipped: Vec<Skipped>,
}

impl InvenioCfg {
    /// Reads the file.
    pub(super) fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(path).map_err(|error| {
            ConfigError::new(format!("{} cannot be read: {error}", path.display())).caused_by(error)
        })?;
        let mut cfg = Self::parse(&text).map_err(|line| {
            ConfigError::new(format!(
                "{}:{line}: the bracket or text that begins here has no end",
                path.display()
            ))
        })?;
        for skipped in &mut cfg.skipped {
            path.clone_into(&mut skipped.file);
        }
        Ok(cfg)
    }

    /// Reads the text of such a file.
    ///
    /// # Errors
    /// With the line of a bracket or text that never ends.
    pub(super) fn parse(text: &str) -> Result<Self, usize> {
        let mut cfg = Self::default();
        for statement in statements(text)? {
            cfg.take(&statement);
        }
        Ok(cfg)
    }

    fn take(&mut self, statement: &Statement<'_>) {
        let text = statement.text.trim();
        let (targets, value) = assignment(text);
        if targets.is_empty() {
            return self.take_other(text, statement.line);
        }
        let reason = if statement.indented {
            "is set under a condition or in a function".to_owned()
        } else {
            match Literal::parse(value) {
                Ok(literal) => {
                    for target in targets {
                        self.assigned.insert(target.to_owned(), (literal.clone(), statement.line));
                    }
                    return;
                }
                Err(error) => format!("is no literal ({})", error.reason),
            }
        };
        for target in targets {
            self.skip(target, statement.line, &reason);
        }
    }

    /// A statement that is no plain assignment but may still set or change names.
    fn take_other(&mut self, text: &str, line: usize) {
        let text = code_only(text);
        if let Some(names) = imported(&text) {
            for name in names {
                self.skip(name, line, "is imported");
            }
            return;
        }
        for name in changed(&text) {
            self.skip(name, line, "is set or changed by a statement that is no literal assignment");
        }
    }

    fn skip(&mut self, name: &str, line: usize, reason: &str) {
        self.assigned.remove(name);
        let (name, reason) = (name.to_owned(), reason.to_owned());
        let skipped = Skipped { name, file: PathBuf::new(), line, reason };
        if !self.skipped.contains(&skipped) {
            self.skipped.push(skipped);
        }
    }
}

/// The targets of `A = B = value` or `A: type = value`, and the value; no target when it is none.
fn assignment(text: &str) -> (Vec<&str>, &str) {
    let mut targets = Vec::new();
    let mut rest = text;
    while let Some((name, after)) = split_name(rest) {
        let mut after = after.trim_start();
        if targets.is_empty() && after.starts_with(':') {
            let Some((_, value)) = after.split_once('=') else { break };
            targets.push(name);
            return (targets, value);
        }
        if !after.starts_with('=') || after.starts_with("==") {
            break;
        }
        after = &after[1..];
        targets.push(name);
        rest = after.trim_start();
    }
    (targets, rest)
}

/// A name at the beginning, and what follows.
fn split_name(text: &str) -> Option<(&str, &str)> {
    let part = |letter: char| letter.is_alphanumeric() || letter == '_';
    let end = text.find(|letter| !part(letter)).unwrap_or(text.len());
    let begins = text.chars().next().is_some_and(|first| first.is_alphabetic() || first == '_');
    begins.then(|| text.split_at(end))
}

/// The names that an import brings; `*` for all of a module.
fn imported(text: &str) -> Option<Vec<&str>> {
    let list = match text.strip_prefix("from ") {
        Some(rest) => rest.split_once(" import")?.1,
        None => text.strip_prefix("import ")?,
    };
    let list = list.trim().trim_matches(['(', ')']);
    let names = list.split([',', '\n']).map(str::trim).filter(|name| !name.is_empty());
    Some(names.map(|name| name.rsplit_once(" as ").map_or(name, |(_, name)| name.trim())).collect())
}

/// The names in capitals that are assigned to or changed in place: `NAME =` in a list of targets,
/// `NAME +=`, `NAME[…] =`, `NAME.update(…)`, `del NAME`, `for NAME in`, `… as NAME`.
fn changed(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let bytes = text.as_bytes();
    let targets = targets(text);
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        while at < bytes.len() && is_part(bytes[at]) {
            at += 1;
        }
        let name = &text[start..at];
        let is_target = at <= targets.len() && !is_argument(&text[..start]);
        if is_setting_name(name) && (is_target || changes(&text[..start], text[at..].trim_start()))
        {
            names.push(name);
        }
        at = at.max(start + 1);
        while !text.is_char_boundary(at) {
            at += 1;
        }
    }
    names
}

/// What stands around a name tells whether the statement changes it.
fn changes(before: &str, after: &str) -> bool {
    const OPERATORS: [&str; 6] = ["+=", "-=", "|=", "&=", "*=", ":="];
    // A target, or a member of a list of targets.
    let assigned = after.starts_with('=') && !after.starts_with("==");
    let before = before.trim();
    let in_place = OPERATORS.iter().any(|operator| after.starts_with(operator))
        || (before.is_empty() && after.starts_with(['[', '.']));
    let word = before.rsplit(|letter: char| !letter.is_alphanumeric()).next().unwrap_or_default();
    let begins = |keyword: &str| before.split_whitespace().next() == Some(keyword);
    let bound = matches!(word, "as" | "def" | "class" | "global" | "nonlocal")
        || begins("del")
        || (begins("for") && !before.split_whitespace().any(|word| word == "in"));
    // In brackets, `NAME = …` names an argument.
    (assigned && depth(before) == 0) || in_place || bound
}

/// The targets of an assignment: what stands before its `=`, if that is nothing but names, commas and
/// brackets; empty when it is none.
fn targets(text: &str) -> &str {
    let is_part = |letter: char| letter.is_alphanumeric() || "_.,*()[] \t\n\\".contains(letter);
    let end = text.find(|letter| !is_part(letter)).unwrap_or(text.len());
    let (targets, rest) = text.split_at(end);
    let assigns = rest.starts_with('=') && !rest.starts_with("==");
    if assigns && depth(targets) == 0 { targets } else { "" }
}

/// Whether an index or a call is open at the end: what is in there is read, not written.
fn is_argument(text: &str) -> bool {
    let mut open = Vec::new();
    let mut before = ' ';
    for letter in text.chars() {
        match letter {
            '(' | '[' => open.push(before.is_alphanumeric() || "_])".contains(before)),
            ')' | ']' => drop(open.pop()),
            _ => {}
        }
        if !letter.is_whitespace() {
            before = letter;
        }
    }
    open.contains(&true)
}

/// How many brackets are open at the end.
fn depth(text: &str) -> usize {
    text.bytes().fold(0, |depth: usize, byte| match byte {
        b'(' | b'[' | b'{' => depth + 1,
        b')' | b']' | b'}' => depth.saturating_sub(1),
        _ => depth,
    })
}

/// Only names in capitals are settings: Flask ignores all others.
fn is_setting_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_uppercase())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<String>, Vec<String>) {
        let cfg = InvenioCfg::parse(text).unwrap();
        let assigned = cfg.assigned.iter().map(|(name, (_, line))| format!("{name}:{line}"));
        let skipped =
            cfg.skipped.iter().map(|skipped| format!("{}:{}", skipped.name, skipped.line));
        (assigned.collect(), skipped.collect())
    }

    #[test]
    fn literals_are_taken_over_several_lines_with_comments() {
        let (assigned, skipped) = read(
            "\u{feff}\"\"\"A = 1\"\"\"\n# B = 2\nSEARCH_HOSTS = [\n    {'host': 'a', # one\n    'port': 1},\n]\n\
             C = (\n  'x'\n  'y'\n)\nD = 'a#b'; E: int = 5\nF = G = \\\n  None\nH='''\nI = 1\n'''\r\nJ = -1\r\n",
        );
        let expected = ["C:7", "D:11", "E:11", "F:12", "G:12", "H:14", "J:17", "SEARCH_HOSTS:3"];
        assert_eq!(assigned, expected);
        assert_eq!(skipped, Vec::<String>::new());
    }

    #[test]
    fn everything_else_is_named_with_its_line() {
        let (assigned, skipped) = read(
            "import os\nfrom a import (B,\n  C as D)\nE = os.environ['E']\nF = f'{E}'\nG = E\n\
             def h():\n    I = 1\n    return J == 1\n\nif K == 2:\n    L = 3\nM = 1\nM += 1\nN = {}\nN['a'] = 1\n\
             O = {}\nO.update(P=1)\nQ, R = 1, 2\nif S: T = 1\nU = 2\ndel U\nV = 1\nV = w()\n",
        );
        assert_eq!(assigned, Vec::<String>::new());
        let expected = [
            "os:1", "B:2", "D:2", "E:4", "F:5", "G:6", "I:8", "L:12", "M:14", "N:16", "O:18",
            "Q:19", "R:19", "T:20", "U:22", "V:24",
        ];
        assert_eq!(skipped, expected);
    }

    /// A block on the line of its condition is a block: nothing in it is known to happen.
    #[test]
    fn blocks_on_one_line() {
        let (assigned, skipped) = read(
            "A = 1; B = 2\nif os.environ.get(\"DEV\"): A = \"dev::\"; B = 3\nC = 4\n\
             D = {}\nfor h in [1, {2: 3}]: D[\"hosts\"].append(h)\nE = []\nif x: E.append(1); F = 2\n\
             try: G = 1\nexcept (H, I): J = 2\nelse: K = 3\nwith f(L=1) as M: N = 1\n\
             class O: P = 1\nmatch q:\n    case 1: R = 2\nS = 5; T: dict = {}\nmatch = 1; U = 6\n\
             for V in [1]: pass\nasync def w(): X = 1\nif (Y := 1): pass\n(Z, A1), *B1 = c\n\
             if a: from b import C1\nwhile f(D1=1): E1 += 1\n",
        );
        assert_eq!(assigned, ["C:3", "S:15", "T:15", "U:16", "match:16"]);
        let expected = [
            "A:2", "B:2", "D:5", "E:7", "F:7", "G:8", "J:9", "K:10", "M:11", "N:11", "O:12",
            "P:12", "R:14", "V:17", "X:18", "Y:19", "Z:20", "A1:20", "B1:20", "C1:21", "E1:22",
        ];
        assert_eq!(skipped, expected);
    }

    #[test]
    fn a_later_literal_counts_again() {
        let (assigned, skipped) = read("A = b()\nA = 1\n");
        assert_eq!(assigned, ["A:2"]);
        assert_eq!(skipped, ["A:1"]);
    }

    #[test]
    fn what_never_ends_is_told_with_its_line() {
        for text in ["A = 1\nB = [\nC = 2\n", "A = 1\nB = 'x\nC = 2\n", "A = 1\nB = '''\n"] {
            assert_eq!(InvenioCfg::parse(text).unwrap_err(), 2, "{text}");
        }
    }

    #[test]
    fn keyword_arguments_and_comparisons_change_nothing() {
        let (assigned, skipped) = read(
            "A = 1\nf(A=2)\nprint(A == 1)\nassert A\nB = {'A': 1}\nforward(A)\nc[A], d(A).e = 1, 2\n\
             for x in A: f(A, y=1)\nassert A, b == 1\n",
        );
        assert_eq!(assigned, ["A:1", "B:5"]);
        assert_eq!(skipped, Vec::<String>::new());
    }
}
