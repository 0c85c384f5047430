use thirtyfour::{
    Key,
    common::{command::FormatRequestData, requestdata::RequestData, types::SessionId},
};

use crate::Browser;

/// More presses of Tab than a page of the tests has places for the focus.
const PLACES: usize = 60;

impl Browser {
    /// Presses a key while the element with the focus receives it. The names are `Enter`, `Escape` and `Tab`.
    pub async fn press_key(&self, name: &str) {
        let key = match name {
            "Enter" => Key::Enter,
            "Escape" => Key::Escape,
            "Tab" => Key::Tab,
            other => panic!("unknown key: {other}"),
        };
        self.session().action_chain().send_keys(char::from(key)).perform().await.unwrap();
    }

    /// Types a text into the element with the focus.
    pub async fn type_text(&self, text: &str) {
        self.session().action_chain().send_keys(text).perform().await.unwrap();
    }

    /// Presses Tab until the element with this accessible name has the focus. Does nothing if it has the focus already.
    pub async fn tab_to(&self, name: &str) {
        let mut passed = Vec::new();
        for _ in 0..PLACES {
            let focused = self.focused().await.map(|element| element.name).unwrap_or_default();
            if focused == name {
                return;
            }
            passed.push(focused);
            self.press_key("Tab").await;
        }
        panic!("Tab does not reach {name:?}; it passed {passed:?}");
    }

    /// Returns a snapshot of all objects that the scripts of the page can reach, after a garbage collection.
    pub async fn memory(&self) -> String {
        let snapshot = self.session().cmd(HeapSnapshot).await.unwrap();
        snapshot.value_json().unwrap().to_string()
    }
}

/// Chromedriver's command for a snapshot of the heap.
#[derive(Debug)]
struct HeapSnapshot;

impl FormatRequestData for HeapSnapshot {
    fn format_request(&self, session: &SessionId) -> RequestData {
        RequestData::new(http::Method::GET, format!("/session/{session}/chromium/heap_snapshot"))
    }
}
