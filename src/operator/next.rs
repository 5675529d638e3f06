//! The next steps, per class and provider: what to edit, pass, grant, or run.
//!
//! Every step is one line that can be followed without reading another page.

use crate::keys::{CredentialOrigin, Provider, is_multi_region};
use crate::kms::Class;

use super::Failure;
use super::text::shell;

/// What the operator should do, most likely remedy first. Never empty.
pub(super) fn steps(failure: &Failure) -> Vec<String> {
    let provider = failure.provider;
    match failure.class {
        Class::CredentialsExpired | Class::CredentialsInvalid => renew(failure),
        Class::RoleNotUsable => role_not_usable(failure),
        Class::ClockSkew => vec!["set this machine's clock right (timedatectl status; enable NTP)".to_owned()],
        Class::AccessDenied => access_denied(failure),
        Class::EndpointPolicyDenied => match provider {
            Provider::Aws => vec![
                "allow the action in the endpoint's policy: aws ec2 describe-vpc-endpoints shows it".to_owned(),
                "or name another endpoint by --kms-endpoint".to_owned(),
            ],
            _ => vec!["allow this machine's network path, or name another endpoint by --kms-endpoint".to_owned()],
        },
        Class::KeyDisabled => with_command("enable the CMK", enable(failure)),
        Class::KeyPendingDeletion => {
            let mut steps = with_command("cancel the deletion before its date", restore(failure));
            steps.extend(with_command("then enable the CMK", enable(failure)));
            steps
        }
        Class::KeyUnusable => with_command("look at the state of the CMK", describe(failure)),
        Class::KeyMissing => {
            let mut steps = with_command("check that the CMK is there for these credentials", describe(failure));
            steps.push("check account and region: a snapshot needs the CMK that was in use when it was taken".into());
            steps
        }
        Class::WrongKeyOrRegion => {
            let mut steps = vec!["correct masterKey in the file to the CMK that wrapped this key".to_owned()];
            if provider == Provider::Aws {
                steps.push("for a multi-Region key (mrk-), correct the region of the credentials or -awsRegion".into());
            }
            steps
        }
        Class::CiphertextInvalid => vec![
            "restore the file from the snapshot or a backup".to_owned(),
            "check that encryptionContext is the one that the key was wrapped with".to_owned(),
        ],
        Class::ProviderMismatch => match failure.belongs_to {
            Some(belongs_to) => vec![format!("restart the proxy with -cloudProvider {belongs_to}")],
            None => vec!["restart the proxy with the -cloudProvider that wrapped this key".to_owned()],
        },
        Class::ProviderUnsupported => vec![
            format!("use a version that supports {}", provider.title()),
            "or, if the snapshot's keys belong to another provider, correct -cloudProvider".to_owned(),
        ],
        Class::Throttled => vec!["wait, and ask for a higher request quota if this goes on".to_owned()],
        Class::CloudInternal => vec![format!("try again later; the status page of {} may say more", provider.title())],
        Class::EndpointUnreachable => unreachable(failure),
        Class::NetworkNotPrivate => vec![
            "name a private endpoint by --kms-endpoint".to_owned(),
            "or start without --require-private-networking".to_owned(),
        ],
        Class::BadResponse => {
            vec!["check what answers there: a web proxy, a captive portal, or a wrong --kms-endpoint".to_owned()]
        }
        Class::DeadlineExceeded => vec![
            "check the network to the endpoints that were tried".to_owned(),
            "or raise --kms-deadline (Percona Server for MongoDB gives up after 5s by default)".to_owned(),
        ],
        Class::MetadataMissing => vec![
            "restore the file from the snapshot".to_owned(),
            match provider {
                Provider::Local => "or pass --local-key-file".to_owned(),
                _ => "or pass -awsAccessKey, -awsSecretAccessKey, and -awsRegion".to_owned(),
            },
        ],
        Class::MetadataMalformed => vec!["correct the file: JSON with the fields of the documentation".to_owned()],
        Class::KeyFileMissing => vec![
            "restore the file from the snapshot or a backup".to_owned(),
            format!(
                "or make it: kmipProxyStandalone import -cloudProvider {provider} -dbpath DBPATH --key-id {} \
                 --wrapped FILE{}",
                shell(&failure.key_id),
                if provider == Provider::Local { "" } else { " --kms-key CMK" }
            ),
        ],
        Class::KeyFileMalformed => vec!["restore the file from the snapshot or a backup".to_owned()],
        Class::FileUnavailable => {
            vec![
                "let the user that runs the proxy read and write there".to_owned(),
                "check that the disk is mounted, and not full".to_owned(),
            ]
        }
    }
}

fn renew(failure: &Failure) -> Vec<String> {
    if failure.class == Class::CredentialsInvalid && failure.token_missing {
        return token(failure.origin);
    }
    match (failure.provider, failure.origin) {
        (Provider::Aws, Some(CredentialOrigin::Flags)) => {
            vec!["restart with new -awsAccessKey, -awsSecretAccessKey, and -awsSessionToken".to_owned()]
        }
        (Provider::Aws, Some(CredentialOrigin::Environment)) => {
            vec!["restart with new AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, and AWS_SESSION_TOKEN".to_owned()]
        }
        (Provider::Aws, Some(CredentialOrigin::Metadata) | None) => vec![
            "put credentials that are valid now into the fields (roleId stays \"\"); no restart is needed".to_owned(),
            "or restart with -awsAccessKey, -awsSecretAccessKey, and -awsSessionToken".to_owned(),
        ],
        _ => vec!["put credentials that are valid now into the file".to_owned()],
    }
}

/// Keys of a session are no keys without its token.
fn token(origin: Option<CredentialOrigin>) -> Vec<String> {
    let missing = "the session token is missing: an access key id that begins with ASIA is a temporary one";
    let (add, instead) = match origin {
        Some(CredentialOrigin::Flags) => ("restart with -awsSessionToken too", "or with keys of a user"),
        Some(CredentialOrigin::Environment) => ("restart with AWS_SESSION_TOKEN too", "or with keys of a user"),
        Some(CredentialOrigin::Metadata) | None => (
            "put it into the field sessionToken, beside the keys that it came with; no restart is needed",
            "or put keys of a user there, which need none",
        ),
    };
    [missing, add, instead].map(str::to_owned).to_vec()
}

fn role_not_usable(failure: &Failure) -> Vec<String> {
    match failure.provider {
        Provider::Aws if failure.is_refused_role() => vec![
            "let the role's trust policy name these credentials, and the external id where one is given".to_owned(),
            "look: aws iam get-role --role-name ROLE".to_owned(),
            "or use credentials that need no role: without roleArn in the file, and without --role-arn".to_owned(),
        ],
        Provider::Aws => vec![
            "get temporary credentials: aws sts assume-role --role-arn ARN --role-session-name kmip-proxy".to_owned(),
            "restart with -awsAccessKey, -awsSecretAccessKey, -awsSessionToken, and -awsRegion".to_owned(),
            "or set roleId to \"\" and fill accessKeyId, secretAccessKey, and sessionToken".to_owned(),
        ],
        Provider::Local => vec!["pass --local-key-file, or set keyFile in the file".to_owned()],
        Provider::Azure | Provider::Gcp => vec!["put credentials that are valid now into the file".to_owned()],
    }
}

fn access_denied(failure: &Failure) -> Vec<String> {
    let mut steps = vec!["grant the permission in the policies of the identity and of the CMK".to_owned()];
    if let (Provider::Aws, Some(cmk)) = (failure.provider, &failure.cmk) {
        steps.push(format!(
            "look: aws kms get-key-policy --policy-name default --key-id {}{}",
            shell(cmk),
            region_flag(failure)
        ));
    }
    steps
}

fn unreachable(failure: &Failure) -> Vec<String> {
    if failure.only_certificates {
        return vec![
            "look at the certificate that is shown there: openssl s_client -connect HOST:443 -servername HOST"
                .to_owned(),
            "have it renewed, or correct the name and address in --kms-endpoint".to_owned(),
            "or, if it is of an authority of your own, name that by --cloud-ca".to_owned(),
        ];
    }
    let mut steps = vec!["check name resolution, routes, and firewalls to the endpoints that were tried".to_owned()];
    if failure.provider == Provider::Azure {
        steps.push("a vault that was deleted has no name any more: az keyvault list-deleted".to_owned());
    }
    if failure.provider == Provider::Aws && failure.cmk.as_deref().is_some_and(is_multi_region) {
        steps.push(
            "or go to another region of this multi-Region key: region in the metadata file, or -awsRegion".into(),
        );
    }
    // Whoever asks for a role or a token first may be stuck there: the cause names the endpoint.
    steps.push("or name another endpoint by --kms-endpoint, or --token-endpoint for the token service".to_owned());
    steps
}

fn with_command(step: &str, command: Option<String>) -> Vec<String> {
    match command {
        Some(command) => vec![format!("{step}: {command}")],
        None => vec![step.to_owned()],
    }
}

fn enable(failure: &Failure) -> Option<String> {
    let cmk = shell(failure.cmk.as_deref()?);
    match failure.provider {
        Provider::Aws => Some(format!("aws kms enable-key --key-id {cmk}{}", region_flag(failure))),
        Provider::Azure => Some(format!("az keyvault key set-attributes --enabled true --id {cmk}")),
        Provider::Gcp => Some(format!("gcloud kms keys versions enable VERSION --key {cmk}")),
        Provider::Local => None,
    }
}

fn restore(failure: &Failure) -> Option<String> {
    let cmk = shell(failure.cmk.as_deref()?);
    match failure.provider {
        Provider::Aws => Some(format!("aws kms cancel-key-deletion --key-id {cmk}{}", region_flag(failure))),
        Provider::Azure => Some("az keyvault key recover --vault-name VAULT --name NAME".to_owned()),
        Provider::Gcp => Some(format!("gcloud kms keys versions restore VERSION --key {cmk}")),
        Provider::Local => None,
    }
}

fn describe(failure: &Failure) -> Option<String> {
    let cmk = shell(failure.cmk.as_deref()?);
    match failure.provider {
        Provider::Aws => Some(format!("aws kms describe-key --key-id {cmk}{}", region_flag(failure))),
        Provider::Azure => Some(format!("az keyvault key show --id {cmk}")),
        Provider::Gcp => Some(format!("gcloud kms keys describe {cmk}")),
        Provider::Local => None,
    }
}

/// The region of a CMK that is named by its ARN; the command line does not take it from there by itself.
fn region_flag(failure: &Failure) -> String {
    let region = failure.cmk.as_deref().filter(|cmk| cmk.starts_with("arn:")).and_then(|cmk| cmk.split(':').nth(3));
    region.filter(|region| !region.is_empty()).map(|region| format!(" --region {}", shell(region))).unwrap_or_default()
}
