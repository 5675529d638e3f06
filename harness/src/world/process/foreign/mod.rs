//! AWS KMS that somebody else runs, by its address: LocalStack, a moto server, `kmiplab serve aws`.
//!
//! It is asked once, before the lane plays: whether anybody answers, whether that is a KMS, what it says it is, and which
//! of the things that AWS does it does, too (`manners`). What cannot be had from it is one table (`unfit`). Each run then
//! makes keys of its own there (`account`), and what its proxy asks goes through the laboratory's relays and on to the
//! address (`way`), so that endpoints fall silent, are cut off and show certificates as before the fake cloud.
//!
//! Invariant: nothing is said here in the cloud's place, and a cloud that goes away makes a run inconclusive, never a
//! failure of the product.

mod account;
mod address;
mod kms;
mod manners;
mod unfit;
mod way;

use std::collections::BTreeSet;
use std::rc::Rc;

use bytes::Bytes;
use http::Request;
use serde_json::Value;

use self::account::ForeignAccount;
pub use self::address::Address;
use self::kms::{Failed, Kms};
use self::manners::Manner;
use super::record::Record;
use crate::scenario::{Scenario, World};
use crate::world::cloud::Account;

/// The region in which it is asked who it is.
const REGION: &str = "us-east-1";

/// A name of PrivateLink, such as private endpoints have.
const PRIVATE_LINK: &str = "vpce-a-lab.kms.us-east-1.vpce.amazonaws.com";

/// A cloud that has answered.
pub(crate) struct Foreign {
    address: Address,
    /// What it says it is.
    says: String,
    manners: BTreeSet<Manner>,
    /// Whether it is sent the names of PrivateLink, as the proxy has signed them; else its own.
    by_name: bool,
}

impl Foreign {
    /// Asks whoever is at an address. The error says why nothing can be played with it, and what to do next.
    pub(crate) fn ask(url: &str) -> Result<Self, String> {
        let address: Address = url.parse()?;
        let kms = Kms { address, region: REGION.to_owned() };
        let told = |failed: Failed| match failed {
            Failed::Silent(why) => format!(
                "nobody answers at {url} ({why}): start the cloud there (`kmiplab serve aws` is one), or leave --cloud out"
            ),
            Failed::Refused { .. } => {
                format!("the KMS at {url} does not serve `test` with the secret `test`: {failed}")
            }
            Failed::Senseless { .. } => format!(
                "at {url} is no AWS KMS ({failed}): name the address of LocalStack, of a moto server, or of `kmiplab serve \
                 aws`"
            ),
        };
        kms.list().map_err(told)?;
        let manners = manners::of(&kms).map_err(told)?;
        // moto takes the first word of such a name for a region, and falls over it.
        let by_name = kms.list_as(PRIVATE_LINK, PRIVATE_LINK).is_ok();
        if !by_name {
            kms.list_as(PRIVATE_LINK, &kms.address.authority()).map_err(told)?;
        }
        Ok(Foreign { says: says(&kms.address), address: kms.address, manners, by_name })
    }

    /// What a cell says of its cloud.
    pub(crate) fn proof(&self) -> String {
        format!("AWS at {}, which says it is {}", self.address, self.says)
    }

    /// Why a scenario cannot be played with it, if it cannot.
    pub(crate) fn unfit(&self, scenario: &Scenario) -> Option<&'static str> {
        unfit::unfit(scenario, &self.manners)
    }

    /// The account of a run there, in place of the one in the fake cloud.
    pub(crate) fn account(
        &self,
        world: &World,
        fake: Rc<dyn Account>,
        record: &Record,
    ) -> Result<Rc<dyn Account>, String> {
        let kms = Kms { address: self.address.clone(), region: world.aws.region.clone() };
        Ok(Rc::new(ForeignAccount::new(kms, self.by_name, world, fake, record)?))
    }
}

/// What it says it is, in its own words: LocalStack at its health page, a moto server at its page of data, others in their
/// header `Server`.
fn says(address: &Address) -> String {
    let page = |path: &str| {
        let request = Request::get(path).header("host", address.authority()).body(Bytes::new());
        address.ask(request.ok()?).ok()
    };
    let health = page("/_localstack/health").filter(|answer| answer.status() == 200);
    let health = health.and_then(|answer| serde_json::from_slice::<Value>(answer.body()).ok());
    let server = |answer: &http::Response<Bytes>| {
        let server = answer.headers().get("server").and_then(|server| server.to_str().ok());
        server.map(|server| server.chars().take(80).collect::<String>())
    };
    match health.as_ref().map(|health| (health["edition"].as_str(), health["version"].as_str())) {
        Some((Some("kmiplab"), Some(version))) => return format!("kmiplab serve aws {version}"),
        Some((edition, Some(version))) => {
            // Outside of its own images it does not know which one it is.
            let edition = edition.filter(|edition| *edition != "unknown");
            let edition = edition.map(|edition| format!(" ({edition})")).unwrap_or_default();
            return format!("LocalStack {version}{edition}");
        }
        _ => {}
    }
    match page("/moto-api/data.json").filter(|answer| answer.status() == 200) {
        Some(moto) => format!("a moto server on {}", server(&moto).unwrap_or_else(|| "an unknown server".to_owned())),
        None => page("/").and_then(|answer| server(&answer)).unwrap_or_else(|| "nothing in particular".to_owned()),
    }
}
