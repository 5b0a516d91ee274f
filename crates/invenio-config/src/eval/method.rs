//! Methods of texts, lists, dictionaries and sets.

use std::rc::Rc;

use super::Evaluator;
use super::assign::position;
use super::value::{Object, Value, View};

impl Evaluator<'_> {
    pub(super) fn method(
        &mut self,
        whole: &Value,
        name: &str,
        given: &[Value],
        named: &[(String, Value)],
    ) -> Value {
        let result = match whole {
            Value::Text(text) => {
                let text = Rc::clone(text);
                self.step(text.len() / 16);
                if name == "format" {
                    self.filled(&text, given, named)
                } else if named.is_empty() {
                    self.method_of_text(&text, name, given)
                } else {
                    None
                }
            }
            Value::Object(at) => match self.object(*at) {
                Object::List(items) if named.is_empty() => {
                    self.method_of_list(*at, items, name, given)
                }
                Object::Dict(members) => self.method_of_dict(*at, members, name, given, named),
                Object::Set(items) if named.is_empty() => {
                    self.method_of_set(*at, items, name, given)
                }
                _ => None,
            },
            _ => None,
        };
        result.unwrap_or_else(|| {
            let mut all = vec![whole.clone()];
            all.extend(given.iter().cloned());
            all.extend(named.iter().map(|(_, value)| value.clone()));
            self.foreign(format!("is touched by `.{name}()`, which is not evaluated"), &all)
        })
    }

    fn method_of_text(&mut self, text: &Rc<str>, name: &str, given: &[Value]) -> Option<Value> {
        let cut = |end: &dyn Fn(&str) -> String| Some(Value::text(end(text)));
        match (name, given) {
            ("upper", []) if text.is_ascii() => cut(&str::to_ascii_uppercase),
            ("lower", []) if text.is_ascii() => cut(&str::to_ascii_lowercase),
            ("strip" | "lstrip" | "rstrip", _) => stripped(text, name, given),
            ("startswith", [Value::Text(part)]) => {
                Some(Value::Bool(text.starts_with(part.as_ref())))
            }
            ("endswith", [Value::Text(part)]) => Some(Value::Bool(text.ends_with(part.as_ref()))),
            ("removeprefix", [Value::Text(part)]) => {
                cut(&|text| text.strip_prefix(part.as_ref()).unwrap_or(text).to_owned())
            }
            ("removesuffix", [Value::Text(part)]) => {
                cut(&|text| text.strip_suffix(part.as_ref()).unwrap_or(text).to_owned())
            }
            ("replace", [Value::Text(old), Value::Text(new)]) if !old.is_empty() => {
                self.replaced(text, old, new)
            }
            ("split", [Value::Text(between)]) if !between.is_empty() => {
                let parts: Vec<Value> = text.split(between.as_ref()).map(Value::text).collect();
                Some(self.make(Object::List(parts)))
            }
            ("split", []) if text.is_ascii() => {
                let parts = text.split(is_space).filter(|part| !part.is_empty());
                let parts = parts.map(Value::text).collect();
                Some(self.make(Object::List(parts)))
            }
            ("join", [value]) => self.joined_items(value, text),
            _ => None,
        }
    }

    fn replaced(&mut self, text: &str, old: &str, new: &str) -> Option<Value> {
        let times = text.matches(old).count();
        let size = text.len().saturating_add(times.saturating_mul(new.len()));
        self.step(size / 16);
        (size <= super::LONGEST_TEXT).then(|| Value::text(text.replace(old, new)))
    }

    fn joined_items(&mut self, value: &Value, between: &str) -> Option<Value> {
        let items = self.items(value)?;
        let texts: Option<Vec<&str>> = items
            .iter()
            .map(|item| match item {
                Value::Text(text) => Some(text.as_ref()),
                _ => None,
            })
            .collect();
        self.joined(&texts?, between)
    }

    fn method_of_list(
        &mut self,
        at: usize,
        mut items: Vec<Value>,
        name: &str,
        given: &[Value],
    ) -> Option<Value> {
        let result = match (name, given) {
            ("append", [value]) => {
                items.push(value.clone());
                Value::None
            }
            ("extend", [value]) => {
                items.extend(self.items(value)?);
                Value::None
            }
            ("insert", [Value::Int(index), value]) => {
                let length = i64::try_from(items.len()).ok()?;
                let place = if *index < 0 { index.saturating_add(length) } else { *index };
                items.insert(usize::try_from(place.clamp(0, length)).ok()?, value.clone());
                Value::None
            }
            ("pop", []) => items.pop()?,
            ("pop", [Value::Int(index)]) => items.remove(position(*index, items.len())?),
            ("remove", [value]) => {
                let mut found = None;
                for (place, item) in items.iter().enumerate() {
                    if self.equal(item, value)? {
                        found = Some(place);
                        break;
                    }
                }
                items.remove(found?);
                Value::None
            }
            ("clear", []) => {
                items.clear();
                Value::None
            }
            ("reverse", []) => {
                items.reverse();
                Value::None
            }
            ("copy", []) => return Some(self.make(Object::List(items))),
            _ => return None,
        };
        self.state.heap.0[at] = Object::List(items);
        Some(result)
    }

    fn method_of_dict(
        &mut self,
        at: usize,
        mut members: Vec<(Value, Value)>,
        name: &str,
        given: &[Value],
        named: &[(String, Value)],
    ) -> Option<Value> {
        if !named.is_empty() && name != "update" {
            return None;
        }
        let result = match (name, given) {
            ("get", [key, default @ ..]) if default.len() < 2 => {
                let found = self.found(&members, key)?;
                let default = default.first().cloned().unwrap_or(Value::None);
                return Some(found.map_or(default, |at| members[at].1.clone()));
            }
            ("keys", []) => return Some(Value::View(View::Keys, at)),
            ("values", []) => return Some(Value::View(View::Values, at)),
            ("items", []) => return Some(Value::View(View::Items, at)),
            ("copy", []) => return Some(self.make(Object::Dict(members))),
            ("update", [] | [_]) => {
                self.put_all(&mut members, given.first(), named)?;
                Value::None
            }
            ("setdefault", [key, default @ ..]) if default.len() < 2 => {
                match self.found(&members, key)? {
                    Some(at) => members[at].1.clone(),
                    None => {
                        let value = default.first().cloned().unwrap_or(Value::None);
                        members.push((key.clone(), value.clone()));
                        value
                    }
                }
            }
            ("pop", [key, default @ ..]) if default.len() < 2 => {
                match self.found(&members, key)? {
                    Some(at) => members.remove(at).1,
                    None => return default.first().cloned(),
                }
            }
            ("clear", []) => {
                members.clear();
                Value::None
            }
            _ => return None,
        };
        self.state.heap.0[at] = Object::Dict(members);
        Some(result)
    }

    /// `update` of a dictionary.
    fn put_all(
        &mut self,
        members: &mut Vec<(Value, Value)>,
        more: Option<&Value>,
        named: &[(String, Value)],
    ) -> Option<()> {
        let more = match more {
            Some(more) => self.pairs(more)?,
            None => Vec::new(),
        };
        let named = named.iter().map(|(name, value)| (Value::text(name), value.clone()));
        for (key, value) in more.into_iter().chain(named) {
            self.put(members, key, value).then_some(())?;
        }
        Some(())
    }

    fn method_of_set(
        &mut self,
        at: usize,
        mut items: Vec<Value>,
        name: &str,
        given: &[Value],
    ) -> Option<Value> {
        let [value] = given else { return None };
        let pairs: Vec<(Value, Value)> =
            items.iter().map(|item| (item.clone(), Value::None)).collect();
        let found = self.found(&pairs, value)?;
        match (name, found) {
            ("add", None) => items.push(value.clone()),
            ("add", Some(_)) | ("discard", None) => {}
            ("discard" | "remove", Some(place)) => drop(items.remove(place)),
            _ => return None,
        }
        self.state.heap.0[at] = Object::Set(items);
        Some(Value::None)
    }

    /// `copy.deepcopy`: what was shared stays shared.
    pub(super) fn copied(
        &mut self,
        value: &Value,
        copies: &mut Vec<(usize, Value)>,
    ) -> Option<Value> {
        self.depth += 1;
        let copy =
            if self.depth < 100 && self.step(1) { self.copied_deep(value, copies) } else { None };
        self.depth -= 1;
        copy
    }

    fn copied_deep(&mut self, value: &Value, copies: &mut Vec<(usize, Value)>) -> Option<Value> {
        match value {
            Value::Tuple(items, _) => {
                let items: Option<Vec<Value>> =
                    items.iter().map(|item| self.copied(item, copies)).collect();
                Value::tuple(items?)
            }
            Value::Object(at) => {
                self.step(copies.len());
                if let Some((_, copy)) = copies.iter().find(|(seen, _)| seen == at) {
                    return Some(copy.clone());
                }
                let copy = self.make(Object::List(Vec::new()));
                copies.push((*at, copy.clone()));
                let all = |this: &mut Self, items: Vec<Value>, copies: &mut Vec<(usize, Value)>| {
                    items.iter().map(|item| this.copied(item, copies)).collect::<Option<Vec<_>>>()
                };
                let object = match self.object(*at) {
                    Object::List(items) => Object::List(all(self, items, copies)?),
                    Object::Set(items) => Object::Set(items),
                    Object::Dict(members) => {
                        let (keys, values) = members.into_iter().unzip::<_, _, Vec<_>, Vec<_>>();
                        let values = all(self, values, copies)?;
                        Object::Dict(keys.into_iter().zip(values).collect())
                    }
                    Object::Lost(_) => return None,
                };
                if let Value::Object(made) = copy {
                    self.state.heap.0[made] = object;
                }
                Some(copy)
            }
            Value::Foreign(_) | Value::Unknown(_) | Value::View(..) => None,
            other => Some(other.clone()),
        }
    }

    /// `copy.copy`.
    pub(super) fn copied_flat(&mut self, value: &Value) -> Option<Value> {
        match value {
            Value::Object(at) => match self.object(*at) {
                Object::Lost(_) => None,
                object => Some(self.make(object)),
            },
            Value::Foreign(_) | Value::Unknown(_) | Value::View(..) => None,
            other => Some(other.clone()),
        }
    }
}

/// `strip`, `lstrip` and `rstrip`: of given letters, or of spaces.
fn stripped(text: &str, name: &str, given: &[Value]) -> Option<Value> {
    let letters = match given {
        [] if text.is_ascii() => None,
        [Value::Text(letters)] => Some(letters),
        _ => return None,
    };
    let goes = |letter: char| match letters {
        Some(letters) => letters.contains(letter),
        None => is_space(letter),
    };
    Some(Value::text(match name {
        "strip" => text.trim_matches(goes),
        "lstrip" => text.trim_start_matches(goes),
        _ => text.trim_end_matches(goes),
    }))
}

/// What Python cuts off: only of ASCII here.
fn is_space(letter: char) -> bool {
    matches!(letter, ' ' | '\t'..='\r' | '\x1c'..='\x1f')
}
