//! Python literals, as far as `ast.literal_eval` takes them.
//!
//! InvenioRDM reads every `INVENIO_…` variable as a Python literal and, if that fails, as text
//! (`source-documents.md` section 4.1). Bytes, complex numbers, `...` and whole numbers beyond 64
//! bits are refused: no setting is one.

use ruff_python_ast::{Expr, ExprStringLiteral, Number, UnaryOp};
use ruff_python_parser::{Mode, parse_expression};
use ruff_text_size::Ranged as _;

use crate::limits::is_too_deep;

/// A Python value that can be written down.
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
    /// A function: only where one is expected, and never from a literal.
    Code,
}

/// Why a text is no literal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiteralError {
    /// The byte at which it was noticed.
    pub offset: usize,
    /// What is there instead; holds no part of the text.
    pub reason: &'static str,
}

/// Longer texts are no settings.
const LONGEST: usize = 4 << 20;

impl Literal {
    /// Reads a text that is one literal.
    ///
    /// # Errors
    /// With place and reason, when it is none.
    pub fn parse(text: &str) -> Result<Self, LiteralError> {
        // Python cuts spaces and tabs off, and nothing else.
        let begin = text.len() - text.trim_start_matches([' ', '\t']).len();
        let text = &text[begin..];
        let error = |offset, reason| LiteralError { offset: begin + offset, reason };
        if text.len() > LONGEST {
            return Err(error(0, "too long"));
        }
        if is_too_deep(text, Mode::Expression) {
            return Err(error(0, "too many brackets or operators in each other"));
        }
        let parsed = parse_expression(text)
            .map_err(|found| error(found.location.start().to_usize(), "no expression of Python"))?;
        Self::of(parsed.expr(), text)
            .map_err(|found| LiteralError { offset: begin + found.offset, ..found })
    }

    fn of(expression: &Expr, source: &str) -> Result<Self, LiteralError> {
        let all = |items: &[Expr]| {
            items.iter().map(|item| Self::of(item, source)).collect::<Result<Vec<_>, _>>()
        };
        let refused = |reason| Err(LiteralError { offset: expression.start().to_usize(), reason });
        match expression {
            Expr::NoneLiteral(_) => Ok(Self::None),
            Expr::BooleanLiteral(literal) => Ok(Self::Bool(literal.value)),
            Expr::NumberLiteral(literal) => match Self::of_number(&literal.value) {
                Some(number) => Ok(number),
                None => refused("a number that is none of ours"),
            },
            Expr::StringLiteral(literal) => match of_written_text(literal, source) {
                Some(text) => Ok(Self::Text(text.to_owned())),
                None => refused("a text with half a character"),
            },
            Expr::FString(_) | Expr::TString(_) => refused("a text with expressions in it"),
            Expr::BytesLiteral(_) => refused("bytes"),
            Expr::List(list) => all(&list.elts).map(Self::List),
            Expr::Tuple(tuple) => all(&tuple.elts).map(Self::Tuple),
            Expr::Set(set) => {
                let items = all(&set.elts)?;
                if !items.iter().all(Self::is_hashable) {
                    return refused("a key that can change");
                }
                Ok(Self::Set(items))
            }
            Expr::Dict(dict) => {
                let mut members = Vec::with_capacity(dict.items.len());
                for item in &dict.items {
                    let Some(key) = &item.key else { return refused("a name or an operator") };
                    let key = Self::of(key, source)?;
                    if !key.is_hashable() {
                        return refused("a key that can change");
                    }
                    members.push((key, Self::of(&item.value, source)?));
                }
                Ok(Self::Dict(members))
            }
            Expr::UnaryOp(unary) => Self::signed(unary.op, &unary.operand),
            Expr::Call(call) => match call.func.as_ref() {
                Expr::Name(name) if name.id.as_str() == "set" && call.arguments.is_empty() => {
                    Ok(Self::Set(Vec::new()))
                }
                _ => refused("a name or an operator"),
            },
            _ => refused("a name or an operator"),
        }
    }

    /// A number with one sign.
    fn signed(sign: UnaryOp, operand: &Expr) -> Result<Self, LiteralError> {
        let refused = |reason| Err(LiteralError { offset: operand.start().to_usize(), reason });
        let Expr::NumberLiteral(number) = operand else {
            return refused("a sign before something that is no number");
        };
        match (sign, &number.value) {
            // The lowest number has no positive twin.
            (UnaryOp::USub, Number::Int(number)) if number.as_u64() == Some(1 << 63) => {
                Ok(Self::Int(i64::MIN))
            }
            (UnaryOp::USub | UnaryOp::UAdd, number) => match Self::of_number(number) {
                Some(Self::Int(number)) if sign == UnaryOp::USub => Ok(Self::Int(-number)),
                Some(Self::Float(number)) if sign == UnaryOp::USub => Ok(Self::Float(-number)),
                Some(number) => Ok(number),
                None => refused("a number that is none of ours"),
            },
            _ => refused("a sign before something that is no number"),
        }
    }

    fn of_number(number: &Number) -> Option<Self> {
        match number {
            Number::Int(number) => number.as_i64().map(Self::Int),
            Number::Float(number) => Some(Self::Float(*number)),
            Number::Complex { .. } => None,
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
            Self::Code => true,
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

    fn is_hashable(&self) -> bool {
        match self {
            Self::List(_) | Self::Set(_) | Self::Dict(_) => false,
            Self::Tuple(items) => items.iter().all(Self::is_hashable),
            _ => true,
        }
    }
}

/// The same where the source is at hand: what stands there as it is, is no half.
fn of_written_text<'a>(literal: &'a ExprStringLiteral, source: &str) -> Option<&'a str> {
    let (text, written) = (literal.value.to_str(), &source[literal.range()]);
    let count = |text: &str| text.matches('\u{fffd}').count();
    (count(text) == count(written)).then_some(text)
}

/// The text of a literal; `None` where it may hold half a surrogate pair, which the parser replaces.
pub(crate) fn of_text(text: &str) -> Option<&str> {
    (!text.contains('\u{fffd}')).then_some(text)
}

/// Shows the shape only: a literal may hold a password.
impl std::fmt::Debug for Literal {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::None => out.write_str("None"),
            Self::Bool(value) => write!(out, "Bool({value})"),
            Self::Int(_) => out.write_str("Int(…)"),
            Self::Float(_) => out.write_str("Float(…)"),
            Self::Text(_) => out.write_str("Text(…)"),
            Self::List(items) => write!(out, "List({} items)", items.len()),
            Self::Tuple(items) => write!(out, "Tuple({} items)", items.len()),
            Self::Set(items) => write!(out, "Set({} items)", items.len()),
            Self::Dict(members) => write!(out, "Dict({} members)", members.len()),
            Self::Code => out.write_str("Code"),
        }
    }
}
