//! Ways into a server: socket, password, TLS; and what is said when there is none.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use stats_cache::{
    CacheErrorKind, CacheStore, CachedResponse, RedisClient, RedisOptions, RedisStore,
};
use stats_model::Category;
use tempfile::TempDir;

use crate::support::{RedisServer, address, client};

fn works(client: std::sync::Arc<RedisClient>) {
    let store = RedisStore::open(client, "p").unwrap();
    let mut response = CachedResponse::new("global", 2024, Category::UsageDelta);
    let body = format!("[{}0]", "1234567,".repeat(200_000));
    response.set_data(body.into_bytes(), jiff::Timestamp::now(), None).unwrap();
    assert!(response.save(&store, "p").unwrap());
    let mut read = CachedResponse::new("global", 2024, Category::UsageDelta);
    assert!(read.load(&store, "p").unwrap());
    assert!(read.data() == response.data());
    assert_eq!(store.summary().unwrap().entries, 1);
}

fn refusal(url: &str) -> (CacheErrorKind, String) {
    let error = RedisClient::connect(address(url), RedisOptions::default()).unwrap_err();
    let chain = format!("{error}: {:?}", std::error::Error::source(&error));
    (error.kind(), chain)
}

#[test]
fn a_unix_socket_works() {
    let Some(server) = RedisServer::start(&[]) else { return };
    works(client(&format!("unix://{}?db=7", server.socket().display())));
    assert_eq!(server.say("DBSIZE"), redis::Value::Int(2));
}

#[test]
fn database_0_works() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let url = format!("redis://{}/0", server.address());
    works(client(&url));
    let mut connection = redis::Client::open(url).unwrap().get_connection().unwrap();
    assert_eq!(redis::cmd("DBSIZE").query(&mut connection), Ok(redis::Value::Int(2)));
}

#[test]
fn passwords_work_and_are_not_told_when_they_are_wrong() {
    let Some(server) = RedisServer::start(&["--requirepass", "s3cret/%"]) else { return };
    let port = server.port();
    works(client(&format!("redis://:s3cret%2F%25@127.0.0.1:{port}/7")));
    works(client(&format!("redis://default:s3cret%2F%25@127.0.0.1:{port}/8")));
    let (kind, text) = refusal(&format!("redis://:wr0ng@127.0.0.1:{port}/7"));
    assert_eq!(kind, CacheErrorKind::Refused, "{text}");
    assert!(!text.contains("wr0ng") && text.contains(":***@127.0.0.1"), "{text}");
    let (kind, text) = refusal(&format!("redis://127.0.0.1:{port}/7"));
    assert_eq!(kind, CacheErrorKind::Refused, "{text}");
}

#[test]
fn a_server_that_is_not_there_is_unreachable() {
    let (kind, text) = refusal("redis://:s3cret@127.0.0.1:1/7");
    assert_eq!(kind, CacheErrorKind::Unreachable, "{text}");
    assert!(text.contains("redis://:***@127.0.0.1:1/7") && !text.contains("s3cret"), "{text}");
    let (kind, text) = refusal("unix:///nowhere/redis.sock");
    assert_eq!(kind, CacheErrorKind::Unreachable, "{text}");
    let (kind, text) = refusal("redis://no-such-host.invalid/0");
    assert_eq!(kind, CacheErrorKind::Unreachable, "{text}");
}

#[test]
fn a_database_that_does_not_exist_is_refused() {
    let Some(server) = RedisServer::shared() else { return };
    let (kind, text) = refusal(&format!("redis://{}/9999", server.address()));
    assert_eq!(kind, CacheErrorKind::Refused, "{text}");
}

/// A certificate authority's certificate, and a server's with its key; files in `folder`.
fn certificates(folder: &TempDir, name: &str) {
    let authority_key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    // OpenSSL takes a certificate with the name of its issuer for a self-signed one.
    params.distinguished_name.push(DnType::CommonName, "authority of a test");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&authority_key).unwrap();
    let issuer = Issuer::new(params, authority_key);
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
    std::fs::write(folder.path().join("server.pem"), certificate.pem()).unwrap();
    std::fs::write(folder.path().join("server.key"), key.serialize_pem()).unwrap();
}

fn tls_server(folder: &TempDir) -> Option<(RedisServer, u16)> {
    let file = |name: &str| folder.path().join(name).display().to_string();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (ca, certificate, key) = (file("ca.pem"), file("server.pem"), file("server.key"));
    let tls_port = port.to_string();
    let options = [
        "--tls-port",
        &tls_port,
        "--tls-cert-file",
        &certificate,
        "--tls-key-file",
        &key,
        "--tls-ca-cert-file",
        &ca,
        "--tls-auth-clients",
        "optional",
    ];
    Some((RedisServer::start(&options)?, port))
}

#[test]
fn tls_with_an_own_authority_works_and_others_are_not_trusted() {
    let folder = TempDir::new().unwrap();
    certificates(&folder, "localhost");
    let Some((_server, port)) = tls_server(&folder) else { return };
    let ca = folder.path().join("ca.pem");
    let url = format!("rediss://localhost:{port}/7");

    works(client(&format!("{url}?ssl_ca_certs={}", ca.display())));
    let options = RedisOptions { ca_file: Some(ca.clone()), ..RedisOptions::default() };
    works(RedisClient::connect(address(&url), options).unwrap().into());

    let (kind, text) = refusal(&url);
    assert_eq!(kind, CacheErrorKind::Unreachable, "{text}");
    assert!(text.to_lowercase().contains("certificate"), "{text}");
    works(client(&format!("{url}?ssl_cert_reqs=none")));

    let certificate = folder.path().join("server.pem");
    let key = folder.path().join("server.key");
    works(client(&format!(
        "{url}?ssl_ca_certs={}&ssl_certfile={}&ssl_keyfile={}",
        ca.display(),
        certificate.display(),
        key.display()
    )));
}

#[test]
fn the_name_in_a_certificate_counts_unless_it_is_said_otherwise() {
    let folder = TempDir::new().unwrap();
    certificates(&folder, "cache.example");
    let Some((_server, port)) = tls_server(&folder) else { return };
    let ca = folder.path().join("ca.pem");
    let url = format!("rediss://localhost:{port}/7?ssl_ca_certs={}", ca.display());
    let (kind, text) = refusal(&url);
    assert_eq!(kind, CacheErrorKind::Unreachable, "{text}");
    works(client(&format!("{url}&ssl_check_hostname=false")));
}

#[test]
fn a_certificate_file_that_is_missing_is_named() {
    let (kind, text) = refusal("rediss://localhost:1/0?ssl_ca_certs=/nowhere/ca.pem");
    assert_eq!(kind, CacheErrorKind::Refused);
    assert!(text.contains("/nowhere/ca.pem"), "{text}");
}
