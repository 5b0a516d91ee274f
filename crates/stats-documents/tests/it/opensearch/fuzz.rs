//! Pages of any bytes, from a server that says nothing else: documents or an error.

use std::io::{BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use stats_documents::{Documents, OpenSearch, OpenSearchSettings};
use stats_testkit::fuzz;

use super::replay;
use super::support::shelf;

/// How fields are mapped, so that a page is asked for.
const MAPPING: &[u8] = br#"{"i":{"mappings":{}}}"#;

/// A server that answers everything but mappings with the page that is there now.
fn server(page: &Arc<Mutex<Vec<u8>>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, page) = (listener.local_addr().unwrap(), Arc::clone(page));
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let page = Arc::clone(&page);
            std::thread::spawn(move || drop(serve(&client, &page)));
        }
    });
    format!("http://{address}")
}

fn serve(mut client: &TcpStream, page: &Mutex<Vec<u8>>) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    let mut reader = BufReader::new(client);
    while let Some((_, path, _)) = replay::request(&mut reader)? {
        let page = page.lock().unwrap().clone();
        let body = if path.contains("_mapping") { MAPPING } else { &page };
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        client.write_all(&[head.as_bytes(), body].concat())?;
    }
    Ok(())
}

fn fuzz_hits(source: &OpenSearch, page: &Mutex<Vec<u8>>, data: &[u8]) -> bool {
    *page.lock().unwrap() = data.to_vec();
    source.documents(&shelf("a"), None, &mut |_| ControlFlow::Continue(())).is_ok()
}

#[test]
fn hits() {
    let page = Arc::default();
    let settings = OpenSearchSettings {
        attempts: 1,
        probe_interval: Duration::ZERO,
        ..OpenSearchSettings::new([server(&page)], "")
    };
    let source = OpenSearch::new(settings).unwrap();
    let whole = std::cell::Cell::new(0);
    fuzz::run("hits", |data| {
        whole.set(whole.get() + u32::from(fuzz_hits(&source, &page, data)));
    })
    .unwrap();
    assert!(whole.get() > 0, "some are pages");
}
