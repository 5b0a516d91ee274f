//! What `doctor` wants to know of a cluster: node by node, one request for each question, without
//! another attempt and without another node.

mod banner;
mod bookmarks;
mod feed;
mod indices;
mod node;
mod prefixes;
mod reading;

pub use self::banner::Banner;
pub use self::feed::{FeedReport, Statistics, Sums};
pub use self::indices::{CommunityField, KindIndices};
pub use self::node::{NoAnswer, Node, nodes};
pub use self::reading::Unread;
