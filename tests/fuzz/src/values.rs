use apikeys_core::{Actor, KeyId, KeyName, OrgId, PlanName, Timestamp, audit::TraceId};

/// The values that are read from text.
///
/// What is read and written again is read as the same value.
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
