//! Pieces of the graph that have a name, and run where the name is used.

use super::flow::{End, Flow};
use super::{Edge, Node, Way};

/// A piece of the graph that waits for the place where it runs.
#[derive(Debug)]
pub(super) struct Fragment {
    hole: Node,
    ends: Vec<End>,
}

impl Flow {
    /// Draws a piece that runs somewhere else.
    pub(super) fn detach(&mut self) -> Node {
        let hole = Node::Hole(self.holes);
        self.holes += 1;
        self.open = vec![End::new(hole, Way::Next)];
        hole
    }

    /// The piece that began at `hole`.
    pub(super) fn fragment(&mut self, hole: Node) -> Fragment {
        Fragment {
            hole,
            ends: self.take(),
        }
    }

    /// The place where a piece runs is here.
    pub(super) fn splice(&mut self, fragment: Fragment) {
        self.calls += 1;
        let before = self.take();
        let joined = |way: Way, when: &Option<String>| {
            let before = before.clone().into_iter();
            let when = when.clone();
            before.map(move |end| End {
                way: if way == Way::Next { end.way } else { way },
                when: end.when.or_else(|| when.clone()),
                ..end
            })
        };
        let mut spliced = Vec::new();
        for edge in self.edges.drain(..) {
            if edge.from == fragment.hole {
                spliced.extend(joined(edge.way, &edge.when).map(|end| Edge {
                    from: end.node,
                    to: edge.to,
                    way: end.way,
                    when: end.when,
                }));
            } else {
                spliced.push(edge);
            }
        }
        self.edges = spliced;
        for end in fragment.ends {
            if end.node == fragment.hole {
                self.open.extend(joined(end.way, &end.when));
            } else {
                self.open.push(end);
            }
        }
    }
}
