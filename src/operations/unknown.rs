//! Operations that this server does not have: refused by name.

use crate::kmip::enums::{Operation, ResultReason};

use super::Failed;

pub(super) fn refuse(operation: Operation) -> Failed {
    let name = operation.name().map_or_else(|| format!("0x{:08X}", operation.0), str::to_owned);
    let why = format!("this server does not have the operation {name} in this version of KMIP");
    Failed::new(ResultReason::OPERATION_NOT_SUPPORTED, why)
}
