//! The workflows that this program can run.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::Execution;
use crate::error::{Error, ErrorRecord, Result};
use crate::machine::{Code, Machine};
use crate::store::KeptMachine;

/// A workflow with its types forgotten: input and output are JSON.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Registered {
    pub(crate) class: Option<&'static str>,
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    pub(crate) max_recovery_attempts: u32,
    pub(crate) roles: &'static [&'static str],
    pub(crate) code: &'static Code,
    pub(crate) machine: fn() -> Machine,
    pub(crate) run: fn(Arc<Execution>, String) -> BoxFuture<'static, Result<String, ErrorRecord>>,
}

impl Registered {
    pub(crate) fn full_name(&self) -> String {
        full_name(self.class, self.name)
    }

    /// Where it is written: `file:line`.
    pub(crate) fn place(&self) -> String {
        format!("{}:{}", self.code.file, self.code.line)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Registry {
    /// By name, one for each class that has the name.
    workflows: HashMap<&'static str, Vec<Registered>>,
}

impl Registry {
    /// Collects the workflows; two with one name in one class are an error, one given twice is not. A number of
    /// recovery attempts takes the place of every workflow's own.
    pub(crate) fn new(given: Vec<Registered>, max_recovery_attempts: Option<u32>) -> Result<Self> {
        let mut workflows: HashMap<&str, Vec<Registered>> = HashMap::new();
        for mut workflow in given {
            if let Some(attempts) = max_recovery_attempts {
                workflow.max_recovery_attempts = attempts;
            }
            let namesakes = workflows.entry(workflow.name).or_default();
            let twin = namesakes.iter().find(|other| other.class == workflow.class);
            match twin {
                None => namesakes.push(workflow),
                Some(other) if other.place() == workflow.place() => {}
                Some(other) => {
                    return Err(Error::Setup(format!(
                        "two workflows are named `{}`: one at {}, one at {}; give one of them another name with #[workflow(name = \"...\")]",
                        workflow.full_name(),
                        other.place(),
                        workflow.place(),
                    )));
                }
            }
        }
        Ok(Self { workflows })
    }

    pub(crate) fn get(&self, class: Option<&str>, name: &str) -> Result<&Registered> {
        let namesakes = self.workflows.get(name).into_iter().flatten();
        let mut of_class = namesakes.filter(|workflow| workflow.class == class);
        of_class.next().ok_or_else(|| {
            let mut known: Vec<_> = self.all().map(Registered::full_name).collect();
            known.sort_unstable();
            let known = if known.is_empty() {
                "none".to_owned()
            } else {
                known.join(", ")
            };
            Error::NotRegistered {
                name: full_name(class, name),
                known,
            }
        })
    }

    fn all(&self) -> impl Iterator<Item = &Registered> {
        self.workflows.values().flatten()
    }

    /// The machines of all workflows, in the order of their names.
    #[cfg(feature = "cli")]
    pub(crate) fn machines(&self) -> Vec<Machine> {
        let mut machines: Vec<_> = self.all().map(|workflow| (workflow.machine)()).collect();
        machines.sort_unstable_by(|a, b| (&a.class, &a.name).cmp(&(&b.class, &b.name)));
        machines
    }

    /// The same as they are kept. Two launches that write the same rows do not deadlock.
    pub(crate) fn kept_machines(&self) -> Result<Vec<KeptMachine>> {
        let kept = |workflow: &Registered| {
            let text = serde_json::to_string(&(workflow.machine)()).map_err(|reason| {
                Error::unwritable(
                    format!("the machine of `{}`", workflow.full_name()),
                    &reason,
                )
            })?;
            Ok(KeptMachine {
                class: workflow.class,
                name: workflow.name,
                code: workflow.code.hash,
                text,
            })
        };
        let mut machines = self.all().map(kept).collect::<Result<Vec<_>>>()?;
        machines.sort_unstable_by_key(|machine| (machine.class, machine.name));
        Ok(machines)
    }

    /// One version for all workflows: changes when a workflow's code changes, comes or goes.
    pub(crate) fn version(&self) -> String {
        let mut parts: Vec<_> = self
            .all()
            .map(|workflow| format!("{}={}", workflow.full_name(), workflow.version))
            .collect();
        parts.sort_unstable();
        // FNV-1a, 64 bits: the same in every build and on every machine.
        let hash = parts
            .join("\n")
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
            });
        format!("{hash:016x}")
    }
}

/// How messages name a workflow: `interop/canonicalWorkflow`, without a class the name alone.
fn full_name(class: Option<&str>, name: &str) -> String {
    match class {
        Some(class) => format!("{class}/{name}"),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::{Registered, Registry};
    use crate::error::Error;
    use crate::machine::Code;

    fn workflow(class: Option<&'static str>, name: &'static str, line: u32) -> Registered {
        Registered {
            class,
            name,
            version: "1",
            max_recovery_attempts: 100,
            roles: &[],
            code: Box::leak(Box::new(Code {
                file: "flows.rs",
                line,
                hash: "1",
                sites: &[],
                joints: &[],
                edges: &[],
                parts: &[],
                awaits_others: false,
            })),
            machine: || unreachable!("nobody asks"),
            run: |_, input| async { Ok(input) }.boxed(),
        }
    }

    fn line(registry: &Registry, class: Option<&str>, name: &str) -> u32 {
        registry.get(class, name).unwrap().code.line
    }

    #[test]
    fn one_name_in_several_classes_is_several_workflows() {
        let given = vec![
            workflow(None, "pay", 1),
            workflow(Some("shop"), "pay", 2),
            workflow(Some("bank"), "pay", 3),
        ];

        let registry = Registry::new(given, None).unwrap();

        assert_eq!(line(&registry, None, "pay"), 1);
        assert_eq!(line(&registry, Some("shop"), "pay"), 2);
        assert_eq!(line(&registry, Some("bank"), "pay"), 3);
    }

    #[test]
    fn one_name_twice_in_a_class_is_an_error_that_names_both_places() {
        let given = vec![
            workflow(Some("shop"), "pay", 1),
            workflow(Some("shop"), "pay", 2),
        ];

        let error = Registry::new(given, None).unwrap_err().to_string();

        for part in ["`shop/pay`", "flows.rs:1", "flows.rs:2"] {
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn one_workflow_given_twice_is_one() {
        let given = vec![
            workflow(Some("shop"), "pay", 1),
            workflow(Some("shop"), "pay", 1),
        ];

        assert_eq!(
            line(&Registry::new(given, None).unwrap(), Some("shop"), "pay"),
            1
        );
    }

    #[test]
    fn what_is_not_registered_is_named_with_its_class() {
        let given = vec![workflow(Some("shop"), "pay", 1), workflow(None, "ship", 2)];
        let registry = Registry::new(given, None).unwrap();

        for (class, name, expected) in [
            (None, "pay", "pay"),
            (Some("shop"), "ship", "shop/ship"),
            (Some("bank"), "pay", "bank/pay"),
        ] {
            match registry.get(class, name) {
                Err(Error::NotRegistered { name, known }) => {
                    assert_eq!(
                        (name.as_str(), known.as_str()),
                        (expected, "ship, shop/pay")
                    );
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn the_version_tells_classes_apart() {
        let version = |class| {
            Registry::new(vec![workflow(class, "pay", 1)], None)
                .unwrap()
                .version()
        };

        assert_ne!(version(None), version(Some("shop")));
        assert_ne!(version(Some("bank")), version(Some("shop")));
    }

    #[test]
    fn recovery_attempts_given_for_all_take_the_place_of_each_ones_own() {
        let registry = |attempts| Registry::new(vec![workflow(None, "pay", 1)], attempts).unwrap();
        let attempts =
            |registry: &Registry| registry.get(None, "pay").unwrap().max_recovery_attempts;

        assert_eq!(attempts(&registry(None)), 100);
        assert_eq!(attempts(&registry(Some(3))), 3);
    }
}
