//! Dialogs where nobody sits at a desktop.

use serde_json::{Value, json};

use super::{check, gives, run};
use crate::document;
use crate::{headless, lenient};

#[test]
fn dialogs_answer_with_their_defaults() {
    check(
        "MessageBoxNode",
        &[
            (
                json!({"message": "Done"}),
                json!({"result": "ok", "accepted": true}),
            ),
            (
                json!({"buttons": "yes_no_cancel"}),
                json!({"result": "yes", "accepted": true}),
            ),
            (
                json!({"buttons": "yes_no", "default_button": "No"}),
                json!({"result": "no", "accepted": false}),
            ),
        ],
    );
    check(
        "ConfirmDialogNode",
        &[(
            json!({"button_yes_text": "Go"}),
            json!({"confirmed": true, "button_clicked": "Go"}),
        )],
    );
    check(
        "InputDialogNode",
        &[(
            json!({"default_value": "7"}),
            json!({"value": "7", "confirmed": true}),
        )],
    );
    check(
        "MultilineInputDialogNode",
        &[(
            json!({"default_text": "zwölf"}),
            json!({"text": "zwölf", "char_count": 5}),
        )],
    );
    check(
        "CredentialDialogNode",
        &[(
            json!({}),
            json!({"username": "", "password": "", "confirmed": false}),
        )],
    );
    check(
        "ListPickerDialogNode",
        &[
            (
                json!({"items": ["a", "b"], "default_selection": "b"}),
                json!({"selected": "b", "confirmed": true}),
            ),
            (
                json!({"items": "a,b"}),
                json!({"selected": null, "confirmed": false}),
            ),
        ],
    );
    let fields = json!([{"name": "age", "default": 7}, {"name": "city"}]);
    check(
        "FormDialogNode",
        &[
            (
                json!({"fields": fields}),
                json!({"data": {"age": 7, "city": null}, "confirmed": true}),
            ),
            (
                json!({"fields": fields.to_string()}),
                json!({"data": {"age": 7, "city": null}}),
            ),
        ],
    );
    check(
        "FilePickerDialogNode",
        &[(json!({}), json!({"file_path": null, "selected": false}))],
    );
    check(
        "FolderPickerDialogNode",
        &[(json!({}), json!({"folder_path": "", "selected": false}))],
    );
    check(
        "DateTimePickerDialogNode",
        &[(
            json!({"mode": "date"}),
            json!({"value": "", "selected": false}),
        )],
    );
    check(
        "TableDialogNode",
        &[(
            json!({"data": [[1]]}),
            json!({"selected_index": -1, "confirmed": true}),
        )],
    );
    check(
        "ImagePreviewDialogNode",
        &[(
            json!({"image_path": "a.png"}),
            json!({"confirmed": true, "canceled": false}),
        )],
    );
    check(
        "ProgressDialogNode",
        &[(json!({"value": "3"}), json!({"canceled": false}))],
    );
    check(
        "SnackbarNode",
        &[(
            json!({"message": "m"}),
            json!({"success": true, "action_clicked": false}),
        )],
    );
    check(
        "SystemNotificationNode",
        &[(
            json!({"message": "m"}),
            json!({"success": true, "click_action": false}),
        )],
    );
    check(
        "ColorPickerDialogNode",
        &[(
            json!({"initial_color": "#0a10ff"}),
            json!({"color": "#0a10ff", "rgb": {"r": 10, "g": 16, "b": 255}}),
        )],
    );
    let steps = json!([{"fields": fields}, {"title": "End"}]);
    check(
        "WizardDialogNode",
        &[(
            json!({"steps": steps}),
            json!({"data": {"age": 7, "city": null}, "completed": true, "last_step": 2}),
        )],
    );
    check(
        "PDFPreviewDialogNode",
        &[(
            json!({"pdf_path": "a.pdf", "initial_page": 3}),
            json!({"confirmed": true, "current_page": 3}),
        )],
    );
    for node_type in [
        "TooltipNode",
        "BalloonTipNode",
        "AudioAlertNode",
        "SplashScreenNode",
    ] {
        assert_eq!(
            gives(node_type, json!({})),
            json!({"success": true}),
            "{node_type}"
        );
    }
}

#[test]
fn a_dialog_may_say_what_is_answered_and_what_it_says_is_logged() {
    let config =
        json!({"title": "Open", "headless_answer": {"file_path": "in.csv", "selected": true}});
    let result = run("FilePickerDialogNode", config);
    assert_eq!(
        result.outputs["n"],
        json!({"file_path": "in.csv", "selected": true})
    );
    assert_eq!(result.logs, ["dialog answered by nobody: Open"]);
}

#[test]
fn a_workflow_with_dialogs_is_refused_unless_they_may_answer_themselves() {
    let nodes =
        json!([{"id": "start", "type": "StartNode"}, {"id": "ask", "type": "MessageBoxNode"}]);
    let text = json!({"name": "t", "nodes": nodes,
        "connections": [{"out": ["start", "exec_out"], "in": ["ask", "exec_in"]}]});
    let load = || document::load(&text.to_string()).unwrap();
    let codes = |said: &[crate::diagnostic::Diagnostic]| -> Vec<Value> {
        let errors = said.iter().filter(|said| said.is_error());
        errors
            .map(|said| {
                json!([
                    said.pointer.to_string(),
                    said.fix.contains("--headless-policy answer")
                ])
            })
            .collect()
    };
    assert_eq!(
        codes(&crate::check::check(&load())),
        [json!(["/nodes/1/type", true])]
    );
    let mut answered = load();
    headless::answer(&mut answered);
    assert!(crate::check::check(&answered).is_empty());
    let again = document::load(&serde_json::to_string(&answered.workflow).unwrap()).unwrap();
    assert!(
        headless::answers(&again.workflow),
        "it is kept with the workflow"
    );
    let mut mended = load();
    assert_eq!(codes(&lenient::mend(&mut mended)), Vec::<Value>::new());
    assert!(mended.workflow.nodes.get("ask").unwrap().disabled);
}
