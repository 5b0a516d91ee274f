//! Where documents come from.

use std::num::NonZeroU16;
use std::path::PathBuf;
use std::time::Duration;

use super::search_host::SearchHost;
use super::section::section;
use super::types::{ByteSize, Secret, choice};

choice! {
    /// Where documents come from.
    SourceKind: "\"archive\" or \"opensearch\"" {
        /// The archive in the data folder, filled by `import`.
        Archive = "archive",
        /// A live index.
        Opensearch = "opensearch",
    }
}

choice! {
    /// Whether pages of documents travel compressed.
    Compression: "\"on\" or \"off\"" {
        /// Always.
        On = "on",
        /// Never.
        Off = "off",
    }
}

section! {
    /// Where documents come from: the archive in the data folder, or a live OpenSearch index.
    SourceSettings = "source" {
        /// `archive` or `opensearch`. Unless set it is `opensearch` when `source.hosts` was given
        /// anywhere, else `archive`.
        kind: SourceKind = SourceKind::Archive, [];

        /// The nodes of the cluster, each as `http://host:port`, `host:port` or a table with `host`,
        /// `port`, `scheme`, `use_ssl`, `url_prefix`, `http_auth`. A variable separates them by
        /// commas.
        hosts: Vec<SearchHost> = vec![SearchHost {
            tls: false,
            host: "localhost".to_owned(),
            port: 9200,
            path: String::new(),
            credentials: None,
        }], ["SEARCH_CLIENT_CONFIG", "SEARCH_HOSTS", "SEARCH_ELASTIC_HOSTS"];

        /// What stands before every index name, without a separator of its own: `kcworks-`.
        index_prefix: String = String::new(), ["SEARCH_INDEX_PREFIX"];

        /// The user of the cluster, for basic authentication; needs `source.password`.
        username: Option<String> = None, ["SEARCH_CLIENT_CONFIG"];

        /// The password of that user. Better given as a file, by
        /// `COMMUNITY_STATS_SOURCE_PASSWORD_FILE`.
        password: Option<Secret> = None, ["SEARCH_CLIENT_CONFIG"];

        /// An API key in its encoded form, in place of user and password.
        api_key: Option<Secret> = None, [];

        /// A file with the certificates (PEM) of the authority that signed the cluster's.
        ca_certs: Option<PathBuf> = None, ["SEARCH_CLIENT_CONFIG"];

        /// Whether the certificate of the cluster is checked. Switch it off in experiments only.
        verify_certs: bool = true, ["SEARCH_CLIENT_CONFIG"];

        /// How long one request may take, one page of documents included.
        timeout: Duration = Duration::from_secs(60), ["SEARCH_CLIENT_CONFIG"];

        /// How often a request is repeated after a failure that may pass (429, 502, 503, 504,
        /// timeout).
        max_retries: u16 = 5, ["SEARCH_CLIENT_CONFIG"];

        /// Whether pages travel compressed, `on` or `off`: on a fast network that takes three times
        /// as long, on a slow one an eighth of the time.
        gzip: Compression = Compression::Off, ["SEARCH_CLIENT_CONFIG"];

        /// How large a page of documents is meant to be. Memory grows with it; managed services cap
        /// answers at 100 MB.
        page_size: ByteSize = ByteSize(8 << 20), [];

        /// How many days old the newest bookmark of a kind may be before `doctor` and `cache generate`
        /// warn that the aggregation stands still; 0 never warns. Unless set it is 2, and 0 for an
        /// archive of imported files.
        still_after: Option<u16> = None, [];

        /// How many shelves (one kind, one community, one year) are fetched at the same time.
        shelves_in_flight: NonZeroU16 = NonZeroU16::MIN.saturating_add(3), [];
    }
}

impl SourceSettings {
    /// How many days old the newest bookmark may be; `None`: as old as it likes.
    #[must_use]
    pub fn still_after_days(&self) -> Option<u16> {
        let unset = if self.kind == SourceKind::Opensearch { 2 } else { 0 };
        Some(self.still_after.unwrap_or(unset)).filter(|days| *days > 0)
    }
}
