/// A place in the source of a workflow where it makes a durable call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Site {
    /// Where it stands in the structure of the body, stable when lines move: `for#1/embed#2`.
    pub label: &'static str,
    /// What is called there.
    pub callee: &'static str,
    /// The line in the workflow's file, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
}
