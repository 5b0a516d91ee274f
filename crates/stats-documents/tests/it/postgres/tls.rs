//! Encrypted connections, and what the server must prove.

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use stats_documents::SourceErrorKind;
use stats_documents::postgres::{PostgresCommunities, PostgresSettings};
use stats_testkit::services::{Postgres, Service, require};
use stats_testkit::wait;

use super::{Database, WITHOUT_TIME_ZONE, told};

/// Lets the server write a file into its own folder, so that it is the server's.
pub(super) fn write_file(server: &Postgres, name: &str, content: &str) {
    let lines = content.trim_end();
    let statement = format!(
        "DO $do$ BEGIN EXECUTE format('COPY (SELECT unnest(string_to_array(%L, E''\\n''))) TO %L',
         $text${lines}$text$, current_setting('data_directory') || '/{name}'); END $do$"
    );
    server.sql("postgres", &statement).unwrap();
}

/// A server that speaks TLS with a certificate for `localhost`, and the file with its authority.
fn encrypted() -> Option<(Postgres, tempfile::NamedTempFile)> {
    require(Service::Postgres)?;
    let authority_key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&authority_key).unwrap().pem();
    let issuer = Issuer::new(params, authority_key);
    let key = KeyPair::generate().unwrap();
    let names = vec!["localhost".to_owned()];
    let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();

    Some(serving(&certificate.pem(), &key, &authority))
}

/// A server with this certificate, and a file with that of an authority.
fn serving(
    certificate: &str,
    key: &KeyPair,
    authority: &str,
) -> (Postgres, tempfile::NamedTempFile) {
    let server = Postgres::start().unwrap();
    write_file(&server, "server.crt", certificate);
    write_file(&server, "server.key", &key.serialize_pem());
    // The server refuses keys that others can read. Its programs start in its data folder, and have
    // to read what they are told.
    server
        .sql("postgres", "COPY (SELECT) TO PROGRAM 'cat >/dev/null; chmod 600 server.key'")
        .unwrap();
    server.sql("postgres", "ALTER SYSTEM SET ssl = on").unwrap();
    server.sql("postgres", "SELECT pg_reload_conf()").unwrap();
    let is_on = || server.sql("postgres", "SHOW ssl").unwrap().trim() == "on";
    wait::until("the server takes TLS", is_on);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), authority).unwrap();
    (server, file)
}

/// As libpq does: what is in the file is trusted, also where the server shows it itself.
#[test]
fn a_server_that_shows_the_certificate_of_the_file_itself() {
    let Some(()) = require(Service::Postgres) else { return };
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = params.self_signed(&key).unwrap().pem();
    let (server, file) = serving(&certificate, &key, &certificate);
    let database = Database::new(&server, WITHOUT_TIME_ZONE);
    for (mode, host, is_believed) in [
        ("verify-full", "localhost", true),
        ("verify-full", "127.0.0.1", false),
        ("verify-ca", "127.0.0.1", true),
    ] {
        let settings = PostgresSettings {
            host: host.to_owned(),
            options: vec![("sslmode".to_owned(), mode.to_owned())],
            ca_file: Some(file.path().to_owned()),
            ..database.settings()
        };
        let connected = PostgresCommunities::connect(settings);
        assert_eq!(connected.is_ok(), is_believed, "{mode} {host}: {:?}", connected.err());
    }
}

#[test]
fn modes_of_libpq() {
    let Some((server, authority)) = encrypted() else { return };
    let database = Database::new(&server, WITHOUT_TIME_ZONE);
    let other = tempfile::NamedTempFile::new().unwrap();
    let foreign = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(other.path(), foreign.cert.pem()).unwrap();
    let (trusted, foreign) = (Some(authority.path()), Some(other.path()));

    // Whether it connects, and whether encrypted.
    let (encrypted, plain, refused) = (Some("t"), Some("f"), None);
    for (mode, host, root, expected) in [
        ("disable", "127.0.0.1", None, plain),
        ("prefer", "127.0.0.1", None, encrypted),
        ("require", "127.0.0.1", None, encrypted),
        ("require", "127.0.0.1", trusted, encrypted),
        ("require", "127.0.0.1", foreign, refused),
        ("verify-ca", "127.0.0.1", trusted, encrypted),
        ("verify-ca", "localhost", foreign, refused),
        ("verify-ca", "localhost", None, refused),
        ("verify-full", "localhost", trusted, encrypted),
        ("verify-full", "127.0.0.1", trusted, refused),
        ("verify-full", "localhost", None, refused),
    ] {
        let settings = PostgresSettings {
            host: host.to_owned(),
            options: vec![("sslmode".to_owned(), mode.to_owned())],
            ca_file: root.map(std::path::Path::to_owned),
            ..database.settings()
        };
        let case = format!("{mode} {host} {root:?}");
        match PostgresCommunities::connect(settings) {
            Ok(communities) => {
                communities.communities().unwrap();
                let ssl = database.sql(&format!(
                    "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
                     WHERE datname = '{}' AND application_name = 'community-stats'
                     ORDER BY backend_start DESC LIMIT 1",
                    database.name
                ));
                assert_eq!(Some(ssl.trim()), expected, "{case}");
            }
            Err(error) => {
                assert_eq!(expected, None, "{case}: {}", told(&error));
                assert_eq!(error.kind(), SourceErrorKind::Refused, "{case}: {}", told(&error));
                assert!(told(&error).contains("check sslmode"), "{case}: {}", told(&error));
            }
        }
    }
}

#[test]
fn servers_without_encryption_are_told() {
    let Some(server) = Postgres::shared() else { return };
    let database = Database::new(server, WITHOUT_TIME_ZONE);
    let settings = PostgresSettings {
        options: vec![("sslmode".to_owned(), "require".to_owned())],
        ..database.settings()
    };
    let error = PostgresCommunities::connect(settings).unwrap_err();
    assert_eq!(error.kind(), SourceErrorKind::Refused);
    assert!(told(&error).contains("does not support TLS"), "{}", told(&error));
    // Without being told to encrypt, it does without.
    database.connect().communities().unwrap();
}
