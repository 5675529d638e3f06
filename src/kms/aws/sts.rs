//! Role sessions: AssumeRole, with the session's credentials kept until shortly before they expire.
//!
//! Invariant: what is kept are credentials, never keys, and never across a restart.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use super::answers::{Judge, Service};
use super::sdk;
use crate::keys::{AwsCredentials, AwsRole, Provider, SecretText};
use crate::kms::endpoints::{Endpoint, NetworkClass};
use crate::kms::failover::Errand;
use crate::kms::http::{Deadline, Transport};
use crate::kms::{Class, KmsError};

/// The session's name, as the trail of the customer's account shows it.
const SESSION_NAME: &str = "kmip-proxy";

/// How long a session is asked for. Roles allow one hour unless told otherwise.
const SESSION_SECONDS: i32 = 3600;

/// How long before its end a session is not used any more: a request's deadline and some difference of clocks.
const MARGIN: Duration = Duration::from_secs(60);

/// The sessions at hand.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<BTreeMap<Name, Session>>);

/// The role, and the access key id with which it was assumed.
type Name = (AwsRole, String);

#[derive(Clone, Debug)]
struct Session {
    credentials: AwsCredentials,
    expires: SystemTime,
}

impl Sessions {
    /// The session's credentials, assuming the role if need be.
    pub(super) async fn credentials(
        &self,
        transport: &Arc<Transport>,
        base: &AwsCredentials,
        role: &AwsRole,
        cmk: &str,
        deadline: Deadline,
    ) -> Result<AwsCredentials, KmsError> {
        let name = (role.clone(), base.access_key_id.clone());
        let now = transport.env.clock.now();
        if let Some(session) = self.usable(&name, now) {
            return Ok(session.credentials);
        }
        let session = assume(transport, base, role, cmk, deadline).await?;
        let credentials = session.credentials.clone();
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|_, session| session.expires > now);
        sessions.insert(name, session);
        Ok(credentials)
    }

    /// Forgets a session that KMS no longer accepts.
    pub(super) fn forget(&self, base: &AwsCredentials, role: &AwsRole) {
        let name = (role.clone(), base.access_key_id.clone());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&name);
    }

    fn usable(&self, name: &Name, now: SystemTime) -> Option<Session> {
        let sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.get(name).filter(|session| session.expires > now + MARGIN).cloned()
    }
}

async fn assume(
    transport: &Arc<Transport>,
    base: &AwsCredentials,
    role: &AwsRole,
    cmk: &str,
    deadline: Deadline,
) -> Result<Session, KmsError> {
    let endpoint = match &transport.settings.token_endpoint {
        Some(endpoint) => endpoint.clone(),
        None => Endpoint::of_aws("sts", &base.region)
            .map_err(|error| KmsError::new(Class::MetadataMalformed, Provider::Aws, cmk).because(error.to_string()))?,
    };
    let errand = Errand {
        transport,
        only_private: transport.settings.require_private_networking && endpoint.network == NetworkClass::Private,
        endpoints: &[endpoint],
        provider: Provider::Aws,
        cmk,
        deadline,
    };
    let judge = Judge { service: Service::Sts, credentials: base.clone(), clock: transport.env.clock.clone() };
    let session = errand.run(|channel| {
        let (judge, base, role) = (judge.clone(), base, role);
        Box::pin(async move {
            let answer = sdk::client!(aws_sdk_sts, &channel, base)
                .assume_role()
                .role_arn(&role.arn)
                .role_session_name(SESSION_NAME)
                .duration_seconds(SESSION_SECONDS)
                .set_external_id(role.external_id.clone())
                .send()
                .await
                .map_err(|error| judge.failure(&error))?;
            session(answer.credentials, base).ok_or_else(|| judge.senseless("no credentials in the answer"))
        })
    });
    session.await.map_err(|error| {
        let detail = error.detail.as_deref().unwrap_or(error.class.meaning());
        let detail = format!("assuming the role {} through STS: {detail}", role.arn);
        error.because(detail)
    })
}

/// The answer's credentials, for the region of the ones that asked.
fn session(answer: Option<aws_sdk_sts::types::Credentials>, base: &AwsCredentials) -> Option<Session> {
    let answer = answer?;
    let present = |text: &str| !text.is_empty();
    if !present(&answer.access_key_id) || !present(&answer.secret_access_key) || !present(&answer.session_token) {
        return None;
    }
    Some(Session {
        expires: SystemTime::try_from(answer.expiration).ok()?,
        credentials: AwsCredentials {
            access_key_id: answer.access_key_id,
            secret_access_key: SecretText::new(answer.secret_access_key),
            session_token: Some(SecretText::new(answer.session_token)),
            region: base.region.clone(),
            role: None,
        },
    })
}
