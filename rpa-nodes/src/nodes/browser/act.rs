//! What all nodes in a browser have in common: which page they mean, trying again, and what is recorded of the page.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::super::files::write_whole;
use crate::browser::{Browser, ENDED, Found, Page, Picture, Wanted, shown};
use crate::fault::Fault;
use crate::value::{Object, read_integer, text, truth};
use crate::visit::Work;

/// Where pictures of failures go that nobody named a place for.
const PICTURES: &str = "rpa-screenshots";
const MOST_TRIES: i64 = 100;

/// Whether a node may change what would be lost with the browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    Reads,
    Changes,
}

type Act = fn(&mut Work, &Browser, &Page) -> Result<(), Fault>;

/// Lets a node act on the page that it means, again as often as it says.
pub(super) fn on_page(work: &mut Work, manner: Manner, act: Act) -> Result<(), Fault> {
    again(work, |work| {
        let (browser, page) = seat(work)?;
        on(work, manner, &browser, &page, act)
    })
}

/// Tries as often as a node says. What was mistaken once stays so.
pub(super) fn again(
    work: &mut Work,
    mut act: impl FnMut(&mut Work) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut left = work
        .integer("retry_count")
        .unwrap_or(0)
        .clamp(0, MOST_TRIES);
    loop {
        match act(work) {
            Err(fault)
                if left > 0 && !matches!(fault.error_type.as_str(), "ValueError" | ENDED) =>
            {
                left -= 1;
                work.warn(format!("tried again after: {fault}"));
                std::thread::sleep(milliseconds(work, "retry_interval", 1000));
            }
            done => return done,
        }
    }
}

/// Lets a node act on a page, and takes note of what became of it.
pub(super) fn on(
    work: &mut Work,
    manner: Manner,
    browser: &Browser,
    page: &Page,
    act: Act,
) -> Result<(), Fault> {
    if browser.was_restored() {
        work.page_note().restored = true;
        work.warn(format!(
            "the browser was gone; it was opened again at {}, with its cookies",
            shown(&page.url())
        ));
    }
    if work.get("anchor_config").is_some_and(truth) {
        work.warn(
            "`anchor_config` is not used; `fallback_selectors` stand in for a selector".to_owned(),
        );
    }
    let done = act(work, browser, page);
    let slow = browser
        .settings()
        .get("slow_mo")
        .and_then(read_integer)
        .unwrap_or(0);
    std::thread::sleep(Duration::from_millis(u64::try_from(slow).unwrap_or(0)));
    for dialog in page.answered() {
        work.warn(dialog);
    }
    work.page_note().url = shown(&page.url());
    if manner == Manner::Changes {
        keep(work, browser, page);
    }
    done.map_err(|fault| {
        let fault = page.at(fault);
        photograph(work, page);
        fault
    })
}

/// Records what the browser knows now. The node did what it is for, also if that cannot be.
fn keep(work: &mut Work, browser: &Browser, page: &Page) {
    let host = work.host();
    // What nobody opens again need not be sealed.
    let vault = host.journal.is_some().then_some(&host.vault);
    match browser.news(page, vault) {
        Ok(Some(state)) => work.browse(state),
        Ok(None) => {}
        Err(fault) => work.warn(format!(
            "what the browser knows could not be recorded, and would be lost in a crash: {fault}"
        )),
    }
}

/// The browser and the page that a node means: those of its ports, else those that were opened last.
pub(super) fn seat(work: &Work) -> Result<(Arc<Browser>, Arc<Page>), Fault> {
    let (id, tab) = meant(work);
    let browser = browser(work, id.as_deref())?;
    let page = browser.page(tab.as_deref())?;
    Ok((browser, page))
}

/// The browser of this id, or that was launched last.
pub(super) fn browser(work: &Work, id: Option<&str>) -> Result<Arc<Browser>, Fault> {
    let browsers = work.browsers();
    let state = match id {
        Some(id) => browsers.iter().find(|state| state.id == id),
        None => browsers.last(),
    };
    let Some(state) = state else {
        return Err(Fault::of(
            "BrowserError",
            match id {
                Some(_) => "this browser was closed; launch another one",
                None => "no browser is open; put a LaunchBrowserNode before this node",
            },
        ));
    };
    permit(work, &state.settings)?;
    work.host().browsers.get(state, &work.host().vault)
}

/// A workflow may only start a program of its choice where it may start programs.
pub(super) fn permit(work: &Work, settings: &Object) -> Result<(), Fault> {
    let names_program = settings
        .get("executable_path")
        .is_some_and(|path| !text(path).trim().is_empty());
    if names_program && !work.host().allow_commands {
        return Err(Fault::of(
            "PermissionError",
            "`executable_path` names a program; start the run with --allow-commands, or name the browser with the environment \
             variable CHROME",
        ));
    }
    Ok(())
}

/// The browser and the tab that a node names.
pub(super) fn meant(work: &Work) -> (Option<String>, Option<String>) {
    let given = [work.get("page"), work.get("browser")];
    let handle = given.into_iter().flatten().find_map(|value| match value {
        Value::Object(handle) => {
            let of = |name: &str| handle.get(name).map(text).filter(|text| !text.is_empty());
            Some((of("browser"), of("page")))
        }
        Value::String(tab) if !tab.trim().is_empty() => Some((None, Some(tab.trim().to_owned()))),
        _ => None,
    });
    handle.unwrap_or_default()
}

/// Keeps a picture of the page on which a node failed.
fn photograph(work: &mut Work, page: &Page) {
    let taken = page.picture(&Picture::default(), None);
    let kept = taken.and_then(|picture| {
        let path = place(work)?;
        write_whole(&path, &picture, true)?;
        // It may show what was typed.
        let own = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(&path, own)
            .map_err(|error| Fault::file("restrict", &path, &error))?;
        if work.flag("screenshot_on_fail") && !work.text("screenshot_path").trim().is_empty() {
            write_whole(&work.path("screenshot_path")?, &picture, true)?;
        }
        Ok(path)
    });
    match kept {
        Ok(path) => work.page_note().screenshot = Some(path.display().to_string()),
        Err(fault) => work.warn(format!("there is no picture of the failure: {fault}")),
    }
}

/// Where the picture of a failed visit is kept: below the folder of the run, or else in the first folder that it may use.
fn place(work: &Work) -> Result<PathBuf, Fault> {
    let plain = |letter: char| match letter {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' | '.' => letter,
        _ => '_',
    };
    let name: String = work.key().chars().map(plain).collect();
    let name = format!("{PICTURES}/{name}.png");
    let file = match (work.file(&name), work.host().roots.first()) {
        (Err(_), Some(root)) => work.file(&root.join(&name).display().to_string()),
        (file, _) => file,
    }?;
    Ok(std::path::absolute(&file).unwrap_or(file))
}

/// A property in milliseconds.
pub(super) fn milliseconds(work: &Work, name: &str, usual: u64) -> Duration {
    let given = work
        .integer(name)
        .and_then(|given| u64::try_from(given).ok());
    Duration::from_millis(given.unwrap_or(usual))
}

/// How long a node may take.
pub(super) fn limit(work: &Work) -> Duration {
    match milliseconds(work, "timeout", 30000) {
        // Nothing is no limit.
        Duration::ZERO => Duration::from_secs(60 * 60 * 24),
        limit => limit,
    }
}

/// The selectors of a node, the one that is meant first.
pub(super) fn selectors(work: &Work, name: &str) -> Vec<String> {
    let mut selectors = vec![work.text(name).trim().to_owned()];
    match work.get("fallback_selectors") {
        Some(Value::Array(more)) => selectors.extend(more.iter().map(text)),
        Some(Value::String(more)) => match serde_json::from_str::<Vec<String>>(more) {
            Ok(more) => selectors.extend(more),
            Err(_) => selectors.extend(more.lines().map(str::to_owned)),
        },
        _ => {}
    }
    let first = selectors.first().cloned().unwrap_or_default();
    let mut more: Vec<String> = selectors
        .into_iter()
        .skip(1)
        .map(|more| more.trim().to_owned())
        .collect();
    more.retain(|more| !more.is_empty());
    let mut selectors = vec![first];
    selectors.append(&mut more);
    selectors
}

/// What a node looks for.
pub(super) fn wanted(work: &Work, name: &str, state: &'static str, what: &'static str) -> Wanted {
    let limit = limit(work);
    Wanted {
        selectors: selectors(work, name),
        state,
        strict: work.flag("strict"),
        what,
        end: Instant::now() + limit,
        limit,
    }
}

/// Takes note of the selector that found an element.
pub(super) fn note(work: &mut Work, found: &Found) {
    let Some(healed) = &found.healed else { return };
    work.warn(format!(
        "`{}` finds nothing any more; `{}` was used in its place",
        healed.selector, healed.by
    ));
    work.page_note().healed = Some(healed.clone());
}

/// An option of a dict, as true or not.
pub(super) fn flag(map: &Object, name: &str) -> Option<bool> {
    map.get(name).map(truth)
}
