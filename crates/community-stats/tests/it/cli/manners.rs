//! How every command behaves: streams, colours, pipes, help.

use std::io::Read;
use std::process::Stdio;

use insta::assert_snapshot;

use super::support::Scene;

#[test]
fn a_closed_pipe_is_no_error() {
    let scene = Scene::generated();
    let place = ["--community-id", "global", "--year", "2025", "--category", "usage_snapshot"];
    for command in ["read", "list"] {
        let arguments = match command {
            "read" => [&["cache", "read"], &place[..]].concat(),
            _ => vec!["cache", "list", "--json"],
        };
        let mut child = scene.spawn(&mut scene.command(&arguments));
        let mut first = [0; 1];
        child.stdout.take().unwrap().read_exact(&mut first).unwrap();
        let outcome = scene.finished(&child.wait_with_output().unwrap());
        assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""), "{command}: {outcome}");
    }
}

/// Who goes away misses the text, and not the truth: commands end as they would have.
#[test]
fn a_closed_pipe_changes_no_exit_code() {
    let scene = Scene::generated();
    scene.write("cut.ndjson", "{\"_index\":\"stats-community-usage-delta-2025\",\"_id\":");
    let cut = scene.path("cut.ndjson");
    let gone = ["--community-id", "global", "--year", "2020", "--category", "usage_delta"];
    let commands: [&[&str]; 8] = [
        &["cache", "verify"],
        &["cache", "verify", "--year", "2020"],
        &["cache", "verify", "--year", "2020", "--json"],
        &[&["cache", "exists"], &gone[..]].concat(),
        &["cache", "generate", "--year", "1999"],
        &["import", cut.to_str().unwrap()],
        &["import", cut.to_str().unwrap(), "--json"],
        &["doctor"],
    ];
    let mut codes = std::collections::BTreeSet::new();
    for arguments in commands {
        let read = scene.run(arguments);
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = scene.command(arguments).stdout(Stdio::from(writer)).output().unwrap();
        assert_eq!(scene.finished(&output).code, read.code, "{arguments:?}: {read}");
        codes.insert(read.code);
    }
    assert!(codes.len() > 2, "{codes:?}");
}

#[test]
fn a_full_output_is_an_error() {
    let scene = Scene::generated();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = scene.command(&["cache", "list"]).stdout(Stdio::from(full)).output().unwrap();
    let outcome = scene.finished(&output).expect(1);
    assert!(outcome.stderr.starts_with("error: writing the output: No space left"), "{outcome}");
}

#[test]
fn there_is_no_colour_where_nobody_sees_it() {
    let scene = Scene::new();
    let outcome = scene.run(&["cache", "list"]).expect(5);
    assert!(!outcome.stderr.contains('\u{1b}'), "{outcome}");
    let output = scene.command(&["cache", "list"]).env("CLICOLOR_FORCE", "1").output().unwrap();
    assert!(scene.finished(&output).stderr.contains('\u{1b}'));
    let output = scene
        .command(&["cache", "list"])
        .env("CLICOLOR_FORCE", "1")
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    assert!(!scene.finished(&output).stderr.contains('\u{1b}'));
}

#[test]
fn secrets_are_never_shown() {
    let scene = Scene::new().with(&[
        "--set",
        "source.password=hush-hush",
        "--set",
        "source.username=reader",
        "--set",
        "cache.main_redis_url=redis://:hush-hush@localhost:6379/0",
    ]);
    for arguments in [&["config", "show", "--origin"][..], &["config", "show", "--json"]] {
        let shown = scene.run(arguments).expect(0);
        assert!(!shown.to_string().contains("hush-hush"), "{shown}");
        assert!(shown.stdout.contains("***"), "{shown}");
    }
}

#[test]
fn settings_are_shown_with_their_origin() {
    let scene = Scene::new().with(&["--set", "cache.ttl_days=7"]);
    let shown = scene.run(&["config", "show", "--origin"]).expect(0);
    assert!(shown.stdout.contains("\ncache.ttl_days = 7  # --set\n"), "{shown}");
    assert!(shown.stdout.contains("\ncache.prefix = \"stats_dashboard\"  # default\n"), "{shown}");
    assert!(shown.stdout.contains("\n# cache.redis_url = "), "{shown}");
    let shown = scene.run(&["config", "show", "--origin", "--json"]).expect(0).json();
    assert!(shown.as_array().unwrap().len() > 30);
}

/// A value may be a password: no message repeats what was meant as one.
#[test]
fn a_setting_with_a_typing_error_is_not_repeated() {
    let scene = Scene::new();
    for arguments in [
        &["config", "show", "--set", "source.password:hush-hush"][..],
        &["config", "show", "--set=source.password:hush-hush"],
        &["config", "show", "--set", "source.password", "hush-hush"],
        &["--set", "source.password", "hush-hush", "config", "show"],
    ] {
        let refused = scene.run(arguments).expect(2);
        assert!(!refused.to_string().contains("hush-hush"), "{refused}");
        assert!(refused.stderr.starts_with("error: --set: expected KEY=VALUE"), "{refused}");
    }
}

/// What InvenioRDM's configuration says and is not understood is told by every command, and no
/// command writes to a place that is only guessed.
#[test]
fn what_is_not_understood_is_told_and_keeps_commands_from_writing() {
    let scene = Scene::tiny();
    let cfg = scene.write(
        "invenio.cfg",
        "from site import f\nSITE = f()\nif SITE: STATS_CACHE_PREFIX = 'dev'\n",
    );
    let (archive, store) = ("source.kind=archive", "cache.store=sqlite");
    let scene = scene.with(&["--invenio-cfg", &cfg, "--set", archive, "--set", store]);
    let place = ["--community-id", "global", "--year", "2025"];
    let warning = "warning: [folder]/invenio.cfg:3: STATS_CACHE_PREFIX is set or changed under a \
                   condition that nobody knows; it was skipped\n";
    for command in
        [&["config", "show"][..], &["cache", "list"], &["cache", "generate", "--dry-run"]]
    {
        let told = scene.run(command).expect(0);
        assert_eq!(told.stderr.matches(warning).count(), 1, "{told}");
    }
    let shown = scene.run(&["config", "show"]).stdout;
    assert!(
        shown.contains(
            "\n# skipped: STATS_CACHE_PREFIX is set or changed under a condition that nobody knows  \
             # [folder]/invenio.cfg:3\n"
        ),
        "{shown}"
    );
    let shown = scene.run(&["config", "show", "--json"]).json();
    let skipped = shown.as_array().unwrap().last().unwrap();
    assert_eq!(
        (&skipped["skipped"], &skipped["origin"]["line"]),
        (&"STATS_CACHE_PREFIX".into(), &3.into())
    );

    let delete = [&["cache", "delete"], &place[..]].concat();
    let update = [&["cache", "update", "--category", "usage_delta"], &place[..]].concat();
    for command in
        [&["cache", "generate"][..], &["cache", "clear", "--yes"], &["sync"], &delete, &update]
    {
        let refused = scene.run(command).expect(2);
        assert!(refused.stderr.contains("it decides where to read and write"), "{refused}");
        assert!(refused.stderr.contains("--set cache.prefix=…"), "{refused}");
    }
    assert!(scene.files().iter().all(|(name, _)| name != "cache.db"), "{:?}", scene.files());
    let doctor = scene.run(&["doctor"]).expect(1);
    assert!(doctor.stdout.contains("\nfailed       settings"), "{doctor}");
    assert_eq!(doctor.stderr, "", "told once: {doctor}");
    scene.run(&["cache", "generate", "--set", "cache.prefix=dev"]).expect(0);
}

#[test]
fn a_key_with_a_line_break_ends_a_command_as_a_wrong_setting_does() {
    let scene = Scene::new();
    for command in [&["sync"][..], &["doctor"]] {
        let mut command = scene.command(command);
        command.env("COMMUNITY_STATS_SOURCE_HOSTS", "http://127.0.0.1:1");
        command.env("COMMUNITY_STATS_SOURCE_API_KEY", "hush\nhush");
        let refused = scene.finished(&command.output().unwrap()).expect(2);
        assert!(refused.stderr.contains("`source.api_key` holds a line break"), "{refused}");
        assert!(!refused.to_string().contains("hush"), "{refused}");
    }
}

#[test]
fn completions_and_manual_pages_come_from_the_same_definition() {
    let scene = Scene::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = scene.run(&["completions", shell]).expect(0);
        assert!(script.stdout.contains("no-overwrite"), "{shell}");
    }
    assert!(scene.run(&["man"]).expect(0).stdout.contains(".TH community-stats 1"));
    let folder = scene.path("pages");
    scene.run(&["man", "--output", folder.to_str().unwrap()]).expect(0);
    assert!(folder.join("community-stats-cache-generate.1").exists());
}

/// What `--help` says, up to the global options and from there on.
fn help(scene: &Scene) -> (String, String) {
    let output = scene.command(&[]).arg("--help").output().unwrap();
    let help = scene.finished(&output).to_string();
    let at = help.find("Global options:").unwrap();
    (help[..at].to_owned(), help[at..].to_owned())
}

#[test]
fn help_names_every_command() {
    let scene = Scene::new();
    assert_snapshot!(help(&scene).0, @"
    exit: 0
    Every answer of a community statistics dashboard, ready before anyone asks

    Usage: community-stats [OPTIONS] <COMMAND>

    Commands:
      cache        Makes, reads and examines stored responses
      series       Turns documents into one response, without archive or store
      run          Keeps every response as it should be, by itself, until it is stopped
      status       Shows whether all is well; exit code 6 when it is not
      runs         Shows what was done, and goes on with it
      import       Puts exported documents into the archive
      sync         Brings the mirror of a live index up to date
      demo         Shows everything on a bundled sample, in a folder of its own
      config       Shows the settings
      doctor       Examines everything that the settings need, and says what to do
      completions  Writes a completion script for a shell
      man          Writes the manual page
      help         Print this message or the help of the given subcommand(s)

    Options:
      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version
    ");
    scene.run(&[]).expect(2);
    scene.run(&["--version"]).expect(0);
}

#[test]
fn help_names_every_global_option_and_exit_code() {
    let scene = Scene::new();
    assert_snapshot!(help(&scene).1, @"
    Global options:
          --config <FILE>
              The settings file, in place of the one in the configuration folder

          --invenio-cfg <FILE>
              An invenio.cfg, which is understood as far as that can be done exactly

          --data-dir <DIR>
              The folder in which everything lives

          --set <KEY=VALUE>
              Sets one setting, as in `--set cache.ttl_days=7`; may be repeated

          --json
              Writes the result as JSON

      -q, --quiet
              Shows no progress

    Exit codes:
      0    done
      1    failed, or the answer is no
      2    the command line or a setting cannot be used
      3    done but for responses, lines or shelves that failed, are held or are not up to date, a kind
           without index, or years in no lifespan
      5    the source or the store cannot be reached
      6    `cache verify` found a difference, or `status` that not all is well
      130  interrupted; running the same command again continues
    ");
}
