//! Calls of methods.

use syn::{Expr, ExprMethodCall};

use super::awaits::{ACCESSORS, CALLS, COLLECTS, JOINS, MAPS};
use super::expressions::root;
use super::iteration;
use super::offence::Offence;
use super::scope::{Carry, Shape, Value};
use super::walk::{Walk, text};

/// Methods that start a task with what they are given.
const SPAWNS: [&str; 6] = [
    "spawn",
    "spawn_blocking",
    "spawn_local",
    "spawn_on",
    "spawn_pinned",
    "spawn_local_on",
];

/// Methods of streams that give what is ready first.
const RACES: [&str; 5] = [
    "buffer_unordered",
    "for_each_concurrent",
    "try_buffer_unordered",
    "try_for_each_concurrent",
    "flatten_unordered",
];

impl Walk<'_> {
    /// A call of a method, of whose order nothing depends if it is `orderless`.
    pub(super) fn method(&mut self, call: &ExprMethodCall, orderless: bool) -> Value {
        let method = text(&call.method);
        if self.scope.is_context(&call.receiver) {
            return self.method_of_context(call, &method);
        }
        self.orderless = orderless && iteration::keeps_order(&method)
            || iteration::forgets_order(&method, call.turbofish.as_ref());
        let orderless = self.orderless;
        let receiver = self.value(&call.receiver);
        self.orderless = false;
        self.check_iteration(call, receiver, orderless);
        self.check_method(call, receiver, &method);
        let carried = self.carried;
        let given = self.arguments(&call.args, receiver);
        if self.carried > carried && SPAWNS.contains(&method.as_str()) {
            self.report(Offence::Escape, &call.method, format_args!(".{method}(…)"));
        }
        if COLLECTS.contains(&method.as_str())
            && let Some(name) = root(&call.receiver)
        {
            self.scope.put(name, Value::of(given.carry));
        }
        let carry = self.carry_of_method(call, receiver, given, &method);
        Value {
            carry,
            shape: iteration::shape_of_method(call, receiver, &self.scope),
        }
    }

    fn method_of_context(&mut self, call: &ExprMethodCall, method: &str) -> Value {
        if ACCESSORS.contains(&method) {
            self.arguments(&call.args, Value::default());
            return Value::default();
        }
        self.carried += 1;
        self.arguments(&call.args, Value::default());
        Value::of(Carry::Call)
    }

    fn carry_of_method(
        &mut self,
        call: &ExprMethodCall,
        receiver: Value,
        given: Value,
        method: &str,
    ) -> Carry {
        if receiver.carry == Carry::Call || given.carry == Carry::Call {
            return Carry::Call;
        }
        if receiver.carry >= Carry::Derived && CALLS.contains(&method) {
            self.carried += 1;
            return Carry::Call;
        }
        let by_closure = call
            .args
            .iter()
            .any(|argument| matches!(argument, Expr::Closure(_)));
        if by_closure && MAPS.contains(&method) {
            return given.carry;
        }
        if JOINS.contains(&method) {
            return receiver.carry.max(given.carry);
        }
        // Of something made of a result, a method may be awaited.
        match receiver.carry {
            Carry::Derived => Carry::Result,
            carry => carry,
        }
    }

    fn check_method(&mut self, call: &ExprMethodCall, receiver: Value, method: &str) {
        let is_race = method == "race" && receiver.carry == Carry::Call;
        if is_race || RACES.contains(&method) {
            self.report(Offence::Race, &call.method, format_args!(".{method}(…)"));
        }
        if method == "elapsed" && call.args.is_empty() && receiver.shape == Some(Shape::Moment) {
            self.report(Offence::Elapsed, &call.method, method);
        }
    }
}
