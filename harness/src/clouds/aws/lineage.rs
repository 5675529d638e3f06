//! The material of a key through its rotations: on demand, and when the time has come. All replicas of a multi-Region key
//! share one lineage.
//!
//! Invariant: a rotation adds material and removes none.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::{Duration, SystemTime};

use super::ciphertext::{Material, NONCE, Opened, Sealed};
use super::errors::{Error, Refusal};
use crate::clouds::seeds::Stream;

/// How often a key can be rotated on demand (API reference, RotateKeyOnDemand; it was 10 before). The quota is not
/// adjustable.
pub(super) const ON_DEMAND: usize = 25;
/// RotationPeriodInDays, in days (API model).
pub(super) const PERIODS: RangeInclusive<u32> = 90..=2560;
/// RotationPeriodInDays if nobody says otherwise.
pub(super) const YEAR: u32 = 365;
/// How close an automatic rotation has to be to be in the way of one on demand (API model, ConflictException).
const CONFLICT: Duration = Duration::from_secs(20 * 60);
pub(super) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// All material of a key.
pub(super) struct Lineage {
    /// Oldest first; the last one encrypts.
    materials: Vec<Material>,
    /// From where the materials come, one after the other.
    source: Stream,
    on_demand: usize,
    automatic: Option<Automatic>,
}

/// When time rotates a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Automatic {
    /// RotationPeriodInDays.
    pub(super) days: u32,
    /// The next rotation.
    pub(super) next: SystemTime,
    /// The date passed while the key was disabled: it rotates as soon as it is not.
    overdue: bool,
}

impl Lineage {
    /// The lineage with its first material.
    pub(super) fn new(mut source: Stream) -> Self {
        Lineage { materials: vec![Material::draw(&mut source)], source, on_demand: 0, automatic: None }
    }

    /// Catches up with the time. A key that does not rotate now makes up for it once, and counts anew from then on.
    pub(super) fn advance(&mut self, now: SystemTime, rotates: bool) {
        let Some(mut automatic) = self.automatic else { return };
        if !rotates {
            automatic.overdue |= automatic.next <= now;
        } else if automatic.overdue {
            self.rotate();
            automatic = Automatic { next: now + DAY * automatic.days, overdue: false, ..automatic };
        }
        while rotates && automatic.next <= now {
            self.rotate();
            automatic.next += DAY * automatic.days;
        }
        self.automatic = Some(automatic);
    }

    /// Rotates as RotateKeyOnDemand does; the schedule stays as it is.
    pub(super) fn rotate_on_demand(&mut self, now: SystemTime) -> Result<(), Error> {
        if self.on_demand >= ON_DEMAND {
            return Err(Error::RotationsExhausted);
        }
        if self.automatic.is_some_and(|automatic| automatic.next <= now + CONFLICT) {
            return Err(Error::RotationConflict);
        }
        self.on_demand += 1;
        self.rotate();
        Ok(())
    }

    /// Rotates from now on every so many days, which the caller has checked against [`PERIODS`].
    pub(super) fn schedule(&mut self, period: u32, now: SystemTime) {
        self.automatic = Some(Automatic { days: period, next: now + DAY * period, overdue: false });
    }

    /// The schedule, if there is one.
    pub(super) fn automatic(&self) -> Option<Automatic> {
        self.automatic
    }

    /// The material that encrypts, in DescribeKey's spelling.
    pub(super) fn current_material_id(&self) -> String {
        self.current().name()
    }

    /// How many materials there are.
    pub(super) fn len(&self) -> usize {
        self.materials.len()
    }

    /// Wraps with the newest material.
    pub(super) fn seal(
        &self,
        key_id: &str,
        plaintext: &[u8],
        context: &BTreeMap<String, String>,
        nonce: [u8; NONCE],
    ) -> Vec<u8> {
        self.current().seal(key_id, plaintext, context, nonce)
    }

    /// Opens with the material that wrapped it. Whatever does not fit is one and the same refusal, as with AWS.
    pub(super) fn open(&self, sealed: &Sealed<'_>, context: &BTreeMap<String, String>) -> Result<Opened, Refusal> {
        let material = self.materials.iter().find(|material| material.made(sealed));
        material.and_then(|material| material.open(sealed, context)).ok_or_else(|| Error::InvalidCiphertext.into())
    }

    fn rotate(&mut self) {
        self.materials.push(Material::draw(&mut self.source));
    }

    fn current(&self) -> &Material {
        self.materials.last().expect("a lineage is made with its first material and never loses any")
    }
}
