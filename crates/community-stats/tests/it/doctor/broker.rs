//! The message broker, which is only greeted.

use std::fs;

use community_stats::doctor::State::{Ok, Warning};
use stats_testkit::proxy::Authority;
use stats_testkit::services::{RabbitMq, Redis, process};

use super::Patient;

#[test]
fn brokers_that_listen() {
    let Some(server) = RabbitMq::shared() else { return };
    for url in [server.url().to_owned(), server.url().replace("guest:guest@", "")] {
        let found = Patient::new().with("broker.url", url).examine();
        let broker = found.expect("broker", Ok, "speaks AMQP");
        assert!(broker.version.as_ref().unwrap().contains('.'), "{broker:?}");
    }
}

#[test]
fn brokers_that_refuse_the_login() {
    let Some(server) = RabbitMq::shared() else { return };
    for login in ["guest:s3cret@", "u:?name=s3cret@"] {
        let url = server.url().replace("guest:guest@", login);
        let found = Patient::new().with("broker.url", url).examine();
        found.expect("broker", Warning, "refuses user or password: ACCESS_REFUSED");
        found.hide("s3cret");
    }
}

#[test]
fn of_several_brokers_one_is_enough() {
    let Some(server) = RabbitMq::shared() else { return };
    let port = process::free_port().unwrap();
    let nobody = format!("amqp://guest:s3cret@127.0.0.1:{port}//");
    let both = Patient::new().with("broker.url", format!("{nobody};{}", server.url())).examine();
    both.expect("broker", Ok, "speaks AMQP");
    let none = Patient::new().with("broker.url", format!("{nobody};{nobody}")).examine();
    none.expect("broker", Warning, "cannot be reached");
    none.hide("s3cret");
}

#[test]
fn brokers_that_do_not() {
    let port = process::free_port().unwrap();
    let url = format!("amqp://guest:s3cret@127.0.0.1:{port}//");
    let found = Patient::new().with("broker.url", url).examine();
    found.expect("broker", Warning, "amqp://guest:***@127.0.0.1");
    found.expect("broker", Warning, "cannot be reached");
    found.hide("s3cret");
}

#[test]
fn brokers_behind_tls_are_spoken_with_if_they_are_trusted() {
    let Some(server) = RabbitMq::shared() else { return };
    let [ours, others] = [Authority::new().unwrap(), Authority::new().unwrap()];
    let port = ours.in_front_of(server.address()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let certificates = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let patient = || Patient::new().with("broker.url", format!("amqps://localhost:{port}//"));
    let trusting = |file: String| patient().with("broker.ca_certs", file).examine();

    let found = trusting(certificates("ours.pem", ours.certificate()));
    let broker = found.expect("broker", Ok, "speaks AMQP");
    assert!(broker.version.as_ref().unwrap().contains('.'), "{broker:?}");
    let found = patient().with("broker.verify_certs", "false").examine();
    found.expect("broker", Ok, "speaks AMQP");

    let found = trusting(certificates("others.pem", others.certificate()));
    let broker = found.expect("broker", Warning, "is not trusted");
    assert!(broker.remedy.as_ref().unwrap().contains("broker.ca_certs"), "{broker:?}");
    let found = trusting(certificates("none.pem", "none"));
    found.expect("broker", Warning, "holds no certificates");
}

#[test]
fn other_servers_and_result_backends() {
    let Some(server) = Redis::shared() else { return };
    let address = server.address();
    let found = Patient::new()
        .with("broker.url", format!("amqp://{address}//"))
        .with("broker.result_backend", format!("redis://{address}/2"))
        .examine();
    found.expect("broker", Warning, "does not speak AMQP");
    found.expect("result backend", Ok, "takes connections");
}

#[test]
fn databases_behind_tls_are_spoken_with_if_they_are_trusted() {
    let Some(server) = Redis::shared() else { return };
    let [ours, others] = [Authority::new().unwrap(), Authority::new().unwrap()];
    let port = ours.in_front_of(server.address()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, authority: &Authority| {
        let path = folder.path().join(name);
        fs::write(&path, authority.certificate()).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let url = format!("rediss://localhost:{port}/2");
    let with = |key: &str, certificates: String| {
        let patient = Patient::new().with(key, url.clone());
        patient.with("broker.ca_certs", certificates).examine()
    };
    with("broker.url", file("ours.pem", &ours)).expect("broker", Ok, "takes connections");
    with("broker.url", file("others.pem", &others)).expect("broker", Warning, "localhost");
    // Settings of the broker say nothing of where results are.
    let results = with("broker.result_backend", file("ours.pem", &ours));
    results.expect("result backend", Warning, "localhost");
    let own = format!("{url}?ssl_ca_certs={}", file("own.pem", &ours));
    let results = Patient::new().with("broker.result_backend", own).examine();
    results.expect("result backend", Ok, "takes connections");
    let plain = Patient::new().with("broker.url", format!("rediss://{}/2", server.address()));
    plain.examine().expect("broker", Warning, server.address());
    let nameless = Patient::new().with("broker.url", format!("redis://{}/abc", server.address()));
    nameless.examine().expect("broker", Warning, "names no database");
}
