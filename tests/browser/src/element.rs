use serde_json::{Value, json};
use thirtyfour::{TypingData, WebElement};

use crate::{Browser, wait};

/// An element of the page, as the accessibility tree shows it.
#[derive(Debug, Clone)]
pub struct Element<'b> {
    /// The accessible name when the element was found.
    pub name: String,
    pub(crate) browser: &'b Browser,
    node: i64,
}

impl Browser {
    /// Waits until the page has exactly one element with this role and accessible name, and returns it.
    ///
    /// Roles are those of Chromium's accessibility tree, such as `button` and `textbox`. The tree contains what shadow
    /// roots show, and no hidden elements.
    pub async fn find(&self, role: &str, name: &str) -> Element<'_> {
        self.find_where(role, &format!("{name:?}"), |other| other == name).await
    }

    /// Waits until the page has exactly one element with this role that shows `text`, and returns the element.
    pub async fn find_with_text(&self, role: &str, text: &str) -> Element<'_> {
        let one = async || {
            let mut found = Vec::new();
            for element in self.all(role).await {
                if element.try_script("return this.innerText").await?.as_str()?.contains(text) {
                    found.push(element);
                }
            }
            if found.len() == 1 { found.pop() } else { None }
        };
        wait::until(one, async || format!("the page does not have exactly one {role} that shows {text:?}"))
            .await
    }

    /// Waits until exactly one element matches a CSS selector, in the document or in an open shadow root, and returns
    /// the element.
    pub async fn select(&self, selector: &str) -> Element<'_> {
        let deep = format!(
            "(() => {{
                const inside = (root) => [...root.querySelectorAll({selector:?}),
                    ...[...root.querySelectorAll('*')].filter((e) => e.shadowRoot).flatMap((e) => inside(e.shadowRoot))];
                const found = inside(document);
                return found.length === 1 ? found[0] : null;
            }})()"
        );
        let one = async || {
            let found = self.devtools("Runtime.evaluate", json!({ "expression": deep })).await;
            let object = found["result"]["objectId"].as_str()?;
            let node = self
                .session()
                .cdp()
                .send_raw("DOM.describeNode", json!({ "objectId": object }))
                .await
                .ok()?;
            Some(Element {
                name: selector.to_owned(),
                browser: self,
                node: node["node"]["backendNodeId"].as_i64()?,
            })
        };
        wait::until(one, async || format!("not exactly one element matches {selector}")).await
    }

    /// Waits until the page has no element with this role and accessible name.
    pub async fn gone(&self, role: &str, name: &str) {
        let gone = async || self.all(role).await.iter().all(|found| found.name != name).then_some(());
        wait::until(gone, async || format!("the {role} {name:?} stays")).await;
    }

    /// Returns all elements with this role, in the order of the page.
    pub async fn all(&self, role: &str) -> Vec<Element<'_>> {
        let document = self.devtools("Runtime.evaluate", json!({ "expression": "document" })).await;
        self.below(document["result"]["objectId"].clone(), role).await
    }

    /// Returns the element that has the focus, or `None` if no element has.
    pub async fn focused(&self) -> Option<Element<'_>> {
        let deepest = "(() => {
            let element = document.activeElement;
            while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
            return element === document.body ? null : element;
        })()";
        let found = self.devtools("Runtime.evaluate", json!({ "expression": deepest })).await;
        let object = found["result"]["objectId"].as_str()?;
        let tree = self.devtools(
            "Accessibility.getPartialAXTree",
            json!({ "objectId": object, "fetchRelatives": false }),
        );
        let tree = tree.await;
        let node = &tree["nodes"][0];
        Some(Element {
            name: node["name"]["value"].as_str().unwrap_or_default().to_owned(),
            browser: self,
            node: node["backendDOMNodeId"].as_i64()?,
        })
    }

    async fn find_where(&self, role: &str, wanted: &str, is_it: impl Fn(&str) -> bool) -> Element<'_> {
        let one = async || {
            let mut found = self.all(role).await;
            found.retain(|element| is_it(&element.name));
            if found.len() == 1 { found.pop() } else { None }
        };
        let otherwise = async || {
            let names: Vec<_> = self.all(role).await.into_iter().map(|element| element.name).collect();
            format!("the page does not have exactly one {role} with {wanted}; it has {names:?}")
        };
        wait::until(one, otherwise).await
    }

    async fn below(&self, object: Value, role: &str) -> Vec<Element<'_>> {
        // The page may replace what is searched, and then the next search is the right one.
        let query = json!({ "objectId": object, "role": role });
        let Ok(found) = self.session().cdp().send_raw("Accessibility.queryAXTree", query).await else {
            return Vec::new();
        };
        let shown = found["nodes"].as_array().unwrap().iter().filter(|node| node["ignored"] == false);
        shown
            .map(|node| Element {
                name: node["name"]["value"].as_str().unwrap_or_default().to_owned(),
                browser: self,
                node: node["backendDOMNodeId"].as_i64().unwrap_or_default(),
            })
            .collect()
    }
}

impl Element<'_> {
    /// Clicks the middle of the element, as a pointer does. Panics if another element covers it.
    pub async fn click(&self) {
        self.handle().await.click().await.unwrap();
    }

    /// Replaces the text of a field by typing.
    pub async fn fill(&self, text: &str) {
        let field = self.handle().await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Types keys while the element has the focus.
    pub async fn keys(&self, keys: impl Into<TypingData>) {
        self.handle().await.send_keys(keys).await.unwrap();
    }

    /// Returns the result of a function in the page. Its body reads the element as `this`, and a promise is awaited.
    pub async fn script(&self, body: &str) -> Value {
        self.try_script(body).await.unwrap_or_else(|| panic!("the script fails on {:?}: {body}", self.name))
    }

    /// Returns the result of a function, or `None` if the function throws or the page no longer has the element.
    async fn try_script(&self, body: &str) -> Option<Value> {
        let cdp = self.browser.session().cdp();
        let node = json!({ "backendNodeId": self.node });
        let resolved = cdp.send_raw("DOM.resolveNode", node).await.ok()?;
        let call = json!({
            "objectId": resolved["object"]["objectId"],
            "functionDeclaration": format!("function() {{ {body} }}"),
            "returnByValue": true,
            "awaitPromise": true,
        });
        let returned = cdp.send_raw("Runtime.callFunctionOn", call).await.ok()?;
        returned["exceptionDetails"].is_null().then(|| returned["result"]["value"].clone())
    }

    /// Returns the value of a field.
    pub async fn value(&self) -> String {
        self.script("return this.value").await.as_str().unwrap().to_owned()
    }

    /// Returns the text that the element shows, which is empty for a hidden element.
    pub async fn text(&self) -> String {
        self.script("return this.checkVisibility() ? this.innerText : ''").await.as_str().unwrap().to_owned()
    }

    /// Returns the value of an attribute, or `None` if the element does not have it.
    pub async fn attribute(&self, name: &str) -> Option<String> {
        self.script(&format!("return this.getAttribute({name:?})")).await.as_str().map(str::to_owned)
    }

    /// Returns the accessible description, which is empty if the element has none.
    pub async fn description(&self) -> String {
        let query = json!({ "objectId": self.object().await, "fetchRelatives": false });
        let tree = self.browser.devtools("Accessibility.getPartialAXTree", query).await;
        tree["nodes"][0]["description"]["value"].as_str().unwrap_or_default().to_owned()
    }

    /// Returns whether the element has the focus.
    pub async fn has_focus(&self) -> bool {
        self.browser.focused().await.is_some_and(|focused| focused.node == self.node)
    }

    /// Returns all elements inside this one that have a role.
    pub async fn all(&self, role: &str) -> Vec<Self> {
        self.browser.below(self.object().await, role).await
    }

    /// Waits until this element contains exactly one element with a role and an accessible name, and returns that one.
    pub async fn find(&self, role: &str, name: &str) -> Self {
        let one = async || {
            let mut found = self.all(role).await;
            found.retain(|element| element.name == name);
            if found.len() == 1 { found.pop() } else { None }
        };
        let otherwise = async || {
            let names: Vec<_> = self.all(role).await.into_iter().map(|element| element.name).collect();
            format!("{:?} does not contain exactly one {role} {name:?}; it contains {names:?}", self.name)
        };
        wait::until(one, otherwise).await
    }

    /// Returns the element of the WebDriver client.
    pub async fn handle(&self) -> WebElement {
        // The two protocols name elements differently. The window passes the element from one to the other.
        self.script("globalThis.passed = this").await;
        let pass = "const element = globalThis.passed; delete globalThis.passed; return element";
        self.browser.session().execute(pass, Vec::new()).await.unwrap().element().unwrap()
    }

    async fn object(&self) -> Value {
        let resolved = self.browser.devtools("DOM.resolveNode", json!({ "backendNodeId": self.node })).await;
        resolved["object"]["objectId"].clone()
    }
}
