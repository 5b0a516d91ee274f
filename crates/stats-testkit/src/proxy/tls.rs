//! A certificate authority of the tests' own, and servers that speak TLS by it.

use std::sync::Arc;
use std::sync::mpsc::channel;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// A self-made certificate authority and a server certificate for `localhost` and `127.0.0.1`.
#[derive(Debug)]
pub struct Authority {
    certificate: String,
    server: Arc<ServerConfig>,
}

impl Authority {
    /// A new authority.
    ///
    /// # Errors
    /// When a key or certificate cannot be made.
    pub fn new() -> anyhow::Result<Self> {
        let authority_key = KeyPair::generate()?;
        let mut params = CertificateParams::new(Vec::<String>::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&authority_key)?.pem();
        let issuer = Issuer::new(params, authority_key);

        let server_key = KeyPair::generate()?;
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let server_certificate = CertificateParams::new(names)?.signed_by(&server_key, &issuer)?;
        Self::serving(certificate, server_certificate.der(), &server_key)
    }

    /// An authority that shows its own certificate, with these names in it, as a server's: what
    /// `openssl req -x509` makes.
    ///
    /// # Errors
    /// When a key or certificate cannot be made.
    pub fn of_itself(names: &[&str]) -> anyhow::Result<Self> {
        let key = KeyPair::generate()?;
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key)?;
        Self::serving(certificate.pem(), certificate.der(), &key)
    }

    fn serving(
        certificate: String,
        shown: &CertificateDer<'static>,
        key: &KeyPair,
    ) -> anyhow::Result<Self> {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let server = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![shown.clone()], key)?;
        Ok(Self { certificate, server: Arc::new(server) })
    }

    /// The authority's certificate, PEM.
    #[must_use]
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// What a server needs to answer with a certificate of this authority.
    #[must_use]
    pub fn server(&self) -> Arc<ServerConfig> {
        self.server.clone()
    }

    /// The port of this machine on which `server` (`host:port`) is reached with TLS, by a certificate of
    /// this authority, until the process ends.
    ///
    /// # Errors
    /// When no port is free.
    pub fn in_front_of(&self, server: &str) -> anyhow::Result<u16> {
        let (teller, told) = channel();
        let (acceptor, server) = (TlsAcceptor::from(self.server()), server.to_owned());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            if let Ok(runtime) = runtime {
                let listen = TcpListener::bind("127.0.0.1:0");
                drop(runtime.block_on(async move {
                    let listener = listen.await?;
                    let told = teller.send(listener.local_addr()?.port());
                    told.map_err(std::io::Error::other)?;
                    serve(listener, acceptor, server).await
                }));
            }
        });
        Ok(told.recv()?)
    }
}

async fn serve(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    server: String,
) -> std::io::Result<()> {
    loop {
        let (client, _) = listener.accept().await?;
        let (accepted, server) = (acceptor.accept(client), server.clone());
        tokio::spawn(async move {
            // A client that does not trust us ends it.
            let Ok(mut client) = accepted.await else { return };
            let Ok(mut server) = TcpStream::connect(server).await else { return };
            drop(tokio::io::copy_bidirectional(&mut client, &mut server).await);
        });
    }
}
