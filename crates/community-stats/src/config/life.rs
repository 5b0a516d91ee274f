//! Beside an InvenioRDM, or on its own: decided once, for all settings.

use std::fmt;

use invenio_config::PREFIXES_OF_A_COMPANION;

use super::environment::Environment;
use super::origin::Origin;
use super::resolve::Values;
use super::source::SourceKind;

/// Which of its two lives the program leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Life {
    /// With files of its own and no server.
    Alone,
    /// Beside a live InvenioRDM: what nobody sets is as it is by default there.
    Companion {
        /// What says so.
        because: Origin,
    },
}

impl Life {
    /// A live source, or anything of InvenioRDM's about search, cache or database, or an
    /// `invenio.cfg` (`cfg` is where it came from).
    pub(super) fn decide(values: &Values, environment: &Environment, cfg: Option<Origin>) -> Self {
        let live = values
            .given("source.kind")
            .filter(|kind| kind.value.text() == Some(SourceKind::Opensearch.as_str()));
        let variable = environment.iter().find(|(name, content)| {
            let belongs = PREFIXES_OF_A_COMPANION.iter().any(|prefix| name.starts_with(prefix));
            !content.is_empty() && belongs
        });
        let variable =
            variable.map(|(name, _)| Origin::InvenioEnv { name: name.clone(), in_file: false });
        let because = live.map(|kind| kind.origin.clone()).or(variable).or(cfg);
        because.map_or(Self::Alone, |because| Self::Companion { because })
    }
}

impl fmt::Display for Life {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alone => out.write_str("on its own"),
            Self::Companion { because } => write!(out, "beside an InvenioRDM ({because})"),
        }
    }
}
