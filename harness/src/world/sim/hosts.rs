//! The programs of the machine: the product, the mongod that is played against it, and an administrator's tool.
//!
//! The product is started exactly as its own binary starts it, with another `Env`; what it tells the operator goes into
//! the trace.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::SystemTime;

use kmip_proxy::env::Env;
use kmip_proxy::keys::{CredentialSource, FlagCredentials};
use kmip_proxy::kms::endpoints::Endpoint as KmsEndpoint;
use kmip_proxy::kms::{self, Kms};
use kmip_proxy::operator::{LogFormat, Notice, Operator, render};
use kmip_proxy::proxy;
use tokio::sync::watch;
use turmoil::Sim;

use super::cloud::CloudWorld;
use super::guest::Guest;
use super::machine::{
    ADMINISTRATOR, CHECK, CHECKER, DBPATH, Errand, Ground, KMIP_PORT, MONGOD, MongodOrders, Orders, PRODUCT, PROXY,
    ProxyOrders, Stopping, in_dbpath, process, wait,
};
use super::planted::{Planted, wrapped};
use super::relay;
use crate::cast::{self, Persona, Stage};
use crate::scenario::{GivenBy, Mongod, ObjectChange, Scenario, World};
use crate::trace::{ProcessState, Trace, What};
use crate::world::cloud::Account;

/// A program at work; comes to its last words.
pub(crate) type Program = Pin<Box<dyn Future<Output = String>>>;

/// Puts the proxy on its host.
pub(crate) fn proxy(
    sim: &mut Sim<'static>,
    ground: &Ground,
    scenario: &Scenario,
    cloud: &CloudWorld,
    planted: &Planted,
    orders: watch::Receiver<Orders<ProxyOrders>>,
) {
    let product = Product::new(ground, scenario, cloud, planted);
    sim.host(PRODUCT, move || {
        let (orders, product) = (orders.clone(), product.clone());
        let trace = product.ground.trace.clone();
        let begin = move |orders: ProxyOrders, stop: watch::Receiver<bool>| -> Program {
            let Parts { settings, env, kms, operator } = product.parts(orders, PRODUCT, PROXY);
            Box::pin(async move {
                match proxy::run(settings, env, kms, operator, stop).await {
                    Ok(()) => "told to stop".to_owned(),
                    Err(error) => error.to_string(),
                }
            })
        };
        async move {
            let never = process(PRODUCT, trace, orders, begin, Stopping::Tell).await?;
            match never {}
        }
    });
}

/// Puts `kmipProxyStandalone check` on a host, in worlds where somebody runs it.
pub(crate) fn check(
    sim: &mut Sim<'static>,
    ground: &Ground,
    scenario: &Scenario,
    cloud: &CloudWorld,
    orders: watch::Receiver<Orders<ProxyOrders>>,
) {
    let product = Product::new(ground, scenario, cloud, &Planted::default());
    sim.host(CHECKER, move || {
        let (orders, product) = (orders.clone(), product.clone());
        let trace = product.ground.trace.clone();
        let begin = move |orders: ProxyOrders, _: watch::Receiver<bool>| -> Program {
            let Parts { settings, env, kms, operator } = product.parts(orders, CHECKER, CHECK);
            Box::pin(async move {
                match proxy::check(settings, env, kms, operator).await {
                    Ok(checked) => {
                        let open = checked.iter().filter(|key| key.opens).count();
                        format!("{open} of {} keys open", checked.len())
                    }
                    Err(error) => error.to_string(),
                }
            })
        };
        async move {
            let never = process(CHECKER, trace, orders, begin, Stopping::Drop).await?;
            match never {}
        }
    });
}

/// The product as it is put together on a machine of the world.
#[derive(Clone)]
struct Product {
    ground: Ground,
    planted: Planted,
    world: World,
    endpoints: Vec<KmsEndpoint>,
    account: Rc<dyn Account>,
}

/// What the product is given.
struct Parts {
    settings: proxy::Settings,
    env: Env,
    kms: Arc<dyn Kms>,
    operator: Arc<dyn Operator>,
}

impl Product {
    fn new(ground: &Ground, scenario: &Scenario, cloud: &CloudWorld, planted: &Planted) -> Self {
        Product {
            ground: ground.clone(),
            planted: planted.clone(),
            world: scenario.world.clone(),
            endpoints: cloud.kms_endpoints(),
            account: cloud.account.clone(),
        }
    }

    /// The parts for one start on a host, planted bugs included.
    fn parts(&self, orders: ProxyOrders, host: &str, stream: usize) -> Parts {
        let trace = &self.ground.trace;
        let env = self.planted.spoil(self.ground.env(host, stream), trace);
        let flags = match self.world.credentials.given_by {
            GivenBy::Metadata => FlagCredentials::default(),
            GivenBy::Flags => self.account.flags(&self.ground),
        };
        let kms_settings = kms::endpoints::Settings {
            endpoints: self.endpoints.clone(),
            require_private_networking: self.world.proxy.require_private_networking,
            deadline: self.world.proxy.kms_deadline,
            ..Default::default()
        };
        let kms = kms::for_provider(orders.cloud_provider, &env, &kms_settings);
        let kms = wrapped(&self.planted.kms, kms, trace);
        let settings = proxy::Settings {
            dbpath: DBPATH.into(),
            bind: ([127, 0, 0, 1], KMIP_PORT).into(),
            mongod_port: 27017,
            cloud_provider: orders.cloud_provider,
            credentials: CredentialSource { flags, environment: FlagCredentials::default() },
            kms_key: orders.kms_key,
            kms: kms_settings,
            certificates: proxy::Certificates::Generated,
            limits: Default::default(),
            own_objects: false,
        };
        let operator: Arc<dyn Operator> = Arc::new(Recorder { host: host.to_owned(), trace: trace.clone() });
        let operator = wrapped(&self.planted.operator, operator, trace);
        Parts { settings, env, kms, operator }
    }
}

/// Puts mongod on its host: a persona, or a guest in its place.
pub(crate) fn mongod(
    sim: &mut Sim<'static>,
    ground: &Ground,
    scenario: &Scenario,
    planted: &Planted,
    guest: Option<Rc<dyn Guest>>,
    orders: watch::Receiver<Orders<MongodOrders>>,
) {
    let world = scenario.world.mongod.clone();
    let relayed = planted.answers.is_some();
    let ground = ground.clone();
    sim.host("mongod", move || {
        let (trace, orders, world, ground) = (ground.trace.clone(), orders.clone(), world.clone(), ground.clone());
        let guest = guest.clone();
        let begin = move |orders: MongodOrders, _: watch::Receiver<bool>| -> Program {
            let (port, ca_file) = if relayed { (relay::PORT, relay::CA_FILE) } else { (KMIP_PORT, "kmipCA.pem") };
            let settings = client_settings(&world, port, ca_file, orders.rotate_master_key);
            let stage =
                Stage { env: ground.env("mongod", MONGOD), trace: ground.trace.clone(), host: "mongod".to_owned() };
            if let Some(guest) = &guest {
                return guest.play(stage, settings, orders);
            }
            let persona = Persona::find(&world.persona).expect("the scenario's persona was checked");
            Box::pin(async move {
                let exit = persona.play(stage, settings, PathBuf::from(DBPATH)).await;
                format!("{} ({})", exit.reason, exit.code)
            })
        };
        async move {
            let never = process("mongod", trace, orders, begin, Stopping::Drop).await?;
            match never {}
        }
    });
}

/// Puts an administrator on a host, in worlds where one has something to do: one errand after the other, in the order in
/// which they were given.
pub(crate) fn administrator(
    sim: &mut Sim<'static>,
    ground: &Ground,
    scenario: &Scenario,
    errands: watch::Receiver<Vec<Errand>>,
) {
    let world = scenario.world.mongod.clone();
    let ground = ground.clone();
    sim.host("administrator", move || {
        let (mut errands, trace) = (errands.clone(), ground.trace.clone());
        let host = "administrator".to_owned();
        let stage = Stage { env: ground.env(&host, ADMINISTRATOR), trace: trace.clone(), host };
        let settings = cast::Settings {
            // The tool is given the address of the proxy, whatever list mongod has.
            server_name: "127.0.0.1".to_owned(),
            ..client_settings(&world, KMIP_PORT, "kmipCA.pem", false)
        };
        async move {
            let mut done = 0;
            loop {
                let Some(Errand { change, object }) = errands.borrow_and_update().get(done).cloned() else {
                    wait(&mut errands).await?;
                    continue;
                };
                done += 1;
                trace.record(&stage.host, What::Process { state: ProcessState::Started, why: None });
                let why = match change {
                    ObjectChange::Revoke => cast::administrator::revoke(&stage, &settings, &object, false).await,
                    ObjectChange::Compromise => cast::administrator::revoke(&stage, &settings, &object, true).await,
                    ObjectChange::Destroy => cast::administrator::destroy(&stage, &settings, &object).await,
                };
                trace.record(&stage.host, What::Process { state: ProcessState::Exited, why: Some(why) });
            }
        }
    });
}

/// The options of a KMIP client on the machine.
fn client_settings(world: &Mongod, port: u16, ca_file: &str, rotate_master_key: bool) -> cast::Settings {
    cast::Settings {
        server_name: world.servers.join(","),
        port,
        ca_file: Some(in_dbpath(ca_file)),
        client_certificate_file: in_dbpath("kmipClient.pem"),
        connect_retries: world.connect_retries,
        connect_timeout: world.connect_timeout,
        activate_keys: world.activate_keys,
        key_state_polling: world.key_state_polling,
        key_identifier: None,
        rotate_master_key,
    }
}

/// Writes into the trace what the terminal would show, to the letter.
#[derive(Debug)]
struct Recorder {
    host: String,
    trace: Trace,
}

impl Operator for Recorder {
    fn tell(&self, notice: &Notice) {
        // Only lines of JSON are dated, so that any moment will do.
        let text = render(notice, LogFormat::Text, SystemTime::UNIX_EPOCH);
        let class = notice.class.map(|class| class.code().to_owned());
        self.trace.record(&self.host, What::Operator { class, key: notice.key.clone(), text });
    }
}
