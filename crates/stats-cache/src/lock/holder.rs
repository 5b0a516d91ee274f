//! Who holds a lock, as far as it is told.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A process that holds a lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    /// The name of its machine.
    pub host: String,
    /// Its number there.
    pub process: u32,
    /// When it took the lock, UTC.
    pub since: Timestamp,
}

impl Who {
    /// This process, which takes a lock now.
    #[must_use]
    pub fn this_process(now: Timestamp) -> Self {
        Self { host: host(), process: std::process::id(), since: now }
    }
}

/// When a lock ends unless it is renewed or given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// After this time.
    In(Duration),
    /// With the process that holds it.
    WithItsProcess,
    /// Never: whoever took it died before it gave the lock an end.
    Never,
}

/// Whether the holder of a lock lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Liveness {
    /// It does.
    Alive,
    /// It does not: the lock may be taken away.
    Dead,
    /// Nothing here tells.
    Unknown,
}

/// Who holds a lock, for display and for whoever wants to take it away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockHolder {
    /// The holder's token; `None` when the stored value is not in the form that Python writes, and
    /// for locks without tokens.
    pub token: Option<String>,
    /// The process, if it is one of ours.
    pub who: Option<Who>,
    /// When the lock ends.
    pub ends: Ends,
}

impl LockHolder {
    /// Whether the holder lives, as far as can be told on this machine.
    #[must_use]
    pub fn liveness(&self) -> Liveness {
        match (&self.who, self.ends) {
            (_, Ends::WithItsProcess) => Liveness::Alive,
            (_, Ends::Never) => Liveness::Dead,
            (Some(who), _) if who.host == host() => match runs(who.process) {
                Some(true) => Liveness::Alive,
                Some(false) => Liveness::Dead,
                None => Liveness::Unknown,
            },
            _ => Liveness::Unknown,
        }
    }
}

/// To be read after "the lock is": `held by process 12 on web-1 since 2025-06-15T12:34:56Z, for
/// another 40 s`.
impl fmt::Display for LockHolder {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.who, &self.token) {
            (Some(Who { host, process, since }), _) => {
                write!(out, "held by process {process} on {host} since {since:.0}")?;
            }
            (None, Some(token)) => write!(out, "held by {token}, which is not a process of ours")?,
            (None, None) if self.ends == Ends::WithItsProcess => {
                out.write_str("held by a process that did not say which")?;
            }
            (None, None) => out.write_str("held by a value that Python did not write")?,
        }
        match self.ends {
            Ends::In(remaining) => write!(out, ", for another {} s", remaining.as_secs()),
            Ends::WithItsProcess => Ok(()),
            Ends::Never => out.write_str(", and never ends"),
        }
    }
}

/// The name of this machine.
fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Whether a process with this number runs here; `None` where that cannot be told.
fn runs(process: u32) -> Option<bool> {
    let process = rustix::process::Pid::from_raw(i32::try_from(process).ok()?)?;
    match rustix::process::test_kill_process(process) {
        // A process of another user must not be signalled, so it is there.
        Ok(()) | Err(rustix::io::Errno::PERM) => Some(true),
        Err(rustix::io::Errno::SRCH) => Some(false),
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_tells_who_lives() {
        let here = Who::this_process(Timestamp::UNIX_EPOCH);
        let ends = Ends::In(Duration::from_secs(40));
        let of = |who: &Who, ends| LockHolder { token: None, who: Some(who.clone()), ends };
        assert_eq!(of(&here, ends).liveness(), Liveness::Alive);
        assert_eq!(of(&here, Ends::Never).liveness(), Liveness::Dead);
        let mut ended = std::process::Command::new("true").spawn().unwrap();
        ended.wait().unwrap();
        let gone = Who { process: ended.id(), ..here.clone() };
        assert_eq!(of(&gone, ends).liveness(), Liveness::Dead);
        let elsewhere = Who { host: "somewhere-else".to_owned(), ..gone };
        assert_eq!(of(&elsewhere, ends).liveness(), Liveness::Unknown);
        let text = of(&Who { process: 12, ..elsewhere }, ends).to_string();
        let expected =
            "held by process 12 on somewhere-else since 1970-01-01T00:00:00Z, for another 40 s";
        assert_eq!(text, expected);
    }
}
