//! Expressions.

use std::rc::Rc;

use ruff_python_ast::{
    BoolOp, Expr, ExprFString, ExprLambda, FStringPart, InterpolatedStringElement, Number,
};

use super::touched::{Touched, is_table, is_table_attribute};
use super::value::{Object, Value};
use super::{Evaluator, LONGEST_TEXT};
use crate::literal::of_text;

impl Evaluator<'_> {
    pub(super) fn expression(&mut self, expression: &Expr) -> Value {
        if !self.step(1) {
            return self.unknown("is undecided because the file takes too long to evaluate", &[]);
        }
        match expression {
            Expr::NoneLiteral(_) => Value::None,
            Expr::BooleanLiteral(literal) => Value::Bool(literal.value),
            Expr::NumberLiteral(literal) => self.number(&literal.value),
            Expr::StringLiteral(literal) => self.text(literal.value.to_str()),
            Expr::FString(text) => self.formatted(text),
            Expr::Name(name) => self.name(&name.id),
            Expr::List(list) => {
                self.made_of(&list.elts, |this, items| this.make(Object::List(items)))
            }
            Expr::Tuple(tuple) => self.made_of(&tuple.elts, Self::tuple),
            Expr::Set(set) => self.made_of(&set.elts, Self::set_of),
            Expr::Dict(dict) => self.dict(dict),
            Expr::BinOp(binary) => {
                let left = self.expression(&binary.left);
                let right = self.expression(&binary.right);
                self.binary(left, binary.op, right)
            }
            Expr::UnaryOp(unary) => {
                let operand = self.expression(&unary.operand);
                self.unary(unary.op, operand)
            }
            Expr::BoolOp(inner) => self.either(inner.op, &inner.values),
            Expr::Compare(compare) => self.compare(compare),
            Expr::If(inner) => self.conditional(&inner.test, &inner.body, &inner.orelse),
            Expr::Named(named) => self.named(&named.target, &named.value),
            Expr::Attribute(attribute) => {
                let value = self.expression(&attribute.value);
                self.attribute(&value, &attribute.attr)
            }
            Expr::Subscript(subscript) => {
                let value = self.expression(&subscript.value);
                self.subscript(&value, &subscript.slice)
            }
            Expr::Call(call) => self.call(call),
            Expr::Lambda(lambda) => self.lambda(lambda, expression),
            Expr::ListComp(inner) => self.list_comprehension(&inner.elt, &inner.generators),
            Expr::SetComp(inner) => self.set_comprehension(&inner.elt, &inner.generators),
            Expr::DictComp(inner) => match &inner.key {
                Some(key) => self.dict_comprehension(key, &inner.value, &inner.generators),
                None => self.not_followed(expression),
            },
            _ => self.not_followed(expression),
        }
    }

    /// An expression that is not understood: what it mentions may have been changed.
    pub(super) fn not_followed(&mut self, expression: &Expr) -> Value {
        let reason = "comes from an expression that is not evaluated";
        let why = self.why(reason);
        let touched = Touched::by_expression(expression, self);
        self.uncertain(touched, &why);
        Value::Unknown(why)
    }

    /// `(target := value)`.
    fn named(&mut self, target: &Expr, value: &Expr) -> Value {
        let value = self.expression(value);
        self.assign(target, value.clone());
        value
    }

    fn lambda(&mut self, lambda: &ExprLambda, whole: &Expr) -> Value {
        let only = lambda.parameters.as_deref().and_then(super::call::only_parameter);
        let gives_back =
            matches!(&*lambda.body, Expr::Name(name) if only == Some(name.id.as_str()));
        let touched = Touched::by_expression(whole, self);
        self.define(touched);
        Value::Function(gives_back)
    }

    /// A list, tuple or set of the values of some expressions.
    fn made_of(&mut self, items: &[Expr], make: fn(&mut Self, Vec<Value>) -> Value) -> Value {
        match self.all(items) {
            Ok(items) => make(self, items),
            Err(unknown) => unknown,
        }
    }

    pub(super) fn make(&mut self, object: Object) -> Value {
        self.step(object.size());
        self.state.heap.add(object)
    }

    pub(super) fn tuple(&mut self, items: Vec<Value>) -> Value {
        self.step(items.len());
        Value::tuple(items)
            .unwrap_or_else(|| self.unknown("has too many tuples in each other", &[]))
    }

    fn text(&mut self, literal: &str) -> Value {
        match of_text(literal) {
            Some(text) => Value::text(text),
            None => self.unknown("holds half a character", &[]),
        }
    }

    fn number(&mut self, number: &Number) -> Value {
        match number {
            Number::Int(number) => match number.as_i64() {
                Some(number) => Value::Int(number),
                None => self.unknown("is a number beyond 64 bits", &[]),
            },
            Number::Float(number) => Value::Float(*number),
            Number::Complex { .. } => self.unknown("is a complex number", &[]),
        }
    }

    pub(super) fn name(&mut self, name: &str) -> Value {
        self.looked_at.insert(name.to_owned());
        if let Some(bound) = self.state.names.get(name) {
            return bound.value.clone();
        }
        if is_table(name) {
            self.lose_everything("may be set by way of the table of names");
            self.state.is_over = true;
        }
        if let Some(why) = &self.state.others
            && !super::call::is_builtin(name)
        {
            return Value::Unknown(Rc::clone(why));
        }
        // A name of the language, or one that is nowhere defined.
        Value::Foreign(Rc::from(name))
    }

    /// The values of some expressions, those behind a star unpacked.
    pub(super) fn all(&mut self, items: &[Expr]) -> Result<Vec<Value>, Value> {
        let mut values = Vec::with_capacity(items.len());
        let mut unknown = None;
        for item in items {
            if let Expr::Starred(starred) = item {
                let value = self.expression(&starred.value);
                match self.items(&value) {
                    Some(inner) => {
                        self.step(inner.len());
                        values.extend(inner);
                    }
                    None => {
                        values.push(value);
                        unknown = Some("holds what another value has, and that is not known");
                    }
                }
            } else {
                values.push(self.expression(item));
            }
        }
        match unknown {
            None => Ok(values),
            Some(reason) => Err(self.unknown(reason, &values)),
        }
    }

    fn dict(&mut self, dict: &ruff_python_ast::ExprDict) -> Value {
        let mut members = Vec::with_capacity(dict.items.len());
        let mut failed = false;
        for item in &dict.items {
            let Some(key) = &item.key else {
                let value = self.expression(&item.value);
                match self.dict_members(&value) {
                    Some(inner) => {
                        for (key, value) in inner {
                            failed |= !self.put(&mut members, key, value);
                        }
                    }
                    None => {
                        failed = true;
                        members.push((Value::None, value));
                    }
                }
                continue;
            };
            let key = self.expression(key);
            let value = self.expression(&item.value);
            failed |= !self.put(&mut members, key, value);
        }
        if failed {
            let given: Vec<Value> =
                members.into_iter().flat_map(|(key, value)| [key, value]).collect();
            return self.unknown("holds what another value has, and that is not known", &given);
        }
        self.make(Object::Dict(members))
    }

    fn either(&mut self, op: BoolOp, values: &[Expr]) -> Value {
        let Some((last, first)) = values.split_last() else { return Value::None };
        for (at, expression) in first.iter().enumerate() {
            let value = self.expression(expression);
            match (self.truth(&value), op) {
                (Some(true), BoolOp::Or) | (Some(false), BoolOp::And) => return value,
                (Some(_), _) => {}
                (None, _) => {
                    let why = self.why("depends on something that nobody knows");
                    self.state.heap.lose(&value, &why);
                    for rest in &values[at + 1..] {
                        let touched = Touched::by_expression(rest, self);
                        self.uncertain(touched, &why);
                    }
                    return Value::Unknown(why);
                }
            }
        }
        self.expression(last)
    }

    fn conditional(&mut self, test: &Expr, body: &Expr, orelse: &Expr) -> Value {
        let test = self.expression(test);
        match self.truth(&test) {
            Some(true) => self.expression(body),
            Some(false) => self.expression(orelse),
            None => {
                let why = self.why("depends on something that nobody knows");
                for either in [body, orelse] {
                    let touched = Touched::by_expression(either, self);
                    self.uncertain(touched, &why);
                }
                Value::Unknown(why)
            }
        }
    }

    fn attribute(&mut self, value: &Value, name: &str) -> Value {
        if is_table_attribute(name) {
            self.lose_everything("may be set by way of the table of names");
            self.state.is_over = true;
        }
        match value {
            Value::Foreign(path) if !self.is_path_too_long(path) => {
                let path = Rc::clone(path);
                self.attribute_of_module(&path, name)
            }
            Value::Unknown(why) => Value::Unknown(Rc::clone(why)),
            // A method of ours that is kept for later could change it at any time.
            other => {
                self.unknown("comes from a method that is not called", std::slice::from_ref(other))
            }
        }
    }

    fn is_path_too_long(&self, path: &str) -> bool {
        path.len() > 300
    }

    fn subscript(&mut self, value: &Value, slice: &Expr) -> Value {
        if let Expr::Slice(slice) = slice {
            return self.slice(value, slice);
        }
        let key = self.expression(slice);
        self.item(value, &key)
    }

    fn formatted(&mut self, text: &ExprFString) -> Value {
        let mut whole = String::new();
        let mut failed = false;
        for part in text.value.as_slice() {
            match part {
                FStringPart::Literal(literal) => whole.push_str(&literal.value),
                FStringPart::FString(inner) => {
                    for element in &inner.elements {
                        match element {
                            InterpolatedStringElement::Literal(text) => whole.push_str(&text.value),
                            InterpolatedStringElement::Interpolation(inner) => {
                                let value = self.expression(&inner.expression);
                                let plain = inner.format_spec.is_none()
                                    && inner.debug_text.is_none()
                                    && inner.conversion.to_byte().is_none_or(|it| it == b's');
                                match self.shown(&value).filter(|_| plain) {
                                    Some(text) => whole.push_str(&text),
                                    None => {
                                        failed = true;
                                        self.foreign("", &[value]);
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        if failed || of_text(&whole).is_none() || whole.len() > LONGEST_TEXT {
            return self.unknown("is a text with something in it that nobody knows", &[]);
        }
        self.step(whole.len() / 16);
        Value::text(whole)
    }
}
