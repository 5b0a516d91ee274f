//! The command line, by running the real executable.

mod bad_input;
mod cache;
mod companion;
mod damaged;
mod demo;
mod endless;
mod full_disk;
mod generate;
mod generate_killed;
mod golden;
mod hostile;
mod import;
mod import_broken_off;
mod import_reports;
mod interrupt;
mod loss;
mod manners;
mod meanwhile;
mod messages;
mod names;
mod secrets;
mod series;
mod shaping;
mod shared;
mod stores;
pub(crate) mod support;
mod warm;
