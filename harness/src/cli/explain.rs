//! `kmiplab explain`: what a code in a report means, and what a class of failure looks like from both sides.

use clap::Args;
use kmip_proxy::keys::Provider;
use kmip_proxy::kms::Class;
use kmip_proxy::operator::{self, Failure};

use super::{exit, print, say};
use crate::checker::INVARIANTS;
use crate::scenario::{VERBS, meaning_of_verb};

/// What to explain.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A class such as `credentials-expired`, an invariant such as `K5`, a verb such as `reject`, or an exit code; all
    /// of them if none is named
    code: Option<String>,
    /// In whose words a class is shown: aws, azure, gcp, or local
    #[arg(long, value_name = "PROVIDER", default_value = "aws")]
    provider: Provider,
}

pub(super) fn execute(arguments: &Arguments) -> u8 {
    let Some(wanted) = arguments.code.as_deref() else {
        all();
        return exit::AS_EXPECTED;
    };
    if let Some(class) = Class::ALL.iter().find(|class| class.code() == wanted) {
        explain_class(*class, arguments.provider);
    } else if let Some(it) = INVARIANTS.iter().find(|it| it.id.eq_ignore_ascii_case(wanted) || it.name == wanted) {
        print(&format!("{} {}: {}\n", it.id, it.name, it.meaning));
    } else if let Some(meaning) = meaning_of_verb(wanted) {
        print(&format!("{wanted}: {meaning}\n"));
    } else if let Some((code, meaning)) = exit::TABLE.iter().find(|(code, _)| code.to_string() == wanted) {
        print(&format!("exit code {code}: {meaning}\n"));
    } else {
        let known = Class::ALL.iter().map(|class| class.code());
        let known = known.chain(INVARIANTS.iter().map(|it| it.name)).chain(VERBS.iter().copied());
        let near = known
            .map(|name| (strsim::jaro_winkler(name, wanted), name))
            .filter(|(likeness, _)| *likeness > LIKE)
            .max_by(|(one, _), (other, _)| one.total_cmp(other));
        let hint = near.map_or_else(
            || "`kmiplab explain` lists everything that has a name".to_owned(),
            |(_, near)| format!("did you mean `{near}`?"),
        );
        say(&format!("error: nothing is called `{wanted}`\n\nhint: {hint}"));
        return exit::USAGE;
    }
    exit::AS_EXPECTED
}

/// From this likeness on, a name may have been meant (Jaro-Winkler, 0 to 1).
const LIKE: f64 = 0.8;

/// The class, and what the product says of it where nothing more is known than the class.
fn explain_class(class: Class, provider: Provider) {
    let failure = Failure::new(class, "KEY", provider);
    let (answer, notice) = (operator::answer(&failure), operator::notice(&failure));
    print(&format!(
        "{}: {}\n\nmongod is answered {}: {}\n",
        class.code(),
        class.meaning(),
        answer.reason.name(),
        answer.message
    ));
    let shown = operator::render(&notice, operator::LogFormat::Text, std::time::SystemTime::UNIX_EPOCH);
    print(&format!("\nThe operator reads, with what is known in each case:\n\n{shown}"));
}

fn all() {
    let row = |name: &str, meaning: &str| print(&format!("  {name:<27}  {meaning}\n"));
    print("Classes of failure\n");
    Class::ALL.iter().for_each(|class| row(class.code(), class.meaning()));
    print("\nInvariants\n");
    INVARIANTS.iter().for_each(|it| row(&format!("{:<3} {}", it.id, it.name), it.meaning));
    print("\nVerbs\n");
    VERBS.iter().for_each(|verb| row(verb, &meaning_of_verb(verb).unwrap_or_default()));
    print("\nExit codes\n");
    exit::TABLE.iter().for_each(|(code, meaning)| row(&code.to_string(), meaning));
}
