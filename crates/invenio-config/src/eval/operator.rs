//! Operators.

use ruff_python_ast::{CmpOp, ExprCompare, Operator, UnaryOp};

use super::equality::is_key;
use super::number::{Number, arithmetic, numbers};
use super::value::{Object, Value};
use super::{Evaluator, LONGEST_TEXT};

impl Evaluator<'_> {
    pub(super) fn unary(&mut self, op: UnaryOp, operand: Value) -> Value {
        if op == UnaryOp::Not {
            return match self.truth(&operand) {
                Some(truth) => Value::Bool(!truth),
                None => self.foreign("depends on something that nobody knows", &[operand]),
            };
        }
        let result = match (op, &operand) {
            (UnaryOp::USub, Value::Int(number)) => number.checked_neg().map(Value::Int),
            (UnaryOp::USub, Value::Float(number)) => Some(Value::Float(-number)),
            (UnaryOp::USub, Value::Bool(value)) => Some(Value::Int(-i64::from(*value))),
            (UnaryOp::UAdd, Value::Int(_) | Value::Float(_)) => Some(operand.clone()),
            (UnaryOp::UAdd, Value::Bool(value)) => Some(Value::Int(i64::from(*value))),
            (UnaryOp::Invert, Value::Int(number)) => Some(Value::Int(!number)),
            _ => None,
        };
        result.unwrap_or_else(|| {
            self.foreign("comes from an operator that is not evaluated", &[operand])
        })
    }

    pub(super) fn binary(&mut self, left: Value, op: Operator, right: Value) -> Value {
        let result = match op {
            Operator::Mod if matches!(left, Value::Text(_)) => self.percent(&left, &right),
            Operator::Add => self.added(&left, &right),
            Operator::Mult => self.repeated(&left, &right).or_else(|| self.repeated(&right, &left)),
            Operator::BitOr => self.united(&left, &right),
            _ => None,
        };
        let result = result.or_else(|| arithmetic(&left, op, &right));
        result.unwrap_or_else(|| {
            self.foreign("comes from an operator over something that nobody knows", &[left, right])
        })
    }

    fn added(&mut self, left: &Value, right: &Value) -> Option<Value> {
        match (left, right) {
            (Value::Text(left), Value::Text(right)) => self.joined(&[left, right], ""),
            (Value::Tuple(left, _), Value::Tuple(right, _)) => {
                self.step(left.len() + right.len());
                Value::tuple(left.iter().chain(right.iter()).cloned().collect())
            }
            (Value::Object(left), Value::Object(right)) => {
                let heap = &self.state.heap.0;
                let (Object::List(left), Object::List(right)) = (&heap[*left], &heap[*right])
                else {
                    return None;
                };
                let items = left.iter().chain(right).cloned().collect();
                Some(self.make(Object::List(items)))
            }
            _ => None,
        }
    }

    pub(super) fn joined(&mut self, texts: &[&str], between: &str) -> Option<Value> {
        let size = texts.iter().map(|text| text.len() + between.len()).sum::<usize>();
        self.step(size / 16);
        (size <= LONGEST_TEXT).then(|| Value::text(texts.join(between)))
    }

    fn repeated(&mut self, what: &Value, times: &Value) -> Option<Value> {
        let times = match times {
            Value::Int(times) => usize::try_from((*times).max(0)).ok()?,
            Value::Bool(times) => usize::from(*times),
            _ => return None,
        };
        let fits = |size: usize| size.checked_mul(times).is_some_and(|size| size <= LONGEST_TEXT);
        match what {
            Value::Text(text) if fits(text.len()) => {
                self.step(text.len() * times / 16);
                Some(Value::text(text.repeat(times)))
            }
            Value::Tuple(items, _) if fits(items.len().saturating_mul(16)) => {
                self.step(items.len() * times);
                Value::tuple(items.iter().cloned().cycle().take(items.len() * times).collect())
            }
            Value::Object(at) => {
                let Object::List(items) = &self.state.heap.0[*at] else { return None };
                if !fits(items.len().saturating_mul(16)) {
                    return None;
                }
                let items = items.iter().cloned().cycle().take(items.len() * times).collect();
                Some(self.make(Object::List(items)))
            }
            _ => None,
        }
    }

    /// `|` of dictionaries and of sets.
    fn united(&mut self, left: &Value, right: &Value) -> Option<Value> {
        let (Value::Object(left), Value::Object(right)) = (left, right) else { return None };
        match (self.object(*left), self.object(*right)) {
            (Object::Dict(mut members), Object::Dict(more)) => {
                for (key, value) in more {
                    if !self.put(&mut members, key, value) {
                        return None;
                    }
                }
                Some(self.make(Object::Dict(members)))
            }
            (Object::Set(items), Object::Set(more)) => {
                Some(self.set_of(items.into_iter().chain(more).collect()))
            }
            _ => None,
        }
    }

    pub(super) fn compare(&mut self, compare: &ExprCompare) -> Value {
        let mut left = self.expression(&compare.left);
        for (at, (op, right)) in compare.ops.iter().zip(&*compare.comparators).enumerate() {
            let right = self.expression(right);
            match self.compared(&left, *op, &right) {
                None => {
                    let why = self.why("depends on something that nobody knows");
                    for rest in &compare.comparators[at + 1..] {
                        let touched = super::touched::Touched::by_expression(rest, self);
                        self.uncertain(touched, &why);
                    }
                    return self.foreign("depends on something that nobody knows", &[left, right]);
                }
                Some(false) => return Value::Bool(false),
                Some(true) => left = right,
            }
        }
        Value::Bool(true)
    }

    fn compared(&mut self, left: &Value, op: CmpOp, right: &Value) -> Option<bool> {
        match op {
            CmpOp::Eq => self.equal(left, right),
            CmpOp::NotEq => self.equal(left, right).map(|equal| !equal),
            CmpOp::Is | CmpOp::IsNot => self.is(left, right).map(|is| is == (op == CmpOp::Is)),
            CmpOp::In | CmpOp::NotIn => self.holds(right, left).map(|is| is == (op == CmpOp::In)),
            CmpOp::Lt | CmpOp::LtE | CmpOp::Gt | CmpOp::GtE => {
                let order = match (left, right) {
                    (Value::Text(left), Value::Text(right)) => left.cmp(right),
                    _ => match numbers(left, right)? {
                        (Number::Int(left), Number::Int(right)) => left.cmp(&right),
                        (left, right) => left.float()?.partial_cmp(&right.float()?)?,
                    },
                };
                Some(match op {
                    CmpOp::Lt => order.is_lt(),
                    CmpOp::LtE => order.is_le(),
                    CmpOp::Gt => order.is_gt(),
                    _ => order.is_ge(),
                })
            }
        }
    }

    /// `is`, as far as it does not depend on how Python keeps its values.
    fn is(&mut self, left: &Value, right: &Value) -> Option<bool> {
        match (left, right) {
            (Value::None, other) | (other, Value::None) => match other {
                Value::None => Some(true),
                Value::Unset(name) => {
                    self.believed.insert(std::rc::Rc::clone(name));
                    Some(true)
                }
                other if other.is_open() => None,
                _ => Some(false),
            },
            (Value::Bool(left), Value::Bool(right)) => Some(left == right),
            (Value::Object(left), Value::Object(right)) => Some(left == right),
            _ => None,
        }
    }

    fn holds(&mut self, whole: &Value, part: &Value) -> Option<bool> {
        if let (Value::Text(whole), Value::Text(part)) = (whole, part) {
            self.step(whole.len() / 16);
            return Some(whole.contains(part.as_ref()));
        }
        if let (Value::Foreign(path), Value::Text(name)) = (whole, part)
            && super::call::is_environment(path)
        {
            return match self.variable(name)? {
                Ok(_) => Some(true),
                Err(unset) => {
                    self.believed.insert(unset);
                    Some(false)
                }
            };
        }
        let needs_key = matches!(whole, Value::Object(at)
            if matches!(self.state.heap.0[*at], Object::Dict(_) | Object::Set(_)));
        if needs_key && !is_key(part) {
            return None;
        }
        for item in self.items(whole)? {
            if self.equal(&item, part)? {
                return Some(true);
            }
        }
        Some(false)
    }
}
