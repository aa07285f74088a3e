//! Every path of the runtime that an expansion names.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;

/// The runtime crate as the expansion should spell it.
pub(crate) struct Paths {
    krate: Option<syn::Path>,
}

/// Names one item of the runtime per line: a method that spells its path with the given span.
macro_rules! runtime_items {
    ($($(#[$doc:meta])* $method:ident => $($segment:ident)::+;)*) => {$(
        $(#[$doc])*
        pub(crate) fn $method(&self, span: Span) -> TokenStream {
            let krate = self.krate(span);
            quote_spanned!(span=> #krate::$($segment)::+)
        }
    )*};
}

impl Paths {
    /// Paths that start at `krate`, or at `::durable_runtime` without one.
    pub(crate) fn new(krate: Option<syn::Path>) -> Self {
        Self { krate }
    }

    fn krate(&self, span: Span) -> TokenStream {
        match &self.krate {
            Some(path) => quote_spanned!(span=> #path),
            None => quote_spanned!(span=> ::durable_runtime),
        }
    }

    runtime_items! {
        /// What a step or transaction can be called with.
        step_caller => __private::StepCaller;
        /// What a workflow can be called with.
        workflow_caller => __private::WorkflowCaller;
        /// Splits a return type into value and error.
        step_result => __private::StepResult;
        /// How a step is to be run.
        step_options => __private::StepOptions;
        /// Calls a step that runs once.
        step => __private::step;
        /// Calls a step that may run again.
        repeatable_step => __private::repeatable_step;
        /// Calls a transaction.
        transaction => __private::transaction;
        /// Calls a workflow.
        workflow => __private::workflow;
        /// What gives each run of a body its arguments.
        repeatable => __private::Repeatable;
        /// How an error travels through the database.
        error_codec_type => __private::ErrorCodec;
        /// The codec of an error type.
        error_codec => __private::error_codec;
        /// The pending call of a step or transaction.
        step_call => StepCall;
        /// What tells that the body of a call may run again.
        runs_again => RunsAgain;
        /// What tells that a call is that of a transaction.
        runs_in_transaction => RunsInTransaction;
        /// The pending call of a workflow.
        workflow_call => WorkflowCall;
        /// The error of the runtime.
        error => Error;
        /// The trait of workflow types.
        workflow_trait => Workflow;
        /// What a workflow's body is given.
        workflow_context => WorkflowContext;
        /// What is read off a workflow's code.
        code => Code;
        /// A durable call in a workflow's body.
        site => __private::site;
        /// What kind of call a site is.
        site_kind => SiteKind;
        /// A place where ways part or meet.
        joint => __private::joint;
        /// What a joint does.
        joint_kind => JointKind;
        /// A way between two nodes.
        edge => __private::edge;
        /// What an edge connects.
        node => Node;
        /// How an edge is taken.
        way => Way;
        /// The trait of the types of parts.
        workflow_part => WorkflowPart;
        /// A part, as the code that calls it names it.
        part => __private::part;
        /// The type of that.
        part_code => PartCode;
        /// The hash of a function with parts.
        combined => __private::combined;
        /// That hash as text.
        hash_text => __private::hash_text;
    }
}
