//! Nodes that work in a browser.
//!
//! **After a crash** the browser is gone. The next node opens it again: the same tab at the address where it was, with its
//! cookies, what the page stored, and what was typed into it. To go somewhere, to type and to choose is done again where a crash
//! interrupted it, because what it changed was in the page that is gone. Of a click, a key, a script and the submit of a form
//! nobody knows whether the server saw it: `on_uncertain` decides.

#[cfg(feature = "browser")]
mod act;
#[cfg(feature = "browser")]
mod cookies;
#[cfg(feature = "browser")]
mod dialogs;
#[cfg(feature = "browser")]
mod downloads;
#[cfg(feature = "browser")]
mod forms;
#[cfg(feature = "browser")]
mod read;
#[cfg(feature = "browser")]
mod script;
#[cfg(feature = "browser")]
mod touch;
#[cfg(feature = "browser")]
mod travel;
#[cfg(feature = "browser")]
mod windows;

use serde_json::json;

use crate::catalogue::{Effect, Kind, NodeType};
#[cfg(not(feature = "browser"))]
use crate::visit::Work;

const STAGES: Kind = Kind::Choice(&["load", "domcontentloaded", "networkidle", "commit"]);
const BUTTONS: Kind = Kind::Choice(&["left", "right", "middle"]);
const STATES: Kind = Kind::Choice(&["visible", "hidden", "attached", "detached"]);
const FIELDS: Kind = Kind::Choice(&["text", "select", "checkbox", "radio"]);
const TABLES: Kind = Kind::Choice(&["list_of_dicts", "list_of_lists", "csv_string"]);

const COOKIES: &[&str] = &["get", "set", "delete", "delete_all", "export", "import"];

/// What a node does; without browsers, that it cannot.
#[cfg(feature = "browser")]
macro_rules! act {
    ($room:ident :: $act:ident) => {
        $room::$act
    };
}
#[cfg(not(feature = "browser"))]
macro_rules! act {
    ($room:ident :: $act:ident) => {
        |_: &mut Work| {
            let why = crate::browser::missing(None).unwrap_or_default();
            Err(crate::fault::Fault::of("BrowserError", why))
        }
    };
}

pub(super) fn types() -> Vec<NodeType> {
    let node = |name, effect, summary, act| NodeType::work(name, effect, summary, act).in_browser();
    let tries = |node_type: NodeType| {
        node_type
            .property("retry_count", Kind::Integer, 0)
            .property("retry_interval", Kind::Integer, 1000)
    };
    let pictures = |node_type: NodeType| {
        node_type
            .property("screenshot_on_fail", Kind::Boolean, false)
            .optional("screenshot_path", Kind::Text)
    };
    let limited = |node_type: NodeType| node_type.property("timeout", Kind::Integer, 30000);
    let paged = |node_type: NodeType| node_type.input("page", Kind::Any);
    let gives_page = |node_type: NodeType| node_type.output("page", Kind::Any);
    let stage = |node_type: NodeType| node_type.property("wait_until", STAGES, "load");
    // One element, by its selector or one of those that stand in for it.
    let one = |node_type: NodeType| {
        pictures(tries(limited(paged(node_type))))
            .input("selector", Kind::Text)
            .optional("fallback_selectors", Kind::Any)
            .optional("anchor_config", Kind::Any)
    };
    let goes = |name, summary, act| {
        gives_page(stage(tries(limited(paged(node(
            name,
            Effect::Once,
            summary,
            act,
        ))))))
    };
    let mut types = vec![
        pictures(tries(node(
            "LaunchBrowserNode",
            Effect::Once,
            "Opens a browser: Chromium, with an empty profile of its own unless `user_data_dir` names one. It is closed with the run.",
            act!(windows::launch),
        )))
        .alias("BrowserLaunchNode")
        .input("url", Kind::Text)
        .property("browser_type", Kind::Choice(&["chromium"]), "chromium")
        .property("headless", Kind::Boolean, false)
        .property("window_state", Kind::Choice(&["normal", "maximized", "minimized"]), "normal")
        .property("do_not_close", Kind::Boolean, true)
        .property("profile_mode", Kind::Choice(&["none", "custom"]), "none")
        .property("slow_mo", Kind::Integer, 0)
        .optional("channel", Kind::Text)
        .property("viewport_width", Kind::Integer, 1280)
        .property("viewport_height", Kind::Integer, 720)
        .optional("user_agent", Kind::Text)
        .optional("locale", Kind::Text)
        .optional("timezone_id", Kind::Text)
        .property("color_scheme", Kind::Choice(&["light", "dark", "no-preference"]), "light")
        .property("ignore_https_errors", Kind::Boolean, false)
        .optional("proxy_server", Kind::Text)
        .optional("user_data_dir", Kind::Text)
        .optional("executable_path", Kind::Text)
        .optional("downloads_path", Kind::Text)
        .property("timeout", Kind::Integer, 30000)
        .property("wait_until", STAGES, "load")
        .output("browser", Kind::Any)
        .output("page", Kind::Any)
        .output("window", Kind::Any),
        tries(node("CloseBrowserNode", Effect::Writes, "Closes a browser.", act!(windows::close)))
            .alias("BrowserCloseNode")
            .input("browser", Kind::Any)
            .property("timeout", Kind::Integer, 30000)
            .property("force_close", Kind::Boolean, false),
        gives_page(stage(pictures(tries(limited(node(
            "NewTabNode",
            Effect::Once,
            "Opens a tab. Nodes that name no page mean it from then on.",
            act!(windows::new_tab),
        ))))))
        .input("browser", Kind::Any)
        .property("tab_name", Kind::Text, "main")
        .optional("url", Kind::Text),
        pictures(goes("GoToURLNode", "Goes to an address. After a crash it goes there again.", act!(travel::go)))
            .alias("BrowserNavigateNode")
            .alias("NavigateNode")
            .input("url", Kind::Text)
            .optional("referer", Kind::Text)
            .property("ignore_https_errors", Kind::Boolean, false),
        goes("GoBackNode", "Goes back to the page before.", act!(travel::back)),
        goes("GoForwardNode", "Goes forward to the page that it went back from.", act!(travel::forward)),
        goes("RefreshPageNode", "Loads the page again.", act!(travel::reload)),
        gives_page(one(node(
            "ClickElementNode",
            Effect::Once,
            "Clicks on an element, once it can be seen, stands still and nothing is before it. If the page goes elsewhere by it, \
             waits until it is there.",
            act!(touch::click),
        )))
        .doubtful_if(|work| !work.flag("trial"))
        .alias("ClickNode")
        .property("fast_mode", Kind::Boolean, false)
        .property("button", BUTTONS, "left")
        .property("click_count", Kind::Integer, 1)
        .property("delay", Kind::Integer, 0)
        .property("force", Kind::Boolean, false)
        .optional("position_x", Kind::Float)
        .optional("position_y", Kind::Float)
        .property("modifiers", Kind::Any, json!([]))
        .property("no_wait_after", Kind::Boolean, false)
        .property("trial", Kind::Boolean, false)
        .property("strict", Kind::Boolean, false)
        .property("highlight_before_click", Kind::Boolean, false),
        gives_page(one(node(
            "TypeTextNode",
            Effect::Once,
            "Types into a field: all at once, or key by key with `press_sequentially` or a `delay`.",
            act!(touch::type_text),
        )))
        .doubtful_if(|work| work.flag("press_enter_after") || work.flag("press_sequentially") && work.text("text").contains('\n'))
        .alias("TypeNode")
        .input("text", Kind::Text)
        .property("fast_mode", Kind::Boolean, false)
        .property("delay", Kind::Integer, 0)
        .property("clear_first", Kind::Boolean, true)
        .property("press_sequentially", Kind::Boolean, false)
        .property("force", Kind::Boolean, false)
        .property("no_wait_after", Kind::Boolean, false)
        .property("strict", Kind::Boolean, false)
        .property("press_enter_after", Kind::Boolean, false)
        .property("press_tab_after", Kind::Boolean, false),
        gives_page(one(node(
            "SelectDropdownNode",
            Effect::Once,
            "Chooses an option of a dropdown, by its value, its label or its place from 0.",
            act!(touch::select),
        )))
        .input("value", Kind::Text)
        .property("force", Kind::Boolean, false)
        .property("no_wait_after", Kind::Boolean, false)
        .property("strict", Kind::Boolean, false)
        .property("select_by", Kind::Choice(&["value", "label", "index"]), "value"),
        gives_page(tries(limited(paged(node(
            "PressKeyNode",
            Effect::Once,
            "Presses a key, like `Enter`, `a` or `Control+A`.",
            act!(touch::press),
        )))))
        .doubtful_if(|_| true)
        .property("key", Kind::Text, "Enter")
        .property("delay", Kind::Integer, 0),
        one(node("ExtractTextNode", Effect::Reads, "Reads the text of an element; of a field, its value.", act!(read::text)))
            .alias("BrowserGetTextNode")
            .property("variable_name", Kind::Text, "extracted_text")
            .property("use_inner_text", Kind::Boolean, false)
            .property("strict", Kind::Boolean, false)
            .property("trim_whitespace", Kind::Boolean, true)
            .output("text", Kind::Text),
        one(node("GetAttributeNode", Effect::Reads, "Reads an attribute of an element.", act!(read::attribute)))
            .input("attribute", Kind::Text)
            .property("variable_name", Kind::Text, "attribute_value")
            .property("strict", Kind::Boolean, false)
            .output("value", Kind::Text),
        tries(limited(paged(node(
            "ScreenshotNode",
            Effect::Writes,
            "Takes a picture of the page, or of an element, into a file.",
            act!(read::screenshot),
        ))))
        .alias("BrowserScreenshotNode")
        .input("file_path", Kind::Text)
        .optional("selector", Kind::Text)
        .optional("fallback_selectors", Kind::Any)
        .property("full_page", Kind::Boolean, false)
        .property("type", Kind::Choice(&["png", "jpeg"]), "png")
        .optional("quality", Kind::Integer)
        .property("scale", Kind::Choice(&["css", "device"]), "device")
        .property("animations", Kind::Choice(&["allow", "disabled"]), "allow")
        .property("omit_background", Kind::Boolean, false)
        .property("caret", Kind::Choice(&["hide", "initial"]), "hide")
        .output("file_path", Kind::Text)
        .output("attachment_file", Kind::List),
        pictures(tries(limited(paged(node(
            "TableScraperNode",
            Effect::Reads,
            "Reads a table: dicts by its headers, lists, or CSV.",
            act!(read::table),
        )))))
        .input_or("table_selector", Kind::Text, "table")
        .optional("fallback_selectors", Kind::Any)
        .property("include_headers", Kind::Boolean, true)
        .property("output_format", TABLES, "list_of_dicts")
        .property("skip_rows", Kind::Integer, 0)
        .property("max_rows", Kind::Integer, 0)
        .property("output_variable", Kind::Text, "table_data")
        .output("data", Kind::Any)
        .output("row_count", Kind::Integer)
        .output("headers", Kind::List),
        pictures(tries(limited(paged(node(
            "BrowserEvaluateNode",
            Effect::Once,
            "Runs JavaScript in the page: an expression, a function that is given `arg`, or statements with `return`.",
            act!(script::evaluate),
        )))))
        .doubtful_if(|_| true)
        .input("script", Kind::Text)
        .key("expression", "script")
        .input("arg", Kind::Any)
        .optional("wait_for_selector", Kind::Text)
        .property("return_json", Kind::Boolean, true)
        .optional("store_variable", Kind::Text)
        .output("result", Kind::Any)
        .output("success", Kind::Boolean)
        .output("error", Kind::Text),
        gives_page(tries(limited(paged(node(
            "BrowserRunScriptNode",
            Effect::Once,
            "Runs JavaScript in the page. Scripts in Python, which drive a browser of their own kind, are refused.",
            act!(script::run),
        )))))
        .doubtful_if(|_| true)
        .needs("script", Kind::Text)
        .output("result", Kind::Any),
        gives_page(one(node(
            "WaitForElementNode",
            Effect::Reads,
            "Waits until an element is there, can be seen, or is gone.",
            act!(read::wait),
        )))
        .property("state", STATES, "visible")
        .property("strict", Kind::Boolean, false)
        .property("highlight_on_find", Kind::Boolean, false)
        .output("found", Kind::Boolean),
        gives_page(stage(pictures(tries(limited(paged(node(
            "WaitForNavigationNode",
            Effect::Reads,
            "Waits until the page that it goes to is there.",
            act!(travel::arrive),
        ))))))),
        gives_page(pictures(paged(node(
            "FormFillerNode",
            Effect::Once,
            "Fills in the fields of a form: those of `field_mapping`, names or selectors with values, and those that FormFieldNodes \
             collected. With `auto_submit` it submits the form.",
            act!(forms::fill),
        ))))
        .doubtful_if(|work| work.flag("auto_submit"))
        .input("field_mapping", Kind::Any)
        .input("fields_in", Kind::List)
        .property("form_selector", Kind::Text, "form")
        .property("fast_mode", Kind::Boolean, false)
        .property("auto_submit", Kind::Boolean, false)
        .property("clear_first", Kind::Boolean, true)
        .property("wait_between_fields", Kind::Integer, 0)
        .property("timeout", Kind::Integer, 5000)
        .output("fields_filled", Kind::Integer)
        .output("form_data", Kind::Any),
    ];
    types.push(form_field());
    types.extend([
        gives_page(limited(paged(node(
            "BrowserAlertHandleNode",
            Effect::Once,
            "Answers the dialog that a click on `trigger_selector` opens, or the next one.",
            act!(dialogs::answer),
        ))))
        .doubtful_if(|work| !work.text("trigger_selector").trim().is_empty())
        .input("trigger_selector", Kind::Text)
        .property("action", Kind::Choice(&["accept", "dismiss"]), "accept")
        .optional("prompt_text", Kind::Text)
        .output("message", Kind::Text)
        .output("dialog_type", Kind::Text)
        .output("action_taken", Kind::Text)
        .output("success", Kind::Boolean),
        gives_page(limited(paged(node(
            "CookieManagementNode",
            Effect::Writes,
            "Reads, sets and removes cookies. `get` gives those of the page, `export` all.",
            act!(cookies::manage),
        ))))
        .input("cookies_input", Kind::Any)
        .property("operation", Kind::Choice(COOKIES), "get")
        .optional("cookie_name", Kind::Text)
        .optional("cookie_value", Kind::Text)
        .optional("cookies_json", Kind::Any)
        .optional("domain", Kind::Text)
        .property("path", Kind::Text, "/")
        .property("expires", Kind::Float, 0)
        .property("secure", Kind::Boolean, false)
        .property("http_only", Kind::Boolean, false)
        .property("same_site", Kind::Choice(&["None", "Lax", "Strict"]), "None")
        .output("cookies", Kind::Text)
        .output("cookie", Kind::Dict)
        .output("success", Kind::Boolean)
        .output("count", Kind::Integer),
        gives_page(paged(node(
            "DetectFormsNode",
            Effect::Reads,
            "Lists the forms of a page and their fields.",
            act!(forms::detect),
        )))
        .property("container", Kind::Text, "body")
        .property("include_hidden", Kind::Boolean, false)
        .optional("output_variable", Kind::Text)
        .output("forms", Kind::List)
        .output("form_count", Kind::Integer)
        .output("field_count", Kind::Integer)
        .output("fields", Kind::List),
        node(
            "GetAllImagesNode",
            Effect::Reads,
            "Lists the addresses of the images of a page.",
            act!(read::images),
        )
        .property("min_width", Kind::Integer, 0)
        .property("min_height", Kind::Integer, 0)
        .property("include_backgrounds", Kind::Boolean, true)
        .optional("file_types", Kind::Text)
        .output("images", Kind::List)
        .output("count", Kind::Integer),
        node(
            "DownloadFileNode",
            Effect::Writes,
            "Downloads a file; with `use_browser`, with the cookies of the browser. It is there as a whole, or as it was.",
            act!(downloads::download),
        )
        .needs("url", Kind::Text)
        .input("filename", Kind::Text)
        .optional("save_path", Kind::Text)
        .property("use_browser", Kind::Boolean, false)
        .property("timeout", Kind::Integer, 30000)
        .property("overwrite", Kind::Boolean, true)
        .property("verify_ssl", Kind::Boolean, true)
        .output("path", Kind::Text)
        .output("attachment_file", Kind::List)
        .output("size", Kind::Integer)
        .output("success", Kind::Boolean),
    ]);
    types
}

/// It only collects: a FormFillerNode fills in.
fn form_field() -> NodeType {
    NodeType::compute(
        "FormFieldNode",
        "Adds a field and its value to those that a FormFillerNode is to fill in.",
        |call| {
            let field = json!({
                "selector": call.text("selector"), "value": call.value("value"),
                "type": call.text("field_type"), "clear_first": call.flag("clear_first"),
            });
            let mut fields = call.list("fields_in");
            fields.push(field.clone());
            if let Some(page) = call.get("page").cloned() {
                call.give("page", page);
            }
            call.give("fields_out", fields);
            call.give("field", field);
            Ok(())
        },
    )
    .input("page", Kind::Any)
    .input("fields_in", Kind::List)
    .needs("selector", Kind::Text)
    .needs("value", Kind::Any)
    .property("field_type", FIELDS, "text")
    .property("clear_first", Kind::Boolean, true)
    .output("page", Kind::Any)
    .output("fields_out", Kind::List)
    .output("field", Kind::Any)
}
