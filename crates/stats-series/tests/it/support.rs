//! Short ways to a response.

use serde_json::value::RawValue;
use stats_model::Category;
use stats_series::{
    ComponentNames, DocumentFailure, FloatStyle, ResponseSpec, Selection, SeriesBuilder,
    SeriesConfig, WriteError,
};

pub(crate) fn selection(components: Option<Vec<String>>) -> Selection {
    components
        .map_or(Selection::All, |names| Selection::Components(ComponentNames::from_iter(names)))
}

pub(crate) fn response<D: AsRef<[u8]>>(
    category: Category,
    selection: Selection,
    documents: &[D],
) -> Result<String, DocumentFailure> {
    let spec = ResponseSpec { category, selection };
    let mut builder = SeriesBuilder::new(&SeriesConfig::default(), &[spec]).unwrap();
    for (index, document) in documents.iter().enumerate() {
        builder.feed(&format!("document-{index}"), document.as_ref());
    }
    written(&builder, 0)
}

pub(crate) fn written(builder: &SeriesBuilder, index: usize) -> Result<String, DocumentFailure> {
    let mut out = Vec::new();
    match builder.write(index, FloatStyle::Plain, &mut out) {
        Ok(()) => Ok(String::from_utf8(out).unwrap()),
        Err(WriteError::Document(failure)) => {
            assert!(out.is_empty(), "nothing is written when a document is refused");
            Err(failure)
        }
        Err(WriteError::Io(error)) => panic!("a vector takes everything: {error}"),
    }
}

/// The documents of one golden case, byte for byte as they stand in the file.
pub(crate) fn documents(raw: &[Box<RawValue>]) -> Vec<&[u8]> {
    raw.iter().map(|document| document.get().as_bytes()).collect()
}
