//! The project's text as the tidy rules read it: every file, and for Rust what of it is code and what is test.
//!
//! No parser: comments and literals are blanked with spaces of equal length, so that every byte keeps its line
//! and a brace counts only where it is one. Macros that write items in other words are not understood, which
//! the rules bear: they look for words that no macro here makes.

use std::fs;
use std::path::{Path, PathBuf};

/// Folders that hold nothing of the project's own.
const SKIPPED: [&str; 4] = [".git", "target", "runs", ".tools"];
/// What is read as text, by the end of its name.
const TEXT: [&str; 10] = [
    ".rs",
    ".toml",
    ".md",
    ".service",
    ".proto",
    ".txt",
    ".sh",
    ".gitignore",
    ".ci/run",
    ".html",
];

/// One text file of the project.
pub(crate) struct TextFile {
    /// Path from the workspace's folder, with `/`.
    pub(crate) path: String,
    /// What stands in it.
    pub(crate) text: String,
}

/// One Rust file.
pub(crate) struct RustFile {
    /// Path from the workspace's folder, with `/`.
    pub(crate) path: String,
    /// What stands in it.
    pub(crate) text: String,
    /// The same with comments and literals blanked.
    pub(crate) code: String,
    /// For each line, whether it is compiled for tests alone.
    pub(crate) is_test: Vec<bool>,
}

/// A function: its name, its first line (from 0) and how many lines it has.
pub(crate) struct Function {
    /// Its name.
    pub(crate) name: String,
    /// Line of its `fn`, from 0.
    pub(crate) line: usize,
    /// Lines from `fn` to the closing brace.
    pub(crate) lines: usize,
}

/// The folder of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every text file of the project, by path.
pub(crate) fn text_files() -> Vec<TextFile> {
    let mut files = Vec::new();
    walk(&root(), "", &mut files);
    files.sort_by(|left, right| left.path.cmp(&right.path));
    files
}

fn walk(folder: &Path, prefix: &str, files: &mut Vec<TextFile>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|cause| panic!("{}: {cause}", folder.display()));
    for entry in entries {
        let entry = entry.expect("a folder that was opened can be read");
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        let kind = entry.file_type().expect("its kind is known");
        if kind.is_dir() && !SKIPPED.contains(&name.as_str()) {
            walk(&entry.path(), &format!("{path}/"), files);
        } else if kind.is_file() && TEXT.iter().any(|end| path.ends_with(end)) {
            let text = fs::read_to_string(entry.path()).unwrap_or_else(|cause| panic!("{path}: {cause}"));
            files.push(TextFile { path, text });
        }
    }
}

/// Every Rust file of the project, by path.
pub(crate) fn rust_files() -> Vec<RustFile> {
    let mut files: Vec<RustFile> = text_files()
        .into_iter()
        .filter(|file| file.path.ends_with(".rs"))
        .map(|file| {
            let code = blanked(&file.text);
            let is_test = test_lines(&code);
            RustFile {
                path: file.path,
                text: file.text,
                code,
                is_test,
            }
        })
        .collect();
    let of_tests: Vec<String> = files.iter().flat_map(test_modules).collect();
    for file in &mut files {
        let folder = file.path.contains("/tests/") || file.path.contains("/fuzz/");
        let module = of_tests.iter().any(|stem| {
            file.path
                .strip_prefix(stem.as_str())
                .is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
        });
        if folder || module {
            file.is_test.fill(true);
        }
    }
    files
}

impl RustFile {
    /// Lines of code with their numbers from 1, tests left out.
    pub(crate) fn product_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.code.lines().enumerate();
        lines
            .filter(|(index, _)| !self.is_test[*index])
            .map(|(index, line)| (index + 1, line))
    }

    /// Every function with a body.
    pub(crate) fn functions(&self) -> Vec<Function> {
        let bytes = self.code.as_bytes();
        let mut found = Vec::new();
        for start in words(&self.code, "fn") {
            let rest = self.code[start + 2..].trim_start();
            let name: String = rest
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            let Some(body) = name.chars().next().and_then(|_| body_of(bytes, start)) else {
                continue;
            };
            let line = line_of(bytes, start);
            found.push(Function {
                name,
                line,
                lines: line_of(bytes, body.end) - line + 1,
            });
        }
        found
    }
}

/// Byte offsets at which `word` stands as a whole word.
pub(crate) fn words(code: &str, word: &str) -> Vec<usize> {
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let bytes = code.as_bytes();
    let inside = |at: usize| {
        let before = at > 0 && part(&bytes[at - 1]);
        before || bytes.get(at + word.len()).is_some_and(part)
    };
    code.match_indices(word)
        .map(|(at, _)| at)
        .filter(|at| !inside(*at))
        .collect()
}

fn line_of(bytes: &[u8], at: usize) -> usize {
    bytes[..at].iter().filter(|byte| **byte == b'\n').count()
}

/// The braces of the item that begins at `start`; `None` if it ends with a semicolon instead.
fn body_of(bytes: &[u8], start: usize) -> Option<std::ops::Range<usize>> {
    let (mut depth, mut open) = (0_usize, None);
    let mut brackets = 0_usize;
    for (at, byte) in bytes.iter().enumerate().skip(start) {
        match byte {
            b'(' | b'[' if open.is_none() => brackets += 1,
            b')' | b']' if open.is_none() => brackets = brackets.saturating_sub(1),
            b';' if open.is_none() && brackets == 0 => return None,
            b'{' if brackets == 0 || open.is_some() => {
                open.get_or_insert(at);
                depth += 1;
            }
            b'}' if open.is_some() => {
                depth -= 1;
                if depth == 0 {
                    return open.map(|open| open..at);
                }
            }
            _ => {}
        }
    }
    None
}

/// Which lines belong to items under `#[cfg(test)]`.
fn test_lines(code: &str) -> Vec<bool> {
    let mut lines = vec![false; code.lines().count()];
    let bytes = code.as_bytes();
    for (start, mark) in code.match_indices("#[cfg(test)]") {
        let end = body_of(bytes, start + mark.len()).map_or(start, |body| body.end);
        let (first, last) = (line_of(bytes, start), line_of(bytes, end));
        lines[first..=last].fill(true);
    }
    lines
}

/// Paths, without `.rs`, of the modules that a file declares for tests alone.
fn test_modules(file: &RustFile) -> Vec<String> {
    let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let stem = file.path.trim_end_matches(".rs");
    let home = match stem.rsplit('/').next() {
        Some("lib" | "main" | "mod") => folder,
        _ => stem,
    };
    let mut found = Vec::new();
    for (start, mark) in file.text.match_indices("#[cfg(test)]") {
        let Some((head, _)) = file.text[start + mark.len()..].split_once([';', '{']) else {
            continue;
        };
        let Some((attributes, name)) = head.rsplit_once("mod ") else {
            continue;
        };
        match attributes
            .split_once("#[path = \"")
            .and_then(|(_, rest)| rest.split_once('"'))
        {
            Some((path, _)) => found.push(format!("{folder}/{}", path.trim_end_matches(".rs"))),
            None => found.push(format!("{home}/{}", name.trim())),
        }
    }
    found
}

/// The text with comments, strings and characters blanked; newlines stay.
pub(crate) fn blanked(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = literal_end(bytes, at);
        for byte in &mut out[at..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at = end.max(at + 1);
    }
    String::from_utf8(out).expect("whole comments and literals were blanked")
}

/// The end of the comment or literal that begins at `at`; `at` itself if none does.
fn literal_end(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    let in_word = at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
    if rest.starts_with(b"//") {
        return at + rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    }
    if rest.starts_with(b"/*") {
        return at + block_comment_length(rest);
    }
    if !in_word && let Some(length) = raw_string_length(rest) {
        return at + length;
    }
    match rest[0] {
        b'"' => at + quoted_length(rest, b'"'),
        // A lifetime has no closing quote right behind its first character.
        b'\'' if rest.get(1) == Some(&b'\\') => at + quoted_length(rest, b'\''),
        b'\'' => {
            let width = rest.get(1).map_or(1, |first| utf8_width(*first));
            if rest.get(1 + width) == Some(&b'\'') {
                at + width + 2
            } else {
                at
            }
        }
        _ => at,
    }
}

const fn utf8_width(first: u8) -> usize {
    match first {
        0xf0.. => 4,
        0xe0.. => 3,
        0xc0.. => 2,
        _ => 1,
    }
}

fn quoted_length(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != quote {
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}

fn block_comment_length(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        if rest[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

/// `r"…"`, `r#"…"#`, and the same behind a `b`.
fn raw_string_length(rest: &[u8]) -> Option<usize> {
    let start = usize::from(rest.starts_with(b"b"));
    if rest.get(start) != Some(&b'r') {
        return None;
    }
    let hashes = rest[start + 1..].iter().take_while(|byte| **byte == b'#').count();
    if rest.get(start + 1 + hashes) != Some(&b'"') {
        return None;
    }
    let close = [b"\"".as_slice(), &vec![b'#'; hashes]].concat();
    let body = start + 2 + hashes;
    let length = rest[body..]
        .windows(close.len())
        .position(|window| window == close)?;
    Some(body + length + close.len())
}
