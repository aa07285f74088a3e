//! Nodes that start their workflow from outside. Control never comes to them: `rpa serve` waits for what they name, and begins
//! a run behind them with their outputs filled.

use serde_json::json;

use crate::catalogue::{Control, Kind, NodeType};

const DAYS: &[&str] = &["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

pub(super) fn types() -> Vec<NodeType> {
    let trigger = |name, summary| NodeType::control(name, Control::Pass, summary).varies();
    vec![
        trigger(
            "WebhookTriggerNode",
            "Starts the workflow when its address is asked over HTTP. A request that says an `Idempotency-Key` starts it once, \
             however often it is delivered.",
        )
        .optional("endpoint", Kind::Text)
        .property("methods", Kind::Text, "POST")
        .property("auth_type", Kind::Choice(&["none", "basic", "header", "jwt"]), "none")
        .property("auth_header_name", Kind::Text, "X-API-Key")
        .optional("auth_header_value", Kind::Text)
        .optional("basic_username", Kind::Text)
        .optional("basic_password", Kind::Text)
        .optional("jwt_secret", Kind::Text)
        .property("cors_enabled", Kind::Boolean, false)
        .property("cors_origins", Kind::Text, "*")
        .optional("ip_whitelist", Kind::Text)
        .optional("ip_blacklist", Kind::Text)
        .property("response_mode", Kind::Choice(&["immediate", "wait_for_workflow", "custom"]), "immediate")
        .property("response_code", Kind::Integer, 200)
        .property("response_body", Kind::Text, r#"{"status": "received"}"#)
        .property("binary_data_enabled", Kind::Boolean, false)
        .output("payload", Kind::Dict)
        .output("headers", Kind::Dict)
        .output("query_params", Kind::Dict)
        .output("method", Kind::Text)
        .output("path", Kind::Text)
        .output("client_ip", Kind::Text),
        trigger(
            "ScheduleTriggerNode",
            "Starts the workflow at the times of a schedule, each of them once, however many servers there are.",
        )
        .property("frequency", Kind::Choice(&["once", "interval", "hourly", "daily", "weekly", "monthly", "cron"]), "daily")
        .property("time_hour", Kind::Integer, 9)
        .property("time_minute", Kind::Integer, 0)
        .property("interval_seconds", Kind::Integer, 60)
        .property("day_of_week", Kind::Choice(DAYS), "mon")
        .property("day_of_month", Kind::Integer, 1)
        .property("cron_expression", Kind::Text, "0 9 * * *")
        .property("timezone", Kind::Text, "UTC")
        .property("max_runs", Kind::Integer, 0)
        .optional("start_time", Kind::Text)
        .output("trigger_time", Kind::Text)
        .output("run_number", Kind::Integer)
        .output("scheduled_time", Kind::Text),
        trigger(
            "FileWatchTriggerNode",
            "Starts the workflow for each version of each file that appears in a folder, changes or is gone, once.",
        )
        .needs("watch_path", Kind::Text)
        .property("patterns", Kind::Text, "*")
        .property("events", Kind::Text, "created,modified")
        .property("recursive", Kind::Boolean, true)
        .property("ignore_patterns", Kind::Text, "*.tmp,~*")
        .property("debounce_ms", Kind::Integer, 500)
        .property("include_hidden", Kind::Boolean, false)
        .output("file_path", Kind::Text)
        .output("file_name", Kind::Text)
        .output("event_type", Kind::Text)
        .output("directory", Kind::Text)
        .output("old_path", Kind::Text),
        trigger(
            "WorkflowCallTriggerNode",
            "Where a workflow begins that another one runs: `params` is what it is given.",
        )
        .optional("call_alias", Kind::Text)
        .property("input_schema", Kind::Any, json!({}))
        .property("output_schema", Kind::Any, json!({}))
        .property("wait_for_completion", Kind::Boolean, true)
        .property("timeout_seconds", Kind::Integer, 300)
        .output("params", Kind::Dict)
        .output("caller_workflow_id", Kind::Text)
        .output("caller_node_id", Kind::Text)
        .output("call_id", Kind::Text),
        trigger(
            "FormTriggerNode",
            "Shows a form at its address, and starts the workflow for each one that is sent; one that is sent twice starts it once. \
             With `require_auth`, who sends it has to show what `auth_type` says.",
        )
        .property("form_title", Kind::Text, "Submit Data")
        .optional("form_description", Kind::Text)
        .property("form_fields", Kind::List, json!([{"name": "data", "type": "text", "label": "Data"}]))
        .property("submit_button_text", Kind::Text, "Submit")
        .property("success_message", Kind::Text, "Form submitted successfully")
        .property("require_auth", Kind::Boolean, false)
        .property("auth_type", Kind::Choice(&["basic", "header", "jwt"]), "basic")
        .property("auth_header_name", Kind::Text, "X-API-Key")
        .optional("auth_header_value", Kind::Text)
        .optional("basic_username", Kind::Text)
        .optional("basic_password", Kind::Text)
        .optional("jwt_secret", Kind::Text)
        .output("form_data", Kind::Dict)
        .output("submitted_at", Kind::Text)
        .output("user_id", Kind::Text)
        .output("ip_address", Kind::Text),
        trigger(
            "ChatTriggerNode",
            "Shows a page to chat with at its address, and starts the workflow for each message. What the workflow leaves in the \
             variable `reply` is the answer.",
        )
        .property("welcome_message", Kind::Text, "Hello! How can I help you?")
        .property("input_placeholder", Kind::Text, "Type your message...")
        .property("platform", Kind::Choice(&["web", "slack", "teams", "discord", "telegram"]), "web")
        .optional("channel_id", Kind::Text)
        .optional("bot_token", Kind::Text)
        .optional("message_pattern", Kind::Text)
        .property("allow_dm", Kind::Boolean, true)
        .property("allow_mentions", Kind::Boolean, true)
        .property("auth_type", Kind::Choice(&["none", "basic", "header", "jwt"]), "none")
        .property("auth_header_name", Kind::Text, "X-API-Key")
        .optional("auth_header_value", Kind::Text)
        .optional("basic_username", Kind::Text)
        .optional("basic_password", Kind::Text)
        .optional("jwt_secret", Kind::Text)
        .output("message", Kind::Text)
        .output("user_id", Kind::Text)
        .output("user_name", Kind::Text)
        .output("channel_id", Kind::Text)
        .output("platform", Kind::Text)
        .output("timestamp", Kind::Text)
        .output("reply_to", Kind::Text),
        trigger(
            "SSETriggerNode",
            "Starts the workflow for each event that a server sends. An event with an id starts it once, and what is sent while \
             nobody hears it is asked for later.",
        )
        .needs("sse_url", Kind::Text)
        .optional("event_types", Kind::Text)
        .property("headers", Kind::Dict, json!({}))
        .property("reconnect_delay_seconds", Kind::Float, 5.0)
        .property("max_reconnect_attempts", Kind::Integer, 10)
        .property("timeout_seconds", Kind::Integer, 0)
        .output("event_type", Kind::Text)
        .output("data", Kind::Any)
        .output("raw_data", Kind::Text)
        .output("event_id", Kind::Text)
        .output("retry", Kind::Integer)
        .output("timestamp", Kind::Text),
        trigger(
            "ErrorTriggerNode",
            "Starts the workflow for each run of the same database that ends with an error, once. What it started fires no other one.",
        )
        .property("error_types", Kind::Text, "*")
        .optional("workflow_filter", Kind::Text)
        .property("severity", Kind::Choice(&["all", "critical", "error", "warning"]), "all")
        .optional("error_pattern", Kind::Text)
        .property("include_warnings", Kind::Boolean, false)
        .output("error", Kind::Dict)
        .output("error_type", Kind::Text)
        .output("error_message", Kind::Text)
        .output("workflow_id", Kind::Text)
        .output("node_id", Kind::Text)
        .output("stack_trace", Kind::Text)
        .output("timestamp", Kind::Text),
        #[cfg(feature = "feeds")]
        trigger(
            "RSSFeedTriggerNode",
            "Starts the workflow for each item that a feed (RSS, Atom or JSON) publishes from the first time on that it is served, once.",
        )
        .needs("feed_url", Kind::Text)
        .property("poll_interval_minutes", Kind::Float, 15.0)
        .optional("filter_keywords", Kind::Text)
        .property("filter_mode", Kind::Choice(&["any", "all", "none"]), "any")
        .property("max_items_per_check", Kind::Integer, 10)
        .property("include_description", Kind::Boolean, true)
        .output("item", Kind::Dict)
        .output("title", Kind::Text)
        .output("link", Kind::Text)
        .output("description", Kind::Text)
        .output("published", Kind::Text)
        .output("author", Kind::Text)
        .output("categories", Kind::List),
        #[cfg(feature = "mail")]
        trigger(
            "EmailTriggerNode",
            "Starts the workflow for each mail that comes to a folder on an IMAP server from the first time on that it is served, once. \
             A mail is marked as read when its run is durable.",
        )
        .property("provider", Kind::Choice(&["imap", "gmail", "outlook"]), "imap")
        .optional("server", Kind::Text)
        .property("port", Kind::Integer, 993)
        .optional("username", Kind::Text)
        .optional("password", Kind::Text)
        .property("use_ssl", Kind::Boolean, true)
        .property("folder", Kind::Text, "INBOX")
        .optional("filter_subject", Kind::Text)
        .optional("filter_from", Kind::Text)
        .property("unread_only", Kind::Boolean, true)
        .property("mark_as_read", Kind::Boolean, true)
        .property("poll_interval_seconds", Kind::Float, 60.0)
        .property("download_attachments", Kind::Boolean, false)
        .optional("attachment_dir", Kind::Text)
        .output("email", Kind::Dict)
        .output("subject", Kind::Text)
        .output("sender", Kind::Text)
        .output("body", Kind::Text)
        .output("html_body", Kind::Text)
        .output("attachments", Kind::List)
        .output("received_at", Kind::Text),
    ]
}
