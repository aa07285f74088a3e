use std::path::Path;

use crate::document::{Document, Kind};
use crate::loader::{Limits, LoadError, parse};

fn read(name: &str, text: &str) -> Result<Document, LoadError> {
    parse(Path::new(name), text.as_bytes(), &Limits::default()).map(|loaded| loaded.document)
}

pub(crate) const NOTEBOOK: &str = r##"{"cells": [
 {"cell_type": "markdown", "metadata": {}, "source": ["# Tides\n", "\n", "About the moon."]},
 {"cell_type": "code", "execution_count": 1, "metadata": {}, "source": "print('high')\n# not a heading",
  "outputs": [{"output_type": "stream", "name": "stdout", "text": ["high\n"]},
   {"output_type": "display_data", "data": {"image/png": "iVBORw0KGgo=", "text/plain": "<Figure>"}, "metadata": {}},
   {"output_type": "error", "ename": "ValueError", "evalue": "too low", "traceback": []}]},
 {"cell_type": "raw", "metadata": {}, "source": ""}],
 "metadata": {"language_info": {"name": "python"}}, "nbformat": 4, "nbformat_minor": 5}"##;

#[test]
fn text_code_and_output_are_kept() {
    let document = read("a.ipynb", NOTEBOOK).unwrap();
    assert_eq!(document.kind, Kind::Notebook);
    assert_eq!(document.title.as_deref(), Some("Tides"));
    assert_eq!(document.language.as_deref(), Some("python"));
    assert_eq!(
        document.text,
        "# Tides\n\nAbout the moon.\n\n```python\nprint('high')\n# not a heading\n```\n\n```text\nhigh\n```\n\n\
         ```text\n<Figure>\n```\n\n```text\nValueError: too low\n```"
    );
    assert_eq!(document.headings.len(), 1);
    let place = document.text.find("high").unwrap();
    assert_eq!(document.pages_of(place, place + 4), Some((2, 2)));
}

#[test]
fn a_notebook_with_another_name_is_recognised() {
    assert_eq!(read("a.json", NOTEBOOK).unwrap().kind, Kind::Notebook);
}

#[test]
fn a_notebook_of_version_3_is_read() {
    let text = r#"{"metadata": {}, "nbformat": 3, "worksheets": [{"cells": [
        {"cell_type": "heading", "level": 2, "source": ["Old"]}, {"cell_type": "code", "input": ["1 + 1"], "outputs": []}]}]}"#;
    let document = read("a.ipynb", text).unwrap();
    assert_eq!(document.text, "## Old\n\n```python\n1 + 1\n```");
}

#[test]
fn long_outputs_are_cut_and_told() {
    let long = "x".repeat(10_000);
    let text = format!(
        r#"{{"cells": [{{"cell_type": "code", "source": "f()", "outputs": [{{"output_type": "stream", "text": "{long}"}}]}}], "nbformat": 4, "metadata": {{}}}}"#
    );
    let document = read("a.ipynb", &text).unwrap();
    assert!(document.text.len() < 5_000);
    assert!(
        document.warnings[0].starts_with("cell 1 printed more than"),
        "{:?}",
        document.warnings
    );
}

#[test]
fn a_damaged_notebook_is_an_error_that_says_where() {
    let error = read("a.ipynb", &NOTEBOOK[..200]).unwrap_err();
    assert_eq!(error.reason(), "truncated", "{error}");
    let error = read("a.ipynb", "{\"cells\": 7}").unwrap_err();
    assert_eq!(error.reason(), "corrupt");
    assert!(error.to_string().contains("line 1 column 11"), "{error}");
}
