//! Python sends, we perform, Python reads the result.

use std::time::Duration;

use stats_jobs::Serializer;
use stats_testkit::services::CeleryVersion;

use super::side::{Between, Side};

const AT_ONCE: Duration = Duration::from_secs(20);

#[test]
fn what_python_sends_is_performed_and_python_reads_what_became_of_it() {
    Side::each(|side| {
        let worker = side.worker("ours");
        let printed = side.python(
            r#"
print(ours("echo", 1, "größe 🐙", None, kwargs={"years": [2023, 2024], "deep": {"a": 1.5}}).get(timeout=30))
print(ours("echo", countdown=0.2, expires=600, priority=6).get(timeout=30))
try:
    ours("bad").get(timeout=30)
except ValueError as error:
    print(type(error).__name__, error.args)
try:
    app.send_task("unknown", queue="stats-cache").get(timeout=30)
except Exception as error:
    print(type(error).__name__, error.args)
group = [ours("add", number, 1) for number in range(5)]
print([one.get(timeout=30) for one in group])
print(group[0].date_done is not None, group[0].successful(), group[0].children)
"#,
        );
        let expected = "\
{'arguments': [1, 'größe 🐙', None], 'keywords': {'years': [2023, 2024], 'deep': {'a': 1.5}}}
{'arguments': [], 'keywords': {}}
ValueError ('bad 3',)
NotRegistered ('unknown',)
[1, 2, 3, 4, 5]
True True []";
        assert_eq!(printed, expected, "{:?}", side.said.all());
        let _ = worker.stop(AT_ONCE);
    });
}

/// RabbitMQ itself takes away what came too late: nobody hears of it again.
#[test]
fn what_python_sends_too_late_is_revoked_where_the_broker_keeps_it() {
    let (version, between) = (CeleryVersion::V5_5, Between::Redis);
    let Some(side) = Side::new(version, between, Serializer::Msgpack) else { return };
    let worker = side.worker("ours");
    let printed = side.python(
        r#"
late = ours("echo", expires=-10)
try:
    late.get(timeout=30)
except Exception as error:
    print(type(error).__name__, error.args, late.state)
"#,
    );
    assert_eq!(printed, "TaskRevokedError ('expired',) REVOKED");
    let _ = worker.stop(AT_ONCE);
}

#[test]
fn what_python_pickles_or_chains_is_refused_and_python_is_told() {
    Side::each(|side| {
        let worker = side.worker("ours");
        let printed = side.python(
            r#"
from celery import signature
def told(result):
    try:
        return result.get(timeout=30)
    except Exception as error:
        return type(error).__name__ + " " + str(error)
print(told(ours("echo", serializer="pickle")))
print(told(ours("echo", compression="gzip")))
print(told(ours("echo", link=signature("ours.echo"))))
"#,
        );
        let lines: Vec<&str> = printed.lines().collect();
        assert!(lines[0].contains("application/x-python-serialize"), "{printed}");
        assert!(lines[1].contains("compressed with 'application/x-gzip'"), "{printed}");
        assert!(lines[2].contains("it has callbacks"), "{printed}");
        let _ = worker.stop(AT_ONCE);
    });
}
