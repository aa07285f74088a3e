//! Goes through many workflows with few in memory.

use super::filter::WorkflowFilter;
use super::row::WorkflowStatus;
use super::{LISTING_LIMIT, Store, StoreResult};

/// The workflows of a filter, with inputs and outputs, so many at a time. Each is given once, also when others are
/// started or deleted meanwhile.
#[derive(Debug)]
pub(crate) struct Pages {
    filter: WorkflowFilter,
    size: u32,
    /// How many are wanted yet.
    left: u32,
    /// When the last one was created, and how many of those created then were given.
    last: Option<(i64, u32)>,
}

impl Pages {
    pub(crate) fn new(mut filter: WorkflowFilter, size: u32) -> Self {
        (filter.without_input, filter.without_output) = (false, false);
        Self {
            left: filter.limit.unwrap_or(u32::MAX),
            filter,
            size,
            last: None,
        }
    }

    /// The next ones; none at the end.
    pub(crate) async fn next(&mut self, store: &dyn Store) -> StoreResult<Vec<WorkflowStatus>> {
        let size = self.size.min(self.left);
        if size == 0 {
            return Ok(Vec::new());
        }
        let mut filter = self.filter.clone().limit(size);
        if let Some((created_at, given)) = self.last {
            let operator = if filter.newest_first { "<=" } else { ">=" };
            filter.times.push(("created_at", operator, created_at));
            filter.offset = Some(given);
        }
        let page = store.list(&filter, LISTING_LIMIT).await?;
        self.left -= size;
        for workflow in &page {
            self.last = match self.last {
                Some((at, given)) if at == workflow.created_at_ms => Some((at, given + 1)),
                _ => Some((workflow.created_at_ms, 1)),
            };
        }
        Ok(page)
    }
}
