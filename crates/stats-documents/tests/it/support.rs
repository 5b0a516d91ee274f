//! What the tests share.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use stats_documents::contract::given;
use stats_documents::import::{ImportError, ImportOptions, ImportReport, Input, import};
use stats_documents::{Archive, ArchiveOptions, Documents, ShelfFilter};
use stats_model::{DocumentKind, Fingerprint, Shelf};
use tempfile::TempDir;

/// A folder with one archive in it.
pub(crate) struct Place {
    pub(crate) folder: TempDir,
    pub(crate) archive: Archive,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self::with(ArchiveOptions::default())
    }

    pub(crate) fn with(options: ArchiveOptions) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::open(folder.path().join("archive"), options).unwrap();
        Self { folder, archive }
    }

    /// Writes a file beside the archive.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn import(&self, paths: &[&PathBuf]) -> ImportReport {
        self.import_with(paths, &ImportOptions::default()).unwrap()
    }

    pub(crate) fn import_with(
        &self,
        paths: &[&PathBuf],
        options: &ImportOptions,
    ) -> Result<ImportReport, ImportError> {
        let inputs = paths.iter().map(|&path| Input::Path(path.clone())).collect();
        import(inputs, &self.archive, options, &mut ())
    }
}

/// One line of an export.
pub(crate) fn line(index: &str, id: &str, source: &str) -> String {
    format!("{}\n", line_without_end(index, id, source))
}

pub(crate) fn line_without_end(index: &str, id: &str, source: &str) -> String {
    let (index, id) = (serde_json::Value::from(index), serde_json::Value::from(id));
    format!(r#"{{"_index":{index},"_id":{id},"_score":1,"_source":{source}}}"#)
}

/// A document with some weight, as an export line.
pub(crate) fn document(kind: DocumentKind, community: &str, day: &str, value: u32) -> String {
    let id = format!("{community}-{day}");
    let mut source = given(kind, &id, community, day, value).source;
    source.pop();
    source.push_str(r#","subcounts":{"subjects":["#);
    for item in 0..20 + value % 50 {
        let comma = if item == 0 { "" } else { "," };
        let _ =
            write!(source, r#"{comma}{{"id":"s{}","n":{}}}"#, item * value, value ^ (item << 7));
    }
    source.push_str("]}}");
    line(&format!("{}-{}", kind.alias(), &day[..4]), &id, &source)
}

/// `days` days of the four kinds for some communities, as one export.
pub(crate) fn corpus(communities: u32, days: u32) -> String {
    let mut lines = String::new();
    for kind in DocumentKind::ALL {
        for n in 0..days {
            for community in 0..communities {
                let day = format!("{}-{:02}-{:02}", 2020 + n / 336, 1 + n / 28 % 12, 1 + n % 28);
                lines.push_str(&document(kind, &format!("c{community}"), &day, n * 31 + community));
            }
        }
    }
    lines
}

/// All fingerprints of all kinds.
pub(crate) fn fingerprints(archive: &Archive) -> BTreeMap<Shelf, Fingerprint> {
    let mut all = BTreeMap::new();
    for kind in DocumentKind::ALL {
        all.extend(archive.fingerprints(kind, &ShelfFilter::default()).unwrap());
    }
    all
}

/// Every document by kind and id, read completely, and that fingerprints and manifests agree.
pub(crate) fn contents(archive: &Archive) -> BTreeMap<(DocumentKind, String), Vec<u8>> {
    let mut contents = BTreeMap::new();
    for (shelf, fingerprint) in fingerprints(archive) {
        let mut numbers = Vec::new();
        archive
            .documents(&shelf, None, &mut |document| {
                numbers.push(document.sequence);
                contents.insert((shelf.kind, document.id.to_owned()), document.source.to_vec());
                std::ops::ControlFlow::Continue(())
            })
            .unwrap();
        assert_eq!(Fingerprint::of(numbers), fingerprint, "{shelf}");
    }
    contents
}
