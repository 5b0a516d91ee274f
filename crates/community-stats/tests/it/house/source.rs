//! The files of a crate, and which of them use which.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, ItemUse, Macro, UseTree, Visibility};

/// A module that is a file, by its path in the crate; the root is empty.
pub(super) type Module = Vec<String>;

/// The files of one crate.
pub(super) struct Sources(BTreeMap<Module, Uses>);

/// What a file names of its own crate.
#[derive(Default)]
struct Uses {
    /// Paths as they are written.
    named: Vec<Vec<String>>,
    /// Paths that it hands on, by the name under which it does.
    handed_on: BTreeMap<String, Vec<String>>,
    /// How many modules inside of the file the reading is in.
    depth: usize,
}

impl Sources {
    /// The files below `folder`, without those that are only tests.
    pub(super) fn read(folder: &Path) -> Self {
        let mut files = BTreeMap::new();
        collect(folder, &Module::new(), &mut files);
        Self(files)
    }

    /// The rooms: what stands right below the root.
    pub(super) fn rooms(&self) -> BTreeSet<String> {
        self.0.keys().filter_map(|module| module.first().cloned()).collect()
    }

    /// Which file uses which. What a module hands on of its own parts is no use of them.
    pub(super) fn arrows(&self) -> BTreeSet<(Module, Module)> {
        let mut arrows = BTreeSet::new();
        for (module, uses) in &self.0 {
            let used = uses.named.iter().filter_map(|path| self.absolute(module, path));
            for used in used.filter_map(|path| self.file_of(path, 0)) {
                if used != *module {
                    arrows.insert((module.clone(), used));
                }
            }
        }
        arrows
    }

    /// A path from the root of the crate; `None` for what is not of this crate.
    fn absolute(&self, module: &Module, path: &[String]) -> Option<Module> {
        let first = path.first()?.as_str();
        if first == "crate" {
            return Some(path[1..].to_vec());
        }
        let ups = path.iter().take_while(|part| *part == "super").count();
        let own = ups > 0 || first == "self";
        let base = module.get(..module.len().checked_sub(ups)?)?;
        let rest = &path[if ups > 0 { ups } else { usize::from(own) }..];
        let absolute = [base, rest].concat();
        let child = [module.as_slice(), &path[..1]].concat();
        (own || self.0.contains_key(&child)).then_some(absolute)
    }

    /// The file in which something is, however often it is handed on.
    fn file_of(&self, path: Module, steps: usize) -> Option<Module> {
        let length = (0..=path.len()).rev().find(|length| self.0.contains_key(&path[..*length]))?;
        let (module, rest) = (path[..length].to_vec(), &path[length..]);
        let handed_on = rest.first().and_then(|name| self.0[&module].handed_on.get(name));
        let elsewhere = handed_on.and_then(|path| self.absolute(&module, path));
        match elsewhere.filter(|elsewhere| *elsewhere != path && steps < 8) {
            Some(elsewhere) => self.file_of([&elsewhere[..], &rest[1..]].concat(), steps + 1),
            None => Some(module),
        }
    }
}

fn collect(folder: &Path, module: &Module, files: &mut BTreeMap<Module, Uses>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let inner = || [module.as_slice(), std::slice::from_ref(&stem)].concat();
        if path.is_dir() && stem != "bin" && stem != "tests" {
            collect(&path, &inner(), files);
        } else if path.extension().is_some_and(|it| it == "rs") && stem != "tests" {
            let is_root = ["mod", "lib", "main"].contains(&stem.as_str());
            let parsed = syn::parse_file(&fs::read_to_string(&path).unwrap()).unwrap();
            let uses = files.entry(if is_root { module.clone() } else { inner() }).or_default();
            uses.visit_file(&parsed);
        }
    }
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Path>().is_ok_and(|it| it.is_ident("test"))
    })
}

impl Uses {
    fn take_tree(&mut self, tree: &UseTree, before: &[String], hands_on: bool) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            UseTree::Path(path) => self.take_tree(&path.tree, &with(&path.ident), hands_on),
            UseTree::Group(group) => {
                group.items.iter().for_each(|item| self.take_tree(item, before, hands_on));
            }
            UseTree::Name(name) if name.ident == "self" => self.take(before, None, hands_on),
            UseTree::Name(name) => self.take(&with(&name.ident), Some(&name.ident), hands_on),
            UseTree::Rename(name) => self.take(&with(&name.ident), Some(&name.rename), hands_on),
            UseTree::Glob(_) => self.take(before, None, hands_on),
        }
    }

    fn take(&mut self, path: &[String], name: Option<&syn::Ident>, hands_on: bool) {
        if let Some(name) = name {
            self.handed_on.insert(name.to_string(), path.to_vec());
        }
        let own = !matches!(path.first().map(String::as_str), Some("crate" | "super"));
        if !(hands_on && own) {
            self.name(path.to_vec());
        }
    }

    /// Keeps a path. In a module inside of the file the first parents are in the file, too.
    fn name(&mut self, path: Vec<String>) {
        let ups = path.iter().take_while(|part| *part == "super").count();
        if ups == 0 && (self.depth == 0 || path[0] == "crate") {
            self.named.push(path);
        } else if ups > self.depth {
            self.named.push(path[self.depth..].to_vec());
        }
    }

    /// Paths inside of macros, as far as they begin at the root or at a parent.
    fn take_tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut finish = |path: &mut Vec<String>| {
            let path = std::mem::take(path);
            if path.len() > 1 && ["crate", "super"].contains(&path[0].as_str()) {
                self.name(path);
            }
        };
        let (mut colons, mut groups) = (0, Vec::new());
        for token in tokens {
            match token {
                TokenTree::Ident(ident) if colons == 2 || path.is_empty() => {
                    path.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Ident(ident) => {
                    finish(&mut path);
                    path.push(ident.to_string());
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    finish(&mut path);
                    (colons, _) = (0, groups.push(group.stream()));
                }
                _ => {
                    finish(&mut path);
                    colons = 0;
                }
            }
        }
        finish(&mut path);
        groups.into_iter().for_each(|tokens| self.take_tokens(tokens));
    }
}

impl<'a> Visit<'a> for Uses {
    fn visit_item(&mut self, item: &'a Item) {
        let attributes = match item {
            Item::Fn(it) => &it.attrs,
            Item::Impl(it) => &it.attrs,
            Item::Mod(it) => &it.attrs,
            Item::Use(it) => &it.attrs,
            _ => return visit::visit_item(self, item),
        };
        if !is_for_tests(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, module: &'a ItemMod) {
        self.depth += 1;
        visit::visit_item_mod(self, module);
        self.depth -= 1;
    }

    fn visit_item_use(&mut self, item: &'a ItemUse) {
        self.take_tree(&item.tree, &[], !matches!(item.vis, Visibility::Inherited));
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        let path_of: Vec<String> =
            path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if path_of.len() > 1 && ["crate", "super", "self"].contains(&path_of[0].as_str()) {
            self.name(path_of);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, macro_call: &'a Macro) {
        self.take_tokens(macro_call.tokens.clone());
        visit::visit_macro(self, macro_call);
    }
}
