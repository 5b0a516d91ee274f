//! Random files in the manner of an `invenio.cfg`.

/// The file with this number.
pub(crate) fn file(number: u64) -> String {
    let mut maker =
        Maker { state: number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1, text: String::new() };
    maker.text.push_str(
        "import os\nfrom copy import deepcopy\nfrom invenio_i18n import lazy_gettext as _\n\
         from site_config import mystery, configure, Swallow, FLAG\n",
    );
    for name in ["A", "B", "C", "D", "E", "F"] {
        let value = match maker.below(6) {
            0 => "[1, 'x', 2.5]",
            1 => "{'a': [1, 2], 'b': {'c': 'd'}, 1: None}",
            2 => "'text'",
            3 => "7",
            4 => "[{'host': 'h', 'port': 9200}]",
            _ => "('t', [3])",
        };
        maker.text.push_str(&format!("{name} = {value}\n"));
    }
    for _ in 0..2 + maker.below(9) {
        maker.statement(0, 2);
    }
    maker.text
}

struct Maker {
    state: u64,
    text: String,
}

impl Maker {
    fn below(&mut self, end: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 11) % end
    }

    fn of(&mut self, choices: &[&str]) -> String {
        let at = self.below(choices.len() as u64) as usize;
        choices[at].to_owned()
    }

    fn name(&mut self) -> String {
        self.of(&["A", "B", "C", "D", "E", "F"])
    }

    fn line(&mut self, indent: usize, text: &str) {
        self.text.push_str(&" ".repeat(indent * 4));
        self.text.push_str(text);
        self.text.push('\n');
    }

    fn body(&mut self, indent: usize, depth: usize) {
        for _ in 0..1 + self.below(2) {
            self.statement(indent + 1, depth - 1);
        }
    }

    fn statement(&mut self, indent: usize, depth: usize) {
        if depth > 0 && self.below(3) == 0 {
            return self.compound(indent, depth);
        }
        let (name, value, key) = (self.name(), self.expression(2), self.key());
        let other = self.name();
        let text = match self.below(40) {
            0..=8 => format!("{name} = {value}"),
            9 => format!("{name} = {other} = {value}"),
            10 => format!("{name}, {other} = {value}, {key}"),
            11 => format!("{name}, {other} = {other}, {name}"),
            12..=14 => {
                let op = self.of(&["+", "+", "|", "*", "-", "//", "%"]);
                format!("{name} {op}= {value}")
            }
            15..=18 => format!("{name}[{key}] = {value}"),
            19 => format!("{name}[{key}] += {value}"),
            20 => format!("{name}[{key}][{value}] = {other}"),
            21 => format!("del {name}[{key}]"),
            22 => format!("del {name}"),
            23..=25 => format!("{name}.append({value})"),
            26 => format!("{name}.extend({value})"),
            27 => format!("{name}.update({value})"),
            28 => format!("{name}.update(k={value})"),
            29 => format!("{name}.setdefault({key}, {value})"),
            30 => format!("{name}.insert(0, {value})"),
            31 => format!("{name} = {other}.pop()"),
            32 => self.of(&[
                "import site_config as G",
                "from site_config import OTHER as F",
                "from upstream.config import LAYOUT as D",
                "import upstream.config as u; D = u.LAYOUT",
            ]),
            33 if self.below(4) == 0 => "configure()".to_owned(),
            34 if self.below(4) == 0 => "from star_settings import *".to_owned(),
            35 if self.below(4) == 0 => format!("globals().update({name}={value})"),
            36 if self.below(3) == 0 => format!("globals()['{name}'] = {value}"),
            33..=36 => format!("print({name})"),
            37 => format!("os.environ['MADE'] = 'made'; {name} = os.environ.get('MADE')"),
            38 => format!("{name}: list = {value}"),
            _ => format!("{name} = mystery({other})"),
        };
        self.line(indent, &text);
    }

    fn compound(&mut self, indent: usize, depth: usize) {
        let (name, value) = (self.name(), self.expression(1));
        let test = self.test();
        match self.below(12) {
            0..=2 => self.condition(indent, depth, &test),
            3 | 4 => self.loop_over(indent, depth),
            5 => {
                self.headed(indent, depth, &format!("while {test}:"));
                self.line(indent + 1, "break");
            }
            6 | 7 => self.attempt(indent, depth),
            8 => self.headed(indent, depth, &format!("with Swallow() as {name}:")),
            9 => self.function(indent, depth, &name, &value),
            10 => self.headed(indent, depth, "class K:"),
            _ => {
                self.line(indent, &format!("match {name}:"));
                self.headed(indent + 1, depth, &format!("case {{'a': {name}}}:"));
                self.headed(indent + 1, depth, "case _:");
            }
        }
    }

    /// A line that ends in a colon, and what stands below it.
    fn headed(&mut self, indent: usize, depth: usize, head: &str) {
        self.line(indent, head);
        self.body(indent, depth);
    }

    fn condition(&mut self, indent: usize, depth: usize, test: &str) {
        self.headed(indent, depth, &format!("if {test}:"));
        if self.below(2) == 0 {
            let test = self.test();
            self.headed(indent, depth, &format!("elif {test}:"));
        }
        if self.below(2) == 0 {
            self.headed(indent, depth, "else:");
        }
    }

    fn loop_over(&mut self, indent: usize, depth: usize) {
        let over = self.of(&[
            "[1, 2]",
            "{'a': 1, 'b': 2}",
            "A",
            "B",
            "C",
            "D.items()",
            "range(3)",
            "mystery()",
            "'ab'",
        ]);
        let target = if over.ends_with("items()") { "k, v" } else { "i" };
        self.headed(indent, depth, &format!("for {target} in {over}:"));
        if self.below(3) == 0 {
            self.line(indent + 1, "break");
        }
        if self.below(5) == 0 {
            self.headed(indent, depth, "else:");
        }
    }

    fn attempt(&mut self, indent: usize, depth: usize) {
        self.headed(indent, depth, "try:");
        if self.below(3) == 0 {
            self.line(indent + 1, "raise ValueError");
        }
        let caught = self.of(&[
            "except Exception:",
            "except (KeyError, TypeError) as e:",
            "except Exception as F:",
        ]);
        self.headed(indent, depth, &caught);
        for last in ["else:", "finally:"] {
            if self.below(3) == 0 {
                self.headed(indent, depth, last);
            }
        }
    }

    fn function(&mut self, indent: usize, depth: usize, name: &str, value: &str) {
        self.line(indent, "def f(x=None):");
        if self.below(2) == 0 {
            self.line(indent + 1, &format!("global {name}"));
        }
        self.body(indent, depth);
        self.line(indent + 1, &format!("return {value}"));
        let use_it = self.of(&["f()", "A = f()", "B = mystery(f)", "pass", "C = [f(2)]"]);
        self.line(indent, &use_it);
    }

    fn test(&mut self) -> String {
        let name = self.name();
        match self.below(9) {
            0 => "True".to_owned(),
            1 => "False".to_owned(),
            2 => "FLAG".to_owned(),
            3 => format!("'a' in {name}"),
            4 => format!("len({name}) > 1"),
            5 => "os.getenv('NOWHERE')".to_owned(),
            6 => "'HERE' in os.environ".to_owned(),
            7 => format!("isinstance({name}, list)"),
            _ => name,
        }
    }

    fn key(&mut self) -> String {
        self.of(&["'a'", "'b'", "0", "1", "-1", "'new'", "'host'", "(1, 'k')", "True", "1.0"])
    }

    fn expression(&mut self, depth: usize) -> String {
        if depth == 0 {
            return self.atom();
        }
        let (left, right) = (self.expression(depth - 1), self.expression(depth - 1));
        let (name, key) = (self.name(), self.key());
        match self.below(52) {
            0..=3 => left,
            4 | 5 => format!("[{left}, {right}]"),
            6 | 7 => format!("{{'a': {left}, {key}: {right}}}"),
            8 => format!("({left}, {right})"),
            9 => format!("{{{key}, 'z'}}"),
            10 | 11 => format!("{left} + {right}"),
            12 => {
                let op = self.of(&["*", "-", "//", "%", "|", "/", "&", "**", "<<"]);
                format!("({left}) {op} ({right})")
            }
            13 | 14 => format!("f'{{{name}}}-{{{key}}}'"),
            15 | 16 => format!("{name}[{key}]"),
            17 => format!("{left} if {right} else {name}"),
            18 => format!("({left}) or ({right})"),
            19 => format!("({left}) and ({right})"),
            20 => format!("not ({left})"),
            number => rarer_expression(number, &left, &right, &name, &key),
        }
    }

    fn atom(&mut self) -> String {
        let name = self.name();
        self.of(&[
            "1", "'s'", "0", "2.5", "None", "True", "''", "[]", "{}", "-3", "'a-b'", &name, &name,
            &name,
        ])
    }
}

/// What stands in a file now and then: comprehensions, unpacking, calls of what is known and of what
/// is not.
fn rarer_expression(number: u64, left: &str, right: &str, name: &str, key: &str) -> String {
    match number {
        21 => format!("[({left}) for i in {name}]"),
        22 => "[i for i in [1, 2, 3] if i > 1]".to_owned(),
        23 => format!("{{k: v for k, v in {name}.items()}}"),
        24 => format!("{{k: {left} for k in {name}}}"),
        25 | 26 => format!("deepcopy({name})"),
        27 => format!("{{**{name}, 'x': {left}}}"),
        28 => format!("[*{name}, {left}]"),
        29 => format!("dict({name}, y={left})"),
        30 => format!("list({name})"),
        31 => "os.getenv('NOWHERE', 'default')".to_owned(),
        32 => "os.environ.get('HERE')".to_owned(),
        33 => "os.environ['HERE'] + '!'".to_owned(),
        34 => "_('translated')".to_owned(),
        35 => format!("'%s/%s' % ({left}, {right})"),
        36 => format!("'{{}}:{{}}'.format({left}, {right})"),
        37 => format!("{name}.get({key}, {left})"),
        38 => format!("({left}) == ({right})"),
        39 => format!("{left} in {name}"),
        40 => format!("({name} := {left})"),
        41 => format!("{name}[1:]"),
        42 => "'a,b'.split(',')".to_owned(),
        43 => format!("','.join(str(i) for i in {name})"),
        44 => format!("mystery({left})"),
        45 => format!("(lambda x: x)({left})"),
        46 => format!("(lambda: {name})"),
        47 => format!("{name}.copy()"),
        48 => format!("str({left})"),
        49 => format!("tuple({name})"),
        50 => format!("({left}, *{name})"),
        _ => format!("os.getenv('NOWHERE') or {left}"),
    }
}
