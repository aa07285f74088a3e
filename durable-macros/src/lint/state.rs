//! State in a body that outlives its run.

use quote::ToTokens;
use syn::{ItemStatic, Macro, StaticMutability};

use super::macros::names;

/// Types that change through a shared reference.
const CHANGES: [&str; 8] = [
    "Cell",
    "Mutex",
    "RefCell",
    "RwLock",
    "UnsafeCell",
    "SyncUnsafeCell",
    "SegQueue",
    "DashMap",
];

/// Whether a `static` can change: a `LazyLock<Regex>` does not.
pub(super) fn is_shared(item: &ItemStatic) -> bool {
    let is_mut = !matches!(item.mutability, StaticMutability::None);
    is_mut
        || names(item.ty.to_token_stream()).iter().any(|name| {
            let name = name.to_string();
            name.starts_with("Atomic") || CHANGES.contains(&name.as_str())
        })
}

/// Whether a macro is `thread_local!`.
pub(super) fn is_thread_local(invocation: &Macro) -> bool {
    let last = invocation.path.segments.last();
    last.is_some_and(|last| last.ident == "thread_local")
}
