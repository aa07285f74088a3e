//! The ways of control, with nodes that really run: the walk is driven as a run without a database drives it.

use serde_json::{Value, json};

use crate::document;
use crate::host::Host;
use crate::run::{Fired, Request, Result as RunResult, run_ephemeral};

/// Runs a workflow: nodes by id with type and config, links as `a.port>b` or `a.port>b.port`.
fn run(nodes: Value, links: &[&str], more: Value) -> RunResult {
    let mut document = json!({"metadata": {"name": "t"}, "nodes": {}, "connections": []});
    for (id, node) in nodes.as_object().unwrap() {
        document["nodes"][id] = json!({"node_id": id, "node_type": node[0], "config": node[1]});
    }
    for link in links {
        let (from, to) = link.split_once('>').unwrap();
        let (source, out) = from.split_once('.').unwrap_or((from, "exec_out"));
        let (target, into) = to.split_once('.').unwrap_or((to, "exec_in"));
        document["connections"].as_array_mut().unwrap().push(json!({
            "source_node": source, "source_port": out, "target_node": target, "target_port": into,
        }));
    }
    for (key, value) in more.as_object().unwrap() {
        document[key] = value.clone();
    }
    let loaded = document::load(&document.to_string()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let request = Request::new(&loaded.workflow, &Default::default(), folder.path()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime
        .block_on(run_ephemeral(&request, &Host::default()))
        .unwrap()
}

fn log(text: &str) -> Value {
    json!(["LogNode", {"message": text, "include_node_id": false}])
}

#[test]
fn ways_are_taken_in_the_order_of_the_file_each_to_its_end() {
    let result = run(
        json!({
            "start": ["StartNode", {}], "a": log("a"), "b": log("b"), "merge": ["MergeNode", {}], "c": log("c"),
        }),
        &["start>a", "start>b", "a>merge", "b>merge", "merge>c"],
        json!({}),
    );
    assert_eq!(result.logs, ["a", "c", "b"]);
    assert!(result.success);
    assert_eq!(
        (
            result.executed_nodes,
            result.distinct_nodes,
            result.total_nodes
        ),
        (5, 5, 5)
    );
}

#[test]
fn nested_loops_break_and_continue_leave_the_loop_that_is_meant() {
    let result = run(
        json!({
            "start": ["StartNode", {}],
            "outer": ["ForLoopStartNode", {"items": [1, 2, 3], "item_var": "i"}],
            "inner": ["WhileLoopStartNode", {"expression": "{{inner_i}} < 10"}],
            "reset": ["SetVariableNode", {"variable_name": "inner_i", "value": "0", "variable_type": "Int32"}],
            "count": ["IncrementVariableNode", {"variable_name": "inner_i"}],
            "two": ["IfNode", {"expression": "i == 2"}],
            "skip": ["ContinueNode", {"paired_loop_start_id": "outer"}],
            "three": ["IfNode", {"expression": "{{inner_i}} >= 3"}],
            "stop": ["BreakNode", {}],
            "inner_end": ["WhileLoopEndNode", {}],
            "tell": log("{{i}}: {{inner_i}}"),
            "outer_end": ["ForLoopEndNode", {}],
            "done": log("done"),
        }),
        &[
            "start>outer",
            "outer.body>reset",
            "reset>inner",
            "inner.body>count",
            "count>two",
            "two.true>skip",
            "two.false>three",
            "three.true>stop",
            "three.false>inner_end",
            "inner.completed>tell",
            "tell>outer_end",
            "outer_end>done",
        ],
        json!({}),
    );
    assert_eq!(result.logs, ["1: 3.0", "3: 3.0", "done"]);
    assert!(result.success, "{:?}", result.error);
}

#[test]
fn loops_of_one_node_with_a_way_back_are_loops() {
    let result = run(
        json!({
            "start": ["StartNode", {}],
            "loop": ["ForEachNode", {"items": {"a": 1, "b": 2}}],
            "tell": log("{{item_key}}={{loop.index}}:{{loop.item}}"),
            "end": log("end"),
        }),
        &[
            "start>loop",
            "loop.loop_body>tell",
            "tell>loop.loop_next",
            "loop.exec_out>end",
        ],
        json!({}),
    );
    assert_eq!(result.logs, ["a=0:1", "b=1:2", "end"]);
}

#[test]
fn a_loop_goes_over_what_there_was_when_it_began() {
    let result = run(
        json!({
            "start": ["StartNode", {}],
            "loop": ["ForLoopStartNode", {"list_var": "rows", "item_var": "row"}],
            "change": ["SetVariableNode", {"variable_name": "rows", "value": []}],
            "tell": log("{{row}}"),
        }),
        &["start>loop", "loop.body>change", "change>tell"],
        json!({"variables": {"rows": {"type": "List", "default_value": ["a", "b"]}}}),
    );
    assert_eq!(result.logs, ["a", "b"]);
    assert_eq!(result.executed_nodes, 8);
}

#[test]
fn an_empty_loop_goes_on_behind_its_end() {
    let result = run(
        json!({
            "start": ["StartNode", {}], "loop": ["ForLoopStartNode", {"items": []}], "body": log("body"),
            "end": ["ForLoopEndNode", {}], "after": log("after"),
        }),
        &["start>loop", "loop.body>body", "body>end", "end>after"],
        json!({}),
    );
    assert_eq!(result.logs, ["after"]);
    assert_eq!(result.unreached, ["body", "end"]);
}

#[test]
fn a_loop_that_never_ends_by_itself_is_ended() {
    let result = run(
        json!({
            "start": ["StartNode", {}],
            "loop": ["WhileLoopStartNode", {"expression": "True", "max_iterations": "5"}],
            "count": ["IncrementVariableNode", {"variable_name": "n"}],
        }),
        &["start>loop", "loop.body>count"],
        json!({}),
    );
    assert_eq!(result.variables["n"], json!(5.0));
    assert!(
        result
            .warnings
            .iter()
            .any(|warning| warning.contains("after 5 passes"))
    );
}

#[test]
fn a_failure_goes_to_the_innermost_catch_that_takes_it() {
    let result = run(
        json!({
            "start": ["StartNode", {}], "outer": ["TryNode", {}], "inner": ["TryNode", {}],
            "throw": ["ThrowErrorNode", {"error_message": "boom"}], "never": log("never"),
            "inner_catch": ["CatchNode", {"paired_try_id": "inner", "error_types": "ValueError, TypeError"}],
            "outer_catch": ["CatchNode", {"paired_try_id": "outer", "error_types": "CustomError"}],
            "tell": log("{{outer_catch.error_type}} {{outer_catch.error_message}}"),
        }),
        &[
            "start>outer",
            "outer.try_body>inner",
            "inner.try_body>throw",
            "throw>never",
            "outer_catch.catch_body>tell",
        ],
        json!({}),
    );
    assert_eq!(result.logs, ["CustomError boom"]);
    assert!(result.success);
}

#[test]
fn a_finally_runs_on_every_way_out() {
    let result = run(
        json!({
            "start": ["StartNode", {}],
            "loop": ["ForLoopStartNode", {"mode": "range", "start": 0, "end": 3, "item_var": "i"}],
            "try": ["TryNode", {}],
            "one": ["IfNode", {"expression": "i == 1"}],
            "stop": ["BreakNode", {}],
            "tell": log("pass {{i}}"),
            "finally": ["FinallyNode", {"paired_try_id": "try"}],
            "tidy": log("tidy {{i}}"),
            "after": log("after"),
        }),
        &[
            "start>loop",
            "loop.body>try",
            "try.try_body>one",
            "one.true>stop",
            "one.false>tell",
            "finally.finally_body>tidy",
            "loop.completed>after",
        ],
        json!({}),
    );
    assert_eq!(result.logs, ["pass 0", "tidy 0", "tidy 1", "after"]);
}

#[test]
fn a_failure_that_nobody_takes_runs_the_finally_and_ends_the_run() {
    let result = run(
        json!({
            "start": ["StartNode", {}], "try": ["TryNode", {}],
            "throw": ["ThrowErrorNode", {"error_message": "boom"}],
            "finally": ["FinallyNode", {"paired_try_id": "try"}], "tidy": log("had error {{finally.had_error}}"),
            "after": log("after"),
        }),
        &[
            "start>try",
            "try.try_body>throw",
            "finally.finally_body>tidy",
            "finally>after",
        ],
        json!({}),
    );
    assert_eq!(result.logs, ["had error True"]);
    assert!(!result.success);
    assert_eq!(result.failed_node_id.as_deref(), Some("throw"));
    assert_eq!(result.error.as_deref(), Some("CustomError: boom"));
    assert_eq!(result.unreached, ["after"]);
}

#[test]
fn a_retry_runs_its_body_again_and_gives_up() {
    let nodes = |attempts: u32| {
        json!({
            "start": ["StartNode", {}],
            "retry": ["RetryNode", {"max_attempts": attempts, "initial_delay": 0}],
            "count": ["IncrementVariableNode", {"variable_name": "n"}],
            "enough": ["IfNode", {"expression": "{{n}} >= 3"}],
            "fail": ["RetryFailNode", {"error_message": "not {{n}}"}],
            "done": ["RetrySuccessNode", {}],
            "good": log("good {{retry.attempt}}{{retry.last_error}}"), "bad": log("bad {{retry.last_error}}"),
        })
    };
    let links = [
        "start>retry",
        "retry.retry_body>count",
        "count>enough",
        "enough.true>done",
        "enough.false>fail",
        "retry.success>good",
        "retry.failed>bad",
    ];
    assert_eq!(run(nodes(5), &links, json!({})).logs, ["good 3"]);
    let given_up = run(nodes(2), &links, json!({}));
    assert_eq!(given_up.logs, ["bad not 2.0"]);
    assert!(given_up.success);
    let uncaught = run(nodes(2), &links[..6], json!({}));
    assert!(!uncaught.success);
    assert_eq!(uncaught.failed_node_id.as_deref(), Some("fail"));
}

#[test]
fn branches_have_their_own_variables_and_come_together() {
    let result = run(
        json!({
            "start": ["StartNode", {}], "fork": ["ForkNode", {}],
            "a": ["SetVariableNode", {"variable_name": "side", "value": "a"}],
            "b": ["SetVariableNode", {"variable_name": "side", "value": "b"}],
            "b2": ["SetVariableNode", {"variable_name": "only_b", "value": "{{side}}"}],
            "join": ["JoinNode", {}], "tell": log("{{side}} {{branch_1_side}} {{branch_2_side}} {{only_b}}"),
        }),
        &[
            "start>fork",
            "fork.branch_1>a",
            "fork.branch_2>b",
            "b>b2",
            "a>join",
            "b2>join",
            "join>tell",
        ],
        json!({"variables": {"side": {"type": "String", "default_value": "before"}}}),
    );
    assert_eq!(result.logs, ["before a b b"]);
    assert_eq!(result.outputs["join"]["branch_count"], 2);
    assert_eq!(
        result.outputs["join"]["results"]["branch_2"],
        json!({"value": "b"})
    );
}

#[test]
fn a_branch_that_fails_fails_the_fork_where_a_try_takes_it() {
    let result = run(
        json!({
            "start": ["StartNode", {}], "try": ["TryNode", {}], "fork": ["ForkNode", {}],
            "throw": ["ThrowErrorNode", {"error_message": "boom"}], "one": log("one"), "two": log("two"),
            "join": ["JoinNode", {}], "after": log("after"),
            "catch": ["CatchNode", {"paired_try_id": "try"}], "caught": log("caught {{catch.error_message}}"),
        }),
        &[
            "start>try",
            "try.try_body>fork",
            "fork.branch_1>throw",
            "fork.branch_2>one",
            "one>two",
            "throw>join",
            "two>join",
            "join>after",
            "catch.catch_body>caught",
        ],
        json!({}),
    );
    assert_eq!(result.logs, ["one", "two", "caught boom"]);
    assert!(result.success);
}

#[test]
fn control_and_values_go_through_a_node_that_is_switched_off() {
    let result = run(
        json!({
            "start": ["StartNode", {}],
            "set": ["SetVariableNode", {"variable_name": "x", "value": "kept", "_disabled": true}],
            "tell": ["LogNode", {"include_node_id": false}],
        }),
        &["start>set", "set>tell", "set.value>tell.message"],
        json!({}),
    );
    assert_eq!(result.logs, ["kept"]);
    assert!(result.variables.get("x").is_none());
}

#[test]
fn a_run_that_goes_on_after_errors_still_tells_them() {
    let result = run(
        json!({
            "start": ["StartNode", {}], "throw": ["ThrowErrorNode", {"error_message": "boom"}],
            "parse": ["JsonParseNode", {"json_string": "{"}], "after": log("after {{parse.data}}."),
            "none": ["IfNode", {"condition": "{{parse.data}} is None"}], "end": log("none"),
        }),
        &[
            "start>throw",
            "throw>parse",
            "parse>after",
            "after>none",
            "none.true>end",
        ],
        json!({"settings": {"stop_on_error": false}}),
    );
    assert_eq!(
        result.logs,
        ["after .", "none"],
        "outputs of what failed are null"
    );
    assert!(!result.success);
    assert_eq!(result.error.as_deref(), Some("CustomError: boom"));
}

#[test]
fn a_switch_takes_the_way_of_its_case_by_text_or_place() {
    let nodes = |value: &str| {
        json!({
            "start": ["StartNode", {}], "switch": ["SwitchNode", {"value": value, "cases": ["red", "green", "blue"]}],
            "red": log("red"), "green": log("green"), "other": log("other"),
        })
    };
    let links = [
        "start>switch",
        "switch.case_red>red",
        "switch.case_1>green",
        "switch.default>other",
    ];
    for (value, logs) in [
        ("red", vec!["red"]),
        ("green", vec!["green"]),
        ("blue", vec![]),
        ("grey", vec!["other"]),
    ] {
        assert_eq!(run(nodes(value), &links, json!({})).logs, logs, "{value}");
    }
}

#[test]
fn islands_run_one_after_the_other_when_nothing_is_the_start() {
    let result = run(
        json!({"a": log("a"), "b": log("b"), "c": log("c")}),
        &["b>c"],
        json!({}),
    );
    assert_eq!(result.logs, ["a", "b", "c"]);
}

#[test]
fn an_expression_that_has_no_value_fails_its_node() {
    let result = run(
        json!({"start": ["StartNode", {}], "if": ["IfNode", {"expression": "missing > 1"}], "a": log("a")}),
        &["start>if", "if.false>a"],
        json!({}),
    );
    assert!(!result.success);
    assert_eq!(
        result.error.as_deref(),
        Some("ExpressionError: there is no variable `missing`")
    );
}

#[test]
fn sensitive_values_are_shown_nowhere() {
    let result = run(
        json!({
            "start": ["StartNode", {}],
            "set": ["SetVariableNode", {"variable_name": "header", "value": "Bearer {{token}}"}],
            "tell": log("with {{header}}"), "throw": ["ThrowErrorNode", {"error_message": "refused: {{token}}"}],
        }),
        &["start>set", "set>tell", "tell>throw"],
        json!({"variables": {"token": {"type": "String", "default_value": "s3cret-value", "sensitive": true}}}),
    );
    let shown = serde_json::to_string(&result).unwrap();
    assert!(!shown.contains("s3cret-value"), "{shown}");
    assert_eq!(result.logs, ["with Bearer ***"]);
    assert_eq!(result.variables["header"], "Bearer ***");
}

#[test]
fn remarks_dots_and_ends_do_what_they_look_like() {
    let result = run(
        json!({
            "start": ["StartNode", {}], "remark": ["CommentNode", {"comment": "here"}],
            "set": ["SetVariableNode", {"variable_name": "x", "value": 7}], "dot": ["RerouteNode", {}],
            "tell": ["LogNode", {"include_node_id": false}], "end": ["EndNode", {}], "wait": ["WaitNode", {"duration_ms": 1}],
            "sure": ["AssertNode", {"condition": "yes"}],
        }),
        &[
            "start>remark",
            "remark>set",
            "set>dot",
            "dot>wait",
            "wait>sure",
            "sure>tell",
            "tell>end",
            "set.value>dot.in",
            "dot.out>tell.message",
        ],
        json!({}),
    );
    assert_eq!(result.logs, ["7"]);
    assert!(result.success, "{:?}", result.error);
    assert_eq!(result.executed_nodes, 8);
    assert_eq!(result.outputs["sure"]["passed"], true);
}

#[test]
fn items_run_side_by_side_and_their_results_keep_their_order() {
    let nodes = |items: Value, fail_fast: bool| {
        json!({
            "start": ["StartNode", {}],
            "each": ["ParallelForEachNode", {"items": items, "batch_size": "2", "fail_fast": fail_fast}],
            "first": log("first {{item}}"),
            "divide": ["MathOperationNode", {"operation": "divide", "a": 6, "b": "{{each.item}}"}],
            "done": log("{{each.results}}"),
        })
    };
    let links = [
        "start>each",
        "each.body>first",
        "first>divide",
        "each.completed>done",
    ];
    let broken = json!([3, 0, 2, 1]);
    let failed = run(nodes(broken.clone(), true), &links, json!({}));
    assert_eq!(failed.logs, ["first 3", "first 0"]);
    assert_eq!(
        failed.error.as_deref(),
        Some("ZeroDivisionError: division by zero")
    );
    let patient = run(nodes(broken, false), &links, json!({}));
    assert_eq!(patient.logs, ["first 3", "first 0", "first 2", "first 1"]);
    assert!(!patient.success);
    let result = run(nodes(json!([3, 6, 2]), false), &links, json!({}));
    assert_eq!(
        result.logs,
        [
            "first 3",
            "first 6",
            "first 2",
            "[{'result': 2.0}, {'result': 1.0}, {'result': 3.0}]"
        ]
    );
    assert!(!result.variables.contains_key("item"));
}

#[test]
fn a_workflow_of_triggers_begins_behind_them() {
    let nodes = json!({
        "hook": ["WebhookTriggerNode", {}],
        "time": ["ScheduleTriggerNode", {}],
        "file": ["FileWatchTriggerNode", {"watch_path": "in"}],
        "call": ["WorkflowCallTriggerNode", {"call_alias": "x"}],
        "one": log("one"), "two": log("two"), "three": log("three"),
    });
    let links = [
        "hook>two",
        "time>one",
        "file>two",
        "call>three",
        "two>three",
    ];
    let result = run(nodes.clone(), &links, json!({}));
    assert!(result.success, "{:?}", result.error);
    assert_eq!(result.logs, ["two", "three", "one"]);
    assert_eq!(result.unreached, Vec::<String>::new());
    // With a start node they only stand there, unless one of them fires.
    let mut started = nodes;
    started["start"] = json!(["StartNode", {}]);
    let links = ["start>one", "hook>two"];
    assert_eq!(run(started, &links, json!({})).logs, ["one"]);
}

#[test]
fn a_trigger_that_fired_is_where_the_workflow_begins_and_what_it_refers_to() {
    let document = json!({
        "metadata": {"name": "t"},
        "variables": {"amount": {"type": "Integer", "default_value": 1}, "method": {"type": "Integer", "default_value": 5}},
        "nodes": {
            "start": {"node_id": "start", "node_type": "StartNode", "config": {}},
            "hook": {"node_id": "hook", "node_type": "WebhookTriggerNode", "config": {}},
            "tell": {"node_id": "tell", "node_type": "LogNode", "config": {
                "message": "{{hook.payload.rows[1]}} {{payload.amount}} {{amount}} {{method}} {{path}}", "include_node_id": false,
            }},
        },
        "connections": [
            {"source_node": "hook", "source_port": "exec_out", "target_node": "tell", "target_port": "exec_in"},
        ],
    });
    let loaded = document::load(&document.to_string()).unwrap();
    let said = crate::check::check(&loaded);
    assert!(said.iter().all(|said| !said.is_error()), "{said:?}");
    let fired = Fired {
        node: "hook".to_owned(),
        outputs:
            json!({"payload": {"rows": [1, 2], "amount": "7"}, "method": "POST", "path": "/x"})
                .as_object()
                .cloned()
                .unwrap(),
    };
    let request = Request::fired(&loaded.workflow, fired, std::path::Path::new("/")).unwrap();
    // What a run is started with is read again from the database.
    let written = serde_json::to_string(&request).unwrap();
    let request: Request = serde_json::from_str(&written).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let result = runtime
        .block_on(run_ephemeral(&request, &Host::default()))
        .unwrap();
    assert_eq!(result.logs, ["2 7 7 5 /x"]);
    assert_eq!(result.unreached, ["start"]);
}

#[test]
fn a_loop_goes_over_a_dict_that_is_written_as_json_and_over_no_placeholder() {
    let over = |items: &str| {
        run(
            json!({
                "start": ["StartNode", {}], "loop": ["ForLoopStartNode", {"items": items}],
                "each": log("{{item}} {{item_key}}"), "end": ["ForLoopEndNode", {}],
            }),
            &["start>loop", "loop.body>each", "each>end"],
            json!({}),
        )
    };
    assert_eq!(over("{\"a\": 1, \"b\": 2}").logs, ["1 a", "2 b"]);
    let nothing = over("{{rows}}");
    assert!(nothing.logs.is_empty(), "{:?}", nothing.logs);
    assert!(
        nothing
            .error
            .unwrap()
            .contains("nothing that `{{rows}}` could stand for")
    );
}
