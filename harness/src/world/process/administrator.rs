//! An administrator who changes a KMIP object behind MongoDB's back, over a real connection to the proxy.
//!
//! Invariant: when this returns, the errand is done, whatever came of it.

use kmip_proxy::env::Env;

use super::record::Record;
use crate::cast::{self, Stage, administrator};
use crate::scenario::ObjectChange;
use crate::trace::{ProcessState, Trace};
use crate::world::persona_events::Numbers;

/// Its name in traces.
const ADMINISTRATOR: &str = "administrator";

/// Sends an administrator to an object.
pub(crate) fn send(
    record: &Record,
    env: &Env,
    settings: &cast::Settings,
    change: ObjectChange,
    object: &str,
) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("no runtime for the administrator: {error}"))?;
    record.process(ADMINISTRATOR, ProcessState::Started, None);
    // Its own log, because what it tells has real names in it.
    let trace = {
        let stopwatch = record.stopwatch().clone();
        Trace::new(&[], move || stopwatch.real())
    };
    let stage = Stage { env: env.clone(), trace: trace.clone(), host: ADMINISTRATOR.to_owned() };
    let why = runtime.block_on(async {
        match change {
            ObjectChange::Revoke => administrator::revoke(&stage, settings, object, false).await,
            ObjectChange::Compromise => administrator::revoke(&stage, settings, object, true).await,
            ObjectChange::Destroy => administrator::destroy(&stage, settings, object).await,
        }
    });
    let mut numbers = Numbers::default();
    for event in trace.take() {
        let date = record.stopwatch().start() + event.at;
        record.told_by(ADMINISTRATOR, date, event.what, &mut numbers);
    }
    record.process(ADMINISTRATOR, ProcessState::Exited, Some(why));
    Ok(())
}
