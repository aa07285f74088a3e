//! The return type.

use syn::{ReturnType, Type};

use crate::diagnostics::Diagnostics;
use crate::function::Function;
use crate::lifetimes;
use crate::role::Role;
use crate::spelled::spelled;

/// The return type, which has to be spelled as a path; that it is a `Result` is the runtime's check.
pub(super) fn read(role: Role, function: &Function, diagnostics: &mut Diagnostics) -> Option<Type> {
    let word = role.word();
    let ReturnType::Type(_, ty) = &function.signature.output else {
        diagnostics.refuse(
            &function.signature.ident,
            format_args!("a {word} returns a `Result`: its error is recorded like its value"),
            "write `-> Result<()>` if there is no value to return",
        );
        return None;
    };
    if !is_path(ty) || is_plain_value(ty) {
        let value = match &**ty {
            Type::ImplTrait(_) | Type::Reference(_) | Type::Never(_) | Type::Infer(_) => "T".into(),
            ty => spelled(ty),
        };
        diagnostics.refuse(
            ty,
            format_args!("a {word} returns a `Result`: its error is recorded like its value"),
            format_args!("write `-> Result<{value}>`"),
        );
        return None;
    }
    if let Some(borrow) = lifetimes::borrow(ty) {
        diagnostics.refuse(
            borrow,
            format_args!(
                "a {word} cannot return a borrow: its result is recorded, and read back on replay"
            ),
            "return a value that owns its data, such as a `String` for a `&str`",
        );
        return None;
    }
    Some((**ty).clone())
}

/// Types that are no `Result` wherever they are imported from. The runtime tells about the others,
/// which takes the compiler a few more errors.
const PLAIN: [&str; 24] = [
    "bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32",
    "u64", "u128", "usize", "String", "Vec", "Option", "Box", "HashMap", "BTreeMap", "Value",
    "Duration",
];

fn is_plain_value(ty: &Type) -> bool {
    match ty {
        Type::Path(ty) => ty
            .path
            .segments
            .last()
            .is_some_and(|segment| PLAIN.iter().any(|plain| segment.ident == plain)),
        _ => false,
    }
}

fn is_path(ty: &Type) -> bool {
    match ty {
        Type::Path(_) => true,
        Type::Group(ty) => is_path(&ty.elem),
        Type::Paren(ty) => is_path(&ty.elem),
        _ => false,
    }
}
