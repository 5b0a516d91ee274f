//! A broker that is reached by TLS.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use stats_jobs::contract::message;
use stats_jobs::{AmqpBroker, AmqpBrokerOptions, Queue, QueueErrorKind};
use stats_testkit::proxy::Authority;
use stats_testkit::services::{RabbitMq, unique_name};

fn trusting(authority: &Authority) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.certificate().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    Arc::new(builder.with_root_certificates(roots).with_no_client_auth())
}

#[test]
fn a_broker_behind_tls_is_reached_if_it_is_trusted() {
    let Some(broker) = RabbitMq::shared() else { return };
    let [ours, others] = [Authority::new().unwrap(), Authority::new().unwrap()];
    let port = ours.in_front_of(broker.address()).unwrap();
    let url = format!("amqps://guest:guest@localhost:{port}//");
    let options = AmqpBrokerOptions::default;
    let open = |authority| {
        let broker = AmqpBroker::open_with_tls(&url, options(), trusting(authority)).unwrap();
        broker.queue(unique_name())
    };
    let queue = open(&ours);
    queue.send(&message(1)).unwrap();
    let delivery = queue.receive(Duration::from_secs(20)).unwrap().unwrap();
    assert_eq!(delivery.content.unwrap(), message(1));
    queue.acknowledge(&delivery.tag).unwrap();
    assert_eq!(queue.place(), format!("amqp localhost:{port} virtual host /"));

    let error = open(&others).length().unwrap_err();
    assert_eq!(error.kind(), QueueErrorKind::Refused, "{error:?}");
    assert!(format!("{error:?}").contains("InvalidCertificate"), "{error:?}");
    let error = AmqpBroker::open(&url, options()).unwrap_err();
    assert_eq!(error.kind(), QueueErrorKind::Refused, "{error:?}");
}
