//! `rpa status`, `rpa history` and `rpa nodes`.

use std::io::Write;

use anyhow::bail;
use durable_runtime::Client;
use rpa_nodes::catalogue::{catalogue, foreign};
use rpa_nodes::run;
use serde::Serialize;
use serde_json::Value;

use crate::command::Outcome;
use crate::run::runtime;

pub(crate) fn status(
    id: &str,
    db: &str,
    json: bool,
    output: &mut impl Write,
) -> anyhow::Result<Outcome> {
    let status = runtime()?.block_on(async {
        let client = Client::connect(db).await?;
        run::status(&client, id).await
    })?;
    if json {
        return as_json(&status, output);
    }
    writeln!(
        output,
        "{} ({}): {}, {} visits, {} of {} nodes ({} %)",
        status.workflow_id,
        status.workflow_name,
        status.status,
        status.executed_nodes,
        status.distinct_nodes,
        status.total_nodes,
        status.progress,
    )?;
    if let Some(node) = &status.current_node {
        writeln!(output, "last node: {node}")?;
    }
    if let Some(asked) = &status.question {
        writeln!(output, "{}", asked.question.question)?;
        writeln!(
            output,
            "answer with: rpa answer {} retry|skip|fail",
            status.workflow_id
        )?;
    }
    if let Some(error) = &status.error {
        writeln!(output, "error: {error}")?;
    }
    Ok(Outcome::Done)
}

pub(crate) fn history(
    id: &str,
    db: &str,
    json: bool,
    output: &mut impl Write,
) -> anyhow::Result<Outcome> {
    let visits = runtime()?.block_on(async {
        let client = Client::connect(db).await?;
        run::history(&client, id).await
    })?;
    if json {
        return as_json(&visits, output);
    }
    for visit in &visits {
        let at = visit.completed_at.as_deref().unwrap_or("-");
        let way = visit.exit.as_deref().map(|exit| format!(" → {exit}"));
        writeln!(
            output,
            "{at} {}#{} {}{}",
            visit.node,
            visit.visit,
            serde_json::to_value(visit.status)?
                .as_str()
                .unwrap_or_default(),
            way.unwrap_or_default(),
        )?;
        for (name, values) in [("takes", &visit.inputs), ("gives", &visit.outputs)] {
            if !values.is_empty() {
                writeln!(output, "  {name} {}", Value::Object(values.clone()))?;
            }
        }
        for change in &visit.changes {
            writeln!(
                output,
                "  {}: {} → {}",
                change.variable, change.before, change.after
            )?;
        }
        for text in &visit.logs {
            writeln!(output, "  logs {text}")?;
        }
        if let Some(error) = &visit.error {
            writeln!(output, "  {error}")?;
        }
        if let Some(page) = &visit.page {
            writeln!(output, "  page {}", page.url)?;
            if let Some(healed) = &page.healed {
                writeln!(output, "  healed {} by {}", healed.selector, healed.by)?;
            }
            if let Some(picture) = &page.screenshot {
                writeln!(output, "  picture {picture}")?;
            }
        }
    }
    Ok(Outcome::Done)
}

pub(crate) fn nodes(
    name: Option<&str>,
    json: bool,
    output: &mut impl Write,
) -> anyhow::Result<Outcome> {
    let catalogue = catalogue();
    let Some(name) = name else {
        if json {
            let all: Vec<Value> = catalogue
                .iter()
                .map(|node_type| node_type.to_json())
                .collect();
            return as_json(&all, output);
        }
        let mut family = "";
        for node_type in catalogue.iter() {
            if node_type.family != family {
                family = node_type.family;
                writeln!(output, "{family}")?;
            }
            writeln!(
                output,
                "  {:24} {} {}",
                node_type.name,
                node_type.effect.letter(),
                node_type.summary
            )?;
        }
        return Ok(Outcome::Done);
    };
    match (catalogue.get(name), catalogue.nearest(name)) {
        (Some(node_type), _) if json => as_json(&node_type.to_json(), output),
        (Some(node_type), _) => {
            write!(output, "{node_type}")?;
            Ok(Outcome::Done)
        }
        (None, _) if foreign(name).is_some() => {
            bail!("{name} is a node type of CasareRPA that this program cannot run")
        }
        (None, Some(other)) => bail!("there is no node type `{name}`; is `{other}` meant?"),
        (None, None) => bail!("there is no node type `{name}`; `rpa nodes` lists all"),
    }
}

fn as_json(value: &impl Serialize, output: &mut impl Write) -> anyhow::Result<Outcome> {
    serde_json::to_writer_pretty(&mut *output, value)?;
    writeln!(output)?;
    Ok(Outcome::Done)
}
