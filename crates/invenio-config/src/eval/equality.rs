//! What is true, what equals what, and what can be a key.

use super::Evaluator;
use super::number::{Number, numbers};
use super::value::{Object, Value};

impl Evaluator<'_> {
    /// What `bool()` makes of it, if that is known.
    pub(super) fn truth(&mut self, value: &Value) -> Option<bool> {
        Some(match value {
            Value::None => false,
            Value::Bool(value) => *value,
            Value::Int(number) => *number != 0,
            Value::Float(number) => *number != 0.0,
            Value::Text(text) => !text.is_empty(),
            Value::Tuple(items, _) => !items.is_empty(),
            Value::Function(_) => true,
            Value::Unset(name) => {
                self.believed.insert(std::rc::Rc::clone(name));
                false
            }
            Value::Object(at) => match &self.state.heap.0[*at] {
                Object::List(items) | Object::Set(items) => !items.is_empty(),
                Object::Dict(members) => !members.is_empty(),
                Object::Lost(_) => return None,
            },
            Value::Lazy(_) | Value::Foreign(_) | Value::Unknown(_) | Value::View(..) => {
                return None;
            }
        })
    }

    /// Whether `==` holds, if that is known.
    pub(super) fn equal(&mut self, left: &Value, right: &Value) -> Option<bool> {
        self.depth += 1;
        let equal =
            if self.depth < 100 && self.step(1) { self.same_value(left, right) } else { None };
        self.depth -= 1;
        equal
    }

    fn same_value(&mut self, left: &Value, right: &Value) -> Option<bool> {
        if let Some((left, right)) = numbers(left, right) {
            return match (left, right) {
                (Number::Int(left), Number::Int(right)) => Some(left == right),
                _ => Some(left.float()? == right.float()?),
            };
        }
        match (left, right) {
            (Value::Unset(name), other) | (other, Value::Unset(name)) => {
                self.believed.insert(std::rc::Rc::clone(name));
                match other {
                    Value::Unset(_) | Value::None => Some(true),
                    other if is_opaque(other) => None,
                    _ => Some(false),
                }
            }
            (Value::Text(left), Value::Text(right)) => {
                self.step(left.len().min(right.len()) / 16);
                Some(left == right)
            }
            (Value::None, Value::None) => Some(true),
            (Value::Tuple(left, _), Value::Tuple(right, _)) => self.all_equal(left, right),
            (Value::Object(left), Value::Object(right)) => self.objects_equal(*left, *right),
            (left, right) if is_opaque(left) || is_opaque(right) => None,
            (Value::Object(at), _) | (_, Value::Object(at)) => {
                let is_lost = matches!(self.state.heap.0[*at], Object::Lost(_));
                (!is_lost).then_some(false)
            }
            _ => Some(false),
        }
    }

    fn all_equal(&mut self, left: &[Value], right: &[Value]) -> Option<bool> {
        if left.len() != right.len() {
            return Some(false);
        }
        for (left, right) in left.iter().zip(right) {
            if !self.equal(left, right)? {
                return Some(false);
            }
        }
        Some(true)
    }

    fn objects_equal(&mut self, left: usize, right: usize) -> Option<bool> {
        match (self.object(left), self.object(right)) {
            (Object::List(left), Object::List(right)) => self.all_equal(&left, &right),
            (Object::Dict(left), Object::Dict(right)) => {
                if left.len() != right.len() {
                    return Some(false);
                }
                for (key, value) in left {
                    match self.found(&right, &key)? {
                        None => return Some(false),
                        Some(at) => {
                            if !self.equal(&value, &right[at].1)? {
                                return Some(false);
                            }
                        }
                    }
                }
                Some(true)
            }
            (Object::Lost(_), _) | (_, Object::Lost(_)) | (Object::Set(_), Object::Set(_)) => None,
            _ => Some(false),
        }
    }

    /// Where a key stands; the outer `None` when that is not known, or the key is none.
    pub(super) fn found(
        &mut self,
        members: &[(Value, Value)],
        key: &Value,
    ) -> Option<Option<usize>> {
        if !is_key(key) {
            return None;
        }
        for (at, (other, _)) in members.iter().enumerate() {
            if self.equal(other, key)? {
                return Some(Some(at));
            }
        }
        Some(None)
    }

    /// Sets a member; `false` when the key cannot be one or is not known.
    pub(super) fn put(
        &mut self,
        members: &mut Vec<(Value, Value)>,
        key: Value,
        value: Value,
    ) -> bool {
        match self.found(members, &key) {
            Some(Some(at)) => members[at].1 = value,
            Some(None) => members.push((key, value)),
            None => {
                members.push((key, value));
                return false;
            }
        }
        true
    }

    /// A set of these; of equal ones the first.
    pub(super) fn set_of(&mut self, items: Vec<Value>) -> Value {
        let mut members = Vec::new();
        for item in items {
            let found = self.found(&members, &item);
            match found {
                Some(None) => members.push((item, Value::None)),
                Some(Some(_)) => {}
                None => return self.unknown("is a set of something that nobody knows", &[item]),
            }
        }
        self.make(Object::Set(members.into_iter().map(|(key, _)| key).collect()))
    }
}

/// Whether nobody knows what it is equal to.
fn is_opaque(value: &Value) -> bool {
    value.is_open() || matches!(value, Value::Lazy(_) | Value::Function(_) | Value::View(..))
}

/// Whether it can be a key, for sure.
pub(super) fn is_key(value: &Value) -> bool {
    match value {
        Value::None | Value::Bool(_) | Value::Int(_) | Value::Text(_) => true,
        Value::Float(number) => !number.is_nan(),
        Value::Tuple(items, _) => items.len() <= 8 && items.iter().all(is_plain_key),
        _ => false,
    }
}

fn is_plain_key(value: &Value) -> bool {
    !matches!(value, Value::Tuple(..)) && is_key(value)
}
