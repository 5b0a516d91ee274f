//! Names of this machine and this process, as Celery has them.

/// The name of this machine.
#[must_use]
pub fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// The name of a worker on this machine, `<name>@<host>`: how Celery's tools call it.
#[must_use]
pub fn worker_name(name: &str) -> String {
    format!("{name}@{}", host_name())
}
