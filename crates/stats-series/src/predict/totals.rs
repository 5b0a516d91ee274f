//! The totals of usage documents, read by their looks.

use stats_model::DocumentKind;

use super::regular::{Dissected, dissect_totals};
use super::template::MAX_NUMBERS;
use super::template::{Numbers, Template};
use crate::scan::cell::Cell;

/// The totals of usage documents, read by their looks once those are known; see [`Template`].
#[derive(Debug, Default)]
pub(crate) struct KnownTotals {
    looks: Option<Looks>,
    /// How often looks were remembered. Totals that keep changing theirs are given up.
    remembered: u8,
    numbers: Option<Numbers>,
}

/// The bytes of totals around their numbers.
#[derive(Debug)]
struct Looks {
    head: Vec<u8>,
    template: Template,
    tail: Vec<u8>,
}

impl KnownTotals {
    /// Reads totals at `at` that look as they did before; returns the offset behind them.
    pub(crate) fn read(&mut self, bytes: &[u8], at: usize) -> Option<usize> {
        self.numbers = None;
        let Looks { head, template, tail } = self.looks.as_ref()?;
        if !bytes.get(at..)?.starts_with(head) {
            return None;
        }
        let mut numbers = [Cell::NONE; MAX_NUMBERS];
        let end = template.read(bytes, at + head.len(), &mut numbers)?;
        if !bytes.get(end..)?.starts_with(tail) {
            return None;
        }
        self.numbers = Some(numbers);
        Some(end + tail.len())
    }

    /// The numbers that were read so, in the present document.
    pub(crate) const fn numbers(&self) -> Option<&Numbers> {
        self.numbers.as_ref()
    }

    /// Another document begins.
    pub(crate) const fn forget(&mut self) {
        self.numbers = None;
    }

    /// Remembers how totals look that were read the long way.
    pub(crate) fn remember(&mut self, kind: DocumentKind, totals: Option<&[u8]>) {
        const MOST: u8 = 8;
        let Some(totals) = totals.filter(|totals| totals[0] == b'{') else { return };
        if self.remembered == MOST
            || !matches!(kind, DocumentKind::UsageDelta | DocumentKind::UsageSnapshot)
        {
            return;
        }
        if let Some(Dissected { first, last, template }) = dissect_totals(kind, totals) {
            let (head, tail) = (totals[..first].to_vec(), totals[last..].to_vec());
            self.looks = Some(Looks { head, template, tail });
            self.remembered += 1;
        }
    }
}
