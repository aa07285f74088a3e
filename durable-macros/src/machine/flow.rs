//! The graph that a walk draws.
//!
//! Nodes are connected when the next one is reached: until then a way is an open [`End`]. So ends
//! of branches meet in the next node without a node of their own, and the number of edges stays
//! linear: every construct with several ways in begins with one node.

use super::{Edge, Joint, JointKind, Node, Way};

/// A way that has left its node and not arrived yet.
#[derive(Clone, Debug)]
pub(super) struct End {
    pub(super) node: Node,
    pub(super) way: Way,
    pub(super) when: Option<String>,
}

impl End {
    pub(super) fn new(node: Node, way: Way) -> Self {
        Self {
            node,
            way,
            when: None,
        }
    }

    /// Says how the way is taken, unless that has been said.
    fn or(mut self, way: Way) -> Self {
        if self.way == Way::Next {
            self.way = way;
        }
        self
    }
}

/// What can be left from inside.
pub(super) struct Frame {
    kind: FrameKind,
    label: Option<String>,
    /// Ways out of it, to what follows.
    exits: Vec<End>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum FrameKind {
    /// The body of the function.
    Function,
    /// An async block or a closure: `?` and `return` end it.
    Inner,
    /// A loop with its head.
    Loop(Node),
    /// A block with a label.
    Block,
}

/// A state of the graph to go back to.
pub(super) struct Mark {
    joints: usize,
    edges: usize,
    calls: usize,
    departures: usize,
    attempts: usize,
    exits: Vec<usize>,
    open: Vec<End>,
}

/// The graph so far.
#[derive(Default)]
pub(super) struct Flow {
    pub(super) open: Vec<End>,
    joints: Vec<Joint>,
    pub(super) edges: Vec<Edge>,
    frames: Vec<Frame>,
    pub(super) holes: usize,
    /// How many calls were drawn.
    pub(super) calls: usize,
    /// For each `break`, `continue` and `return` the frame that it leaves or repeats.
    departures: Vec<usize>,
    /// For each `?` the frame that it leaves.
    attempts: Vec<usize>,
}

impl Flow {
    /// The graph of a function that has just begun.
    pub(super) fn begin() -> Self {
        let mut flow = Self {
            open: vec![End::new(Node::Start, Way::Next)],
            ..Self::default()
        };
        flow.enter(FrameKind::Function, None);
        flow
    }

    /// The graph of a function that has ended.
    pub(super) fn finish(mut self) -> (Vec<Joint>, Vec<Edge>) {
        self.connect(Node::End);
        let mut edges: Vec<Edge> = Vec::new();
        for edge in self.edges {
            // A piece that never found its place does not run.
            if matches!(edge.from, Node::Hole(_)) {
                continue;
            }
            let twin = edges
                .iter_mut()
                .find(|other| (other.from, other.to, other.way) == (edge.from, edge.to, edge.way));
            match (twin, edge.when) {
                (None, when) => edges.push(Edge { when, ..edge }),
                // Two ways to one place: taken in any of their cases.
                (Some(twin), Some(when)) => {
                    if let Some(other) = &mut twin.when
                        && *other != when
                    {
                        *other = format!("{other} or {when}");
                    }
                }
                (Some(twin), None) => twin.when = None,
            }
        }
        (self.joints, edges)
    }

    /// Arrives at a durable call.
    pub(super) fn call(&mut self, site: usize) {
        self.calls += 1;
        self.arrive(Node::Site(site));
    }

    /// Arrives at a node, from which one way leads on.
    pub(super) fn arrive(&mut self, node: Node) {
        self.connect(node);
        self.open = vec![End::new(node, Way::Next)];
    }

    /// Arrives at a node that is no call.
    pub(super) fn joint(&mut self, kind: JointKind, text: String, line: u32) -> Node {
        let node = Node::Joint(self.joints.len());
        self.joints.push(Joint { kind, text, line });
        self.arrive(node);
        node
    }

    /// Changes the text of a joint.
    pub(super) fn rename(&mut self, node: Node, text: &str) {
        if let Node::Joint(index) = node
            && let Some(joint) = self.joints.get_mut(index)
        {
            text.clone_into(&mut joint.text);
        }
    }

    /// The call that all open ways come from, straight.
    pub(super) fn last_call(&self) -> Option<Node> {
        match self.open.as_slice() {
            [
                End {
                    node: node @ Node::Site(_),
                    way: Way::Next,
                    when: None,
                },
            ] => Some(*node),
            _ => None,
        }
    }

    /// Goes on from `node` alone, in the case that `when` says.
    pub(super) fn resume(&mut self, node: Node, way: Way, when: Option<&str>) {
        self.open = vec![End {
            node,
            way,
            when: when.map(str::to_owned),
        }];
    }

    /// Says in which case the open ways are taken, as far as that has not been said.
    pub(super) fn when(&mut self, when: &str) {
        for end in &mut self.open {
            end.when.get_or_insert_with(|| when.to_owned());
        }
    }

    /// Says how the open ways are taken, as far as that has not been said.
    pub(super) fn by(&mut self, way: Way) {
        for end in self.take() {
            self.open.push(end.or(way));
        }
    }

    /// Takes the open ways: nothing follows until they are given back.
    pub(super) fn take(&mut self) -> Vec<End> {
        std::mem::take(&mut self.open)
    }

    /// Goes on from these ways as well.
    pub(super) fn give(&mut self, ends: Vec<End>) {
        self.open.extend(ends);
    }

    /// A copy of the open ways.
    pub(super) fn open(&self) -> Vec<End> {
        self.open.clone()
    }

    /// Leads the open ways back to the head of a loop.
    pub(super) fn again(&mut self, head: Node) {
        self.by(Way::Again);
        self.connect(head);
    }

    /// Enters something that can be left from inside.
    pub(super) fn enter(&mut self, kind: FrameKind, label: Option<String>) {
        self.frames.push(Frame {
            kind,
            label,
            exits: Vec::new(),
        });
    }

    /// Leaves it; the ways out of it become open.
    pub(super) fn leave(&mut self) {
        if let Some(frame) = self.frames.pop() {
            self.open.extend(frame.exits);
        }
    }

    /// `?`: in case of an error the function, async block or closure ends here.
    pub(super) fn attempt(&mut self) {
        let Some(index) = self.body() else {
            return;
        };
        self.attempts.push(index);
        for end in self.open() {
            let end = End {
                way: Way::Fail,
                ..end
            };
            self.exit(index, end, Node::Error);
        }
    }

    /// The nodes after which something has failed, and the code goes on.
    pub(super) fn failed(&self) -> Vec<Node> {
        let failed = self.open.iter().filter(|end| end.way == Way::Fail);
        failed.map(|end| end.node).collect()
    }

    /// Stops after nodes where something has failed since.
    pub(super) fn stop(&mut self, before: &[Node]) {
        self.open
            .retain(|end| end.way != Way::Fail || before.contains(&end.node));
    }

    /// `return`: the function, async block or closure ends.
    pub(super) fn end(&mut self, in_error: bool) {
        let Some(index) = self.body() else {
            return;
        };
        let target = if in_error { Node::Error } else { Node::End };
        self.departures.push(index);
        for end in self.take() {
            self.exit(index, end.or(Way::Return), target);
        }
    }

    /// `break`, out of the loop or block with that label.
    pub(super) fn depart(&mut self, label: Option<&str>) {
        if let Some(index) = self.target(label, true) {
            self.departures.push(index);
            for end in self.take() {
                self.exit(index, end.or(Way::Break), Node::End);
            }
        }
    }

    /// `continue`, with the loop of that label.
    pub(super) fn repeat(&mut self, label: Option<&str>) {
        if let Some(index) = self.target(label, false)
            && let Some(Frame {
                kind: FrameKind::Loop(head),
                ..
            }) = self.frames.get(index)
        {
            let head = *head;
            self.departures.push(index);
            self.again(head);
        }
    }

    /// Remembers the graph as it is.
    pub(super) fn mark(&self) -> Mark {
        Mark {
            joints: self.joints.len(),
            edges: self.edges.len(),
            calls: self.calls,
            departures: self.departures.len(),
            attempts: self.attempts.len(),
            exits: self.frames.iter().map(|frame| frame.exits.len()).collect(),
            open: self.open.clone(),
        }
    }

    /// Whether calls were drawn since.
    pub(super) fn calls_since(&self, mark: &Mark) -> bool {
        self.calls > mark.calls
    }

    /// Keeps what was drawn since if it is about durable calls, or about whether later ones are
    /// made; else goes back: code that only computes is not drawn.
    pub(super) fn settle(&mut self, mark: Mark) {
        let frames = mark.exits.len();
        let leaves = |targets: &[usize], from: usize| {
            let mut since = targets.iter().skip(from);
            since.any(|target| *target < frames)
        };
        if self.calls_since(&mark) || leaves(&self.departures, mark.departures) {
            return;
        }
        let attempted = leaves(&self.attempts, mark.attempts);
        self.joints.truncate(mark.joints);
        self.edges.truncate(mark.edges);
        self.departures.truncate(mark.departures);
        self.attempts.truncate(mark.attempts);
        for (frame, exits) in self.frames.iter_mut().zip(mark.exits) {
            frame.exits.truncate(exits);
        }
        self.open = mark.open;
        if attempted {
            self.attempt();
        }
    }

    fn connect(&mut self, to: Node) {
        for End { node, way, when } in self.take() {
            self.edges.push(Edge {
                from: node,
                to,
                way,
                when,
            });
        }
    }

    /// Lets an end leave a frame; that of the function leads to a node.
    fn exit(&mut self, index: usize, end: End, target: Node) {
        let Some(frame) = self.frames.get_mut(index) else {
            return;
        };
        if frame.kind == FrameKind::Function {
            let End { node, way, when } = end;
            self.edges.push(Edge {
                from: node,
                to: target,
                way,
                when,
            });
        } else {
            frame.exits.push(end);
        }
    }

    /// The function, async block or closure that the walk is in.
    fn body(&self) -> Option<usize> {
        let is_body = |frame: &Frame| matches!(frame.kind, FrameKind::Function | FrameKind::Inner);
        self.frames.iter().rposition(is_body)
    }

    /// What a `break` or `continue` is about.
    fn target(&self, label: Option<&str>, breaks: bool) -> Option<usize> {
        let inside = self.body().map_or(0, |body| body + 1);
        let fits = |frame: &Frame| match (label, frame.kind) {
            (Some(_), FrameKind::Block) if !breaks => false,
            (Some(label), _) => frame.label.as_deref() == Some(label),
            (None, kind) => matches!(kind, FrameKind::Loop(_)),
        };
        let frames = self.frames.get(inside..)?;
        Some(inside + frames.iter().rposition(fits)?)
    }
}
