//! The request decoder: whatever cannot be read has an answer, and that is well formed.
#![no_main]

use kmip_proxy::kmip::RequestMessage;
use kmip_proxy_fuzz::is_an_answer;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Err(error) = RequestMessage::decode(bytes) {
        let mut answer = Vec::new();
        error.answer(1_700_000_000).encode(&mut answer);
        is_an_answer(&answer);
    }
});
