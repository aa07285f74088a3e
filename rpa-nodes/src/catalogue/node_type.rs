use serde_json::Value;

use super::{Action, Control, DatabaseAct, Kind, Look};
use crate::fault::Fault;
use crate::value::Object;
use crate::visit::{Call, Work};

/// What a visit of a node does to the world, and so, what may happen to it when it is done again after a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: the same inputs give the same outputs.
    Pure,
    /// It reads the world: read again, it may have changed. What was recorded counts.
    Reads,
    /// Time or chance decide. What was recorded counts.
    Varies,
    /// It changes the world, and to do it again changes nothing more.
    Writes,
    /// It changes the world each time it is done.
    Once,
}

impl Effect {
    /// The letter that documentation has for it.
    pub fn letter(self) -> char {
        match self {
            Self::Pure => 'P',
            Self::Reads => 'R',
            Self::Varies => 'N',
            Self::Writes => 'W',
            Self::Once => 'X',
        }
    }

    /// What it means after a crash, as a sentence.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Pure => "computes; done again after a crash it gives the same",
            Self::Reads => "reads the world; what was recorded is not read again",
            Self::Varies => "gives something else each time; what was recorded counts",
            Self::Writes => "writes; done again after a crash it changes nothing more",
            Self::Once => {
                "writes; what it found is recorded first, so that a crash does not make it happen twice"
            }
        }
    }

    /// Whether nobody outside sees that it was done.
    pub fn is_unseen(self) -> bool {
        matches!(self, Self::Pure | Self::Reads | Self::Varies)
    }
}

/// Something that a node takes: through a port, from its config, or by default, in this order.
#[derive(Debug, Clone)]
pub struct Input {
    /// The name of the port and of the key in the config.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// What it is if nothing is given; null for nothing.
    pub default: Value,
    /// Whether the node means nothing without it.
    pub required: bool,
    /// Whether it has a port. All have a key.
    pub has_port: bool,
}

/// Something that a node gives.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    /// The name of the port.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
}

/// A type of nodes.
#[derive(Debug, Clone)]
pub struct NodeType {
    /// What files call it.
    pub name: &'static str,
    /// What other files call it.
    pub aliases: Vec<&'static str>,
    /// The family it belongs to.
    pub family: &'static str,
    /// What it does, in a sentence or two.
    pub summary: &'static str,
    /// What it does to the world.
    pub effect: Effect,
    /// What it takes.
    pub inputs: Vec<Input>,
    /// What it gives.
    pub outputs: Vec<Output>,
    /// The ports by which control leaves it.
    pub exits: Vec<&'static str>,
    /// What further exits begin with, where there may be any number of them.
    pub exit_prefix: Option<&'static str>,
    /// Other spellings of config keys, and what they mean.
    pub key_aliases: Vec<(&'static str, &'static str)>,
    /// Other spellings of outputs and exits, and what they mean.
    pub port_aliases: Vec<(&'static str, &'static str)>,
    /// Whether it has ports and properties that the files it names decide on.
    pub is_open: bool,
    /// Tells by the config alone that a visit only reads.
    pub reads_if: Option<fn(&Object) -> bool>,
    /// Tells whether nobody can know after a crash that a visit was done.
    pub doubts: Option<fn(&Work) -> bool>,
    /// Names the variable by which a visit goes on with what an earlier one left, by its inputs.
    pub recalls: Option<fn(&Object) -> Option<String>>,
    /// Whether it works in a browser, so that it can only be run where there is one.
    pub in_browser: bool,
    /// Of a dialog: what it answers where nobody sits at a desktop. Without leave to do so, such a workflow is refused.
    pub answer: Option<fn(&Call<'_>) -> Value>,
    /// What happens on a visit.
    pub action: Action,
}

impl NodeType {
    fn new(name: &'static str, effect: Effect, summary: &'static str, action: Action) -> Self {
        Self {
            name,
            aliases: Vec::new(),
            family: "",
            summary,
            effect,
            inputs: Vec::new(),
            outputs: Vec::new(),
            exits: vec!["exec_out"],
            exit_prefix: None,
            key_aliases: Vec::new(),
            port_aliases: Vec::new(),
            is_open: false,
            reads_if: None,
            doubts: None,
            recalls: None,
            in_browser: false,
            answer: None,
            action,
        }
    }

    pub(crate) fn control(name: &'static str, control: Control, summary: &'static str) -> Self {
        Self::new(name, Effect::Pure, summary, Action::Control(control))
    }

    pub(crate) fn compute(
        name: &'static str,
        summary: &'static str,
        body: fn(&mut Call<'_>) -> Result<(), Fault>,
    ) -> Self {
        Self::new(name, Effect::Pure, summary, Action::Compute(body))
    }

    pub(crate) fn work(
        name: &'static str,
        effect: Effect,
        summary: &'static str,
        perform: fn(&mut Work) -> Result<(), Fault>,
    ) -> Self {
        let action = Action::Work {
            intend: None,
            perform,
        };
        Self::new(name, effect, summary, action)
    }

    pub(crate) fn database(
        name: &'static str,
        effect: Effect,
        summary: &'static str,
        act: DatabaseAct,
    ) -> Self {
        Self::new(name, effect, summary, Action::Database(act))
    }

    pub(crate) fn child(name: &'static str, summary: &'static str) -> Self {
        Self::new(name, Effect::Once, summary, Action::Child)
    }

    /// The files that it names decide on further ports and properties.
    pub(crate) fn open(mut self) -> Self {
        self.is_open = true;
        self
    }

    /// With some configs it only reads.
    pub(crate) fn reads_if(mut self, reads: fn(&Object) -> bool) -> Self {
        self.reads_if = Some(reads);
        self
    }

    /// After a crash nobody can know whether a visit was done, if this says so.
    pub(crate) fn doubtful_if(mut self, doubts: fn(&Work) -> bool) -> Self {
        self.doubts = Some(doubts);
        self.optional("on_uncertain", Kind::Choice(&["retry", "skip", "ask"]))
    }

    /// It is given the value of a variable that its inputs name.
    #[cfg(feature = "llm")]
    pub(crate) fn recalls(mut self, name: fn(&Object) -> Option<String>) -> Self {
        self.recalls = Some(name);
        self
    }

    /// It works in a browser.
    pub(crate) fn in_browser(mut self) -> Self {
        self.in_browser = true;
        self
    }

    /// Time or chance decide what it gives.
    pub(crate) fn varies(mut self) -> Self {
        self.effect = Effect::Varies;
        self
    }

    /// It is a dialog, and this is what it answers by itself.
    pub(crate) fn answers(mut self, answer: fn(&Call<'_>) -> Value) -> Self {
        self.answer = Some(answer);
        self
    }

    /// Looks at the world before it changes it.
    pub(crate) fn intends(mut self, look: Look) -> Self {
        if let Action::Work { intend, .. } = &mut self.action {
            *intend = Some(look);
        }
        self
    }

    pub(crate) fn alias(mut self, name: &'static str) -> Self {
        self.aliases.push(name);
        self
    }

    fn take(
        mut self,
        name: &'static str,
        kind: Kind,
        default: Value,
        required: bool,
        has_port: bool,
    ) -> Self {
        self.inputs.push(Input {
            name,
            kind,
            default,
            required,
            has_port,
        });
        self
    }

    /// Takes something that may be missing.
    pub(crate) fn input(self, name: &'static str, kind: Kind) -> Self {
        self.take(name, kind, Value::Null, false, true)
    }

    /// Takes something that has a default.
    pub(crate) fn input_or(
        self,
        name: &'static str,
        kind: Kind,
        default: impl Into<Value>,
    ) -> Self {
        self.take(name, kind, default.into(), false, true)
    }

    /// Takes something without which it means nothing.
    pub(crate) fn needs(self, name: &'static str, kind: Kind) -> Self {
        self.take(name, kind, Value::Null, true, true)
    }

    /// Has a property that has a default.
    pub(crate) fn property(
        self,
        name: &'static str,
        kind: Kind,
        default: impl Into<Value>,
    ) -> Self {
        self.take(name, kind, default.into(), false, false)
    }

    /// Has a property that may be missing.
    pub(crate) fn optional(self, name: &'static str, kind: Kind) -> Self {
        self.take(name, kind, Value::Null, false, false)
    }

    pub(crate) fn output(mut self, name: &'static str, kind: Kind) -> Self {
        self.outputs.push(Output { name, kind });
        self
    }

    pub(crate) fn exits(mut self, exits: &[&'static str]) -> Self {
        self.exits = exits.to_vec();
        self
    }

    /// Control may also leave by ports that begin so.
    pub(crate) fn exits_like(mut self, prefix: &'static str) -> Self {
        self.exit_prefix = Some(prefix);
        self
    }

    /// Files write `other` for the key `name`.
    pub(crate) fn key(mut self, other: &'static str, name: &'static str) -> Self {
        self.key_aliases.push((other, name));
        self
    }

    /// Files write `other` for the output or exit `name`.
    pub(crate) fn port(mut self, other: &'static str, name: &'static str) -> Self {
        self.port_aliases.push((other, name));
        self
    }

    /// The control that it has over the walk.
    pub fn as_control(&self) -> Option<Control> {
        match self.action {
            Action::Control(control) => Some(control),
            _ => None,
        }
    }

    /// The input of this name.
    pub fn find_input(&self, name: &str) -> Option<&Input> {
        let name = self.key_name(name);
        self.inputs.iter().find(|input| input.name == name)
    }

    /// The output of this name.
    pub fn find_output(&self, name: &str) -> Option<&Output> {
        let name = self.port_name(name);
        self.outputs.iter().find(|output| output.name == name)
    }

    /// Whether control can leave by a port of this name.
    pub fn has_exit(&self, name: &str) -> bool {
        let name = self.port_name(name);
        self.exits.contains(&name)
            || self
                .exit_prefix
                .is_some_and(|prefix| name.starts_with(prefix))
    }

    /// The name that a config key has here.
    pub fn key_name<'n>(&self, name: &'n str) -> &'n str {
        let alias = self.key_aliases.iter().find(|(other, _)| *other == name);
        alias.map_or(name, |(_, meant)| meant)
    }

    /// The name that an output or an exit has here.
    pub fn port_name<'n>(&self, name: &'n str) -> &'n str {
        let alias = self.port_aliases.iter().find(|(other, _)| *other == name);
        alias.map_or(name, |(_, meant)| meant)
    }
}
