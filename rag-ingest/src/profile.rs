//! How documents are spelled and cut.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How documents are spelled and cut. Another profile makes other documents: the next run ingests all of them again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// By their structure: headings, paragraphs, code and tables, in word pieces of the model.
    #[default]
    Structure,
    /// As rag-101 does, byte for byte: [its spelling](crate::normalise::compat::normalise), and pieces of 800 characters
    /// that share up to 100, each within a page. Nothing is known of headings.
    Compat,
}

impl Profile {
    /// The word on the command line and in fingerprints.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Structure => "structure",
            Self::Compat => "compat",
        }
    }
}

impl FromStr for Profile {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "structure" => Ok(Self::Structure),
            "compat" => Ok(Self::Compat),
            _ => Err(format!("`{word}` is neither structure nor compat")),
        }
    }
}
