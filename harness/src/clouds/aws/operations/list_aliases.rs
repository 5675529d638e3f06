//! ListAliases: the aliases of the region, or those of one key, all at once (API model; seen from LocalStack). The
//! aliases that AWS keeps for its own services are not there.

use serde_json::{Value, json};

use super::{Caller, Members};
use crate::clouds::aws::Aws;
use crate::clouds::aws::errors::Refusal;
use crate::clouds::call::Call;

const ACTION: &str = "kms:ListAliases";

pub(super) fn run(aws: &mut Aws, caller: &Caller<'_>, members: &Members, call: &mut Call) -> Result<Value, Refusal> {
    caller.check_at_large(aws, ACTION)?;
    let of = match members.key_id()? {
        Some(key_id) => Some(caller.key(aws, key_id, ACTION, call)?.id.clone()),
        None => None,
    };
    let wanted = aws.keys.aliases(caller.region).filter(|(_, id)| of.as_ref().is_none_or(|of| of == id));
    let aliases: Vec<Value> = wanted
        .map(|(alias, id)| {
            let arn = aws.keys.arn(caller.region, "alias", alias);
            json!({"AliasName": format!("alias/{alias}"), "AliasArn": arn, "TargetKeyId": id})
        })
        .collect();
    Ok(json!({"Aliases": aliases, "Truncated": false}))
}
