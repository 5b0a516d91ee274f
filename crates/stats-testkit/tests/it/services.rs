//! The servers start, answer, are shared, and leave nothing behind.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use stats_testkit::services::{
    Celery, CeleryVersion, OpenSearch, Postgres, RabbitMq, Redis, Service, require,
};
use stats_testkit::wait;

#[test]
fn redis_gives_every_test_a_database() {
    let Some(redis) = Redis::shared() else { return };
    assert_ne!(redis.database(), redis.database());
    assert_ne!(redis.prefix(), redis.prefix());
}

#[test]
fn a_stopped_redis_is_gone_with_its_folder() {
    let Some(()) = require(Service::Redis) else { return };
    let mut redis = Redis::start(&["--maxmemory", "10mb"]).unwrap();
    let folder = redis.folder().unwrap().to_owned();
    assert!(folder.join("socket").exists());
    redis.stop();
    assert!(std::net::TcpStream::connect(redis.address()).is_err());
    wait_until_gone(&folder);
}

#[test]
fn postgres_creates_databases() {
    let Some(postgres) = Postgres::shared() else { return };
    let url = postgres.create_database().unwrap();
    let name = url.rsplit('/').next().unwrap();
    assert_eq!(postgres.sql(name, "SELECT current_database()").unwrap().trim(), name);
    let error = postgres.sql(name, "SELECT nonsense").unwrap_err();
    assert!(error.to_string().contains("nonsense"), "{error}");
}

#[test]
fn rabbitmq_creates_virtual_hosts() {
    let Some(broker) = RabbitMq::shared() else { return };
    let url = broker.create_vhost().unwrap();
    let name = url.rsplit('/').next().unwrap();
    assert!(broker.control(&["list_vhosts"]).unwrap().contains(name));
}

#[test]
fn opensearch_accepts_documents_of_the_templates_and_refuses_others() {
    let Some(node) = OpenSearch::shared() else { return };
    let prefix = node.prefix().unwrap();
    let line = |source: &str| {
        format!(r#"{{"_index":"stats-community-usage-delta-2025","_id":"a","_source":{source}}}"#)
    };
    let good = line(r#"{"community_id":"global","period_start":"2025-03-09T00:00:00"}"#);
    assert_eq!(node.load(&prefix, [&good]).unwrap(), 1);
    let found = node.get(&format!("/{prefix}stats-community-usage-delta/_count")).unwrap();
    assert_eq!(found["count"], 1);
    let error = node.load(&prefix, [line(r#"{"unknown":1}"#)]).unwrap_err();
    assert!(error.to_string().contains("strict_dynamic_mapping_exception"), "{error}");
}

#[test]
fn celery_of_each_version_is_within_reach_of_python() {
    for (version, begins) in CeleryVersion::ALL.into_iter().zip(["5.3.", "5.5."]) {
        let Some(celery) = Celery::shared(version) else { return };
        let program = "import app; print(app.version, end='')";
        let module = "from celery import __version__ as version";
        let printed = celery.run(module, &[], &["-c", program]).unwrap();
        assert!(printed.starts_with(begins), "{printed}");
        let error = celery.run("1 / 0", &[], &["-c", "import app"]).unwrap_err();
        assert!(error.to_string().contains("ZeroDivisionError"), "{error}");
    }
}

/// A killed test run leaves no server, no process and no folder.
#[test]
fn nothing_survives_a_killed_process() {
    for service in [Service::Redis, Service::Postgres, Service::RabbitMq, Service::OpenSearch] {
        let Some(()) = require(service) else { continue };
        let temporary = tempfile::tempdir().unwrap();
        // The servers' own users must be able to reach their folders.
        use std::os::unix::fs::PermissionsExt;
        let open = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(temporary.path(), open).unwrap();
        let mark = temporary.path().join("started");
        let mut run = Command::new(env!("CARGO_BIN_EXE_services"))
            .args(["run", service.name(), "--", "sh", "-c", "touch \"$0\"; exec cat"])
            .arg(&mark)
            .env("TMPDIR", temporary.path())
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        wait::within(Duration::from_secs(90), "the start", || mark.exists());
        assert!(processes(temporary.path()) > 0, "{service:?}");
        let command = run.stdin.take();
        run.kill().unwrap();
        run.wait().unwrap();
        std::fs::remove_file(&mark).unwrap();
        wait::within(Duration::from_secs(20), "the end", || {
            processes(temporary.path()) == 0 && is_empty(temporary.path())
        });
        drop(command);
    }
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).unwrap().count() == 0
}

/// Processes whose command line or environment names `folder`, but for the `cat` that ran beside
/// the servers.
fn processes(folder: &Path) -> usize {
    let folder = folder.to_str().unwrap();
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    all.filter(|entry| {
        let read = |name| std::fs::read(entry.path().join(name)).unwrap_or_default();
        let (command, environment) = (read("cmdline"), read("environ"));
        command != b"cat\0"
            && !command.starts_with(env!("CARGO_BIN_EXE_services").as_bytes())
            && [command, environment]
                .iter()
                .any(|text| String::from_utf8_lossy(text).contains(folder))
    })
    .count()
}

fn wait_until_gone(path: &Path) {
    wait::within(Duration::from_secs(10), "removal", || !path.exists());
}
