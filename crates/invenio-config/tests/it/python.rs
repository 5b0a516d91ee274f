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

/// What stands above each of [`FORMS`].
const ABOVE: &str = "import os\nfrom copy import copy, deepcopy\nfrom invenio_i18n import lazy_gettext as _\n\
                     from upstream.config import LAYOUT\nB = ['b']\nC = {'c': {'d': 1}}\nD = 'd'\n";

/// Forms in which people write an `invenio.cfg`: each one is known.
const FORMS: [&str; 34] = [
    "A = _('text')",
    "from invenio_i18n import lazy_gettext\nA = {'label': lazy_gettext('text')}",
    "from invenio_i18n import gettext as g\nA = g('text')",
    "A = os.getenv('NOWHERE', 'literal')",
    "A = os.getenv('HERE', 'literal')",
    "A = os.environ.get('NOWHERE', 'literal')",
    "A = os.environ.get('HERE')",
    "A = os.environ['HERE']",
    "from os import environ, getenv\nA = [environ.get('HERE'), getenv('NOWHERE', 'x')]",
    "A = f'{D}-search:{9200}'",
    "A = f'redis://{os.getenv(\"NOWHERE\", \"cache\")}:6379/0'",
    "A = 'redis://' + D + ':6379/0'",
    "A = '%s:%d' % (D, 9200)",
    "A = '{}:{}'.format(D, 9200)",
    "A = B + ['x']",
    "A = 2\nA += 1",
    "A = 7\nA -= 1\nA *= 3\nA //= 2\nA %= 5\nA **= 2",
    "A = 6\nA |= 1\nA &= 5\nA ^= 2\nA <<= 2\nA >>= 1",
    "A = {'a': 1}\nA |= {'b': 2}",
    "A = ['a']\nA += B",
    "A = 'a'\nA += D",
    "A = deepcopy(LAYOUT)\nA['tabs'].append('three')",
    "A = {**LAYOUT, 'n': 2}",
    "A = {**C, **LAYOUT}",
    "A = [*B, 'x']",
    "A = deepcopy(C)\nA['c']['d'] = 2\nA['e'] = []",
    "A = deepcopy(C)\ndel A['c']",
    "A = deepcopy(C)\nA.update({'x': 1}, y=2)",
    "A = dict(C, x=1)",
    "A = copy(B)\nA.extend(['x', 'y'])",
    "A = LAYOUT\nA['n'] += 1",
    "A = C['c']['d'] if D == 'd' else None",
    "A: dict = {'typed': True}",
    "A = E = ('a',)\nA, E = 1, 2",
];

#[test]
fn every_form_that_people_write_is_known() {
    let files: Vec<String> = FORMS.iter().map(|form| format!("{ABOVE}{form}\n")).collect();
    let Some(answers) = python(&files) else { return };
    for (file, answer) in files.iter().zip(answers) {
        let Answer { text, names } = answer.unwrap_or_else(|| panic!("does not end: {file}"));
        assert_eq!(text.trim().lines().count(), file.trim().lines().count(), "{file}");
        let ours = Cfg::parse(file, &surroundings()).unwrap().find("A");
        let Some(Finding::Known { value, .. }) = ours else { panic!("{ours:?}: {file}") };
        assert_eq!(shown(&value), names["A"], "{file}");
    }
}
