//! The rows of the table of refusals, in groups: who calls, how the service fares, what stands in the request, the key,
//! who is allowed what, and what the fake itself cannot do.
//!
//! Invariant: of several rows with one code of KMS the first one is what a reader of the code alone expects.

use super::{Answer, Fact};
use crate::clouds::Evidence::{self, Documented, Inferred, Observed, Ours};

/// Recorded against the real service by LocalStack's validated snapshot tests.
const SNAPSHOTS: &str = "LocalStack's snapshot tests, recorded against AWS";
/// Seen in a public issue with the raw answer of the real service.
const ISSUES: &str = "raw answers in public issues";
/// The API models that AWS publishes with botocore.
const MODEL: &str = "botocore's service model";
/// The developer guide of AWS KMS: key states, multi-Region keys, rotation.
const STATES: &str = "the developer guide of AWS KMS";
/// The list of errors common to all actions, and the signing guide.
const GUIDE: &str = "the AWS documentation of common errors and of request signing";
/// General knowledge of the services.
const QUOTED: &str = "widely quoted, no recording seen";
/// Nothing outside this fake.
const FAKE: &str = "this fake";

const fn answer(status: u16, code: &'static str, evidence: Evidence, source: &'static str) -> Option<Answer> {
    Some(Answer { status, code, evidence, source })
}

errors! {
    /// No Authorization header.
    MissingAuthentication {
        kms: answer(400, "MissingAuthenticationTokenException", Inferred, QUOTED),
        sts: answer(403, "MissingAuthenticationToken", Documented, GUIDE),
        text: Some("Request is missing Authentication Token"), Inferred
    }
    /// An Authorization header in which something is missing.
    IncompleteSignature {
        kms: answer(400, "IncompleteSignatureException", Inferred, QUOTED),
        sts: answer(400, "IncompleteSignature", Documented, GUIDE),
        text: Some("{reason}"), Inferred
    }
    /// An access key id that nobody has, or a token that does not belong to it.
    UnrecognizedClient {
        kms: answer(400, "UnrecognizedClientException", Observed, ISSUES),
        sts: answer(403, "InvalidClientTokenId", Documented, GUIDE),
        text: Some("The security token included in the request is invalid."), Observed
    }
    /// Temporary credentials after their time.
    ExpiredToken {
        kms: answer(400, "ExpiredTokenException", Inferred, QUOTED),
        sts: answer(403, "ExpiredToken", Inferred, QUOTED),
        text: Some("The security token included in the request is expired"), Inferred
    }
    /// The signature is not the one that this request and this secret make.
    SignatureMismatch {
        kms: answer(400, "InvalidSignatureException", Observed, ISSUES),
        sts: answer(403, "SignatureDoesNotMatch", Documented, GUIDE),
        text: Some("The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."), Observed
    }
    /// The caller's clock is more than five minutes behind.
    SignatureExpired {
        kms: answer(400, "InvalidSignatureException", Observed, ISSUES),
        sts: answer(403, "SignatureDoesNotMatch", Documented, GUIDE),
        text: Some("Signature expired: {signed} is now earlier than {limit} ({now} - 5 min.)"), Observed
    }
    /// The caller's clock is more than five minutes ahead.
    SignatureNotYetCurrent {
        kms: answer(400, "InvalidSignatureException", Observed, ISSUES),
        sts: answer(403, "SignatureDoesNotMatch", Documented, GUIDE),
        text: Some("Signature not yet current: {signed} is still later than {limit} ({now} + 5 min.)"), Observed
    }
    /// The scope names another day, region, service or terminator than the request needs.
    CredentialScope {
        kms: answer(400, "InvalidSignatureException", Inferred, GUIDE),
        sts: answer(403, "SignatureDoesNotMatch", Documented, GUIDE),
        text: Some("{reason}"), Inferred
    }
    /// A header that has to be signed is not.
    HeaderNotSigned {
        kms: answer(400, "InvalidSignatureException", Inferred, GUIDE),
        sts: answer(403, "SignatureDoesNotMatch", Inferred, GUIDE),
        text: Some("'{header}' must be a 'SignedHeader' in the AWS Authorization header."), Inferred
    }
    /// A request that was signed too long ago, in the words of the query services. KMS itself says
    /// [`Error::SignatureExpired`]; the list of common errors has both.
    RequestExpired {
        kms: answer(400, "RequestExpired", Documented, GUIDE),
        sts: None,
        text: Some("Request has expired."), Inferred
    }
    /// The account has not subscribed to the service, or is suspended.
    OptInRequired {
        kms: answer(403, "OptInRequired", Documented, GUIDE),
        sts: None,
        text: Some("The AWS Access Key Id needs a subscription for the service"), Inferred
    }
    /// The region's token service is switched off for this account.
    RegionDisabled {
        kms: None,
        sts: answer(403, "RegionDisabledException", Documented, MODEL),
        text: Some("STS is not activated in this region for account:{account}. Your account administrator can activate STS in this region using the IAM Console."), Inferred
    }
    /// Too many calls.
    Throttled {
        kms: answer(400, "ThrottlingException", Observed, ISSUES),
        sts: answer(400, "Throttling", Inferred, QUOTED),
        text: Some("You have exceeded the rate at which you may call {service}. Reduce the frequency of your calls."), Observed
    }
    /// The service failed by itself.
    Internal {
        kms: answer(500, "KMSInternalException", Documented, MODEL),
        sts: answer(500, "InternalFailure", Documented, GUIDE),
        text: Some("The request was rejected because an internal exception occurred. The request can be retried."), Inferred
    }
    /// The service waited in vain for another one.
    DependencyTimeout {
        kms: answer(503, "DependencyTimeoutException", Inferred, MODEL),
        sts: answer(503, "ServiceUnavailable", Documented, GUIDE),
        text: Some("The system timed out while trying to fulfill the request. You can retry the request."), Documented
    }
    /// What stands before the service failed by itself.
    InternalFailure {
        kms: answer(500, "InternalFailure", Documented, GUIDE),
        sts: None,
        text: Some("The request processing has failed because of an unknown error, exception or failure."), Inferred
    }
    /// What stands before the service cannot reach it.
    ServiceUnavailable {
        kms: answer(503, "ServiceUnavailable", Documented, GUIDE),
        sts: None,
        text: Some("The request has failed due to a temporary failure of the server."), Inferred
    }
    /// The hardware that holds the key cannot be asked.
    KeyUnavailable {
        kms: answer(500, "KeyUnavailableException", Inferred, MODEL),
        sts: None,
        text: Some("The request was rejected because the specified KMS key was not available. You can retry the request."), Inferred
    }
    /// A body that is not JSON, or a member of another type.
    Serialization {
        kms: answer(400, "SerializationException", Inferred, QUOTED),
        sts: None,
        text: None, Inferred
    }
    /// A member that is missing, too short, too long or out of range.
    Validation {
        kms: answer(400, "ValidationException", Observed, SNAPSHOTS),
        sts: answer(400, "ValidationError", Observed, SNAPSHOTS),
        text: Some("1 validation error detected: {what}"), Observed
    }
    /// A role's ARN that is none.
    RoleArnInvalid {
        kms: None,
        sts: answer(400, "ValidationError", Observed, SNAPSHOTS),
        text: Some("{arn} is invalid"), Observed
    }
    /// A longer session than the role grants.
    DurationTooLong {
        kms: None,
        sts: answer(400, "ValidationError", Inferred, QUOTED),
        text: Some("The requested DurationSeconds exceeds the MaxSessionDuration set for this role."), Inferred
    }
    /// The customer's key is disabled.
    Disabled {
        kms: answer(400, "DisabledException", Observed, SNAPSHOTS),
        sts: None,
        text: Some("{arn} is disabled."), Observed
    }
    /// The customer's key is scheduled for deletion.
    PendingDeletion {
        kms: answer(400, "KMSInvalidStateException", Observed, ISSUES),
        sts: None,
        text: Some("{arn} is pending deletion."), Observed
    }
    /// The customer's key is the primary key of replicas that still exist, and is scheduled for deletion.
    PendingReplicaDeletion {
        kms: answer(400, "KMSInvalidStateException", Documented, STATES),
        sts: None,
        text: Some("{arn} is pending replica deletion."), Inferred
    }
    /// A deletion that is to be cancelled was never scheduled.
    NotPendingDeletion {
        kms: answer(400, "KMSInvalidStateException", Documented, STATES),
        sts: None,
        text: Some("{arn} is not pending deletion."), Documented
    }
    /// The customer's key waits for its material.
    PendingImport {
        kms: answer(400, "KMSInvalidStateException", Observed, SNAPSHOTS),
        sts: None,
        text: Some("{arn} is pending import."), Observed
    }
    /// The customer's key lives in a key store that is disconnected.
    StateUnavailable {
        kms: answer(400, "KMSInvalidStateException", Documented, STATES),
        sts: None,
        text: Some("{arn} is unavailable."), Documented
    }
    /// The customer's key is a replica whose material has not come over yet.
    Creating {
        kms: answer(400, "KMSInvalidStateException", Documented, STATES),
        sts: None,
        text: Some("{arn} is creating."), Inferred
    }
    /// The customer's key is changing its primary region, and cannot be managed until that is done.
    Updating {
        kms: answer(400, "KMSInvalidStateException", Documented, STATES),
        sts: None,
        text: Some("{arn} is updating."), Inferred
    }
    /// What the operation does is not done to keys whose material comes from there.
    OriginInvalid {
        kms: answer(400, "UnsupportedOperationException", Observed, SNAPSHOTS),
        sts: None,
        text: Some("{arn} origin is {origin} which is not valid for this operation."), Observed
    }
    /// What the operation does is done to the primary key, for all of its replicas. The text was seen at ReplicateKey.
    NotPrimary {
        kms: answer(400, "UnsupportedOperationException", Observed, SNAPSHOTS),
        sts: None,
        text: Some("{arn} is not a multi-region primary key."), Inferred
    }
    /// A key that has been rotated on demand as often as it may be.
    RotationsExhausted {
        kms: answer(400, "LimitExceededException", Observed, SNAPSHOTS),
        sts: None,
        text: Some("The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations can be performed for this key: {arn}"), Observed
    }
    /// An automatic rotation is about to begin.
    RotationConflict {
        kms: answer(400, "ConflictException", Inferred, MODEL),
        sts: None,
        text: Some("The request was rejected because an automatic rotation of this key is currently in progress or scheduled to begin within the next 20 minutes."), Inferred
    }
    /// A well-formed name of a key that does not exist here.
    KeyNotFound {
        kms: answer(400, "NotFoundException", Observed, SNAPSHOTS),
        sts: None,
        text: Some("Key '{arn}' does not exist"), Observed
    }
    /// What stands in KeyId is neither an ARN nor an id nor an alias.
    KeyIdInvalid {
        kms: answer(400, "NotFoundException", Observed, SNAPSHOTS),
        sts: None,
        text: Some("Invalid keyId '{id}'"), Observed
    }
    /// An ARN of another region, or one that is damaged.
    ArnInvalid {
        kms: answer(400, "NotFoundException", Observed, SNAPSHOTS),
        sts: None,
        text: Some("Invalid arn {region}"), Observed
    }
    /// An ARN that is damaged, in the words of the API model. [`Error::ArnInvalid`] is what was seen instead.
    ArnRefused {
        kms: answer(400, "InvalidArnException", Inferred, MODEL),
        sts: None,
        text: Some("The request was rejected because a specified ARN, or an ARN in a key policy, is not valid."), Inferred
    }
    /// An alias that nobody made.
    AliasNotFound {
        kms: answer(400, "NotFoundException", Observed, SNAPSHOTS),
        sts: None,
        text: Some("Alias {arn} is not found."), Inferred
    }
    /// An alias that is to be made, and is there already.
    AliasExists {
        kms: answer(400, "AlreadyExistsException", Documented, MODEL),
        sts: None,
        text: Some("An alias with the name {arn} already exists"), Inferred
    }
    /// The ciphertext was made by another key than KeyId names.
    IncorrectKey {
        kms: answer(400, "IncorrectKeyException", Observed, SNAPSHOTS),
        sts: None,
        text: Some("The key ID in the request does not identify a CMK that can perform this operation."), Observed
    }
    /// The ciphertext is damaged, or the encryption context is another one.
    InvalidCiphertext {
        kms: answer(400, "InvalidCiphertextException", Observed, SNAPSHOTS),
        sts: None,
        text: None, Observed
    }
    /// A key that is made for something else. Decrypt says [`Error::IncorrectKey`] instead.
    KeyUsageInvalid {
        kms: answer(400, "InvalidKeyUsageException", Observed, SNAPSHOTS),
        sts: None,
        text: Some("{arn} key usage is {usage} which is not valid for {operation}."), Observed
    }
    /// An algorithm of another kind of key.
    AlgorithmInvalid {
        kms: answer(400, "InvalidKeyUsageException", Observed, SNAPSHOTS),
        sts: None,
        text: Some("Algorithm {algorithm} is incompatible with key spec SYMMETRIC_DEFAULT."), Inferred
    }
    /// Everything would have gone well, and nothing was done.
    DryRun {
        kms: answer(400, "DryRunOperationException", Observed, SNAPSHOTS),
        sts: None,
        text: Some("The request would have succeeded, but the DryRun option is set."), Observed
    }
    /// A token of a grant that nobody gave.
    InvalidGrantToken {
        kms: answer(400, "InvalidGrantTokenException", Inferred, MODEL),
        sts: None,
        text: Some("The request was rejected because the specified grant token is not valid."), Inferred
    }
    /// Decrypt without KeyId of a ciphertext whose key is not here, or not for this caller.
    CiphertextKeyHidden {
        kms: answer(400, "AccessDeniedException", Observed, ISSUES),
        sts: None,
        text: Some("The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access."), Observed
    }
    /// The caller's own policies do not allow it.
    DeniedByIdentity {
        kms: answer(400, "AccessDeniedException", Observed, ISSUES),
        sts: answer(403, "AccessDenied", Inferred, QUOTED),
        text: Some("User: {user} is not authorized to perform: {action} on resource: {arn} because no identity-based policy allows the {action} action"), Observed
    }
    /// The caller's own policies forbid it.
    ForbiddenByIdentity {
        kms: answer(400, "AccessDeniedException", Inferred, QUOTED),
        sts: answer(403, "AccessDenied", Inferred, QUOTED),
        text: Some("User: {user} is not authorized to perform: {action} on resource: {arn} with an explicit deny in an identity-based policy"), Documented
    }
    /// The key's own policy forbids it.
    ForbiddenByKey {
        kms: answer(400, "AccessDeniedException", Observed, ISSUES),
        sts: None,
        text: Some("User: {user} is not authorized to perform: {action} on resource: {arn} with an explicit deny in a resource-based policy"), Observed
    }
    /// The key's own policy does not allow it: it leaves the caller's policies out, or belongs to another account.
    NotAllowedByKey {
        kms: answer(400, "AccessDeniedException", Observed, ISSUES),
        sts: None,
        text: Some("User: {user} is not authorized to perform: {action} on resource: {arn} because no resource-based policy allows the {action} action"), Observed
    }
    /// The policy of the private endpoint does not let it pass.
    DeniedByEndpoint {
        kms: answer(400, "AccessDeniedException", Inferred, QUOTED),
        sts: answer(403, "AccessDenied", Inferred, QUOTED),
        text: Some("User: {user} is not authorized to perform: {action} on resource: {arn} because no VPC endpoint policy allows the {action} action"), Inferred
    }
    /// The policy of the private endpoint forbids it.
    ForbiddenByEndpoint {
        kms: answer(400, "AccessDeniedException", Inferred, QUOTED),
        sts: answer(403, "AccessDenied", Inferred, QUOTED),
        text: Some("User: {user} is not authorized to perform: {action} on resource: {arn} with an explicit deny in a VPC endpoint policy"), Documented
    }
    /// A role that does not exist, does not trust the caller, or wants another external id: STS does not say which.
    AssumeRoleDenied {
        kms: None,
        sts: answer(403, "AccessDenied", Inferred, QUOTED),
        text: Some("User: {user} is not authorized to perform: sts:AssumeRole on resource: {arn}"), Inferred
    }
    /// An operation that the fake does not know.
    UnknownOperation {
        kms: answer(400, "UnknownOperationException", Inferred, QUOTED),
        sts: answer(400, "InvalidAction", Documented, GUIDE),
        text: Some("{operation} is not implemented by the fake"), Ours
    }
    /// A member that the fake does not know what to do with.
    NotImplemented {
        kms: answer(400, "UnsupportedOperationException", Ours, FAKE),
        sts: answer(400, "ValidationError", Ours, FAKE),
        text: Some("{what} is not implemented by the fake"), Ours
    }
    /// A path or a method at which no AWS service of this fake answers.
    UnknownRoute {
        kms: answer(404, "UnknownOperationException", Ours, FAKE),
        sts: None,
        text: Some("{route} is not implemented by the fake: it answers POST / only"), Ours
    }
    /// A Host that is none of the fake's, or one that leaves the service open.
    UnknownHost {
        kms: answer(421, "UnknownHost", Ours, FAKE),
        sts: None,
        text: Some("the fake AWS of {region} does not answer for Host `{host}`"), Ours
    }
}
