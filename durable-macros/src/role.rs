//! Which of the three attributes is at work.

/// What a function is declared to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// `#[step]`
    Step,
    /// `#[transaction]`
    Transaction,
    /// `#[workflow]`
    Workflow,
}

impl Role {
    /// Every role, for looking a context type up.
    pub(crate) const ALL: [Self; 3] = [Self::Step, Self::Transaction, Self::Workflow];

    /// The word for it, which is also the attribute's name.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::Transaction => "transaction",
            Self::Workflow => "workflow",
        }
    }

    /// The type of the first parameter.
    pub(crate) fn context(self) -> &'static str {
        match self {
            Self::Step => "StepContext",
            Self::Transaction => "TransactionContext",
            Self::Workflow => "WorkflowContext",
        }
    }

    /// The role whose context type is called `name`.
    pub(crate) fn of_context(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.context() == name)
    }
}
