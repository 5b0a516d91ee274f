//! Python literals, as far as `ast.literal_eval` takes them.
//!
//! InvenioRDM reads every `INVENIO_…` variable as a Python literal and, if that fails, as text
//! (`source-documents.md` section 4.1). Bytes, complex numbers, `...`, `\N{…}` and whole numbers
//! beyond 64 bits are refused: no setting is one. A line that begins with space is accepted where
//! Python complains about indentation.

use super::literal_text::Scanner;
use super::value::Value;

/// A Python literal.
#[derive(Clone, PartialEq)]
pub enum Literal {
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// A text.
    Text(String),
    /// `[…]`.
    List(Vec<Literal>),
    /// `(…)`.
    Tuple(Vec<Literal>),
    /// `{…}` without colons.
    Set(Vec<Literal>),
    /// `{…: …}`, in the written order, repeated keys included.
    Dict(Vec<(Literal, Literal)>),
}

/// Why a text is no literal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiteralError {
    /// The byte at which it was noticed.
    pub offset: usize,
    /// What is there instead; holds no part of the text.
    pub reason: &'static str,
}

impl Literal {
    /// Reads a text that is one literal.
    ///
    /// # Errors
    /// With place and reason, when it is none.
    pub fn parse(text: &str) -> Result<Self, LiteralError> {
        let mut parser = Parser { scanner: Scanner::new(text), depth: 0, signs: 0 };
        parser.scanner.skip_lines();
        let literal = parser.expression()?;
        parser.scanner.skip_lines();
        match parser.scanner.peek() {
            None => Ok(literal),
            Some(_) => Err(parser.scanner.error("more than one literal")),
        }
    }

    /// What Python's `bool()` makes of it.
    #[must_use]
    pub fn is_true(&self) -> bool {
        match self {
            Self::None => false,
            Self::Bool(value) => *value,
            Self::Int(number) => *number != 0,
            Self::Float(number) => *number != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::List(items) | Self::Tuple(items) | Self::Set(items) => !items.is_empty(),
            Self::Dict(members) => !members.is_empty(),
        }
    }

    /// The member of a dictionary; of repeated ones the last.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Literal> {
        let Self::Dict(members) = self else { return None };
        let named = |key: &Literal| matches!(key, Self::Text(text) if text == name);
        members.iter().rev().find(|(key, _)| named(key)).map(|(_, value)| value)
    }

    /// The text that it is, if it is one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The same as a value of a setting: tuples and sets become lists, members whose key is no text
    /// are left out.
    #[must_use]
    pub fn to_value(&self) -> Value {
        match self {
            Self::None => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Int(number) => Value::Integer(*number),
            Self::Float(number) => Value::Float(*number),
            Self::Text(text) => Value::Text(text.clone()),
            Self::List(items) | Self::Tuple(items) | Self::Set(items) => {
                Value::List(items.iter().map(Self::to_value).collect())
            }
            Self::Dict(members) => {
                let mut table: Vec<(String, Value)> = Vec::new();
                for (key, value) in members {
                    let Self::Text(key) = key else { continue };
                    match table.iter_mut().find(|(name, _)| name == key) {
                        Some(repeated) => repeated.1 = value.to_value(),
                        None => table.push((key.clone(), value.to_value())),
                    }
                }
                Value::Table(table)
            }
        }
    }

    fn is_hashable(&self) -> bool {
        match self {
            Self::List(_) | Self::Set(_) | Self::Dict(_) => false,
            Self::Tuple(items) => items.iter().all(Self::is_hashable),
            _ => true,
        }
    }
}

/// Shows the shape only: a literal may hold a password.
impl std::fmt::Debug for Literal {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.to_value().fmt(out)
    }
}

/// Python itself gives up at 200.
const MOST_NESTED: usize = 100;

struct Parser<'a> {
    scanner: Scanner<'a>,
    depth: usize,
    /// How many signs were read so far.
    signs: usize,
}

impl Parser<'_> {
    /// One literal, or several with commas between them: a tuple without parentheses.
    fn expression(&mut self) -> Result<Literal, LiteralError> {
        let first = self.item()?;
        self.skip_space();
        if self.scanner.peek() != Some(b',') {
            return Ok(first);
        }
        let mut items = vec![first];
        while self.scanner.take(b',') {
            self.skip_space();
            if self.at_end() {
                break;
            }
            items.push(self.item()?);
            self.skip_space();
        }
        Ok(Literal::Tuple(items))
    }

    /// Whether a tuple ends here after a comma.
    fn at_end(&mut self) -> bool {
        matches!(self.scanner.peek(), None | Some(b')' | b'\n' | b'#'))
    }

    /// Inside brackets line ends and comments are space too.
    fn skip_space(&mut self) {
        if self.depth > 0 { self.scanner.skip_lines() } else { self.scanner.skip_space() }
    }

    fn item(&mut self) -> Result<Literal, LiteralError> {
        self.skip_space();
        match self.scanner.peek() {
            None => Err(self.scanner.error("nothing")),
            Some(b'[') => {
                self.open()?;
                let items = self.items(b']')?;
                Ok(Literal::List(items))
            }
            Some(b'(') => self.parenthesised(),
            Some(b'{') => self.braces(),
            Some(b'+' | b'-') => self.signed(),
            Some(b'0'..=b'9' | b'.') => self.scanner.number(),
            Some(_) if self.scanner.at_text() => self.texts(),
            Some(_) => self.word(),
        }
    }

    fn open(&mut self) -> Result<(), LiteralError> {
        if self.depth == MOST_NESTED {
            return Err(self.scanner.error("too many brackets in each other"));
        }
        self.depth += 1;
        self.scanner.advance(1);
        self.skip_space();
        Ok(())
    }

    fn close(&mut self, bracket: u8) -> Result<(), LiteralError> {
        if !self.scanner.take(bracket) {
            return Err(self.scanner.error("a comma or closing bracket is missing"));
        }
        self.depth -= 1;
        Ok(())
    }

    /// Items with commas between them up to the closing bracket.
    fn items(&mut self, bracket: u8) -> Result<Vec<Literal>, LiteralError> {
        let mut items = Vec::new();
        while self.scanner.peek() != Some(bracket) {
            items.push(self.item()?);
            self.skip_space();
            if !self.scanner.take(b',') {
                break;
            }
            self.skip_space();
        }
        self.close(bracket)?;
        Ok(items)
    }

    fn parenthesised(&mut self) -> Result<Literal, LiteralError> {
        self.open()?;
        let content = match self.scanner.peek() {
            Some(b')') => Literal::Tuple(Vec::new()),
            _ => self.expression()?,
        };
        self.close(b')')?;
        Ok(content)
    }

    fn braces(&mut self) -> Result<Literal, LiteralError> {
        self.open()?;
        if self.scanner.peek() == Some(b'}') {
            self.close(b'}')?;
            return Ok(Literal::Dict(Vec::new()));
        }
        let first = self.key()?;
        if self.scanner.take(b':') { self.dict(first) } else { self.set(first) }
    }

    fn key(&mut self) -> Result<Literal, LiteralError> {
        let key = self.item()?;
        if !key.is_hashable() {
            return Err(self.scanner.error("a key that can change"));
        }
        self.skip_space();
        Ok(key)
    }

    fn dict(&mut self, first: Literal) -> Result<Literal, LiteralError> {
        let mut members = vec![(first, self.item()?)];
        self.skip_space();
        while self.scanner.take(b',') {
            self.skip_space();
            if self.scanner.peek() == Some(b'}') {
                break;
            }
            let key = self.key()?;
            if !self.scanner.take(b':') {
                return Err(self.scanner.error("a colon is missing"));
            }
            members.push((key, self.item()?));
            self.skip_space();
        }
        self.close(b'}')?;
        Ok(Literal::Dict(members))
    }

    fn set(&mut self, first: Literal) -> Result<Literal, LiteralError> {
        let mut items = vec![first];
        while self.scanner.take(b',') {
            self.skip_space();
            if self.scanner.peek() == Some(b'}') {
                break;
            }
            items.push(self.key()?);
        }
        self.close(b'}')?;
        Ok(Literal::Set(items))
    }

    /// A number with one sign; the number may stand in parentheses.
    fn signed(&mut self) -> Result<Literal, LiteralError> {
        let negative = self.scanner.peek() == Some(b'-');
        self.scanner.advance(1);
        self.skip_space();
        if matches!(self.scanner.peek(), Some(b'+' | b'-')) {
            return Err(self.scanner.error("two signs"));
        }
        self.signs += 1;
        let signs = self.signs;
        match self.item()? {
            _ if self.signs > signs => Err(self.scanner.error("two signs")),
            Literal::Int(number) if negative => Ok(Literal::Int(-number)),
            Literal::Float(number) if negative => Ok(Literal::Float(-number)),
            number @ (Literal::Int(_) | Literal::Float(_)) => Ok(number),
            _ => Err(self.scanner.error("a sign before something that is no number")),
        }
    }

    /// Texts that stand beside each other are one.
    fn texts(&mut self) -> Result<Literal, LiteralError> {
        let mut all = String::new();
        while self.scanner.at_text() {
            self.scanner.text(&mut all)?;
            self.skip_space();
        }
        Ok(Literal::Text(all))
    }

    fn word(&mut self) -> Result<Literal, LiteralError> {
        match self.scanner.word() {
            "None" => Ok(Literal::None),
            "True" => Ok(Literal::Bool(true)),
            "False" => Ok(Literal::Bool(false)),
            "set" => self.empty_set(),
            _ => Err(self.scanner.error("a name or an operator")),
        }
    }

    /// `set()`, the one call that is a literal.
    fn empty_set(&mut self) -> Result<Literal, LiteralError> {
        self.skip_space();
        if self.scanner.peek() == Some(b'(') {
            self.open()?;
            self.close(b')')?;
            return Ok(Literal::Set(Vec::new()));
        }
        Err(self.scanner.error("a name or an operator"))
    }
}
