//! A gateway that writes every answer anew, with white space, in the order of names.

use serde_json::Value;

/// The same JSON as another program writes it: sorted, with spaces and escapes; but for documents.
pub(super) fn rewritten(body: Vec<u8>) -> Vec<u8> {
    fn write(value: &Value, text: &mut String) {
        match value {
            Value::Object(members) => {
                let members_are_none = members.is_empty();
                let mut members: Vec<_> = members.iter().collect();
                members.sort_by_key(|(name, _)| *name);
                for (number, (name, value)) in members.into_iter().enumerate() {
                    text.push_str(if number == 0 { "{ " } else { ", " });
                    write(&Value::from(name.as_str()), text);
                    text.push_str(": ");
                    match name.as_str() {
                        // Cases compare documents byte for byte.
                        "_source" => text.push_str(&value.to_string()),
                        _ => write(value, text),
                    }
                }
                text.push_str(if members_are_none { "{ }" } else { " }" });
            }
            Value::Array(items) => {
                text.push('[');
                for (number, item) in items.iter().enumerate() {
                    text.push_str(if number == 0 { "\n" } else { ",\n" });
                    write(item, text);
                }
                text.push(']');
            }
            Value::String(content) => {
                text.push('"');
                for unit in content.encode_utf16() {
                    match char::from_u32(u32::from(unit)).filter(|it| it.is_ascii_alphanumeric()) {
                        Some(plain) if plain != 'd' => text.push(plain),
                        _ => text.push_str(&format!("\\u{unit:04x}")),
                    }
                }
                text.push('"');
            }
            other => text.push_str(&other.to_string()),
        }
    }
    let Ok(value) = serde_json::from_slice::<Value>(&body) else { return body };
    let mut text = String::new();
    write(&value, &mut text);
    text.into_bytes()
}
