//! The files of the page.

use std::{collections::BTreeSet, io::Read};

use flate2::read::GzDecoder;

use crate::frameworks::{FRAMEWORKS, Framework, MOUNT, Site, files_of, resolved};

const GZIP: (&str, &str) = ("accept-encoding", "gzip, deflate, br, zstd");

/// The folder of the files of a version that differs from this one.
const OTHER_VERSION: &str = "/settings/developer/assets/00000000000000000000";

/// Returns the path of the folder of the files, with a slash at the end.
async fn folder(framework: Framework) -> String {
    let page = Site::new().get(framework, MOUNT).await;
    let file = resolved(MOUNT, &files_of(page.text())[0]);
    file[..=file.rfind('/').unwrap()].to_owned()
}

/// Returns the names of all files on disk.
fn on_disk() -> Vec<String> {
    let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/page")).unwrap();
    folder.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn read(name: &str) -> String {
    std::fs::read_to_string(format!("{}/page/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[actix_web::test]
async fn files_may_be_cached_forever_and_need_no_login() {
    for framework in FRAMEWORKS {
        let folder = folder(framework).await;
        for name in on_disk() {
            let path = format!("{folder}{name}");
            let plain = Site::new().send(framework, "GET", &path, &[]).await;
            let media_type = match name.rsplit('.').next().unwrap() {
                "js" => "text/javascript; charset=utf-8",
                "css" => "text/css; charset=utf-8",
                "svg" => "image/svg+xml",
                other => panic!("{other}"),
            };
            assert_eq!((plain.status, plain.text()), (200, &*read(&name)), "{path}");
            for (header, value) in [
                ("content-type", Some(media_type)),
                ("cache-control", Some("public, max-age=31536000, immutable")),
                ("x-content-type-options", Some("nosniff")),
                ("vary", Some("accept-encoding")),
                ("content-encoding", None),
            ] {
                assert_eq!(plain.header(header), value, "{header} of {name}");
            }
        }
    }
}

#[actix_web::test]
async fn files_are_compressed_for_clients_that_accept_gzip() {
    for framework in FRAMEWORKS {
        let folder = folder(framework).await;
        for name in on_disk() {
            let reply = Site::new().send(framework, "GET", &format!("{folder}{name}"), &[GZIP]).await;
            assert_eq!(reply.header("content-encoding"), Some("gzip"));
            let mut text = String::new();
            GzDecoder::new(&*reply.body).read_to_string(&mut text).unwrap();
            assert_eq!(text, read(&name));
            let refusing = [("accept-encoding", "gzip;q=0")];
            let reply = Site::new().send(framework, "GET", &format!("{folder}{name}"), &refusing).await;
            assert_eq!((reply.header("content-encoding"), reply.text()), (None, &*read(&name)));
        }
    }
}

#[actix_web::test]
async fn first_load_is_smaller_than_60_kilobytes() {
    let site = Site::new();
    let page = site.get(Framework::Axum, MOUNT).await;
    let mut files: BTreeSet<_> = files_of(page.text()).iter().map(|url| resolved(MOUNT, url)).collect();
    // The element loads its style itself.
    files.insert(format!("{}apikeys-settings.css", folder(Framework::Axum).await));
    let mut size = page.body.len();
    for file in &files {
        let reply = site.send(Framework::Axum, "GET", file, &[GZIP]).await;
        // Each response also has a status line and headers, which are shorter than 500 bytes.
        size += reply.body.len() + 500;
    }
    assert!(size < 60_000, "{size} bytes in {} files", files.len());
}

#[actix_web::test]
async fn unknown_files_and_other_spellings_are_not_found() {
    for framework in FRAMEWORKS {
        let folder = folder(framework).await;
        let hash = folder.trim_end_matches('/').rsplit('/').next().unwrap().to_owned();
        let assets = format!("{MOUNT}/assets");
        for path in [
            format!("{folder}unknown.js"),
            format!("{folder}API.js"),
            format!("{folder}%61pi.js"),
            format!("{folder}./api.js"),
            format!("{folder}../api.js"),
            format!("{folder}../{hash}/api.js"),
            format!("{folder}..%2f{hash}%2fapi.js"),
            format!("{folder}/api.js"),
            format!("{folder}api.js/"),
            folder.clone(),
            format!("{assets}/{hash}"),
            format!("{assets}/{}/api.js", hash.to_uppercase()),
            format!("{assets}/{}/api.js", &hash[1..]),
            format!("{assets}/{hash}0/api.js"),
            format!("{OTHER_VERSION}/unknown.js"),
            format!("{OTHER_VERSION}/../{hash}/api.js"),
            format!("{OTHER_VERSION}/..%2f{hash}%2fapi.js"),
            format!("{OTHER_VERSION}/../../apikeys-settings.js"),
            format!("{assets}/0000000000000000000g/api.js"),
            format!("{assets}/../0000000000000000/api.js"),
            format!("{assets}//api.js"),
            format!("{assets}/{hash}/../../Cargo.toml"),
            format!("{assets}/../../../../../../etc/passwd"),
            format!("{assets}/..%2f..%2f..%2fetc%2fpasswd"),
            format!("{MOUNT}/unknown.js"),
        ] {
            let reply = Site::new().get(framework, &path).await;
            assert_eq!(reply.status, 404, "{framework:?} {path}");
            assert!(!reply.header("cache-control").unwrap_or_default().contains("immutable"), "{path}");
        }
    }
}

#[actix_web::test]
async fn file_of_another_version_is_that_of_this_version_and_is_not_stored() {
    for framework in FRAMEWORKS {
        for name in on_disk() {
            for headers in [&[][..], &[GZIP]] {
                let other =
                    Site::new().send(framework, "GET", &format!("{OTHER_VERSION}/{name}"), headers).await;
                let own = folder(framework).await;
                let own = Site::new().send(framework, "GET", &format!("{own}{name}"), headers).await;
                assert_eq!((other.status, &other.body), (200, &own.body), "{name}");
                assert_eq!(other.header("cache-control"), Some("no-store"), "{name}");
                for header in ["content-type", "content-encoding", "vary", "x-content-type-options"] {
                    assert_eq!(other.header(header), own.header(header), "{header} of {name}");
                }
            }
        }
    }
}

#[actix_web::test]
async fn module_with_a_constant_url_imports_the_element() {
    for framework in FRAMEWORKS {
        let path = format!("{MOUNT}/apikeys-settings.js");
        let reply = Site::new().send(framework, "GET", &path, &[]).await;
        assert_eq!((reply.status, reply.header("cache-control")), (200, Some("no-cache")));
        let urls = reply
            .text()
            .lines()
            .map(|line| line.strip_prefix("import \"").unwrap().strip_suffix("\";").unwrap());
        let mut elements = 0;
        for url in urls {
            let module = Site::new().get(framework, &resolved(&path, url)).await;
            assert_eq!(module.status, 200, "{url}");
            elements += usize::from(module.text().contains("customElements.define('apikeys-settings'"));
        }
        assert_eq!(elements, 1);
    }
}

#[test]
fn modules_import_only_each_other() {
    let names: BTreeSet<_> = on_disk().into_iter().collect();
    let mut imported = BTreeSet::new();
    for name in names.iter().filter(|name| name.ends_with(".js")) {
        let source = read(name);
        for rest in source.split(" from '").skip(1).chain(source.split("import('").skip(1)) {
            let Some((url, _)) = rest.split_once('\'') else { continue };
            let file = url.strip_prefix("./").unwrap_or_else(|| panic!("{name} imports {url}"));
            assert!(names.contains(file), "{name} imports {file}");
            imported.insert(file.to_owned());
        }
    }
    for name in names.iter().filter(|name| name.ends_with(".js") && *name != "apikeys-settings.js") {
        assert!(imported.contains(name), "no module imports {name}");
    }
}

/// Data becomes text nodes and attributes, never markup or code. Nothing is loaded from other origins, and nothing is
/// kept in the browser.
#[test]
fn modules_do_not_use_markup_code_storage_or_other_origins() {
    for name in on_disk() {
        let source = read(&name);
        for forbidden in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "DOMParser",
            "createContextualFragment",
            "setHTMLUnsafe",
            "eval(",
            "new Function",
            "localStorage",
            "sessionStorage",
            "indexedDB",
            "document.cookie",
            "pushState",
            "replaceState",
            "console.",
            "'style'",
            " style:",
            "@import",
            "url(",
        ] {
            assert!(!source.contains(forbidden), "{name} contains {forbidden}");
        }
        for url in source.split("://").skip(1) {
            let known = ["www.w3.org/2000/svg", "YOUR-SERVICE", "IHR-DIENST"];
            assert!(known.iter().any(|known| url.starts_with(known)), "{name}: {url:.40}");
        }
    }
}
