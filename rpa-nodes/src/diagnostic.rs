//! What is said about a file.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::pointer::Pointer;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The workflow may not start.
    Error,
    /// The workflow may start, but hardly does what its author thinks.
    Warning,
    /// Nothing is wrong: a repair that was made, or a fact worth knowing.
    Info,
}

impl Severity {
    /// The word for it in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $severity:ident;)*) => {
        /// What kind of thing is said. The texts are part of the JSON contract of `rpa check`: a text never
        /// changes its meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[$doc])* $name,)*
        }

        impl Code {
            /// The text that reports have.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            /// How bad it is.
            pub fn severity(self) -> Severity {
                match self {
                    $(Self::$name => Severity::$severity,)*
                }
            }
        }
    };
}

codes! {
    /// There are no nodes.
    EmptyWorkflow = "EMPTY_WORKFLOW", Error;
    /// Something is of a type that cannot be read as what it should be, and was left out.
    InvalidType = "INVALID_TYPE", Error;
    /// Something is missing without which a node or a connection means nothing.
    MissingRequiredField = "MISSING_REQUIRED_FIELD", Error;
    /// Two nodes have the same id; only one of them was read.
    DuplicateNodeId = "DUPLICATE_NODE_ID", Error;
    /// A connection names a node that does not exist.
    OrphanedConnection = "ORPHANED_CONNECTION", Error;
    /// A port, parameter, entry or exit names a node that does not exist.
    OrphanedReference = "ORPHANED_REFERENCE", Error;
    /// A node is connected to itself.
    SelfConnection = "SELF_CONNECTION", Error;
    /// No node would ever run.
    NothingStarts = "NOTHING_STARTS", Error;
    /// The name is empty or white space.
    BlankName = "BLANK_NAME", Error;
    /// The name is longer than CasareRPA allows.
    NameTooLong = "NAME_TOO_LONG", Error;

    /// No node type has this name.
    UnknownNodeType = "UNKNOWN_NODE_TYPE", Error;
    /// CasareRPA has this node type, and this program cannot run it.
    NodeNotRunnable = "NODE_NOT_RUNNABLE", Error;
    /// A node has no such port.
    UnknownPort = "UNKNOWN_PORT", Error;
    /// A node needs something that nothing gives it.
    MissingInput = "MISSING_INPUT", Error;
    /// The value of a property is not what it has to be.
    InvalidValue = "INVALID_VALUE", Error;
    /// An expression cannot be read.
    InvalidExpression = "INVALID_EXPRESSION", Error;
    /// A placeholder names an output that the node does not have.
    UnknownReference = "UNKNOWN_REFERENCE", Error;
    /// A placeholder names a node that cannot have run before.
    ReferenceTooEarly = "REFERENCE_TOO_EARLY", Error;
    /// The end of a loop, a break, a catch or the like belongs to nothing.
    Unpaired = "UNPAIRED", Error;
    /// Control can come back to where it was, and no loop owns that.
    CycleWithoutLoop = "CYCLE_WITHOUT_LOOP", Error;
    /// A variable needs a value, or has one that does not fit its type.
    InvalidVariable = "INVALID_VARIABLE", Error;

    /// A node has no such property; it is ignored.
    UnknownProperty = "UNKNOWN_PROPERTY", Warning;
    /// A value of one type goes into a port of another.
    TypeMismatch = "TYPE_MISMATCH", Warning;
    /// A placeholder names a variable that nothing sets.
    UnknownVariable = "UNKNOWN_VARIABLE", Warning;
    /// The name is longer than lists can show.
    NameLong = "NAME_LONG", Warning;
    /// The workflow has no name.
    MissingName = "MISSING_NAME", Warning;
    /// A JSON object has the same key twice; the last one counts.
    DuplicateKey = "DUPLICATE_KEY", Warning;
    /// The same two ports are connected twice.
    DuplicateConnection = "DUPLICATE_CONNECTION", Warning;
    /// A value cannot be used where it stands. It is kept, but nothing follows from it.
    IgnoredValue = "IGNORED_VALUE", Warning;
    /// A position is not a pair of numbers.
    InvalidPosition = "INVALID_POSITION", Warning;
    /// A node says it has another id than the key it stands under; the key counts.
    NodeIdMismatch = "NODE_ID_MISMATCH", Warning;
    /// The file was written by another version of the format.
    SchemaVersionMismatch = "SCHEMA_VERSION_MISMATCH", Warning;
    /// There is no start node; something else is started.
    NoEntryPoint = "NO_ENTRY_POINT", Warning;
    /// Several nodes could start the workflow.
    MultipleEntryPoints = "MULTIPLE_ENTRY_POINTS", Warning;
    /// Control never comes to a node.
    UnreachableNode = "UNREACHABLE_NODE", Warning;

    /// The file is not in the normal form.
    ShapeNormalised = "SHAPE_NORMALISED", Info;
    /// Fields had other names than in the normal form.
    FieldsRenamed = "FIELDS_RENAMED", Info;
    /// Ports had other names than in the normal form.
    PortsRenamed = "PORTS_RENAMED", Info;
    /// A node type was written as the path of a Python class.
    NodeTypeShortened = "NODE_TYPE_SHORTENED", Info;
    /// State of the editor was left out of a node's config.
    EditorStateRemoved = "EDITOR_STATE_REMOVED", Info;
    /// A copy of the ports was left out of a node; ports come from the node type.
    PortSnapshotRemoved = "PORT_SNAPSHOT_REMOVED", Info;
    /// A value was written as another type.
    ValueConverted = "VALUE_CONVERTED", Info;
    /// What describes the workflow stood outside of `metadata`.
    MetadataLifted = "METADATA_LIFTED", Info;
    /// Positions stood outside of the nodes.
    PositionsMoved = "POSITIONS_MOVED", Info;
    /// A variable was given as its value or as an element of a list.
    VariableExpanded = "VARIABLE_EXPANDED", Info;
    /// A parameter of a template became a variable.
    VariableFromParameter = "VARIABLE_FROM_PARAMETER", Info;
    /// The wrapper of the workflow gives a variable another value.
    VariableOverridden = "VARIABLE_OVERRIDDEN", Info;
    /// Settings stood outside of `settings`.
    SettingsMoved = "SETTINGS_MOVED", Info;
    /// Control can come back to where it was.
    Cycle = "CYCLE", Info;
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// One thing that is said about a file. Messages name keys, ids and types, never the values of configs and
/// variables: those may be secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What kind of thing it is.
    pub code: Code,
    /// Where, in the file as it was given.
    pub pointer: Pointer,
    /// What it is, as a sentence.
    pub message: String,
    /// What to do about it, as a sentence.
    pub fix: String,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = match self.pointer.as_str() {
            "" => "the file",
            pointer => pointer,
        };
        let (severity, code) = (self.severity.as_str(), self.code);
        write!(
            f,
            "{severity} {code} at {at}: {}; {}",
            self.message, self.fix
        )
    }
}

impl Diagnostic {
    /// A diagnostic of the severity that its code has.
    pub fn new(
        code: Code,
        pointer: Pointer,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            severity: code.severity(),
            code,
            pointer,
            message: message.into(),
            fix: fix.into(),
        }
    }

    /// Whether the workflow may not start because of it.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}
