//! The texts of the page in each language.

use std::collections::{BTreeMap, BTreeSet};

fn read(name: &str) -> String {
    std::fs::read_to_string(format!("{}/page/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// Returns the texts of a language by their keys. Each text is on a line of its own.
fn texts(language: &str) -> BTreeMap<String, String> {
    let source = read(&format!("texts-{language}.js"));
    let mut texts = BTreeMap::new();
    for line in source.lines().filter(|line| line.starts_with("  ")) {
        let (key, text) = line.trim().strip_prefix('\'').unwrap().split_once("': '").unwrap_or_else(|| {
            panic!("{line} is not a key and a text");
        });
        let text = text.strip_suffix("',").unwrap_or_else(|| panic!("{line} does not end with a comma"));
        assert!(!text.trim().is_empty() && !text.contains('\''), "{line}");
        assert_eq!(texts.insert(key.to_owned(), text.to_owned()), None, "{key} is repeated");
    }
    assert!(texts.len() > 100);
    texts
}

/// Returns the names in braces.
fn places(text: &str) -> BTreeSet<&str> {
    text.split('{').skip(1).map(|rest| rest.split_once('}').unwrap().0).collect()
}

#[test]
fn every_language_has_the_same_texts_with_the_same_places() {
    let (english, german) = (texts("en"), texts("de"));
    let keys = |texts: &BTreeMap<String, String>| texts.keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(keys(&english), keys(&german));
    for (key, text) in &english {
        assert_eq!(places(text), places(&german[key]), "{key}");
    }
}

/// Other texts that are the same in both languages have not been translated.
#[test]
fn texts_that_are_the_same_in_both_languages_belong_to_both() {
    let (english, german) = (texts("en"), texts("de"));
    let same = english.iter().filter(|(key, text)| german[*key] == **text);
    let same: BTreeSet<_> = same.map(|(_, text)| text.as_str()).collect();
    assert_eq!(same, BTreeSet::from(["Name", "Status", "{action} {key}"]));
}

#[test]
fn texts_with_a_number_have_both_forms() {
    let english = texts("en");
    for key in english.keys() {
        for (form, other) in [(".one", ".other"), (".other", ".one")] {
            if let Some(stem) = key.strip_suffix(form) {
                assert!(english.contains_key(&format!("{stem}{other}")), "{key}");
            }
        }
    }
}

/// Keys that are built from data end with a variable, so only their beginnings can be compared.
#[test]
fn every_text_is_used_and_every_used_text_exists() {
    let english = texts("en");
    let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/page")).unwrap();
    let names = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let sources: Vec<_> = names
        .filter(|name| name.ends_with(".js") && !name.starts_with("texts-"))
        .map(|name| read(&name))
        .collect();
    let all = sources.concat();
    for start in ["t('", "nodes('", "fact('"] {
        for (at, _) in all.match_indices(start) {
            // `t('` is also the end of other calls, such as `count('`.
            let is_call = !all[..at].ends_with(|character: char| character.is_alphanumeric());
            let key = all[at + start.len()..].split('\'').next().unwrap();
            if is_call {
                assert!(english.contains_key(key), "{start}{key}");
            }
        }
    }
    for rest in all.split("count('").skip(1) {
        let key = rest.split('\'').next().unwrap();
        assert!(english.contains_key(&format!("{key}.one")), "{key}");
    }
    let built = all.split("${").map(|part| part.rsplit('`').next().unwrap());
    let built: Vec<_> = built.filter(|start| start.ends_with('.') && !start.contains(['\n', ' '])).collect();
    for key in english.keys() {
        let stem = key.strip_suffix(".one").or(key.strip_suffix(".other")).unwrap_or(key);
        let used = all.contains(&format!("'{key}'")) || all.contains(&format!("'{stem}'"));
        assert!(used || built.iter().any(|start| key.starts_with(start)), "{key} is not used");
    }
}
