use apikeys_core::{
    ApiKeys,
    http::{Headers, Sources, credential},
};

/// Returns whether `Authorization` or `X-API-Key` contains a text in the format of the engine's API keys. The
/// key may be invalid.
///
/// API keys cannot manage API keys. A request with both a key and a login is refused too, so that clients do not
/// come to rely on sending a key.
pub(crate) fn carries_api_key(keys: &ApiKeys, headers: &(impl Headers + ?Sized)) -> bool {
    let sources = Sources::bearer().basic_user_name();
    let looks =
        |bytes: &[u8]| bytes.split(|byte| b" \t,".contains(byte)).any(|word| keys.looks_like_secret(word));
    let authorized = |part: &[u8]| {
        let line: &[(&str, &[u8])] = &[("authorization", part)];
        matches!(credential(&sources, line), Ok(Some(presented)) if looks(presented.as_bytes()))
    };
    headers.values("authorization").any(|line| line.split(|byte| *byte == b',').any(authorized))
        || headers.values("x-api-key").any(looks)
}

#[cfg(test)]
mod tests {
    use apikeys_core::{Actor, NewKey, OrgId, PlanName};

    use super::*;

    #[test]
    fn carries_api_key_finds_keys_in_authorization_and_x_api_key() {
        let keys = ApiKeys::in_memory();
        let (org, actor) = (OrgId::new("o").unwrap(), Actor::new("a").unwrap());
        let created = pollster::block_on(async {
            let plan = PlanName::new("starter").unwrap();
            keys.operator(&actor).set_plan(&org, &plan).await.unwrap();
            keys.manage(&org, &actor).create(NewKey::new("n").unwrap()).await.unwrap()
        });
        let secret = created.secret.expose();
        let basic = data_encoding::BASE64.encode(format!("{secret}:").as_bytes());
        // A key with a wrong checksum still has the format of a key.
        let wrong =
            format!("{}{}", &secret[..secret.len() - 1], if secret.ends_with('0') { '1' } else { '0' });
        for (name, value, wanted) in [
            ("authorization", format!("Bearer {secret}"), true),
            ("authorization", format!("bEARER   {secret}"), true),
            ("authorization", format!("Bearer {wrong}"), true),
            ("authorization", format!("Bearer other, Bearer {secret}"), true),
            ("authorization", format!("Basic {basic}"), true),
            ("x-api-key", secret.to_owned(), true),
            ("authorization", "Bearer eyJhbGciOiJIUzI1NiJ9.e30.x".to_owned(), false),
            ("authorization", "Basic YWRtaW46cGFzcw==".to_owned(), false),
            ("authorization", "Bearer".to_owned(), false),
            ("x-api-key", "other".to_owned(), false),
        ] {
            let headers: &[(&str, &[u8])] = &[(name, value.as_bytes())];
            assert_eq!(carries_api_key(&keys, headers), wanted, "{name}");
        }
    }
}
