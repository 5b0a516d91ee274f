//! The Redis databases of responses, registry and lock.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use stats_cache::{
    BulkLock, CacheError, CacheErrorKind, Liveness, Needs, RedisClient, RedisLock, RedisOptions,
    RedisStore, ServerReport,
};
use stats_jobs::ledger::{Ledger, RedisLedger};
use stats_model::Clock;
use stats_service::chain;

use super::aggregation;
use super::check::{Check, State, bytes, plural};
use super::clocks;
use crate::config::{LedgerKind, RedisUrl, Settings};
use crate::connections::redis_address;

pub(super) fn examine(settings: &Settings, clock: &dyn Clock) -> Vec<Check> {
    let targets = settings.cache.redis_targets();
    let one_server = targets.responses.endpoint == targets.locks.endpoint;
    let responses = client(&targets.responses, "redis");
    let mut checks = match &responses {
        Ok(client) => server("redis", client, clock),
        Err(check) => vec![check.clone()],
    };
    if let Ok(client) = &responses {
        let prefix = &settings.cache.prefix;
        checks.push(database("redis responses", client, prefix));
        checks.extend(elsewhere(&targets.responses, client, prefix));
        checks.push(rights("rights on responses", client, &Needs::of_store(prefix)));
        let store = RedisStore::open(Arc::clone(client), prefix.as_str());
        checks.extend(store.ok().and_then(|store| aggregation::notes(&store).ok().flatten()));
        checks.extend(ledger(settings, client));
    }
    if one_server && responses.as_ref().is_err_and(|check| check.state == State::Unreachable) {
        // The same server again would only say the same again.
        return checks;
    }
    match client(&targets.registry, "redis registry") {
        Ok(client) => {
            let detail = format!("database {}", client.address().database);
            checks.push(Check::ok("redis registry", detail));
            checks.push(rights("rights on the registry", &client, &Needs::of_registry()));
        }
        Err(check) => checks.push(check),
    }
    if !settings.lock.enabled {
        checks.push(no_lock(settings));
        return checks;
    }
    if let Some(guess) = settings.guessed_lock() {
        let remedy = "set cache.main_redis_url to what InvenioRDM has as CACHE_REDIS_URL";
        checks.push(Check::warning("lock address", guess, remedy));
    }
    match client(&targets.locks, "lock") {
        Ok(client) => {
            if !one_server {
                checks.extend(server("redis of the lock", &client, clock));
            }
            let needs = Needs::of_lock(&settings.lock.key());
            checks.push(rights("rights on the lock", &client, &needs));
            checks.push(lock(settings, client));
        }
        Err(check) => checks.push(check),
    }
    checks
}

/// Whether what runs did can be read where all hosts remember it. Nothing but history depends on it, and
/// whether work is shared.
fn ledger(settings: &Settings, client: &Arc<RedisClient>) -> Option<Check> {
    if settings.ledger() != LedgerKind::Redis {
        return None;
    }
    let client = Arc::clone(client);
    let ledger = RedisLedger::beside(&settings.cache.prefix, move || client.open());
    Some(match ledger.workers() {
        Ok(workers) => {
            Check::ok("ledger", format!("in Redis, processes that sign: {}", workers.len()))
        }
        Err(error) => {
            let remedy = "let the user run scripts and use community-stats:*, or set run.ledger to \"sqlite\"";
            Check::warning("ledger", chain(&error), remedy)
        }
    })
}

fn client(url: &RedisUrl, name: &str) -> Result<Arc<RedisClient>, Check> {
    let options = RedisOptions {
        connect_timeout: Duration::from_secs(5),
        response_timeout: Duration::from_secs(10),
        ..RedisOptions::default()
    };
    let connected = RedisClient::connect(redis_address(url), options);
    connected.map(Arc::new).map_err(|error| broken(name, &error))
}

fn server(name: &str, client: &RedisClient, clock: &dyn Clock) -> Vec<Check> {
    let (before, asked) = (clock.now(), Instant::now());
    let report = match client.examine() {
        Ok(report) => report,
        Err(error) if error.kind() == CacheErrorKind::Refused => {
            let remedy = "give the user the right to INFO and TIME; without them nobody can tell \
                          whether this server takes writes, drops entries or has a wrong clock";
            return vec![Check::warning(name, chain(&error), remedy)];
        }
        Err(error) => return vec![broken(name, &error)],
    };
    let (took, after) = (asked.elapsed(), clock.now());
    let step = SignedDuration::from_millis(1);
    let (state, detail, remedy) = health(&report);
    let server = Check {
        state,
        remedy: remedy.map(str::to_owned),
        ..Check::ok(name, format!("{}: {detail}", place(client)))
    };
    vec![
        server.version(report.version.as_str()).took(took),
        clocks::check(name, report.clock, before, after, step),
        memory(&format!("{name} memory"), &report),
    ]
}

/// Where a server is; behind sentinels also what they say about it now.
fn place(client: &RedisClient) -> String {
    match client.primary() {
        Ok(Some(primary)) => format!("{}, whose primary is {primary}", client.address()),
        _ => client.address().to_string(),
    }
}

fn health(report: &ServerReport) -> (State, &'static str, Option<&'static str>) {
    if report.read_only_replica {
        let remedy = "name the primary in `cache.redis_url` or `cache.main_redis_url`";
        return (State::Failed, "a replica that takes no writes", Some(remedy));
    }
    if report.saving_fails {
        let remedy = "look at the server's log; by default it takes no writes until this is mended";
        return (State::Failed, "it cannot save its data to disk", Some(remedy));
    }
    (State::Ok, "takes writes", None)
}

fn memory(name: &str, report: &ServerReport) -> Check {
    let (used, most) = (report.used_memory, report.max_memory);
    if most == 0 {
        return Check::ok(name, format!("{} used, no limit", bytes(used)));
    }
    let policy = &report.eviction_policy;
    let detail = format!("{} of {} used, policy {policy}", bytes(used), bytes(most));
    let raise = "raise maxmemory, or let responses expire sooner (`cache.ttl_days`)";
    if report.may_evict() {
        let detail = format!(
            "{detail}: it drops entries when memory is short ({} so far)",
            plural(report.evicted_keys, "key", "keys")
        );
        let remedy = "set maxmemory-policy to noeviction, or give the responses a server of \
                      their own; what was dropped is made again by the next run";
        return Check::warning(name, detail, remedy);
    }
    let percent = u128::from(used) * 100 / u128::from(most);
    match percent {
        98.. => Check::failed(name, format!("{detail}: it is full, writes are refused"), raise),
        85..98 => Check::warning(name, format!("{detail}: it is nearly full"), raise),
        _ => Check::ok(name, detail),
    }
}

fn database(name: &str, client: &RedisClient, prefix: &str) -> Check {
    let asked = Instant::now();
    match client.counts(prefix) {
        Ok(counts) => {
            let detail = format!(
                "database {}: {}, and we keep {} of entries below {prefix}:",
                client.address().database,
                plural(counts.keys, "key", "keys"),
                plural(counts.recorded, "record", "records"),
            );
            Check::ok(name, detail).took(asked.elapsed())
        }
        Err(error) if error.kind() == CacheErrorKind::Refused => {
            let remedy = "give the user the rights to DBSIZE and HLEN; only this count needs them";
            Check::warning(name, chain(&error), remedy)
        }
        Err(error) => broken(name, &error),
    }
}

/// Responses in other databases of the server: the dashboard reads one alone, and that may be
/// another one than ours. Who may not look is not told: nothing else needs that right.
fn elsewhere(url: &RedisUrl, ours: &RedisClient, prefix: &str) -> Option<Check> {
    let holds = |number: &u16| {
        let there = client(&url.with_database(*number), "redis");
        there.is_ok_and(|there| there.holds_responses(prefix).unwrap_or(false))
    };
    let others = ours.databases_in_use().ok()?;
    let mut others: Vec<u16> =
        others.into_iter().filter(|number| *number != url.database_number()).collect();
    others.sort_unstable();
    let found: Vec<String> =
        others.into_iter().filter(holds).map(|number| number.to_string()).collect();
    if found.is_empty() {
        return None;
    }
    let here = match ours.holds_responses(prefix) {
        Ok(true) => "too",
        _ => "ours holds none",
    };
    let detail = format!(
        "responses below {prefix}: lie in database {} of the same server, {here}: whoever reads that \
         one does not see what is stored in database {}",
        found.join(" and "),
        url.database_number(),
    );
    let remedy = "say in `cache.redis_db` (or in the address `cache.redis_url`) what InvenioRDM has \
                  as STATS_CACHE_REDIS_DB; delete what nobody reads";
    Some(Check::warning("redis database", detail, remedy))
}

/// Whether the user of an address may do what we do there.
fn rights(name: &str, client: &RedisClient, needs: &Needs) -> Check {
    let missing = match client.missing_rights(needs) {
        Ok(missing) => missing,
        Err(error) => return broken(name, &error),
    };
    let database = client.address().database;
    if missing.is_empty() {
        return Check::ok(name, format!("all that is needed in database {database}"));
    }
    let detail = format!(
        "the user of {} may not do in database {database}: {}",
        client.address(),
        missing.join(", ")
    );
    let remedy = "grant these commands, and the key patterns of the Python side together with \
                  community-stats:* (docs/operations.md, \"What is written to Redis\")";
    Check::failed(name, detail, remedy)
}

/// A lock that nobody takes needs no server.
fn no_lock(settings: &Settings) -> Check {
    Check::warning(
        "lock",
        format!("{} is switched off", settings.lock.key()),
        "bulk runs of Python and ours may do the same work twice; set `lock.enabled`",
    )
}

fn lock(settings: &Settings, client: Arc<RedisClient>) -> Check {
    let (name, lock) = ("lock", &settings.lock);
    let place = format!("{} in database {}", lock.key(), client.address().database);
    let held = RedisLock::new(client, &lock.key_prefix, &lock.name, lock.timeout).holder();
    let holder = match held {
        Ok(None) => return Check::ok(name, format!("{place} is free")),
        Ok(Some(holder)) => holder,
        Err(error) => return broken(name, &error),
    };
    if holder.liveness() == Liveness::Dead {
        let remedy = "its holder died: community-stats cache unlock";
        return Check::failed(name, format!("{place} is {holder}"), remedy);
    }
    Check::warning(
        name,
        format!("{place} is {holder}"),
        "a bulk run is under way; wait for it, or for the end of the lock if it died",
    )
}

fn broken(name: &str, error: &CacheError) -> Check {
    let state = match error.kind() {
        CacheErrorKind::Unreachable | CacheErrorKind::Busy => State::Unreachable,
        _ => State::Failed,
    };
    let remedy = match state {
        State::Unreachable => "start the server, or correct the Redis address in the settings",
        _ => "correct the Redis address in the settings, or what the message names",
    };
    Check::of(state, name, chain(error), remedy)
}
