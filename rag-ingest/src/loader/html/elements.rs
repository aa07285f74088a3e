//! What elements mean for the text in them.

use html5gum::{HtmlString, StartTag};

/// Elements without an end.
pub(super) fn is_void(name: &[u8]) -> bool {
    matches!(
        name,
        b"area"
            | b"base"
            | b"br"
            | b"col"
            | b"embed"
            | b"hr"
            | b"img"
            | b"input"
            | b"link"
            | b"meta"
            | b"param"
            | b"source"
            | b"track"
            | b"wbr"
    )
}

/// Elements whose content nobody reads.
pub(super) fn is_unread(name: &[u8]) -> bool {
    matches!(
        name,
        b"script"
            | b"style"
            | b"template"
            | b"svg"
            | b"noscript"
            | b"iframe"
            | b"object"
            | b"select"
            | b"button"
            | b"canvas"
            | b"audio"
            | b"video"
            | b"textarea"
            | b"datalist"
    )
}

/// Elements that begin and end a line.
pub(super) fn is_block(name: &[u8]) -> bool {
    matches!(
        name,
        b"address"
            | b"article"
            | b"aside"
            | b"blockquote"
            | b"body"
            | b"caption"
            | b"center"
            | b"dd"
            | b"details"
            | b"dialog"
            | b"div"
            | b"dl"
            | b"dt"
            | b"fieldset"
            | b"figcaption"
            | b"figure"
            | b"footer"
            | b"form"
            | b"header"
            | b"hgroup"
            | b"hr"
            | b"html"
            | b"li"
            | b"main"
            | b"menu"
            | b"nav"
            | b"ol"
            | b"p"
            | b"pre"
            | b"section"
            | b"summary"
            | b"table"
            | b"ul"
    ) || heading_level(name).is_some()
}

/// 1 to 6 for `h1` to `h6`.
pub(super) fn heading_level(name: &[u8]) -> Option<u8> {
    match name {
        [b'h', digit @ b'1'..=b'6'] => Some(digit - b'0'),
        _ => None,
    }
}

/// What an element says about all the text in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Role {
    pub(super) unread: bool,
    pub(super) main: bool,
    pub(super) boilerplate: bool,
}

const BOILERPLATE: &[&str] = &[
    "sidebar",
    "sphinxsidebar",
    "navbar",
    "nav",
    "navigation",
    "navheader",
    "navfooter",
    "breadcrumb",
    "breadcrumbs",
    "menu",
    "footer",
    "toc",
    "related",
    "cookie",
    "cookie-banner",
    "advertisement",
    "ads",
    "skip-link",
    "printfooter",
    "catlinks",
    "noprint",
    "mw-editsection",
    "pagination",
    "social",
    "share",
];
const UNREAD: &[&str] = &[
    "headerlink",
    "linenos",
    "doc-anchor",
    "anchor-link",
    "visually-hidden",
    "sr-only",
];
const MAIN: &[&str] = &[
    "content",
    "main",
    "main-content",
    "mw-content-text",
    "maincontent",
    "page-content",
];

impl Role {
    /// Reads an element's name and attributes.
    pub(super) fn of(tag: &StartTag<()>) -> Self {
        let attribute = |name: &[u8]| {
            tag.attributes
                .get(&HtmlString(name.to_vec()))
                .map(|value| String::from_utf8_lossy(value).to_ascii_lowercase())
        };
        let name: &[u8] = &tag.name;
        let role = attribute(b"role").unwrap_or_default();
        let names = format!(
            "{} {}",
            attribute(b"class").unwrap_or_default(),
            attribute(b"id").unwrap_or_default()
        );
        let has = |known: &[&str]| names.split_whitespace().any(|word| known.contains(&word));
        let hidden = attribute(b"hidden").is_some()
            || attribute(b"style").is_some_and(|style| {
                style.contains("display:none") || style.contains("display: none")
            });
        let container = matches!(name, b"div" | b"section" | b"article" | b"td");
        Self {
            unread: is_unread(name) || hidden || has(UNREAD),
            main: matches!(name, b"main" | b"article") || role == "main" || container && has(MAIN),
            // The body of a page may be of a class that mentions a side bar; it is no side bar.
            boilerplate: matches!(name, b"nav" | b"footer" | b"aside")
                || matches!(
                    role.as_str(),
                    "navigation" | "contentinfo" | "banner" | "search"
                )
                || !matches!(name, b"body" | b"html" | b"main" | b"article") && has(BOILERPLATE),
        }
    }
}
