//! Logins, certificates, compression, several hosts.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use stats_documents::opensearch::{Authentication, Compression, SearchNode};
use stats_documents::{Documents, OpenSearch, OpenSearchSettings, SourceErrorKind};
use stats_testkit::proxy::{Action, Authority, Fault, HttpProxy};
use stats_testkit::wait;

use super::support::{Cluster, KIND, chain, pairs, read, shelf};

/// As the Python client does, which OpenSSL lets do so: what is in the file is trusted, also where
/// the server shows it itself. Name and key have to be right all the same.
#[test]
fn a_server_that_shows_a_certificate_of_the_file_itself() {
    let Some(cluster) = Cluster::new() else { return };
    let documents = cluster.put_year(20);
    let authority = Authority::of_itself(&["localhost", "127.0.0.1"]).unwrap();
    let elsewhere = Authority::of_itself(&["elsewhere.example"]).unwrap();
    let same_names = Authority::of_itself(&["localhost", "127.0.0.1"]).unwrap();
    for (shown, trusted, is_believed) in [
        (&authority, &authority, true),
        (&elsewhere, &elsewhere, false),
        (&authority, &same_names, false),
        (&authority, &elsewhere, false),
    ] {
        let proxy = HttpProxy::in_front_of(cluster.node.address()).tls(shown).start().unwrap();
        let settings = OpenSearchSettings {
            hosts: vec![proxy.url().into()],
            authorities: Some(trusted.certificate().as_bytes().to_vec()),
            attempts: 1,
            ..cluster.settings()
        };
        let unverified = OpenSearchSettings { verify_certificates: false, ..settings.clone() };
        for (settings, is_believed) in [(settings, is_believed), (unverified, true)] {
            match read(&OpenSearch::new(settings).unwrap(), &shelf("a"), None) {
                Ok(found) => assert!(is_believed && found == pairs(&documents)),
                Err(error) => {
                    assert!(!is_believed, "{}", chain(&error));
                    assert_eq!(error.kind(), SourceErrorKind::Unreachable, "{}", chain(&error));
                }
            }
        }
    }
}

#[test]
fn basic_login_over_tls_with_an_authority_of_ones_own() {
    let Some(cluster) = Cluster::new() else { return };
    let documents = cluster.put_year(20);
    let authority = Authority::new().unwrap();
    let builder = HttpProxy::in_front_of(cluster.node.address());
    // "me:p@ss"
    let proxy = builder.tls(&authority).authorization("Basic bWU6cEBzcw==").start().unwrap();
    let settings = OpenSearchSettings {
        hosts: vec![proxy.url().into()],
        authorities: Some(authority.certificate().as_bytes().to_vec()),
        attempts: 1,
        ..cluster.settings()
    };
    let login = |user: &str, password: &str| Authentication::Basic {
        user: user.into(),
        password: password.into(),
    };
    let ask =
        |settings: OpenSearchSettings| read(&OpenSearch::new(settings).unwrap(), &shelf("a"), None);
    let good = OpenSearchSettings { authentication: Some(login("me", "p@ss")), ..settings.clone() };
    assert_eq!(ask(good.clone()).unwrap(), pairs(&documents));
    let node = SearchNode { login: Some(login("me", "p@ss")), ..proxy.url().into() };
    let of_node = OpenSearchSettings {
        hosts: vec![node],
        authentication: Some(login("me", "hush")),
        ..settings.clone()
    };
    assert_eq!(ask(of_node).unwrap(), pairs(&documents));
    let unverified =
        OpenSearchSettings { authorities: None, verify_certificates: false, ..good.clone() };
    assert_eq!(ask(unverified).unwrap(), pairs(&documents));

    let wrong = OpenSearchSettings { authentication: Some(login("me", "hush")), ..settings };
    let error = ask(wrong).unwrap_err();
    assert_eq!(error.kind(), SourceErrorKind::Refused, "{}", chain(&error));
    let error = ask(OpenSearchSettings { authorities: None, ..good }).unwrap_err();
    assert_eq!(error.kind(), SourceErrorKind::Unreachable);
    let text = format!("{} {error:?}", chain(&error));
    assert!(text.to_lowercase().contains("certificate") && !text.contains("p@ss"), "{text}");
}

#[test]
fn api_keys() {
    let Some(cluster) = Cluster::new() else { return };
    let builder = HttpProxy::in_front_of(cluster.node.address());
    let proxy = builder.authorization("ApiKey aWQ6a2V5").start().unwrap();
    let settings = OpenSearchSettings {
        hosts: vec![proxy.url().into()],
        authentication: Some(Authentication::ApiKey("id:key".to_owned())),
        ..cluster.settings()
    };
    OpenSearch::new(settings).unwrap().position(KIND).unwrap();
}

#[test]
fn settings_that_cannot_work_are_refused_at_once() {
    let refused = |settings: OpenSearchSettings| OpenSearch::new(settings).unwrap_err();
    let none: [&str; 0] = [];
    assert_eq!(refused(OpenSearchSettings::new(none, "")).kind(), SourceErrorKind::Refused);
    let error = refused(OpenSearchSettings::new(["me:hush@search:9200"], ""));
    assert!(error.to_string().contains("not an http or https URL"), "{error}");
    let mut settings = OpenSearchSettings::new(["https://search"], "");
    settings.authorities = Some(b"-----BEGIN CERTIFICATE-----\nnothing\n".to_vec());
    assert_eq!(refused(settings).kind(), SourceErrorKind::Refused);
}

#[test]
fn compressed_pages_are_the_same_pages() {
    let Some(cluster) = Cluster::new() else { return };
    let documents = cluster.put_year(300);
    let plain = cluster.source();
    read(&plain, &shelf("a"), None).unwrap();
    let settings = OpenSearchSettings { compression: Compression::On, ..cluster.settings() };
    let source = OpenSearch::new(settings).unwrap();
    cluster.proxy.clear();
    assert_eq!(read(&source, &shelf("a"), None).unwrap(), pairs(&documents));
    let bytes: usize = documents.iter().map(|it| it.source.len()).sum();
    let received = cluster.proxy.received("/_search?");
    assert!(received < bytes / 2, "{received} of {bytes}");
}

/// However many threads ask, the cluster sees no more requests at once than it shall.
#[test]
fn requests_in_flight_are_bounded() {
    let Some(cluster) = Cluster::new() else { return };
    cluster.put_year(20);
    for limit in [1, 3] {
        let settings = OpenSearchSettings { requests_in_flight: limit, ..cluster.settings() };
        let source = OpenSearch::new(settings).unwrap();
        source.manifest(&shelf("a")).unwrap();
        // Those under way, and the most there were at once.
        let seen = Arc::new(Mutex::new((0, 0)));
        let asking = Arc::new(AtomicUsize::new(0));
        let (counted, all_ask) = (Arc::clone(&seen), Arc::clone(&asking));
        let count = Action::Before(Arc::new(move || {
            {
                let (now, most) = &mut *counted.lock().unwrap();
                *now += 1;
                *most = (*most).max(*now);
            }
            wait::until("as many as may be, and all others ask", || {
                all_ask.load(Ordering::SeqCst) == 8 && counted.lock().unwrap().1 >= limit
            });
            counted.lock().unwrap().0 -= 1;
        }));
        cluster.proxy.add(Fault::on("", count));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    asking.fetch_add(1, Ordering::SeqCst);
                    read(&source, &shelf("a"), None).unwrap()
                });
            }
        });
        assert_eq!(*seen.lock().unwrap(), (0, limit));
        cluster.proxy.clear();
    }
}

/// A host that takes connections and never says anything.
#[test]
fn a_silent_host_costs_time_and_nothing_else() {
    let Some(cluster) = Cluster::new() else { return };
    let documents = cluster.put_year(60);
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let urls = [
        format!("http://{}", silent.local_addr().unwrap()),
        cluster.proxy.url().to_owned(),
        cluster.proxy.url().to_owned(),
    ];
    let settings = OpenSearchSettings {
        hosts: urls.into_iter().map(SearchNode::from).collect(),
        request_timeout: Duration::from_millis(300),
        page_bytes: 1_500,
        ..cluster.settings()
    };
    let source = OpenSearch::new(settings).unwrap();
    for _ in 0..3 {
        assert_eq!(read(&source, &shelf("a"), None).unwrap(), pairs(&documents));
        assert_eq!(source.manifest(&shelf("a")).unwrap().len(), documents.len());
    }
}

#[test]
fn another_host_takes_over() {
    let Some(cluster) = Cluster::new() else { return };
    let documents = cluster.put_year(20);
    let dead = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let broken = HttpProxy::in_front_of(cluster.node.address()).start().unwrap();
    broken.add(Fault::on("", Action::Answer { status: 503, retry_after: None }));
    let urls = [format!("http://{dead}"), broken.url().to_owned(), cluster.proxy.url().to_owned()];
    let settings = OpenSearchSettings {
        hosts: urls.into_iter().map(SearchNode::from).collect(),
        request_timeout: Duration::from_secs(5),
        ..cluster.settings()
    };
    let source = OpenSearch::new(settings).unwrap();
    for _ in 0..5 {
        assert_eq!(read(&source, &shelf("a"), None).unwrap(), pairs(&documents));
    }
}
