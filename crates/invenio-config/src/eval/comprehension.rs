//! `[… for … in …]`.

use ruff_python_ast::{Comprehension, Expr};

use super::touched::Touched;
use super::value::{Object, Value};
use super::{Bound, Evaluator};

impl Evaluator<'_> {
    pub(super) fn list_comprehension(&mut self, element: &Expr, over: &[Comprehension]) -> Value {
        let mut items = Vec::new();
        let all = self.comprehend(over, &[element], &mut |evaluator| {
            let value = evaluator.expression(element);
            items.push(value);
            true
        });
        if all { self.make(Object::List(items)) } else { self.not_comprehended(&items) }
    }

    pub(super) fn set_comprehension(&mut self, element: &Expr, over: &[Comprehension]) -> Value {
        let list = self.list_comprehension(element, over);
        match self.items(&list) {
            Some(items) => self.set_of(items),
            None => list,
        }
    }

    pub(super) fn dict_comprehension(
        &mut self,
        key: &Expr,
        value: &Expr,
        over: &[Comprehension],
    ) -> Value {
        let mut members = Vec::new();
        let all = self.comprehend(over, &[key, value], &mut |evaluator| {
            let key = evaluator.expression(key);
            let value = evaluator.expression(value);
            evaluator.put(&mut members, key, value)
        });
        if all {
            return self.make(Object::Dict(members));
        }
        let given: Vec<Value> = members.into_iter().flat_map(|(key, value)| [key, value]).collect();
        self.not_comprehended(&given)
    }

    fn not_comprehended(&mut self, given: &[Value]) -> Value {
        self.foreign("is made from something that nobody knows", given)
    }

    /// Runs `each` for every turn; `false` when the turns are not known.
    fn comprehend(
        &mut self,
        over: &[Comprehension],
        elements: &[&Expr],
        each: &mut dyn FnMut(&mut Self) -> bool,
    ) -> bool {
        let [only] = over else { return self.give_up(over, elements) };
        let Expr::Name(target) = &only.target else { return self.give_up(over, elements) };
        let over_what = self.expression(&only.iter);
        let Some(items) = self.items(&over_what).filter(|_| !only.is_async) else {
            self.foreign("", &[over_what]);
            return self.give_up(over, elements);
        };
        // Its names are its own.
        let hidden = self.state.names.get(target.id.as_str()).cloned();
        let mut all = true;
        for item in &items {
            let own = Bound { value: item.clone(), line: self.line };
            self.state.names.insert(target.id.to_string(), own);
            let wanted = only.ifs.iter().try_fold(true, |wanted, test| {
                if !wanted {
                    return Some(false);
                }
                let test = self.expression(test);
                self.truth(&test)
            });
            all = match wanted {
                Some(true) => each(self),
                Some(false) => true,
                None => false,
            };
            if !all || !self.step(1) {
                all = false;
                break;
            }
        }
        match hidden {
            Some(bound) => self.state.names.insert(target.id.to_string(), bound),
            None => self.state.names.remove(target.id.as_str()),
        };
        all || self.give_up(over, elements)
    }

    /// What a comprehension mentions may have been changed in it.
    fn give_up(&mut self, over: &[Comprehension], elements: &[&Expr]) -> bool {
        let why = self.why("is touched by something that is not followed");
        let inner =
            over.iter().flat_map(|one| [&one.target, &one.iter].into_iter().chain(&one.ifs));
        for expression in inner.chain(elements.iter().copied()) {
            let mut touched = Touched::by_expression(expression, self);
            // Targets are names of the comprehension alone; only `:=` reaches outside.
            if over.iter().any(|one| std::ptr::eq(expression, &one.target)) {
                touched.bound.clear();
            }
            self.uncertain(touched, &why);
        }
        false
    }
}
