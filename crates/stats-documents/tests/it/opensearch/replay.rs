//! A node that says again what a real one said, whole, cut or changed.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stats_testkit::proxy::{Action, Fault, HttpProxy};

/// Method, path with query, and body of a request.
type Asked = (String, String, Vec<u8>);

/// What was asked and answered, in the order of the first time.
#[derive(Debug, Default, Clone)]
pub(super) struct Recording {
    pub(super) asked: Vec<Asked>,
    answers: HashMap<Asked, Vec<u8>>,
}

impl Recording {
    /// Records what passes the proxy while `ask` runs.
    pub(super) fn of(proxy: &HttpProxy, ask: impl FnOnce()) -> Self {
        proxy.clear();
        let bodies: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
        let kept = bodies.clone();
        let keep = move |body: Vec<u8>| {
            lock(&kept).push(body.clone());
            body
        };
        proxy.add(Fault::on("", Action::Rewrite(Arc::new(keep))));
        ask();
        let mut recording = Self::default();
        for (request, body) in proxy.requests().into_iter().zip(lock(&bodies).drain(..)) {
            assert_eq!(request.status, 200, "{}", request.target);
            let asked = (request.method, request.target, request.body);
            if recording.answers.insert(asked.clone(), body).is_none() {
                recording.asked.push(asked);
            }
        }
        proxy.clear();
        recording
    }

    pub(super) fn answer(&self, asked: &Asked) -> &[u8] {
        &self.answers[asked]
    }
}

/// What is said in place of one of the answers.
#[derive(Debug, Default)]
struct Changed {
    asked: Option<Asked>,
    answer: Vec<u8>,
    /// The header `content-encoding`.
    zipped: bool,
}

/// A server that answers from a recording.
pub(super) struct Replay {
    address: String,
    changed: Arc<Mutex<Changed>>,
}

impl Replay {
    pub(super) fn start(recording: Recording) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let changed: Arc<Mutex<Changed>> = Arc::default();
        let (shared, recording) = (changed.clone(), Arc::new(recording));
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (shared, recording) = (shared.clone(), recording.clone());
                std::thread::spawn(move || drop(serve(&client, &recording, &shared)));
            }
        });
        Self { address, changed }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on says `answer` to this request, and to the others what was recorded.
    pub(super) fn say(&self, asked: &Asked, answer: &[u8], zipped: bool) {
        *lock(&self.changed) =
            Changed { asked: Some(asked.clone()), answer: answer.to_vec(), zipped };
    }
}

fn serve(
    client: &TcpStream,
    recording: &Recording,
    changed: &Mutex<Changed>,
) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    let mut reader = BufReader::new(client);
    while let Some(asked) = request(&mut reader)? {
        let (answer, zipped) = {
            let changed = lock(changed);
            if changed.asked.as_ref() == Some(&asked) {
                (Some(changed.answer.clone()), changed.zipped)
            } else {
                (recording.answers.get(&asked).cloned(), false)
            }
        };
        let status = if answer.is_some() { "200 OK" } else { "404 Not Found" };
        let answer = answer.unwrap_or_default();
        let packed = if zipped { "content-encoding: gzip\r\n" } else { "" };
        let length = answer.len();
        let head = format!("HTTP/1.1 {status}\r\n{packed}content-length: {length}\r\n\r\n");
        let mut client = client;
        client.write_all(&[head.as_bytes(), &answer].concat())?;
    }
    Ok(())
}

/// The next request; `None` when there are no more.
pub(super) fn request(reader: &mut impl BufRead) -> std::io::Result<Option<Asked>> {
    let mut first = String::new();
    if reader.read_line(&mut first)? == 0 {
        return Ok(None);
    }
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().map_err(std::io::Error::other)?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let mut words = first.split(' ').map(str::to_owned);
    Ok(Some((words.next().unwrap_or_default(), words.next().unwrap_or_default(), body)))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
