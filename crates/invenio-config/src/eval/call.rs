//! Calls: what is called, and what is known about it.

use std::rc::Rc;

use ruff_python_ast::{Expr, ExprCall, Parameters};

use super::Evaluator;
use super::builtin::path_of_parts;
use super::value::Value;
use crate::literal::Literal;

/// Modules of which everybody knows that they set no names of a configuration.
const HARMLESS: [&str; 19] = [
    "logging",
    "warnings",
    "locale",
    "sys",
    "mimetypes",
    "sentry_sdk",
    "urllib3",
    "faulthandler",
    "gc",
    "signal",
    "time",
    "datetime",
    "decimal",
    "socket",
    "ssl",
    "json",
    "re",
    "math",
    "print",
];

/// Functions that translate their only argument.
const TRANSLATIONS: [&str; 5] = ["_", "gettext", "lazy_gettext", "ugettext", "make_lazy_gettext"];

/// Methods of lists, dictionaries and sets that change them and nothing else.
const CHANGES: [&str; 14] = [
    "append",
    "extend",
    "insert",
    "update",
    "setdefault",
    "pop",
    "popitem",
    "remove",
    "discard",
    "add",
    "clear",
    "sort",
    "reverse",
    "__setitem__",
];

/// Functions of the language that only look at what they are given.
const LOOKS: [&str; 26] = [
    "str",
    "int",
    "float",
    "bool",
    "len",
    "list",
    "dict",
    "tuple",
    "set",
    "frozenset",
    "sorted",
    "min",
    "max",
    "sum",
    "range",
    "enumerate",
    "zip",
    "isinstance",
    "abs",
    "any",
    "all",
    "repr",
    "type",
    "print",
    "round",
    "bytes",
];

/// Those of them whose result holds nothing of what they are given.
const TELLS: [&str; 10] =
    ["str", "int", "float", "bool", "len", "isinstance", "abs", "repr", "type", "print"];

/// What is called.
pub(super) enum Callee {
    /// Something that changes nothing but, perhaps, what it gives back.
    Harmless,
    /// A method that changes its own object and nothing else.
    Change,
    /// Anything else.
    Other,
}

/// Whether a name belongs to the language.
pub(super) fn is_builtin(name: &str) -> bool {
    LOOKS.contains(&name) || name == "_"
}

/// Whether this is the environment of the process.
pub(super) fn is_environment(path: &str) -> bool {
    path == "os.environ"
}

/// The name of the only parameter.
pub(super) fn only_parameter(parameters: &Parameters) -> Option<&str> {
    let alone = parameters.len() == 1 && parameters.vararg.is_none() && parameters.kwarg.is_none();
    let mut names = parameters.posonlyargs.iter().chain(&parameters.args);
    names.next().filter(|_| alone).map(|only| only.parameter.name.as_str())
}

impl Evaluator<'_> {
    /// The path of what an expression names, if that is something imported or of the language.
    fn path_of(&self, expression: &Expr) -> Option<String> {
        match expression {
            Expr::Name(name) => match self.state.names.get(name.id.as_str()) {
                Some(bound) => match &bound.value {
                    Value::Foreign(path) => Some(path.to_string()),
                    _ => None,
                },
                None => Some(name.id.to_string()),
            },
            Expr::Attribute(attribute) => {
                let whole = self.path_of(&attribute.value)?;
                Some(format!("{whole}.{}", attribute.attr))
            }
            Expr::Call(call) => self.path_of(&call.func),
            _ => None,
        }
    }

    pub(super) fn callee(&self, function: &Expr) -> Callee {
        if let Some(path) = self.path_of(function) {
            let root = path.split('.').next().unwrap_or_default();
            let is_environment = path.starts_with("os.environ.get") || path == "os.getenv";
            let modules = path.starts_with("sys.modules");
            if (HARMLESS.contains(&root) && !modules)
                || LOOKS.contains(&path.as_str())
                || is_environment
                || path.starts_with("os.path.")
            {
                return Callee::Harmless;
            }
        }
        match function {
            Expr::Attribute(attribute) if CHANGES.contains(&attribute.attr.as_str()) => {
                Callee::Change
            }
            _ => Callee::Other,
        }
    }

    /// Whether what is called changes nothing, and gives back nothing of what it is given.
    pub(super) fn tells(&self, function: &Expr) -> bool {
        let hands_on =
            |path: String| LOOKS.contains(&path.as_str()) && !TELLS.contains(&path.as_str());
        matches!(self.callee(function), Callee::Harmless)
            && !self.path_of(function).is_some_and(hands_on)
    }

    /// Whether a statement is a call for its own sake of something that is not known: whoever writes
    /// one wants it to do something.
    pub(super) fn is_for_itself(&self, expression: &Expr) -> bool {
        let Expr::Call(call) = expression else { return false };
        match self.callee(&call.func) {
            Callee::Harmless => false,
            // Tables of names have such methods, too.
            Callee::Change => matches!(&*call.func, Expr::Attribute(attribute)
                if matches!(&*attribute.value, Expr::Call(_))),
            Callee::Other => true,
        }
    }

    /// A statement that is an expression.
    pub(super) fn for_itself(&mut self, expression: &Expr) {
        if let Expr::Call(call) = expression
            && is_update_of_table(call)
        {
            for argument in &call.arguments.args {
                self.expression(argument);
            }
            self.lose_everything("may be set by an update of the table of names");
            return;
        }
        let sets_all = self.is_for_itself(expression);
        let reason = match (expression, sets_all) {
            (Expr::Call(call), true) => {
                let path = self.path_of(&call.func);
                path.map_or_else(
                    || "may be set by a call".to_owned(),
                    |path| format!("may be set by the call of `{path}`"),
                )
            }
            _ => String::new(),
        };
        self.expression(expression);
        if sets_all {
            self.lose_everything(&reason);
        }
    }

    pub(super) fn call(&mut self, call: &ExprCall) -> Value {
        if let Expr::Attribute(attribute) = &*call.func {
            let whole = self.expression(&attribute.value);
            if !matches!(whole, Value::Foreign(_)) {
                if matches!(self.callee(&call.func), Callee::Change) {
                    self.change(&attribute.value);
                }
                let Some((given, named)) = self.arguments(call) else {
                    return self.not_called(call, &whole);
                };
                return self.method(&whole, &attribute.attr, &given, &named);
            }
        }
        let function = self.expression(&call.func);
        let Some((given, named)) = self.arguments(call) else {
            return self.not_called(call, &function);
        };
        match &function {
            Value::Foreign(path) => {
                let path = Rc::clone(path);
                self.call_foreign(&path, &given, &named, call)
            }
            Value::Function(true) if given.len() == 1 && named.is_empty() => given[0].clone(),
            _ => {
                let all = involved(&function, &given, &named);
                self.foreign("comes from a call that is not evaluated", &all)
            }
        }
    }

    fn not_called(&mut self, call: &ExprCall, function: &Value) -> Value {
        let mut given = vec![function.clone()];
        for argument in &call.arguments.args {
            let argument = match argument {
                Expr::Starred(starred) => &starred.value,
                other => other,
            };
            given.push(self.expression(argument));
        }
        for keyword in &call.arguments.keywords {
            given.push(self.expression(&keyword.value));
        }
        self.foreign("comes from a call that is not evaluated", &given)
    }

    /// The arguments; `None` when there are stars among them. Generators are taken as lists: who gets
    /// one here goes through it once.
    #[allow(clippy::type_complexity, reason = "two lists, used right here")]
    fn arguments(&mut self, call: &ExprCall) -> Option<(Vec<Value>, Vec<(String, Value)>)> {
        let plain = call.arguments.args.iter().all(|it| !matches!(it, Expr::Starred(_)))
            && call.arguments.keywords.iter().all(|keyword| keyword.arg.is_some());
        if !plain {
            return None;
        }
        let given = call.arguments.args.iter().map(|argument| match argument {
            Expr::Generator(inner) => self.list_comprehension(&inner.elt, &inner.generators),
            other => self.expression(other),
        });
        let given = given.collect();
        let named = call.arguments.keywords.iter().filter_map(|keyword| {
            Some((keyword.arg.as_ref()?.to_string(), self.expression(&keyword.value)))
        });
        Some((given, named.collect()))
    }

    fn call_foreign(
        &mut self,
        path: &Rc<str>,
        given: &[Value],
        named: &[(String, Value)],
        call: &ExprCall,
    ) -> Value {
        if let Some(result) = self.known_call(path, given, named, call) {
            return result;
        }
        if path.starts_with("os.environ") && !path.starts_with("os.environ.get") {
            self.state.environment_lost = true;
        }
        if matches!(self.callee(&call.func), Callee::Harmless) {
            return self.harmless_call(path, given, named);
        }
        let reason = format!("comes from a call of `{path}`");
        self.foreign(reason, &involved(&Value::None, given, named))
    }

    /// What a call gives of which everybody knows what it does; `None` for any other.
    fn known_call(
        &mut self,
        path: &Rc<str>,
        given: &[Value],
        named: &[(String, Value)],
        call: &ExprCall,
    ) -> Option<Value> {
        let last = path.rsplit('.').next().unwrap_or_default();
        let first_generator = matches!(call.arguments.args.first(), Some(Expr::Generator(_)));
        match (path.as_ref(), given) {
            ("os.getenv" | "os.environ.get", [name, ..]) => {
                Some(self.get_variable(name, given.get(1), named))
            }
            ("os.environ.setdefault", [Value::Text(name), Value::Text(text)]) => {
                self.set_variable_by_default(name, text)
            }
            ("os.path.join", parts) => path_of_parts(parts),
            ("copy.deepcopy", [value]) if named.is_empty() => self.copied(value, &mut Vec::new()),
            ("copy.copy", [value]) if named.is_empty() => self.copied_flat(value),
            ("ast.literal_eval", [Value::Text(text)]) => {
                self.step(text.len());
                Literal::parse(text).ok().map(|literal| self.state.heap.bring(&literal))
            }
            (_, [Value::Text(text)]) if TRANSLATIONS.contains(&last) && named.is_empty() => {
                Some(Value::Lazy(Rc::clone(text)))
            }
            ("dict", given) if !first_generator => self.new_dict(given, named),
            (name, given) if is_builtin(name) && named.is_empty() => self.look(name, given),
            _ => None,
        }
    }

    /// `os.environ.setdefault(…)`.
    fn set_variable_by_default(&mut self, name: &Rc<str>, text: &Rc<str>) -> Option<Value> {
        match self.variable(name)? {
            Ok(text) => Some(Value::text(text)),
            Err(unset) => {
                self.believed.insert(unset);
                self.state.environment.insert(name.to_string(), text.to_string());
                Some(Value::Text(Rc::clone(text)))
            }
        }
    }

    /// What changes nothing, and gives back something that nobody knows.
    fn harmless_call(
        &mut self,
        path: &Rc<str>,
        given: &[Value],
        named: &[(String, Value)],
    ) -> Value {
        let looks = LOOKS.contains(&path.as_ref());
        if !looks && path.len() <= 300 {
            self.doubts += 1;
            return Value::Foreign(Rc::clone(path));
        }
        // It may hold what it was given: nobody may change that by way of it.
        let may_give_back = looks && !TELLS.contains(&path.as_ref());
        let given = if may_give_back { involved(&Value::None, given, named) } else { Vec::new() };
        self.unknown(format!("comes from a call of `{path}`"), &given)
    }
}

fn involved(function: &Value, given: &[Value], named: &[(String, Value)]) -> Vec<Value> {
    let named = named.iter().map(|(_, value)| value.clone());
    std::iter::once(function.clone()).chain(given.iter().cloned()).chain(named).collect()
}

/// `globals().update(…)`.
fn is_update_of_table(call: &ExprCall) -> bool {
    let Expr::Attribute(attribute) = &*call.func else { return false };
    let Expr::Call(inner) = &*attribute.value else { return false };
    let is_table = matches!(&*inner.func, Expr::Name(name)
        if matches!(name.id.as_str(), "globals" | "locals" | "vars"));
    is_table && attribute.attr.as_str() == "update" && inner.arguments.is_empty()
}
