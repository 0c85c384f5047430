//! A test that comments and documents say things in words. A number of a list that is not in the repository, such
//! as a letter with two digits, means nothing to a reader.

use std::{fs, path::Path, process::Command};

use crate::workspace::root;

/// Returns the first tag in the comment of `line`, or `None` if there is no tag. A tag is one of five letters
/// followed by one or two digits. In a document, the whole line is searched.
fn tag(line: &str, is_document: bool) -> Option<&str> {
    let comment = if is_document { line } else { line.split_once("//").or_else(|| line.split_once('#'))?.1 };
    let words = comment.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '%');
    words.into_iter().find(|word| {
        let digits = word.strip_prefix(['A', 'B', 'C', 'D', 'R']);
        digits.is_some_and(|digits| {
            (1..=2).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
        })
    })
}

#[test]
fn comments_and_documents_have_no_tags() {
    let listed = Command::new("git").arg("ls-files").current_dir(root()).output().unwrap();
    assert!(listed.status.success(), "git cannot list the files of the repository");
    let mut searched = 0;
    for name in String::from_utf8(listed.stdout).unwrap().lines() {
        let ending = Path::new(name).extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        if !["md", "py", "rs", "sql", "toml", "yml"].contains(&ending) {
            continue;
        }
        // A file that was removed is still listed until the removal is committed.
        let Ok(text) = fs::read_to_string(root().join(name)) else { continue };
        searched += 1;
        for (number, line) in (1..).zip(text.lines()) {
            assert_eq!(tag(line, ending == "md"), None, "{name}:{number}: {line}");
        }
    }
    assert!(searched > 200, "{searched} files");
}

#[test]
fn tag_is_found_in_comments_only_and_not_in_longer_words() {
    let tagged = |letter: char| format!("/// {letter}12: a rule");
    for letter in ['A', 'B', 'C', 'D', 'R'] {
        assert!(tag(&tagged(letter), false).is_some(), "{letter}");
    }
    for fine in ["let x = R1;", "// RFC 9457, %C3, a1, R123, R_1", "/// A key"] {
        assert_eq!(tag(fine, false), None, "{fine}");
    }
}
