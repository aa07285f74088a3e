//! A database that is only looked at: whatever would write to it is refused before it gets there.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};

use super::sql::{Param, Row};
use super::{Isolation, Listener, Outcome, Record, Store, StoreResult, Transaction};
use crate::error::StoreError;

/// Passes reads on to a store, and nothing else.
#[derive(Debug)]
pub(crate) struct ReadOnly(pub(crate) Arc<dyn Store>);

fn refused<'f, T: Send + 'f>(intent: &'static str) -> BoxFuture<'f, StoreResult<T>> {
    ready(Err(StoreError::ReadOnly { intent })).boxed()
}

impl Store for ReadOnly {
    fn lanes(&self) -> usize {
        1
    }

    fn is_shared(&self) -> bool {
        self.0.is_shared()
    }

    fn migrate(&self) -> BoxFuture<'_, StoreResult<()>> {
        refused("change tables")
    }

    fn commit<'a>(&'a self, _: &'a [Record]) -> BoxFuture<'a, StoreResult<Vec<Outcome>>> {
        refused("commit records")
    }

    fn begin(&self, _: Isolation) -> BoxFuture<'_, StoreResult<Transaction>> {
        refused("begin a transaction")
    }

    fn read<'a>(
        &'a self,
        intent: &'static str,
        sql: &'a str,
        params: Vec<Param>,
    ) -> BoxFuture<'a, StoreResult<Vec<Row>>> {
        self.0.read(intent, sql, params)
    }

    fn write<'a>(
        &'a self,
        intent: &'static str,
        _: &'a str,
        _: Vec<Param>,
    ) -> BoxFuture<'a, StoreResult<Vec<Row>>> {
        refused(intent)
    }

    fn listen(&self) -> BoxFuture<'_, StoreResult<Option<Box<dyn Listener>>>> {
        ready(Ok(None)).boxed()
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        self.0.changed()
    }

    fn write_reserved(
        &self,
        intent: &'static str,
        _: &'static str,
        _: Vec<Param>,
    ) -> BoxFuture<'_, StoreResult<Vec<Row>>> {
        refused(intent)
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.0.close()
    }
}
