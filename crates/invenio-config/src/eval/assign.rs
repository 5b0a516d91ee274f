//! Targets: what is set, changed or removed.

use ruff_python_ast::{Expr, Operator};

use super::touched::Touched;
use super::value::{Object, Value};
use super::{Evaluator, call};

impl Evaluator<'_> {
    pub(super) fn assign(&mut self, target: &Expr, value: Value) {
        match target {
            Expr::Name(name) => self.bind(&name.id, value),
            Expr::Subscript(subscript) => {
                let whole = self.expression(&subscript.value);
                self.change(&subscript.value);
                if matches!(*subscript.slice, Expr::Slice(_)) {
                    let why = self.why("is changed in parts");
                    let touched = Touched::by_expression(&subscript.slice, self);
                    self.uncertain(touched, &why);
                    self.foreign("is changed in parts", &[whole, value]);
                    return;
                }
                let key = self.expression(&subscript.slice);
                self.set_item(&whole, key, value);
            }
            Expr::Tuple(tuple) => self.unpack(&tuple.elts, &value),
            Expr::List(list) => self.unpack(&list.elts, &value),
            // Attributes of what is not ours; what they get may be changed by others.
            Expr::Attribute(attribute) => {
                let whole = self.expression(&attribute.value);
                self.foreign("has an attribute set", &[whole, value]);
            }
            other => {
                let why = self.why("is set in a way that is not followed");
                let touched = Touched::by_expression(other, self);
                self.uncertain(touched, &why);
                self.foreign("is set in a way that is not followed", &[value]);
            }
        }
    }

    /// Notes that the object of a name is changed.
    pub(super) fn change(&mut self, whole: &Expr) {
        let mut at = whole;
        loop {
            at = match at {
                Expr::Subscript(inner) => &inner.value,
                Expr::Attribute(inner) => &inner.value,
                Expr::Name(name) => {
                    self.changed.insert(name.id.to_string());
                    return;
                }
                _ => return,
            };
        }
    }

    fn unpack(&mut self, targets: &[Expr], value: &Value) {
        let items = self.items(value).filter(|items| items.len() == targets.len());
        let starred = targets.iter().any(|target| matches!(target, Expr::Starred(_)));
        match items.filter(|_| !starred) {
            Some(items) => {
                for (target, item) in targets.iter().zip(items) {
                    self.assign(target, item);
                }
            }
            None => {
                let unknown = self.foreign(
                    "is taken out of something that nobody knows",
                    std::slice::from_ref(value),
                );
                for target in targets {
                    let target = match target {
                        Expr::Starred(starred) => &starred.value,
                        other => other,
                    };
                    self.assign(target, unknown.clone());
                }
            }
        }
    }

    fn set_item(&mut self, whole: &Value, key: Value, value: Value) {
        if let Value::Foreign(path) = whole
            && call::is_environment(path)
        {
            match (key, value) {
                (Value::Text(name), Value::Text(text)) => {
                    self.state.environment.insert(name.to_string(), text.to_string());
                }
                _ => self.state.environment_lost = true,
            }
            return;
        }
        let Value::Object(at) = whole else {
            self.foreign("has a member set", &[whole.clone(), key, value]);
            return;
        };
        match (self.object(*at), &key) {
            (Object::Dict(mut members), _) => {
                if self.put(&mut members, key.clone(), value.clone()) {
                    self.state.heap.0[*at] = Object::Dict(members);
                } else {
                    self.foreign(
                        "has a member set under a key that nobody knows",
                        &[whole.clone(), key, value],
                    );
                }
            }
            (Object::List(items), Value::Int(index)) => match position(*index, items.len()) {
                Some(index) => {
                    if let Object::List(items) = &mut self.state.heap.0[*at] {
                        items[index] = value;
                    }
                }
                None => {
                    self.foreign("has a member set that it does not have", &[whole.clone(), value]);
                }
            },
            _ => {
                self.foreign("has a member set", &[whole.clone(), key, value]);
            }
        }
    }

    pub(super) fn augment(&mut self, target: &Expr, op: Operator, value: &Expr) {
        match target {
            Expr::Name(name) => {
                let before = self.name(&name.id);
                let value = self.expression(value);
                let after = self.augmented(before, op, value);
                self.bind(&name.id, after);
            }
            Expr::Subscript(subscript) if !matches!(*subscript.slice, Expr::Slice(_)) => {
                let whole = self.expression(&subscript.value);
                self.change(&subscript.value);
                let key = self.expression(&subscript.slice);
                let before = self.item(&whole, &key);
                let value = self.expression(value);
                let after = self.augmented(before, op, value);
                self.set_item(&whole, key, after);
            }
            other => {
                let value = self.expression(value);
                self.assign(other, value);
            }
        }
    }

    /// Lists, dictionaries and sets are changed in place; everything else is made anew.
    fn augmented(&mut self, before: Value, op: Operator, value: Value) -> Value {
        let Value::Object(at) = before else { return self.binary(before, op, value) };
        let changed = match (self.object(at), op) {
            (Object::List(mut items), Operator::Add) => self.items(&value).map(|more| {
                items.extend(more);
                Object::List(items)
            }),
            (Object::Dict(mut members), Operator::BitOr) => {
                let more = self.dict_members(&value);
                let all = more.is_some_and(|more| {
                    more.into_iter().all(|(key, value)| self.put(&mut members, key, value))
                });
                all.then_some(Object::Dict(members))
            }
            (Object::List(_), Operator::Mult) | (Object::Set(_), Operator::BitOr) => {
                match self.binary(before.clone(), op, value.clone()) {
                    Value::Object(made) => Some(self.state.heap.0[made].clone()),
                    _ => None,
                }
            }
            _ => None,
        };
        match changed {
            Some(object) => {
                self.step(object.size());
                self.state.heap.0[at] = object;
                before
            }
            None => self.foreign("is changed by something that nobody knows", &[before, value]),
        }
    }

    pub(super) fn delete(&mut self, target: &Expr) {
        match target {
            Expr::Name(name) => {
                self.doubts += usize::from(!self.state.names.contains_key(name.id.as_str()));
                self.state.names.remove(name.id.as_str());
            }
            Expr::Subscript(subscript) => {
                let whole = self.expression(&subscript.value);
                self.change(&subscript.value);
                let key = match &*subscript.slice {
                    Expr::Slice(_) => Value::None,
                    slice => self.expression(slice),
                };
                self.remove(&whole, &key);
            }
            Expr::Tuple(tuple) => tuple.elts.iter().for_each(|it| self.delete(it)),
            Expr::List(list) => list.elts.iter().for_each(|it| self.delete(it)),
            other => {
                let why = self.why("is removed in a way that is not followed");
                let touched = Touched::by_expression(other, self);
                self.uncertain(touched, &why);
            }
        }
    }

    fn remove(&mut self, whole: &Value, key: &Value) {
        if matches!(whole, Value::Foreign(path) if call::is_environment(path)) {
            self.state.environment_lost = true;
        }
        if let Value::Object(at) = whole {
            match (self.object(*at), key) {
                (Object::Dict(mut members), _) => {
                    if let Some(Some(found)) = self.found(&members, key) {
                        members.remove(found);
                        self.state.heap.0[*at] = Object::Dict(members);
                        return;
                    }
                }
                (Object::List(mut items), Value::Int(index)) => {
                    if let Some(index) = position(*index, items.len()) {
                        items.remove(index);
                        self.state.heap.0[*at] = Object::List(items);
                        return;
                    }
                }
                _ => {}
            }
        }
        self.foreign("has something removed that nobody knows", &[whole.clone(), key.clone()]);
    }
}

/// Where an index points; negative ones count from the end.
pub(super) fn position(index: i64, length: usize) -> Option<usize> {
    let length = i64::try_from(length).ok()?;
    let index = if index < 0 { index.checked_add(length)? } else { index };
    (0..length).contains(&index).then(|| usize::try_from(index).ok())?
}
