//! Reading documents that look like earlier ones.
//!
//! The items of a list differ in their numbers and hardly in anything else. Once an item was read
//! the long way, by the rules, the bytes around its numbers are remembered. An item with the same
//! bytes around other plain numbers is not taken apart again: its numbers are read where they
//! stand, and a [program](program) makes each cell from them. So are the totals of usage documents.
//!
//! # What must hold
//!
//! Let `x` be a text that was read by the rules and remembered, and `y` a text that is read by its
//! looks: what the rules would make of `y` must be what the programs make of it, byte for byte and
//! failure for failure. That is so because of these obligations, each met in the place named:
//!
//! 1. **`y` is `x` with other numbers.** The bytes of `y` equal those of `x` but for the numbers of
//!    the template, and what stands there is a complete JSON number: [`plain::plain_number`] takes
//!    every byte that could belong to it. So `y` is valid JSON wherever `x` is, with the same
//!    members, the same strings, the same nesting, and ends where the tail ends.
//! 2. **Nothing else is looked at.** A template is learned only from an object whose members are
//!    exactly those of the regular form of its kind ([`regular`]), at every level: none twice, none
//!    besides, none missing, no key with an escape, no key that only looks like a path. Rules that
//!    look for another member (`by_view` beside `view`, a third number in a sum) do not find it in
//!    `y`, because it is not in `x`; rules that take the last of equal members or the first of
//!    equal keys have no choice to make. Besides these members only `id` and `label` may stand, as
//!    whole values that the template does not enter.
//! 3. **The same series.** The id is text, once, and part of the bytes that are equal. Outlines
//!    are kept with the series that the rules found for `x`, and go with it when a document is
//!    taken back. The label is looked at only when a series is made, and this one exists.
//! 4. **The same cells.** A plain number has up to 15 digits, perhaps `.0`: its [`Cell`] is the one
//!    that the rules would keep, integers stay integers, and every difference of two such numbers
//!    is exact. A program that meets a number it cannot answer for (a float in a sum) answers
//!    nothing, before anything of the item has been kept, and the rules read the item.
//! 5. **The same failures: none.** Numbers in these ranges can be summed, subtracted and written.
//! 6. **The same rows.** Both ways claim the row of the series for the document first, so the first
//!    item with an id counts, however it is read. An item without id, or with null, is never
//!    regular, so the series of null is fed by the rules alone.
//! 7. **Guesses only choose what is compared.** Which series follows which, which list of a document
//!    comes next and which template fits are habits; whatever they suggest is compared byte by byte
//!    before it counts.
//!
//! Dates, the order of members, repeated members of a document and its lists, and the totals of
//! record documents are always read by the rules. `SeriesBuilder::without_prediction` turns this
//! room off; tests compare both ways on documents made to break one of these obligations.
//!
//! [`Cell`]: crate::scan::cell::Cell

pub(crate) mod outline;
pub(crate) mod plain;
pub(crate) mod program;
pub(crate) mod regular;
pub(crate) mod template;
pub(crate) mod totals;
