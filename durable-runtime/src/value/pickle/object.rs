//! The Python objects that a pickle describes.

use std::borrow::Cow;

/// Where an object is on the heap.
pub(super) type Id = usize;

/// A Python object. Parts of it are named by where they are, because a pickle may use an object in many places, and
/// an object inside itself.
#[derive(Debug)]
pub(super) enum Object<'p> {
    None,
    Bool(bool),
    /// Its decimal digits, as JSON writes them.
    Int(Cow<'p, str>),
    Float(f64),
    Str(Cow<'p, str>),
    /// A list, tuple, set or frozenset.
    Array(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    /// A class or function, by name.
    Global {
        module: Cow<'p, str>,
        name: Cow<'p, str>,
    },
    /// What calling a class or function with these arguments makes.
    Instance {
        callee: Id,
        arguments: Id,
        state: Option<Id>,
    },
    /// What JSON has no form for, in words.
    Foreign(&'static str),
}

/// The objects of one pickle.
#[derive(Debug, Default)]
pub(super) struct Heap<'p>(Vec<Object<'p>>);

impl<'p> Heap<'p> {
    pub(super) fn add(&mut self, object: Object<'p>) -> Id {
        self.0.push(object);
        self.0.len() - 1
    }

    pub(super) fn get(&self, id: Id) -> Option<&Object<'p>> {
        self.0.get(id)
    }

    pub(super) fn get_mut(&mut self, id: Id) -> Option<&mut Object<'p>> {
        self.0.get_mut(id)
    }

    /// The parts of a list, tuple, set or frozenset.
    pub(super) fn items(&self, id: Id) -> Option<&[Id]> {
        match self.get(id)? {
            Object::Array(items) => Some(items),
            // Before protocol 4 a set is a call with the list of its elements.
            Object::Instance {
                callee, arguments, ..
            } => match (self.global(*callee)?, self.get(*arguments)?) {
                (("builtins", "set" | "frozenset"), Object::Array(arguments)) => {
                    match self.get(*arguments.first()?)? {
                        Object::Array(items) => Some(items),
                        _ => None,
                    }
                }
                _ => None,
            },
            _ => None,
        }
    }

    pub(super) fn is_dict(&self, id: Id) -> bool {
        matches!(self.get(id), Some(Object::Dict(_)))
    }

    pub(super) fn text(&self, id: Id) -> Option<&str> {
        match self.get(id)? {
            Object::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The value of a dict under a key.
    pub(super) fn member(&self, dict: Id, key: &str) -> Option<Id> {
        let Object::Dict(members) = self.get(dict)? else {
            return None;
        };
        let found = |(name, _): &&(Id, Id)| self.text(*name) == Some(key);
        // Of a key that is set twice, the last counts.
        members.iter().rfind(found).map(|(_, value)| *value)
    }

    /// Module and name of the class that an instance is of.
    pub(super) fn class(&self, instance: Id) -> Option<(&str, &str)> {
        let Object::Instance {
            callee, arguments, ..
        } = self.get(instance)?
        else {
            return None;
        };
        match self.global(*callee)? {
            // Functions that make an instance of the class that is their first argument.
            ("copyreg" | "copy_reg", _) => self.global(*self.items(*arguments)?.first()?),
            class => Some(class),
        }
    }

    /// The arguments that an instance is made from, and the state that it is given after that.
    pub(super) fn made_from(&self, instance: Id) -> Option<(Id, Option<Id>)> {
        match self.get(instance)? {
            Object::Instance {
                arguments, state, ..
            } => Some((*arguments, *state)),
            _ => None,
        }
    }

    fn global(&self, id: Id) -> Option<(&str, &str)> {
        match self.get(id)? {
            // Protocols 0 to 2 use the names of Python 2.
            Object::Global { module, name } => match module.as_ref() {
                "__builtin__" | "exceptions" => Some(("builtins", name)),
                module => Some((module, name)),
            },
            _ => None,
        }
    }

    /// What an object is, in words.
    pub(super) fn describe(&self, id: Id) -> String {
        match self.get(id) {
            None => "nothing".to_owned(),
            Some(Object::None) => "None".to_owned(),
            Some(Object::Bool(_)) => "a bool".to_owned(),
            Some(Object::Int(_)) => "an int".to_owned(),
            Some(Object::Float(number)) if number.is_nan() => "the float nan".to_owned(),
            Some(Object::Float(number)) if number.is_infinite() => format!("the float {number}"),
            Some(Object::Float(_)) => "a float".to_owned(),
            Some(Object::Str(_)) => "a str".to_owned(),
            Some(Object::Array(_)) => "a list, tuple or set".to_owned(),
            Some(Object::Dict(_)) => "a dict".to_owned(),
            Some(Object::Global { .. }) => match self.global(id) {
                Some(name) => format!("the Python class or function `{}`", dotted(name)),
                None => "a Python class or function".to_owned(),
            },
            Some(Object::Instance { .. }) => match self.class(id) {
                // How protocols 0 to 2 write bytes.
                Some(("_codecs", "encode") | ("builtins", "bytes")) => "bytes".to_owned(),
                Some(class) => format!("a Python object of class `{}`", dotted(class)),
                None => "a Python object made by a function".to_owned(),
            },
            Some(Object::Foreign(what)) => (*what).to_owned(),
        }
    }
}

/// A name for an error text: whoever wrote the pickle may have made it as long as they liked.
fn dotted((module, name): (&str, &str)) -> String {
    let short = |text: &str| text.chars().take(100).collect::<String>();
    format!("{}.{}", short(module), short(name))
}
