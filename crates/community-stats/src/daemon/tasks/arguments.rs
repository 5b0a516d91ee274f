//! Arguments of tasks, as Python binds them.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use stats_jobs::{Failure, TaskMessage};
use stats_model::{Category, GLOBAL};
use stats_service::{Communities, CommunityName, Years};

/// The arguments of a task by the names of its parameters; those that were not given are null.
pub(super) fn bound(task: &TaskMessage, names: &[&str]) -> Result<Map<String, Value>, Failure> {
    let function = task.task.rsplit('.').next().unwrap_or_default();
    let wrong = |what: String| Failure::new("TypeError", format!("{function}() {what}"));
    if task.arguments.len() > names.len() {
        let (most, given) = (names.len(), task.arguments.len());
        return Err(wrong(format!("takes {most} positional arguments but {given} were given")));
    }
    let mut bound: Map<String, Value> =
        names.iter().map(|name| ((*name).to_owned(), Value::Null)).collect();
    for (name, value) in names.iter().zip(&task.arguments) {
        bound.insert((*name).to_owned(), value.clone());
    }
    for (name, value) in &task.keywords {
        let Some(place) = names.iter().position(|known| known == name) else {
            return Err(wrong(format!("got an unexpected keyword argument '{name}'")));
        };
        if place < task.arguments.len() {
            return Err(wrong(format!("got multiple values for argument '{name}'")));
        }
        bound.insert(name.clone(), value.clone());
    }
    Ok(bound)
}

/// A value that means nothing here.
fn unusable(name: &str, value: &Value) -> Failure {
    let shown: String = value.to_string().chars().take(80).collect();
    Failure::new("ValueError", format!("{name} cannot be {shown}"))
}

/// Whether a flag is set; null counts as `otherwise`.
pub(super) fn flag(name: &str, value: &Value, otherwise: bool) -> Result<bool, Failure> {
    match value {
        Value::Null => Ok(otherwise),
        Value::Bool(flag) => Ok(*flag),
        other => Err(unusable(name, other)),
    }
}

/// The communities of a run (section 8.1): null means `global`, the text `all` all of them.
pub(super) fn communities(value: &Value) -> Result<Communities, Failure> {
    let name = |value: &Value| match value {
        Value::String(name) => Ok(CommunityName::Any(name.clone())),
        other => Err(unusable("community_ids", other)),
    };
    match value {
        Value::Null => Ok(Communities::Named(vec![CommunityName::Any(GLOBAL.to_owned())])),
        Value::String(all) if all == "all" => Ok(Communities::All),
        Value::Array(names) => {
            names.iter().map(name).collect::<Result<_, _>>().map(Communities::Named)
        }
        one => name(one).map(|name| Communities::Named(vec![name])),
    }
}

/// The years of a run (section 8.1): null or `auto` means the lifespan.
pub(super) fn years(value: &Value) -> Result<Years, Failure> {
    match value {
        Value::Null => Ok(Years::Auto),
        Value::String(auto) if auto == "auto" => Ok(Years::Auto),
        Value::Array(years) => {
            let mut years: Vec<i16> = years.iter().map(year).collect::<Result<_, _>>()?;
            let mut seen = BTreeSet::new();
            years.retain(|year| seen.insert(*year));
            Ok(Years::Named(years))
        }
        one => year(one).map(|year| Years::Named(vec![year])),
    }
}

/// A year, as a number or as text.
pub(super) fn year(value: &Value) -> Result<i16, Failure> {
    let number = match value {
        Value::Number(number) => number.as_i64().and_then(|year| i16::try_from(year).ok()),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    number.ok_or_else(|| unusable("year", value))
}

/// A community: an id, a slug, or null for the whole repository.
pub(super) fn community(value: &Value) -> Result<String, Failure> {
    match value {
        Value::Null => Ok(GLOBAL.to_owned()),
        Value::String(name) => Ok(name.clone()),
        other => Err(unusable("community_id", other)),
    }
}

/// A category, by any of its names.
pub(super) fn category(value: &Value) -> Result<Category, Failure> {
    let named = value.as_str().and_then(|name| name.parse().ok());
    named.ok_or_else(|| unusable("category", value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn task(arguments: Value, keywords: Value) -> TaskMessage {
        let (Value::Array(arguments), Value::Object(keywords)) = (arguments, keywords) else {
            panic!("an array and an object")
        };
        TaskMessage { arguments, keywords, ..TaskMessage::new("id", "module.function") }
    }

    #[test]
    fn arguments_are_bound_as_python_binds_them() {
        let names = ["one", "two"];
        let bound_to = |arguments, keywords| bound(&task(arguments, keywords), &names);
        let both = json!({"one": 1, "two": 2}).as_object().cloned().unwrap();
        assert_eq!(bound_to(json!([1, 2]), json!({})).unwrap(), both);
        assert_eq!(bound_to(json!([1]), json!({"two": 2})).unwrap(), both);
        assert_eq!(bound_to(json!([]), json!({})).unwrap()["one"], Value::Null);
        let refused = |arguments, keywords| bound_to(arguments, keywords).unwrap_err().message;
        assert_eq!(
            refused(json!([1, 2, 3]), json!({})),
            "function() takes 2 positional arguments but 3 were given"
        );
        assert_eq!(
            refused(json!([]), json!({"three": 3})),
            "function() got an unexpected keyword argument 'three'"
        );
        assert_eq!(
            refused(json!([1]), json!({"one": 1})),
            "function() got multiple values for argument 'one'"
        );
    }

    #[test]
    fn communities_and_years_are_those_of_the_table() {
        let named = |names: &[&str]| {
            Communities::Named(
                names.iter().map(|it| CommunityName::Any((*it).to_owned())).collect(),
            )
        };
        assert_eq!(communities(&Value::Null).unwrap(), named(&["global"]));
        assert_eq!(communities(&json!("all")).unwrap(), Communities::All);
        assert_eq!(communities(&json!("a")).unwrap(), named(&["a"]));
        assert_eq!(communities(&json!(["a", "all"])).unwrap(), named(&["a", "all"]));
        assert!(communities(&json!(7)).is_err());
        assert_eq!(years(&Value::Null).unwrap(), Years::Auto);
        assert_eq!(years(&json!("auto")).unwrap(), Years::Auto);
        assert_eq!(years(&json!(2024)).unwrap(), Years::Named(vec![2024]));
        assert_eq!(years(&json!([2024, "2023"])).unwrap(), Years::Named(vec![2024, 2023]));
        assert!(years(&json!("soon")).is_err() && years(&json!([99999])).is_err());
    }
}
