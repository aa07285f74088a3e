//! Nodes that decide which way control takes. What they decide is in `visit/control.rs`, what follows in `walk`.

use serde_json::json;

use crate::catalogue::{Control, Kind, NodeType};

pub(super) fn types() -> Vec<NodeType> {
    let control = NodeType::control;
    vec![
        control("StartNode", Control::Start, "Where the workflow begins."),
        control(
            "EndNode",
            Control::End,
            "Ends its branch. Other branches go on.",
        )
        .exits(&[]),
        control("CommentNode", Control::Pass, "A remark. Control goes through it.")
            .optional("comment", Kind::Text),
        control("MergeNode", Control::Pass, "Where ways come together: what follows runs once, when the first of them arrives."),
        control("RerouteNode", Control::Pass, "A dot on a connection: control and the value go through it.")
            .alias("VisualRerouteNode")
            .input("in", Kind::Any)
            .output("out", Kind::Any),
        control(
            "WaitNode",
            Control::Wait,
            "Lets time pass. A run that is interrupted meanwhile waits for the rest.",
        )
        .alias("BrowserWaitNode")
        .input_or("duration", Kind::Float, json!(1.0))
        .key("seconds", "duration")
        .key("duration_ms", "duration")
        .key("wait_time", "duration")
        .key("wait_time_seconds", "duration"),
        control(
            "IfNode",
            Control::If,
            "Takes one of two ways. The condition is a value from the port, or an expression in the config.",
        )
        .alias("BranchNode")
        .input("condition", Kind::Expression)
        .optional("expression", Kind::Expression)
        .exits(&["true", "false"]),
        control(
            "SwitchNode",
            Control::Switch,
            "Takes the way of the case that is equal to the value, as a text: `case_<text>` or `case_<index>`; else `default`.",
        )
        .input("value", Kind::Any)
        .optional("expression", Kind::Expression)
        .property("cases", Kind::Any, json!([]))
        .output("value", Kind::Any)
        .exits(&["default", "exec_out"])
        .exits_like("case_"),
        control(
            "ForLoopStartNode",
            Control::ForStart,
            "Runs its body once for each item of a list, value of a dict, character of a text, or number of a range. Sets \
             the variables `<item_var>`, `<item_var>_index` and, for dicts, `<item_var>_key`.",
        )
        .alias("ForEachNode")
        .alias("ForLoopNode")
        .input("items", Kind::Any)
        .property("mode", Kind::Choice(&["items", "range"]), "items")
        .optional("list_var", Kind::Any)
        .property("item_var", Kind::Text, "item")
        .input_or("start", Kind::Integer, 0)
        .input_or("end", Kind::Integer, 10)
        .input_or("step", Kind::Integer, 1)
        .optional("paired_end_id", Kind::Text)
        .key("list", "items")
        .output("current_item", Kind::Any)
        .output("current_index", Kind::Integer)
        .output("current_key", Kind::Any)
        .port("item", "current_item")
        .port("index", "current_index")
        .port("loop_body", "body")
        .port("exec_out", "completed")
        .exits(&["body", "completed"]),
        control("ForLoopEndNode", Control::ForEnd, "Ends the body of a for loop. Behind the last pass control goes on here.")
            .optional("paired_start_id", Kind::Text),
        control(
            "WhileLoopStartNode",
            Control::WhileStart,
            "Runs its body as long as a condition holds, at most `max_iterations` times.",
        )
        .alias("WhileNode")
        .alias("WhileLoopNode")
        .input("condition", Kind::Expression)
        .optional("expression", Kind::Expression)
        .property("max_iterations", Kind::Integer, 1000)
        .optional("paired_end_id", Kind::Text)
        .output("current_iteration", Kind::Integer)
        .port("loop_body", "body")
        .port("exec_out", "completed")
        .exits(&["body", "completed"]),
        control("WhileLoopEndNode", Control::WhileEnd, "Ends the body of a while loop. Behind the last pass control goes on here.")
            .optional("paired_start_id", Kind::Text),
        control("BreakNode", Control::Break, "Leaves a loop: the one it names, or the innermost.")
            .optional("paired_loop_start_id", Kind::Text),
        control("ContinueNode", Control::Continue, "Begins the next pass of a loop: the one it names, or the innermost.")
            .optional("paired_loop_start_id", Kind::Text),
        control(
            "ForkNode",
            Control::Fork,
            "Begins a branch for each port `branch_<n>`. Each has its own variables, as they were. They run side by side, one \
             visit each at a time.",
        )
        .property("branch_count", Kind::Integer, 2)
        .property("fail_fast", Kind::Boolean, false)
        .optional("paired_join_id", Kind::Text)
        .exits(&["exec_out"])
        .exits_like("branch_"),
        control(
            "ParallelForEachNode",
            Control::Each,
            "Runs its body for the items of a list, `batch_size` at once, each with its own variables `item` and \
             `item_index`. `results` has what the last node gave for each item. Without `fail_fast` all items run before a \
             failure goes on.",
        )
        .needs("items", Kind::List)
        .property("batch_size", Kind::Integer, 5)
        .property("fail_fast", Kind::Boolean, false)
        .output("current_item", Kind::Any)
        .output("current_index", Kind::Integer)
        .output("results", Kind::List)
        .port("item", "current_item")
        .port("index", "current_index")
        .exits(&["body", "completed"]),
        control(
            "JoinNode",
            Control::Join,
            "Where the branches of a fork end. Variables that a branch set are there as `<branch>_<name>`, and as `<name>` \
             where no two branches disagree.",
        )
        .property("merge_strategy", Kind::Choice(&["all", "first", "last"]), "all")
        .optional("paired_fork_id", Kind::Text)
        .output("results", Kind::Dict)
        .output("branch_count", Kind::Integer),
    ]
}

pub(super) fn error_types() -> Vec<NodeType> {
    let control = NodeType::control;
    vec![
        control("TryNode", Control::Try, "Watches over what follows `try_body`: a failure goes to its catch.")
            .optional("paired_catch_id", Kind::Text)
            .optional("paired_finally_id", Kind::Text)
            .key("catch_id", "paired_catch_id")
            .key("finally_id", "paired_finally_id")
            .exits(&["try_body", "exec_out"]),
        control(
            "CatchNode",
            Control::Catch,
            "Takes the failure of a try, if its class is among `error_types` (separated by commas; none means all).",
        )
        .optional("paired_try_id", Kind::Text)
        .optional("error_types", Kind::Text)
        .output("error_message", Kind::Text)
        .output("error_type", Kind::Text)
        .output("stack_trace", Kind::Text)
        .exits(&["catch_body", "exec_out"]),
        control("FinallyNode", Control::Finally, "Runs `finally_body` when a try is over, however it ended.")
            .optional("paired_try_id", Kind::Text)
            .output("had_error", Kind::Boolean)
            .exits(&["finally_body", "exec_out"]),
        control(
            "RetryNode",
            Control::Retry,
            "Runs `retry_body` again when it fails, `max_attempts` times in all, with growing waits between; then goes on by \
             `success` or `failed`.",
        )
        .property("max_attempts", Kind::Integer, 3)
        .property("initial_delay", Kind::Float, json!(1.0))
        .property("backoff_multiplier", Kind::Float, json!(2.0))
        .key("max_retries", "max_attempts")
        .output("attempt", Kind::Integer)
        .output("last_error", Kind::Text)
        .exits(&["retry_body", "success", "failed", "exec_out"]),
        control("RetrySuccessNode", Control::RetrySuccess, "The body of a retry did what it should: no further attempt.").exits(&[]),
        control("RetryFailNode", Control::RetryFail, "The body of a retry failed: the next attempt begins.")
            .needs("error_message", Kind::Text)
            .exits(&[]),
        NodeType::compute("ThrowErrorNode", "Fails, with a message of its own.", |call| {
            let class = call.text("error_type");
            let class = match class.trim() {
                "" => "CustomError",
                class => class,
            };
            Err(crate::fault::Fault::of(class, call.text("error_message")))
        })
        .optional("error_type", Kind::Text)
        .input_or("error_message", Kind::Text, "Custom error")
        .key("message", "error_message"),
        NodeType::compute("AssertNode", "Fails unless a condition is true.", |call| {
            let passed = crate::visit::holds(call.get("condition"), call.scope())?;
            call.give("passed", passed);
            if passed {
                return Ok(());
            }
            let message = format!("Assertion failed: {}", call.text("message"));
            Err(crate::fault::Fault::of("AssertionError", message))
        })
        .input_or("condition", Kind::Expression, true)
        .input_or("message", Kind::Text, "Assertion failed")
        .output("passed", Kind::Boolean),
    ]
}
