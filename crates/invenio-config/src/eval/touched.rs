//! What a piece of a file could touch if it ran.

use std::collections::BTreeSet;

use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{Alias, ExceptHandler, Expr, ExprContext, Pattern, Stmt};

use super::Evaluator;

/// The table of names itself, or a way to it.
const TABLES: [&str; 9] = [
    "globals",
    "locals",
    "vars",
    "exec",
    "eval",
    "setattr",
    "delattr",
    "__builtins__",
    "__import__",
];
const TABLE_ATTRIBUTES: [&str; 6] =
    ["modules", "_getframe", "__dict__", "f_globals", "f_back", "currentframe"];

/// Whether whoever has this name can set any other.
pub(super) fn is_table(name: &str) -> bool {
    TABLES.contains(&name)
}

/// The same for an attribute of anything.
pub(super) fn is_table_attribute(name: &str) -> bool {
    TABLE_ATTRIBUTES.contains(&name)
}

/// What a piece of a file mentions.
#[derive(Default)]
pub(super) struct Touched {
    /// Names that it sets or removes.
    pub(super) bound: BTreeSet<String>,
    /// Names that it reads.
    pub(super) read: BTreeSet<String>,
    /// Names that functions in it declare as theirs.
    pub(super) globals: BTreeSet<String>,
    /// Names that functions in it mention.
    pub(super) in_functions: BTreeSet<String>,
    /// Whether it may set any name.
    pub(super) everything: bool,
    /// How many functions and classes the present place is in.
    functions: usize,
    /// How many of them are classes, whose bodies run where they stand.
    classes: usize,
}

impl Touched {
    pub(super) fn by_statements(body: &[Stmt], evaluator: &Evaluator<'_>) -> Self {
        let mut walk = Walk { touched: Self::default(), evaluator };
        walk.visit_body(body);
        walk.touched
    }

    pub(super) fn by_expression(expression: &Expr, evaluator: &Evaluator<'_>) -> Self {
        let mut walk = Walk { touched: Self::default(), evaluator };
        walk.visit_expr(expression);
        walk.touched
    }

    /// What a function touches when it is called.
    pub(super) fn by_function(body: &[Stmt], evaluator: &Evaluator<'_>) -> Self {
        let mut walk = Walk { touched: Self::default(), evaluator };
        walk.touched.functions = 1;
        walk.visit_body(body);
        walk.touched
    }
}

struct Walk<'a, 'b> {
    touched: Touched,
    evaluator: &'a Evaluator<'b>,
}

impl Walk<'_, '_> {
    fn bind(&mut self, name: &str) {
        if self.touched.functions == 0 {
            self.touched.bound.insert(name.to_owned());
        }
    }

    fn read(&mut self, name: &str) {
        self.touched.everything |= is_table(name);
        let names = match self.touched.functions {
            0 => &mut self.touched.read,
            _ => &mut self.touched.in_functions,
        };
        names.insert(name.to_owned());
    }

    fn inside(&mut self, walk: impl FnOnce(&mut Self)) {
        self.touched.functions += 1;
        walk(self);
        self.touched.functions -= 1;
    }
}

impl<'a> Visitor<'a> for Walk<'_, '_> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::FunctionDef(function) => {
                self.bind(&function.name);
                function.decorator_list.iter().for_each(|it| self.visit_decorator(it));
                self.visit_parameters(&function.parameters);
                self.inside(|walk| walk.visit_body(&function.body));
            }
            Stmt::ClassDef(class) => {
                self.bind(&class.name);
                self.touched.classes += 1;
                self.inside(|walk| visitor::walk_stmt(walk, statement));
                self.touched.classes -= 1;
                // The body runs where it stands.
                let read = self.touched.in_functions.clone();
                self.touched.read.extend(read);
            }
            Stmt::Global(global) => {
                self.touched.globals.extend(global.names.iter().map(ToString::to_string));
            }
            Stmt::Expr(expression) => {
                let runs_here = self.touched.functions == self.touched.classes;
                let sets_all = runs_here && self.evaluator.is_for_itself(&expression.value);
                self.touched.everything |= sets_all;
                visitor::walk_stmt(self, statement);
            }
            Stmt::ImportFrom(import) => {
                self.touched.everything |= import.names.iter().any(|alias| &*alias.name == "*");
                visitor::walk_stmt(self, statement);
            }
            _ => visitor::walk_stmt(self, statement),
        }
    }

    fn visit_alias(&mut self, alias: &'a Alias) {
        let name = alias.asname.as_ref().unwrap_or(&alias.name).as_str();
        self.bind(name.split('.').next().unwrap_or_default());
    }

    fn visit_except_handler(&mut self, handler: &'a ExceptHandler) {
        let ExceptHandler::ExceptHandler(inner) = handler;
        if let Some(name) = &inner.name {
            self.bind(name);
        }
        visitor::walk_except_handler(self, handler);
    }

    fn visit_pattern(&mut self, pattern: &'a Pattern) {
        let name = match pattern {
            Pattern::MatchAs(inner) => inner.name.as_ref(),
            Pattern::MatchStar(inner) => inner.name.as_ref(),
            Pattern::MatchMapping(inner) => inner.rest.as_ref(),
            _ => None,
        };
        if let Some(name) = name {
            self.bind(name);
        }
        visitor::walk_pattern(self, pattern);
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            Expr::Name(name) => match name.ctx {
                ExprContext::Load => self.read(&name.id),
                _ => self.bind(&name.id),
            },
            Expr::Attribute(attribute) if is_table_attribute(&attribute.attr) => {
                self.touched.everything = true;
            }
            Expr::Lambda(lambda) => self.inside(|walk| walk.visit_expr(&lambda.body)),
            Expr::Call(call) => {
                // What only looks at its arguments, and gives none of them on, changes none.
                if self.evaluator.tells(&call.func) {
                    let mut walk = Walk { touched: Touched::default(), evaluator: self.evaluator };
                    visitor::walk_expr(&mut walk, expression);
                    walk.touched.bound.iter().for_each(|name| self.bind(name));
                    self.touched.everything |= walk.touched.everything;
                } else {
                    visitor::walk_expr(self, expression);
                }
            }
            _ => visitor::walk_expr(self, expression),
        }
    }
}
