//! The door of STS: the query protocol, a form in and XML out. AssumeRole and GetCallerIdentity are there.
//!
//! Invariant: a role that is missing, one that does not trust the caller and one that wants another external id refuse
//! in the same words, as AWS does.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::Request;
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use super::Aws;
use super::errors::{Answer, Error, Refusal};
use super::identities::{Holder, Principal};
use super::operations::invalid;
use super::policy::Resource;
use super::serve::Visit;
use crate::clouds::Arrival;
use crate::clouds::call::Call;

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";
/// DurationSeconds if the caller does not say, which is also what every role of the fake grants at most.
const HOUR: u64 = 3600;
/// The range that the API takes at all.
const DURATIONS: std::ops::RangeInclusive<u64> = 900..=43_200;
/// The form of Expiration.
const EXPIRATION: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");

impl Aws {
    pub(super) fn sts(&mut self, visit: &Visit<'_>, request_id: &str, call: &mut Call) -> Result<String, Refusal> {
        call.operation = operation_name(visit.request);
        let principal = self.authenticate(visit, call)?;
        if let Some(refusal) = self.planned_refusal(visit, &principal, call) {
            return Err(refusal);
        }
        let form = form(visit.request.body());
        let result = match call.operation.as_str() {
            "AssumeRole" => self.assume_role(visit.arrival, &principal, &form)?,
            "GetCallerIdentity" => format!(
                "<Arn>{}</Arn><UserId>{}</UserId><Account>{}</Account>",
                escape(&principal.arn),
                escape(&principal.id),
                self.account
            ),
            operation => return Err(Refusal::new(Error::UnknownOperation, &[("operation", operation)])),
        };
        let operation = &call.operation;
        Ok(format!(
            "<{operation}Response xmlns=\"{NAMESPACE}\"><{operation}Result>{result}</{operation}Result><ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation}Response>"
        ))
    }

    fn assume_role(
        &mut self,
        arrival: &Arrival,
        principal: &Principal,
        form: &BTreeMap<String, String>,
    ) -> Result<String, Refusal> {
        for unknown in ["Policy", "SerialNumber", "TokenCode", "SourceIdentity"] {
            if form.contains_key(unknown) {
                return Err(Refusal::new(Error::NotImplemented, &[("what", unknown)]));
            }
        }
        let (arn, session, duration) = (role_arn(form)?, session_name(form)?, duration(form)?);
        let name = self.trusted_role(arrival, principal, arn, form.get("ExternalId"))?;
        if duration > Duration::from_secs(HOUR) {
            return Err(Error::DurationTooLong.into());
        }
        let expires = arrival.at + duration;
        let (assumed, issued) = self.identities.issue_session(Holder::Role(&name), session, Some(expires));
        self.guard(&issued);
        Ok(format!(
            "<Credentials><AccessKeyId>{}</AccessKeyId><SecretAccessKey>{}</SecretAccessKey><SessionToken>{}</SessionToken><Expiration>{}</Expiration></Credentials><AssumedRoleUser><AssumedRoleId>{}</AssumedRoleId><Arn>{}</Arn></AssumedRoleUser>",
            issued.access_key_id,
            issued.secret_access_key,
            issued.session_token.unwrap_or_default(),
            expiration(expires),
            escape(&assumed.id),
            escape(&assumed.arn)
        ))
    }

    /// The name of a role that this caller may assume.
    fn trusted_role(
        &self,
        arrival: &Arrival,
        principal: &Principal,
        arn: &str,
        external_id: Option<&String>,
    ) -> Result<String, Refusal> {
        if self.open && self.identities.role(arn).is_none() {
            return Ok(arn.rsplit('/').next().unwrap_or(arn).to_owned());
        }
        let denied = || Refusal::new(Error::AssumeRoleDenied, &[("user", &principal.arn), ("arn", arn)]);
        let role = self.identities.role(arn).ok_or_else(denied)?;
        self.policy.check(arrival, principal, "sts:AssumeRole", Resource { name: &role.name, arn })?;
        let trusted = |trusted: &String| trusted == "*" || *trusted == principal.name || *trusted == principal.arn;
        let vouched = role.external_id.as_ref().is_none_or(|wanted| external_id == Some(wanted));
        if role.trusts.iter().any(trusted) && vouched { Ok(role.name.clone()) } else { Err(denied()) }
    }
}

/// What the request asks for, for the trace too: `unknown` where it does not say.
pub(super) fn operation_name(request: &Request<Bytes>) -> String {
    form(request.body()).remove("Action").unwrap_or_else(|| "unknown".to_owned())
}

/// An error as STS writes it.
pub(super) fn error_body(answer: &Answer, message: Option<&str>, request_id: &str) -> String {
    let kind = if answer.status < 500 { "Sender" } else { "Receiver" };
    format!(
        "<ErrorResponse xmlns=\"{NAMESPACE}\"><Error><Type>{kind}</Type><Code>{}</Code><Message>{}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>",
        answer.code,
        escape(message.unwrap_or_default())
    )
}

fn role_arn(form: &BTreeMap<String, String>) -> Result<&str, Refusal> {
    let arn = required(form, "RoleArn", "roleArn")?;
    if arn.len() < 20 {
        return Err(invalid(
            &format!("Value '{arn}' at 'roleArn'"),
            "Member must have length greater than or equal to 20",
        ));
    }
    let parts: Vec<&str> = arn.split(':').collect();
    match parts[..] {
        ["arn", _, "iam", "", _, resource] if resource.starts_with("role/") => Ok(arn),
        _ => Err(Refusal::new(Error::RoleArnInvalid, &[("arn", arn)])),
    }
}

fn session_name(form: &BTreeMap<String, String>) -> Result<&str, Refusal> {
    let name = required(form, "RoleSessionName", "roleSessionName")?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
    if (2..=64).contains(&name.len()) && name.bytes().all(allowed) {
        return Ok(name);
    }
    let constraint = "Member must satisfy regular expression pattern: [\\w+=,.@-]*, with 2 to 64 characters";
    Err(invalid(&format!("Value '{name}' at 'roleSessionName'"), constraint))
}

fn duration(form: &BTreeMap<String, String>) -> Result<Duration, Refusal> {
    let Some(text) = form.get("DurationSeconds") else { return Ok(Duration::from_secs(HOUR)) };
    let place = format!("Value '{text}' at 'durationSeconds'");
    match text.parse::<u64>() {
        Ok(seconds) if DURATIONS.contains(&seconds) => Ok(Duration::from_secs(seconds)),
        Ok(seconds) if seconds > *DURATIONS.end() => {
            Err(invalid(&place, &format!("Member must have value less than or equal to {}", DURATIONS.end())))
        }
        _ => Err(invalid(&place, &format!("Member must have value greater than or equal to {}", DURATIONS.start()))),
    }
}

fn required<'a>(form: &'a BTreeMap<String, String>, name: &str, place: &str) -> Result<&'a str, Refusal> {
    let value = form.get(name).map(String::as_str).filter(|value| !value.is_empty());
    value.ok_or_else(|| invalid(&format!("Value null at '{place}'"), "Member must not be null"))
}

/// A body of `application/x-www-form-urlencoded`. Of a name that comes twice the last one counts.
pub(super) fn form(body: &[u8]) -> BTreeMap<String, String> {
    let pairs = body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let mut half = || decode(halves.next().unwrap_or_default());
            (half(), half())
        })
        .collect()
}

/// Undoes percent encoding. What is not encoded properly stays as it is.
fn decode(text: &[u8]) -> String {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let escaped = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let (decoded, next) = match (byte, escaped) {
            (b'%', Some(escaped)) => (escaped, &after[2..]),
            (b'+', _) => (b' ', after),
            _ => (byte, after),
        };
        bytes.push(decoded);
        rest = next;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Text between XML tags.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn expiration(at: SystemTime) -> String {
    OffsetDateTime::from(at).format(EXPIRATION).expect("a year of four digits has this form")
}
