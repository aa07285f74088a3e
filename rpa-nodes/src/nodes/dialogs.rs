//! Dialogs of a desktop. Nobody sits at one here: they are refused before a run, unless it is asked to answer them itself.

use serde_json::{Value, json};

use crate::catalogue::{Kind, NodeType};
use crate::fault::Fault;
use crate::value::{Object, text};
use crate::visit::Call;

/// What a dialog takes: name, type, and the default as a text.
type Takes = &'static [(&'static str, Kind, Option<&'static str>)];
/// What it gives.
type Gives = &'static [(&'static str, Kind)];

const TEXT: Kind = Kind::Text;
const YES: Kind = Kind::Boolean;
const NUMBER: Kind = Kind::Integer;
const BUTTONS: Kind = Kind::Choice(&["ok", "ok_cancel", "yes_no", "yes_no_cancel"]);
const SUCCESS: Gives = &[("success", YES)];

pub(super) fn types() -> Vec<NodeType> {
    vec![
        dialog(
            "MessageBoxNode",
            "A message: its `default_button` is pressed, or else the first.",
            message_box,
            &[
                ("title", TEXT, Some("Message")),
                ("message", TEXT, None),
                ("detailed_text", TEXT, None),
                ("icon_type", TEXT, Some("information")),
                ("buttons", BUTTONS, Some("ok")),
                ("default_button", TEXT, None),
                ("always_on_top", YES, None),
                ("play_sound", YES, None),
                ("auto_close_timeout", NUMBER, None),
            ],
            &[("result", TEXT), ("accepted", YES)],
        ),
        dialog(
            "ConfirmDialogNode",
            "A question: the answer is yes.",
            confirm,
            &[
                ("title", TEXT, Some("Confirm")),
                ("message", TEXT, Some("Are you sure?")),
                ("icon_type", TEXT, Some("question")),
                ("always_on_top", YES, None),
                ("button_yes_text", TEXT, Some("Yes")),
                ("button_no_text", TEXT, Some("No")),
            ],
            &[("confirmed", YES), ("button_clicked", TEXT)],
        ),
        dialog(
            "InputDialogNode",
            "A line to fill in: `default_value` is.",
            input,
            &[
                ("title", TEXT, Some("Input")),
                ("prompt", TEXT, Some("Enter value:")),
                ("default_value", TEXT, Some("")),
                ("password_mode", YES, None),
            ],
            &[("value", TEXT), ("confirmed", YES)],
        ),
        dialog(
            "MultilineInputDialogNode",
            "A text to fill in: `default_text` is.",
            lines,
            &[
                ("title", TEXT, Some("Enter Text")),
                ("default_text", TEXT, Some("")),
                ("placeholder", TEXT, None),
                ("max_chars", NUMBER, None),
            ],
            &[("text", TEXT), ("confirmed", YES), ("char_count", NUMBER)],
        ),
        dialog(
            "CredentialDialogNode",
            "A name and a password: nobody gives any; use `{{$secret:name}}`.",
            |_| json!({"username": "", "password": "", "remember": false, "confirmed": false}),
            &[
                ("title", TEXT, Some("Login")),
                ("username_label", TEXT, None),
                ("password_label", TEXT, None),
                ("show_remember", YES, None),
                ("mask_password", YES, None),
            ],
            &[
                ("username", TEXT),
                ("password", TEXT),
                ("remember", YES),
                ("confirmed", YES),
            ],
        ),
        dialog(
            "TooltipNode",
            "A note: it is logged.",
            shown,
            &[
                ("message", TEXT, None),
                ("duration", NUMBER, None),
                ("bg_color", TEXT, None),
                ("tooltip_text_color", TEXT, None),
                ("position", TEXT, None),
                ("click_to_dismiss", YES, None),
                ("max_width", NUMBER, None),
                ("tooltip_icon", TEXT, None),
                ("fade_animation", YES, None),
            ],
            SUCCESS,
        ),
        dialog(
            "SystemNotificationNode",
            "A notification: it is logged.",
            |_| json!({"success": true, "click_action": false}),
            &[
                ("title", TEXT, Some("Notification")),
                ("message", TEXT, None),
                ("duration", NUMBER, None),
                ("icon_type", TEXT, None),
                ("action_buttons", TEXT, None),
                ("play_sound", YES, None),
                ("priority", TEXT, None),
            ],
            &[("success", YES), ("click_action", YES)],
        ),
        dialog(
            "SnackbarNode",
            "A note: it is logged, and its action is not clicked.",
            |_| json!({"success": true, "action_clicked": false}),
            &[
                ("message", TEXT, None),
                ("duration", NUMBER, None),
                ("position", TEXT, None),
                ("action_text", TEXT, None),
                ("bg_color", TEXT, None),
            ],
            &[("action_clicked", YES), ("success", YES)],
        ),
        dialog(
            "BalloonTipNode",
            "A note: it is logged.",
            shown,
            &[
                ("message", TEXT, None),
                ("title", TEXT, None),
                ("x", NUMBER, None),
                ("y", NUMBER, None),
                ("duration", NUMBER, None),
                ("icon_type", TEXT, None),
            ],
            SUCCESS,
        ),
        dialog(
            "AudioAlertNode",
            "A sound: nothing is heard.",
            shown,
            &[
                ("file_path", TEXT, None),
                ("use_beep", YES, None),
                ("frequency", NUMBER, None),
                ("beep_duration", NUMBER, None),
                ("loop", YES, None),
            ],
            SUCCESS,
        ),
        dialog(
            "SplashScreenNode",
            "A picture at the start: its message is logged.",
            shown,
            &[
                ("message", TEXT, Some("Loading...")),
                ("image_path", TEXT, None),
                ("duration", NUMBER, None),
                ("progress", YES, None),
            ],
            SUCCESS,
        ),
        dialog(
            "ProgressDialogNode",
            "How far something is: it is not canceled.",
            |_| json!({"canceled": false}),
            &[
                ("value", NUMBER, None),
                ("title", TEXT, Some("Progress")),
                ("message", TEXT, Some("Processing...")),
                ("show_percent", YES, None),
                ("allow_cancel", YES, None),
                ("indeterminate", YES, None),
            ],
            &[("canceled", YES)],
        ),
        dialog(
            "FilePickerDialogNode",
            "A file to choose: none is.",
            |_| json!({"file_path": null, "selected": false}),
            &[
                ("title", TEXT, Some("Select File")),
                ("filter", TEXT, None),
                ("multi_select", YES, None),
                ("start_directory", TEXT, None),
            ],
            &[("file_path", Kind::Any), ("selected", YES)],
        ),
        dialog(
            "FolderPickerDialogNode",
            "A folder to choose: none is.",
            |_| json!({"folder_path": "", "selected": false}),
            &[
                ("title", TEXT, Some("Select Folder")),
                ("start_directory", TEXT, None),
            ],
            &[("folder_path", TEXT), ("selected", YES)],
        ),
        dialog(
            "DateTimePickerDialogNode",
            "A time to choose: none is.",
            |_| json!({"value": "", "timestamp": null, "selected": false}),
            &[
                ("title", TEXT, None),
                ("mode", TEXT, None),
                ("format", TEXT, None),
                ("min_date", TEXT, None),
                ("max_date", TEXT, None),
            ],
            &[("value", TEXT), ("timestamp", NUMBER), ("selected", YES)],
        ),
        dialog(
            "ColorPickerDialogNode",
            "A color to choose: `initial_color` is.",
            color,
            &[
                ("title", TEXT, Some("Select Color")),
                ("initial_color", TEXT, Some("#ffffff")),
                ("show_alpha", YES, None),
            ],
            &[("color", TEXT), ("selected", YES), ("rgb", Kind::Dict)],
        ),
        dialog(
            "WizardDialogNode",
            "Steps of forms: each is gone through, and its fields have their `default`s.",
            wizard,
            &[
                ("steps", Kind::Any, None),
                ("title", TEXT, Some("Wizard")),
                ("allow_back", YES, None),
            ],
            &[
                ("data", Kind::Dict),
                ("completed", YES),
                ("canceled", YES),
                ("last_step", NUMBER),
            ],
        ),
        dialog(
            "PDFPreviewDialogNode",
            "A PDF: it is confirmed, and its pages are not counted.",
            |call| json!({"confirmed": true, "current_page": call.integer("initial_page").unwrap_or(1), "page_count": null}),
            &[
                ("pdf_path", TEXT, None),
                ("initial_page", NUMBER, None),
                ("zoom", Kind::Float, None),
            ],
            &[
                ("confirmed", YES),
                ("current_page", NUMBER),
                ("page_count", NUMBER),
            ],
        ),
        dialog(
            "ListPickerDialogNode",
            "Something to choose: `default_selection` is, if it is given.",
            list,
            &[
                ("items", Kind::Any, None),
                ("title", TEXT, Some("Select Item")),
                ("multi_select", YES, None),
                ("search_enabled", YES, None),
                ("default_selection", TEXT, None),
            ],
            &[("selected", Kind::Any), ("confirmed", YES)],
        ),
        dialog(
            "FormDialogNode",
            "A form: each of its fields has its `default`.",
            form,
            &[("fields", Kind::Any, None), ("title", TEXT, Some("Form"))],
            &[("data", Kind::Dict), ("confirmed", YES)],
        ),
        dialog(
            "ImagePreviewDialogNode",
            "A picture: it is confirmed.",
            |_| json!({"confirmed": true, "canceled": false}),
            &[
                ("image_path", TEXT, None),
                ("title", TEXT, None),
                ("scale", Kind::Float, None),
                ("allow_zoom", YES, None),
            ],
            &[("confirmed", YES), ("canceled", YES)],
        ),
        dialog(
            "TableDialogNode",
            "A table: it is confirmed, and no row is chosen.",
            |_| json!({"selected_row": null, "selected_index": -1, "confirmed": true}),
            &[
                ("data", Kind::Any, None),
                ("title", TEXT, None),
                ("columns", TEXT, None),
                ("selectable", YES, None),
            ],
            &[
                ("selected_row", Kind::Any),
                ("selected_index", NUMBER),
                ("confirmed", YES),
            ],
        ),
    ]
}

/// A dialog: what it is, what it answers by itself, what it takes and gives.
fn dialog(
    name: &'static str,
    summary: &'static str,
    answer: fn(&Call<'_>) -> Value,
    takes: Takes,
    gives: Gives,
) -> NodeType {
    let mut node_type = NodeType::compute(name, summary, perform)
        .answers(answer)
        .optional("headless_answer", Kind::Dict);
    for (input, kind, default) in takes {
        node_type = match default {
            Some(default) => node_type.input_or(input, *kind, *default),
            None => node_type.input(input, *kind),
        };
    }
    for (output, kind) in gives {
        node_type = node_type.output(output, *kind);
    }
    node_type
}

/// Answers: with what the node says in `headless_answer`, and else by itself.
fn perform(call: &mut Call<'_>) -> Result<(), Fault> {
    let answer = call.node_type().and_then(|node_type| node_type.answer);
    let mut outputs = match answer.map(|answer| answer(call)) {
        Some(Value::Object(outputs)) => outputs,
        _ => Object::new(),
    };
    outputs.extend(call.dict("headless_answer"));
    let words = ["title", "message", "prompt"].map(|name| call.text(name));
    let words: Vec<String> = words
        .into_iter()
        .filter(|words| !words.trim().is_empty())
        .collect();
    call.log(
        "info",
        format!("dialog answered by nobody: {}", words.join(" – ")),
    );
    for (name, value) in outputs {
        call.give(&name, value);
    }
    Ok(())
}

fn shown(_: &Call<'_>) -> Value {
    json!({"success": true})
}

fn message_box(call: &Call<'_>) -> Value {
    let first = match call.text("buttons").as_str() {
        "yes_no" | "yes_no_cancel" => "yes",
        _ => "ok",
    };
    let pressed = match call.text("default_button").trim().to_lowercase() {
        nothing if nothing.is_empty() => first.to_owned(),
        button => button,
    };
    json!({"accepted": matches!(pressed.as_str(), "ok" | "yes"), "result": pressed})
}

fn confirm(call: &Call<'_>) -> Value {
    json!({"confirmed": true, "button_clicked": call.text("button_yes_text")})
}

fn input(call: &Call<'_>) -> Value {
    json!({"value": call.text("default_value"), "confirmed": true})
}

fn lines(call: &Call<'_>) -> Value {
    let said = call.text("default_text");
    json!({"char_count": said.chars().count(), "text": said, "confirmed": true})
}

fn list(call: &Call<'_>) -> Value {
    let chosen = call.text("default_selection");
    match chosen.trim().is_empty() {
        true => json!({"selected": null, "confirmed": false}),
        false => json!({"selected": chosen, "confirmed": true}),
    }
}

fn form(call: &Call<'_>) -> Value {
    json!({"data": defaults(&listed(call, "fields")), "confirmed": true})
}

fn wizard(call: &Call<'_>) -> Value {
    let steps = listed(call, "steps");
    let fields = steps
        .iter()
        .filter_map(|step| step.get("fields")?.as_array());
    let fields: Vec<Value> = fields.flatten().cloned().collect();
    json!({"data": defaults(&fields), "completed": true, "canceled": false, "last_step": steps.len()})
}

fn color(call: &Call<'_>) -> Value {
    let color = call.text("initial_color");
    let digits = color.trim_start_matches('#');
    let part = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    let rgb = json!({"r": part(0), "g": part(2), "b": part(4)});
    json!({"color": color, "selected": true, "rgb": rgb})
}

/// A list, or a JSON text of one.
fn listed(call: &Call<'_>, name: &str) -> Vec<Value> {
    let list = match call.get(name) {
        Some(Value::String(said)) => serde_json::from_str(said).unwrap_or_default(),
        other => other.cloned().unwrap_or_default(),
    };
    list.as_array().cloned().unwrap_or_default()
}

/// The fields of a form with what they have when nobody changes them.
fn defaults(fields: &[Value]) -> Object {
    let data = fields.iter().filter_map(|field| {
        let name = field.get("name").map(text)?;
        let default = ["default", "default_value", "value"]
            .iter()
            .find_map(|key| field.get(*key));
        Some((name, default.cloned().unwrap_or_default()))
    });
    data.collect()
}
