//! Under which prefixes there are statistics at all.

use std::collections::BTreeSet;

use stats_model::DocumentKind;

use super::node::Node;

impl Node {
    /// The prefixes of all statistics of the cluster, ours or not; `None` where that is not told.
    #[must_use]
    pub fn prefixes(&self) -> Option<BTreeSet<String>> {
        let answer = self.get("/*stats-community-*/_alias").ok()?;
        if !answer.is_ok() {
            return None;
        }
        let mut found = BTreeSet::new();
        for (index, aliases) in answer.json.as_object()? {
            let aliases = aliases["aliases"].as_object().into_iter().flatten();
            for name in aliases.map(|(alias, _)| alias).chain([index]) {
                found.extend(prefix_of(name).map(str::to_owned));
            }
        }
        Some(found)
    }
}

/// What stands before the name of a statistics alias.
fn prefix_of(name: &str) -> Option<&str> {
    DocumentKind::ALL.iter().find_map(|kind| name.find(kind.alias()).map(|at| &name[..at]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_of_names() {
        assert_eq!(prefix_of("kcworks-stats-community-usage-delta-2025"), Some("kcworks-"));
        assert_eq!(prefix_of("stats-community-records-delta-added"), Some(""));
        assert_eq!(prefix_of("kcworks-stats-community-events-2025"), None);
    }
}
