//! No output holds a password, wherever and in whatever form somebody put it.

use std::error::Error;

use community_stats::config::{Loader, SECTIONS, Setting, Settings};

use super::support::Scene;

const SECRET: &str = "hush-7";

/// Addresses with the secret in them, as passwords that nobody encoded and in odd places.
fn addresses() -> Vec<String> {
    let login = ["u:hush-7", ":hush-7", "u:?name=hush-7", ":?host=hush-7", "u:x@?db=hush-7"];
    let schemes = ["redis://", "http://", "postgresql://", "amqp://", "redis+sentinel://", ""];
    let all = schemes
        .iter()
        .flat_map(|scheme| login.map(|login| format!("{scheme}{login}@127.0.0.1:1/0")));
    let others = [
        "redis://127.0.0.1:1/0?password=hush-7",
        "unix://:hush-7@/run/nothing.sock?db=1",
        "unix://:?name=hush-7@/run/nothing.sock",
        "postgresql://127.0.0.1:1/x?sslpassword=hush-7&user=u",
        "[redis://:hush-7@127.0.0.1:1/0]",
    ];
    all.chain(others.map(str::to_owned)).collect()
}

/// What stands around the secret.
fn near(told: &str) -> String {
    let at = told.find(SECRET).unwrap_or_default();
    let letters = told.chars().skip(told[..at].chars().count().saturating_sub(200));
    letters.take(300).collect()
}

fn settings() -> impl Iterator<Item = &'static Setting> {
    SECTIONS.iter().flat_map(|section| section.settings)
}

/// Everything that is ever told of settings, or of why they cannot be used.
fn told(loader: &Loader) -> String {
    let loader = loader.clone().environment([("HOME", "/home/nobody")]);
    let settings: Settings = match loader.load() {
        Ok(settings) => settings,
        Err(error) => return format!("{error} {:?} {:?} {error:?}", error.hint(), error.source()),
    };
    let undecided = settings.refuse_undecided().err();
    format!(
        "{:?} {} {:?} {:?} {:?} {:?} {undecided:?} {settings:?}",
        settings.explain(),
        settings.told_life(),
        settings.assumptions(),
        settings.warnings(),
        settings.skipped(),
        settings.guessed_lock(),
    )
}

/// Ways to give a setting.
fn ways(setting: &Setting, address: &str, scene: &Scene) -> Vec<Loader> {
    let (section, name) = setting.key.split_once('.').unwrap();
    let quoted = format!("{address:?}");
    let files =
        [quoted.clone(), format!("[{quoted}]"), address.to_owned(), format!("{{a={quoted}}}")];
    let mut ways: Vec<Loader> = Vec::new();
    for (number, value) in files.iter().enumerate() {
        let text = format!("[{section}]\n{name} = {value}\n");
        let file = scene.write(&format!("settings-{number}.toml"), text);
        ways.push(Loader::new().file(Some(file.into())));
    }
    ways.push(Loader::new().flag("--set", setting.key, address));
    ways.push(Loader::new().flag("--set", format!("{}{address}", setting.key), "1"));
    ways.push(Loader::new().environment([(setting.variable(), address.to_owned())]));
    ways.push(
        Loader::new().environment([(format!("{}_FILE", setting.variable()), address.to_owned())]),
    );
    let file = scene.write("secret", address);
    ways.push(Loader::new().environment([(format!("{}_FILE", setting.variable()), file)]));
    ways
}

#[test]
fn no_setting_tells_a_password_however_it_is_given() {
    let scene = Scene::new();
    let mut runs = 0;
    for address in addresses() {
        for setting in settings() {
            for way in ways(setting, &address, &scene) {
                let told = told(&way);
                assert!(!told.contains(SECRET), "{}: {address}: {}", setting.key, near(&told));
                runs += 1;
            }
        }
    }
    assert!(runs > 10_000, "{runs}");
}

/// Whoever names the wrong file, one with a password: what it holds is told by no refusal, in
/// whatever form, and no command tells what it took for the name of a file.
#[test]
fn no_refusal_tells_what_stands_in_a_file_that_a_variable_names() {
    let scene = Scene::new();
    let contents = [
        "hush-7",
        "root:$6$hush-7:19000:0:99999:7:::\ndaemon:*:19000:0:99999:7:::\n",
        "'hush-7'",
        "['hush-7']",
        "{'hush-7': 'hush-7'",
        "{\"a\": \"hush-7\"}",
        "{\"a\": hush-7",
        "hush-7://hush-7",
        "-7000000000000000000",
    ];
    let mut refusals = 0;
    for content in contents {
        let file = scene.write("secret", content);
        let ours = settings().map(Setting::variable);
        let theirs = invenio_config::NAMES.iter().map(|name| format!("INVENIO_{}", name.name));
        for variable in ours.chain(theirs).map(|variable| format!("{variable}_FILE")) {
            let loader = Loader::new()
                .environment([("HOME", "/home/nobody"), (variable.as_str(), file.as_str())]);
            if let Err(error) = loader.load() {
                let told = format!("{error} {:?} {:?} {error:?}", error.hint(), error.source());
                let shown = ["hush-7", "7000000000", "daemon"].iter().any(|it| told.contains(it));
                assert!(!shown, "{variable}: {content}: {told}");
                refusals += 1;
            }
        }
    }
    assert!(refusals > 200, "{refusals}");
    let file = scene.write("secret", SECRET);
    for setting in ["GENERATION_SUBCOUNTS", "GENERATION_LAYOUTS", "SOURCE_CA_CERTS"] {
        for command in [&["cache", "generate"][..], &["doctor"]] {
            let mut command = scene.command(command);
            command.env(format!("COMMUNITY_STATS_{setting}_FILE"), &file);
            if setting == "SOURCE_CA_CERTS" {
                command.args(["--set", "source.kind=opensearch", "--set", "cache.store=sqlite"]);
                command.args(["--set", "source.hosts=https://127.0.0.1:1"]);
            }
            let outcome = scene.finished(&command.output().unwrap());
            assert!(!outcome.to_string().contains(SECRET), "{setting}: {outcome}");
        }
    }
}

/// In an `invenio.cfg` and in the environment of InvenioRDM, in every form that a value may have.
#[test]
fn no_name_of_invenio_tells_a_password() {
    let scene = Scene::new();
    let mut runs = 0;
    for address in addresses() {
        for name in invenio_config::NAMES.iter().map(|name| name.name) {
            let forms = [
                format!("{address:?}"),
                format!("[{address:?}]"),
                format!("[{{'host': {address:?}, {address:?}: 1}}]"),
                format!(
                    "{{'response_caching': {{'lock_name': {address:?}}}, 'hosts': {address:?}}}"
                ),
                format!("{{{address:?}: {address:?}}}"),
                format!("make({address:?})"),
                format!("{address:?} + other"),
                format!("{address:?} % 'x'"),
                format!("os.environ[{address:?}]"),
                format!("{{}}[{address:?}]"),
                format!("int({address:?})"),
                address.clone(),
            ];
            for form in forms {
                let cfg = scene.write("invenio.cfg", format!("import os\n{name} = {form}\n"));
                for way in [
                    Loader::new().invenio_cfg(Some(cfg.into())),
                    Loader::new().environment([(format!("INVENIO_{name}"), form.clone())]),
                ] {
                    let told = told(&way);
                    assert!(!told.contains(SECRET), "{name} = {form}: {}", near(&told));
                    runs += 1;
                }
            }
        }
    }
    assert!(runs > 10_000, "{runs}");
}

/// Commands, with what they connect to: nothing listens at these addresses.
#[test]
fn no_command_tells_a_password() {
    let scene = Scene::new();
    let commands = [
        &["config", "show", "--origin"][..],
        &["config", "show", "--json"],
        &["doctor"],
        &["cache", "list"],
        &["cache", "generate", "--set", "source.max_retries=0"],
    ];
    let mut reached = 0;
    for setting in settings() {
        for address in
            addresses().into_iter().step_by(5).chain(addresses().into_iter().skip(2).step_by(5))
        {
            let given = format!("{}={address}", setting.key);
            for command in commands {
                let outcome = scene.run(&[command, &["--set", &given]].concat());
                assert!(!outcome.to_string().contains(SECRET), "{command:?} {given}: {outcome}");
                if outcome.code == 2 {
                    break;
                }
                reached += 1;
            }
        }
    }
    assert!(reached > 20, "{reached}");
    let address = "redis://:hush-7@127.0.0.1:1/0";
    for arguments in [
        &["doctor", address][..],
        &["doctor", "--config", address],
        &["doctor", "--invenio-cfg", address],
        &["doctor", "--data-dir", address],
        &["doctor", "--set", "cache.redis_url", address],
        &["doctor", "--redis-url", address],
        &["cache", address],
        &["cache", "generate", "--workers", address],
        &["cache", "read", "--year", address],
    ] {
        let outcome = scene.run(arguments).expect(2);
        assert!(!outcome.to_string().contains(SECRET), "{arguments:?}: {outcome}");
    }
}
