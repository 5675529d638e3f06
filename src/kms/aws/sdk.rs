//! The AWS SDK, plugged into this proxy's doors: our transport, clock, randomness, and nothing of its own.
//!
//! One client is made for one attempt at one endpoint. The SDK serialises, signs and parses; it does not retry, cache
//! credentials, or correct the clock, because each of these would be a second opinion on what the failover decides.
//!
//! Invariant: the same call at the same time with the same random bytes gives the same bytes on the wire.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use aws_runtime::invocation_id::{InvocationId, InvocationIdGenerator};
use aws_smithy_async::time::TimeSource;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextMut;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use bytes::Bytes;

use crate::env::{Clock, Crypto};
use crate::keys::AwsCredentials;
use crate::kms::http::Channel;

/// How this proxy calls itself, instead of the SDK's list of operating system, compiler and versions.
const USER_AGENT: &str = concat!("kmip-proxy/", env!("CARGO_PKG_VERSION"));

/// Makes a client of one of the SDK's crates: each has its own configuration type with the same methods.
macro_rules! client {
    ($sdk:ident, $channel:expr, $credentials:expr) => {{
        let (channel, credentials): (&$crate::kms::http::Channel, &$crate::keys::AwsCredentials) =
            ($channel, $credentials);
        let env = &channel.transport.env;
        let config = $sdk::Config::builder()
            .behavior_version($sdk::config::BehaviorVersion::latest())
            .region($sdk::config::Region::new(credentials.region.clone()))
            .endpoint_url(channel.endpoint.url())
            .credentials_provider($crate::kms::aws::sdk::credentials(credentials))
            .http_client($crate::kms::aws::sdk::Wire::new(channel))
            .interceptor($crate::kms::aws::sdk::Canonical)
            .invocation_id_generator($crate::kms::aws::sdk::Ids::new(&env.crypto))
            .time_source($crate::kms::aws::sdk::Time::new(&env.clock))
            .sleep_impl(::aws_smithy_async::rt::sleep::TokioSleep::new())
            .identity_cache($sdk::config::IdentityCache::no_cache())
            .retry_config(::aws_smithy_types::retry::RetryConfig::disabled())
            .retry_partition(::aws_smithy_runtime::client::retries::RetryPartition::custom("kmip-proxy").build())
            .timeout_config(::aws_smithy_types::timeout::TimeoutConfig::disabled())
            .stalled_stream_protection($sdk::config::StalledStreamProtectionConfig::disabled())
            .disable_clock_skew_correction(true)
            .build();
        $sdk::Client::from_conf(config)
    }};
}
pub(super) use client;

/// The credentials in the SDK's type.
pub(super) fn credentials(ours: &AwsCredentials) -> aws_credential_types::Credentials {
    aws_credential_types::Credentials::new(
        &ours.access_key_id,
        ours.secret_access_key.expose(),
        ours.session_token.as_ref().map(|token| token.expose().to_owned()),
        None,
        "kmip-proxy",
    )
}

/// The SDK's transport: one endpoint, through our connection.
#[derive(Clone, Debug)]
pub(super) struct Wire(Channel);

impl Wire {
    pub(super) fn new(channel: &Channel) -> Self {
        Wire(channel.clone())
    }
}

impl HttpClient for Wire {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let channel = self.0.clone();
        HttpConnectorFuture::new(async move {
            let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
            let (parts, body) = request.into_parts();
            let body = body.bytes().map(Bytes::copy_from_slice);
            let body = body.ok_or_else(|| ConnectorError::user("the request's body is not in memory".into()))?;
            let answer = channel.send(http::Request::from_parts(parts, body)).await;
            // The kind of the error would steer the SDK's retries, of which there are none.
            let answer = answer.map_err(|error| ConnectorError::other(error.into(), None))?;
            HttpResponse::try_from(answer.map(SdkBody::from)).map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// Makes the request the same every time, before it is signed.
#[derive(Debug)]
pub(super) struct Canonical;

impl Intercept for Canonical {
    fn name(&self) -> &'static str {
        "Canonical"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        let is_json =
            request.headers().get("content-type").is_some_and(|kind| kind.starts_with("application/x-amz-json"));
        if is_json && let Some(body) = request.body().bytes() {
            let sorted = serde_json::to_vec(&serde_json::from_slice::<Sorted>(body)?)?;
            request.headers_mut().insert("content-length", sorted.len().to_string());
            *request.body_mut() = SdkBody::from(sorted);
        }
        request.headers_mut().insert("user-agent", USER_AGENT);
        request.headers_mut().insert("x-amz-user-agent", USER_AGENT);
        Ok(())
    }
}

/// JSON whose objects are sorted. The SDK keeps the encryption context in a hash map and writes it in that order.
#[derive(serde::Deserialize, serde::Serialize)]
#[serde(untagged)]
enum Sorted {
    Object(BTreeMap<String, Sorted>),
    Other(serde_json::Value),
}

/// Invocation ids from our randomness, in the form of a version 4 UUID (RFC 9562, 5.4).
#[derive(Debug)]
pub(super) struct Ids(Arc<dyn Crypto>);

impl Ids {
    pub(super) fn new(crypto: &Arc<dyn Crypto>) -> Self {
        Ids(crypto.clone())
    }
}

impl InvocationIdGenerator for Ids {
    fn generate(&self) -> Result<Option<InvocationId>, BoxError> {
        let mut bytes = [0; 16];
        self.0.random(&mut bytes)?;
        let id = u128::from_be_bytes(bytes) & !(0xf << 76 | 0b11 << 62) | 4 << 76 | 0b10 << 62;
        let hex = format!("{id:032x}");
        let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|range| &hex[range]);
        Ok(Some(InvocationId::new(parts.join("-"))))
    }
}

/// The SDK's clock.
#[derive(Debug)]
pub(super) struct Time(Arc<dyn Clock>);

impl Time {
    pub(super) fn new(clock: &Arc<dyn Clock>) -> Self {
        Time(clock.clone())
    }
}

impl TimeSource for Time {
    fn now(&self) -> SystemTime {
        self.0.now()
    }
}
