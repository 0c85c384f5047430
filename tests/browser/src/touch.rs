use std::time::Duration;

use serde_json::{Value, json};

use crate::{Browser, Element};

/// Returns the middle of an element, which is scrolled into the window.
const MIDDLE: &str = "this.scrollIntoView({ block: 'center', behavior: 'instant' });
    const { left, top, width, height } = this.getBoundingClientRect();
    return [left + width / 2, top + height / 2]";

/// The number of steps in which a finger moves from one element to another.
const STEPS: u32 = 10;

/// The time that the finger rests before it is lifted.
const REST: Duration = Duration::from_millis(300);

impl Element<'_> {
    /// Taps the middle of the element, as a finger does.
    pub async fn tap(&self) {
        let at = self.middle().await;
        touch(self.browser, "touchStart", Some(at)).await;
        touch(self.browser, "touchEnd", None).await;
    }

    /// Touches the middle of the element and moves the finger to the middle of `other`, where the finger is lifted.
    pub async fn drag_to(&self, other: &Element<'_>) {
        let (to, from) = (other.middle().await, self.middle().await);
        touch(self.browser, "touchStart", Some(from)).await;
        for step in 1..=STEPS {
            let part = f64::from(step) / f64::from(STEPS);
            let between = |from: f64, to: f64| (to - from).mul_add(part, from);
            touch(self.browser, "touchMove", Some((between(from.0, to.0), between(from.1, to.1)))).await;
        }
        // A finger that is lifted while it moves would fling the page, and the next tap would only stop the page.
        tokio::time::sleep(REST).await;
        touch(self.browser, "touchEnd", None).await;
    }

    async fn middle(&self) -> (f64, f64) {
        let at: Value = self.script(MIDDLE).await;
        (at[0].as_f64().unwrap(), at[1].as_f64().unwrap())
    }
}

/// Sends a touch event with one finger at a place of the window, or without a finger.
async fn touch(browser: &Browser, kind: &str, at: Option<(f64, f64)>) {
    let fingers: Vec<_> = at.iter().map(|(x, y)| json!({ "x": x, "y": y })).collect();
    browser.devtools("Input.dispatchTouchEvent", json!({ "type": kind, "touchPoints": fingers })).await;
}
