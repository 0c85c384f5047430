use apikeys_core::{Actor, KeyId, KeyName, OrgId, PlanName, Timestamp, audit::TraceId};

/// Checks the values that are parsed from text.
///
/// A parsed value that is written as text is parsed as the same value.
pub fn values(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    macro_rules! read_again {
        ($($kind:ty),*) => {$(
            if let Ok(value) = text.parse::<$kind>() {
                let written = value.to_string();
                assert_eq!(written.parse::<$kind>().ok(), Some(value), "{written:?}");
            }
        )*};
    }
    read_again!(Actor, KeyId, KeyName, OrgId, PlanName, Timestamp, TraceId);
}
