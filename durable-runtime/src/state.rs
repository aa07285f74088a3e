//! What steps share and no database can hold: clients, models, pools, settings.

use std::any::{Any, TypeId, type_name};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use crate::error::{Error, Result};

/// Values by type, given when the runtime is opened.
#[derive(Default)]
pub(crate) struct States {
    values: HashMap<TypeId, Arc<dyn Any + Send + Sync>>,
}

impl States {
    pub(crate) fn insert<T: Send + Sync + 'static>(&mut self, value: T) {
        self.values.insert(TypeId::of::<T>(), Arc::new(value));
    }

    pub(crate) fn get<T: Send + Sync + 'static>(&self) -> Result<Arc<T>> {
        let value = self.values.get(&TypeId::of::<T>()).cloned();
        value.and_then(|value| value.downcast::<T>().ok()).ok_or_else(|| {
            let name = type_name::<T>();
            Error::Setup(format!(
                "no state of type `{name}` was given; add `.state(...)` where the runtime is opened"
            ))
        })
    }
}

impl fmt::Debug for States {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("States")
            .field("values", &self.values.len())
            .finish()
    }
}
