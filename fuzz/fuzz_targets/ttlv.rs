//! The TTLV reader: what it takes is canonical, so that writing it again gives the same bytes; and it prints anything.
#![no_main]

use kmip_proxy::kmip::pretty;
use kmip_proxy::ttlv::{Reader, Writer};
use kmip_proxy_fuzz::rewrite;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = pretty(bytes);
    let Ok(item) = Reader::only_item(bytes) else { return };
    let mut again = Vec::new();
    if rewrite(&item, &mut Writer::new(&mut again)).is_ok() {
        assert_eq!(again, bytes);
    }
});
