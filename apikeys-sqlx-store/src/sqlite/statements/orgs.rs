//! Statements on organizations.

pub(super) const ORG: &str =
    "SELECT num, plan, key_count FROM apikeys_orgs WHERE id = ?1 AND plan IS NOT NULL";

/// The numbers of organizations. ?1 is the concatenation of the ids, and ?2 is a JSON array with the position
/// and length of each id. The ids are not in the JSON array, because the encoding of the database may not be
/// UTF-8. The result is one row, because each row is sent between two threads.
pub(super) const NUMBERS: &str = "
    SELECT json_group_array(json_array(j.key, o.num)) FROM json_each(?2) j
    CROSS JOIN apikeys_orgs o ON o.id = substr(?1, j.value ->> 0, j.value ->> 1)";

pub(super) const LOCK: &str = "SELECT num, plan, key_count FROM apikeys_orgs WHERE id = ?1";

pub(super) const ADD: &str = "INSERT INTO apikeys_orgs (id, plan, key_count) VALUES (?1, NULL, 0)";

/// Also stores the organization on the plan ?2, if it is not stored.
pub(super) const ADD_KEY: &str =
    "UPDATE apikeys_orgs SET plan = coalesce(plan, ?2), key_count = key_count + 1 WHERE num = ?1";

pub(super) const REMOVE_KEY: &str = "UPDATE apikeys_orgs SET key_count = key_count - 1 WHERE num = ?1";

pub(super) const SET_PLAN: &str = "UPDATE apikeys_orgs SET plan = ?2 WHERE num = ?1";

pub(super) const DELETE: &str = "DELETE FROM apikeys_orgs WHERE num = ?1";

pub(super) const ADD_FORGOTTEN: &str = "INSERT INTO apikeys_forgotten (num, hour) VALUES (?1, ?2)";
