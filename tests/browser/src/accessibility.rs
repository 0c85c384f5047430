use std::{fs, path::PathBuf};

use apikeys_test_leftovers::target;
use serde_json::Value;

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
