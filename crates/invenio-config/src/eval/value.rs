//! Values while a file is evaluated, and the objects that names share.

use std::collections::HashSet;
use std::rc::Rc;

use crate::findings::Undecided;
use crate::literal::Literal;
use crate::names::shown_variable;

/// A value. What can change lives in a [`Heap`], so that two names may be one object.
#[derive(Clone, Debug)]
pub(super) enum Value {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Rc<str>),
    /// A text that is translated when somebody reads it.
    Lazy(Rc<str>),
    /// With how many tuples stand in each other.
    Tuple(Rc<[Value]>, u8),
    /// A list, dictionary or set.
    Object(usize),
    /// What `os.getenv` gives for a variable that is not there: `None`, unless it is there where
    /// InvenioRDM runs.
    Unset(Rc<str>),
    /// Something imported, or what came out of it: its path with dots.
    Foreign(Rc<str>),
    /// A function of this file; `true` when it gives back its only argument.
    Function(bool),
    /// What a dictionary shows of itself, or the numbers below one.
    View(View, usize),
    /// It may be anything.
    Unknown(Rc<Undecided>),
}

/// Which part of a dictionary is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    Keys,
    Values,
    Items,
    /// `range(…)`.
    Range,
}

impl Value {
    pub(super) fn text(text: impl AsRef<str>) -> Self {
        Self::Text(Rc::from(text.as_ref()))
    }

    /// A tuple, unless too many stand in each other.
    pub(super) fn tuple(items: Vec<Self>) -> Option<Self> {
        let depth = |item: &Self| match item {
            Self::Tuple(_, depth) => *depth,
            _ => 0,
        };
        let depth = items.iter().map(depth).max().unwrap_or_default() + 1;
        (depth < 100).then(|| Self::Tuple(items.into(), depth))
    }

    /// Whether nobody knows what it is.
    pub(super) fn is_open(&self) -> bool {
        matches!(self, Self::Unknown(_) | Self::Foreign(_))
    }
}

/// Something that can change.
#[derive(Clone, Debug)]
pub(super) enum Object {
    List(Vec<Value>),
    Dict(Vec<(Value, Value)>),
    Set(Vec<Value>),
    /// Somebody may have changed it in a way that is not understood.
    Lost(Rc<Undecided>),
}

impl Object {
    /// How many members it has.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::List(items) | Self::Set(items) => items.len(),
            Self::Dict(members) => members.len(),
            Self::Lost(_) => 0,
        }
    }
}

/// Every object.
#[derive(Clone, Debug, Default)]
pub(super) struct Heap(pub(super) Vec<Object>);

impl Heap {
    pub(super) fn add(&mut self, object: Object) -> Value {
        self.0.push(object);
        Value::Object(self.0.len() - 1)
    }

    /// The members of an object, keys included.
    pub(super) fn members(&self, object: usize) -> Vec<Value> {
        match &self.0[object] {
            Object::List(items) | Object::Set(items) => items.clone(),
            Object::Dict(members) => {
                members.iter().flat_map(|(key, value)| [key.clone(), value.clone()]).collect()
            }
            Object::Lost(_) => Vec::new(),
        }
    }

    /// Gives up on an object and everything in it.
    pub(super) fn lose(&mut self, value: &Value, why: &Rc<Undecided>) {
        let mut left = vec![value.clone()];
        let mut seen = HashSet::new();
        while let Some(value) = left.pop() {
            match value {
                // The same one may stand in itself often.
                Value::Tuple(items, _) if seen.insert(items.as_ptr()) => {
                    left.extend(items.iter().cloned());
                }
                Value::View(View::Keys | View::Values | View::Items, at) => {
                    left.push(Value::Object(at));
                }
                Value::Object(at) if !matches!(self.0[at], Object::Lost(_)) => {
                    left.extend(self.members(at));
                    self.0[at] = Object::Lost(Rc::clone(why));
                }
                _ => {}
            }
        }
    }

    /// The same value as new objects.
    pub(super) fn bring(&mut self, literal: &Literal) -> Value {
        match literal {
            Literal::None => Value::None,
            Literal::Bool(value) => Value::Bool(*value),
            Literal::Int(number) => Value::Int(*number),
            Literal::Float(number) => Value::Float(*number),
            Literal::Text(text) => Value::text(text),
            Literal::Tuple(items) => {
                Value::tuple(items.iter().map(|item| self.bring(item)).collect())
                    .unwrap_or(Value::None)
            }
            Literal::Code => Value::Function(false),
            Literal::List(items) => {
                let items = items.iter().map(|item| self.bring(item)).collect();
                self.add(Object::List(items))
            }
            Literal::Set(items) => {
                let items = items.iter().map(|item| self.bring(item)).collect();
                self.add(Object::Set(items))
            }
            Literal::Dict(members) => {
                let member = |heap: &mut Self, (key, value): &(Literal, Literal)| {
                    (heap.bring(key), heap.bring(value))
                };
                let members = members.iter().map(|it| member(self, it)).collect();
                self.add(Object::Dict(members))
            }
        }
    }
}

/// Larger values are no settings, in parts: a value that holds itself has no end.
const MOST_PARTS: usize = 1_000_000;

/// Makes literals of values.
pub(super) struct Extraction<'a> {
    pub(super) heap: &'a Heap,
    /// Whether functions do not matter.
    pub(super) holds_code: bool,
    /// The line to name where a value has none of its own.
    pub(super) line: usize,
    pub(super) parts: usize,
}

impl Extraction<'_> {
    pub(super) fn of(&mut self, value: &Value) -> Result<Literal, Undecided> {
        self.nested(value, 0)
    }

    fn nested(&mut self, value: &Value, depth: usize) -> Result<Literal, Undecided> {
        self.parts += 1;
        if self.parts > MOST_PARTS || depth > 200 {
            return Err(self.undecided("is too large, or holds itself"));
        }
        let all = |this: &mut Self, items: &[Value]| -> Result<Vec<Literal>, Undecided> {
            items.iter().map(|item| this.nested(item, depth + 1)).collect()
        };
        Ok(match value {
            Value::None => Literal::None,
            Value::Bool(value) => Literal::Bool(*value),
            Value::Int(number) => Literal::Int(*number),
            Value::Float(number) => Literal::Float(*number),
            Value::Text(text) | Value::Lazy(text) => {
                self.parts += text.len() / 64;
                Literal::Text(text.as_ref().to_owned())
            }
            Value::Tuple(items, _) => Literal::Tuple(all(self, items)?),
            Value::Function(_) if self.holds_code => Literal::Code,
            Value::Function(_) => return Err(self.undecided("is a function")),
            Value::View(..) => return Err(self.undecided("is a part of something else")),
            Value::Unset(name) => {
                let reason =
                    format!("needs the variable {}, which is not set here", shown_variable(name));
                return Err(self.undecided(&reason));
            }
            Value::Foreign(path) => {
                return Err(self.undecided(&format!("comes from `{path}`, which is not read")));
            }
            Value::Unknown(why) => return Err(why.as_ref().clone()),
            Value::Object(at) => match &self.heap.0[*at] {
                Object::List(items) => Literal::List(all(self, items)?),
                Object::Set(items) => Literal::Set(all(self, items)?),
                Object::Lost(why) => return Err(why.as_ref().clone()),
                Object::Dict(members) => {
                    let mut found = Vec::with_capacity(members.len());
                    for (key, value) in members {
                        let is_code = self.holds_code && names_code(key) && value.is_open();
                        let value =
                            if is_code { Literal::Code } else { self.nested(value, depth + 1)? };
                        found.push((self.nested(key, depth + 1)?, value));
                    }
                    Literal::Dict(found)
                }
            },
        })
    }

    fn undecided(&self, reason: &str) -> Undecided {
        Undecided { line: self.line, reason: reason.to_owned() }
    }
}

/// Whether upstream has a function under this key.
fn names_code(key: &Value) -> bool {
    matches!(key, Value::Text(text) if text.contains("extract"))
}
