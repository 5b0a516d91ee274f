//! The suites that every source passes, on real nodes: a cluster read in several ways, and mirrors.

mod filled;
mod gateway;

use std::sync::Arc;

use stats_documents::MirrorOptions;
use stats_testkit::proxy::{Action, Fault};
use stats_testkit::services::Release;

use self::filled::Filled;
use self::gateway::rewritten;
use super::support::Lent;
use crate::contract::mirror::Mirrored;

/// Makes both suites for a way to read a cluster.
macro_rules! suites {
    ($($name:ident: $start:expr, bytes_are_kept: $bytes_are_kept:expr;)+) => {$(
        mod $name {
            #[allow(unused_imports, reason = "each uses some of them")]
            use super::*;

            stats_documents::feed_contract! {
                start: $start,
                equal_writes_keep_their_numbers: false,
                bytes_are_kept: $bytes_are_kept,
                kinds_have_indices: true,
                shelves_are_there_throughout: true,
                longest_id: 512,
            }
            stats_documents::directory_contract! { start: $start }
        }
    )+};
}

suites! {
    plain: || filled(Release::V2), bytes_are_kept: true;
    with_tiny_pages: || filled_with_tiny_pages(Release::V2), bytes_are_kept: true;
    without_points_in_time: filled_without_points_in_time, bytes_are_kept: true;
    mirror: || mirrored(Release::V2), bytes_are_kept: true;
    mirror_without_statistics: mirrored_without_statistics, bytes_are_kept: true;
    mirror_behind_a_gateway_that_writes_anew: mirrored_behind_a_gateway, bytes_are_kept: false;
    plain_on_3: || filled(Release::V3), bytes_are_kept: true;
    with_tiny_pages_on_3: || filled_with_tiny_pages(Release::V3), bytes_are_kept: true;
    mirror_on_3: || mirrored(Release::V3), bytes_are_kept: true;
}

fn filled(release: Release) -> Option<Filled> {
    let cluster = Lent::on(release)?;
    let source = cluster.source();
    Some(Filled::new(cluster, source))
}

fn filled_with_tiny_pages(release: Release) -> Option<Filled> {
    let cluster = Lent::on(release)?;
    let source = cluster.source_with_pages(300);
    Some(Filled::new(cluster, source))
}

/// No right to open a point in time.
fn filled_without_points_in_time() -> Option<Filled> {
    let cluster = Lent::on(Release::V2)?;
    cluster.proxy.add(Fault::on("keep_alive", declined()));
    let source = cluster.source_with_pages(300);
    Some(Filled::new(cluster, source))
}

fn mirrored(release: Release) -> Option<Mirrored<Filled>> {
    Some(mirror_of(filled(release)?))
}

/// A login that may see no statistics of indices: how far they have come is only known from what
/// searches find, and may be again what it was before.
fn mirrored_without_statistics() -> Option<Mirrored<Filled>> {
    let cluster = Lent::on(Release::V2)?;
    cluster.proxy.add(Fault::on("/_stats", declined()));
    let source = cluster.source();
    Some(mirror_of(Filled::new(cluster, source)))
}

fn mirrored_behind_a_gateway() -> Option<Mirrored<Filled>> {
    let cluster = Lent::on(Release::V2)?;
    cluster.proxy.add(Fault::on("", Action::Rewrite(Arc::new(rewritten))));
    let source = cluster.source();
    Some(mirror_of(Filled::new(cluster, source)))
}

fn mirror_of(remote: Filled) -> Mirrored<Filled> {
    let source = Arc::clone(&remote.source);
    Mirrored::new(remote, source, MirrorOptions::default())
}

fn declined() -> Action {
    Action::Answer { status: 403, retry_after: None }
}
