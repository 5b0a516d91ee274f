//! Fixture files as text and JSON, throw-away servers and names for the tests of the workspace.
//!
//! [`services`] starts real Redis, PostgreSQL, RabbitMQ and OpenSearch servers on free loopback
//! ports in temporary folders; [`proxy`] stands in front of one and arranges faults; [`http`] is
//! the little client that both use. [`fuzz`] feeds readers of foreign bytes, and [`wait`] waits for
//! what others do.
#![forbid(unsafe_code)]

pub mod corpus;
pub mod fixtures;
pub mod fuzz;
pub mod http;
pub mod measure;
pub mod proxy;
pub mod services;
pub mod wait;
