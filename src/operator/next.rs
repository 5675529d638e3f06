//! The next steps, per class and provider: what to edit, pass, grant, or run.
//!
//! Every step is one line that can be followed without reading another page.

use crate::keys::{CredentialOrigin, Provider, VaultKey, is_multi_region};
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
            Provider::Azure => vec![
                format!(
                    "come by the vault's private endpoint: --kms-endpoint private:https://{},dial=ADDRESS",
                    vault(failure).map_or("VAULT.vault.azure.net".to_owned(), |key| key.host)
                ),
                format!("or let this machine through: az keyvault network-rule add --name {} --ip-address ADDRESS", {
                    names(failure).0
                }),
            ],
            Provider::Gcp => vec![
                "let this machine into the perimeter: gcloud access-context-manager perimeters list".to_owned(),
                "or come by an endpoint inside it, named by --kms-endpoint".to_owned(),
            ],
            Provider::Local => vec!["name another endpoint by --kms-endpoint".to_owned()],
        },
        Class::KeyDisabled => with_command("enable the CMK", enable(failure)),
        Class::KeyPendingDeletion => {
            let mut steps = match provider {
                Provider::Azure => with_command("recover the CMK before it is purged", restore(failure)),
                _ => with_command("cancel the deletion before its date", restore(failure)),
            };
            // At Azure a key comes back as it was.
            if provider != Provider::Azure {
                steps.extend(with_command("then enable the CMK", enable(failure)));
            }
            steps
        }
        Class::KeyUnusable => with_command("look at the state of the CMK", describe(failure)),
        Class::KeyMissing => {
            let mut steps = with_command("check that the CMK is there for these credentials", describe(failure));
            if provider == Provider::Azure {
                let (vault, _) = names(failure);
                steps.push(format!(
                    "if it was deleted, it may come back: az keyvault key list-deleted --vault-name {vault}"
                ));
            }
            let place = match provider {
                Provider::Aws | Provider::Local => "account and region",
                Provider::Azure => "vault and version",
                Provider::Gcp => "project and location",
            };
            steps.push(format!("check {place}: a snapshot needs the CMK that was in use when it was taken"));
            steps
        }
        Class::WrongKeyOrRegion => {
            let mut steps = vec!["correct masterKey in the file to the CMK that wrapped this key".to_owned()];
            if provider == Provider::Aws {
                steps.push("for a multi-Region key (mrk-), correct the region of the credentials or -awsRegion".into());
            }
            steps.extend(versions(failure));
            steps
        }
        Class::CiphertextInvalid => {
            let mut steps = vec!["restore the file from the snapshot or a backup".to_owned()];
            match provider {
                Provider::Azure => steps.extend(versions(failure)),
                _ => steps.push("check that encryptionContext is the one that the key was wrapped with".to_owned()),
            }
            steps
        }
        Class::ProviderMismatch => match failure.belongs_to {
            Some(belongs_to) => vec![format!("restart the proxy with -cloudProvider {belongs_to}")],
            None => vec!["restart the proxy with the -cloudProvider that wrapped this key".to_owned()],
        },
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
                Provider::Aws => "or pass -awsAccessKey, -awsSecretAccessKey, and -awsRegion".to_owned(),
                Provider::Azure => "or pass --azure-tenant-id, --azure-client-id, and --azure-client-secret".to_owned(),
                Provider::Gcp => "or pass --gcp-service-account-key".to_owned(),
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
        (Provider::Azure, origin) => renew_azure(failure.class, origin),
        (Provider::Gcp, origin) => renew_google(failure.class, origin),
        (Provider::Local, _) => vec!["put credentials that are valid now into the file".to_owned()],
    }
}

fn renew_azure(class: Class, origin: Option<CredentialOrigin>) -> Vec<String> {
    let make = "make a new client secret: az ad app credential reset --id CLIENT_ID --append";
    let place = match origin {
        Some(CredentialOrigin::Flags) => "restart with it in --azure-client-secret",
        Some(CredentialOrigin::Environment) => "restart with it in AZURE_CLIENT_SECRET",
        Some(CredentialOrigin::Metadata) | None => "put it into the field secret; no restart is needed",
    };
    let mut steps = vec![make.to_owned(), place.to_owned()];
    if class == Class::CredentialsInvalid {
        steps.insert(
            0,
            "check that application, tenant, and environment belong together: az ad app show --id CLIENT_ID".into(),
        );
    }
    steps
}

fn renew_google(class: Class, origin: Option<CredentialOrigin>) -> Vec<String> {
    let make = "make a new key: gcloud iam service-accounts keys create FILE --iam-account EMAIL";
    let place = match origin {
        Some(CredentialOrigin::Flags) => {
            "put it in the place of the file of --gcp-service-account-key; no restart is needed"
        }
        Some(CredentialOrigin::Environment) => {
            "put it in the place of the file of GOOGLE_APPLICATION_CREDENTIALS; no restart is needed"
        }
        Some(CredentialOrigin::Metadata) | None => {
            "put its JSON into the field serviceAccountKey; no restart is needed"
        }
    };
    let mut steps = vec![make.to_owned(), place.to_owned()];
    if class == Class::CredentialsInvalid {
        steps.insert(
            0,
            "check that the account is there, and enabled: gcloud iam service-accounts describe EMAIL".into(),
        );
    }
    steps
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
        Provider::Azure => vec![
            "make a client secret: az ad app credential reset --id CLIENT_ID --append".to_owned(),
            "restart with --azure-tenant-id, --azure-client-id, and --azure-client-secret".to_owned(),
            "or fill tenantID, clientID, and secret".to_owned(),
        ],
        Provider::Gcp => vec![
            "make a key: gcloud iam service-accounts keys create FILE --iam-account EMAIL".to_owned(),
            "restart with --gcp-service-account-key FILE".to_owned(),
            "or fill serviceAccountKey with its JSON".to_owned(),
        ],
    }
}

fn access_denied(failure: &Failure) -> Vec<String> {
    match failure.provider {
        Provider::Azure => return access_denied_by_azure(failure),
        Provider::Gcp => {
            let key = failure.cmk.as_deref().map_or("KEY".to_owned(), shell);
            return vec![
                format!(
                    "grant it: gcloud kms keys add-iam-policy-binding {key} --member serviceAccount:EMAIL \
                     --role roles/cloudkms.cryptoKeyEncrypterDecrypter"
                ),
                format!("look: gcloud kms keys get-iam-policy {key}"),
                "a key that does not exist is refused in the same words: check project and location".to_owned(),
            ];
        }
        Provider::Aws | Provider::Local => {}
    }
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

/// What Azure wants depends on which of its two systems of permissions the vault uses.
fn access_denied_by_azure(failure: &Failure) -> Vec<String> {
    if failure.code.as_deref() == Some("KeyOperationForbidden") {
        let id = failure.cmk.as_deref().map_or("ID".to_owned(), shell);
        return vec![
            format!("let the key be used so: az keyvault key set-attributes --ops encrypt decrypt --id {id}"),
            "or, if its operations are wrapKey and unwrapKey, start with --azure-unwrap-key".to_owned(),
        ];
    }
    let (vault, _) = names(failure);
    vec![
        "grant it by a role: az role assignment create --role \"Key Vault Crypto User\" --assignee CLIENT_ID \
         --scope VAULT_ID"
            .to_owned(),
        format!(
            "or, in a vault with access policies: az keyvault set-policy --name {vault} --spn CLIENT_ID \
             --key-permissions get encrypt decrypt"
        ),
        "or, if wrapKey and unwrapKey are what is permitted, start with --azure-unwrap-key".to_owned(),
    ]
}

/// Which versions a key of Azure has: only the one that wrapped opens.
fn versions(failure: &Failure) -> Option<String> {
    let (vault, name) = names(failure);
    (failure.provider == Provider::Azure).then(|| {
        format!(
            "check that masterKey.keyVersion is the one that wrapped it: az keyvault key list-versions \
             --vault-name {vault} --name {name}"
        )
    })
}

fn vault(failure: &Failure) -> Option<VaultKey> {
    VaultKey::read(failure.cmk.as_deref()?)
}

/// The vault's and the key's name for a command, or what stands in their place.
fn names(failure: &Failure) -> (String, String) {
    match vault(failure) {
        Some(key) => (key.host.split('.').next().unwrap_or("VAULT").to_owned(), key.name),
        None => ("VAULT".to_owned(), "NAME".to_owned()),
    }
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
        Provider::Azure => {
            let (vault, name) = names(failure);
            Some(format!("az keyvault key recover --vault-name {vault} --name {name}"))
        }
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
