//! Numbers, and what becomes of two of them.

use ruff_python_ast::Operator;

use super::value::Value;

/// Whole numbers up to here are floats without loss.
const EXACT: i64 = 1 << 53;

#[derive(Clone, Copy)]
pub(super) enum Number {
    Int(i64),
    Float(f64),
}

impl Number {
    pub(super) fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Int(number) => Some(Self::Int(*number)),
            Value::Bool(value) => Some(Self::Int(i64::from(*value))),
            Value::Float(number) => Some(Self::Float(*number)),
            _ => None,
        }
    }

    pub(super) fn float(self) -> Option<f64> {
        match self {
            Self::Int(number) if (-EXACT..=EXACT).contains(&number) => Some(number as f64),
            Self::Int(_) => None,
            Self::Float(number) => Some(number),
        }
    }
}

pub(super) fn numbers(left: &Value, right: &Value) -> Option<(Number, Number)> {
    Some((Number::of(left)?, Number::of(right)?))
}

pub(super) fn arithmetic(left: &Value, op: Operator, right: &Value) -> Option<Value> {
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
