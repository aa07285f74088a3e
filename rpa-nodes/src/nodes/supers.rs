//! Nodes that are several others in one: `action` says which. They are data: what each action is called, which node it is, and
//! how the names differ.

mod own;

use crate::catalogue::{Kind, NodeType, catalogue};
use crate::fault::Fault;
use crate::visit::Call;

/// An action: its name, the node that does it, its inputs and its outputs under other names: (here, there).
type Action = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static [(&'static str, &'static str)],
);

const TEXT: &[Action] = &[
    ("Substring", "TextSubstringNode", &[], &[]),
    ("Contains", "TextContainsNode", &[], &[]),
    ("Starts With", "TextStartsWithNode", &[], &[]),
    ("Ends With", "TextEndsWithNode", &[], &[]),
    ("Extract (Regex)", "TextExtractNode", &[], &[]),
    ("Split", "TextSplitNode", &[], &[]),
    (
        "Replace",
        "TextReplaceNode",
        &[("replace_count", "count")],
        &[],
    ),
    (
        "Trim",
        "TextTrimNode",
        &[("trim_mode", "mode"), ("trim_characters", "characters")],
        &[],
    ),
    ("Case", "TextCaseNode", &[("case_transform", "case")], &[]),
    ("Pad", "TextPadNode", &[("pad_mode", "mode")], &[]),
    ("Reverse", "TextReverseNode", &[], &[]),
    ("Lines", "TextLinesNode", &[("lines_mode", "mode")], &[]),
    ("Count", "TextCountNode", &[("count_mode", "mode")], &[]),
    ("Join", "TextJoinNode", &[], &[]),
];

const LIST: &[Action] = &[
    (
        "Create List",
        "CreateListNode",
        &[
            ("item1", "item_1"),
            ("item2", "item_2"),
            ("item3", "item_3"),
        ],
        &[],
    ),
    ("Get Item", "ListGetItemNode", &[], &[]),
    ("Length", "ListLengthNode", &[], &[]),
    ("Contains", "ListContainsNode", &[], &[]),
    ("Append", "ListAppendNode", &[], &[("list", "result")]),
    ("Slice", "ListSliceNode", &[], &[("slice", "result")]),
    (
        "Sort",
        "ListSortNode",
        &[("descending", "reverse"), ("sort_key", "key_path")],
        &[("sorted", "result")],
    ),
    ("Reverse", "ListReverseNode", &[], &[("reversed", "result")]),
    ("Unique", "ListUniqueNode", &[], &[("unique", "result")]),
    (
        "Filter",
        "ListFilterNode",
        &[],
        &[("filtered", "result"), ("rejected", "removed")],
    ),
    ("Map", "ListMapNode", &[], &[("mapped", "result")]),
    (
        "Reduce",
        "ListReduceNode",
        &[("reduce_operation", "operation")],
        &[],
    ),
    (
        "Flatten",
        "ListFlattenNode",
        &[],
        &[("flattened", "result")],
    ),
    ("Join", "ListJoinNode", &[], &[]),
];

const DICT: &[Action] = &[
    (
        "Create Dict",
        "CreateDictNode",
        &[
            ("key1", "key_1"),
            ("value1", "value_1"),
            ("key2", "key_2"),
            ("value2", "value_2"),
            ("key3", "key_3"),
            ("value3", "value_3"),
        ],
        &[],
    ),
    (
        "Get Value",
        "DictGetNode",
        &[("default_value", "default")],
        &[],
    ),
    (
        "Get Property",
        "GetPropertyNode",
        &[("dict", "object"), ("path", "property_path")],
        &[],
    ),
    ("Has Key", "DictHasKeyNode", &[], &[]),
    ("Get Keys", "DictKeysNode", &[], &[]),
    ("Get Values", "DictValuesNode", &[], &[]),
    ("Get Items", "DictItemsNode", &[], &[]),
    ("Set Value", "DictSetNode", &[], &[("dict", "result")]),
    ("Remove Key", "DictRemoveNode", &[], &[("dict", "result")]),
    (
        "Merge",
        "DictMergeNode",
        &[
            ("dict1", "dict_1"),
            ("dict2", "dict_2"),
            ("dict", "dict_1"),
            ("other", "dict_2"),
        ],
        &[("merged", "result")],
    ),
    ("Parse JSON", "JsonParseNode", &[], &[]),
    ("To JSON", "DictToJsonNode", &[], &[]),
];

const REDUCTIONS: &[&str] = &[
    "sum", "product", "min", "max", "avg", "count", "first", "last", "join", "concat",
];
const TEXT_ACTIONS: &[&str] = &[
    "Substring",
    "Contains",
    "Starts With",
    "Ends With",
    "Extract (Regex)",
    "Split",
    "Replace",
    "Trim",
    "Case",
    "Pad",
    "Reverse",
    "Lines",
    "Count",
    "Join",
];
const LIST_ACTIONS: &[&str] = &[
    "Create List",
    "Get Item",
    "Length",
    "Contains",
    "Append",
    "Slice",
    "Sort",
    "Reverse",
    "Unique",
    "Filter",
    "Map",
    "Reduce",
    "Flatten",
    "Join",
];
const DICT_ACTIONS: &[&str] = &[
    "Create Dict",
    "Get Value",
    "Get Property",
    "Has Key",
    "Get Keys",
    "Get Values",
    "Get Items",
    "Set Value",
    "Remove Key",
    "Merge",
    "Parse JSON",
    "To JSON",
];

/// Actions that do more than the single node of the same name.
type Own = (&'static str, fn(&mut Call<'_>) -> Result<(), Fault>);

const OWN_LIST: &[Own] = &[
    ("Get Item", own::get_item),
    ("Append", own::append),
    ("Slice", own::slice),
];

const OWN_DICT: &[Own] = &[
    ("Get Property", own::property),
    ("Set Value", own::set),
    ("Remove Key", own::remove),
    ("Merge", own::merge),
];

/// The nodes that are several of these.
pub(super) fn types(single: &[NodeType]) -> Vec<NodeType> {
    let node = |name, summary, body, actions, default: &'static str| {
        NodeType::compute(name, summary, body).property("action", Kind::Choice(actions), default)
    };
    vec![
        united(
            node(
                "TextSuperNode",
                "All of the text nodes in one: `action` says which.",
                |call| act(call, TEXT, &[]),
                TEXT_ACTIONS,
                "Contains",
            ),
            TEXT,
            single,
        ),
        united(
            node(
                "ListSuperNode",
                "All of the list nodes in one: `action` says which.",
                act_on_list,
                LIST_ACTIONS,
                "Get Item",
            )
            .input("list", Kind::Any)
            .input("default_value", Kind::Any)
            .property("negative_index", Kind::Boolean, true)
            .property("position", Kind::Choice(&["end", "start", "index"]), "end")
            .property("insert_index", Kind::Integer, 0)
            .property("extend", Kind::Boolean, false)
            .property("step", Kind::Integer, 1)
            .property("preserve_order", Kind::Boolean, true)
            .property("depth", Kind::Integer, -1)
            .property("descending", Kind::Boolean, false)
            .property("reduce_operation", Kind::Choice(REDUCTIONS), "sum")
            .output("found", Kind::Boolean),
            LIST,
            single,
        ),
        united(
            node(
                "DictSuperNode",
                "All of the dict nodes in one: `action` says which.",
                |call| act(call, DICT, OWN_DICT),
                DICT_ACTIONS,
                "Get Value",
            )
            .input("default_value", Kind::Any)
            .property("create_path", Kind::Boolean, true)
            .property("separator", Kind::Text, ".")
            .property("overwrite", Kind::Boolean, true)
            .property("ignore_missing", Kind::Boolean, false)
            .property("deep_merge", Kind::Boolean, false)
            .property("ensure_ascii", Kind::Boolean, false)
            .property("sort_keys", Kind::Boolean, false)
            .property("indent", Kind::Integer, 0)
            .output("previous", Kind::Any)
            .output("was_update", Kind::Boolean),
            DICT,
            single,
        ),
    ]
}

/// A node that takes and gives what any of its actions does.
fn united(mut node: NodeType, actions: &[Action], single: &[NodeType]) -> NodeType {
    for (_, name, inputs, outputs) in actions {
        let Some(single) = single.iter().find(|it| it.name == *name) else {
            continue;
        };
        for input in &single.inputs {
            let here: Vec<&'static str> = renamed(inputs, input.name);
            for name in here {
                if !node.inputs.iter().any(|known| known.name == name) {
                    node = node.input(name, Kind::Any);
                }
            }
        }
        for output in &single.outputs {
            for name in renamed(outputs, output.name) {
                if !node.outputs.iter().any(|known| known.name == name) {
                    node = node.output(name, Kind::Any);
                }
            }
        }
    }
    for (_, name, inputs, _) in actions {
        let Some(single) = single.iter().find(|it| it.name == *name) else {
            continue;
        };
        let renames = inputs.iter().map(|(here, there)| (*there, *here));
        let spellings = single.key_aliases.iter().filter_map(|(other, name)| {
            let here = renamed(inputs, name);
            here.first().map(|here| (*other, *here))
        });
        for (other, here) in renames.chain(spellings) {
            let is_known = node.inputs.iter().any(|known| known.name == other)
                || node.key_aliases.iter().any(|(known, _)| *known == other);
            if !is_known {
                node = node.key(other, here);
            }
        }
    }
    node
}

/// What a name is called here.
fn renamed(names: &[(&'static str, &'static str)], there: &'static str) -> Vec<&'static str> {
    let here: Vec<&'static str> = names
        .iter()
        .filter(|(_, name)| *name == there)
        .map(|(here, _)| *here)
        .collect();
    if here.is_empty() { vec![there] } else { here }
}

fn act_on_list(call: &mut Call<'_>) -> Result<(), Fault> {
    let said = (call.text("action"), call.text("reduce_operation"));
    match (said.0.as_str(), said.1.as_str()) {
        ("Reduce", "concat") => own::concat(call),
        _ => act(call, LIST, OWN_LIST),
    }
}

fn act(call: &mut Call<'_>, actions: &[Action], own: &[Own]) -> Result<(), Fault> {
    let wanted = call.text("action");
    if let Some((_, body)) = own.iter().find(|(name, _)| *name == wanted) {
        return body(call);
    }
    let action = actions.iter().find(|(name, ..)| *name == wanted);
    let Some((_, name, inputs, outputs)) = action else {
        return Err(Fault::value(format!(
            "`{wanted}` is no action of this node"
        )));
    };
    let single = catalogue()
        .get(name)
        .ok_or_else(|| Fault::value(format!("there is no {name}")))?;
    call.act_as(single, inputs, outputs)
}
