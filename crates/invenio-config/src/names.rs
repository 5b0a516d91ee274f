//! Which name of InvenioRDM's configuration decides about what (`cache-and-jobs.md` section 1).

/// What a name decides about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decides {
    /// Where documents are read from or responses are written to: hosts, prefixes, databases, lock.
    Where,
    /// What is in a response, and of which communities there is one.
    What,
    /// How it is done; a wrong value makes no wrong response.
    How,
}

/// A name of InvenioRDM's configuration that means something here.
#[derive(Debug)]
pub struct Name {
    /// The name, without `INVENIO_`.
    pub name: &'static str,
    /// The setting of ours that says the same.
    pub setting: &'static str,
    /// What it decides about.
    pub decides: Decides,
    /// Whether functions in its value do not matter.
    pub holds_code: bool,
}

/// Every such name.
pub const NAMES: &[Name] = &[
    of("SEARCH_CLIENT_CONFIG", "source.hosts", Decides::Where),
    of("SEARCH_HOSTS", "source.hosts", Decides::Where),
    of("SEARCH_ELASTIC_HOSTS", "source.hosts", Decides::Where),
    of("SEARCH_INDEX_PREFIX", "source.index_prefix", Decides::Where),
    of("SQLALCHEMY_DATABASE_URI", "communities.database_url", Decides::How),
    of("STATS_DASHBOARD_COMMUNITY_OPT_IN", "communities.opt_in", Decides::What),
    of("STATS_CACHE_REDIS_URL", "cache.redis_url", Decides::Where),
    of("CACHE_REDIS_URL", "cache.main_redis_url", Decides::Where),
    of("CACHE_REDIS_DB", "cache.main_redis_url", Decides::Where),
    of("STATS_CACHE_REDIS_DB", "cache.redis_db", Decides::Where),
    of("STATS_AGG_REGISTRY_REDIS_DB", "cache.registry_redis_db", Decides::Where),
    of("STATS_CACHE_PREFIX", "cache.prefix", Decides::Where),
    of("STATS_CACHE_DEFAULT_TTL", "cache.ttl_days", Decides::How),
    of("STATS_DASHBOARD_LOCK_CONFIG", "lock.name", Decides::Where),
    of("CACHE_KEY_PREFIX", "lock.key_prefix", Decides::Where),
    of("COMMUNITY_STATS_SCHEDULED_CACHE_TASKS_ENABLED", "generation.enabled", Decides::How),
    of("STATS_DASHBOARD_OPTIMIZE_DATA_SERIES", "generation.optimize", Decides::What),
    of("STATS_DASHBOARD_LAYOUT", "generation.layouts", Decides::What),
    Name {
        holds_code: true,
        ..of("COMMUNITY_STATS_SUBCOUNTS", "generation.subcounts", Decides::What)
    },
    of("CELERY_BROKER_URL", "broker.url", Decides::How),
    of("BROKER_URL", "broker.url", Decides::How),
    of("CELERY_RESULT_BACKEND", "broker.result_backend", Decides::How),
    of("CELERY_BROKER_USE_SSL", "broker.ca_certs", Decides::How),
    of("BROKER_USE_SSL", "broker.ca_certs", Decides::How),
];

/// Variables that begin so belong to an InvenioRDM whose search, cache or database is meant.
pub const PREFIXES_OF_A_COMPANION: [&str; 5] = [
    "INVENIO_SEARCH_",
    "INVENIO_CACHE_",
    "INVENIO_STATS_CACHE_",
    "INVENIO_SQLALCHEMY_DATABASE_URI",
    "INVENIO_DB_",
];

const fn of(name: &'static str, setting: &'static str, decides: Decides) -> Name {
    Name { name, setting, decides, holds_code: false }
}

/// The name, if it means something here.
#[must_use]
pub fn name(name: &str) -> Option<&'static Name> {
    NAMES.iter().find(|known| known.name == name)
}

/// The name of a variable for a message. What is no name may be a secret, and is not repeated.
pub(crate) fn shown_variable(name: &str) -> &str {
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if is_name { name } else { "(its name is none)" }
}
