//! A test that the tree explains itself: comments and documents name promises in words, not by the number
//! of a list that is elsewhere.

use std::{fs, path::Path, process::Command};

use crate::workspace::root;

/// Returns the first tag such as a letter of a list with a number, if `line` has one in its comment. A
/// document is a comment as a whole.
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
    assert!(listed.status.success(), "git lists the files of the tree");
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
fn tag_in_a_comment_is_found_and_code_and_longer_words_are_not() {
    let tagged = |letter: char| format!("/// {letter}12: a promise");
    for letter in ['A', 'B', 'C', 'D', 'R'] {
        assert!(tag(&tagged(letter), false).is_some(), "{letter}");
    }
    for fine in ["let x = R1;", "// RFC 9457, %C3, a1, R123, R_1", "/// A key"] {
        assert_eq!(tag(fine, false), None, "{fine}");
    }
}
