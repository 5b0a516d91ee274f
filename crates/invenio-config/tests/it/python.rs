//! Random files, evaluated by ours and run by Python: wherever ours says that a name is known,
//! Python has that value. What is not read is played by the worst there could be: it changes all it
//! ever got, calls back, and sets names of the file.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

use invenio_config::{Cfg, Finding, Literal, Surroundings, UpstreamModule};

use crate::generator;

/// Runs each line of JSON text as a file and shows its names in capitals.
const RUNNER: &str = include_str!("runner.py");

/// So many files, or as many as `COMMUNITY_STATS_CFG_FILES` says.
const CASES: u64 = 6_000;

fn surroundings() -> Surroundings {
    let list = |items: &[&str]| Literal::List(items.iter().map(|it| text(it)).collect());
    let layout =
        Literal::Dict(vec![(text("tabs"), list(&["one", "two"])), (text("n"), Literal::Int(1))]);
    Surroundings {
        environment: BTreeMap::from([("HERE".to_owned(), "here".to_owned())]),
        upstream: vec![UpstreamModule {
            name: "upstream.config",
            values: vec![("LAYOUT", layout)],
        }],
    }
}

fn text(text: &str) -> Literal {
    Literal::Text(text.to_owned())
}

/// A form that keeps types apart, as the runner writes it.
fn shown(literal: &Literal) -> String {
    let all = |items: &[Literal]| items.iter().map(shown).collect::<Vec<_>>();
    match literal {
        Literal::None => "None".to_owned(),
        Literal::Bool(true) => "True".to_owned(),
        Literal::Bool(false) => "False".to_owned(),
        Literal::Int(number) => format!("i{number}"),
        Literal::Float(number) => format!("f{:x}", number.to_bits()),
        Literal::Text(text) => {
            text.chars().fold("s".to_owned(), |all, it| format!("{all}{:x}.", u32::from(it)))
        }
        Literal::List(items) => format!("[{}]", all(items).join(",")),
        Literal::Tuple(items) => format!("({})", all(items).join(",")),
        Literal::Set(items) => {
            let mut items = all(items);
            items.sort();
            format!("<{}>", items.join(","))
        }
        Literal::Dict(members) => {
            let members =
                members.iter().map(|(key, value)| format!("{}:{}", shown(key), shown(value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
        Literal::Code => "code".to_owned(),
    }
}

/// What Python has after a file.
#[derive(serde::Deserialize)]
struct Answer {
    /// The file without the statements that failed.
    text: String,
    /// The values of its names.
    names: BTreeMap<String, String>,
}

/// What Python says of each file; nothing where it does not end.
#[allow(clippy::print_stderr, reason = "a skipped test says what it needs")]
fn python(files: &[String]) -> Option<Vec<Option<Answer>>> {
    let child = Command::new("python3")
        .args(["-c", RUNNER])
        .env("HERE", "here")
        .env_remove("NOWHERE")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) if std::env::var_os("CI").is_none() => {
            eprintln!("skipped: needs python3 ({error})");
            return None;
        }
        Err(error) => panic!("python3: {error}"),
    };
    let mut input = child.stdin.take().unwrap();
    let lines: String =
        files.iter().map(|file| serde_json::to_string(file).unwrap() + "\n").collect();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let answers = String::from_utf8(output.stdout).unwrap();
    Some(answers.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

#[test]
fn what_is_known_is_what_python_has() {
    let cases =
        std::env::var("COMMUNITY_STATS_CFG_FILES").map_or(CASES, |cases| cases.parse().unwrap());
    let files: Vec<String> = (0..cases).map(generator::file).collect();
    let Some(answers) = python(&files) else { return };
    assert_eq!(answers.len(), files.len());
    let (mut ran, mut known, mut undecided) = (0, 0, 0);
    for Answer { text: file, names: theirs } in answers.into_iter().flatten() {
        ran += 1;
        let ours =
            Cfg::parse(&file, &surroundings()).unwrap_or_else(|error| panic!("{error:?}\n{file}"));
        for (name, value) in &theirs {
            match ours.find(name) {
                None => panic!("{name} is not seen, Python has {value}\n{file}"),
                Some(Finding::Undecided(_)) => undecided += 1,
                Some(Finding::Known { value: ours, .. }) => {
                    known += 1;
                    assert_eq!(&shown(&ours), value, "{name} in\n{file}");
                }
            }
        }
        for name in ours.names() {
            let is_known = matches!(ours.find(name), Some(Finding::Known { .. }));
            assert!(!is_known || theirs.contains_key(name), "{name} is not there in\n{file}");
        }
    }
    // Files that do not end, or of which nothing is known, prove nothing.
    assert!(ran > cases / 2, "only {ran} files ran");
    assert!(known > cases / 2 && undecided > cases / 2, "{known} known, {undecided} undecided");
}
