//! Expressions of conditions: the subset of Python that workflow files use.
//!
//! An expression is parsed once, with its placeholders (`{{name}}`) as parts of it: they are bound to values, never to
//! text, so that no value can change what an expression means. Inside quotes a placeholder interpolates, as in
//! `'{{name}}' == ''`. There is no way from an expression to files, names of the program, or endless work.

mod evaluate;
mod functions;
mod lexer;
mod methods;
mod parser;

#[cfg(test)]
mod tests;

use serde_json::Value;

pub(crate) use self::evaluate::{bounds, stepped};
pub(crate) use self::functions::{group_digits, round_half_even, round_to, sort, sum};
use crate::template::Scope;
use crate::value::Path;

/// Why an expression cannot be read or has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExpressionError {
    /// What is wrong, and where it can be said, what to write instead.
    pub message: String,
    /// Where in the text, in bytes, if it could not be read.
    pub position: Option<usize>,
}

impl ExpressionError {
    fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            position: None,
        }
    }

    fn at(position: usize, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            position: Some(position),
        }
    }
}

/// An expression that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    root: Node,
}

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    /// The text is not in the subset of Python that is understood.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        Ok(Self {
            root: parser::parse(text)?,
        })
    }

    /// The value of the expression.
    ///
    /// # Errors
    /// A name is not known, or an operation cannot be done with its operands.
    pub fn evaluate(&self, scope: &dyn Scope) -> Result<Value, ExpressionError> {
        evaluate::evaluate(&self.root, scope)
    }
}

/// What an expression consists of.
#[derive(Debug, Clone, PartialEq)]
enum Node {
    Constant(Value),
    /// A variable or the outputs of a node.
    Name(String),
    /// `{{a.b[0]}}` outside of quotes.
    Placeholder(String, Option<Path>),
    /// A text in quotes that has placeholders.
    Text(String),
    List(Vec<Node>),
    Dict(Vec<(Node, Node)>),
    Not(Box<Node>),
    Negative(Box<Node>),
    Positive(Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    /// `a < b <= c`.
    Compare(Box<Node>, Vec<(Comparison, Node)>),
    Arithmetic(Arithmetic, Box<Node>, Box<Node>),
    /// `a if condition else b`.
    Choice {
        condition: Box<Node>,
        then: Box<Node>,
        otherwise: Box<Node>,
    },
    Attribute(Box<Node>, String),
    Index(Box<Node>, Box<Node>),
    /// `of[start:end:step]`.
    Slice(Box<Node>, [Option<Box<Node>>; 3]),
    Call(String, Vec<Node>),
    Method(Box<Node>, String, Vec<Node>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Modulo,
    Power,
}
