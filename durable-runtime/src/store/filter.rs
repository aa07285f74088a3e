//! Which workflows are meant: what a listing looks for.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value as Json};

use super::composed::Composed;
use super::row::Status;

/// Which workflows to list or count. Everything given must hold; of a list, one element.
///
/// ```
/// use durable_runtime::{Status, WorkflowFilter};
///
/// let failed = WorkflowFilter::new().status(Status::Error).name("checkout").newest_first().limit(20);
/// # let _ = failed;
/// ```
#[derive(Debug, Clone, Default)]
#[must_use = "a filter lists nothing by itself"]
pub struct WorkflowFilter {
    ids: Option<Vec<String>>,
    id_prefixes: Vec<String>,
    statuses: Vec<String>,
    /// Columns that hold one of some texts.
    texts: Vec<(&'static str, Vec<String>)>,
    /// Columns that are at least, or at most, some time.
    pub(super) times: Vec<(&'static str, &'static str, i64)>,
    /// Columns that hold something, or nothing.
    presences: Vec<(&'static str, bool)>,
    was_forked_from: Option<bool>,
    applications: Option<Vec<String>>,
    attributes: Map<String, Json>,
    queues_only: bool,
    pub(super) newest_first: bool,
    pub(super) limit: Option<u32>,
    pub(super) offset: Option<u32>,
    pub(super) without_input: bool,
    pub(super) without_output: bool,
}

/// One method for each column that holds one of some texts.
macro_rules! one_of {
    ($($(#[$meta:meta])* $method:ident: $column:literal;)*) => {$(
        $(#[$meta])*
        pub fn $method(mut self, wanted: impl Into<String>) -> Self {
            let column = self.texts.iter_mut().find(|(column, _)| *column == $column);
            match column {
                Some((_, texts)) => texts.push(wanted.into()),
                None => self.texts.push(($column, vec![wanted.into()])),
            }
            self
        }
    )*};
}

/// One method for each bound of a time.
macro_rules! bound {
    ($($(#[$meta:meta])* $method:ident: $column:literal $operator:literal;)*) => {$(
        $(#[$meta])*
        pub fn $method(mut self, time: SystemTime) -> Self {
            self.times.push(($column, $operator, epoch_ms(time)));
            self
        }
    )*};
}

impl WorkflowFilter {
    /// All workflows of the application, the oldest first, with their inputs and outputs.
    pub fn new() -> Self {
        Self::default()
    }

    /// Those with one of these ids, of whatever application.
    pub fn ids<I: Into<String>>(mut self, ids: impl IntoIterator<Item = I>) -> Self {
        self.ids = Some(ids.into_iter().map(Into::into).collect());
        self
    }

    /// Those whose id begins so.
    pub fn id_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.id_prefixes.push(prefix.into());
        self
    }

    /// Those in this state. Given more than once: in one of these.
    pub fn status(mut self, status: Status) -> Self {
        self.statuses.push(status.as_str().to_owned());
        self
    }

    one_of! {
        /// Those of this name. Like the filters below: given more than once, of one of these.
        name: "name";
        /// Those bound to this application version.
        version: "application_version";
        /// The forks of this workflow.
        forked_from: "forked_from";
        /// The children of this workflow.
        parent: "parent_workflow_id";
        /// Those started on behalf of this user.
        user: "authenticated_user";
        /// Those put on this queue.
        queue: "queue_name";
        /// Those that this process runs or ran.
        executor: "executor_id";
        /// Those that this schedule started.
        schedule: "schedule_name";
    }

    bound! {
        /// Those started or enqueued at this time or later.
        created_after: "created_at" ">=";
        /// Those started or enqueued at this time or before.
        created_before: "created_at" "<=";
        /// Those that finished at this time or later.
        completed_after: "completed_at" ">=";
        /// Those that finished at this time or before.
        completed_before: "completed_at" "<=";
        /// Those taken off their queue at this time or later.
        dequeued_after: "started_at_epoch_ms" ">=";
        /// Those taken off their queue at this time or before.
        dequeued_before: "started_at_epoch_ms" "<=";
    }

    /// Those that are, or are not, forks.
    pub fn is_fork(mut self, yes: bool) -> Self {
        self.presences.push(("forked_from", yes));
        self
    }

    /// Those that have, or do not have, forks.
    pub fn was_forked_from(mut self, yes: bool) -> Self {
        self.was_forked_from = Some(yes);
        self
    }

    /// Those that are, or are not, children of others.
    pub fn has_parent(mut self, yes: bool) -> Self {
        self.presences.push(("parent_workflow_id", yes));
        self
    }

    /// Those of this application, and those of none. Unset: the application of who asks; everything, when that has no
    /// name.
    pub fn application(mut self, name: impl Into<String>) -> Self {
        self.applications.get_or_insert_default().push(name.into());
        self
    }

    /// Those of whatever application.
    pub fn any_application(mut self) -> Self {
        self.applications = Some(Vec::new());
        self
    }

    /// Those with this attribute. An object or array is contained in the attribute; anything else is equal to it.
    pub fn attribute(mut self, key: impl Into<String>, value: impl Into<Json>) -> Self {
        self.attributes.insert(key.into(), value.into());
        self
    }

    /// Those on a queue: enqueued, delayed or running from one, unless a status is asked for.
    pub fn queues_only(mut self) -> Self {
        self.queues_only = true;
        self
    }

    /// The newest first.
    pub fn newest_first(mut self) -> Self {
        self.newest_first = true;
        self
    }

    /// At most so many.
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Leaves so many out at the beginning.
    pub fn offset(mut self, offset: u32) -> Self {
        self.offset = Some(offset);
        self
    }

    /// Does not read the arguments: they are `None`.
    pub fn without_input(mut self) -> Self {
        self.without_input = true;
        self
    }

    /// Does not read outputs and errors: they are `None`.
    pub fn without_output(mut self) -> Self {
        self.without_output = true;
        self
    }

    /// Looks in this application, unless the filter says where, or names ids, which are unique among applications.
    pub(crate) fn within(mut self, application: Option<&str>) -> Self {
        if self.applications.is_none() && self.ids.is_none() {
            self.applications = application.map(|name| vec![name.to_owned()]);
        }
        self
    }

    /// True when the database finds what is asked for by its ids.
    pub(super) fn is_by_id(&self) -> bool {
        self.ids.is_some()
    }

    pub(super) fn reads_input(&self) -> bool {
        !self.without_input
    }

    pub(super) fn reads_output(&self) -> bool {
        !self.without_output
    }

    /// The conditions, on the table `s`, for a `WHERE`.
    pub(super) fn conditions(&self, sqlite: bool) -> Composed {
        let mut sql = Composed::default();
        sql.push("TRUE");
        let ids = self.ids.iter().map(|ids| ("workflow_uuid", ids));
        let statuses = Some(("status", &self.statuses)).filter(|_| !self.statuses.is_empty());
        let texts = self.texts.iter().map(|(column, texts)| (*column, texts));
        for (column, wanted) in ids.chain(statuses).chain(texts) {
            let list = sql.param(wanted);
            sql.push(&format!(" AND s.{column} IN {{each:{list}}}"));
        }
        for (column, operator, time) in &self.times {
            let time = sql.param(*time);
            sql.push(&format!(" AND s.{column} {operator} {time}"));
        }
        for (column, present) in &self.presences {
            let not = if *present { "NOT " } else { "" };
            sql.push(&format!(" AND s.{column} IS {not}NULL"));
        }
        if let Some(yes) = self.was_forked_from {
            let yes = sql.param(yes);
            sql.push(&format!(" AND s.was_forked_from = {yes}"));
        }
        if let Some(names) = self.applications.as_ref().filter(|names| !names.is_empty()) {
            let names = sql.param(names);
            sql.push(&format!(
                " AND (s.application_name IN {{each:{names}}} OR s.application_name IS NULL)"
            ));
        }
        if !self.id_prefixes.is_empty() {
            let like = |prefix: &String| {
                let prefix = sql.param(like_prefix(prefix));
                format!("s.workflow_uuid LIKE {prefix} ESCAPE '\\'")
            };
            let any: Vec<_> = self.id_prefixes.iter().map(like).collect();
            sql.push(&format!(" AND ({})", any.join(" OR ")));
        }
        if self.queues_only {
            sql.push(" AND s.queue_name IS NOT NULL");
            if self.statuses.is_empty() {
                sql.push(" AND s.status IN ('DELAYED', 'ENQUEUED', 'PENDING')");
            }
        }
        if !self.attributes.is_empty() {
            let wanted = Json::Object(self.attributes.clone());
            sql.push(" AND ");
            match sqlite {
                true => sql.contains("s.attributes", &wanted, 0),
                false => {
                    let wanted = sql.param(wanted.to_string());
                    sql.push(&format!("s.attributes @> {wanted}::jsonb"));
                }
            }
        }
        sql
    }

    /// Appends order, limit and offset.
    pub(super) fn page(&self, sql: &mut Composed) {
        let order = if self.newest_first { " DESC" } else { "" };
        sql.push(&format!(
            " ORDER BY s.created_at{order},
              {{pg:length(s.workflow_uuid){order}, s.workflow_uuid{order}}}{{lite:s.rowid{order}}}"
        ));
        sql.limit(self.limit, self.offset);
    }
}

/// Milliseconds since the Unix epoch; negative before it.
pub(crate) fn epoch_ms(time: SystemTime) -> i64 {
    let ms =
        |duration: std::time::Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => ms(since),
        Err(before) => -ms(before.duration()),
    }
}

/// The pattern of texts that begin so.
fn like_prefix(prefix: &str) -> String {
    let mut pattern = String::with_capacity(prefix.len() + 1);
    for character in prefix.chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}
