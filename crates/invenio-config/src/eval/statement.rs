//! Statements.

use std::rc::Rc;

use ruff_python_ast::{Expr, Stmt, StmtFor, StmtFunctionDef, StmtIf, StmtTry, StmtWith};

use super::touched::Touched;
use super::value::Value;
use super::{Evaluator, Flow};

impl Evaluator<'_> {
    pub(super) fn block(&mut self, body: &[Stmt]) -> Flow {
        for statement in body {
            self.line = self.line_of(statement);
            if !self.step(1) {
                return Flow::Stop;
            }
            let flow = self.statement(statement);
            if flow != Flow::Next {
                return flow;
            }
        }
        Flow::Next
    }

    fn statement(&mut self, statement: &Stmt) -> Flow {
        match statement {
            Stmt::If(inner) => return self.condition(inner),
            Stmt::For(inner) => return self.each(inner),
            Stmt::Try(inner) => return self.attempt(inner),
            Stmt::With(inner) => return self.with(inner),
            Stmt::Break(_) => return Flow::Break,
            Stmt::Continue(_) => return Flow::Continue,
            Stmt::Raise(_) | Stmt::Return(_) => {
                self.doubts += 1;
                return Flow::Stop;
            }
            Stmt::Assign(assign) => self.assign_to_all(&assign.targets, &assign.value),
            Stmt::AnnAssign(assign) => {
                if let Some(value) = &assign.value {
                    let value = self.expression(value);
                    self.assign(&assign.target, value);
                }
            }
            Stmt::AugAssign(assign) => self.augment(&assign.target, assign.op, &assign.value),
            Stmt::Delete(delete) => delete.targets.iter().for_each(|it| self.delete(it)),
            Stmt::Expr(inner) => self.for_itself(&inner.value),
            Stmt::Import(import) => self.import_modules(&import.names),
            Stmt::ImportFrom(import) => self.import_from(import),
            Stmt::FunctionDef(function) => self.define_function(function),
            Stmt::ClassDef(class) => self.define_class(&class.name, statement),
            Stmt::Assert(assert) => {
                self.doubts += 1;
                self.expression(&assert.test);
            }
            Stmt::Pass(_) | Stmt::Global(_) | Stmt::Nonlocal(_) => {}
            Stmt::While(_) | Stmt::Match(_) | Stmt::TypeAlias(_) | Stmt::IpyEscapeCommand(_) => {
                self.may_run(statement);
            }
        }
        self.settle();
        Flow::Next
    }

    fn assign_to_all(&mut self, targets: &[Expr], value: &Expr) {
        let value = self.expression(value);
        for target in targets {
            self.assign(target, value.clone());
        }
    }

    fn define_function(&mut self, function: &StmtFunctionDef) {
        let touched = Touched::by_function(&function.body, self);
        let decorated = !function.decorator_list.is_empty();
        for decorator in &function.decorator_list {
            self.expression(&decorator.expression);
        }
        self.define(touched);
        let gives_back = !decorated && !function.is_async && gives_back(function);
        self.bind(&function.name, Value::Function(gives_back));
        if decorated {
            self.foreign("is decorated", &[]);
        }
    }

    fn define_class(&mut self, name: &str, statement: &Stmt) {
        let why = self.why("is touched by a class of this file");
        let touched = Touched::by_statements(std::slice::from_ref(statement), self);
        self.uncertain(touched, &why);
        self.lose_haunted(&why);
        self.bind(name, Value::Foreign(Rc::from(name)));
    }

    /// A statement of which nobody follows whether, or how often, what stands in it runs.
    fn may_run(&mut self, statement: &Stmt) {
        let why = self.why("is set or changed where nobody knows whether it runs");
        self.doubts += 1;
        let touched = Touched::by_statements(std::slice::from_ref(statement), self);
        self.uncertain(touched, &why);
    }

    /// A function of this file may be called by anybody at any time.
    pub(super) fn define(&mut self, touched: Touched) {
        if touched.everything {
            self.lose_everything("may be set by a function of this file");
            self.state.is_over = true;
        }
        self.state.haunted.extend(touched.in_functions);
        self.state.ghosts.extend(touched.globals.iter().cloned());
        let why = self.why("is set by a function of this file");
        for name in touched.globals {
            self.bind_unknown(&name, &why);
        }
    }

    /// What may or may not have run.
    pub(super) fn uncertain(&mut self, touched: Touched, why: &Rc<crate::findings::Undecided>) {
        self.doubts += 1;
        if touched.everything {
            self.lose_everything("is undecided since something here may have set any name");
        }
        for name in touched.read.iter().chain(&touched.in_functions) {
            if let Some(bound) = self.state.names.get(name) {
                let value = bound.value.clone();
                self.state.heap.lose(&value, why);
            }
        }
        self.state.haunted.extend(touched.in_functions);
        self.state.ghosts.extend(touched.globals.iter().cloned());
        for name in touched.bound.iter().chain(&touched.globals) {
            self.bind_unknown(name, why);
        }
    }

    fn uncertain_statement(&mut self, body: &[&[Stmt]], reason: &str) {
        let why = self.why(reason);
        for body in body {
            let touched = Touched::by_statements(body, self);
            self.uncertain(touched, &why);
        }
        self.settle();
    }

    fn condition(&mut self, inner: &StmtIf) -> Flow {
        let test = self.expression(&inner.test);
        let mut decided = self.truth(&test);
        self.settle();
        if decided == Some(true) {
            return self.block(&inner.body);
        }
        let mut bodies: Vec<&[Stmt]> = vec![&inner.body];
        for clause in &inner.elif_else_clauses {
            if decided == Some(false) {
                bodies.clear();
                self.line = self.line_of(clause);
                decided = match &clause.test {
                    None => Some(true),
                    Some(test) => {
                        let test = self.expression(test);
                        self.truth(&test)
                    }
                };
                self.settle();
                if decided == Some(true) {
                    return self.block(&clause.body);
                }
            } else if let Some(test) = &clause.test {
                let why = self.why("is touched under a condition that nobody knows");
                let touched = Touched::by_expression(test, self);
                self.uncertain(touched, &why);
            }
            bodies.push(&clause.body);
        }
        if decided.is_none() {
            self.uncertain_statement(
                &bodies,
                "is set or changed under a condition that nobody knows",
            );
        }
        // `break` or `raise` in what may not have run: the rest may not run either.
        Flow::Next
    }

    fn each(&mut self, inner: &StmtFor) -> Flow {
        let over = self.expression(&inner.iter);
        self.settle();
        let items = if inner.is_async { None } else { self.items(&over) };
        // What is changed while it is gone through, and loops that are left halfway, are not followed.
        let plain = !leaves(&inner.body) && inner.orelse.is_empty();
        let Some(items) = items.filter(|_| plain) else {
            let why = self.why("is set or changed in a loop that is not followed");
            self.state.heap.lose(&over, &why);
            let target = Touched::by_expression(&inner.target, self);
            self.uncertain(target, &why);
            self.uncertain_statement(
                &[&inner.body, &inner.orelse],
                "is set or changed in a loop that is not followed",
            );
            return Flow::Next;
        };
        let line = self.line;
        for item in &items {
            self.line = line;
            self.assign(&inner.target, item.clone());
            if !self.step(1) || self.block(&inner.body) == Flow::Stop {
                return Flow::Stop;
            }
            if !self.items(&over).is_some_and(|now| same(&now, &items)) {
                let why = self.why("is changed while a loop goes through it");
                self.state.heap.lose(&over, &why);
                let touched = Touched::by_statements(&inner.body, self);
                self.uncertain(touched, &why);
                break;
            }
        }
        self.settle();
        Flow::Next
    }

    /// Nobody knows how far something gets that may fail: either all of it is understood, or what it
    /// touches is undecided.
    fn attempt(&mut self, inner: &StmtTry) -> Flow {
        let (state, doubts, line) = (self.state.clone(), self.doubts, self.line);
        self.step(state.names.len() + state.heap.0.len());
        let mut flow = self.block(&inner.body);
        if flow == Flow::Next && self.doubts == doubts {
            flow = self.block(&inner.orelse);
        }
        if self.doubts > doubts {
            self.put_back(state);
            self.line = line;
            let reason = "is set or changed where something may fail";
            self.uncertain_statement(&[&inner.body, &inner.orelse], reason);
            for handler in &inner.handlers {
                let why = self.why(reason);
                let ruff_python_ast::ExceptHandler::ExceptHandler(handler) = handler;
                if let Some(name) = &handler.name {
                    self.bind_unknown(name, &why);
                }
                self.uncertain_statement(&[&handler.body], reason);
            }
            flow = Flow::Next;
        }
        match self.block(&inner.finalbody) {
            Flow::Next => flow,
            other => other,
        }
    }

    fn with(&mut self, inner: &StmtWith) -> Flow {
        let (state, line) = (self.state.clone(), self.line);
        self.step(state.names.len() + state.heap.0.len());
        let why = self.why("is touched by a `with`");
        for item in &inner.items {
            let value = self.expression(&item.context_expr);
            self.foreign("comes from a `with`", &[value]);
            if let Some(target) = &item.optional_vars {
                let touched = Touched::by_expression(target, self);
                self.uncertain(touched, &why);
            }
        }
        self.settle();
        let doubts = self.doubts;
        let flow = self.block(&inner.body);
        if self.doubts > doubts {
            // Whatever is entered may swallow a failure.
            self.put_back(state);
            self.line = line;
            for item in &inner.items {
                let touched = Touched::by_expression(&item.context_expr, self);
                self.uncertain(touched, &why);
                if let Some(target) = &item.optional_vars {
                    let touched = Touched::by_expression(target, self);
                    self.uncertain(touched, &why);
                }
            }
            self.uncertain_statement(&[&inner.body], "is set or changed inside a `with`");
            return Flow::Next;
        }
        flow
    }
}

/// Whether these are the very same values.
fn same(left: &[Value], right: &[Value]) -> bool {
    let pairs = || left.iter().zip(right);
    left.len() == right.len()
        && pairs().all(|(left, right)| match (left, right) {
            (Value::Object(left), Value::Object(right)) => left == right,
            (Value::Tuple(left, _), Value::Tuple(right, _)) => Rc::ptr_eq(left, right),
            (Value::Text(left), Value::Text(right)) => left == right,
            (Value::Int(left), Value::Int(right)) => left == right,
            (Value::Bool(left), Value::Bool(right)) => left == right,
            (Value::None, Value::None) => true,
            // They cannot have changed: nobody else holds them.
            (Value::Float(left), Value::Float(right)) => left.to_bits() == right.to_bits(),
            _ => false,
        })
}

/// Whether a loop may be left before its end, or go on before the end of its body.
fn leaves(body: &[Stmt]) -> bool {
    struct Leaves(bool);
    impl<'a> ruff_python_ast::visitor::Visitor<'a> for Leaves {
        fn visit_stmt(&mut self, statement: &'a Stmt) {
            self.0 |= matches!(statement, Stmt::Break(_) | Stmt::Continue(_));
            ruff_python_ast::visitor::walk_stmt(self, statement);
        }
    }
    let mut leaves = Leaves(false);
    ruff_python_ast::visitor::Visitor::visit_body(&mut leaves, body);
    leaves.0
}

/// Whether a function gives back its only argument: what people write in place of a translation.
fn gives_back(function: &StmtFunctionDef) -> bool {
    let [Stmt::Return(inner)] = &*function.body else { return false };
    let Some(Expr::Name(name)) = inner.value.as_deref() else { return false };
    super::call::only_parameter(&function.parameters).is_some_and(|only| only == name.id.as_str())
}
