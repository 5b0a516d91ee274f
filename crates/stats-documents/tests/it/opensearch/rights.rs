//! Logins that may not see everything.

use stats_documents::{Changes, Documents, Feed};
use stats_testkit::proxy::{Action, Fault};

use super::support::{Cluster, KIND};

/// The same documents written in the same order have the same numbers.
#[test]
fn an_index_made_anew_is_noticed_without_the_right_to_statistics() {
    let Some(cluster) = Cluster::new() else { return };
    let declined = || Action::Answer { status: 403, retry_after: None };
    cluster.proxy.add(Fault::on("/_stats", declined()));
    cluster.put_year(10);
    let source = cluster.source();
    let position = source.position(KIND).unwrap();
    assert_eq!(source.position(KIND).unwrap(), position);
    cluster.node.send("DELETE", &format!("/{}", cluster.index(KIND)), b"").unwrap();
    cluster.put_year(10);
    let anew = source.position(KIND).unwrap();
    assert_ne!(anew, position);
    assert!(!position.goes_on_in(&anew));
    assert_eq!(source.changed_since(KIND, &position).unwrap(), Changes::Everything);

    // Without the right to look at indices, searches alone have to do.
    cluster.proxy.add(Fault::on("settings.index", declined()));
    source.position(KIND).unwrap();
}
