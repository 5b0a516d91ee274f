//! Beside a live InvenioRDM: the real executable against real OpenSearch, Redis and PostgreSQL.

mod beside_python;
mod bookmarks;
mod changes;
mod commands;
mod corpus;
mod faults;
mod generate;
mod loss;
mod releases;
mod shared;
mod sources;
mod support;
