//! Files and inputs without end, where a small one belongs: refused, not read until memory is gone.

use std::fs::File;
use std::process::Command;

use super::support::{Outcome, Scene};

/// Runs a command that gets no more than 3 GB of memory, for what is read without end after all.
fn run(scene: &Scene, arguments: &[&str], variable: Option<&str>) -> Outcome {
    let meant = scene.command(arguments);
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -v 3000000; exec \"$@\"", "sh"]);
    limited.arg(meant.get_program()).args(meant.get_args());
    limited.env_clear().env("HOME", scene.folder.path());
    limited.envs(variable.map(|name| (name, "/dev/zero")));
    limited.stdin(File::open("/dev/zero").unwrap());
    scene.finished(&limited.output().unwrap())
}

#[test]
fn nothing_is_read_without_end() {
    let scene = Scene::tiny();
    let place = ["--community-id", "global", "--year", "2025", "--category", "usage_delta"];
    let update = [&["cache", "update"][..], &place].concat();
    let of_file = [&update[..], &["/dev/zero"]].concat();
    let cluster = ["source.kind=opensearch", "cache.store=sqlite", "source.hosts=https://[::1]:1"];
    let mut certificates = vec!["cache", "list", "--set", "source.ca_certs=/dev/zero"];
    certificates.extend(cluster.iter().flat_map(|one| ["--set", *one]));
    let list = ["cache", "list"];
    for (arguments, variable, code) in [
        (&["cache", "list", "--config", "/dev/zero"][..], None, 2),
        (&["cache", "list", "--invenio-cfg", "/dev/zero"], None, 2),
        (&["cache", "list", "--set", "generation.layouts=/dev/zero"], None, 2),
        (&["cache", "list", "--set", "generation.subcounts=/dev/zero"], None, 2),
        (&["cache", "list", "--set", "generation.components=/dev/zero"], None, 2),
        (&certificates, None, 2),
        (&["series", "usage_delta", "--layout", "/dev/zero"], None, 1),
        (&list, Some("COMMUNITY_STATS_CACHE_PREFIX_FILE"), 2),
        (&list, Some("INVENIO_SEARCH_HOSTS_FILE"), 2),
        (&of_file, None, 1),
        (&update, None, 1),
    ] {
        let refused = run(&scene, arguments, variable);
        assert_eq!(refused.code, code, "{arguments:?} {variable:?}: {refused}");
        assert!(refused.stderr.contains("it is larger than "), "{arguments:?}: {refused}");
    }
}
