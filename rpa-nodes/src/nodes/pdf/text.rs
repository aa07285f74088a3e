use std::ops::ControlFlow;

use unpdf::model::Document;
use unpdf::render::{RenderOptions, to_markdown, to_text};
use unpdf::{PageStreamOptions, ParseEvent, ParseOptions, PdfParser};

use super::open::{broken, bytes, guarded, locked};
use crate::fault::Fault;
use crate::visit::Work;

pub(super) fn read(work: &mut Work) -> Result<(), Fault> {
    let path = work.path("file_path")?;
    let bytes = bytes(&path)?;
    let password = Some(work.text("password")).filter(|password| !password.is_empty());
    let as_markdown = work.flag("extract_tables");
    let failed = |error: unpdf::Error| match error {
        unpdf::Error::Encrypted | unpdf::Error::InvalidPassword => match password.is_some() {
            false => locked(&path),
            true => Fault::of(
                "PDFEncryptedError",
                format!(
                    "cannot read {}: the password is not its own",
                    path.display()
                ),
            ),
        },
        other => broken(&path, &other.to_string()),
    };
    let parser = guarded(&path, || {
        let options = ParseOptions {
            password: password.clone(),
            ..ParseOptions::new().sequential()
        };
        PdfParser::from_bytes_with_options(&bytes, options).map_err(failed)
    })?;
    let count = i64::from(parser.page_count());
    let (first, last) = range(work, count)?;
    let mut pages: Vec<String> = Vec::new();
    let mut wrong: Option<String> = None;
    guarded(&path, || {
        let stream = PageStreamOptions {
            parallel: false,
            password: password.clone(),
            ..PageStreamOptions::default()
        };
        let mut render = RenderOptions::new();
        render.escape_special_chars = false;
        let done = parser.for_each_page(stream, |event| {
            let number = match &event {
                ParseEvent::PageParsed(page) => page.number,
                ParseEvent::PageFailed { page, .. } => *page,
                _ => return ControlFlow::Continue(()),
            };
            if i64::from(number) > last {
                return ControlFlow::Break(());
            }
            if i64::from(number) < first {
                return ControlFlow::Continue(());
            }
            let written = match event {
                ParseEvent::PageParsed(page) => {
                    let mut single = Document::new();
                    single.add_page(page);
                    let written = match as_markdown {
                        true => to_markdown(&single, &render),
                        false => to_text(&single, &render),
                    };
                    written.map_err(|error| error.to_string())
                }
                ParseEvent::PageFailed { error, .. } => Err(error.to_string()),
                _ => return ControlFlow::Continue(()),
            };
            match written {
                Ok(text) => pages.push(text.trim().to_owned()),
                // A text with a hole in it is not the text.
                Err(error) => {
                    wrong = Some(format!("page {number}: {error}"));
                    return ControlFlow::Break(());
                }
            }
            ControlFlow::Continue(())
        });
        done.map(drop).map_err(failed)
    })?;
    if let Some(wrong) = wrong {
        return Err(broken(&path, &wrong));
    }
    if pages.iter().all(String::is_empty) {
        work.warn(format!(
            "{} has no text on these pages: they may be scans",
            path.display()
        ));
    }
    if work.flag("preserve_layout") {
        work.warn(
            "`preserve_layout` is not known here: the text comes in the order in which it is read"
                .to_owned(),
        );
    }
    work.give("text", pages.join(&work.text("page_separator")));
    work.give("pages", pages);
    work.give("page_count", count);
    work.give("is_encrypted", parser.is_encrypted());
    work.give("success", true);
    Ok(())
}

/// The first and the last page that are meant.
fn range(work: &Work, count: i64) -> Result<(i64, i64), Fault> {
    let first = work.integer("start_page").unwrap_or(1).max(1);
    // No page is the 0th; files write that for none.
    let last = work
        .integer("end_page")
        .filter(|last| *last > 0)
        .unwrap_or(count);
    if first > count || last < first {
        return Err(Fault::value(format!(
            "there are no pages {first} to {last}: the file has {count}"
        )));
    }
    Ok((first, last.min(count)))
}
