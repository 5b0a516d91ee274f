//! Imports, and what modules give under their names.

use std::rc::Rc;

use ruff_python_ast::{Alias, StmtImportFrom};

use super::Evaluator;
use super::value::Value;

impl Evaluator<'_> {
    /// `import a.b` binds `a`; `import a.b as c` binds `c` to the whole path.
    pub(super) fn import_modules(&mut self, modules: &[Alias]) {
        self.doubts += 1;
        for alias in modules {
            let whole = alias.name.as_str();
            let (name, path) = match &alias.asname {
                Some(name) => (name.as_str(), whole),
                None => {
                    let first = whole.split('.').next().unwrap_or(whole);
                    (first, first)
                }
            };
            self.bind(name, Value::Foreign(Rc::from(path)));
        }
    }

    pub(super) fn import_from(&mut self, import: &StmtImportFrom) {
        let module = import.module.as_ref().map(ToString::to_string).unwrap_or_default();
        if module == "__future__" {
            return;
        }
        let dots = ".".repeat(import.level as usize);
        self.doubts += 1;
        for alias in &import.names {
            let name = alias.asname.as_ref().unwrap_or(&alias.name).to_string();
            self.import(&format!("{dots}{module}"), &alias.name, &name);
        }
    }

    fn import(&mut self, module: &str, what: &str, name: &str) {
        if what == "*" {
            let reason = format!("may come from the star import of `{module}`");
            self.lose_everything(&reason);
            return;
        }
        let value = self.attribute_of_module(module, what);
        self.bind(name, value);
    }

    /// What a module gives under a name.
    pub(super) fn attribute_of_module(&mut self, module: &str, what: &str) -> Value {
        let path = format!("{module}.{what}");
        if let Some(value) = self.state.upstream.get(&path) {
            return value.clone();
        }
        let modules = &self.surroundings.upstream;
        let known = modules.iter().find(|known| known.name == module);
        let known = known.and_then(|known| known.values.iter().find(|(name, _)| *name == what));
        match known {
            Some((_, literal)) => {
                let value = self.state.heap.bring(literal);
                self.state.upstream.insert(path, value.clone());
                value
            }
            None => Value::Foreign(Rc::from(path)),
        }
    }
}
