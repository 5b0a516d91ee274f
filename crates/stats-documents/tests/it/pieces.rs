//! However the input is cut into reads, the import brings the same documents.

use std::io::{self, Cursor, Read};
use std::ops::ControlFlow;

use proptest::prelude::*;
use stats_documents::import::{ImportOptions, Input, import};
use stats_documents::{Document, Documents, ShelfFilter};
use stats_model::DocumentKind;
use stats_testkit::corpus;

use crate::support::Place;

/// Hands out its bytes in reads of these sizes, over and over.
struct InPieces {
    bytes: Cursor<Vec<u8>>,
    sizes: Vec<usize>,
    next: usize,
}

impl Read for InPieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let size = self.sizes[self.next % self.sizes.len()].min(buffer.len());
        self.next += 1;
        self.bytes.read(&mut buffer[..size])
    }
}

fn imported_in_pieces(sizes: Vec<usize>) -> Vec<(String, Vec<u8>)> {
    let place = Place::new();
    let export = corpus::export(&["usage_delta", "record_delta"], 2, 12, 0);
    let reader = InPieces { bytes: Cursor::new(export.into_bytes()), sizes, next: 0 };
    let inputs = vec![Input::Reader { name: "pieces".to_owned(), reader: Box::new(reader) }];
    let report = import(inputs, &place.archive, &ImportOptions::default(), &mut ()).unwrap();
    assert!(report.is_complete());
    let mut documents = Vec::new();
    for kind in DocumentKind::ALL {
        for shelf in place.archive.fingerprints(kind, &ShelfFilter::default()).unwrap().into_keys()
        {
            let visit = &mut |document: Document<'_>| {
                documents.push((document.id.to_owned(), document.source.to_vec()));
                ControlFlow::Continue(())
            };
            place.archive.documents(&shelf, None, visit).unwrap();
        }
    }
    documents
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn any_cut_of_the_input_into_reads_gives_the_same_documents(
        sizes in prop::collection::vec(1_usize..3000, 1..6),
    ) {
        let whole = imported_in_pieces(vec![1 << 20]);
        prop_assert_eq!(whole.len(), 24);
        prop_assert_eq!(imported_in_pieces(sizes), whole);
    }
}
