//! Evaluates a file statement by statement, exactly or not at all.
//!
//! Three rules keep it exact. What is not understood gives `Unknown`, and every object that such an
//! operation could reach is lost with it. A statement of which nobody knows whether it runs makes
//! every name it sets undecided and loses every object it mentions. A call for its own sake, a star
//! import, or a look at the table of names may set anything: everything is undecided after it.

mod assign;
mod builtin;
mod call;
mod comprehension;
mod equality;
mod expression;
mod import;
mod method;
mod number;
mod operator;
mod statement;
mod text;
mod touched;
mod value;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use ruff_python_ast::Stmt;
use ruff_text_size::Ranged;

use crate::findings::{Cfg, Finding, Surroundings, Undecided};
use crate::names::shown_variable;
use value::{Extraction, Heap, Object, Value};

/// Whoever takes more steps is no configuration; some seconds at most.
const MOST_STEPS: usize = 3_000_000;

/// Longer texts are not made, in bytes.
const LONGEST_TEXT: usize = 1 << 20;

/// What a name is.
#[derive(Clone, Debug)]
struct Bound {
    value: Value,
    /// The line of the statement that bound it.
    line: usize,
}

/// What may be put back when a statement turns out not to be understood.
#[derive(Clone, Default)]
struct State {
    names: BTreeMap<String, Bound>,
    heap: Heap,
    /// What may have set any name that is not among `names`.
    others: Option<Rc<Undecided>>,
    /// Names whose objects functions of this file may change.
    haunted: BTreeSet<String>,
    /// Names that functions of this file may set.
    ghosts: BTreeSet<String>,
    /// Variables that the file itself set; `None` for one that it removed.
    environment: BTreeMap<String, String>,
    /// Whether the environment may be another one than ours.
    environment_lost: bool,
    /// For names: variables that are not set, and whose absence was believed.
    unset: BTreeMap<String, BTreeSet<Rc<str>>>,
    /// What was imported from upstream, by path.
    upstream: BTreeMap<String, Value>,
    /// Whether nothing can be known any more.
    is_over: bool,
}

pub(crate) struct Evaluator<'a> {
    surroundings: &'a Surroundings,
    /// Where each line begins.
    lines: Vec<usize>,
    /// The line of the present statement.
    line: usize,
    state: State,
    steps: usize,
    /// How many comparisons or copies stand in each other.
    depth: usize,
    /// How often something was not understood, or could have failed.
    doubts: usize,
    /// Variables whose absence the present statement believed.
    believed: BTreeSet<Rc<str>>,
    /// Names that the present statement looked at.
    looked_at: BTreeSet<String>,
    /// Names that the present statement set or changed.
    changed: BTreeSet<String>,
}

/// How a statement ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Next,
    Break,
    Continue,
    /// Nothing after it runs.
    Stop,
}

impl<'a> Evaluator<'a> {
    pub(crate) fn new(text: &str, surroundings: &'a Surroundings) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Self {
            surroundings,
            lines: std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect(),
            line: 1,
            state: State::default(),
            steps: 0,
            depth: 0,
            doubts: 0,
            believed: BTreeSet::new(),
            looked_at: BTreeSet::new(),
            changed: BTreeSet::new(),
        }
    }

    pub(crate) fn run(mut self, body: &[Stmt]) -> Cfg {
        self.block(body);
        let why = self.why("may be changed by a function of this file");
        self.lose_haunted(&why);
        let others = self.state.others.as_deref().cloned();
        // Those that mean something first: room for values has an end.
        let mut names: Vec<&String> =
            self.state.names.keys().filter(|name| is_setting_name(name)).collect();
        names.sort_by_key(|name| crate::names::name(name).is_none());
        let mut parts = 0;
        let found = names.into_iter().map(|name| (name.clone(), self.finding(name, &mut parts)));
        Cfg { found: found.collect(), others }
    }

    fn finding(&self, name: &str, parts: &mut usize) -> Finding {
        let bound = &self.state.names[name];
        let holds_code = crate::names::name(name).is_some_and(|name| name.holds_code);
        let mut extraction =
            Extraction { heap: &self.state.heap, holds_code, line: bound.line, parts: *parts };
        let extracted = extraction.of(&bound.value);
        *parts = extraction.parts;
        match extracted {
            Ok(value) => Finding::Known {
                value,
                line: bound.line,
                unset: self
                    .state
                    .unset
                    .get(name)
                    .into_iter()
                    .flatten()
                    .map(|name| shown_variable(name).to_owned())
                    .collect(),
            },
            Err(undecided) => Finding::Undecided(undecided),
        }
    }

    /// The line on which something begins.
    fn line_of(&self, node: &impl Ranged) -> usize {
        let at = node.start().to_usize();
        self.lines.partition_point(|begin| *begin <= at)
    }

    /// One step more; `false` when there were too many.
    fn step(&mut self, size: usize) -> bool {
        self.steps = self.steps.saturating_add(size.max(1));
        if self.steps > MOST_STEPS && !self.state.is_over {
            self.lose_everything("is undecided because the file takes too long to evaluate");
            self.state.is_over = true;
        }
        !self.state.is_over
    }

    /// A copy of an object.
    fn object(&mut self, at: usize) -> Object {
        let object = self.state.heap.0[at].clone();
        self.step(object.size());
        object
    }

    fn why(&self, reason: impl Into<String>) -> Rc<Undecided> {
        Rc::new(Undecided { line: self.line, reason: reason.into() })
    }

    /// Something that is not understood. It may have changed what it was given.
    fn unknown(&mut self, reason: impl Into<String>, given: &[Value]) -> Value {
        self.doubts += 1;
        let why = self.why(reason);
        for value in given {
            self.state.heap.lose(value, &why);
        }
        Value::Unknown(why)
    }

    /// The same, where code that is not read may have run.
    fn foreign(&mut self, reason: impl Into<String>, given: &[Value]) -> Value {
        let unknown = self.unknown(reason, given);
        if let Value::Unknown(why) = &unknown {
            self.lose_haunted(&Rc::clone(why));
        }
        unknown
    }

    /// What functions of this file may have changed by now.
    fn lose_haunted(&mut self, why: &Rc<Undecided>) {
        self.steps += self.state.haunted.len() + self.state.ghosts.len();
        for name in self.state.haunted.clone() {
            if let Some(bound) = self.state.names.get(&name) {
                let value = bound.value.clone();
                self.state.heap.lose(&value, why);
            }
        }
        for name in self.state.ghosts.clone() {
            self.bind_unknown(&name, why);
        }
    }

    /// Anything may have been set.
    fn lose_everything(&mut self, reason: &str) {
        self.doubts += 1;
        self.steps += self.state.heap.0.len() + self.state.names.len();
        let why = self.why(reason);
        for at in 0..self.state.heap.0.len() {
            self.state.heap.lose(&Value::Object(at), &why);
        }
        for bound in self.state.names.values_mut() {
            // Nobody gives another meaning to what was imported or defined here.
            if !matches!(bound.value, Value::Foreign(_) | Value::Function(_)) {
                *bound = Bound { value: Value::Unknown(Rc::clone(&why)), line: self.line };
            }
        }
        self.state.others = Some(why);
        self.state.environment_lost = true;
    }

    fn bind(&mut self, name: &str, value: Value) {
        self.changed.insert(name.to_owned());
        let value = match (self.state.is_over, &self.state.others) {
            (true, Some(why)) => Value::Unknown(Rc::clone(why)),
            _ => value,
        };
        self.state.names.insert(name.to_owned(), Bound { value, line: self.line });
    }

    fn bind_unknown(&mut self, name: &str, why: &Rc<Undecided>) {
        if let Some(bound) = self.state.names.get(name) {
            let value = bound.value.clone();
            self.state.heap.lose(&value, why);
        }
        self.bind(name, Value::Unknown(Rc::clone(why)));
    }

    /// Ends a statement: what it changed depends on what it believed.
    fn settle(&mut self) {
        let changed = std::mem::take(&mut self.changed);
        let mut believed = std::mem::take(&mut self.believed);
        for name in std::mem::take(&mut self.looked_at) {
            believed.extend(self.state.unset.get(&name).into_iter().flatten().cloned());
        }
        if !believed.is_empty() {
            for name in changed {
                self.state.unset.entry(name).or_default().extend(believed.iter().cloned());
            }
        }
    }

    /// Puts back what was, unless nothing can be known any more.
    fn put_back(&mut self, before: State) {
        let is_over = self.state.is_over;
        self.state = before;
        if is_over {
            self.lose_everything("is undecided because of what stands before it");
            self.state.is_over = true;
        }
    }
}

/// Only names in capitals are settings: Flask ignores all others.
fn is_setting_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_uppercase())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}
