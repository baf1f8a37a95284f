//! Numbers go to the line last, so that nobody rings before there is an end to it: the same at every provider.

use serde_json::Value;

use crate::found::{Named, OwnedNumber};
use crate::journal::Object;
use crate::plan::{Plan, Problem};
use crate::step::{Action, Step, StepKey};
use crate::wanted::Wanted;

/// How a provider puts a number on what the line has there.
pub(crate) struct Binding<'a> {
    pub(crate) object: Object,
    pub(crate) provider: &'a str,
    /// What the line has there, by its id; `None` while it is still to be made.
    pub(crate) own: Option<&'a str>,
    /// It in words: `on the trunk “Front desk”`.
    pub(crate) there: String,
    /// What others of its kind are called.
    pub(crate) kind: &'a str,
    pub(crate) fields: fn(&OwnedNumber) -> Value,
}

/// The numbers of a line; `others` are what they may be on instead.
pub(crate) fn numbers(
    plan: &mut Plan,
    wanted: &Wanted,
    found: &[OwnedNumber],
    others: &[Named],
    binding: &Binding<'_>,
) {
    for number in &wanted.numbers {
        let shown = number.shown();
        let provider = binding.provider;
        let Some(owned) = found.iter().find(|owned| owned.number == number.as_str()) else {
            plan.problems.push(Problem {
                code: "number_not_owned",
                words: format!(
                    "{shown} is not a number of this {provider} account. Check the number, or buy it at {provider} first; Deskline buys nothing."
                ),
            });
            continue;
        };
        if !owned.voice {
            plan.problems.push(Problem {
                code: "number_without_voice",
                words: format!(
                    "{shown} is for messages only, or not in use: it cannot be called. Choose a number with voice."
                ),
            });
            continue;
        }
        if binding.own == Some(owned.on.as_str()) {
            plan.kept.push(format!("{shown} is {}", binding.there));
            continue;
        }
        let (now, warning) = at_present(owned, others, binding.kind);
        plan.steps.push(
            Step::new(
                StepKey::for_number(binding.object, number),
                &format!("Connect {shown}"),
                (now, binding.there.clone()),
                Action::Create {
                    parent: binding.own.map(str::to_owned),
                    fields: (binding.fields)(owned),
                },
            )
            .with_warning(warning)
            .with_before(owned.raw.clone()),
        );
    }
}

fn at_present(owned: &OwnedNumber, others: &[Named], kind: &str) -> (String, Option<String>) {
    if !owned.on.is_empty() {
        let name = others
            .iter()
            .find(|other| other.id == owned.on && !other.name.is_empty())
            .map_or(owned.on.as_str(), |other| other.name.as_str());
        return (
            format!("on the {kind} “{name}”"),
            Some(format!(
                "Callers will reach Deskline at once instead of the {kind} “{name}”. Undo puts the number back there."
            )),
        );
    }
    if owned.answered_by.is_empty() {
        return ("answered by nothing".into(), None);
    }
    let address = crate::service::words(&owned.answered_by);
    (
        format!("answered by {address}"),
        Some(format!(
            "Callers will reach Deskline at once instead of {address}. Undo puts the old address back."
        )),
    )
}
