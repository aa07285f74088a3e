//! What a picture of a machine shows, whatever language it is written in.

use super::{Edge, JointKind, Machine, Node, Part, SiteKind, Way};

/// Nodes, the ways between them that are drawn, and the frames around parts.
#[derive(Debug)]
pub(super) struct Picture<'a> {
    /// The name of the whole.
    pub(super) name: &'a str,
    pub(super) nodes: Vec<Shown>,
    pub(super) arrows: Vec<Arrow>,
    pub(super) parts: &'a [Part],
}

/// A node as it is shown.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) id: String,
    pub(super) shape: Shape,
    /// The lines of its text.
    pub(super) lines: Vec<String>,
    /// The part it stands in.
    pub(super) within: Option<u16>,
}

/// What a node looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Terminal,
    Call,
    Child,
    Operation,
    Choice,
    Loop,
    Fork,
    Join,
    Border,
}

/// A way as it is shown.
#[derive(Debug)]
pub(super) struct Arrow {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) text: String,
    pub(super) dotted: bool,
}

impl<'a> Picture<'a> {
    pub(super) fn of(machine: &'a Machine) -> Self {
        let kind = |index: u16| {
            machine
                .joints
                .get(usize::from(index))
                .map(|joint| joint.kind)
        };
        let can_fail = |node: Node| match node {
            Node::Joint(index) => {
                matches!(kind(index), Some(JointKind::Join | JointKind::Leave))
            }
            _ => true,
        };
        let is_border = |node: Node| match node {
            Node::End | Node::Error => true,
            Node::Joint(index) => kind(index) == Some(JointKind::Leave),
            Node::Start | Node::Site(_) => false,
        };
        // Nearly every call may fail, and what happens then is nearly always the same: a mark at
        // the call instead of an arrow keeps the picture calm.
        let (marks, drawn): (Vec<&Edge>, Vec<&Edge>) = machine.edges.iter().partition(|edge| {
            edge.way == Way::Fail
                && edge.when.is_none()
                && can_fail(edge.from)
                && is_border(edge.to)
        });
        let mark = |node: Node| {
            if marks.iter().any(|edge| edge.from == node) {
                " ?"
            } else {
                ""
            }
        };
        let place = |file: &str, line: u32| {
            if file == machine.file {
                format!("line {line}")
            } else {
                format!("{file}:{line}")
            }
        };

        let mut nodes = vec![Shown {
            id: id(Node::Start),
            shape: Shape::Terminal,
            lines: vec![format!("{}{}", machine.name, mark(Node::Start))],
            within: None,
        }];
        nodes.extend((0..).zip(&machine.sites).map(|(index, site)| {
            let node = Node::Site(index);
            Shown {
                id: id(node),
                shape: match site.kind {
                    SiteKind::Call => Shape::Call,
                    SiteKind::Child => Shape::Child,
                    SiteKind::Operation => Shape::Operation,
                },
                lines: vec![
                    format!("{}{}", site.callee, mark(node)),
                    place(&site.file, site.line),
                ],
                within: site.within,
            }
        }));
        nodes.extend((0..).zip(&machine.joints).map(|(index, joint)| {
            let node = Node::Joint(index);
            let (shape, text) = match joint.kind {
                JointKind::Choice => (Shape::Choice, joint.text.as_ref()),
                JointKind::Loop => (Shape::Loop, joint.text.as_ref()),
                JointKind::Fork => (Shape::Fork, joint.text.as_ref()),
                JointKind::Join => (Shape::Join, joint.text.as_ref()),
                JointKind::Enter => (Shape::Border, "in"),
                JointKind::Leave => (Shape::Border, "out"),
            };
            Shown {
                id: id(node),
                shape,
                lines: vec![format!("{text}{}", mark(node))],
                within: joint.within,
            }
        }));
        for (node, text) in [(Node::End, "end"), (Node::Error, "error")] {
            if drawn.iter().any(|edge| edge.to == node) {
                nodes.push(Shown {
                    id: id(node),
                    shape: Shape::Terminal,
                    lines: vec![text.to_owned()],
                    within: None,
                });
            }
        }

        Self {
            name: &machine.name,
            nodes,
            arrows: drawn.into_iter().map(arrow).collect(),
            parts: &machine.parts,
        }
    }
}

fn id(node: Node) -> String {
    match node {
        Node::Start => "start".to_owned(),
        Node::Site(index) => format!("s{index}"),
        Node::Joint(index) => format!("j{index}"),
        // `end` is a word of Mermaid's.
        Node::End => "returns".to_owned(),
        Node::Error => "fails".to_owned(),
    }
}

fn arrow(edge: &Edge) -> Arrow {
    let way = match edge.way {
        Way::Next | Way::Fork => None,
        Way::Again => Some("again"),
        Way::Break => Some("break"),
        Way::Return => Some("return"),
        Way::Fail => Some("?"),
        Way::Race => Some("race"),
        Way::Undo => Some("undo"),
    };
    let words: Vec<&str> = edge.when.as_deref().into_iter().chain(way).collect();
    Arrow {
        from: id(edge.from),
        to: id(edge.to),
        text: words.join(", "),
        dotted: edge.way == Way::Undo,
    }
}
