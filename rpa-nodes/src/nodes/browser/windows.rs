//! Browsers and tabs.

use serde_json::json;

use super::act::{Manner, again, browser, meant, on, permit};
use super::travel::{address, open};
use crate::fault::Fault;
use crate::value::Object;
use crate::visit::Work;

/// What a browser is opened with, and opened again with after a crash.
const SETTINGS: [&str; 12] = [
    "headless",
    "window_state",
    "slow_mo",
    "viewport_width",
    "viewport_height",
    "user_agent",
    "locale",
    "timezone_id",
    "color_scheme",
    "ignore_https_errors",
    "proxy_server",
    "executable_path",
];
const MAIN: &str = "main";

pub(super) fn launch(work: &mut Work) -> Result<(), Fault> {
    let mut settings = Object::new();
    for name in SETTINGS {
        if let Some(value) = work.get(name).filter(|value| !value.is_null()) {
            settings.insert(name.to_owned(), value.clone());
        }
    }
    permit(work, &settings)?;
    let has_profile = !work.text("user_data_dir").trim().is_empty();
    if work.text("profile_mode") == "custom" && !has_profile {
        return Err(Fault::value(
            "`profile_mode` is custom, and no profile is named; set `user_data_dir`",
        ));
    }
    for name in ["user_data_dir", "downloads_path"] {
        if !work.text(name).trim().is_empty() {
            let path = work.path(name)?;
            let path = std::path::absolute(&path).unwrap_or(path);
            settings.insert(name.to_owned(), path.display().to_string().into());
        }
    }
    let channel = work.text("channel");
    if !matches!(channel.trim(), "" | "chromium") {
        work.warn(format!(
            "`channel` {channel} is not used; `executable_path` names another browser"
        ));
    }
    let url = work.text("url");
    if !url.trim().is_empty() {
        address(work, &url)?;
    }
    again(work, |work| {
        let id = work.key().to_owned();
        let browser = work.host().browsers.launch(&id, &settings)?;
        let page = browser.open(MAIN)?;
        work.give("browser", json!({"browser": id}));
        work.give("window", json!({"browser": id}));
        work.give("page", page.handle());
        on(work, Manner::Changes, &browser, &page, |work, _, page| {
            let url = work.text("url");
            if url.trim().is_empty() {
                return Ok(());
            }
            open(work, page, &url)
        })
    })
}

pub(super) fn close(work: &mut Work) -> Result<(), Fault> {
    let (id, _) = meant(work);
    let known = work
        .browsers()
        .iter()
        .rev()
        .find(|state| id.as_ref().is_none_or(|id| *id == state.id));
    let Some(state) = known.cloned() else {
        // To close what is closed changes nothing.
        work.warn("there is no browser to close".to_owned());
        return Ok(());
    };
    work.host().browsers.close(&state.id);
    work.browse(crate::browser::BrowserState {
        closed: true,
        kept: String::new(),
        ..state
    });
    Ok(())
}

pub(super) fn new_tab(work: &mut Work) -> Result<(), Fault> {
    again(work, |work| {
        let (id, _) = meant(work);
        let browser = browser(work, id.as_deref())?;
        let wanted = match work.text("tab_name") {
            name if name.trim().is_empty() => MAIN.to_owned(),
            name => name.trim().to_owned(),
        };
        // Another tab of this name stays what other nodes know it as.
        let mut name = wanted.clone();
        let mut number = 2;
        while browser.has_tab(&name) {
            name = format!("{wanted}-{number}");
            number += 1;
        }
        let page = browser.open(&name)?;
        work.give("page", page.handle());
        on(
            work,
            Manner::Changes,
            &browser,
            &page,
            |work, _, page| match work.text("url") {
                url if url.trim().is_empty() => Ok(()),
                url => open(work, page, &url),
            },
        )
    })
}
