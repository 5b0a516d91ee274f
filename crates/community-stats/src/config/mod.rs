//! Settings: what they are, where they come from, which one counts.
//!
//! One struct per concern, each in its own file. The most specific origin wins:
//!
//! 1. a flag of the command line,
//! 2. `COMMUNITY_STATS_<SECTION>_<KEY>` in the environment (or `…_FILE`, a file with the value),
//! 3. the settings file (TOML),
//! 4. `INVENIO_<NAME>` in the environment (or `…_FILE`), a Python literal,
//! 5. what an `invenio.cfg` makes of a name,
//! 6. the default.
//!
//! Three kinds follow when nobody names them. Beside an InvenioRDM ([`Life`]) `source.kind` is
//! `"opensearch"` and `cache.store` is `"redis"`; a given Redis address means `cache.store =
//! "redis"` in any case, a database address of our own `communities.source = "postgres"`.
//!
//! Nothing else in the program reads the environment.

mod address;
mod broker;
mod cache;
mod celery;
mod communities;
mod data;
mod database_url;
mod environment;
mod error;
mod file;
mod generation;
mod invenio;
mod invenio_addresses;
mod invenio_cfg;
mod invenio_search;
mod life;
mod loader;
mod lock;
mod login;
mod named_files;
mod origin;
mod redis_url;
mod reference;
mod resolve;
mod run;
mod search_host;
mod section;
mod settings;
mod source;
mod times;
mod told;
mod types;
mod value;

pub use address::Credentials;
pub use broker::BrokerSettings;
pub use cache::{CacheSettings, Foreign, RedisTargets, StoreKind};
pub use celery::{CelerySettings, Serialized};
pub use communities::{CommunitySettings, CommunitySource};
pub use data::{DataSettings, MirrorSettings};
pub use database_url::{BrokerNode, BrokerUrl, DatabaseUrl};
pub use error::ConfigError;
pub use generation::{GenerationSettings, LargeFloats};
pub use invenio_cfg::Skipped;
pub use invenio_config::{Literal, LiteralError};
pub use life::Life;
pub use loader::Loader;
pub use lock::{LONGEST_LOCK, LockSettings};
pub use origin::Origin;
pub use redis_url::RedisUrl;
pub use reference::reference;
pub use run::{LedgerKind, LogForm, RunSettings};
pub use search_host::SearchHost;
pub use section::{SectionDescription, Setting};
pub use settings::{SettingLine, Settings};
pub use source::{Compression, SourceKind, SourceSettings};
pub use times::Times;
pub use types::{ByteSize, JsonInput, Lifetime, MASK, Secret, Workers};
pub use value::{Misfit, SettingValue, Surroundings, Value};

pub(crate) use login::may_hold_password;
use section::Section as _;

/// The settings file with every setting, its default and an explanation, all commented out.
pub const DEFAULT_FILE: &str = include_str!("../../../../config/default.toml");

/// Every section, in the order in which people see them.
pub const SECTIONS: &[SectionDescription] = &[
    DataSettings::DESCRIPTION,
    MirrorSettings::DESCRIPTION,
    SourceSettings::DESCRIPTION,
    CommunitySettings::DESCRIPTION,
    CacheSettings::DESCRIPTION,
    LockSettings::DESCRIPTION,
    GenerationSettings::DESCRIPTION,
    RunSettings::DESCRIPTION,
    BrokerSettings::DESCRIPTION,
    CelerySettings::DESCRIPTION,
];

/// The setting with this key.
#[must_use]
pub fn setting(key: &str) -> Option<&'static Setting> {
    SECTIONS.iter().flat_map(|section| section.settings).find(|setting| setting.key == key)
}
