//! The default file and the declared settings are one thing in two places.

use super::{DEFAULT_FILE, SECTIONS, Scene};

/// What stands before a value that is no default.
const EXAMPLE: &str = "# Unset by default; an example:";

/// Every setting line of the default file: section, key, value, whether it is an example.
fn setting_lines() -> Vec<(String, String, bool)> {
    let mut section = "";
    let mut previous = "";
    let mut lines = Vec::new();
    for line in DEFAULT_FILE.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = name;
        }
        if let Some(setting) =
            line.strip_prefix('#').filter(|rest| rest.starts_with(char::is_alphabetic))
        {
            let (key, value) = setting.split_once(" = ").unwrap();
            lines.push((format!("{section}.{key}"), value.to_owned(), previous == EXAMPLE));
        }
        previous = line;
    }
    lines
}

#[test]
fn it_names_every_setting_in_order_with_its_default() {
    let listed: Vec<(String, String)> = setting_lines()
        .into_iter()
        .map(|(key, value, example)| (key, if example { String::new() } else { value }))
        .collect();
    let declared: Vec<(String, String)> = SECTIONS
        .iter()
        .flat_map(|section| section.settings)
        .map(|setting| (setting.key.to_owned(), (setting.default)()))
        .collect();
    assert_eq!(listed, declared);
}

#[test]
fn it_is_accepted_as_it_is_and_changes_nothing() {
    let shipped = Scene::new().settings_file(DEFAULT_FILE).load();
    let lines = shipped.explain();
    let bare = Scene::new().load().explain();
    for (line, bare) in lines.iter().zip(&bare).filter(|(line, _)| line.key != "data.dir") {
        assert_eq!(line, bare);
    }
}

#[test]
fn each_line_is_accepted_without_its_mark() {
    for (key, value, _) in setting_lines() {
        let (section, name) = key.split_once('.').unwrap();
        let company = match name {
            "username" => "password = \"x\"\n",
            "password" => "username = \"x\"\n",
            _ => "",
        };
        let text = format!("[{section}]\n{name} = {value}\n{company}");
        let settings = Scene::new().settings_file(&text).load();
        assert!(settings.origin(&key).to_string().ends_with("settings.toml:2"), "{key}");
    }
}

#[test]
fn variables_are_unambiguous() {
    let settings = || SECTIONS.iter().flat_map(|section| section.settings);
    let mut variables: Vec<String> = settings().map(|setting| setting.variable()).collect();
    let with_file: Vec<String> =
        variables.iter().map(|variable| format!("{variable}_FILE")).collect();
    variables.extend(with_file);
    let count = variables.len();
    variables.sort();
    variables.dedup();
    assert_eq!(variables.len(), count);
}
