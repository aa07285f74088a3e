//! The code of a workflow with that of its parts put in where they are called.

use super::{Code, Edge, Joint, JointKind, Node, Part, Site};

/// What has been put together.
#[derive(Debug, Default)]
pub(super) struct Splice {
    pub(super) sites: Vec<Site>,
    pub(super) joints: Vec<Joint>,
    pub(super) edges: Vec<Edge>,
    pub(super) parts: Vec<Part>,
}

/// Where a piece of code stands.
#[derive(Debug, Clone)]
struct Place {
    within: Option<u16>,
    /// What its labels begin with.
    prefix: String,
    start: Node,
    end: Node,
    error: Node,
}

/// A node of the code in the whole: where ways arrive, and where they go on.
#[derive(Debug, Clone, Copy)]
struct Placed {
    arrive: Node,
    leave: Node,
}

impl Splice {
    /// The code of a workflow with all its parts.
    pub(super) fn of(code: &Code) -> Self {
        let mut splice = Self::default();
        splice.add(
            code,
            &Place {
                within: None,
                prefix: String::new(),
                start: Node::Start,
                end: Node::End,
                error: Node::Error,
            },
        );
        splice
    }

    /// Parts are constants made of constants, so there is an end to them.
    fn add(&mut self, code: &Code, place: &Place) {
        let mut parts = Vec::new();
        let sites: Vec<Placed> = (0_u16..)
            .zip(code.sites)
            .map(|(index, site)| {
                let mut calls = code.parts.iter();
                match calls.find(|part| part.calls.contains(&index)) {
                    Some(part) => {
                        let (placed, inside) = self.part(part.name, part.code, site, place);
                        parts.push((part.code, inside));
                        placed
                    }
                    None => self.site(site, place),
                }
            })
            .collect();
        let joints: Vec<Node> = code
            .joints
            .iter()
            .map(|joint| self.joint(joint.clone(), place.within))
            .collect();
        let placed = |node: Node| -> Option<Placed> {
            let same = |node| Placed {
                arrive: node,
                leave: node,
            };
            Some(match node {
                Node::Start => same(place.start),
                Node::End => same(place.end),
                Node::Error => same(place.error),
                Node::Site(index) => *sites.get(usize::from(index))?,
                Node::Joint(index) => same(*joints.get(usize::from(index))?),
            })
        };
        for edge in code.edges {
            if let (Some(from), Some(to)) = (placed(edge.from), placed(edge.to)) {
                self.edges.push(Edge {
                    from: from.leave,
                    to: to.arrive,
                    ..edge.clone()
                });
            }
        }
        for (code, inside) in parts {
            self.add(code, &inside);
        }
    }

    fn site(&mut self, site: &Site, place: &Place) -> Placed {
        let node = Node::Site(index(self.sites.len()));
        self.sites.push(Site {
            label: format!("{}{}", place.prefix, site.label).into(),
            within: place.within,
            ..site.clone()
        });
        Placed {
            arrive: node,
            leave: node,
        }
    }

    /// The frame of a part, which takes the place of the site that calls it.
    fn part(&mut self, name: &str, code: &Code, site: &Site, place: &Place) -> (Placed, Place) {
        let within = Some(index(self.parts.len()));
        self.parts.push(Part {
            name: name.to_owned(),
            file: code.file.to_owned(),
            line: code.line,
            within: place.within,
        });
        let mut border = |kind| {
            let joint = Joint {
                kind,
                text: name.to_owned().into(),
                line: site.line,
                within,
            };
            self.joint(joint, within)
        };
        let (enter, leave) = (border(JointKind::Enter), border(JointKind::Leave));
        let placed = Placed {
            arrive: enter,
            leave,
        };
        let inside = Place {
            within,
            prefix: format!("{}{}/", place.prefix, site.label),
            start: enter,
            end: leave,
            error: leave,
        };
        (placed, inside)
    }

    fn joint(&mut self, joint: Joint, within: Option<u16>) -> Node {
        let node = Node::Joint(index(self.joints.len()));
        self.joints.push(Joint { within, ..joint });
        node
    }
}

fn index(place: usize) -> u16 {
    u16::try_from(place).unwrap_or(u16::MAX)
}
