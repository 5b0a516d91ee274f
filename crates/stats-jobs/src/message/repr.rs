//! Values as Python shows them, for people who look at what is queued.

use serde_json::Value;

/// Longer texts end in `...`, in characters: Celery's own limit.
const LONGEST: usize = 1024;

/// What Python's `repr` makes of a value, cut where Celery cuts it.
#[must_use]
pub fn python_repr(value: &Value) -> String {
    let mut out = String::new();
    show(value, &mut out);
    cut(out)
}

/// The same of a tuple with these items.
pub(super) fn tuple_repr(items: &[Value]) -> String {
    let mut out = String::from("(");
    show_all(items, &mut out);
    if items.len() == 1 {
        out.push(',');
    }
    out.push(')');
    cut(out)
}

fn cut(text: String) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

fn show(value: &Value, out: &mut String) {
    if out.len() > 4 * LONGEST {
        return;
    }
    match value {
        Value::Null => out.push_str("None"),
        Value::Bool(true) => out.push_str("True"),
        Value::Bool(false) => out.push_str("False"),
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::String(text) => quote(text, out),
        Value::Array(items) => {
            out.push('[');
            show_all(items, out);
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            for (at, (key, value)) in members.iter().enumerate() {
                if at > 0 {
                    out.push_str(", ");
                }
                quote(key, out);
                out.push_str(": ");
                show(value, out);
            }
            out.push('}');
        }
    }
}

fn show_all(items: &[Value], out: &mut String) {
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push_str(", ");
        }
        show(item, out);
    }
}

fn quote(text: &str, out: &mut String) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            character if character == quote => {
                out.push('\\');
                out.push(quote);
            }
            character if character.is_control() => {
                out.push_str(&format!("\\x{:02x}", u32::from(character)));
            }
            character => out.push(character),
        }
    }
    out.push(quote);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_look_as_python_shows_them() {
        let value = json!({"a": [null, true, false, 1, 2.5], "it's": "\"x\"\n\u{7}", "b": "'"});
        let shown = r#"{'a': [None, True, False, 1, 2.5], "it's": '"x"\n\x07', 'b': "'"}"#;
        assert_eq!(python_repr(&value), shown);
        assert_eq!(tuple_repr(&[]), "()");
        assert_eq!(tuple_repr(&[json!("all")]), "('all',)");
        assert_eq!(tuple_repr(&[json!(1), json!([])]), "(1, [])");
    }

    #[test]
    fn long_values_are_cut() {
        let shown = python_repr(&json!(vec!["ä".repeat(50); 1_000]));
        assert_eq!(shown.chars().count(), LONGEST + 3);
        assert!(shown.ends_with("..."));
    }
}
