use serde_json::{Value, json};

use super::document::shown;
use super::endpoint::Endpoint;
use super::parse::ask_about;
use super::{choices, done, node, share, validate};
use crate::catalogue::{Kind, NodeType};
use crate::fault::Fault;
use crate::value::{Object, read_number, text};
use crate::visit::Work;

const KINDS: [&str; 8] = [
    "invoice",
    "receipt",
    "contract",
    "form",
    "letter",
    "report",
    "statement",
    "other",
];
/// What an invoice says, and of what type it is.
const INVOICE: [(&str, &str); 9] = [
    ("vendor_name", "text"),
    ("invoice_number", "text"),
    ("invoice_date", "text, YYYY-MM-DD"),
    ("due_date", "text, YYYY-MM-DD"),
    ("total_amount", "number"),
    ("currency", "text, ISO 4217"),
    ("subtotal", "number"),
    ("tax_amount", "number"),
    (
        "line_items",
        "list of objects with description, quantity, unit_price and amount",
    ),
];
/// Without these nobody can pay an invoice.
const VITAL: [&str; 3] = ["vendor_name", "invoice_number", "total_amount"];
/// A model that is less sure than this is looked after by a person.
const SURE: f64 = 0.8;

pub(in crate::nodes) fn types() -> Vec<NodeType> {
    let reads = |name, summary, perform| {
        node(name, summary, perform)
            .needs("document", Kind::Text)
            .input_or("model", Kind::Text, "gpt-4o")
            .property("temperature", Kind::Float, json!(0.0))
            .output("confidence", Kind::Float)
    };
    let doubts = |node_type: NodeType| node_type.output("needs_review", Kind::Boolean);
    vec![
        reads(
            "ClassifyDocumentNode",
            "Says what kind of document one is. `document` is the path of a PDF, a picture or a text, or the text itself.",
            classify,
        )
        .input("categories", Kind::Any)
        .output("document_type", Kind::Text)
        .output("all_scores", Kind::Dict),
        doubts(reads(
            "ExtractInvoiceNode",
            "Takes out of an invoice what it says. `needs_review` is set where the model is not sure, or something vital is missing.",
            invoice,
        ))
        .input("custom_fields", Kind::Any)
        .output("vendor_name", Kind::Text)
        .output("invoice_number", Kind::Text)
        .output("invoice_date", Kind::Text)
        .output("due_date", Kind::Text)
        .output("total_amount", Kind::Float)
        .output("currency", Kind::Text)
        .output("subtotal", Kind::Float)
        .output("tax_amount", Kind::Float)
        .output("line_items", Kind::List)
        .output("raw_extraction", Kind::Dict),
        doubts(reads(
            "ExtractFormNode",
            "Takes the fields of `field_schema` out of a form: a dict of each name and what it means. With `fuzzy_match` they may be \
             called otherwise in the form.",
            form,
        ))
        .needs("field_schema", Kind::Dict)
        .input_or("fuzzy_match", Kind::Boolean, true)
        .output("extracted_fields", Kind::Dict)
        .output("unmatched_fields", Kind::List),
        reads("ExtractTableNode", "The tables of a document: of each its headers and its rows.", tables)
            .input("table_hint", Kind::Text)
            .output("tables", Kind::List)
            .output("row_count", Kind::Integer)
            .output("column_count", Kind::Integer),
        validate::node_type(),
    ]
}

/// Asks a model about a document.
fn ask(
    work: &mut Work,
    instructions: &str,
    question: &str,
    fits: &dyn Fn(&Object) -> Result<(), String>,
) -> Result<Object, Fault> {
    let question = shown(work, question)?;
    let mut endpoint = Endpoint::of(work)?;
    let (dict, _) = ask_about(work, &mut endpoint, instructions, question, fits)?;
    Ok(dict)
}

fn classify(work: &mut Work) -> Result<(), Fault> {
    let categories = match work.get("categories") {
        None | Some(Value::Null) => KINDS.map(str::to_owned).to_vec(),
        Some(Value::String(said)) if said.trim().is_empty() => KINDS.map(str::to_owned).to_vec(),
        Some(_) => choices(work, "categories")?,
    };
    let known = |dict: &Object| {
        let said = dict.get("category").map(text).unwrap_or_default();
        let mut known = categories.iter();
        known
            .find(|one| one.eq_ignore_ascii_case(said.trim()))
            .cloned()
            .ok_or_else(|| format!("`{said}` is none of the categories"))
    };
    let instructions = format!(
        "Classify a document. The categories are {}. Answer with a JSON object alone: \"category\" is one of them, spelled as \
         given; \"scores\" is an object with a number from 0 to 1 for each.",
        json!(categories)
    );
    let dict = ask(
        work,
        &instructions,
        "Which category is this document?",
        &|dict| known(dict).map(drop),
    )?;
    let chosen = known(&dict)?;
    let scores = match dict.get("scores") {
        Some(Value::Object(scores)) => scores.clone(),
        _ => Object::new(),
    };
    let all: Object = categories
        .iter()
        .map(|name| (name.clone(), json!(share(&scores, name))))
        .collect();
    work.give("confidence", share(&scores, &chosen));
    work.give("document_type", chosen);
    work.give("all_scores", all);
    done(work)
}

fn invoice(work: &mut Work) -> Result<(), Fault> {
    let mut fields: Vec<(String, String)> = INVOICE
        .iter()
        .map(|(name, kind)| ((*name).to_owned(), (*kind).to_owned()))
        .collect();
    if work
        .get("custom_fields")
        .is_some_and(|value| !value.is_null() && !text(value).is_empty())
    {
        fields.extend(
            choices(work, "custom_fields")?
                .into_iter()
                .map(|name| (name, "text".to_owned())),
        );
    }
    let listed: Vec<String> = fields
        .iter()
        .map(|(name, kind)| format!("\"{name}\" ({kind})"))
        .collect();
    let instructions = format!(
        "Take data out of an invoice. Answer with a JSON object alone. It has {}, and \"confidence\", a number from 0 to 1. What \
         the invoice does not say is null.",
        listed.join(", ")
    );
    let has_all = |dict: &Object| match VITAL.iter().find(|name| !dict.contains_key(**name)) {
        Some(name) => Err(format!("`{name}` is missing")),
        None => Ok(()),
    };
    let dict = ask(work, &instructions, "What does this invoice say?", &has_all)?;
    for (name, _) in INVOICE {
        let said = dict.get(name).cloned().unwrap_or_default();
        let given = match name {
            "total_amount" | "subtotal" | "tax_amount" => amount(&said),
            "line_items" if said.is_null() => json!([]),
            "line_items" => said,
            _ if said.is_null() => json!(""),
            _ => json!(text(&said)),
        };
        work.give(name, given);
    }
    let confidence = share(&dict, "confidence");
    let lacks = VITAL
        .iter()
        .any(|name| dict.get(*name).is_none_or(Value::is_null));
    work.give("needs_review", lacks || confidence < SURE);
    work.give("confidence", confidence);
    work.give("raw_extraction", dict);
    done(work)
}

/// An amount, which some models write with its currency.
fn amount(said: &Value) -> Value {
    if let Some(number) = read_number(said) {
        return json!(number);
    }
    let digits: String = text(said)
        .chars()
        .filter(|letter| letter.is_ascii_digit() || "-.".contains(*letter))
        .collect();
    digits
        .parse::<f64>()
        .map_or(Value::Null, |number| json!(number))
}

fn form(work: &mut Work) -> Result<(), Fault> {
    let schema = work.dict("field_schema");
    if schema.is_empty() {
        return Err(Fault::value(
            "nothing says which fields there are; set `field_schema`",
        ));
    }
    let named = match work.flag("fuzzy_match") {
        true => "A field may be called otherwise in the form, if it surely is the same.",
        false => "A field counts only where the form calls it by exactly this name.",
    };
    let instructions = format!(
        "Take the fields of a form out of it. {named} Answer with a JSON object alone: \"fields\" is an object with all of these \
         names, null where the form says nothing; \"confidence\" is a number from 0 to 1. The fields, and what they mean:\n{:#}",
        Value::Object(schema.clone())
    );
    let has_fields = |dict: &Object| match dict.get("fields") {
        Some(Value::Object(_)) => Ok(()),
        _ => Err("`fields` is no object".to_owned()),
    };
    let dict = ask(work, &instructions, "What does this form say?", &has_fields)?;
    let said = match dict.get("fields") {
        Some(Value::Object(fields)) => fields.clone(),
        _ => Object::new(),
    };
    let (mut fields, mut unmatched) = (Object::new(), Vec::new());
    for name in schema.keys() {
        match said.get(name).filter(|value| !value.is_null()) {
            Some(value) => drop(fields.insert(name.clone(), value.clone())),
            None => unmatched.push(name.clone()),
        }
    }
    let confidence = share(&dict, "confidence");
    work.give("needs_review", confidence < SURE || !unmatched.is_empty());
    work.give("extracted_fields", fields);
    work.give("unmatched_fields", unmatched);
    work.give("confidence", confidence);
    done(work)
}

fn tables(work: &mut Work) -> Result<(), Fault> {
    let which = match work.text("table_hint").trim() {
        "" => "all tables".to_owned(),
        hint => format!("the tables that this describes: {hint}"),
    };
    let instructions = format!(
        "Take {which} out of a document. Answer with a JSON object alone: \"tables\" is a list of objects with \"headers\", a list of \
         texts, and \"rows\", a list of lists with a value for each header; \"confidence\" is a number from 0 to 1."
    );
    let is_table = |table: &Value| {
        let headers = table.get("headers").and_then(Value::as_array);
        let rows = table.get("rows").and_then(Value::as_array);
        headers.zip(rows).is_some_and(|(headers, rows)| {
            let width = |row: &Value| row.as_array().map(Vec::len);
            rows.iter().all(|row| width(row) == Some(headers.len()))
        })
    };
    let fits = |dict: &Object| match dict.get("tables") {
        Some(Value::Array(tables)) if tables.iter().all(is_table) => Ok(()),
        _ => {
            Err("`tables` is no list of tables whose rows have a value for each header".to_owned())
        }
    };
    let dict = ask(
        work,
        &instructions,
        "Which tables does this document have?",
        &fits,
    )?;
    let tables = match dict.get("tables") {
        Some(Value::Array(tables)) => tables.clone(),
        _ => Vec::new(),
    };
    let count = |name: &str| {
        tables
            .first()
            .and_then(|one| one.get(name)?.as_array())
            .map_or(0, Vec::len)
    };
    work.give("row_count", count("rows"));
    work.give("column_count", count("headers"));
    work.give("tables", tables);
    work.give("confidence", share(&dict, "confidence"));
    done(work)
}
