//! CreateAlias: a name of the caller's own for a key.
//!
//! That it answers with nothing, and which characters an alias may have, is from the API model; that it may not begin
//! with `alias/aws/`, from the API reference.

use serde_json::Value;

use super::{Caller, Members, check_length, invalid};
use crate::clouds::aws::Aws;
use crate::clouds::aws::errors::{Error, Refusal};
use crate::clouds::call::Call;

const ACTION: &str = "kms:CreateAlias";
/// The longest AliasName, in characters.
const LONGEST: usize = 256;

pub(super) fn run(aws: &mut Aws, caller: &Caller<'_>, members: &Members, call: &mut Call) -> Result<Value, Refusal> {
    let null = |place: &str| invalid(&format!("Value null at '{place}'"), "Member must not be null");
    let name = members.text("AliasName")?.ok_or_else(|| null("aliasName"))?;
    let target = members.text("TargetKeyId")?.ok_or_else(|| null("targetKeyId"))?;
    let place = format!("Value '{name}' at 'aliasName'");
    check_length(&place, name.chars().count(), LONGEST)?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b":/_-".contains(&byte);
    let alias = name.strip_prefix("alias/").filter(|alias| !alias.is_empty() && !alias.starts_with("aws/"));
    let Some(alias) = alias.filter(|alias| alias.bytes().all(allowed)) else {
        return Err(invalid(
            &place,
            "Member must satisfy regular expression pattern: ^alias/(?!aws/)[a-zA-Z0-9:/_-]+$",
        ));
    };
    let key = caller.key(aws, target, ACTION, call)?;
    if let Some(error) = key.state.hinders_alias() {
        return Err(key.refusal(error));
    }
    let name = key.name.clone();
    if aws.keys.aliases(caller.region).any(|(known, _)| known == alias) {
        let arn = aws.keys.arn(caller.region, "alias", alias);
        return Err(Refusal::new(Error::AliasExists, &[("arn", &arn)]));
    }
    aws.keys.alias(caller.region, alias, &name);
    Ok(Value::Null)
}
