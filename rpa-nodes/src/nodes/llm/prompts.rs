//! Templates of prompts: those that come with the program, and those in files of the workflow.

use std::fs;
use std::io::ErrorKind;
use std::sync::LazyLock;

use minijinja::{Environment, UndefinedBehavior};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::endpoint::Endpoint;
use super::parse::dict;
use super::{asks, done, ends, needed, node};
use crate::catalogue::{Effect, Kind, NodeType};
use crate::fault::Fault;
use crate::value::Object;
use crate::visit::Work;

const BUILT_IN: &str = include_str!("prompts/built_in.json");

static TEMPLATES: LazyLock<Vec<Template>> =
    LazyLock::new(|| serde_json::from_str(BUILT_IN).unwrap_or_default());

pub(super) fn types() -> Vec<NodeType> {
    let looks = |name, summary, perform: fn(&mut Work) -> Result<(), Fault>| {
        ends(NodeType::work(name, Effect::Reads, summary, perform))
    };
    let templates =
        |node_type: NodeType| node_type.property("templates_path", Kind::Text, "prompts");
    vec![
        templates(asks(
            node(
                "PromptTemplateNode",
                "Fills a template in and, with `execute`, lets a model answer it. Templates are JSON files in `templates_path`, \
                 and some are built in.",
                execute,
            ),
            0.7,
        ))
        .input_or("max_tokens", Kind::Integer, 1000)
        .input("template_id", Kind::Text)
        .input_or("variables", Kind::Dict, json!({}))
        .input_or("execute", Kind::Boolean, true)
        .output("rendered_prompt", Kind::Text)
        .output("system_prompt", Kind::Text)
        .output("response", Kind::Text)
        .output("parsed_response", Kind::Dict)
        .output("tokens_used", Kind::Integer),
        templates(looks(
            "ListTemplatesNode",
            "Which templates of prompts there are.",
            list,
        ))
        .input("category", Kind::Text)
        .input("search", Kind::Text)
        .input_or("include_builtin", Kind::Boolean, true)
        .output("templates", Kind::List)
        .output("count", Kind::Integer),
        templates(looks(
            "GetTemplateInfoNode",
            "All that is known of a template, and what it has to be filled in with.",
            info,
        ))
        .input("template_id", Kind::Text)
        .output("template_info", Kind::Dict)
        .output("variables", Kind::List)
        .output("system_prompt", Kind::Text)
        .output("found", Kind::Boolean),
    ]
}

/// A template of a prompt.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Template {
    #[serde(default)]
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    category: String,
    #[serde(default)]
    description: String,
    /// What the model is told of its part.
    #[serde(default)]
    system_prompt: String,
    /// The prompt, in Jinja.
    template: String,
    /// What it has to be filled in with.
    #[serde(default)]
    variables: Vec<Blank>,
}

/// What a template is filled in with.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Blank {
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    default: Value,
}

impl Template {
    /// The template with this id: of a file, or else one that is built in.
    fn find(work: &Work, id: &str) -> Result<Option<Self>, Fault> {
        if id.contains(['/', '\\']) || id.starts_with('.') {
            return Err(Fault::value(format!("`{id}` is no id of a template")));
        }
        let folder = work.path("templates_path")?;
        let path = folder.join(format!("{id}.json"));
        let content = match fs::read_to_string(&path) {
            Ok(content) => content,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(TEMPLATES.iter().find(|one| one.id == id).cloned());
            }
            Err(error) => return Err(Fault::file("read", &path, &error)),
        };
        Self::read(&path, id, &content).map(Some)
    }

    fn read(path: &std::path::Path, id: &str, content: &str) -> Result<Self, Fault> {
        let mut template: Self = serde_json::from_str(content).map_err(|error| {
            Fault::of(
                "TemplateError",
                format!("{} is no template: {error}", path.display()),
            )
        })?;
        id.clone_into(&mut template.id);
        Ok(template)
    }

    /// All templates: those of files, and those that are built in and not replaced by one.
    fn all(work: &Work, with_built_in: bool) -> Result<Vec<Self>, Fault> {
        let folder = work.path("templates_path")?;
        let mut all = Vec::new();
        match fs::read_dir(&folder) {
            Ok(entries) => {
                for entry in entries {
                    let path = entry
                        .map_err(|error| Fault::file("list", &folder, &error))?
                        .path();
                    let id = path
                        .file_stem()
                        .map(|stem| stem.to_string_lossy().into_owned());
                    if path.extension().is_none_or(|extension| extension != "json") {
                        continue;
                    }
                    let content = fs::read_to_string(&path)
                        .map_err(|error| Fault::file("read", &path, &error))?;
                    all.push(Self::read(&path, &id.unwrap_or_default(), &content)?);
                }
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(Fault::file("list", &folder, &error)),
        }
        if with_built_in {
            for one in TEMPLATES.iter() {
                if !all.iter().any(|own| own.id == one.id) {
                    all.push(one.clone());
                }
            }
        }
        all.sort_by(|left, right| left.id.cmp(&right.id));
        Ok(all)
    }

    /// The prompt and what the model is told of its part, filled in.
    fn fill(&self, given: &Object) -> Result<(String, String), Fault> {
        let mut values = Object::new();
        for blank in &self.variables {
            match given.get(&blank.name).filter(|value| !value.is_null()) {
                Some(_) => {}
                None if blank.required => {
                    return Err(Fault::value(format!(
                        "the template `{}` needs `{}`; give it in `variables`",
                        self.id, blank.name
                    )));
                }
                None => drop(values.insert(blank.name.clone(), blank.default.clone())),
            }
        }
        values.extend(given.clone());
        let mut environment = Environment::new();
        // A name that nobody gave is a mistake, and not an empty text.
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        let fill = |text: &str| {
            environment
                .render_str(text, minijinja::value::Serde(&values))
                .map_err(|error| {
                    Fault::of(
                        "TemplateError",
                        format!("the template `{}` cannot be filled in: {error}", self.id),
                    )
                })
        };
        Ok((fill(&self.template)?, fill(&self.system_prompt)?))
    }
}

fn unknown(id: &str) -> Fault {
    let known: Vec<&str> = TEMPLATES.iter().map(|one| one.id.as_str()).collect();
    Fault::of(
        "TemplateError",
        format!(
            "there is no template `{id}`: no file {id}.json in `templates_path`, and built in are {}",
            known.join(", ")
        ),
    )
}

pub(super) fn execute(work: &mut Work) -> Result<(), Fault> {
    let id = needed(work, "template_id")?;
    let template = Template::find(work, id.trim())?.ok_or_else(|| unknown(id.trim()))?;
    let (prompt, part) = template.fill(&work.dict("variables"))?;
    let part = match work.text("system_prompt").trim() {
        "" => part,
        own => own.to_owned(),
    };
    work.give("rendered_prompt", prompt.clone());
    work.give("system_prompt", part.clone());
    if !work.flag("execute") {
        work.give("response", "");
        work.give("parsed_response", Value::Null);
        work.give("tokens_used", 0);
        return done(work);
    }
    let mut messages = Vec::new();
    if !part.is_empty() {
        messages.push(json!({"role": "system", "content": part}));
    }
    messages.push(json!({"role": "user", "content": prompt}));
    let said = Endpoint::of(work)?.chat(work, &messages)?;
    work.give(
        "parsed_response",
        dict(&said.text).map_or(Value::Null, Value::Object),
    );
    work.give("response", said.text);
    work.give("tokens_used", said.tokens);
    done(work)
}

pub(super) fn list(work: &mut Work) -> Result<(), Fault> {
    let category = work.text("category").trim().to_lowercase();
    let search = work.text("search").trim().to_lowercase();
    let found: Vec<Value> = Template::all(work, work.flag("include_builtin"))?
        .into_iter()
        .filter(|one| category.is_empty() || one.category.to_lowercase() == category)
        .filter(|one| {
            let words = [&one.id, &one.name, &one.description];
            words.iter().any(|word| word.to_lowercase().contains(&search))
        })
        .map(|one| json!({"id": one.id, "name": one.name, "category": one.category, "description": one.description}))
        .collect();
    work.give("count", found.len());
    work.give("templates", found);
    done(work)
}

pub(super) fn info(work: &mut Work) -> Result<(), Fault> {
    let id = needed(work, "template_id")?;
    let found = Template::find(work, id.trim())?;
    work.give("found", found.is_some());
    work.give("template_info", json!(found));
    let blanks = found.iter().flat_map(|one| &one.variables);
    let blanks: Vec<Value> = blanks.map(|blank| json!(blank)).collect();
    work.give("variables", blanks);
    let part = found.map(|one| one.system_prompt);
    work.give("system_prompt", part.unwrap_or_default());
    done(work)
}
