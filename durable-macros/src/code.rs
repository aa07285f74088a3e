//! What is emitted about a function's code: the constant `CODE`.

use proc_macro2::{Literal, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::Path;
use syn::ext::IdentExt;

use crate::attributes::Attributes;
use crate::function::Function;
use crate::hash::hash;
use crate::machine::{self, Edge, Joint, JointKind, Machine, Node, Site, SiteKind, Way};
use crate::paths::Paths;
use crate::signature::Signature;

/// What is known of a function's code.
#[derive(Default)]
pub(crate) struct Code {
    /// The line of its name.
    pub(crate) line: u32,
    /// The hash of what may change what a run does, parts not included.
    pub(crate) hash: String,
    pub(crate) machine: Machine,
    /// The functions that make durable calls on its behalf.
    pub(crate) parts: Vec<Path>,
    /// Whether a statement that is allowed to waits for something else than durable calls.
    pub(crate) awaits_others: bool,
}

impl Code {
    /// Reads the code of a function.
    pub(crate) fn read(
        function: &Function,
        attributes: &Attributes,
        signature: &Signature,
        parts: &[Path],
    ) -> Self {
        Self {
            line: machine::line(function.signature.ident.span()),
            hash: hash(source(function, attributes)),
            machine: match &signature.context {
                Some(context) => machine::read(context, &function.body),
                None => Machine::default(),
            },
            parts: parts.to_vec(),
            awaits_others: false,
        }
    }

    /// The value of the constant.
    pub(crate) fn expression(&self, paths: &Paths, span: Span) -> TokenStream {
        let code = paths.code(span);
        let line = Literal::u32_unsuffixed(self.line);
        let sites = self
            .machine
            .sites
            .iter()
            .map(|site| site_of(site, paths, span));
        let joints = self
            .machine
            .joints
            .iter()
            .map(|joint| joint_of(joint, paths, span));
        let edges = self
            .machine
            .edges
            .iter()
            .map(|edge| edge_of(edge, paths, span));
        let sites = quote_spanned!(span=> sites: &[#(#sites),*]);
        let joints = quote_spanned!(span=> joints: &[#(#joints),*]);
        let edges = quote_spanned!(span=> edges: &[#(#edges),*]);
        let hash = &self.hash;
        let awaits_others = self.awaits_others;
        if self.parts.is_empty() {
            return quote_spanned! {span=>
                &#code {
                    file: ::core::file!(),
                    line: #line,
                    hash: #hash,
                    #sites,
                    #joints,
                    #edges,
                    parts: &[],
                    awaits_others: #awaits_others,
                }
            };
        }
        let part = paths.part_code(span);
        let parts = self.parts.iter().map(|part| self.part(part, paths, span));
        let combined = paths.combined(span);
        let hash_text = paths.hash_text(span);
        quote_spanned! {span=>
            {
                const __DURABLE_PARTS: &[#part] = &[#(#parts),*];
                const __DURABLE_HASH: &[u8; 32] = &#combined(#hash, __DURABLE_PARTS);
                &#code {
                    file: ::core::file!(),
                    line: #line,
                    hash: #hash_text(__DURABLE_HASH),
                    #sites,
                    #joints,
                    #edges,
                    parts: __DURABLE_PARTS,
                    awaits_others: #awaits_others,
                }
            }
        }
    }

    fn part(&self, path: &Path, paths: &Paths, span: Span) -> TokenStream {
        let part = paths.part(span);
        // What is no part is reported where it is named.
        let named = path
            .segments
            .last()
            .map_or(span, |segment| crate::surface::at(segment.ident.span()));
        let workflow_part = paths.workflow_part(named);
        let name = names(path).pop().unwrap_or_default();
        let calls = (0_u16..)
            .zip(&self.machine.sites)
            .filter(|(_, site)| {
                self.part_of(site)
                    .is_some_and(|part| std::ptr::eq(part, path))
            })
            .map(|(index, _)| Literal::u16_unsuffixed(index));
        quote_spanned!(named=> #part(#name, <#path as #workflow_part>::CODE, &[#(#calls),*]))
    }

    /// The part that a site calls: the one of the same path, else one whose name the path ends in.
    fn part_of(&self, site: &Site) -> Option<&Path> {
        let called = &site.path;
        let mut parts = self.parts.iter().filter(|_| !called.is_empty());
        let exact = parts.clone().find(|part| names(part) == *called);
        exact.or_else(|| {
            parts.find(|part| {
                let part = names(part);
                part.ends_with(called) || called.ends_with(&part)
            })
        })
    }
}

/// The names of a path, without what they are relative to.
pub(crate) fn names(path: &Path) -> Vec<String> {
    let names = path.segments.iter().map(|segment| segment.ident.unraw());
    names
        .map(|name| name.to_string())
        .filter(|name| !["crate", "self", "super"].contains(&name.as_str()))
        .collect()
}

/// The tokens that make up the version: all that may change what a run does.
///
/// The options of the attribute are not among them. `name` and `class` say which workflow it is,
/// `version` takes the place of the hash, and `roles` and `max_recovery_attempts` decide whether a
/// run begins and goes on, not what it does. What `raw` changes is in the signature already.
fn source(function: &Function, attributes: &Attributes) -> TokenStream {
    let mut source = TokenStream::new();
    source.extend(attributes.effective().map(ToTokens::to_token_stream));
    function.signature.to_tokens(&mut source);
    function.body.to_tokens(&mut source);
    source
}

fn site_of(site: &Site, paths: &Paths, span: Span) -> TokenStream {
    let new = paths.site(span);
    let kind = paths.site_kind(span);
    let variant = match site.kind {
        SiteKind::Call => quote!(Call),
        SiteKind::Child => quote!(Child),
        SiteKind::Operation => quote!(Operation),
    };
    let Site { label, callee, .. } = site;
    let line = Literal::u32_unsuffixed(site.line);
    let column = Literal::u32_unsuffixed(site.column);
    quote_spanned! {span=>
        #new(#label, #callee, #kind::#variant, ::core::file!(), #line, #column)
    }
}

fn joint_of(joint: &Joint, paths: &Paths, span: Span) -> TokenStream {
    let new = paths.joint(span);
    let kind = paths.joint_kind(span);
    let variant = match joint.kind {
        JointKind::Choice => quote!(Choice),
        JointKind::Loop => quote!(Loop),
        JointKind::Fork => quote!(Fork),
        JointKind::Join => quote!(Join),
    };
    let text = &joint.text;
    let line = Literal::u32_unsuffixed(joint.line);
    quote_spanned!(span=> #new(#kind::#variant, #text, #line))
}

fn edge_of(edge: &Edge, paths: &Paths, span: Span) -> TokenStream {
    let new = paths.edge(span);
    let way = paths.way(span);
    let variant = match edge.way {
        Way::Next => quote!(Next),
        Way::Again => quote!(Again),
        Way::Break => quote!(Break),
        Way::Return => quote!(Return),
        Way::Fail => quote!(Fail),
        Way::Fork => quote!(Fork),
        Way::Race => quote!(Race),
        Way::Undo => quote!(Undo),
    };
    let (from, to) = (node(edge.from, paths, span), node(edge.to, paths, span));
    let when = match &edge.when {
        Some(when) => quote_spanned!(span=> ::core::option::Option::Some(#when)),
        None => quote_spanned!(span=> ::core::option::Option::None),
    };
    quote_spanned!(span=> #new(#from, #to, #way::#variant, #when))
}

fn node(node: Node, paths: &Paths, span: Span) -> TokenStream {
    let ty = paths.node(span);
    let variant = match node {
        Node::Start => quote!(Start),
        Node::Site(index) => {
            let index = Literal::usize_unsuffixed(index);
            quote!(Site(#index))
        }
        Node::Joint(index) => {
            let index = Literal::usize_unsuffixed(index);
            quote!(Joint(#index))
        }
        // A piece that found no place has no edges.
        Node::End | Node::Hole(_) => quote!(End),
        Node::Error => quote!(Error),
    };
    quote_spanned!(span=> #ty::#variant)
}
