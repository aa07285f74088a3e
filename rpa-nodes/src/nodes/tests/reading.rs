//! Nodes that read documents with a model: real files, and a real endpoint.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::llm::{ask, gives, said};
use super::{check, fails};

fn pdf(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pdf");
    folder.join(name).display().to_string()
}

fn answer(value: Value) -> (u16, &'static str, Value) {
    said(&value.to_string())
}

#[test]
fn a_model_is_shown_the_text_of_a_pdf_and_what_a_picture_shows() {
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("scan.PNG");
    fs::write(&picture, b"\x89PNG").unwrap();
    let note = folder.path().join("note.txt");
    fs::write(&note, "A note.").unwrap();
    let classified =
        || answer(json!({"category": "Letter", "scores": {"letter": 0.9, "invoice": 0.2}}));
    let classify = |document: &str| {
        let (result, asked) = ask(
            "ClassifyDocumentNode",
            json!({"document": document}),
            vec![classified()],
        );
        assert!(result.success, "{:?}", result.error);
        (
            result.outputs["n"].clone(),
            asked[0].1["messages"][1]["content"].clone(),
        )
    };

    let (given, shown) = classify(&pdf("letter.pdf"));
    assert_eq!(
        (&given["document_type"], &given["confidence"]),
        (&json!("letter"), &json!(0.9))
    );
    assert_eq!(given["all_scores"]["invoice"], 0.2);
    assert!(shown.as_str().unwrap().len() > 100, "{shown}");
    let (_, shown) = classify(&picture.display().to_string());
    assert_eq!(
        shown[1],
        json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}})
    );
    let (_, shown) = classify(&note.display().to_string());
    assert!(
        shown.as_str().unwrap().ends_with("The document:\nA note."),
        "{shown}"
    );
    let (_, shown) = classify("Dear Ada, how are you?");
    assert!(
        shown.as_str().unwrap().ends_with("Dear Ada, how are you?"),
        "{shown}"
    );

    let error = fails("ClassifyDocumentNode", json!({"document": "nowhere.pdf"}));
    assert!(error.starts_with("FileNotFoundError"), "{error}");
    let config = json!({"document": "d", "categories": ["a", "b"]});
    let other = || answer(json!({"category": "c"}));
    let (result, asked) = ask("ClassifyDocumentNode", config, vec![other(), other()]);
    assert!(
        result
            .error
            .unwrap()
            .contains("`c` is none of the categories")
    );
    assert_eq!(asked.len(), 2);
}

#[test]
fn an_invoice_says_what_has_to_be_paid_and_a_person_looks_where_that_is_not_sure() {
    let whole = json!({"vendor_name": "Mill", "invoice_number": 7, "invoice_date": "2026-11-22", "due_date": null,
        "total_amount": "119.00 EUR", "currency": "EUR", "subtotal": 100, "tax_amount": 19, "confidence": 0.95,
        "line_items": [{"description": "flour", "amount": 100}], "order": "A1"});
    let config = json!({"document": "An invoice.", "custom_fields": "order"});
    let given = gives(
        "ExtractInvoiceNode",
        config.clone(),
        vec![answer(whole.clone())],
    );
    assert_eq!(
        (
            &given["vendor_name"],
            &given["invoice_number"],
            &given["due_date"]
        ),
        (&json!("Mill"), &json!("7"), &json!(""))
    );
    assert_eq!(
        (&given["total_amount"], &given["needs_review"]),
        (&json!(119.0), &json!(false))
    );
    assert_eq!(given["raw_extraction"]["order"], "A1");
    assert_eq!(given["line_items"][0]["description"], "flour");

    for (key, value) in [("confidence", json!(0.5)), ("total_amount", Value::Null)] {
        let mut doubtful = whole.clone();
        doubtful[key] = value;
        let given = gives("ExtractInvoiceNode", config.clone(), vec![answer(doubtful)]);
        assert_eq!(given["needs_review"], true, "{key}");
    }
    let (result, _) = ask("ExtractInvoiceNode", config, vec![said("{}"), said("{}")]);
    assert!(result.error.unwrap().contains("`vendor_name` is missing"));
}

#[test]
fn the_fields_of_a_form_and_the_tables_of_a_document_are_taken_out() {
    let schema = json!({"name": "who fills it in", "born": "date of birth"});
    let config =
        json!({"document": "Form", "field_schema": schema.to_string(), "fuzzy_match": false});
    let fields =
        answer(json!({"fields": {"name": "Ada", "born": null, "else": 1}, "confidence": 1}));
    let (result, asked) = ask("ExtractFormNode", config, vec![fields]);
    let given = &result.outputs["n"];
    assert_eq!(
        given["extracted_fields"],
        json!({"name": "Ada"}),
        "{:?}",
        result.error
    );
    assert_eq!(
        (&given["unmatched_fields"], &given["needs_review"]),
        (&json!(["born"]), &json!(true))
    );
    assert!(
        asked[0].1["messages"][0]["content"]
            .as_str()
            .unwrap()
            .contains("exactly this name")
    );

    let table =
        json!({"headers": ["item", "count"], "rows": [["bread", 2], ["tea", 1], ["salt", 0]]});
    let given = gives(
        "ExtractTableNode",
        json!({"document": "d", "table_hint": "the stock"}),
        vec![answer(json!({"tables": [table], "confidence": 0.7}))],
    );
    assert_eq!(
        (
            &given["row_count"],
            &given["column_count"],
            &given["confidence"]
        ),
        (&json!(3), &json!(2), &json!(0.7))
    );
    assert_eq!(given["tables"][0], table);
    let ragged = || answer(json!({"tables": [{"headers": ["a"], "rows": [[1, 2]]}]}));
    let (result, _) = ask(
        "ExtractTableNode",
        json!({"document": "d"}),
        vec![ragged(), ragged()],
    );
    assert!(result.error.unwrap().contains("a value for each header"));
}

#[test]
fn extracted_data_is_checked_by_rules() {
    let rules = json!({"total": {"type": "number", "min": 0, "max": 100}, "currency": {"pattern": "^[A-Z]{3}$"},
        "date": {"type": "date"}, "kind": {"allowed": ["a", "b"]}});
    let of = |extraction: Value| json!({"extraction": extraction, "required_fields": ["total", "name"], "validation_rules": rules});
    check(
        "ValidateExtractionNode",
        &[
            (
                of(
                    json!({"total": "99.5", "name": "Mill", "currency": "EUR", "date": "2026-11-22"}),
                ),
                json!({"is_valid": true, "needs_review": false, "confidence_score": 1.0, "validation_errors": [],
                    "field_status": {"total": "valid", "name": "valid", "currency": "valid", "date": "valid", "kind": "absent"}}),
            ),
            (
                of(
                    json!({"total": 120, "name": " ", "currency": "Euro", "date": "soon", "kind": "c"}),
                ),
                json!({"is_valid": false, "needs_review": true, "confidence_score": 0.0,
                    "validation_errors": ["`total` is more than 100", "`name` is missing",
                        "`currency` does not fit the pattern ^[A-Z]{3}$", "`date` is a text, not a date", "`kind` is none of ['a', 'b']"],
                    "field_status": {"total": "invalid", "name": "missing", "currency": "invalid", "date": "invalid", "kind": "invalid"}}),
            ),
            (
                of(json!({"total": 1, "name": "m", "confidence": 0.5})),
                json!({"is_valid": true, "needs_review": true, "confidence_score": 0.5}),
            ),
        ],
    );
    let error = fails(
        "ValidateExtractionNode",
        json!({"extraction": {"a": 1}, "required_fields": ["a"], "validation_rules": {"a": {"mim": 1}}}),
    );
    assert!(error.contains("`mim`, which there is not"), "{error}");
}
