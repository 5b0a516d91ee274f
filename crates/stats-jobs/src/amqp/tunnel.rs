//! TLS around the connection to the broker.
//!
//! The client beneath connects to an address, and to nothing else. So the encrypted connection is made
//! here, and an address of this machine leads to it.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;

/// Connects to the broker and proves that it is the one of this name; the port of this machine that
/// leads to it, for the first who connects there.
pub(super) async fn open(host: String, port: u16, config: Arc<ClientConfig>) -> io::Result<u16> {
    let name = ServerName::try_from(host.clone()).map_err(io::Error::other)?;
    let broker = TcpStream::connect((host.as_str(), port)).await?;
    broker.set_nodelay(true)?;
    let mut broker = TlsConnector::from(config).connect(name, broker).await?;
    let door = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let port = door.local_addr()?.port();
    tokio::spawn(async move {
        let Ok((mut client, _)) = door.accept().await else { return };
        drop(copy_bidirectional(&mut client, &mut broker).await);
        // Nobody else gets the port before: whoever was second is told nothing, and says nothing.
        drop(door);
    });
    Ok(port)
}
