//! Files from the web.

use serde_json::{Value, json};

use super::super::files::write_from;
use super::act::{limit, seat};
use crate::fault::Fault;
use crate::http::{Request, Rules, without_secrets};
use crate::visit::Work;

pub(super) fn download(work: &mut Work) -> Result<(), Fault> {
    let url = work.text("url").trim().to_owned();
    let path = place(work, &url)?;
    if !work.flag("overwrite") && path.exists() {
        let exists = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
        return Err(Fault::file("download to", &path, &exists));
    }
    let mut headers = Vec::new();
    if work.flag("use_browser") {
        let (_, page) = seat(work)?;
        let answer = page.call("Network.getCookies", json!({"urls": [url]}))?;
        let cookies = answer.get("cookies").and_then(Value::as_array);
        let pairs = cookies.into_iter().flatten().filter_map(|cookie| {
            let of = |name: &str| cookie.get(name).and_then(Value::as_str);
            Some(format!("{}={}", of("name")?, of("value")?))
        });
        let pairs: Vec<String> = pairs.collect();
        if !pairs.is_empty() {
            headers.push(("Cookie".to_owned(), pairs.join("; ")));
        }
    }
    let request = Request {
        method: "GET".to_owned(),
        url: url.clone(),
        headers,
        body: Vec::new(),
        rules: Rules {
            timeout: Some(limit(work)),
            verifies: work.flag("verify_ssl"),
            ..Rules::default()
        },
    };
    let response = request.send()?;
    if !(200..300).contains(&response.status) {
        return Err(Fault::of(
            "ConnectionError",
            format!(
                "{} cannot be downloaded: HTTP {}",
                without_secrets(&url),
                response.status
            ),
        ));
    }
    let size = write_from(&path, &mut response.reader(), true)?;
    let path = std::path::absolute(&path)
        .unwrap_or(path)
        .display()
        .to_string();
    work.give("path", path.clone());
    work.give("attachment_file", vec![path]);
    work.give("size", size);
    work.give("success", true);
    Ok(())
}

/// The file: `save_path`, or in that folder under the name that is given, or that the address ends with.
fn place(work: &Work, url: &str) -> Result<std::path::PathBuf, Fault> {
    let plain = without_secrets(url);
    let last = plain.rsplit('/').next().unwrap_or_default();
    let name = match work.text("filename") {
        name if name.trim().is_empty() => last.to_owned(),
        name => name,
    };
    let folder = work.text("save_path");
    let is_file = !folder.trim().is_empty()
        && work.text("filename").trim().is_empty()
        && !folder.ends_with('/')
        && !work.path("save_path")?.is_dir();
    if is_file {
        return work.path("save_path");
    }
    if name.trim().is_empty() {
        return Err(Fault::value("the file has no name; set `filename`"));
    }
    match folder.trim() {
        "" => work.file(&name),
        folder => work.file(&format!("{}/{name}", folder.trim_end_matches('/'))),
    }
}
