//! What InvenioRDM's own configuration says about our settings.
//!
//! Names are merged first, as InvenioRDM does (the environment before `invenio.cfg`), then
//! translated: `SEARCH_CLIENT_CONFIG` in the environment and `SEARCH_HOSTS` in the file are one
//! configuration.

use std::collections::BTreeMap;
use std::path::Path;

use invenio_config::{Cfg, Decides, Finding, Literal, NAMES, Name};

use super::environment::{Environment, content_of_file, refuse_both};
use super::error::ConfigError;
use super::invenio_cfg::{Skipped, read_cfg};
use super::origin::Origin;
use super::resolve::{Given, Values};
use super::value::Value;

/// InvenioRDM's configuration, as far as it concerns us.
#[derive(Default)]
pub(super) struct Invenio {
    names: BTreeMap<&'static str, Named>,
    /// Every name of the `invenio.cfg` whose value is not understood.
    pub(super) skipped: Vec<Skipped>,
    /// What somebody should know, one line each.
    pub(super) warnings: Vec<String>,
    /// Whether an `invenio.cfg` was read, or the instance itself was asked.
    pub(super) is_told: bool,
    /// Names that are given and concern us, with a text that says why they are not understood.
    pub(super) unknown: Vec<(String, String)>,
}

/// A value with where it was given.
#[derive(Clone)]
pub(super) struct Named {
    pub(super) literal: Literal,
    /// Whether it was taken as text because it is no literal.
    pub(super) is_bare: bool,
    pub(super) origin: Origin,
}

impl Invenio {
    /// Takes what the instance said of itself, and reads the environment and, if one is named, an
    /// `invenio.cfg`.
    pub(super) fn read(
        asked: Vec<(&'static str, Named)>,
        environment: &Environment,
        cfg: Option<&Path>,
    ) -> Result<Self, ConfigError> {
        let mut invenio = Self { is_told: !asked.is_empty(), ..Self::default() };
        invenio.names.extend(asked);
        invenio.read_environment(environment)?;
        if let Some(path) = cfg {
            invenio.read_cfg(path, environment)?;
        }
        Ok(invenio)
    }

    fn read_environment(&mut self, environment: &Environment) -> Result<(), ConfigError> {
        for name in known_names() {
            let plain = format!("INVENIO_{name}");
            let in_file = format!("{plain}_FILE");
            let (variable, in_file, content) = if let Some(path) = environment.get(&in_file) {
                refuse_both(environment, &plain, &in_file)?;
                let content = content_of_file(&in_file, path)?;
                (in_file, true, content)
            } else if let Some(content) = environment.get(&plain) {
                (plain, false, content.clone())
            } else {
                continue;
            };
            let origin = Origin::InvenioEnv { name: variable, in_file };
            let (literal, is_bare) = match Literal::parse(&content) {
                Ok(literal) => (literal, false),
                Err(_) => (Literal::Text(content), true),
            };
            self.names.entry(name).or_insert(Named { literal, is_bare, origin });
        }
        Ok(())
    }

    fn read_cfg(&mut self, path: &Path, environment: &Environment) -> Result<(), ConfigError> {
        let cfg = read_cfg(path, environment)?;
        self.is_told = true;
        for name in NAMES {
            let finding = cfg.find(name.name);
            match self.names.get(name.name) {
                None => self.take(path, name, finding),
                Some(named) => {
                    let told = differs_from_what_was_asked(path, name, named, finding.as_ref());
                    self.warnings.extend(told);
                }
            }
        }
        self.tell_undecided();
        self.tell_names_of_variables(path, &cfg);
        Ok(())
    }

    fn take(&mut self, path: &Path, name: &'static Name, finding: Option<Finding>) {
        match finding {
            None => {}
            Some(Finding::Known { value, line, unset }) => {
                let origin = Origin::InvenioCfg { path: path.to_owned(), line };
                if name.decides != Decides::How && !unset.is_empty() {
                    self.warnings.push(format!(
                        "{origin}: {} depends on {}, which is not set here; what the file has in \
                         its place was taken",
                        name.name,
                        unset.join(" and ")
                    ));
                }
                self.names.insert(name.name, Named { literal: value, is_bare: false, origin });
            }
            Some(Finding::Undecided(why)) => {
                let skipped = Skipped {
                    name: name.name.to_owned(),
                    file: path.to_owned(),
                    line: why.line,
                    reason: why.reason,
                };
                let text = format!("{}: {skipped}", skipped.place());
                self.unknown.push((skipped.name.clone(), text));
                self.skipped.push(skipped);
            }
        }
    }

    /// Names that one statement leaves open are told together.
    fn tell_undecided(&mut self) {
        let mut rest = self.skipped.as_slice();
        while let Some(first) = rest.first() {
            let same = |other: &&Skipped| other.line == first.line && other.reason == first.reason;
            let (together, others) = rest.split_at(rest.iter().take_while(same).count());
            let names: Vec<&str> = together.iter().map(|skipped| skipped.name.as_str()).collect();
            let (names, were) = match names.as_slice() {
                [one] => ((*one).to_owned(), "it was"),
                some if some.len() < 4 => (some.join(", "), "they were"),
                [one, two, ..] => {
                    (format!("{one}, {two} and {} more", names.len() - 2), "they were")
                }
                [] => break,
            };
            let (place, reason) = (first.place(), &first.reason);
            self.warnings.push(format!("{place}: {names} {reason}; {were} skipped"));
            rest = others;
        }
    }

    /// `INVENIO_SEARCH_HOSTS = …` in the file: that is the name of the variable, and nothing to
    /// Python.
    fn tell_names_of_variables(&mut self, path: &Path, cfg: &Cfg) {
        for written in cfg.names() {
            let meant = written.strip_prefix("INVENIO_").and_then(invenio_config::name);
            if let Some(meant) = meant {
                let line = match cfg.find(written) {
                    Some(Finding::Known { line, .. }) => line,
                    Some(Finding::Undecided(why)) => why.line,
                    None => continue,
                };
                self.warnings.push(format!(
                    "{}:{line}: {written} means nothing in a file, only in the environment; write \
                     {}",
                    path.display(),
                    meant.name
                ));
            }
        }
    }

    /// Offers everything that InvenioRDM's configuration says.
    pub(super) fn offer(&mut self, values: &mut Values) {
        self.offer_search(values);
        self.offer_text(values, "SEARCH_INDEX_PREFIX", "source.index_prefix");
        self.offer_redis(values);
        self.offer_lock(values);
        self.offer_truth(values, "STATS_DASHBOARD_COMMUNITY_OPT_IN", "communities.opt_in");
        self.offer_truth(values, "STATS_DASHBOARD_OPTIMIZE_DATA_SERIES", "generation.optimize");
        let gate = "COMMUNITY_STATS_SCHEDULED_CACHE_TASKS_ENABLED";
        self.offer_truth(values, gate, "generation.enabled");
        self.offer_dictionary(values, "STATS_DASHBOARD_LAYOUT", "generation.layouts");
        self.offer_dictionary(values, "COMMUNITY_STATS_SUBCOUNTS", "generation.subcounts");
        self.offer_addresses(values);
    }

    fn offer_redis(&mut self, values: &mut Values) {
        let name = "STATS_CACHE_REDIS_URL";
        if let Some(Named { literal: Literal::None, origin, .. }) = self.names.get(name) {
            self.warnings.push(format!(
                "{origin}: {name} is None; it was taken as absent, but the Python side takes it as \
                 an address and fails"
            ));
        }
        self.offer_value(values, name, "cache.redis_url");
        self.offer_main_redis(values);
        self.offer_number(values, "STATS_CACHE_REDIS_DB", "cache.redis_db");
        self.offer_number(values, "STATS_AGG_REGISTRY_REDIS_DB", "cache.registry_redis_db");
        self.offer_text(values, "STATS_CACHE_PREFIX", "cache.prefix");
        self.offer_number(values, "STATS_CACHE_DEFAULT_TTL", "cache.ttl_days");
        self.offer_text(values, "CACHE_KEY_PREFIX", "lock.key_prefix");
    }

    /// An address without a database means that of `CACHE_REDIS_DB` (`cache-and-jobs.md`
    /// section 9).
    fn offer_main_redis(&self, values: &mut Values) {
        let Some(named) = self.names.get("CACHE_REDIS_URL") else { return };
        let mut value = Value::from(&named.literal);
        let database = self.names.get("CACHE_REDIS_DB").and_then(|named| whole(&named.literal));
        let url = value.text().and_then(|text| super::RedisUrl::parse(text).ok());
        if let (Some(url), Some(number)) = (url, database)
            && url.database.is_none()
        {
            value = Value::Text(url.with_database(number).to_secret().expose().to_owned());
        }
        values.offer("cache.main_redis_url", Given { value, origin: named.origin.clone() });
    }

    /// `cache-and-jobs.md` section 9.
    fn offer_lock(&mut self, values: &mut Values) {
        let Some(named) = self.dictionary("STATS_DASHBOARD_LOCK_CONFIG") else { return };
        let config = &named.literal;
        let ours = config.member("response_caching");
        let flags = [config.member("enabled"), ours.and_then(|ours| ours.member("enabled"))];
        let enabled = flags.into_iter().flatten().all(Literal::is_true);
        let given = |value| Given { value, origin: named.origin.clone() };
        values.offer("lock.enabled", given(Value::Bool(enabled)));
        for (member, key) in [("lock_timeout", "lock.timeout"), ("lock_name", "lock.name")] {
            if let Some(value) = ours.and_then(|ours| ours.member(member)) {
                values.offer(key, given(Value::from(value)));
            }
        }
    }

    /// A truth value, as Python sees it: every text but the empty one is true.
    fn offer_truth(&mut self, values: &mut Values, name: &'static str, key: &'static str) {
        let Some(Named { literal, origin, .. }) = self.names.get(name) else { return };
        if let Literal::Text(text) = literal
            && ["false", "no", "off", "0"].contains(&text.to_ascii_lowercase().as_str())
        {
            self.warnings.push(format!(
                "{origin}: {name} is the text `{text}`, which is true for Python and therefore \
                 here; write False"
            ));
        }
        let value = Value::Bool(literal.is_true());
        values.offer(key, Given { value, origin: origin.clone() });
    }

    /// A text; a number that was meant as one, too.
    fn offer_text(&self, values: &mut Values, name: &'static str, key: &'static str) {
        let Some(Named { literal, origin, .. }) = self.names.get(name) else { return };
        let value = match literal {
            Literal::None => Value::Text(String::new()),
            Literal::Int(number) => Value::Text(number.to_string()),
            other => Value::from(other),
        };
        values.offer(key, Given { value, origin: origin.clone() });
    }

    /// A number; a text that holds one, too. `None` is no number except for a lifetime.
    fn offer_number(&self, values: &mut Values, name: &'static str, key: &'static str) {
        let Some(Named { literal, origin, .. }) = self.names.get(name) else { return };
        let value = match literal {
            // Who empties a variable means to unset it.
            Literal::Text(text) if text.trim().is_empty() => return,
            Literal::Text(text) => Value::Word(text.clone()),
            other => Value::from(other),
        };
        values.offer(key, Given { value, origin: origin.clone() });
    }

    fn offer_dictionary(&mut self, values: &mut Values, name: &'static str, key: &'static str) {
        let Some(Named { literal, origin, .. }) = self.dictionary(name) else { return };
        values.offer(key, Given { value: Value::from(&literal), origin });
    }

    fn offer_value(&self, values: &mut Values, name: &'static str, key: &'static str) {
        let Some(Named { literal, origin, .. }) = self.names.get(name) else { return };
        values.offer(key, Given { value: Value::from(literal), origin: origin.clone() });
    }

    /// The value of a name that has to be a dictionary; another one is told and left out.
    pub(super) fn dictionary(&mut self, name: &str) -> Option<Named> {
        let named = self.named(name)?.clone();
        if matches!(named.literal, Literal::Dict(_)) {
            return Some(named);
        }
        let text = format!("{}: {name} is no dictionary", named.origin);
        self.warnings.push(format!("{text}; it was skipped"));
        self.unknown.push((name.to_owned(), text));
        None
    }

    /// The value of a name that is not `None`.
    pub(super) fn named(&self, name: &str) -> Option<&Named> {
        self.names.get(name).filter(|named| named.literal != Literal::None)
    }
}

/// A file that says otherwise than the instance itself did, about what responses hold.
fn differs_from_what_was_asked(
    path: &Path,
    name: &Name,
    named: &Named,
    finding: Option<&Finding>,
) -> Option<String> {
    let (Origin::File { .. }, Some(Finding::Known { value, line, .. })) = (&named.origin, finding)
    else {
        return None;
    };
    let differs =
        name.decides == Decides::What && Value::from(value) != Value::from(&named.literal);
    differs.then(|| {
        format!(
            "{}:{line}: {} is another one than the instance said ({}), which was taken; run the \
             script of `community-stats config python` again",
            path.display(),
            name.name,
            named.origin
        )
    })
}

/// Every name that means something here.
fn known_names() -> impl Iterator<Item = &'static str> {
    NAMES.iter().map(|name| name.name)
}

/// The number of a database, also as text.
fn whole(literal: &Literal) -> Option<u16> {
    match literal {
        Literal::Int(number) => u16::try_from(*number).ok(),
        Literal::Text(text) => text.trim().parse().ok(),
        _ => None,
    }
}
