use std::io::{Cursor, Read, Write};
use std::path::Path;

use roxmltree::Document;
use serde_json::Value;
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use super::cells::Cell;
use super::{broken, sheet};
use crate::fault::Fault;

const WORKBOOK: &str = "xl/workbook.xml";
const LINKS: &str = "xl/_rels/workbook.xml.rels";
const TYPES: &str = "[Content_Types].xml";
/// The order in which formulas are computed. Excel makes it anew, and minds one that names a cell without a formula.
const CHAIN: &str = "calcChain.xml";
const LONGEST: u64 = 512 * 1024 * 1024;

/// A workbook with one empty sheet.
pub(super) fn empty() -> zip::result::ZipResult<Vec<u8>> {
    const HEAD: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>"#;
    const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";
    const KIND: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml";
    let parts = [
        (
            TYPES,
            format!(
                r#"{HEAD}<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="{KIND}.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="{KIND}.worksheet+xml"/></Types>"#
            ),
        ),
        (
            "_rels/.rels",
            format!(
                r#"{HEAD}<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>"#
            ),
        ),
        (
            WORKBOOK,
            format!(
                r#"{HEAD}<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>"#
            ),
        ),
        (
            LINKS,
            format!(
                r#"{HEAD}<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#
            ),
        ),
        (
            "xl/worksheets/sheet1.xml",
            format!(r#"{HEAD}<worksheet xmlns="{MAIN}"><sheetData/></worksheet>"#),
        ),
    ];
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        writer.start_file(name, SimpleFileOptions::default())?;
        writer.write_all(content.as_bytes())?;
    }
    Ok(writer.finish()?.into_inner())
}

/// The workbook with another value in a cell. Everything else in it stays as it is.
///
/// # Errors
/// It is of a kind that cannot be changed, or broken.
pub(super) fn write(
    path: &Path,
    content: &[u8],
    name: &str,
    cell: Cell,
    value: &Value,
) -> Result<Vec<u8>, Fault> {
    let failed = |error: zip::result::ZipError| broken(path, error);
    let mut archive = ZipArchive::new(Cursor::new(content)).map_err(|_| {
        broken(
            path,
            "only .xlsx and .xlsm files can be changed; save it as one of them",
        )
    })?;
    let workbook = part(path, &mut archive, WORKBOOK)?;
    let links = part(path, &mut archive, LINKS)?;
    let target = sheet_part(&workbook, &links, name)
        .ok_or_else(|| broken(path, format!("the sheet {name} is no table of cells")))?;
    let old = part(path, &mut archive, &target)?;
    let changed = sheet::write(&old, cell, value).map_err(|why| broken(path, why))?;
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for place in 0..archive.len() {
        let entry = archive.by_index_raw(place).map_err(failed)?;
        let name = entry.name().map_err(failed)?.into_owned();
        if name.ends_with(CHAIN) {
            continue;
        }
        if name != target && name != WORKBOOK && name != LINKS && name != TYPES {
            writer.raw_copy_file(entry).map_err(failed)?;
            continue;
        }
        drop(entry);
        let new = match name.as_str() {
            WORKBOOK => sheet::computed_anew(&workbook).map_err(|why| broken(path, why))?,
            LINKS => sheet::without(&links, CHAIN).map_err(|why| broken(path, why))?,
            TYPES => {
                let types = part(path, &mut archive, TYPES)?;
                sheet::without(&types, CHAIN).map_err(|why| broken(path, why))?
            }
            _ => changed.clone(),
        };
        writer
            .start_file(name, SimpleFileOptions::default())
            .map_err(failed)?;
        writer
            .write_all(&new)
            .map_err(|error| broken(path, error))?;
    }
    Ok(writer.finish().map_err(failed)?.into_inner())
}

fn part(path: &Path, archive: &mut ZipArchive<Cursor<&[u8]>>, name: &str) -> Result<String, Fault> {
    let wrong = |why: &dyn std::fmt::Display| {
        broken(path, format!("its part {name} cannot be read: {why}"))
    };
    let entry = archive.by_name(name).map_err(|error| wrong(&error))?;
    let mut text = String::new();
    let read = entry.take(LONGEST).read_to_string(&mut text);
    read.map_err(|error| wrong(&error))?;
    Ok(text)
}

/// The part that has the cells of a sheet.
fn sheet_part(workbook: &str, links: &str, name: &str) -> Option<String> {
    let workbook = Document::parse(workbook).ok()?;
    let sheet = workbook
        .descendants()
        .find(|node| node.tag_name().name() == "sheet" && node.attribute("name") == Some(name))?;
    let id = sheet
        .attributes()
        .find(|attribute| attribute.name() == "id")?
        .value();
    let links = Document::parse(links).ok()?;
    let link = links
        .descendants()
        .find(|node| node.attribute("Id") == Some(id))?;
    let target = link.attribute("Target")?;
    Some(match target.strip_prefix('/') {
        Some(whole) => whole.to_owned(),
        None => format!("xl/{target}"),
    })
}
