//! The two programs of the machine: the product, and the mongod that is played against it.
//!
//! The product is started exactly as its own binary starts it, with another `Env`; what it tells the operator goes into
//! the trace.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::SystemTime;

use kmip_proxy::keys::{CredentialSource, FlagCredentials, LocalCredentials, Provider, Secret, SecretText};
use kmip_proxy::kms::{self, Call, Kms as _};
use kmip_proxy::operator::{LogFormat, Notice, Operator, render};
use kmip_proxy::proxy;
use tokio::sync::watch;
use turmoil::Sim;

use super::cloud::{CloudWorld, Current, EXTERNAL_ID};
use super::machine::{
    DBPATH, Ground, KMIP_PORT, LOCAL_KEY_FILE, MONGOD, MongodOrders, Orders, PROXY, ProxyOrders, Stopping, in_dbpath,
    process,
};
use super::planted::{Planted, wrapped};
use super::relay;
use crate::cast::{self, Persona, Stage};
use crate::scenario::{GivenBy, Scenario};
use crate::trace::{Trace, What};

type Program = Pin<Box<dyn Future<Output = String>>>;

/// Puts the proxy on its host.
pub(crate) fn proxy(
    sim: &mut Sim<'static>,
    ground: &Ground,
    scenario: &Scenario,
    cloud: &CloudWorld,
    planted: &Planted,
    orders: watch::Receiver<Orders<ProxyOrders>>,
) {
    let world = scenario.world.clone();
    let endpoints = cloud.kms_endpoints();
    let current = cloud.current.clone();
    let (ground, planted) = (ground.clone(), planted.clone());
    sim.host("proxy", move || {
        let (trace, orders) = (ground.trace.clone(), orders.clone());
        let (world, endpoints) = (world.clone(), endpoints.clone());
        let (current, ground, planted) = (current.clone(), ground.clone(), planted.clone());
        let begin = move |orders: ProxyOrders, stop: watch::Receiver<bool>| -> Program {
            let env = planted.spoil(ground.env("proxy", PROXY), &ground.trace);
            let flags = match world.credentials.given_by {
                GivenBy::Metadata => FlagCredentials::default(),
                GivenBy::Flags => flags(&current.lock().expect("nothing panics while it holds the credentials")),
            };
            let kms_settings = kms::endpoints::Settings {
                endpoints: endpoints.clone(),
                require_private_networking: world.proxy.require_private_networking,
                deadline: world.proxy.kms_deadline,
                ..Default::default()
            };
            let provider = kms::for_provider(orders.cloud_provider, &env, &kms_settings);
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
            };
            let provider = provider.map(|provider| wrapped(&planted.kms, provider, &ground.trace));
            let operator = wrapped(&planted.operator, Arc::new(Recorder(ground.trace.clone())), &ground.trace);
            Box::pin(async move {
                match proxy::run(settings, env, provider, operator, stop).await {
                    Ok(()) => "told to stop".to_owned(),
                    Err(error) => error.to_string(),
                }
            })
        };
        async move {
            let never = process("proxy", trace, orders, begin, Stopping::Tell).await?;
            match never {}
        }
    });
}

/// Puts mongod on its host.
pub(crate) fn mongod(
    sim: &mut Sim<'static>,
    ground: &Ground,
    scenario: &Scenario,
    planted: &Planted,
    orders: watch::Receiver<Orders<MongodOrders>>,
) {
    let world = scenario.world.mongod.clone();
    let relayed = planted.answers.is_some();
    let ground = ground.clone();
    sim.host("mongod", move || {
        let (trace, orders, world, ground) = (ground.trace.clone(), orders.clone(), world.clone(), ground.clone());
        let begin = move |orders: MongodOrders, _: watch::Receiver<bool>| -> Program {
            let (port, ca_file) =
                if relayed { (relay::PORT, in_dbpath(relay::CA_FILE)) } else { (KMIP_PORT, in_dbpath("kmipCA.pem")) };
            let settings = cast::Settings {
                server_name: world.servers.join(","),
                port,
                ca_file: Some(ca_file),
                client_certificate_file: in_dbpath("kmipClient.pem"),
                connect_retries: world.connect_retries,
                connect_timeout: world.connect_timeout,
                activate_keys: world.activate_keys,
                key_state_polling: world.key_state_polling,
                key_identifier: None,
                rotate_master_key: orders.rotate_master_key,
            };
            let stage =
                Stage { env: ground.env("mongod", MONGOD), trace: ground.trace.clone(), host: "mongod".to_owned() };
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

fn flags(current: &Current) -> FlagCredentials {
    FlagCredentials {
        access_key_id: Some(current.issued.access_key_id.clone()),
        secret_access_key: Some(SecretText::new(current.issued.secret_access_key.clone())),
        session_token: current.issued.session_token.clone().map(SecretText::new),
        region: Some(current.region.clone()),
        role_arn: current.role_arn.clone(),
        external_id: current.role_arn.as_ref().map(|_| EXTERNAL_ID.to_owned()),
        local_key_file: None,
    }
}

/// Writes into the trace what the terminal would show, to the letter.
#[derive(Debug)]
struct Recorder(Trace);

impl Operator for Recorder {
    fn tell(&self, notice: &Notice) {
        // Only lines of JSON are dated, so that any moment will do.
        let text = render(notice, LogFormat::Text, SystemTime::UNIX_EPOCH);
        let class = notice.class.map(|class| class.code().to_owned());
        self.0.record("proxy", What::Operator { class, key: notice.key.clone(), text });
    }
}

/// Wraps the snapshot's key as the provider `local` does: there is no cloud to ask, so the product's own wrapping makes
/// the file.
pub(crate) fn wrap_locally(ground: &Ground, id: &str, material: &[u8]) -> Vec<u8> {
    let env = ground.env("lab", PROXY);
    let local = kms::LocalKms::new(env);
    let credentials = kmip_proxy::keys::Credentials::Local(LocalCredentials { key_file: in_dbpath(LOCAL_KEY_FILE) });
    let context = Default::default();
    let call =
        Call { key_id: id, credentials: &credentials, cmk: Provider::Local.as_str(), region: None, context: &context };
    let secret = Secret::new(material.to_vec());
    let mut wrapping = local.wrap(call, &secret);
    // Local wrapping waits for nothing, so that one poll finishes it.
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match wrapping.as_mut().poll(&mut context) {
        std::task::Poll::Ready(Ok(wrapped)) => wrapped,
        other => unreachable!("wrapping with a key file on the lab's own disk: {other:?}"),
    }
}
