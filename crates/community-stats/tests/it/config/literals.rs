//! Python literals, against Python itself.

use std::io::Write;
use std::process::{Command, Stdio};

use community_stats::config::Literal;
use proptest::prelude::*;

/// Texts that `ast.literal_eval` takes or refuses; ours must agree on each.
const TEXTS: &[&str] = &[
    // what deployments write
    "[{'host': 'search', 'port': 9200}]",
    "['search:9200']",
    "[{'host': 'os','http_auth': ('user','pass'),'use_ssl': True,'ca_certs': '/etc/os/ca.crt','port': '9200'}]",
    "redis://cache:6379/0",
    "\"quoted\"",
    "search:9200",
    "",
    " ",
    "\n",
    // words and numbers
    "None",
    "True",
    "False",
    "true",
    "none",
    "0",
    "00",
    "0_0",
    "007",
    "1_000",
    "1__0",
    "1_",
    "_1",
    "0x1F",
    "0X_1f",
    "0x",
    "0b101",
    "0b2",
    "0o17",
    "0o8",
    "1.",
    ".5",
    ".",
    "1.5e3",
    "1e16",
    "1e-5",
    "1E+5",
    "1e",
    "1_0.0_1",
    "1_.0",
    "1._0",
    "1e400",
    "0x1e+5",
    "-1",
    "+1",
    "- 1",
    "--1",
    "-(1)",
    "-(-1)",
    "-True",
    "-'a'",
    "+0.5",
    "1+1",
    "1 + 1",
    "1if",
    "1 2",
    "9223372036854775807",
    "10.0.0.1",
    // texts
    "''",
    "'a'",
    "'a",
    "a'",
    "'a' 'b'",
    "'a'\n'b'",
    "('a'\n 'b')",
    "'a' \"b\" '''c'''",
    "u'a'",
    "U'a'",
    "r'a\\n'",
    "R'\\''",
    "r'\\'",
    "ur'a'",
    "f'a'",
    "F'{x}'",
    "rf'a'",
    "x'a'",
    "'\\n\\t\\r\\a\\b\\f\\v\\\\\\'\\\"'",
    "'\\x41\\u00e9\\U0001F600\\101\\0\\18'",
    "'\\x4'",
    "'\\u12'",
    "'\\U00110000'",
    "'\\q\\é'",
    "'a\\\nb'",
    "'a\nb'",
    "'''a\nb'''",
    "'''a'b''c'''",
    "''''a'''",
    "\"\"\"a\"\"\"\"",
    "'é😀'",
    "'a' 1",
    "'a', 'b'",
    // collections
    "[]",
    "[1, 2,]",
    "[,]",
    "[1 2]",
    "[1",
    "1]",
    "[1, [2, [3]]]",
    "()",
    "(1)",
    "(1,)",
    "(,)",
    "((1, 2), 3)",
    "1, 2",
    "1,",
    "1,\n",
    "{}",
    "{1}",
    "{1,}",
    "{1: 2}",
    "{1: 2,}",
    "{1: 2, 3}",
    "{1, 2: 3}",
    "{'a': {'b': [None]}}",
    "{[]: 1}",
    "{(1, 2): 3}",
    "{([],): 3}",
    "{**{}}",
    "[*[]]",
    "set()",
    "set( )",
    "set([1])",
    "dict()",
    "list",
    "{'a': 1, 'a': 2}",
    // space and comments
    " 1",
    "\t1 ",
    "1\n",
    "1\n\n",
    "\n1",
    "1 # a comment",
    "# a comment\n1",
    "[ # one\n1, # two\n 2\n]",
    "[1,\n\n2]",
    "1\n2",
    "[1, \\\n2]",
    "{\n'a'\n:\n1\n}",
    // what is no literal
    "a",
    "a.b",
    "a()",
    "[a]",
    "1 < 2",
    "not True",
    "[x for x in []]",
    "lambda: 1",
    "True False",
    "'%s' % 1",
    "é",
];

/// What Python makes of each line of JSON text, in a form that keeps the types apart.
const ORACLE: &str = r#"
import ast, json, sys
def show(v):
    if v is None or isinstance(v, bool): return repr(v)
    if isinstance(v, int): return f"i{v}"
    if isinstance(v, float): return "f" + ("inf" if v == float("inf") else format(v, ".17g"))
    if isinstance(v, str): return "s" + "".join(f"{ord(c):x}." for c in v)
    if isinstance(v, list): return "[" + ",".join(map(show, v)) + "]"
    if isinstance(v, tuple): return "(" + ",".join(map(show, v)) + ")"
    if isinstance(v, set): return "<" + ",".join(sorted(map(show, v))) + ">"
    if isinstance(v, dict): return "{" + ",".join(sorted(show(k) + ":" + show(w) for k, w in v.items())) + "}"
    return "refused"
import warnings
warnings.simplefilter("ignore")
for line in sys.stdin:
    try: print(show(ast.literal_eval(json.loads(line))))
    except (ValueError, SyntaxError, TypeError): print("refused")
"#;

/// The same form for ours.
fn shown(literal: &Literal) -> String {
    let all = |items: &[Literal]| items.iter().map(shown).collect::<Vec<_>>();
    match literal {
        Literal::None => "None".to_owned(),
        Literal::Code => "code".to_owned(),
        Literal::Bool(true) => "True".to_owned(),
        Literal::Bool(false) => "False".to_owned(),
        Literal::Int(number) => format!("i{number}"),
        Literal::Float(number) => format!("f{number:?}"),
        Literal::Text(text) => {
            let letters = text.chars().map(|letter| format!("{:x}.", u32::from(letter)));
            format!("s{}", letters.collect::<String>())
        }
        Literal::List(items) => format!("[{}]", all(items).join(",")),
        Literal::Tuple(items) => format!("({})", all(items).join(",")),
        Literal::Set(items) => {
            let mut items = all(items);
            items.sort();
            format!("<{}>", items.join(","))
        }
        Literal::Dict(members) => {
            let mut unique: Vec<(String, String)> = Vec::new();
            for (key, value) in members {
                let key = shown(key);
                unique.retain(|(other, _)| *other != key);
                unique.push((key, shown(value)));
            }
            let mut members: Vec<String> =
                unique.into_iter().map(|(key, value)| format!("{key}:{value}")).collect();
            members.sort();
            format!("{{{}}}", members.join(","))
        }
    }
}

fn ours(text: &str) -> String {
    Literal::parse(text).map_or_else(|_| "refused".to_owned(), |literal| shown(&literal))
}

/// What Python says about each text; `None` when there is no Python and none is required.
#[allow(clippy::print_stderr, reason = "a skipped test says what it needs")]
fn python(texts: &[String]) -> Option<Vec<String>> {
    let child = Command::new("python3")
        .args(["-c", ORACLE])
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
        texts.iter().map(|text| serde_json::to_string(text).unwrap() + "\n").collect();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    Some(String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect())
}

/// Floats are compared as numbers, everything else letter by letter.
fn agree(ours: &str, python: &str) -> bool {
    let number = |text: &str| text.strip_prefix('f').and_then(|text| text.parse::<f64>().ok());
    match (number(ours), number(python)) {
        (Some(ours), Some(python)) => ours == python,
        _ => ours == python,
    }
}

fn assert_agreement(texts: &[String]) {
    let Some(answers) = python(texts) else { return };
    assert_eq!(answers.len(), texts.len());
    let differing: Vec<String> = texts
        .iter()
        .zip(&answers)
        .filter(|(text, python)| !agree(&ours(text), python))
        .map(|(text, python)| format!("{text:?}: ours {}, python {python}", ours(text)))
        .collect();
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

#[test]
fn python_agrees_on_every_text() {
    assert_agreement(&TEXTS.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
}

#[test]
fn python_agrees_on_random_pieces() {
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;
    let pieces = prop::sample::select(vec![
        "'", "\"", "'''", "a", "r", "u", "\\", "\\n", "\n", " ", "#", ",", ":", "[", "]", "(", ")",
        "{", "}", "1", "0", "_", ".", "-", "+", "e", "x", "None", "True", "'k'", "'k': 1",
    ]);
    let texts = prop::collection::vec(pieces, 0..9).prop_map(|pieces| pieces.concat());
    let mut runner = TestRunner::deterministic();
    let texts: Vec<String> = (0..20_000)
        .map(|_| texts.new_tree(&mut runner).unwrap().current())
        // Indentation and lines that go on after the end are Python's own business.
        .filter(|text| !text.contains("\n ") && !text.contains("\\\n"))
        .collect();
    assert_agreement(&texts);
}

#[test]
fn what_no_setting_can_be_is_refused() {
    for text in ["b'a'", "br'a'", "1j", "...", "'\\ud800'", "9223372036854775808"] {
        assert_eq!(ours(text), "refused", "{text}");
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(ours(&deep), "refused");
}

#[test]
fn a_literal_does_not_show_its_content() {
    let literal = Literal::parse("{'http_auth': ('user', 'hidden'), 'n': 12345}").unwrap();
    let shown = format!("{literal:?}");
    assert!(!shown.contains("hidden") && !shown.contains("12345"), "{shown}");
    let error = format!("{:?}", Literal::parse("{'http_auth': hidden}").unwrap_err());
    assert!(!error.contains("hidden"), "{error}");
}

proptest! {
    #[test]
    fn a_text_comes_back_from_its_quoted_form(text in "\\PC{0,20}") {
        let escaped = text.replace('\\', "\\\\").replace('\'', "\\'");
        prop_assert_eq!(
            Literal::parse(&format!("'{escaped}'")),
            Ok(Literal::Text(text))
        );
    }

    #[test]
    fn nothing_makes_it_stumble(text in any::<String>()) {
        let _ = Literal::parse(&text);
    }
}

#[test]
fn many_signs_are_refused_without_running_out_of_stack() {
    for sign in ["-", "+", "- ", "-\\\n"] {
        Literal::parse(&sign.repeat(200_000)).unwrap_err();
        Literal::parse(&format!("{}1", sign.repeat(200_000))).unwrap_err();
    }
    Literal::parse(&"-(".repeat(200_000)).unwrap_err();
    Literal::parse(&"{1:".repeat(200_000)).unwrap_err();
}
