//! The node types, family by family. A type is one function and one entry in its family's list; the entry says all that
//! is known of it, and checks and documentation are made of that.

mod browser;
mod control;
mod databases;
mod dates;
mod dialogs;
mod dicts;
#[cfg(feature = "mail")]
mod email;
#[cfg(feature = "excel")]
mod excel;
mod files;
#[cfg(feature = "ftp")]
mod ftp;
mod http;
mod lists;
#[cfg(feature = "llm")]
mod llm;
mod logging;
mod math;
mod patterns;
#[cfg(feature = "pdf")]
mod pdf;
mod random;
mod subflows;
mod supers;
mod system;
mod tables;
mod texts;
mod transform;
mod triggers;
mod variables;
mod xml;
mod zips;

#[cfg(test)]
mod tests;

use crate::catalogue::NodeType;

#[cfg(feature = "mail")]
pub(crate) use self::files::write_whole;
pub(crate) use self::texts::title_case;

/// All node types, in the order in which they are listed.
pub(crate) fn all() -> Vec<NodeType> {
    let families: [(&'static str, Vec<NodeType>); _] = [
        ("control flow", control::types()),
        ("errors", control::error_types()),
        ("variables", variables::types()),
        ("text", texts::types()),
        ("patterns", patterns::types()),
        ("math", math::types()),
        ("random", random::types()),
        ("lists", lists::types()),
        ("dicts and JSON", dicts::types()),
        ("date and time", dates::types()),
        ("logging", logging::types()),
        ("conversion", transform::types()),
        ("files", {
            let mut types = files::types();
            types.extend(tables::types());
            types.extend(zips::types());
            types
        }),
        ("HTTP", http::types()),
        #[cfg(feature = "mail")]
        ("email", email::types()),
        #[cfg(feature = "ftp")]
        ("FTP", ftp::types()),
        ("databases", databases::types()),
        ("browser", browser::types()),
        ("subflows", subflows::types()),
        ("XML", xml::types()),
        ("system", system::types()),
        ("dialogs", dialogs::types()),
        ("triggers", triggers::types()),
    ];
    let mut all: Vec<NodeType> = Vec::new();
    for (family, types) in families.into_iter().chain(optional()) {
        all.extend(types.into_iter().map(|mut node_type| {
            node_type.family = family;
            node_type
        }));
    }
    let several = supers::types(&all);
    all.extend(several.into_iter().map(|mut node_type| {
        node_type.family = "several in one";
        node_type
    }));
    all
}

/// The families that a build may do without; what they have is then refused by name.
fn optional() -> Vec<(&'static str, Vec<NodeType>)> {
    vec![
        #[cfg(feature = "excel")]
        ("Excel", excel::types()),
        #[cfg(feature = "llm")]
        ("language models", llm::types()),
        #[cfg(feature = "llm")]
        ("documents", llm::document_types()),
        #[cfg(feature = "pdf")]
        ("PDF", pdf::types()),
    ]
}
