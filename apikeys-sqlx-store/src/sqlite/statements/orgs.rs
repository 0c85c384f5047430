//! Statements on organizations.

/// The numbers of organizations. ?1 is the concatenation of the ids, and ?2 is a JSON array with the position
/// and length of each id. The ids are not in the JSON array, because the encoding of the database may not be
/// UTF-8. The result is one row, because each row is sent between two threads.
pub(super) const NUMBERS: &str = "
    SELECT json_group_array(json_array(j.key, o.num)) FROM json_each(?2) j
    CROSS JOIN apikeys_orgs o ON o.id = substr(?1, j.value ->> 0, j.value ->> 1)";

pub(super) const LOCK: &str = "SELECT num, plan, key_count FROM apikeys_orgs WHERE id = ?1";

pub(super) const ADD: &str = "INSERT INTO apikeys_orgs (id, plan, key_count) VALUES (?1, NULL, 0)";
