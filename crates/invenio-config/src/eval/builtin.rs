//! Functions of the language and of the environment, as far as they only look.

use std::rc::Rc;

use super::Evaluator;
use super::value::{Object, Value, View};
use crate::names::shown_variable;

impl Evaluator<'_> {
    /// The variable, or its name when it is not set; `None` when the environment is not known.
    pub(super) fn variable(&mut self, name: &str) -> Option<Result<String, Rc<str>>> {
        if let Some(text) = self.state.environment.get(name) {
            return Some(Ok(text.clone()));
        }
        if self.state.environment_lost {
            return None;
        }
        let text = self.surroundings.environment.get(name);
        Some(text.cloned().ok_or_else(|| Rc::from(name)))
    }

    pub(super) fn get_variable(
        &mut self,
        name: &Value,
        default: Option<&Value>,
        named: &[(String, Value)],
    ) -> Value {
        let default = match named {
            [] => default,
            [(word, value)] if word == "default" => Some(value),
            _ => return self.unknown("comes from the environment in a way that is not known", &[]),
        };
        let Value::Text(name) = name else {
            return self.unknown("comes from a variable whose name nobody knows", &[]);
        };
        match (self.variable(name), default) {
            (None, _) => {
                let reason = format!(
                    "needs the variable {} of an environment that nobody knows",
                    shown_variable(name)
                );
                self.unknown(reason, default.as_slice_or_empty())
            }
            (Some(Ok(text)), _) => Value::text(text),
            (Some(Err(unset)), Some(default)) if !matches!(default, Value::None) => {
                self.believed.insert(unset);
                default.clone()
            }
            (Some(Err(unset)), _) => Value::Unset(unset),
        }
    }

    pub(super) fn new_dict(&mut self, given: &[Value], named: &[(String, Value)]) -> Option<Value> {
        let mut members = match given {
            [] => Vec::new(),
            [first] => self.pairs(first)?,
            _ => return None,
        };
        for (name, value) in named {
            self.put(&mut members, Value::text(name), value.clone()).then_some(())?;
        }
        Some(self.make(Object::Dict(members)))
    }

    /// The members that a dictionary, or a list of pairs, gives.
    pub(super) fn pairs(&mut self, value: &Value) -> Option<Vec<(Value, Value)>> {
        if let Some(members) = self.dict_members(value) {
            return Some(members);
        }
        let mut members = Vec::new();
        for item in self.items(value)? {
            let pair = self.items(&item)?;
            let [key, value] = pair.as_slice() else { return None };
            self.put(&mut members, key.clone(), value.clone()).then_some(())?;
        }
        Some(members)
    }

    /// A function of the language that only looks.
    pub(super) fn look(&mut self, name: &str, given: &[Value]) -> Option<Value> {
        match (name, given) {
            ("str", []) => Some(Value::text("")),
            ("str", [value]) => self.shown(value).map(Value::text),
            ("bool", [value]) => self.truth(value).map(Value::Bool),
            ("int", [Value::Int(number)]) => Some(Value::Int(*number)),
            ("int", [Value::Bool(value)]) => Some(Value::Int(i64::from(*value))),
            ("int", [Value::Text(text)]) => {
                let text = text.trim_matches([' ', '\t', '\n']);
                let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
                let plain = !digits.is_empty()
                    && digits.len() < 19
                    && digits.bytes().all(|byte| byte.is_ascii_digit());
                plain.then(|| text.parse().ok())?.map(Value::Int)
            }
            ("float", [Value::Float(number)]) => Some(Value::Float(*number)),
            ("len", [Value::Text(text)]) => {
                i64::try_from(text.chars().count()).ok().map(Value::Int)
            }
            ("len", [Value::Object(at)]) => match &self.state.heap.0[*at] {
                Object::Lost(_) => None,
                object => i64::try_from(object.size()).ok().map(Value::Int),
            },
            ("len", [Value::Tuple(items, _)]) => i64::try_from(items.len()).ok().map(Value::Int),
            ("list", []) => Some(self.make(Object::List(Vec::new()))),
            ("list", [value]) => {
                let items = self.items(value)?;
                Some(self.make(Object::List(items)))
            }
            ("tuple", []) => Value::tuple(Vec::new()),
            ("tuple", [value]) => Value::tuple(self.items(value)?),
            ("set", []) => Some(self.make(Object::Set(Vec::new()))),
            ("set", [Value::Object(at)]) if matches!(self.state.heap.0[*at], Object::Set(_)) => {
                let object = self.object(*at);
                Some(self.make(object))
            }
            ("set", [value]) => {
                let items = self.items(value)?;
                Some(self.set_of(items))
            }
            ("range", [Value::Int(end)]) if (0..10_000).contains(end) => {
                usize::try_from(*end).ok().map(|end| Value::View(View::Range, end))
            }
            _ => None,
        }
    }
}

trait OrEmpty {
    fn as_slice_or_empty(&self) -> &[Value];
}

impl OrEmpty for Option<&Value> {
    fn as_slice_or_empty(&self) -> &[Value] {
        self.map_or(&[], std::slice::from_ref)
    }
}

/// Parts of a path put together, as POSIX does.
pub(super) fn path_of_parts(parts: &[Value]) -> Option<Value> {
    let mut whole = String::new();
    for (at, part) in parts.iter().enumerate() {
        let Value::Text(part) = part else { return None };
        if part.starts_with('/') {
            whole.clear();
        } else if at > 0 && !whole.is_empty() && !whole.ends_with('/') {
            whole.push('/');
        }
        whole.push_str(part);
        if whole.len() > super::LONGEST_TEXT {
            return None;
        }
    }
    (!parts.is_empty()).then(|| Value::text(whole))
}
