//! Cookies.

use serde_json::{Map, Value, json};

use super::act::{Manner, on_page};
use crate::browser::Page;
use crate::catalogue::Kind;
use crate::fault::Fault;
use crate::visit::Work;

pub(super) fn manage(work: &mut Work) -> Result<(), Fault> {
    on_page(work, Manner::Changes, |work, _, page| {
        work.give("page", page.handle());
        let name = work.text("cookie_name");
        let operation = work.text("operation");
        let needs_name = matches!(operation.as_str(), "set" | "delete");
        if needs_name && name.is_empty() {
            return Err(Fault::value(
                "there is no cookie to speak of; set `cookie_name`",
            ));
        }
        let mut cookies = match operation.as_str() {
            "set" => {
                page.call(
                    "Network.setCookies",
                    json!({"cookies": [cookie(work, page, &name)]}),
                )?;
                listed(page, "Network.getCookies")?
            }
            "delete" => {
                let (key, value) = place(work, page);
                let mut which = json!({"name": name});
                if let Value::Object(which) = &mut which {
                    which.insert(key.to_owned(), value.into());
                }
                page.call("Network.deleteCookies", which)?;
                Vec::new()
            }
            "delete_all" => {
                page.call("Network.clearBrowserCookies", json!({}))?;
                Vec::new()
            }
            "import" => {
                let cookies = given(work)?;
                page.call("Network.setCookies", json!({"cookies": cookies}))?;
                cookies
            }
            "export" => listed(page, "Storage.getCookies")?,
            _ => listed(page, "Network.getCookies")?,
        };
        if !name.is_empty() && matches!(operation.as_str(), "get" | "set") {
            cookies.retain(|cookie| cookie.get("name").is_some_and(|known| *known == name));
        }
        work.give(
            "cookie",
            cookies.first().cloned().unwrap_or_else(|| json!({})),
        );
        work.give("count", cookies.len());
        work.give("cookies", Value::from(cookies).to_string());
        work.give("success", true);
        Ok(())
    })
}

fn listed(page: &Page, method: &str) -> Result<Vec<Value>, Fault> {
    let mut answer = page.call(method, json!({}))?;
    match answer.get_mut("cookies").map(Value::take) {
        Some(Value::Array(cookies)) => Ok(cookies),
        _ => Ok(Vec::new()),
    }
}

/// Whose cookie it is: of a domain, or of the page.
fn place(work: &Work, page: &Page) -> (&'static str, String) {
    match work.text("domain") {
        domain if domain.trim().is_empty() => ("url", page.url()),
        domain => ("domain", domain),
    }
}

fn cookie(work: &Work, page: &Page, name: &str) -> Value {
    let mut cookie = Map::new();
    let (key, value) = place(work, page);
    cookie.insert(key.to_owned(), value.into());
    cookie.insert("name".to_owned(), name.into());
    cookie.insert("value".to_owned(), work.text("cookie_value").into());
    cookie.insert("path".to_owned(), work.text("path").into());
    cookie.insert("secure".to_owned(), work.flag("secure").into());
    cookie.insert("httpOnly".to_owned(), work.flag("http_only").into());
    // Without `secure` a browser refuses what says None, which is what nobody chose.
    let same_site = work.text("same_site");
    if same_site != "None" || work.flag("secure") {
        cookie.insert("sameSite".to_owned(), same_site.into());
    }
    if let Some(expires) = work.number("expires").filter(|expires| *expires > 0.0) {
        cookie.insert("expires".to_owned(), expires.into());
    }
    cookie.into()
}

/// The cookies of a list, or of a text of one.
fn given(work: &Work) -> Result<Vec<Value>, Fault> {
    let given = [work.get("cookies_input"), work.get("cookies_json")];
    let given = given.into_iter().flatten().find(|given| **given != "");
    let Some(given) = given else {
        return Err(Fault::value(
            "there are no cookies; set `cookies_json`, or connect `cookies_input`",
        ));
    };
    match Kind::List.coerce(given.clone())? {
        Value::Array(cookies) => Ok(cookies),
        _ => Ok(Vec::new()),
    }
}
