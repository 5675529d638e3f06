//! Where a bug is planted: around the key service, the files or the network, or in answers on their way.

use std::sync::Arc;

use kmip_proxy::env::{Files, Network};
use kmip_proxy::kms::Kms;
use kmiplab::world::sim::{Planted, Rewrite, Wrapper};

/// In the bytes of KMIP answers.
pub(crate) fn rewriting(rewrite: fn(&[u8]) -> Vec<Vec<u8>>) -> Planted {
    Planted { answers: Some(Arc::new(rewrite) as Rewrite), ..Planted::default() }
}

/// Around the key service.
pub(crate) fn kms(wrap: fn(Arc<dyn Kms>) -> Arc<dyn Kms>) -> Planted {
    Planted { kms: Some(wrapper(wrap)), ..Planted::default() }
}

/// Around the files.
pub(crate) fn files(wrap: fn(Arc<dyn Files>) -> Arc<dyn Files>) -> Planted {
    Planted { files: Some(wrapper(wrap)), ..Planted::default() }
}

/// Around the network.
pub(crate) fn network(wrap: fn(Arc<dyn Network>) -> Arc<dyn Network>) -> Planted {
    Planted { network: Some(wrapper(wrap)), ..Planted::default() }
}

pub(crate) fn wrapper<T: ?Sized + 'static>(wrap: fn(Arc<T>) -> Arc<T>) -> Wrapper<T> {
    Arc::new(move |inner, _| wrap(inner))
}
