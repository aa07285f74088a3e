//! What can be told of a workflow before it runs: all at once, with places and advice.

mod nodes;
mod references;
mod ways;

#[cfg(test)]
mod tests;

use crate::diagnostic::{Code, Diagnostic};
use crate::document::Loaded;
use crate::plan::Plan;
use crate::pointer::Pointer;
use crate::structure;

/// Checks a workflow: how its nodes hang together, whether they can be run here, and whether they get what they need. The
/// pointers lead into the file as it was given. With an error among what is said, the workflow does not start.
pub fn check(loaded: &Loaded) -> Vec<Diagnostic> {
    let plan = Plan::new(&loaded.workflow);
    let mut check = Check {
        loaded,
        plan: &plan,
        said: structure::check(loaded),
    };
    check.reachable();
    check.nodes();
    check.connections();
    check.pairs();
    check.cycles();
    check.references();
    check.said
}

struct Check<'l> {
    loaded: &'l Loaded,
    plan: &'l Plan,
    said: Vec<Diagnostic>,
}

impl Check<'_> {
    /// Takes back that control never comes to nodes which it comes to without a link: a catch, a finally, and what follows.
    fn reachable(&mut self) {
        let runs = self.runs();
        let reached: Vec<Pointer> = runs
            .iter()
            .map(|&place| self.loaded.origins.locate(&self.at(place)))
            .collect();
        self.said
            .retain(|said| said.code != Code::UnreachableNode || !reached.contains(&said.pointer));
    }

    fn say(
        &mut self,
        code: Code,
        normal: &Pointer,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) {
        let at = self.loaded.origins.locate(normal);
        self.said.push(Diagnostic::new(code, at, message, fix));
    }

    fn at(&self, place: usize) -> Pointer {
        let id = self.plan.node(place).map_or("", |node| node.id.as_str());
        Pointer::root().child("nodes").child(id)
    }
}
