//! Daily statistics documents to chart-ready data series.
//!
//! A [`SeriesBuilder`] is told which responses are wanted, is fed documents as bytes, and writes
//! each response exactly as invenio-stats-dashboard 0.5.0 would (data-series specification).
//! No I/O, no clock, no async and no logging happens here.
//!
//! ```
//! use stats_model::Category;
//! use stats_series::{FloatStyle, ResponseSpec, Selection, SeriesBuilder, SeriesConfig};
//!
//! let spec = ResponseSpec { category: Category::UsageDelta, selection: Selection::All };
//! let mut builder = SeriesBuilder::new(&SeriesConfig::default(), &[spec])?;
//! builder.feed("monday", br#"{"period_start":"2031-04-02","totals":{"view":{"total_events":3}}}"#);
//! let mut response = Vec::new();
//! builder.write(0, FloatStyle::Plain, &mut response)?;
//! assert!(response.starts_with(br#"{"global":{"dataVolume":[{"id":"global""#));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Inside: `plan` decides which arrays a response has; `reader` walks over a document and fills
//! `table`s, by the rules of `rules`, or by their looks where `predict` shows that the rules would
//! make the same, with the help of `scan` for everything that is JSON text; `write` writes the
//! arrays out.
#![forbid(unsafe_code)]

mod blueprint;
mod builder;
mod camel_case;
mod config;
mod date;
mod failure;
mod measure;
mod plan;
mod predict;
mod reader;
mod rules;
mod scan;
mod table;
mod write;

pub use blueprint::{Blueprint, SeriesError};
pub use builder::{GENERATOR_VERSION, SeriesBuilder, WriteError};
pub use config::{
    ComponentNames, ComponentRegistry, ConfigError, DEFAULT_LAYOUTS, DEFAULT_SUBCOUNTS,
    LayoutOwner, Layouts, SeriesConfig, SubcountConfig,
};
pub use failure::DocumentFailure;
pub use plan::{ResponseSpec, Selection};
pub use write::FloatStyle;
