//! Questions with the places of their answers, in documents that come with the packages of this workspace.

use std::fs;
use std::path::Path;

use crate::corpus;

const QUESTIONS: &str = include_str!("../../rag-ingest/tests/fixtures/questions.tsv");
const LOCK: &str = include_str!("../../Cargo.lock");
/// Larger documents are left out; so are lists of changes, which tell a little of everything.
const LARGEST: u64 = 96 << 10;

/// A question and where its answer stands.
#[derive(Debug, Clone)]
pub struct Question {
    /// Package and file: `sqlx/FAQ.md`.
    pub document: &'static str,
    /// Words that stand in the answer, and nowhere else in the document.
    pub answer: &'static str,
    pub question: &'static str,
}

impl Question {
    /// Whether a passage of a file is the answer.
    pub fn is_answered_by(&self, path: &str, text: &str) -> bool {
        path.ends_with(&format!("/{}", self.document)) && one_line(text).contains(self.answer)
    }
}

/// All questions.
///
/// # Panics
///
/// When the file of questions has another form than it says.
pub fn all() -> Vec<Question> {
    let lines = QUESTIONS.lines().filter(|line| !line.starts_with('#'));
    let question = |line: &'static str| {
        let parts: Vec<&str> = line.split('\t').collect();
        let [document, answer, question] = parts[..] else {
            panic!("`{line}` does not have three parts");
        };
        Question {
            document,
            answer,
            question,
        }
    };
    lines.map(question).collect()
}

/// Copies the documents of all packages that this workspace is built from into `folder`, as `package/file`: of a package
/// in several versions those of the newest.
///
/// # Panics
///
/// When they cannot be read or copied.
pub fn copy_documents(folder: &Path) {
    let mut packages = Vec::new();
    let mut name = "";
    for line in LOCK.lines() {
        if let Some(text) = line.strip_prefix("name = ") {
            name = text.trim_matches('"');
        } else if let Some(version) = line.strip_prefix("version = ") {
            // Versions of a package stand in ascending order, so the newest overwrites the others.
            packages.push((name, version.trim_matches('"')));
        }
    }
    for registry in corpus::entries(&corpus::sources()) {
        for (name, version) in &packages {
            let package = registry.join(format!("{name}-{version}"));
            if package.is_dir() {
                copy(&package, &folder.join(name));
            }
        }
    }
}

fn copy(from: &Path, to: &Path) {
    for path in corpus::entries(from) {
        let name = path.file_name().unwrap_or_default().to_owned();
        let lower = name.to_string_lossy().to_lowercase();
        let meta = fs::symlink_metadata(&path).expect("a listed file can be looked at");
        if meta.is_dir() && !lower.starts_with('.') && lower != "tests" {
            copy(&path, &to.join(&name));
        }
        let is_document = lower.ends_with(".md") || lower.ends_with(".txt");
        let tells_little = ["change", "release", "licen", "news", "cmakelists"]
            .iter()
            .any(|word| lower.contains(word));
        if meta.is_file() && is_document && !tells_little && meta.len() <= LARGEST {
            fs::create_dir_all(to).expect("a folder is made");
            fs::copy(&path, to.join(&name)).expect("a document is copied");
        }
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// How well questions are answered.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Score {
    pub questions: usize,
    /// How many had their answer first.
    pub first: usize,
    /// How many had it among the first five.
    pub in_five: usize,
    /// The mean of the reciprocal ranks among the first ten.
    pub mrr: f64,
}

impl Score {
    /// The score of ranks, counted from 1; none where the answer is not among the first ten.
    pub fn of(ranks: &[Option<usize>]) -> Self {
        let within = |most: usize| {
            let ranks = ranks.iter().flatten();
            ranks.filter(|rank| **rank <= most).count()
        };
        let sum: f64 = ranks.iter().flatten().map(|rank| 1.0 / *rank as f64).sum();
        Self {
            questions: ranks.len(),
            first: within(1),
            in_five: within(5),
            mrr: sum / ranks.len().max(1) as f64,
        }
    }
}

impl std::fmt::Display for Score {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let of = |count: usize| count as f64 / self.questions.max(1) as f64;
        write!(
            f,
            "hit@1 {:.3}, hit@5 {:.3}, MRR {:.3}",
            of(self.first),
            of(self.in_five),
            self.mrr
        )
    }
}
