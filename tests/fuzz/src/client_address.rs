use std::{
    cell::RefCell,
    net::{IpAddr, SocketAddr},
};

use apikeys_core::{
    Actor, ApiKeys, NewKey, OrgId, PlanName, Secret,
    audit::Action,
    http::{Authenticator, Check},
    store::AuditQuery,
};

use crate::header_lines;

/// Checks the client address in the audit log. The first byte is the number of trusted proxies, and the rest is header
/// lines.
///
/// A request with a valid key must be recorded with the address that a simple second implementation finds.
pub fn client_address(data: &[u8]) {
    let [hops, rest @ ..] = data else { return };
    let hops = usize::from(*hops) % 8;
    let peer: IpAddr = "9.9.9.9".parse().unwrap();
    let forwarded: Vec<(&str, &[u8])> =
        header_lines(rest).into_iter().filter(|(name, _)| *name != "authorization").collect();
    let recorded = SERVICE.with_borrow_mut(|service| {
        if service.requests == Service::REQUESTS {
            *service = Service::new();
        }
        service.record(peer, hops, &forwarded)
    });
    assert_eq!(recorded, expected(peer, hops, &forwarded));
}

fn expected(peer: IpAddr, hops: usize, lines: &[(&str, &[u8])]) -> Option<IpAddr> {
    let mut entries: Vec<&[u8]> = Vec::new();
    for (name, value) in lines {
        if *name == "x-forwarded-for" {
            entries.extend(value.split(|byte| *byte == b','));
        }
    }
    if hops == 0 || entries.len() < hops {
        return Some(peer);
    }
    let text = std::str::from_utf8(entries[entries.len() - hops]).ok()?.trim_matches([' ', '\t']);
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    let in_brackets = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let address: Option<IpAddr> = text.parse().ok().or_else(with_port).or_else(in_brackets);
    address.map(|address| address.to_canonical())
}

thread_local! {
    static SERVICE: RefCell<Service> = RefCell::new(Service::new());
}

/// An engine with one key.
struct Service {
    keys: ApiKeys,
    org: OrgId,
    secret: Secret,
    requests: u32,
}

impl Service {
    /// The number of requests that the default rate limit admits.
    const REQUESTS: u32 = 60;

    fn new() -> Self {
        pollster::block_on(async {
            let keys = ApiKeys::in_memory();
            let (org, ann) = (OrgId::new("org").unwrap(), Actor::new("ann").unwrap());
            keys.operator(&ann).set_plan(&org, PlanName::new("starter").unwrap()).await.unwrap();
            let created = keys.manage(&org, &ann).create(NewKey::new("CI").unwrap()).await.unwrap();
            Self { keys, org, secret: created.secret, requests: 0 }
        })
    }

    fn record(&mut self, peer: IpAddr, hops: usize, lines: &[(&str, &[u8])]) -> Option<IpAddr> {
        self.requests += 1;
        let bearer = format!("Bearer {}", self.secret.expose());
        let mut headers = lines.to_vec();
        headers.push(("authorization", bearer.as_bytes()));
        let authenticator = Authenticator::new(self.keys.clone()).trusted_hops(hops);
        let check = authenticator.check("GET", "/", headers.as_slice(), Some(peer));
        let Check::Verify { verification, .. } = check else { panic!("{check:?}") };
        pollster::block_on(async {
            verification.await.unwrap().finish(200).await.unwrap();
            let query = AuditQuery::new(self.org.clone(), 1).action(Action::Request);
            let manage = self.keys.manage(&self.org, Actor::new("ann").unwrap());
            let page = manage.audit(query).await.unwrap();
            page.items[0].event.request().unwrap().meta.client_ip()
        })
    }
}
