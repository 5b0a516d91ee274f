//! Proxies on free loopback ports that stand in front of a server, count what passes and arrange
//! faults: [`HttpProxy`] understands requests and can speak TLS and ask for a login,
//! [`TcpProxy`] passes bytes. Plain threads, one for each connection.

mod http;
mod tcp;
mod tls;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use http::{HttpProxy, HttpProxyBuilder, Request};
pub use tcp::TcpProxy;
pub use tls::Authority;

/// Changes an answer's body before it is passed on.
pub type Rewrite = Arc<dyn Fn(Vec<u8>) -> Vec<u8> + Send + Sync>;

/// What happens to a matching request.
#[derive(Clone)]
pub enum Action {
    /// Wait before passing the request on.
    Delay(Duration),
    /// Answer with this status instead of passing the request on.
    Answer {
        /// The status code.
        status: u16,
        /// Seconds for the header `Retry-After`.
        retry_after: Option<u64>,
    },
    /// Close the connection instead of answering.
    Close,
    /// Announce the whole body but close the connection after this many bytes of it.
    CutBody(usize),
    /// Pass the answer on in small pieces, with this pause before each.
    Trickle(Duration),
    /// Flip the lowest bit of this byte of the body, counted modulo its length.
    CorruptByte(usize),
    /// Read the whole body, change it, and pass the result on.
    Rewrite(Rewrite),
    /// Do something, such as changing a document behind the reader's back, then pass it on.
    Before(Arc<dyn Fn() + Send + Sync>),
}

impl fmt::Debug for Action {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delay(time) => write!(formatter, "Delay({time:?})"),
            Self::Answer { status, .. } => write!(formatter, "Answer({status})"),
            Self::Close => write!(formatter, "Close"),
            Self::CutBody(bytes) => write!(formatter, "CutBody({bytes})"),
            Self::Trickle(pause) => write!(formatter, "Trickle({pause:?})"),
            Self::CorruptByte(at) => write!(formatter, "CorruptByte({at})"),
            Self::Rewrite(_) => write!(formatter, "Rewrite"),
            Self::Before(_) => write!(formatter, "Before"),
        }
    }
}

/// Tells whether a request is meant.
type Condition = Arc<dyn Fn(&Request) -> bool + Send + Sync>;

/// Which requests a fault hits: those that it means, after `skip` of them have passed untouched,
/// `times` in a row.
#[derive(Clone)]
pub struct Fault {
    meant: Condition,
    skip: usize,
    times: usize,
    action: Action,
}

impl Fault {
    /// A fault that hits every request whose path and query contain `target`.
    pub fn on(target: impl Into<String>, action: Action) -> Self {
        let target = target.into();
        Self::when(move |request| request.target.contains(&target), action)
    }

    /// A fault that hits every request for which `meant` is true; there is no answer to it yet.
    pub fn when(meant: impl Fn(&Request) -> bool + Send + Sync + 'static, action: Action) -> Self {
        Self { meant: Arc::new(meant), skip: 0, times: usize::MAX, action }
    }

    /// Let this many matching requests pass first.
    #[must_use]
    pub const fn after(mut self, skip: usize) -> Self {
        self.skip = skip;
        self
    }

    /// Hit this many matching requests, then none.
    #[must_use]
    pub const fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }

    /// What to do to a request, if it is one of those meant; counts it.
    fn strike(&mut self, request: &Request) -> Option<Action> {
        if !(self.meant)(request) {
            return None;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return None;
        }
        if self.times == 0 {
            return None;
        }
        self.times -= 1;
        Some(self.action.clone())
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { skip, times, action, .. } = self;
        write!(formatter, "Fault({action:?}, after {skip}, {times} times)")
    }
}
