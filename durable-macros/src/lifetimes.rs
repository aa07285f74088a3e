//! The lifetimes in a declaration's types.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::visit_mut::{self, VisitMut};
use syn::{
    GenericParam, Generics, Lifetime, ParenthesizedGenericArguments, Type, TypeFnPtr,
    TypeImplTrait, TypeParamBound, TypeReference,
};

/// How long the borrows of a pending call live.
pub(crate) fn durable() -> Lifetime {
    Lifetime::new("'durable", Span::mixed_site())
}

/// Spells every elided lifetime of `ty` `'durable`, and bounds its `impl Trait`s by it.
pub(crate) fn spell_out(ty: &mut Type) {
    SpellOut.visit_type_mut(ty);
}

/// Bounds every lifetime and type parameter by `'durable`, which is put before them.
pub(crate) fn bound(generics: &mut Generics) {
    for parameter in &mut generics.params {
        match parameter {
            GenericParam::Lifetime(parameter) => parameter.bounds.push(durable()),
            GenericParam::Type(parameter) => {
                parameter.bounds.push(TypeParamBound::Lifetime(durable()));
            }
            GenericParam::Const(_) => {}
        }
    }
    generics.params.insert(
        0,
        GenericParam::Lifetime(syn::LifetimeParam::new(durable())),
    );
}

struct SpellOut;

impl VisitMut for SpellOut {
    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        if lifetime.ident == "_" {
            *lifetime = durable();
        }
    }

    fn visit_type_reference_mut(&mut self, reference: &mut TypeReference) {
        if let Some(lifetime) = &mut reference.lifetime {
            self.visit_lifetime_mut(lifetime);
        } else {
            reference.lifetime = Some(durable());
        }
        match &mut *reference.elem {
            // Its bound follows from the reference, and would need parentheses here.
            Type::ImplTrait(inner) => visit_mut::visit_type_impl_trait_mut(self, inner),
            other => self.visit_type_mut(other),
        }
    }

    fn visit_type_impl_trait_mut(&mut self, ty: &mut TypeImplTrait) {
        visit_mut::visit_type_impl_trait_mut(self, ty);
        let has_lifetime = |bound: &TypeParamBound| matches!(bound, TypeParamBound::Lifetime(_));
        if !ty.bounds.iter().any(has_lifetime) {
            ty.bounds.push(TypeParamBound::Lifetime(durable()));
        }
    }

    // What is elided in the signature of a function is that signature's own.
    fn visit_parenthesized_generic_arguments_mut(&mut self, _: &mut ParenthesizedGenericArguments) {
    }
    fn visit_type_fn_ptr_mut(&mut self, _: &mut TypeFnPtr) {}
}

/// A borrow found in a type.
pub(crate) enum Borrow {
    /// `&T` or `&mut T`.
    Reference(TypeReference),
    /// A lifetime other than `'static`, such as the one in `Cow<'_, str>`.
    Lifetime(Lifetime),
}

impl ToTokens for Borrow {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Reference(reference) => reference.to_tokens(tokens),
            Self::Lifetime(lifetime) => lifetime.to_tokens(tokens),
        }
    }
}

/// The first borrow in `ty`.
pub(crate) fn borrow(ty: &Type) -> Option<Borrow> {
    let mut search = Search { borrow: None };
    search.visit_type(ty);
    search.borrow
}

/// The first `&mut` in `ty`.
pub(crate) fn mutable_borrow(ty: &Type) -> Option<TypeReference> {
    let mut search = SearchMutable { reference: None };
    search.visit_type(ty);
    search.reference
}

/// Whether a type cannot stand outside of its signature: it borrows, or says `impl Trait`.
pub(crate) fn is_open(ty: &Type) -> bool {
    borrow(ty).is_some() || impl_trait(ty).is_some()
}

/// The first `impl Trait` in `ty`.
pub(crate) fn impl_trait(ty: &Type) -> Option<TypeImplTrait> {
    let mut search = SearchImplTrait { found: None };
    search.visit_type(ty);
    search.found
}

struct SearchImplTrait {
    found: Option<TypeImplTrait>,
}

impl Visit<'_> for SearchImplTrait {
    fn visit_type_impl_trait(&mut self, ty: &TypeImplTrait) {
        self.found.get_or_insert_with(|| ty.clone());
    }
}

struct Search {
    borrow: Option<Borrow>,
}

impl Visit<'_> for Search {
    fn visit_type_reference(&mut self, reference: &TypeReference) {
        self.borrow
            .get_or_insert_with(|| Borrow::Reference(reference.clone()));
    }

    fn visit_lifetime(&mut self, lifetime: &Lifetime) {
        if lifetime.ident != "static" {
            self.borrow
                .get_or_insert_with(|| Borrow::Lifetime(lifetime.clone()));
        }
    }

    fn visit_parenthesized_generic_arguments(&mut self, _: &ParenthesizedGenericArguments) {}
    fn visit_type_fn_ptr(&mut self, _: &TypeFnPtr) {}
}

struct SearchMutable {
    reference: Option<TypeReference>,
}

impl Visit<'_> for SearchMutable {
    fn visit_type_reference(&mut self, reference: &TypeReference) {
        if reference.mutability.is_some() {
            self.reference.get_or_insert_with(|| reference.clone());
        }
        visit::visit_type_reference(self, reference);
    }

    fn visit_parenthesized_generic_arguments(&mut self, _: &ParenthesizedGenericArguments) {}
    fn visit_type_fn_ptr(&mut self, _: &TypeFnPtr) {}
}

#[cfg(test)]
mod tests {
    use quote::ToTokens;
    use syn::{Type, parse_quote};

    use super::{borrow, mutable_borrow, spell_out};

    #[test]
    fn spells_out_what_is_elided_and_nothing_else() {
        let table: [(Type, Type); 8] = [
            (parse_quote!(Vec<String>), parse_quote!(Vec<String>)),
            (parse_quote!(&str), parse_quote!(&'durable str)),
            (parse_quote!(&'a str), parse_quote!(&'a str)),
            (
                parse_quote!(&[&str]),
                parse_quote!(&'durable [&'durable str]),
            ),
            (parse_quote!(Cow<'_, str>), parse_quote!(Cow<'durable, str>)),
            (
                parse_quote!(&dyn Fn(&str) -> &str),
                parse_quote!(&'durable dyn Fn(&str) -> &str),
            ),
            (parse_quote!(fn(&str)), parse_quote!(fn(&str))),
            (
                parse_quote!(&impl AsRef<str>),
                parse_quote!(&'durable impl AsRef<str>),
            ),
        ];
        for (mut written, expected) in table {
            let source = written.to_token_stream().to_string();
            spell_out(&mut written);
            assert_eq!(
                written.to_token_stream().to_string(),
                expected.to_token_stream().to_string(),
                "{source}"
            );
        }
        let mut written: Type = parse_quote!(impl Into<String>);
        spell_out(&mut written);
        assert_eq!(
            written.to_token_stream().to_string(),
            "impl Into < String > + 'durable"
        );
    }

    #[test]
    fn finds_borrows() {
        let borrowed: [Type; 4] = [
            parse_quote!(&str),
            parse_quote!(Vec<&'static str>),
            parse_quote!(Cow<'_, str>),
            parse_quote!(Option<Cow<'a, str>>),
        ];
        for ty in borrowed {
            assert!(borrow(&ty).is_some(), "{}", ty.to_token_stream());
        }
        let owned: [Type; 3] = [
            parse_quote!(Cow<'static, str>),
            parse_quote!(fn(&str) -> &str),
            parse_quote!(Box<dyn Fn(&str)>),
        ];
        for ty in owned {
            assert!(borrow(&ty).is_none(), "{}", ty.to_token_stream());
        }
        assert!(mutable_borrow(&parse_quote!(&[&mut u8])).is_some());
        assert!(mutable_borrow(&parse_quote!(&[&u8])).is_none());
    }
}
