//! The stack machine that a pickle is a program for.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::PickleError;
use super::input::Input;
use super::object::{Heap, Id, Object};
use super::opcode as op;

/// Follows the instructions of a pickle, and tells the objects it made and which of them is its value.
pub(super) fn read(pickle: &[u8]) -> Result<(Heap<'_>, Id), PickleError> {
    let mut reader = Reader {
        input: Input::new(pickle),
        heap: Heap::default(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: BTreeMap::new(),
    };
    loop {
        let opcode = reader.input.opcode()?;
        if let ControlFlow::Break(value) = reader.follow(opcode)? {
            return Ok((reader.heap, value));
        }
    }
}

struct Reader<'p> {
    input: Input<'p>,
    heap: Heap<'p>,
    stack: Vec<Id>,
    /// How high the stack was at each mark.
    marks: Vec<usize>,
    memo: BTreeMap<u32, Id>,
}

impl<'p> Reader<'p> {
    fn follow(&mut self, opcode: u8) -> Result<ControlFlow<Id>, PickleError> {
        match opcode {
            op::PROTO => {
                if self.input.byte()? > 5 {
                    return Err(self.input.malformed("a protocol above 5 is not known"));
                }
            }
            // Frames tell how much to read ahead; all of it is here.
            op::FRAME => drop(self.input.array::<8>()?),
            op::STOP => return self.pop().map(ControlFlow::Break),
            op::MARK => self.marks.push(self.stack.len()),
            op::POP => {
                if self
                    .marks
                    .pop_if(|mark| *mark == self.stack.len())
                    .is_none()
                {
                    self.pop()?;
                }
            }
            op::POP_MARK => drop(self.pop_mark()?),
            op::DUP => {
                let top = self.top()?;
                self.stack.push(top);
            }
            op::PUT | op::BINPUT | op::LONG_BINPUT | op::MEMOIZE => {
                let number = match opcode {
                    op::MEMOIZE => u32::try_from(self.memo.len()).unwrap_or(u32::MAX),
                    _ => self.memo_number(opcode)?,
                };
                let top = self.top()?;
                self.memo.insert(number, top);
            }
            op::GET | op::BINGET | op::LONG_BINGET => {
                let number = self.memo_number(opcode)?;
                let kept = self.memo.get(&number).copied();
                let kept = kept.ok_or_else(|| self.input.malformed("a memo entry is not there"))?;
                self.stack.push(kept);
            }
            op::APPEND => {
                let item = self.pop()?;
                self.extend_array(&[item])?;
            }
            op::APPENDS | op::ADDITEMS => {
                let items = self.pop_mark()?;
                self.extend_array(&items)?;
            }
            op::SETITEM => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.extend_dict(&[key, value])?;
            }
            op::SETITEMS => {
                let members = self.pop_mark()?;
                self.extend_dict(&members)?;
            }
            op::BUILD => {
                let given = self.pop()?;
                let top = self.top()?;
                let Some(Object::Instance { state, .. }) = self.heap.get_mut(top) else {
                    return Err(self
                        .input
                        .malformed("something that is no instance gets a state"));
                };
                *state = Some(given);
            }
            _ => {
                let object = self.make(opcode)?;
                let id = self.heap.add(object);
                self.stack.push(id);
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// The object that an instruction puts on the stack.
    fn make(&mut self, opcode: u8) -> Result<Object<'p>, PickleError> {
        let input = &mut self.input;
        Ok(match opcode {
            op::NONE => Object::None,
            op::NEWTRUE => Object::Bool(true),
            op::NEWFALSE => Object::Bool(false),
            op::INT => match input.word()? {
                "00" => Object::Bool(false),
                "01" => Object::Bool(true),
                digits => input.decimal(digits)?,
            },
            op::LONG => {
                let digits = input.word()?;
                input.decimal(digits.strip_suffix('L').unwrap_or(digits))?
            }
            op::BININT => int(i32::from_le_bytes(input.array()?)),
            op::BININT1 => int(input.byte()?.into()),
            op::BININT2 => int(u16::from_le_bytes(input.array()?).into()),
            op::LONG1 => Input::twos_complement(input.counted::<1>()?),
            op::LONG4 => Input::twos_complement(input.counted::<4>()?),
            op::FLOAT => {
                let text = input.word()?;
                input.float(text)?
            }
            op::BINFLOAT => Object::Float(f64::from_be_bytes(input.array()?)),
            op::UNICODE => {
                let line = input.line()?;
                input.raw_unicode_escape(line)?
            }
            op::SHORT_BINUNICODE => {
                let bytes = input.counted::<1>()?;
                input.utf8(bytes)?
            }
            op::BINUNICODE => {
                let bytes = input.counted::<4>()?;
                input.utf8(bytes)?
            }
            op::BINUNICODE8 => {
                let bytes = input.counted::<8>()?;
                input.utf8(bytes)?
            }
            op::STRING | op::BINSTRING | op::SHORT_BINSTRING => {
                match opcode {
                    op::STRING => input.line()?,
                    op::BINSTRING => input.counted::<4>()?,
                    _ => input.counted::<1>()?,
                };
                Object::Foreign("a str of Python 2")
            }
            op::SHORT_BINBYTES | op::BINBYTES | op::BINBYTES8 => {
                match opcode {
                    op::SHORT_BINBYTES => input.counted::<1>()?,
                    op::BINBYTES => input.counted::<4>()?,
                    _ => input.counted::<8>()?,
                };
                Object::Foreign("bytes")
            }
            op::BYTEARRAY8 => {
                input.counted::<8>()?;
                Object::Foreign("a bytearray")
            }
            op::EMPTY_LIST | op::EMPTY_TUPLE | op::EMPTY_SET => Object::Array(Vec::new()),
            op::LIST | op::TUPLE | op::FROZENSET => Object::Array(self.pop_mark()?),
            op::TUPLE1 => Object::Array(vec![self.pop()?]),
            op::TUPLE2 => {
                let (second, first) = (self.pop()?, self.pop()?);
                Object::Array(vec![first, second])
            }
            op::TUPLE3 => {
                let (third, second, first) = (self.pop()?, self.pop()?, self.pop()?);
                Object::Array(vec![first, second, third])
            }
            op::EMPTY_DICT => Object::Dict(Vec::new()),
            op::DICT => {
                let members = self.pop_mark()?;
                Object::Dict(self.pairs(&members)?)
            }
            op::GLOBAL => Object::Global {
                module: input.word()?.into(),
                name: input.word()?.into(),
            },
            op::STACK_GLOBAL => {
                let (name, module) = (self.pop()?, self.pop()?);
                match (self.heap.get(module), self.heap.get(name)) {
                    (Some(Object::Str(module)), Some(Object::Str(name))) => Object::Global {
                        module: module.clone(),
                        name: name.clone(),
                    },
                    _ => return Err(self.input.malformed("the name of a class is no str")),
                }
            }
            op::REDUCE | op::NEWOBJ | op::NEWOBJ_EX => {
                if opcode == op::NEWOBJ_EX {
                    // Arguments by name say nothing that is asked for.
                    self.pop()?;
                }
                let (arguments, callee) = (self.pop()?, self.pop()?);
                Object::Instance {
                    callee,
                    arguments,
                    state: None,
                }
            }
            _ => {
                return Err(self
                    .input
                    .malformed("there is an instruction that plain data and errors do not need"));
            }
        })
    }

    fn memo_number(&mut self, opcode: u8) -> Result<u32, PickleError> {
        match opcode {
            op::PUT | op::GET => self.input.memo_number(),
            op::BINPUT | op::BINGET => self.input.byte().map(u32::from),
            _ => self.input.array().map(u32::from_le_bytes),
        }
    }

    /// Adds to a list or set, which is on top of the stack.
    fn extend_array(&mut self, items: &[Id]) -> Result<(), PickleError> {
        let top = self.top()?;
        match self.heap.get_mut(top) {
            Some(Object::Array(array)) => array.extend(items),
            // Of a class that is like a list, which its name tells enough about.
            Some(Object::Instance { .. }) => {}
            _ => return Err(self.input.malformed("something that is no list gets items")),
        }
        Ok(())
    }

    /// Adds keys and values, by turns, to a dict, which is on top of the stack.
    fn extend_dict(&mut self, members: &[Id]) -> Result<(), PickleError> {
        let pairs = self.pairs(members)?;
        let top = self.top()?;
        match self.heap.get_mut(top) {
            Some(Object::Dict(dict)) => dict.extend(pairs),
            Some(Object::Instance { .. }) => {}
            _ => {
                return Err(self
                    .input
                    .malformed("something that is no dict gets members"));
            }
        }
        Ok(())
    }

    fn pairs(&self, members: &[Id]) -> Result<Vec<(Id, Id)>, PickleError> {
        let (pairs, rest) = members.as_chunks();
        if !rest.is_empty() {
            return Err(self.input.malformed("a dict has a key without a value"));
        }
        Ok(pairs.iter().map(|[key, value]| (*key, *value)).collect())
    }

    fn top(&self) -> Result<Id, PickleError> {
        // What lies below the last mark is out of reach.
        let floor = self.marks.last().copied().unwrap_or(0);
        let reachable = self.stack.get(floor..).unwrap_or_default();
        let top = reachable.last().copied();
        top.ok_or_else(|| self.input.malformed("the stack is empty"))
    }

    fn pop(&mut self) -> Result<Id, PickleError> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    /// Everything above the last mark, and takes the mark away.
    fn pop_mark(&mut self) -> Result<Vec<Id>, PickleError> {
        let mark = self.marks.pop();
        let mark = mark.ok_or_else(|| self.input.malformed("there is no mark on the stack"))?;
        Ok(self.stack.split_off(mark.min(self.stack.len())))
    }
}

fn int<'p>(number: i32) -> Object<'p> {
    Object::Int(number.to_string().into())
}
