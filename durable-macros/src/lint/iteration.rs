//! Going through a hash map, whose order is another in every process.
//!
//! Looking things up in one is fine, and so is what does not depend on the order: counting,
//! collecting into another map, or a vector that the next statement about it sorts.

use quote::ToTokens;
use syn::{
    AngleBracketedGenericArguments, Expr, ExprMethodCall, ExprPath, GenericArgument, Pat, Path,
    PathArguments, Stmt, Type,
};

use super::expressions::root;
use super::offence::Offence;
use super::scope::{Scope, Shape, Value};
use super::walk::Walk;

/// Methods that go through a map or a set.
const ITERATES: [&str; 15] = [
    "difference",
    "drain",
    "extract_if",
    "intersection",
    "into_iter",
    "into_keys",
    "into_values",
    "iter",
    "iter_mut",
    "keys",
    "retain",
    "symmetric_difference",
    "union",
    "values",
    "values_mut",
];

/// What takes an iterator to its end, whatever the order.
const FORGETS_ORDER: [&str; 12] = [
    "all",
    "any",
    "count",
    "is_empty",
    "len",
    "max",
    "min",
    "product",
    "sorted",
    "sorted_by",
    "sorted_by_key",
    "sum",
];

/// Collections that do not keep the order of what they are collected from.
const UNORDERED: [&str; 5] = ["BTreeMap", "BTreeSet", "BinaryHeap", "HashMap", "HashSet"];

impl Walk<'_> {
    /// What a `for` goes through.
    pub(super) fn iterated(&mut self, over: &Expr) -> Value {
        let value = self.value(over);
        if let Some(offence) = offence(value) {
            self.report(offence, over, "");
        }
        Value::of(value.carry)
    }

    /// Reports a method that goes through a map, unless its order is forgotten at once.
    pub(super) fn check_iteration(
        &mut self,
        call: &ExprMethodCall,
        receiver: Value,
        orderless: bool,
    ) {
        if orderless || !ITERATES.iter().any(|method| call.method == method) {
            return;
        }
        if let Some(offence) = offence(receiver) {
            self.report(offence, &call.method, "");
        }
    }
}

fn offence(value: Value) -> Option<Offence> {
    match value.shape {
        Some(Shape::HashMap) => Some(Offence::HashMap),
        Some(Shape::HashSet) => Some(Offence::HashSet),
        _ => None,
    }
}

/// Whether nothing depends on the order of what this method is called on.
pub(super) fn forgets_order(
    method: &str,
    turbofish: Option<&AngleBracketedGenericArguments>,
) -> bool {
    let collects = || {
        turbofish.into_iter().flat_map(|turbofish| &turbofish.args).any(|argument| {
            matches!(argument, GenericArgument::Type(ty) if is_ordered_or_unordered(ty))
        })
    };
    FORGETS_ORDER.contains(&method) || method == "collect" && collects()
}

/// Whether what this method gives depends on the order only if its own use does.
pub(super) fn keeps_order(method: &str) -> bool {
    !matches!(
        method,
        "next" | "last" | "nth" | "find" | "position" | "fold"
    )
}

/// Whether a type is a collection with an order of its own, or none.
pub(super) fn is_ordered_or_unordered(ty: &Type) -> bool {
    let Type::Path(ty) = ty else {
        return false;
    };
    let Some(last) = ty.path.segments.last() else {
        return false;
    };
    if UNORDERED.iter().any(|name| last.ident == name) {
        return true;
    }
    // `collect::<Result<BTreeMap<_, _>, _>>()`
    match &last.arguments {
        PathArguments::AngleBracketed(arguments) if last.ident == "Result" || last.ident == "Option" => {
            arguments.args.iter().any(
                |argument| matches!(argument, GenericArgument::Type(ty) if is_ordered_or_unordered(ty)),
            )
        }
        _ => false,
    }
}

/// Whether the first statement that mentions what is bound sorts it.
pub(super) fn is_sorted_next(pattern: &Pat, after: &[Stmt]) -> bool {
    let Some(name) = crate::contexts::named(pattern) else {
        return false;
    };
    let mentioning = after.iter().find(|statement| {
        super::macros::names(statement.to_token_stream())
            .iter()
            .any(|mentioned| mentioned == name)
    });
    match mentioning {
        Some(Stmt::Expr(Expr::MethodCall(call), _)) => {
            call.method.to_string().starts_with("sort") && root(&call.receiver) == Some(name)
        }
        _ => false,
    }
}

/// What a value of this type is.
pub(super) fn shape_of_type(ty: &Type, scope: &Scope) -> Option<Shape> {
    match ty {
        Type::Path(ty) if ty.qself.is_none() => shape_of_path(&ty.path, scope),
        Type::Reference(ty) => shape_of_type(&ty.elem, scope),
        Type::Group(ty) => shape_of_type(&ty.elem, scope),
        Type::Paren(ty) => shape_of_type(&ty.elem, scope),
        _ => None,
    }
}

fn shape_of_path(path: &Path, scope: &Scope) -> Option<Shape> {
    let resolved = scope.resolve(path)?;
    let arguments = match &path.segments.last()?.arguments {
        PathArguments::AngleBracketed(arguments) => arguments.args.len(),
        _ => 0,
    };
    match (resolved.last()?.as_str(), arguments) {
        // One more argument is a hasher, perhaps one that is the same everywhere.
        ("HashMap", 0..=2) => Some(Shape::HashMap),
        ("HashSet", 0..=1) => Some(Shape::HashSet),
        ("SystemTime" | "Instant", _) => Some(Shape::Moment),
        _ => None,
    }
}

/// What a constructor like `HashMap::new` gives.
pub(super) fn shape_of_constructor(function: &ExprPath, scope: &Scope) -> Option<Shape> {
    const CONSTRUCTORS: [&str; 5] = ["default", "from", "from_iter", "new", "with_capacity"];
    let mut path = function.path.clone();
    let function = path.segments.pop()?;
    path.segments.pop_punct();
    if !CONSTRUCTORS.iter().any(|name| function.ident == name) {
        return None;
    }
    match shape_of_path(&path, scope)? {
        Shape::Moment => None,
        shape => Some(shape),
    }
}

/// What a method gives: the map that it is called on, or the one that it collects.
pub(super) fn shape_of_method(
    call: &ExprMethodCall,
    receiver: Value,
    scope: &Scope,
) -> Option<Shape> {
    if call.method == "collect" {
        let GenericArgument::Type(ty) = call.turbofish.as_ref()?.args.first()? else {
            return None;
        };
        return shape_of_type(ty, scope);
    }
    let same = ["clone", "to_owned", "as_ref", "as_mut", "by_ref"];
    if same.iter().any(|name| call.method == name) {
        receiver.shape
    } else {
        None
    }
}
