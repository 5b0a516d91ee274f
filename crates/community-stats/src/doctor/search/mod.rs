//! The search cluster: nodes, aliases, indices, rights.

mod alias;
mod feed;
mod http;
mod indices;
mod reading;

use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use stats_model::Clock;

use self::http::{Answer, NAME, Node, Trouble, nodes};
use super::check::{Check, State};
use super::clocks;
use crate::config::{CommunitySource, Settings, SourceKind};

pub(super) fn examine(settings: &Settings, clock: &dyn Clock) -> Vec<Check> {
    let nodes = match nodes(settings) {
        Ok(nodes) => nodes,
        Err(check) => return vec![check],
    };
    let greeted: Vec<(Check, Option<Answer>)> =
        nodes.iter().map(|node| greet(node, nodes.len())).collect();
    let first = greeted.iter().position(|(_, answer)| answer.is_some());
    let mut checks: Vec<Check> = greeted.into_iter().map(|(check, _)| check).collect();
    let Some(node) = first.and_then(|at| nodes.get(at)) else { return checks };
    for check in checks.iter_mut().filter(|check| check.state == State::Unreachable) {
        // The others carry on without it.
        check.state = State::Warning;
    }
    checks.extend(time(node, clock));
    let prefix = &settings.source.index_prefix;
    if settings.source.kind == SourceKind::Opensearch {
        checks.extend(indices::documents(node, prefix));
        checks.extend(indices::aggregation(node, settings, clock));
    }
    if settings.communities.source == CommunitySource::Opensearch {
        checks.push(indices::communities(node, prefix));
    }
    checks
}

/// Asks a node who it is. The answer is `None` when nothing more can be asked of it.
fn greet(node: &Node, of: usize) -> (Check, Option<Answer>) {
    let name = if of == 1 { NAME.to_owned() } else { format!("{NAME} {}", node.base()) };
    let asked = Instant::now();
    let answer = match node.get("/") {
        Ok(answer) => answer,
        Err(trouble) => return (broken(&name, node, &trouble), None),
    };
    let check = banner(&name, node, &answer).took(asked.elapsed());
    let usable = matches!(check.state, State::Ok | State::Warning);
    (check, usable.then_some(answer))
}

fn banner(name: &str, node: &Node, answer: &Answer) -> Check {
    let base = node.base();
    match answer.status {
        200 => {}
        401 => {
            let login = if node.logs_in() { "the login is refused" } else { "it wants a login" };
            let remedy = "set `source.username` and `source.password`, or `source.api_key`";
            return Check::failed(name, format!("{base}: {login}"), remedy);
        }
        403 => {
            let detail = format!(
                "{base} answers; its version is not told (banner forbidden, no right \
                 cluster:monitor/main), which does no harm"
            );
            return Check::ok(name, detail);
        }
        502..=504 => {
            let detail = format!("{base} answers {}", answer.status);
            return Check::of(State::Unreachable, name, detail, "wait until the cluster is back");
        }
        status => {
            let detail = format!("{base} answers {status} where a cluster names its version");
            return Check::failed(
                name,
                detail,
                "name the address of the cluster in `source.hosts`",
            );
        }
    }
    let version = &answer.json["version"];
    let Some(number) = version["number"].as_str() else {
        let detail = format!("{base} answers, but not as a cluster does");
        return Check::failed(name, detail, "name the address of the cluster in `source.hosts`");
    };
    let major: u32 = number.split('.').next().and_then(|part| part.parse().ok()).unwrap_or(0);
    let distribution = version["distribution"].as_str().unwrap_or("elasticsearch");
    let check = if distribution != "opensearch" || !(2..=3).contains(&major) {
        let detail = format!("{base} is {distribution} {number}");
        Check::warning(name, detail, "OpenSearch 2.3 to 3 is supported; others are not tried")
    } else {
        let cluster = answer.json["cluster_name"].as_str().unwrap_or_default();
        Check::ok(name, format!("{base}, cluster {cluster}"))
    };
    check.version(number)
}

fn broken(name: &str, node: &Node, trouble: &Trouble) -> Check {
    let detail = format!("{}: {trouble}", node.base());
    if trouble.is_certificate() {
        let remedy = "name the authority's certificates in `source.ca_certs`, and the host as they \
                      name it";
        return Check::failed(name, detail, remedy);
    }
    let remedy = "start the cluster, or correct `source.hosts` (http or https, host, port)";
    Check::of(State::Unreachable, name, detail, remedy)
}

/// The cluster's clock: from the header `Date` where something sends it, else from the health
/// list. Both tell whole seconds.
fn time(node: &Node, clock: &dyn Clock) -> Option<Check> {
    let before = clock.now();
    let answer = node.get("/_cat/health?format=json&h=epoch").ok()?;
    let after = clock.now();
    let theirs = answer.date.or_else(|| epoch(&answer.json))?;
    Some(clocks::check(NAME, theirs, before, after, SignedDuration::from_secs(1)))
}

fn epoch(health: &Value) -> Option<Timestamp> {
    let epoch = health.get(0)?.get("epoch")?.as_str()?.parse().ok()?;
    Timestamp::from_second(epoch).ok()
}
