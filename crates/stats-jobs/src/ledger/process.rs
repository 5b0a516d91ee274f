//! Processes of this machine.

/// The name of this machine.
pub(super) fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Whether a process of that machine is known to be gone: only those of this one are.
pub(super) fn is_gone(of_host: &str, pid: u32) -> bool {
    of_host == host() && runs(pid) == Some(false)
}

/// Whether a process with this number runs here; `None` where that cannot be told.
fn runs(pid: u32) -> Option<bool> {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).ok()?)?;
    match rustix::process::test_kill_process(pid) {
        // A process of another user must not be signalled, so it is there.
        Ok(()) | Err(rustix::io::Errno::PERM) => Some(true),
        Err(rustix::io::Errno::SRCH) => Some(false),
        Err(_) => None,
    }
}
