//! Bugs in the bytes of KMIP answers. Offsets are found by tag; lengths are mended where bytes are added.

/// ResultReason, an Enumeration of four bytes (KMIP 1.4 section 9.1.3.1).
const RESULT_REASON: [u8; 8] = [0x42, 0x00, 0x7e, 0x05, 0, 0, 0, 4];
/// KeyMaterial, a Byte String.
const KEY_MATERIAL: [u8; 4] = [0x42, 0x00, 0x43, 0x08];
/// ResponseHeader, a Structure.
const RESPONSE_HEADER: [u8; 4] = [0x42, 0x00, 0x7a, 0x01];
/// ServerCorrelationValue, a Text String of eight bytes, since KMIP 1.4.
const SERVER_CORRELATION_VALUE: [u8; 16] = *b"\x42\x01\x06\x07\0\0\0\x08kmiplab!";

pub(crate) const ITEM_NOT_FOUND: u8 = 1;

pub(crate) fn has_reason(message: &[u8]) -> bool {
    find(message, &RESULT_REASON).is_some()
}

pub(crate) fn with_reason(message: &[u8], reason: u8) -> Vec<u8> {
    let mut message = message.to_vec();
    if let Some(at) = find(&message, &RESULT_REASON) {
        message[at + 8..at + 12].copy_from_slice(&[0, 0, 0, reason]);
    }
    message
}

pub(crate) fn flip_key_material(message: &[u8]) -> Vec<u8> {
    let mut message = message.to_vec();
    if let Some(at) = find(&message, &KEY_MATERIAL) {
        message[at + 8] ^= 1;
    }
    message
}

pub(crate) fn with_server_correlation_value(message: &[u8]) -> Vec<u8> {
    let mut message = message.to_vec();
    let Some(at) = find(&message, &RESPONSE_HEADER) else { return message };
    let header = length(&message, at);
    message.splice(at + 8 + header..at + 8 + header, SERVER_CORRELATION_VALUE);
    for structure in [at, 0] {
        let longer = (length(&message, structure) + SERVER_CORRELATION_VALUE.len()) as u32;
        message[structure + 4..structure + 8].copy_from_slice(&longer.to_be_bytes());
    }
    message
}

fn find(message: &[u8], wanted: &[u8]) -> Option<usize> {
    message.windows(wanted.len()).position(|window| window == wanted)
}

fn length(message: &[u8], item: usize) -> usize {
    u32::from_be_bytes(message[item + 4..item + 8].try_into().expect("four bytes")) as usize
}
