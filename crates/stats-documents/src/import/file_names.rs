//! What the name of a file says of its content.

use super::index_names::holds_index_name;

/// The name of a file, without the folders that it lies in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileName(String);

impl FileName {
    /// Of the file at `path`, or of a member of an archive.
    pub(crate) fn of(path: &str) -> Self {
        Self(path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase())
    }

    /// Whether documents of an index, bookmarks, events or communities are expected in it.
    pub(crate) fn stands_for_an_index(&self) -> bool {
        holds_index_name(&self.0) && !self.is_beside()
    }

    /// Whether exports are named like this.
    pub(crate) fn is_like_an_export(&self) -> bool {
        self.endings().any(|ending| matches!(ending, "ndjson" | "jsonl" | "json"))
            && !self.is_beside()
    }

    /// Whether it is said to be compressed or packed.
    pub(crate) fn is_packed(&self) -> bool {
        self.endings().last().is_some_and(|ending| PACKED.contains(&ending))
    }

    fn is_beside(&self) -> bool {
        self.endings().any(|ending| BESIDE.contains(&ending))
    }

    fn endings(&self) -> impl Iterator<Item = &str> {
        self.0.split('.').skip(1)
    }
}

/// What dumps leave beside documents, under the same name.
const BESIDE: [&str; 18] = [
    "mapping",
    "mappings",
    "settings",
    "analyzer",
    "alias",
    "aliases",
    "template",
    "templates",
    "policy",
    "log",
    "md5",
    "sha1",
    "sha224",
    "sha256",
    "sha384",
    "sha512",
    "sig",
    "crc32",
];

const PACKED: [&str; 20] = [
    "gz", "gzip", "tgz", "zst", "zstd", "tzst", "xz", "txz", "bz2", "tbz", "tbz2", "tar", "zip",
    "7z", "rar", "lz4", "lz", "lzma", "br", "z",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_is_expected() {
        for (path, of_an_index, like_an_export, packed) in [
            ("d/stats-community-usage-delta-2025.ndjson", true, true, false),
            ("d.tar/x/kc-stats-community-records-delta-added-2025.json.lzma", true, true, true),
            ("stats-community-usage-delta", true, false, false),
            ("Stats-Community-Usage-Snapshot_2025 (1).CSV", true, false, false),
            ("a.b-stats-bookmarks-community.ndjson.gz.gpg", true, true, false),
            ("communities-communities-v2.0.0-1735689600.json.br", true, true, true),
            ("stats-community-usage-delta-2025.mapping.json", false, false, false),
            ("stats-community-usage-delta-2025.ndjson.sha256", false, false, false),
            ("stats-community-usage-delta-2025/README.md", false, false, false),
            ("stats-community-usage-deltas.json", false, true, false),
            ("stats-community-records-delta-created-2025.json", false, true, false),
            ("communities-communities-v2.0.0-percolators.json", false, true, false),
            (".DS_Store", false, false, false),
            ("backup.tgz", false, false, true),
            ("gz", false, false, false),
        ] {
            let name = FileName::of(path);
            let found = (name.stands_for_an_index(), name.is_like_an_export(), name.is_packed());
            assert_eq!(found, (of_an_index, like_an_export, packed), "{path}");
        }
    }
}
