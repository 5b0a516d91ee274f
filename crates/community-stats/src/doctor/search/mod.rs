//! The search cluster: nodes, aliases, indices, rights.

mod alias;
mod feed;
mod indices;
mod reading;

use std::time::Instant;

use jiff::SignedDuration;
use stats_documents::opensearch::examine::{self, Banner, NoAnswer, Node};
use stats_model::Clock;
use stats_service::chain;
use stats_tls::Trusting;

use super::check::{Check, State};
use super::clocks;
use crate::config::{CommunitySource, Settings, SourceKind};
use crate::connections::opensearch_settings;

/// What checks of the cluster are called.
const NAME: &str = "opensearch";

pub(super) fn examine(settings: &Settings, clock: &dyn Clock) -> Vec<Check> {
    let nodes = match nodes(settings) {
        Ok(nodes) => nodes,
        Err(check) => return vec![check],
    };
    let mut checks: Vec<Check> = nodes.iter().map(|node| greet(node, nodes.len())).collect();
    // Of what failed nothing more can be asked.
    let answers = |check: &Check| matches!(check.state, State::Ok | State::Warning);
    let first = checks.iter().position(answers);
    let Some(node) = first.and_then(|at| nodes.get(at)) else { return checks };
    for check in checks.iter_mut().filter(|check| check.state == State::Unreachable) {
        // The others carry on without it.
        check.state = State::Warning;
    }
    checks.extend(time(node, clock));
    if settings.source.kind == SourceKind::Opensearch {
        checks.extend(indices::documents(node, &settings.source.index_prefix));
        checks.extend(indices::aggregation(node, settings, clock));
    }
    if settings.communities.source == CommunitySource::Opensearch {
        checks.push(indices::communities(node));
    }
    checks
}

/// The nodes that settings name.
fn nodes(settings: &Settings) -> Result<Vec<Node>, Check> {
    let refused = |detail: String| Check::failed(NAME, detail, "correct `source.ca_certs`");
    let search = opensearch_settings(settings).map_err(|error| refused(chain(&error)))?;
    let (source, authorities) = (&settings.source, &search.authorities);
    if let (true, Some(file), Some(pem)) = (source.verify_certs, &source.ca_certs, authorities) {
        // Told with the name of the file.
        Trusting::those_in(pem)
            .map_err(|reason| refused(settings.no_certificates(file, &reason).to_string()))?;
    }
    let remedy = "correct `source.hosts`, `source.api_key`, or what the message names";
    examine::nodes(search).map_err(|error| Check::failed(NAME, chain(&error), remedy))
}

/// Asks a node who it is.
fn greet(node: &Node, of: usize) -> Check {
    let name = if of == 1 { NAME.to_owned() } else { format!("{NAME} {}", node.base()) };
    let asked = Instant::now();
    match node.banner() {
        Ok(banner) => told(&name, node, banner).took(asked.elapsed()),
        Err(why) => broken(&name, node, &why),
    }
}

fn told(name: &str, node: &Node, banner: Banner) -> Check {
    let base = node.base();
    let address = "name the address of the cluster in `source.hosts`";
    match banner {
        Banner::Version { number, distribution, cluster } => {
            version(name, base, &number, &distribution, &cluster)
        }
        Banner::LoginRefused => {
            let login = if node.logs_in() { "the login is refused" } else { "it wants a login" };
            let remedy = "set `source.username` and `source.password`, or `source.api_key`";
            Check::failed(name, format!("{base}: {login}"), remedy)
        }
        Banner::Forbidden => {
            let detail = format!(
                "{base} answers; its version is not told (banner forbidden, no right \
                 cluster:monitor/main), which does no harm"
            );
            Check::ok(name, detail)
        }
        Banner::Away(status) => {
            let detail = format!("{base} answers {status}");
            Check::of(State::Unreachable, name, detail, "wait until the cluster is back")
        }
        Banner::Unexpected(status) => {
            let detail = format!("{base} answers {status} where a cluster names its version");
            Check::failed(name, detail, address)
        }
        Banner::NoCluster => {
            let detail = format!("{base} answers, but not as a cluster does");
            Check::failed(name, detail, address)
        }
    }
}

fn version(name: &str, base: &str, number: &str, distribution: &str, cluster: &str) -> Check {
    let major: u32 = number.split('.').next().and_then(|part| part.parse().ok()).unwrap_or(0);
    let check = if distribution != "opensearch" || !(2..=3).contains(&major) {
        let detail = format!("{base} is {distribution} {number}");
        Check::warning(name, detail, "OpenSearch 2.3 to 3 is supported; others are not tried")
    } else {
        Check::ok(name, format!("{base}, cluster {cluster}"))
    };
    check.version(number)
}

fn broken(name: &str, node: &Node, why: &NoAnswer) -> Check {
    let detail = format!("{}: {why}", node.base());
    if why.is_certificate() {
        let remedy = "name the authority's certificates in `source.ca_certs`, and the host as they \
                      name it";
        return Check::failed(name, detail, remedy);
    }
    let remedy = "start the cluster, or correct `source.hosts` (http or https, host, port)";
    Check::of(State::Unreachable, name, detail, remedy)
}

/// The cluster's clock against ours, where it tells one.
fn time(node: &Node, clock: &dyn Clock) -> Option<Check> {
    let before = clock.now();
    let theirs = node.clock();
    let after = clock.now();
    // It is told in whole seconds.
    let resolution = SignedDuration::from_secs(1);
    theirs.map(|theirs| clocks::check(NAME, theirs, before, after, resolution))
}
