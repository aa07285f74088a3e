use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::ftp::FtpPlace;
use crate::plan::Plan;
use crate::template;
use crate::value::Object;
use crate::visit::Mask;

/// What a strand of control knows: variables, and what nodes gave when they last ran.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    variables: Object,
    outputs: BTreeMap<String, Value>,
    /// The FTP server that the strand is connected to.
    ftp: Option<FtpPlace>,
    /// Tells what other names for outputs mean.
    plan: Option<Arc<Plan>>,
    /// What the marks of secrets stand for, where that may be known.
    secrets: Option<Arc<Mask>>,
}

impl Scope {
    pub(super) fn new(variables: Object, plan: &Arc<Plan>) -> Self {
        Self {
            variables,
            outputs: BTreeMap::new(),
            ftp: None,
            plan: Some(Arc::clone(plan)),
            secrets: None,
        }
    }

    /// All variables.
    pub fn variables(&self) -> &Object {
        &self.variables
    }

    /// What nodes gave, by id; of each a dict of its outputs.
    pub fn outputs(&self) -> &BTreeMap<String, Value> {
        &self.outputs
    }

    /// An output of a node.
    pub fn output(&self, node: &str, port: &str) -> Option<&Value> {
        self.outputs.get(node)?.get(port)
    }

    /// The FTP server that the strand is connected to.
    pub(crate) fn ftp(&self) -> Option<&FtpPlace> {
        self.ftp.as_ref()
    }

    pub(super) fn connect_ftp(&mut self, place: Option<FtpPlace>) {
        self.ftp = place;
    }

    /// The same, and what the marks of secrets stand for.
    pub(crate) fn with_secrets(mut self, mask: &Mask) -> Self {
        self.secrets = (!mask.is_empty()).then(|| Arc::new(mask.clone()));
        self
    }

    /// Changes each variable and each output.
    pub(crate) fn each_value(&mut self, change: &mut impl FnMut(&mut Value)) {
        self.variables.values_mut().for_each(&mut *change);
        self.outputs.values_mut().for_each(change);
    }

    pub(super) fn set(&mut self, name: &str, value: Value) {
        self.variables.insert(name.to_owned(), value);
    }

    pub(super) fn give(&mut self, node: &str, outputs: Object) {
        if outputs.is_empty() {
            self.outputs.remove(node);
        } else {
            self.outputs.insert(node.to_owned(), Value::Object(outputs));
        }
    }

    /// A node failed: what it gave before is not what it gives now.
    pub(super) fn forget(&mut self, node: &str) {
        self.outputs.remove(node);
    }

    /// Takes over what nodes of a branch gave.
    pub(super) fn adopt(&mut self, branch: Self) {
        self.outputs.extend(branch.outputs);
    }
}

impl template::Scope for Scope {
    fn lookup(&self, name: &str) -> Option<&Value> {
        self.variables.get(name).or_else(|| self.outputs.get(name))
    }

    fn secret(&self, name: &str) -> Option<&Value> {
        self.secrets.as_ref()?.secret(name)
    }

    fn meant(&self, node: &str, output: &str) -> Option<&str> {
        let plan = self.plan.as_ref()?;
        let node_type = plan.node(plan.place(node)?)?.node_type?;
        let aliases = node_type.port_aliases.iter();
        aliases
            .filter(|(other, _)| *other == output)
            .map(|(_, meant)| *meant)
            .next()
    }
}
