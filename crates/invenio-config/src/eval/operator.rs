//! Operators, and what values are to each other.

use ruff_python_ast::{CmpOp, ExprCompare, Operator, UnaryOp};

use super::value::{Object, Value};
use super::{Evaluator, LONGEST_TEXT};

/// Whole numbers up to here are floats without loss.
const EXACT: i64 = 1 << 53;

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

#[derive(Clone, Copy)]
enum Number {
    Int(i64),
    Float(f64),
}

impl Number {
    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Int(number) => Some(Self::Int(*number)),
            Value::Bool(value) => Some(Self::Int(i64::from(*value))),
            Value::Float(number) => Some(Self::Float(*number)),
            _ => None,
        }
    }

    fn float(self) -> Option<f64> {
        match self {
            Self::Int(number) if (-EXACT..=EXACT).contains(&number) => Some(number as f64),
            Self::Int(_) => None,
            Self::Float(number) => Some(number),
        }
    }
}

fn numbers(left: &Value, right: &Value) -> Option<(Number, Number)> {
    Some((Number::of(left)?, Number::of(right)?))
}

fn arithmetic(left: &Value, op: Operator, right: &Value) -> Option<Value> {
    if let (Value::Bool(left), Value::Bool(right)) = (left, right) {
        match op {
            Operator::BitOr => return Some(Value::Bool(left | right)),
            Operator::BitAnd => return Some(Value::Bool(left & right)),
            Operator::BitXor => return Some(Value::Bool(left ^ right)),
            _ => {}
        }
    }
    match numbers(left, right)? {
        (Number::Int(left), Number::Int(right)) => integers(left, op, right),
        (left, right) => {
            let (left, right) = (left.float()?, right.float()?);
            let result = match op {
                Operator::Add => left + right,
                Operator::Sub => left - right,
                Operator::Mult => left * right,
                Operator::Div if right != 0.0 => left / right,
                _ => return None,
            };
            Some(Value::Float(result))
        }
    }
}

fn integers(left: i64, op: Operator, right: i64) -> Option<Value> {
    let quotient = || {
        let quotient = left.checked_div(right)?;
        let floors = left % right != 0 && (left < 0) != (right < 0);
        Some(quotient - i64::from(floors))
    };
    let shift = || u32::try_from(right).ok().filter(|shift| *shift < 63);
    match op {
        Operator::Add => left.checked_add(right),
        Operator::Sub => left.checked_sub(right),
        Operator::Mult => left.checked_mul(right),
        Operator::FloorDiv => quotient(),
        Operator::Mod => {
            quotient().and_then(|quotient| left.checked_sub(quotient.checked_mul(right)?))
        }
        Operator::Pow => left.checked_pow(u32::try_from(right).ok()?),
        Operator::BitOr => Some(left | right),
        Operator::BitAnd => Some(left & right),
        Operator::BitXor => Some(left ^ right),
        Operator::LShift => left.checked_mul(1_i64 << shift()?),
        Operator::RShift => Some(left >> shift()?),
        Operator::Div => {
            let (left, right) = (Number::Int(left).float()?, Number::Int(right).float()?);
            return (right != 0.0).then(|| Value::Float(left / right));
        }
        Operator::MatMult => None,
    }
    .map(Value::Int)
}
