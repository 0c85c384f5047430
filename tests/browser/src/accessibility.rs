use std::{collections::HashMap, fs, path::PathBuf};

use apikeys_test_leftovers::target;
use serde_json::{Value, json};

use crate::Browser;

/// Runs axe-core. The size of targets is a rule of WCAG 2.2 that axe-core leaves out by default. Nothing is fetched.
const RUN: &str = "return (async () => {
    const options = { resultTypes: ['violations'], preload: false, rules: { 'target-size': { enabled: true } } };
    return (await axe.run(document, options)).violations;
})()";

impl Browser {
    /// Panics if axe-core finds something of serious or critical impact in the page as it is shown now.
    pub async fn assert_accessible(&self) {
        let found = self.accessibility_violations().await;
        assert!(found.is_empty(), "axe-core has found:\n{}", found.join("\n"));
    }

    /// Returns what axe-core finds of serious or critical impact, as `IMPACT RULE: HELP` and the elements.
    pub async fn accessibility_violations(&self) -> Vec<String> {
        if self.script("return typeof axe", Vec::new()).await == "undefined" {
            let file = axe_core();
            let source = fs::read_to_string(&file).unwrap_or_else(|error| {
                panic!("cannot read {}: {error}; `cargo xtask browser` puts axe-core there", file.display())
            });
            self.script(&source, Vec::new()).await;
        }
        let violations = self.script(RUN, Vec::new()).await;
        violations.as_array().unwrap().iter().filter_map(serious).collect()
    }

    /// Returns what a screen reader reads, in its order: the role and the name of each element, with its states and its
    /// description. Texts and parts without a meaning of their own are left out.
    pub async fn outline(&self) -> Vec<String> {
        let tree = self.devtools("Accessibility.getFullAXTree", json!({})).await;
        let nodes: HashMap<_, _> = tree["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|node| (node["nodeId"].as_str().unwrap(), node))
            .collect();
        let mut lines = Vec::new();
        add(&mut lines, &nodes, &tree["nodes"][0]);
        lines
    }
}

fn add(lines: &mut Vec<String>, nodes: &HashMap<&str, &Value>, node: &Value) {
    if node["ignored"] == false {
        lines.extend(line(node));
    }
    for child in node["childIds"].as_array().into_iter().flatten() {
        // Chromium leaves out the boxes of the lines of a text.
        if let Some(child) = nodes.get(child.as_str().unwrap()) {
            add(lines, nodes, child);
        }
    }
}

/// Roles that have no meaning of their own.
const PLAIN: [&str; 6] = ["StaticText", "InlineTextBox", "LineBreak", "generic", "none", "paragraph"];

/// The states that a line has.
const STATES: [&str; 9] =
    ["checked", "disabled", "expanded", "invalid", "live", "modal", "pressed", "required", "selected"];

fn line(node: &Value) -> Option<String> {
    let role = node["role"]["value"].as_str().filter(|role| !PLAIN.contains(role))?;
    let mut line = role.to_owned();
    let name = node["name"]["value"].as_str().unwrap_or_default();
    if !name.is_empty() {
        line += &format!(" {name:?}");
    }
    for property in node["properties"].as_array().into_iter().flatten() {
        let (state, value) = (property["name"].as_str()?, &property["value"]["value"]);
        if STATES.contains(&state) && ![json!(false), json!("false")].contains(value) {
            line += &match value {
                Value::String(text) if text != "true" => format!(" {state}={text}"),
                _ => format!(" {state}"),
            };
        }
    }
    if let Some(text) = node["description"]["value"].as_str().filter(|text| !text.is_empty()) {
        line += &format!(" ({text})");
    }
    Some(line)
}

/// The file of axe-core in the target folder.
fn axe_core() -> PathBuf {
    target().join("browser/node_modules/axe-core/axe.min.js")
}

fn serious(violation: &Value) -> Option<String> {
    let impact = violation["impact"].as_str()?;
    let nodes = violation["nodes"].as_array()?.iter();
    let nodes: Vec<_> =
        nodes.map(|node| format!("\n  {}: {}", node["html"], node["failureSummary"])).collect();
    let found = || format!("{impact} {}: {}{}", violation["id"], violation["help"], nodes.concat());
    matches!(impact, "serious" | "critical").then(found)
}
