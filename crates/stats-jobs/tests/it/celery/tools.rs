//! Celery's own tools see our worker and talk to it.

use std::net::TcpListener;
use std::time::Duration;

use serde_json::{Value, json};
use stats_jobs::Serializer;
use stats_testkit::http;
use stats_testkit::services::CeleryVersion;
use stats_testkit::wait;

use super::side::{Between, Side};

const AT_ONCE: Duration = Duration::from_secs(20);

/// What all workers of this name answer, as `celery inspect --json` prints it.
fn inspect(side: &Side, arguments: &[&str]) -> Value {
    let all = [&["inspect", "--json", "-t", "10", "-d", "ours@here"], arguments].concat();
    let printed = side.tool(&all);
    let answers: Value = serde_json::from_str(printed.lines().next().unwrap_or_default())
        .unwrap_or_else(|error| panic!("{error}: {printed}"));
    answers["ours@here"].clone()
}

fn control(side: &Side, arguments: &[&str]) -> String {
    side.tool(&[&["control", "-t", "10", "-d", "ours@here"], arguments].concat())
}

#[test]
fn inspect_shows_what_a_worker_does() {
    for between in Between::ALL {
        let Some(side) = Side::new(CeleryVersion::V5_5, between, Serializer::Msgpack) else {
            return;
        };
        let worker = side.worker("ours");
        let id = side.python("print(ours('wait', 7).id)");
        side.doings.wait_until_begun(1);
        assert_eq!(inspect(&side, &["ping"]), json!({"ok": "pong"}));
        let active = inspect(&side, &["active"]);
        assert_eq!((&active[0]["id"], &active[0]["name"]), (&json!(id), &json!("ours.wait")));
        assert_eq!((&active[0]["args"], &active[0]["acknowledged"]), (&json!([7]), &json!(true)));
        assert_eq!(inspect(&side, &["reserved"]), json!([]));
        let stats = inspect(&side, &["stats"]);
        assert_eq!(stats["total"], json!({"ours.wait": 1}));
        assert_eq!(stats["pool"]["max-concurrency"], 2);
        let registered = inspect(&side, &["registered"]);
        assert!(registered.as_array().unwrap().contains(&json!("ours.echo")), "{registered}");
        assert_eq!(inspect(&side, &["active_queues"])[0]["name"], "stats-cache");
        assert_eq!(inspect(&side, &["conf"])["task_default_queue"], "stats-cache");
        assert_eq!(inspect(&side, &["query_task", &id])[&id][0], "active");
        side.doings.open_gate();
        let _ = worker.stop(AT_ONCE);
    }
}

#[test]
fn control_revokes_tasks_and_ends_workers() {
    for between in Between::ALL {
        let Some(side) = Side::new(CeleryVersion::V5_5, between, Serializer::Json) else { return };
        let worker = side.worker("ours");
        let waits = side.python("print(ours('echo', countdown=600).id)");
        wait::until("it is in hand", || side.queue("stats-cache").length().unwrap() == 0);
        let scheduled = inspect(&side, &["scheduled"]);
        assert_eq!(scheduled[0]["request"]["id"], json!(waits));
        side.python(&format!("app.control.revoke('{waits}')"));
        wait::until("it is known as revoked", || inspect(&side, &["revoked"]) == json!([waits]));

        let goes_on = side.python("print(ours('obey').id)");
        side.doings.wait_until_begun(1);
        side.python(&format!("app.control.revoke('{goes_on}', terminate=True)"));
        let told =
            format!("from celery.result import AsyncResult\nr = AsyncResult('{goes_on}', app=app)");
        let told = side.python(&format!(
            "{told}\ntry:\n  r.get(timeout=30)\nexcept Exception as e:\n  print(type(e).__name__)"
        ));
        assert_eq!(told, "TaskRevokedError");

        let said = control(&side, &["shutdown"]);
        assert!(said.contains("shutting down"), "{said}");
        assert!(worker.wait(AT_ONCE));
        let _ = worker.stop(AT_ONCE);
        // What was held is given back.
        assert_eq!(side.queue("stats-cache").length().unwrap(), 1);
    }
}

#[test]
fn flower_lists_our_worker_and_its_tasks() {
    for between in Between::ALL {
        let Some(side) = Side::new(CeleryVersion::V5_5, between, Serializer::Msgpack) else {
            return;
        };
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let arguments = ["flower", "--address=127.0.0.1", &format!("--port={port}")];
        let open = [("FLOWER_UNAUTHENTICATED_API", "true")];
        let flower = side.start(&arguments, &open, "Connected to");
        let worker = side.worker("ours");
        let ask = |path: &str| -> Value {
            let answer = http::send("GET", &format!("http://127.0.0.1:{port}{path}"), b"");
            answer.and_then(|answer| answer.json()).unwrap_or_default()
        };
        wait::until("Flower lists the worker", || {
            ask("/api/workers?refresh=1")["ours@here"]["stats"]["pool"]["max-concurrency"] == 2
        });
        // Flower knows its inspection first, and hears of the heartbeat when the next one comes.
        wait::until("Flower sees the worker alive", || {
            ask("/api/workers?status=1")["ours@here"] == true
        });
        let id = side.python("r = ours('echo', 1); r.get(timeout=30); print(r.id)");
        let path = format!("/api/task/info/{id}");
        wait::until("Flower lists the task", || ask(&path)["state"] == "SUCCESS");
        let task = ask(&path);
        assert_eq!((&task["name"], &task["args"]), (&json!("ours.echo"), &json!("[1]")));
        assert!(task["started"].is_number() && task["runtime"].is_number(), "{task}");
        drop(flower);
        let _ = worker.stop(AT_ONCE);
    }
}
