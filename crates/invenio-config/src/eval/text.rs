//! What values look like as text.

use std::rc::Rc;

use super::value::{Object, Value, View};
use super::{Evaluator, LONGEST_TEXT};
use crate::names::shown_variable;

impl Evaluator<'_> {
    /// What `str()` makes of it, if that is known.
    pub(super) fn shown(&mut self, value: &Value) -> Option<String> {
        Some(match value {
            Value::Text(text) => {
                self.step(text.len() / 16);
                text.as_ref().to_owned()
            }
            Value::Int(number) => number.to_string(),
            Value::Bool(true) => "True".to_owned(),
            Value::Bool(false) => "False".to_owned(),
            Value::None => "None".to_owned(),
            // In this range both languages write the same digits.
            Value::Float(number) if number.is_finite() && (1e-4..1e15).contains(&number.abs()) => {
                format!("{number:?}")
            }
            _ => return None,
        })
    }

    /// `text % values`, as far as it is made of `%s`, `%d` and `%(name)s`.
    pub(super) fn percent(&mut self, text: &Value, values: &Value) -> Option<Value> {
        let Value::Text(text) = text else { return None };
        let by_name = self.dict_members(values);
        let mut in_turn = match values {
            Value::Tuple(items, _) => items.to_vec(),
            other => vec![other.clone()],
        }
        .into_iter();
        let (mut whole, mut rest, mut turns) = (String::new(), text.as_ref(), 0);
        while let Some(at) = rest.find('%') {
            whole.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix('%') {
                whole.push('%');
                rest = after;
                continue;
            }
            let value = match rest.strip_prefix('(') {
                Some(named) => {
                    let (name, after) = named.split_once(')')?;
                    rest = after;
                    let members = by_name.as_ref()?;
                    let at = self.found(members, &Value::text(name))??;
                    members[at].1.clone()
                }
                None => {
                    turns += 1;
                    in_turn.next()?
                }
            };
            let is_number = rest.starts_with('d');
            if !rest.starts_with('s') && !is_number {
                return None;
            }
            if is_number && !matches!(value, Value::Int(_)) {
                return None;
            }
            rest = &rest[1..];
            whole.push_str(&self.shown(&value)?);
            if whole.len() > LONGEST_TEXT {
                return None;
            }
        }
        // Left over values are an error, unless they are a dictionary.
        let all_used = in_turn.next().is_none() || (turns == 0 && by_name.is_some());
        whole.push_str(rest);
        self.step(whole.len() / 16);
        (all_used && whole.len() <= LONGEST_TEXT).then(|| Value::text(whole))
    }

    /// `text.format(…)`, as far as it is made of `{}`, `{0}` and `{name}`.
    pub(super) fn filled(
        &mut self,
        text: &Rc<str>,
        in_turn: &[Value],
        by_name: &[(String, Value)],
    ) -> Option<Value> {
        let (mut whole, mut rest, mut turn, mut numbered) =
            (String::new(), text.as_ref(), 0, false);
        while let Some(at) = rest.find(['{', '}']) {
            whole.push_str(&rest[..at]);
            let bracket = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(bracket) {
                whole.push_str(bracket);
                rest = after;
                continue;
            }
            if bracket == "}" {
                return None;
            }
            let (field, after) = rest.split_once('}')?;
            rest = after;
            let is_index = !field.is_empty() && field.bytes().all(|byte| byte.is_ascii_digit());
            let value = if field.is_empty() {
                turn += 1;
                in_turn.get(turn - 1)?.clone()
            } else if is_index {
                numbered = true;
                in_turn.get(field.parse::<usize>().ok()?)?.clone()
            } else {
                let named = by_name.iter().find(|(name, _)| name == field)?;
                named.1.clone()
            };
            if numbered && turn > 0 {
                return None;
            }
            whole.push_str(&self.shown(&value)?);
            if whole.len() > LONGEST_TEXT {
                return None;
            }
        }
        whole.push_str(rest);
        self.step(whole.len() / 16);
        (whole.len() <= LONGEST_TEXT).then(|| Value::text(whole))
    }

    /// The members of a dictionary that is known.
    pub(super) fn dict_members(&mut self, value: &Value) -> Option<Vec<(Value, Value)>> {
        let Value::Object(at) = value else { return None };
        match self.object(*at) {
            Object::Dict(members) => Some(members),
            _ => None,
        }
    }

    /// What a loop over a value goes through, if that and its order are known.
    pub(super) fn items(&mut self, value: &Value) -> Option<Vec<Value>> {
        match value {
            Value::Tuple(items, _) => {
                self.step(items.len());
                Some(items.to_vec())
            }
            Value::View(View::Range, end) => {
                self.step(*end);
                Some((0..*end).filter_map(|it| i64::try_from(it).ok()).map(Value::Int).collect())
            }
            Value::View(view, at) => {
                let Object::Dict(members) = self.object(*at) else { return None };
                let members = members.into_iter();
                match view {
                    View::Keys => Some(members.map(|(key, _)| key).collect()),
                    View::Values => Some(members.map(|(_, value)| value).collect()),
                    _ => members.map(|(key, value)| Value::tuple(vec![key, value])).collect(),
                }
            }
            Value::Text(text) if text.len() < 10_000 => {
                self.step(text.len());
                Some(text.chars().map(|letter| Value::text(letter.to_string())).collect())
            }
            Value::Object(at) => match self.object(*at) {
                Object::List(items) => Some(items),
                Object::Dict(members) => Some(members.into_iter().map(|(key, _)| key).collect()),
                // Nobody knows the order of more than one.
                Object::Set(items) if items.len() < 2 => Some(items),
                Object::Set(_) | Object::Lost(_) => None,
            },
            _ => None,
        }
    }

    /// `value[key]`.
    pub(super) fn item(&mut self, value: &Value, key: &Value) -> Value {
        let found = match (value, key) {
            (Value::Object(at), _) => match (self.object(*at), key) {
                (Object::Dict(members), _) => {
                    self.found(&members, key).flatten().map(|at| members[at].1.clone())
                }
                (Object::List(items), Value::Int(index)) => {
                    super::assign::position(*index, items.len()).map(|at| items[at].clone())
                }
                _ => None,
            },
            (Value::Tuple(items, _), Value::Int(index)) => {
                super::assign::position(*index, items.len()).map(|at| items[at].clone())
            }
            (Value::Text(text), Value::Int(index)) => {
                self.step(text.len() / 16);
                let at = super::assign::position(*index, text.chars().count());
                at.and_then(|at| text.chars().nth(at)).map(|it| Value::text(it.to_string()))
            }
            (Value::Foreign(path), Value::Text(name)) if super::call::is_environment(path) => {
                match self.variable(name) {
                    Some(Ok(text)) => Some(Value::text(text)),
                    Some(Err(_)) => {
                        let reason = format!(
                            "needs the variable {}, which is not set here",
                            shown_variable(name)
                        );
                        return self.unknown(reason, &[]);
                    }
                    None => None,
                }
            }
            _ => None,
        };
        found.unwrap_or_else(|| {
            let given = [value.clone(), key.clone()];
            match value {
                Value::Object(_) | Value::Tuple(..) => {
                    self.unknown("is taken out of something at a place that nobody knows", &given)
                }
                _ => self.foreign("is taken out of something that nobody knows", &given),
            }
        })
    }

    /// `value[lower:upper]`.
    pub(super) fn slice(&mut self, value: &Value, slice: &ruff_python_ast::ExprSlice) -> Value {
        let mut bounds = [None, None];
        let mut known = slice.step.is_none();
        for (bound, expression) in bounds.iter_mut().zip([&slice.lower, &slice.upper]) {
            if let Some(expression) = expression {
                match self.expression(expression) {
                    Value::Int(index) => *bound = Some(index),
                    Value::None => {}
                    _ => known = false,
                }
            }
        }
        if let Some(step) = &slice.step {
            self.not_followed(step);
        }
        let range = |length: usize| {
            let length = i64::try_from(length).unwrap_or(i64::MAX);
            let place = |index: i64| if index < 0 { index.saturating_add(length) } else { index };
            let lower = bounds[0].map_or(0, place).clamp(0, length);
            let upper = bounds[1].map_or(length, place).clamp(lower, length);
            usize::try_from(lower).unwrap_or(0)..usize::try_from(upper).unwrap_or(0)
        };
        let taken = match value {
            _ if !known => None,
            Value::Tuple(items, _) => Value::tuple(items[range(items.len())].to_vec()),
            Value::Text(text) => {
                self.step(text.len() / 16);
                let range = range(text.chars().count());
                let letters = text.chars().skip(range.start).take(range.len());
                Some(Value::text(letters.collect::<String>()))
            }
            Value::Object(at) => match self.object(*at) {
                Object::List(items) => {
                    Some(self.make(Object::List(items[range(items.len())].to_vec())))
                }
                _ => None,
            },
            _ => None,
        };
        taken.unwrap_or_else(|| {
            self.foreign("is a part of something that nobody knows", std::slice::from_ref(value))
        })
    }
}
