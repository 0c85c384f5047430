use std::{io::Write, sync::LazyLock};

use data_encoding::HEXLOWER;
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};

use crate::PlainResponse;

/// The files of the page, which are compressed when the first of them is requested.
pub(super) static ASSETS: LazyLock<Assets> = LazyLock::new(|| Assets::new(&FILES));

const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";
const TEXT: &str = "text/plain; charset=utf-8";

/// The module of the element.
pub(super) const ELEMENT: &str = "apikeys-settings.js";

/// The number of hexadecimal digits in the name of a folder.
const HASH_LENGTH: usize = 20;

/// How caches keep the files of this version, and those that another version has requested.
const FOREVER: &str = "public, max-age=31536000, immutable";
const NEVER: &str = "no-store";

macro_rules! files {
    ($($media_type:ident $name:literal)+) => {
        [$(($name, $media_type, include_str!(concat!("../../page/", $name)))),+]
    };
}

/// The name, the media type and the content of each file in the folder `page`.
static FILES: [(&str, &str, &str); 25] = files! {
    JAVASCRIPT "apikeys-settings.js"
    JAVASCRIPT "api.js"
    JAVASCRIPT "app.js"
    JAVASCRIPT "audit-log.js"
    JAVASCRIPT "chart.js"
    JAVASCRIPT "delete-dialog.js"
    JAVASCRIPT "dialog.js"
    JAVASCRIPT "dom.js"
    JAVASCRIPT "event-item.js"
    JAVASCRIPT "event-text.js"
    JAVASCRIPT "format.js"
    JAVASCRIPT "key-data.js"
    JAVASCRIPT "key-form.js"
    JAVASCRIPT "key-list.js"
    JAVASCRIPT "key-page.js"
    JAVASCRIPT "key-row.js"
    JAVASCRIPT "poll.js"
    JAVASCRIPT "secret-dialog.js"
    JAVASCRIPT "texts-de.js"
    JAVASCRIPT "texts-en.js"
    JAVASCRIPT "usage.js"
    JAVASCRIPT "usage-chart.js"
    CSS "apikeys-settings.css"
    CSS "shell.css"
    SVG "icon.svg"
};

/// The files of the page, below a folder whose name is the hash of all of them.
///
/// The folder's name changes with each file, so caches may keep the files forever. The modules are all in this
/// folder and import each other by relative URLs.
///
/// While a service is updated, instances of two versions respond to the same browser. A page of one version then
/// requests its files from an instance of the other, which has a folder of another name. That instance responds with its own
/// file of the same name, which caches must not keep.
#[derive(Debug)]
pub(super) struct Assets {
    hash: String,
    files: Vec<File>,
}

#[derive(Debug)]
struct File {
    name: &'static str,
    media_type: &'static str,
    content: &'static str,
    /// The content in gzip. `None` if compressing it has failed.
    gzip: Option<Vec<u8>>,
}

impl Assets {
    fn new(files: &[(&'static str, &'static str, &'static str)]) -> Self {
        let mut hash = Sha256::new();
        for (name, media_type, content) in files {
            for part in [name, media_type, content] {
                hash.update(part.len().to_le_bytes());
                hash.update(part);
            }
        }
        let hash = HEXLOWER.encode(hash.finalize().get(..HASH_LENGTH / 2).unwrap_or_default());
        let files = files
            .iter()
            .map(|&(name, media_type, content)| File { name, media_type, content, gzip: gzip(content) })
            .collect();
        Self { hash, files }
    }

    /// Returns the path of a file, below the mount.
    pub(super) fn path(&self, name: &str) -> String {
        format!("assets/{}/{name}", self.hash)
    }

    /// Returns the modules that the list of keys needs, in the order in which it needs them. `language` is the tag of the
    /// language.
    ///
    /// The first module begins to load the keys and then imports two others. The page imports all further modules
    /// when it shows the list.
    pub(super) fn first_modules(&self, language: &str) -> Vec<&'static str> {
        let texts = format!("texts-{language}.js");
        let mut found = Vec::new();
        for start in [ELEMENT, "app.js", &texts] {
            self.add_with_imports(start, &mut found);
        }
        found
    }

    /// Adds a module and the modules that it imports with the statement `import … from './NAME'`.
    fn add_with_imports(&self, name: &str, found: &mut Vec<&'static str>) {
        let Some(file) = self.files.iter().find(|file| file.name == name) else { return };
        if found.contains(&file.name) {
            return;
        }
        found.push(file.name);
        for line in file.content.lines().filter(|line| line.starts_with("import ")) {
            let imported = line.split_once(" from './").and_then(|(_, rest)| rest.strip_suffix("';"));
            if let Some(imported) = imported {
                self.add_with_imports(imported, found);
            }
        }
    }

    /// Returns the file with this path below `assets/`, or a response with status 404. The folder may be that of
    /// another version.
    pub(super) fn file(&self, path: &str, gzip: bool) -> PlainResponse {
        let found = path.split_once('/').filter(|(folder, _)| is_hash(folder)).and_then(|(folder, name)| {
            let file = self.files.iter().find(|file| file.name == name)?;
            Some((file, if folder == self.hash { FOREVER } else { NEVER }))
        });
        let Some((file, caching)) = found else {
            return PlainResponse::new(404, TEXT, "Not found.\n")
                .with_header("x-content-type-options", "nosniff");
        };
        let mut response = PlainResponse::empty(200)
            .with_header("content-type", file.media_type)
            .with_header("cache-control", caching)
            .with_header("x-content-type-options", "nosniff")
            .with_header("vary", "accept-encoding");
        response.body = match &file.gzip {
            Some(compressed) if gzip => {
                response = response.with_header("content-encoding", "gzip");
                compressed.clone()
            }
            _ => file.content.into(),
        };
        response
    }

    /// Returns a module whose URL never changes, and which imports the module of the element. A browser learns from it of
    /// all modules that the list of keys needs, apart from the texts, because the page around the element has the language.
    pub(super) fn loader(&self) -> PlainResponse {
        let mut response = PlainResponse::empty(200)
            .with_header("content-type", JAVASCRIPT)
            .with_header("cache-control", "no-cache")
            .with_header("x-content-type-options", "nosniff");
        let modules = self.first_modules("");
        let imports = modules.iter().map(|name| format!("import \"./{}\";\n", self.path(name)));
        response.body = imports.collect::<String>().into();
        response
    }
}

/// Returns whether a folder can be that of a version.
fn is_hash(folder: &str) -> bool {
    folder.len() == HASH_LENGTH && folder.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn gzip(content: &str) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content.as_bytes()).ok()?;
    encoder.finish().ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn hash_changes_with_each_file() {
        let hash = |files: &[(&'static str, &'static str, &'static str)]| Assets::new(files).hash;
        let one = hash(&[("a.js", JAVASCRIPT, "1"), ("b.js", JAVASCRIPT, "2")]);
        for other in [
            [("a.js", JAVASCRIPT, "1"), ("b.js", JAVASCRIPT, "3")],
            [("a.js", JAVASCRIPT, "1"), ("c.js", JAVASCRIPT, "2")],
            [("a.js", JAVASCRIPT, "1b.js"), ("b.js", JAVASCRIPT, "2")],
            [("a.js", CSS, "1"), ("b.js", JAVASCRIPT, "2")],
        ] {
            assert_ne!(hash(&other), one, "{other:?}");
        }
        assert_eq!(one.len(), 20);
    }

    #[test]
    fn first_modules_are_those_of_the_list_of_keys_in_the_order_of_their_use() {
        let modules = ASSETS.first_modules("de");
        assert_eq!(modules[..3], [ELEMENT, "api.js", "key-data.js"]);
        for (name, wanted) in [
            ("app.js", true),
            ("key-list.js", true),
            ("dom.js", true),
            ("texts-de.js", true),
            ("texts-en.js", false),
            ("key-page.js", false),
            ("audit-log.js", false),
        ] {
            assert_eq!(
                modules.iter().filter(|module| **module == name).count(),
                usize::from(wanted),
                "{name}"
            );
        }
    }

    #[test]
    fn every_file_of_the_folder_is_embedded() {
        let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/page")).unwrap();
        let on_disk: BTreeSet<_> =
            folder.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        assert_eq!(on_disk, FILES.iter().map(|(name, ..)| (*name).to_owned()).collect());
    }
}
