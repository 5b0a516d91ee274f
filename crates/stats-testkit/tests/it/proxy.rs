//! The proxies count what passes and arrange each fault where it was asked for.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use stats_testkit::http::send;
use stats_testkit::proxy::{Action, Fault, HttpProxy, TcpProxy};

/// A server that answers every request with `{"path":"<path>"}`.
fn server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer(stream));
        }
    });
    address
}

fn answer(stream: TcpStream) {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    while reader.read_line(&mut first).is_ok_and(|length| length > 0) {
        let mut line = String::new();
        while reader.read_line(&mut line).is_ok_and(|length| length > 2) {
            line.clear();
        }
        let body = format!(r#"{{"path":"{}"}}"#, first.split(' ').nth(1).unwrap());
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        reader.get_mut().write_all((head + &body).as_bytes()).unwrap();
        first.clear();
    }
}

#[test]
fn counts_requests_and_bytes_by_path() {
    let proxy = HttpProxy::in_front_of(&server()).start().unwrap();
    for path in ["/a", "/a?b", "/c"] {
        send("GET", &format!("{}{path}", proxy.url()), b"").unwrap();
    }
    assert_eq!((proxy.count("/a"), proxy.count("/c"), proxy.count("")), (2, 1, 3));
    assert_eq!(proxy.received("/c"), r#"{"path":"/c"}"#.len());
    assert_eq!(proxy.requests()[1].target, "/a?b");
    proxy.clear();
    assert_eq!(proxy.count(""), 0);
}

#[test]
fn answers_in_place_of_the_server_on_the_kth_matching_request() {
    let proxy = HttpProxy::in_front_of(&server()).start().unwrap();
    let action = Action::Answer { status: 429, retry_after: Some(1) };
    proxy.add(Fault::on("/page", action).after(1).times(2));
    let statuses: Vec<u16> = ["/page", "/other", "/page", "/page", "/page"]
        .into_iter()
        .map(|path| send("GET", &format!("{}{path}", proxy.url()), b"").unwrap().status)
        .collect();
    assert_eq!(statuses, [200, 200, 429, 429, 200]);
}

#[test]
fn breaks_bodies() {
    let proxy = HttpProxy::in_front_of(&server()).start().unwrap();
    let get = || send("GET", &format!("{}/x", proxy.url()), b"");
    proxy.add(Fault::on("/x", Action::CutBody(3)).times(1));
    assert!(get().unwrap_err().to_string().contains("ends early"));
    proxy.add(Fault::on("/x", Action::CorruptByte(0)).times(1));
    assert_eq!(get().unwrap().body[0], b'{' ^ 1);
    proxy.add(Fault::on("/x", Action::Rewrite(Arc::new(|_| b"{}".to_vec()))).times(1));
    assert_eq!(get().unwrap().body, b"{}");
    proxy.add(Fault::on("/x", Action::Close).times(1));
    assert!(get().is_err());
    assert_eq!(get().unwrap().body, br#"{"path":"/x"}"#);
}

#[test]
fn waits_and_acts_before_passing_on() {
    let proxy = HttpProxy::in_front_of(&server()).start().unwrap();
    let called = Arc::new(AtomicBool::new(false));
    let flag = called.clone();
    let act = move || flag.store(true, Ordering::SeqCst);
    proxy.add(Fault::on("/first", Action::Before(Arc::new(act))));
    proxy.add(Fault::on("/slow", Action::Delay(Duration::from_millis(80))));
    send("GET", &format!("{}/first", proxy.url()), b"").unwrap();
    assert!(called.load(Ordering::SeqCst));
    let start = Instant::now();
    send("GET", &format!("{}/slow", proxy.url()), b"").unwrap();
    assert!(start.elapsed() >= Duration::from_millis(80));
}

#[test]
fn asks_for_the_login() {
    let builder = HttpProxy::in_front_of(&server()).authorization("Basic eDp5");
    let proxy = builder.start().unwrap();
    assert_eq!(send("GET", proxy.url(), b"").unwrap().status, 401);
    assert_eq!(proxy.requests()[0].authorization, None);
}

#[test]
fn tcp_connections_are_counted_cut_and_refused() {
    let proxy = TcpProxy::start(&server()).unwrap();
    let get = || -> std::io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(proxy.address())?;
        stream.write_all(b"GET /t HTTP/1.1\r\n\r\n")?;
        let mut answer = vec![0; 52];
        stream.read_exact(&mut answer)?;
        Ok(answer)
    };
    assert!(get().unwrap().starts_with(b"HTTP/1.1 200"));
    assert_eq!((proxy.connections(), proxy.bytes().0), (1, 19));
    proxy.cut_after(Some(10));
    assert!(get().is_err());
    proxy.cut_after(None);
    proxy.refuse(true);
    assert!(get().is_err());
    proxy.refuse(false);
    get().unwrap();
}
