use std::{collections::BTreeMap, sync::Mutex};

use proptest::{prelude::*, sample::Index, test_runner::TestRunner};

use crate::support::{Ask, Bench, ann, ask, bob, path, problem};

const METHODS: &[&str] = &[
    "GET", "GET", "GET", "POST", "POST", "PATCH", "PATCH", "DELETE", "HEAD", "PUT", "OPTIONS", "get", "", "ß",
];

const PARAMETERS: &[&str] = &[
    "limit=1",
    "limit=100",
    "limit=0",
    "limit=x",
    "limit=%ff",
    "cursor=",
    "cursor=abc",
    "key_id=x",
    "action=request",
    "action=nothing",
    "since=2030-01-01T00:00:00Z",
    "until=2030-01-02T00:00:00%2B01:00",
    "since=9999-12-31T23:59:59Z",
    "until=0000-01-01T00:00:00Z",
    "step=day",
    "step=hour",
    "step=week",
    "x",
    "=",
    "&",
    "%",
    "\u{0}",
    "org=other",
];

const HEADERS: &[(&str, &[u8])] = &[
    ("content-type", b"application/json"),
    ("content-type", b"text/plain"),
    ("content-type", b"\xff"),
    ("content-encoding", b"gzip"),
    ("sec-fetch-site", b"same-origin"),
    ("sec-fetch-site", b"cross-site"),
    ("origin", b"https://a.example"),
    ("origin", b"null"),
    ("origin", b"\xff"),
    ("host", b"a.example"),
    ("host", b"[::1]:3000"),
    ("host", b"]:"),
    ("authorization", b"Bearer test_key_000000000000000000000000000000000000"),
    ("authorization", b"Basic !!!"),
    ("authorization", b"Bearer ,,"),
    ("x-api-key", b"\xff"),
];

const GOOD_MEMBERS: &[&str] =
    &[r#""name":"a""#, r#""expires_at":"2031-01-01T00:00:00Z""#, r#""rate_limit":60"#, r#""active":false"#];

const BAD_MEMBERS: &[&str] = &[
    r#""name":"""#,
    r#""name":null"#,
    r#""name":"\u0000""#,
    r#""name":"\ud800""#,
    r#""name":"é\ud83d\ude00""#,
    r#""expires_at":null"#,
    r#""expires_at":"2020-01-01T00:00:00Z""#,
    r#""expires_at":"9999-12-31T23:59:60Z""#,
    r#""expires_at":1"#,
    r#""rate_limit":null"#,
    r#""rate_limit":60.0"#,
    r#""rate_limit":1e999"#,
    r#""rate_limit":-1"#,
    r#""rate_limit":"60""#,
    r#""active":true"#,
    r#""active":null"#,
    r#""x~/":[{}]"#,
    r#""":{}"#,
    r#""a":[[[[]]]]"#,
];

/// The path of a request.
#[derive(Debug, Clone)]
enum Target {
    Fixed(&'static str),
    /// The path of a key, which belongs to either organization or is unknown, and the rest of the path.
    Key(Index, &'static str),
    /// Any text.
    Odd(String),
}

#[derive(Debug, Clone)]
enum Mutation {
    None,
    Replace(Index, u8),
    Insert(Index, u8),
    Cut(Index),
    Repeat(u8),
}

#[derive(Debug, Clone)]
struct Shape {
    method: &'static str,
    target: Target,
    query: Option<Vec<&'static str>>,
    headers: Vec<(&'static str, &'static [u8])>,
    typed: bool,
    body: Vec<&'static str>,
    mutation: Mutation,
    who: u8,
}

/// Mostly an existing endpoint, sometimes any method with any path.
fn endpoint() -> impl Strategy<Value = (&'static str, Target)> {
    let target = prop_oneof![
        2 => prop::sample::select(vec!["/api/keys", "/api/audit", "/api/openapi.json"]).prop_map(Target::Fixed),
        2 => (any::<Index>(), prop::sample::select(vec!["", "/usage", "/x"])).prop_map(|(id, rest)| Target::Key(id, rest)),
        1 => "/?[a-z/%.{}]{0,12}".prop_map(Target::Odd),
    ];
    let key = |rest: &'static str| any::<Index>().prop_map(move |id| Target::Key(id, rest));
    prop_oneof![
        3 => Just(("POST", Target::Fixed("/api/keys"))),
        2 => Just(("GET", Target::Fixed("/api/keys"))),
        2 => Just(("GET", Target::Fixed("/api/audit"))),
        3 => key("").prop_map(|target| ("PATCH", target)),
        1 => key("").prop_map(|target| ("GET", target)),
        1 => key("").prop_map(|target| ("DELETE", target)),
        1 => key("/usage").prop_map(|target| ("GET", target)),
        2 => (prop::sample::select(METHODS.to_vec()), target),
    ]
}

/// Mostly valid members, so that some bodies are accepted.
fn members() -> impl Strategy<Value = Vec<&'static str>> {
    let good = prop::sample::subsequence(GOOD_MEMBERS.to_vec(), 1..=GOOD_MEMBERS.len());
    prop_oneof![
        1 => Just(vec![GOOD_MEMBERS[0]]),
        2 => good,
        2 => prop::collection::vec(prop::sample::select([GOOD_MEMBERS, BAD_MEMBERS].concat()), 0..4),
    ]
}

fn mutation() -> impl Strategy<Value = Mutation> {
    prop_oneof![
        6 => Just(Mutation::None),
        2 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Mutation::Replace(at, byte)),
        1 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Mutation::Insert(at, byte)),
        1 => any::<Index>().prop_map(Mutation::Cut),
        1 => any::<u8>().prop_map(Mutation::Repeat),
    ]
}

fn shape() -> impl Strategy<Value = Shape> {
    let headers = prop_oneof![
        4 => Just(Vec::new()),
        1 => prop::collection::vec(prop::sample::select(HEADERS.to_vec()), 1..4),
    ];
    let query =
        prop::option::weighted(0.3, prop::collection::vec(prop::sample::select(PARAMETERS.to_vec()), 1..4));
    let typed = prop::bool::weighted(0.9);
    (endpoint(), query, headers, typed, members(), mutation(), 0_u8..20).prop_map(
        |((method, target), query, headers, typed, body, mutation, who)| Shape {
            method,
            target,
            query,
            headers,
            typed,
            body,
            mutation,
            who,
        },
    )
}

impl Shape {
    fn ask(&self, keys: &[String]) -> Ask {
        let path = match &self.target {
            Target::Fixed(path) => (*path).to_owned(),
            Target::Key(at, rest) => format!("{}{rest}", at.get(keys)),
            Target::Odd(path) => path.clone(),
        };
        let mut asked = ask(self.method, &path);
        asked.query = self.query.as_ref().map(|parameters| parameters.join("&"));
        for (name, value) in &self.headers {
            asked = asked.header(name, *value);
        }
        if self.typed {
            asked = asked.header("content-type", "application/json");
        }
        asked.body = self.mutation.apply(format!("{{{}}}", self.body.join(",")).into_bytes());
        asked.admin = match self.who {
            0 => None,
            1..=4 => Some(bob()),
            _ => Some(ann()),
        };
        asked
    }
}

impl Mutation {
    fn apply(&self, mut body: Vec<u8>) -> Vec<u8> {
        match self {
            Self::None => {}
            Self::Replace(at, byte) => {
                let at = at.index(body.len());
                body[at] = *byte;
            }
            Self::Insert(at, byte) => body.insert(at.index(body.len()), *byte),
            Self::Cut(at) => body.truncate(at.index(body.len())),
            Self::Repeat(byte) => body = vec![*byte; 17_000],
        }
        body
    }
}

/// `send` also checks each response against the OpenAPI document.
#[test]
fn random_requests_return_documented_responses_below_500() {
    let seen = Mutex::new(BTreeMap::new());
    let mut runner =
        TestRunner::new(ProptestConfig { source_file: Some(file!()), ..ProptestConfig::with_cases(1_000) });
    let run = runner.run(&prop::collection::vec(shape(), 100), |shapes| {
        pollster::block_on(async {
            let bench = Bench::new().await;
            let mut keys = vec!["/api/keys/aaaaaaaaaaaaaaaaaaaaaaaaaa".to_owned(), "/api/keys/x".to_owned()];
            for name in ["a", "b"] {
                keys.push(path(&bench.create(name).await));
            }
            for shape in shapes {
                let asked = shape.ask(&keys);
                let reply = bench.send(asked.clone()).await;
                prop_assert!(reply.status < 500, "{:?} {:?}", asked, reply);
                if reply.status == 201 {
                    keys.push(path(&reply.json()));
                }
                *seen.lock().unwrap().entry(reply.problem()).or_insert(0) += 1;
            }
            Ok(())
        })
    });
    run.unwrap_or_else(|failure| panic!("{failure}"));
    let seen = seen.into_inner().unwrap();
    assert_eq!(seen.values().sum::<u32>(), 100_000);
    for outcome in [
        (200, "none"),
        (201, "none"),
        (204, "none"),
        (400, "INVALID_CURSOR"),
        (400, "INVALID_QUERY"),
        (400, "MALFORMED_JSON"),
        (401, "ADMIN_REQUIRED"),
        (403, "CROSS_SITE_REQUEST"),
        (404, "KEY_NOT_FOUND"),
        (404, "NOT_FOUND"),
        (405, "METHOD_NOT_ALLOWED"),
        (413, "BODY_TOO_LARGE"),
        (415, "UNSUPPORTED_MEDIA_TYPE"),
        (422, "VALIDATION_FAILED"),
    ] {
        assert!(
            seen.get(&problem(outcome.0, outcome.1)).is_some_and(|times| *times > 100),
            "{outcome:?}: {seen:?}"
        );
    }
}
