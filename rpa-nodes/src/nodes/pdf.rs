//! Nodes that read PDF files, and make new ones of their pages.

mod assembly;
mod open;
mod picture;
mod text;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use self::assembly::Assembly;
use self::open::Pdf;
use super::files::write_whole;
use crate::catalogue::{Effect, Kind, NodeType};
use crate::fault::Fault;
use crate::value::{read_integer, text};
use crate::visit::Work;

pub(super) fn types() -> Vec<NodeType> {
    let gives = |node_type: NodeType| {
        node_type
            .output("page_count", Kind::Integer)
            .output("success", Kind::Boolean)
    };
    let writes =
        |name, summary, perform| gives(NodeType::work(name, Effect::Writes, summary, perform));
    vec![
        gives(NodeType::work(
            "ReadPDFTextNode",
            Effect::Reads,
            "The text of a PDF, page by page. Scanned pages have none. With `extract_tables`, tables are written as Markdown.",
            text::read,
        ))
        .needs("file_path", Kind::Text)
        .input_or("start_page", Kind::Integer, 1)
        .input("end_page", Kind::Integer)
        .input("password", Kind::Text)
        .property("page_separator", Kind::Text, "\n\n")
        .property("extract_tables", Kind::Boolean, false)
        .property("preserve_layout", Kind::Boolean, false)
        .output("text", Kind::Text)
        .output("pages", Kind::List)
        .output("is_encrypted", Kind::Boolean),
        gives(NodeType::work(
            "GetPDFInfoNode",
            Effect::Reads,
            "What a PDF says of itself. One that is locked says only that it is, and has 0 pages.",
            info,
        ))
        .needs("file_path", Kind::Text)
        .output("title", Kind::Text)
        .output("author", Kind::Text)
        .output("subject", Kind::Text)
        .output("creator", Kind::Text)
        .output("producer", Kind::Text)
        .output("creation_date", Kind::Text)
        .output("modification_date", Kind::Text)
        .output("is_encrypted", Kind::Boolean),
        writes(
            "MergePDFsNode",
            "Puts the pages of several PDFs into one. Bookmarks and the fields of forms are not taken over.",
            merge,
        )
        .needs("input_files", Kind::List)
        .needs("output_path", Kind::Text)
        .output("output_path", Kind::Text)
        .output("attachment_file", Kind::List),
        writes(
            "SplitPDFNode",
            "Makes a PDF of each page. `{n}` in the pattern is its number; `{n:03}` has zeros before it.",
            split,
        )
        .needs("input_file", Kind::Text)
        .needs("output_dir", Kind::Text)
        .property("filename_pattern", Kind::Text, "page_{n}.pdf")
        .output("output_files", Kind::List),
        writes(
            "PDFToImagesNode",
            "Makes a PNG of each page, called as the file with `_page_` and its number behind.",
            picture::make,
        )
        .needs("input_file", Kind::Text)
        .needs("output_dir", Kind::Text)
        .input_or("start_page", Kind::Integer, 1)
        .input("end_page", Kind::Integer)
        .property("dpi", Kind::Integer, 200)
        .property("format", Kind::Choice(&["png"]), "png")
        .output("output_files", Kind::List),
        writes(
            "ExtractPDFPagesNode",
            "Makes a PDF of some pages of another, in the order of the list: numbers from 1, or texts like \"2-5\".",
            extract,
        )
        .needs("input_file", Kind::Text)
        .needs("output_path", Kind::Text)
        .needs("pages", Kind::List)
        .output("output_path", Kind::Text)
        .output("attachment_file", Kind::List),
    ]
}

/// A file, as outputs show it.
fn shown(path: &Path) -> String {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    whole.display().to_string()
}

fn info(work: &mut Work) -> Result<(), Fault> {
    let path = work.path("file_path")?;
    let said = open::metadata(&path)?;
    let texts = [
        ("title", said.title),
        ("author", said.author),
        ("subject", said.subject),
        ("creator", said.creator),
        ("producer", said.producer),
        ("creation_date", said.creation_date.map(moment)),
        ("modification_date", said.modification_date.map(moment)),
    ];
    for (name, said) in texts {
        work.give(name, said.unwrap_or_default());
    }
    work.give("page_count", said.page_count);
    work.give("is_encrypted", said.encrypted);
    work.give("success", true);
    Ok(())
}

/// A moment as PDF writes it, `D:20261122101500+01'00'`, in the usual way; anything else as it is.
fn moment(said: String) -> String {
    let read = || {
        let digits = said.strip_prefix("D:").unwrap_or(&said);
        let end = digits.find(|letter: char| !letter.is_ascii_digit());
        let (digits, zone) = digits.split_at(end.unwrap_or(digits.len()));
        let at = |from: usize, otherwise| digits.get(from..from + 2).unwrap_or(otherwise);
        let day = format!("{}-{}-{}", digits.get(..4)?, at(4, "01"), at(6, "01"));
        let time = format!("{}:{}:{}", at(8, "00"), at(10, "00"), at(12, "00"));
        let zone = match zone.trim_end_matches('\'').replace('\'', ":") {
            zone if zone.starts_with('Z') => "+00:00".to_owned(),
            zone => zone,
        };
        Some(format!("{day}T{time}{zone}"))
    };
    read().unwrap_or_else(|| said.clone())
}

fn save(work: &mut Work, assembly: Assembly) -> Result<(), Fault> {
    let path = work.path("output_path")?;
    let (content, pages) = assembly.finish(&path)?;
    write_whole(&path, &content, true)?;
    work.give("output_path", shown(&path));
    work.give("attachment_file", vec![shown(&path)]);
    work.give("page_count", pages);
    work.give("success", true);
    Ok(())
}

fn merge(work: &mut Work) -> Result<(), Fault> {
    let files = work.list("input_files");
    if files.is_empty() {
        return Err(Fault::value(
            "there is nothing to merge; name PDFs in `input_files`",
        ));
    }
    let mut assembly = Assembly::new();
    for file in files {
        let pdf = Pdf::open(&work.file(&text(&file))?)?;
        for number in 1..=pdf.page_count() {
            assembly.add(&pdf, &[number])?;
        }
    }
    save(work, assembly)
}

fn extract(work: &mut Work) -> Result<(), Fault> {
    let pdf = Pdf::open(&work.path("input_file")?)?;
    let numbers = numbers(&work.list("pages"), &pdf)?;
    let mut assembly = Assembly::new();
    assembly.add(&pdf, &numbers)?;
    save(work, assembly)
}

/// The numbers that a list of numbers and ranges means.
fn numbers(list: &[Value], pdf: &Pdf) -> Result<Vec<u32>, Fault> {
    let last = pdf.page_count();
    let mut numbers = Vec::new();
    for item in list {
        let whole = text(item);
        let number = |said: &str| {
            let number =
                read_integer(&json!(said.trim())).and_then(|number| u32::try_from(number).ok());
            number.filter(|number| (1..=last).contains(number)).ok_or_else(|| {
                Fault::value(format!(
                    "`{whole}` in `pages` is no page of {}, which has {last}; write numbers from 1, or texts like \"2-5\"",
                    pdf.path().display()
                ))
            })
        };
        match whole.trim().split_once('-') {
            Some((first, end)) => numbers.extend(number(first)?..=number(end)?),
            None => numbers.push(number(&whole)?),
        }
    }
    match numbers.is_empty() {
        false => Ok(numbers),
        true => Err(Fault::value(
            "there are no pages to extract; name some in `pages`",
        )),
    }
}

fn split(work: &mut Work) -> Result<(), Fault> {
    let pdf = Pdf::open(&work.path("input_file")?)?;
    let folder = work.path("output_dir")?;
    let pattern = work.text("filename_pattern");
    if pdf.page_count() > 1 && file_name(&pattern, 1)? == file_name(&pattern, 2)? {
        return Err(Fault::value(format!(
            "`filename_pattern` gives all pages the name {pattern}; put {{n}} into it"
        )));
    }
    // All pages are made before the first file is there.
    let mut made: Vec<(PathBuf, Vec<u8>)> = Vec::new();
    for number in 1..=pdf.page_count() {
        let path = work.file(
            &folder
                .join(file_name(&pattern, number)?)
                .display()
                .to_string(),
        )?;
        let mut assembly = Assembly::new();
        assembly.add(&pdf, &[number])?;
        let (content, _) = assembly.finish(&path)?;
        made.push((path, content));
    }
    fs::create_dir_all(&folder).map_err(|error| Fault::file("create", &folder, &error))?;
    for (path, content) in &made {
        write_whole(path, content, true)?;
    }
    let files: Vec<String> = made.iter().map(|(path, _)| shown(path)).collect();
    work.give("output_files", files);
    work.give("page_count", pdf.page_count());
    work.give("success", true);
    Ok(())
}

/// The name of a page: `{n}`, `{page}` or `{i}`, perhaps with a width, stand for its number.
fn file_name(pattern: &str, number: u32) -> Result<String, Fault> {
    let mut name = String::new();
    let mut rest = pattern;
    while let Some((before, behind)) = rest.split_once('{') {
        let unknown = || {
            Fault::value(format!(
                "`filename_pattern` {pattern} cannot be read; write {{n}} or {{n:03}} for the page"
            ))
        };
        let (mark, behind) = behind.split_once('}').ok_or_else(unknown)?;
        let (mark, format) = mark.split_once(':').unwrap_or((mark, ""));
        let format = format.trim_end_matches('d');
        if !matches!(mark, "n" | "page" | "i")
            || !format.chars().all(|digit| digit.is_ascii_digit())
        {
            return Err(unknown());
        }
        let width: usize = format.parse().unwrap_or(0);
        name.push_str(before);
        name.push_str(&match format.starts_with('0') {
            true => format!("{number:0width$}"),
            false => format!("{number:width$}"),
        });
        rest = behind;
    }
    name.push_str(rest);
    match name.trim() {
        "" => Err(Fault::value("`filename_pattern` is empty")),
        _ => Ok(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_pages_have_their_number() {
        assert_eq!(file_name("page_{n}.pdf", 7).unwrap(), "page_7.pdf");
        assert_eq!(file_name("{n:03d}-{page}.pdf", 7).unwrap(), "007-7.pdf");
        assert!(file_name("{title}.pdf", 7).is_err());
        assert!(file_name("{n", 7).is_err());
    }

    #[test]
    fn moments_are_written_as_usual() {
        let cases = [
            ("D:20261122101500+01'00'", "2026-11-22T10:15:00+01:00"),
            ("D:20261122101500Z00'00'", "2026-11-22T10:15:00+00:00"),
            ("D:2026", "2026-01-01T00:00:00"),
            ("yesterday", "yesterday"),
        ];
        for (said, meant) in cases {
            assert_eq!(moment(said.to_owned()), meant);
        }
    }
}
