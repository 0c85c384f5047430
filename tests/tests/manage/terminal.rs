use std::time::Duration;

use apikeys_tests::{Artifacts, Quickstart, Request, command};
use tokio::time::timeout;

pub(crate) const TOKEN: &str = "open-sesame";

/// A quickstart, and the program `manage` as an administrator runs it. The output of the program is kept for the search
/// for leaked secrets, without the secrets of new keys.
pub(crate) struct Terminal {
    artifacts: Artifacts,
    pub(crate) service: Quickstart,
    pub(crate) database: String,
}

/// The result of a run of the program.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// A new key and its printed secret.
pub(crate) struct Created {
    pub(crate) id: String,
    pub(crate) at: String,
    pub(crate) secret: String,
}

impl Terminal {
    pub(crate) async fn start(test: &str) -> Self {
        let artifacts = Artifacts::new(test);
        let database = artifacts.sqlite_url("keys");
        let environment = [("DATABASE_URL", &*database), ("RUST_LOG", "trace"), ("ADMIN_TOKEN", TOKEN)];
        let service = Quickstart::start_with(&artifacts, "axum", "quickstart", &environment).await;
        Self { artifacts, service, database }
    }

    async fn run(&self, org: &str, arguments: &[&str]) -> Ran {
        let url = format!("http://{}", self.service.address);
        let environment = [("APIKEYS_URL", &*url), ("ADMIN_TOKEN", TOKEN), ("APIKEYS_ORG", org)];
        run(&environment, arguments).await
    }

    /// Runs the program, which must succeed, and returns what it prints.
    pub(crate) async fn ok(&self, org: &str, arguments: &[&str]) -> String {
        let ran = self.run(org, arguments).await;
        self.leave(&ran);
        assert_eq!((ran.code, &*ran.err), (0, ""), "{arguments:?}");
        ran.out
    }

    /// Runs the program, which must fail without output on stdout, and returns its error.
    pub(crate) async fn fails(&self, org: &str, arguments: &[&str]) -> String {
        let ran = self.run(org, arguments).await;
        self.leave(&ran);
        assert_eq!((ran.code, &*ran.out), (1, ""), "{arguments:?}");
        ran.err
    }

    /// Creates a key. The secret is removed from the kept output.
    pub(crate) async fn create(&self, org: &str, arguments: &[&str]) -> Created {
        let Ran { code, out, err } = self.run(org, &[&["create"], arguments].concat()).await;
        assert_eq!((code, &*err), (0, ""), "{arguments:?}");
        let secret = out.lines().rev().nth(2).unwrap().to_owned();
        let prefix = member(&out, "prefix");
        assert!(secret.starts_with(&prefix) && secret.len() > prefix.len() + 20);
        self.artifacts.note_secret(&prefix, &secret);
        let rest = out.replacen(&secret, "", 1);
        assert!(!rest.contains(&secret), "it is printed twice");
        self.artifacts.leave("printed.txt", &rest);
        assert!(rest.ends_with("\n\n\n\nThis is the secret. It is not shown again.\n"), "{rest}");
        let at = member(&out, "created").strip_suffix(" by demo").unwrap().to_owned();
        Created { id: member(&out, "id"), at, secret }
    }

    pub(crate) fn leave(&self, ran: &Ran) {
        self.artifacts.leave("printed.txt", &format!("{}{}", ran.out, ran.err));
    }

    /// The status and the code of a request with a secret.
    pub(crate) async fn whoami(&self, secret: &str) -> (u16, serde_json::Value) {
        let response = self.service.send(&Request::get("/v1/whoami").bearer(secret)).await;
        (response.status, response.json()["code"].take())
    }

    /// Runs the program until its output meets a condition, because the audit log lags a little.
    pub(crate) async fn recorded(&self, arguments: &[&str], shows: impl Fn(&str) -> bool) -> String {
        for _ in 0..500 {
            let out = self.ok("org_demo", arguments).await;
            if shows(&out) {
                return out;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("it never shows on {arguments:?}");
    }
}

/// Runs the program and checks that its output does not contain the token.
pub(crate) async fn run(environment: &[(&str, &str)], arguments: &[&str]) -> Ran {
    let running = command("manage", environment).args(arguments).output();
    let output = timeout(Duration::from_secs(60), running).await.unwrap().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let ran = Ran { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) };
    assert!(!ran.out.contains(TOKEN) && !ran.err.contains(TOKEN), "{arguments:?} prints the token");
    ran
}

/// Returns the value of a member in the output.
pub(crate) fn member(out: &str, name: &str) -> String {
    let line = out.lines().find(|line| line.starts_with(&format!("{name:<10}  ")));
    line.unwrap_or_else(|| panic!("no {name}"))["rate limit  ".len()..].to_owned()
}

/// Returns the cells of a table. A column begins where its header begins.
pub(crate) fn cells(out: &str) -> Vec<Vec<String>> {
    let mut lines = out.lines().take_while(|line| !line.is_empty());
    let header = lines.next().unwrap();
    let begins = |at: &usize| *at == 0 || (&header[at - 2..*at] == "  " && &header[*at..=*at] != " ");
    let columns: Vec<usize> = (0..header.len()).filter(|at| *at != 1).filter(begins).collect();
    let row = |line: &str| {
        let ends = columns.iter().skip(1).copied().chain([usize::MAX]);
        let cut = columns.iter().zip(ends).map(|(begin, end)| {
            let cell: String = line.chars().skip(*begin).take(end - begin).collect();
            assert!(end == usize::MAX || cell.len() < end - begin || cell.ends_with("  "), "{line}");
            cell.trim_end().to_owned()
        });
        cut.collect()
    };
    lines.map(row).collect()
}
