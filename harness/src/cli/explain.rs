//! `kmiplab explain`: what a code in a report means.

use clap::Args;
use kmip_proxy::kms::Class;

use super::{exit, print, say};
use crate::checker::INVARIANTS;

/// What to explain.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A class such as `credentials-expired`, an invariant such as `K5`, or an exit code
    code: String,
}

pub(super) fn execute(arguments: &Arguments) -> u8 {
    let wanted = arguments.code.as_str();
    if let Some(class) = Class::ALL.iter().find(|class| class.code() == wanted) {
        print(&format!("{wanted}: {}\n", class.meaning()));
    } else if let Some(it) = INVARIANTS.iter().find(|it| it.id.eq_ignore_ascii_case(wanted) || it.name == wanted) {
        print(&format!("{} {}: {}\n", it.id, it.name, it.meaning));
    } else if let Some((code, meaning)) = exit::TABLE.iter().find(|(code, _)| code.to_string() == wanted) {
        print(&format!("exit code {code}: {meaning}\n"));
    } else {
        let known = Class::ALL.iter().map(|class| class.code()).chain(INVARIANTS.iter().map(|it| it.id));
        let near = known
            .max_by(|one, other| strsim::jaro_winkler(one, wanted).total_cmp(&strsim::jaro_winkler(other, wanted)));
        let hint = near.map(|near| format!("\n\nhint: did you mean `{near}`?")).unwrap_or_default();
        say(&format!("error: nothing is called `{wanted}`{hint}"));
        return exit::USAGE;
    }
    exit::AS_EXPECTED
}
