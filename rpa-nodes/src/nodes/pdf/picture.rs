use std::path::{Path, PathBuf};

use hayro::hayro_interpret::InterpreterSettings;
use hayro::hayro_syntax::Pdf;
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::{PixmapSettings, RenderCache, RenderSettings, render};

use super::open::{broken, bytes, guarded, locked};
use super::{shown, write_whole};
use crate::fault::Fault;
use crate::visit::Work;

/// How many points of a PDF an inch has.
const POINTS: f64 = 72.0;
/// A picture is no wider and no higher than this: at 200 dots an inch, a sheet of two metres.
const LARGEST: f64 = 16_000.0;

/// Makes a picture of each page.
pub(super) fn make(work: &mut Work) -> Result<(), Fault> {
    let path = work.path("input_file")?;
    let folder = work.path("output_dir")?;
    let dots = work.integer("dpi").unwrap_or(200);
    if !(10..=1200).contains(&dots) {
        return Err(Fault::value(format!(
            "`dpi` has to be between 10 and 1200, not {dots}"
        )));
    }
    let content = bytes(&path)?;
    let pictures = guarded(&path, || {
        let pdf = Pdf::new(content).map_err(|error| match error {
            hayro::hayro_syntax::LoadPdfError::Decryption(_) => locked(&path),
            hayro::hayro_syntax::LoadPdfError::Invalid => broken(&path, "it cannot be parsed"),
        })?;
        let count = pdf.pages().len();
        let limit = |name: &str, otherwise: usize| {
            let said = work.integer(name).filter(|page| *page > 0);
            said.map_or(otherwise, |page| usize::try_from(page).unwrap_or(otherwise))
        };
        let (first, last) = (limit("start_page", 1), limit("end_page", count).min(count));
        if first > last {
            return Err(Fault::value(format!(
                "{} has {count} pages; none are between `start_page` {first} and `end_page` {last}",
                path.display()
            )));
        }
        let cache = RenderCache::new();
        let mut pictures = Vec::new();
        for (place, page) in pdf.pages().iter().enumerate() {
            let number = place + 1;
            if (first..=last).contains(&number) {
                let (width, height) = page.render_dimensions();
                pictures.push((number, picture(&path, page, &cache, (width, height), dots)?));
            }
        }
        Ok(pictures)
    })?;
    // All pages are drawn before the first file is there.
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let mut files: Vec<PathBuf> = Vec::new();
    for (number, picture) in &pictures {
        let file = folder.join(format!("{stem}_page_{number}.png"));
        let file = work.file(&file.display().to_string())?;
        write_whole(&file, picture, true)?;
        files.push(file);
    }
    let files: Vec<String> = files.iter().map(|file| shown(file)).collect();
    work.give("page_count", files.len());
    work.give("output_files", files);
    work.give("success", true);
    Ok(())
}

/// A page as a PNG.
fn picture<'p>(
    path: &Path,
    page: &'p hayro::hayro_syntax::page::Page<'p>,
    cache: &RenderCache<'p>,
    (width, height): (f32, f32),
    dots: i64,
) -> Result<Vec<u8>, Fault> {
    #[expect(clippy::cast_precision_loss, reason = "it is a small number")]
    let scale = dots as f64 / POINTS;
    if f64::from(width.max(height)) * scale > LARGEST {
        return Err(broken(
            path,
            "a page would be too large a picture; lower `dpi`",
        ));
    }
    #[expect(clippy::cast_possible_truncation, reason = "it is a small number")]
    let scale = scale as f32;
    let drawn = render(
        page,
        cache,
        &InterpreterSettings::default(),
        &RenderSettings::default(),
        &PixmapSettings {
            x_scale: scale,
            y_scale: scale,
            bg_color: WHITE,
        },
    );
    drawn
        .into_png()
        .map_err(|error| broken(path, &format!("a page cannot be drawn: {error}")))
}
