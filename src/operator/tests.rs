//! Every message for every class, and what hostile inputs do to them.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::startup::{Listening, listening};
use super::*;
use crate::keys::{
    AwsCredentials, CredentialOrigin, Credentials, KeyFiles, LayoutErrorKind, Provider, ResolvedCredentials, SecretText,
};
use crate::kms::{Attempt, KmsError};

const KEY: &str = "0f4b2c6e-5d0a-4e1b-9d3f-2a7c8e9b1d00";
const CMK: &str = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

const USERS: &str = "AKIAIOSFODNN7EXAMPLE";

fn files(id: &str) -> KeyFiles {
    let folder = Path::new("/data/db/cloudProviderCredentials");
    KeyFiles { metadata: folder.join(format!("{id}.aws.metadata")), key: folder.join(format!("{id}.aws.key.json")) }
}

/// Keys with that id and from there, without a session token.
fn used(id: &str, origin: CredentialOrigin) -> ResolvedCredentials {
    let credentials = Credentials::Aws(AwsCredentials {
        access_key_id: id.to_owned(),
        secret_access_key: SecretText::new("secret".to_owned()),
        session_token: None,
        region: "eu-west-1".to_owned(),
        role: None,
    });
    ResolvedCredentials { credentials, origin, file: files(KEY).metadata }
}

/// The CMK as each provider names it.
fn cmk(provider: Provider) -> &'static str {
    match provider {
        Provider::Aws => CMK,
        Provider::Azure => "https://my-vault.vault.azure.net/keys/my-key/78deebed173b48e48f55abf87ed4cf71",
        Provider::Gcp => "projects/my-project/locations/global/keyRings/my-ring/cryptoKeys/my-key",
        Provider::Local => "/etc/kmip-proxy/local.key",
    }
}

/// A failure of another provider as it comes with everything known.
fn reported_by(provider: Provider, class: Class) -> Failure {
    let file = |kind| Path::new("/data/db/cloudProviderCredentials").join(format!("{KEY}.{provider}.{kind}"));
    let error = KmsError::new(class, provider, cmk(provider)).because("what the provider says");
    Failure { origin: Some(CredentialOrigin::Metadata), ..Failure::of_kms(KEY, &error) }
        .with_files(Some(KeyFiles { metadata: file("metadata"), key: file("key.json") }))
}

/// A failure of AWS KMS as it comes with everything known.
fn reported(class: Class) -> Failure {
    let mut error = KmsError::new(class, Provider::Aws, CMK).because("what AWS says");
    error.code = Some("SomeException".to_owned());
    error.status = Some(400);
    error.attempts = vec![
        Attempt { endpoint: "vpce-a".to_owned(), outcome: "connect timed out".to_owned() },
        Attempt { endpoint: "vpce-b".to_owned(), outcome: "400 SomeException".to_owned() },
    ];
    Failure::of_kms(KEY, &error).with_credentials(&used(USERS, CredentialOrigin::Metadata)).with_files(Some(files(KEY)))
}

fn shown(failure: &Failure) -> String {
    let answer = answer(failure);
    let printed = render(&notice(failure), LogFormat::Text, SystemTime::UNIX_EPOCH);
    format!("{} 0x{:02X}\n{}\n{printed}\n", answer.reason.name(), answer.reason.number(), answer.message)
}

#[test]
fn every_class_says_cause_and_next_step() {
    let all: String = Class::ALL.iter().map(|class| shown(&reported(*class))).collect();
    insta::assert_snapshot!("every_class", all);
}

#[test]
fn every_class_says_it_in_the_words_of_each_provider() {
    for provider in [Provider::Azure, Provider::Gcp, Provider::Local] {
        let all: String = Class::ALL.iter().map(|class| shown(&reported_by(provider, *class))).collect();
        assert!(!all.contains("aws ") && !all.contains("-aws") && !all.contains("AWS"), "{provider}: {all}");
        insta::assert_snapshot!(format!("every_class_{provider}"), all);
    }
}

#[test]
fn new_credentials_go_where_the_old_ones_came_from() {
    for (provider, origin, place) in [
        (Provider::Azure, CredentialOrigin::Metadata, "put it into the field secret"),
        (Provider::Azure, CredentialOrigin::Flags, "restart with it in --azure-client-secret"),
        (Provider::Azure, CredentialOrigin::Environment, "restart with it in AZURE_CLIENT_SECRET"),
        (Provider::Gcp, CredentialOrigin::Metadata, "put its JSON into the field serviceAccountKey"),
        (Provider::Gcp, CredentialOrigin::Flags, "of the file of --gcp-service-account-key"),
        (Provider::Gcp, CredentialOrigin::Environment, "of the file of GOOGLE_APPLICATION_CREDENTIALS"),
    ] {
        let failure = Failure { origin: Some(origin), ..reported_by(provider, Class::CredentialsExpired) };
        let steps = next::steps(&failure);
        assert!(steps.iter().any(|step| step.contains(place)), "{steps:?}");
        let message = answer(&failure).message;
        assert!(!message.contains("AWS"), "{message}");
        assert_eq!(message.contains("metadata"), origin == CredentialOrigin::Metadata, "{message}");
    }
}

#[test]
fn a_key_that_may_do_something_else_is_told_apart_from_a_person_who_may_not() {
    let denied = reported_by(Provider::Azure, Class::AccessDenied);
    let operation = Failure { code: Some("KeyOperationForbidden".to_owned()), ..denied.clone() };
    assert!(next::steps(&operation)[0].contains("az keyvault key set-attributes --ops encrypt decrypt"));
    assert!(next::steps(&denied)[0].contains("az role assignment create"));
}

#[test]
fn origins_providers_and_files_change_the_advice() {
    let by_flag = reported(Class::CredentialsExpired).with_credentials(&used(USERS, CredentialOrigin::Flags));
    let by_environment =
        reported(Class::CredentialsInvalid).with_credentials(&used(USERS, CredentialOrigin::Environment));
    let mismatch = Failure::of_other_provider(KEY, Provider::Azure, Provider::Aws, files(KEY).key);
    let without_key = Failure::without_key_file(KEY, Provider::Aws, &files(KEY));
    let malformed = Failure::of_layout(
        KEY,
        Provider::Aws,
        &crate::keys::LayoutError {
            kind: LayoutErrorKind::MetadataMalformed,
            path: files(KEY).metadata,
            position: Some((3, 5)),
            field: Some("region".to_owned()),
            why: "expected a region such as us-east-1".to_owned(),
        },
    );
    let vault = Failure {
        cmk: Some("https://v.vault.azure.net/keys/k/1".to_owned()),
        ..Failure::new(Class::KeyDisabled, KEY, Provider::Azure)
    };
    let google = Failure {
        cmk: Some("projects/p/locations/l/keyRings/r/cryptoKeys/k".to_owned()),
        ..Failure::new(Class::KeyPendingDeletion, KEY, Provider::Gcp)
    };
    let local = Failure::new(Class::MetadataMissing, KEY, Provider::Local).with_files(Some(files(KEY)));
    // That STS refuses a role is among the classes: it is a provider that says so.
    let role_id = Failure::new(Class::RoleNotUsable, KEY, Provider::Aws).with_files(Some(files(KEY)));
    let all: String = [by_flag, by_environment, mismatch, without_key, malformed, vault, google, local, role_id]
        .iter()
        .map(shown)
        .collect();
    insta::assert_snapshot!("origins_and_providers", all);
}

#[test]
fn temporary_keys_without_their_token_are_told_that_it_is_missing() {
    let steps = |id, origin| next::steps(&reported(Class::CredentialsInvalid).with_credentials(&used(id, origin)));
    let missing = "the session token is missing: an access key id that begins with ASIA is a temporary one";
    for (origin, how) in [
        (CredentialOrigin::Metadata, "sessionToken"),
        (CredentialOrigin::Flags, "-awsSessionToken"),
        (CredentialOrigin::Environment, "AWS_SESSION_TOKEN"),
    ] {
        let told = steps("ASIAIOSFODNN7EXAMPLE", origin);
        assert_eq!(told[0], missing);
        assert!(told[1].contains(how), "{told:?}");
        assert!(!steps(USERS, origin).contains(&missing.to_owned()), "a user's keys have no token");
    }
    let mut whole = used("ASIAIOSFODNN7EXAMPLE", CredentialOrigin::Metadata);
    let Credentials::Aws(keys) = &mut whole.credentials else { unreachable!() };
    keys.session_token = Some(SecretText::new("token".to_owned()));
    let told = next::steps(&reported(Class::CredentialsInvalid).with_credentials(&whole));
    assert!(!told.contains(&missing.to_owned()), "the token is there, and wrong");
}

#[test]
fn where_certificates_alone_were_in_the_way_they_are_looked_at() {
    let told = next::steps(&Failure { only_certificates: true, ..reported(Class::EndpointUnreachable) });
    assert!(told[0].starts_with("look at the certificate"), "{told:?}");
    assert!(!told.iter().any(|step| step.contains("firewalls")), "{told:?}");
    assert!(next::steps(&reported(Class::EndpointUnreachable))[0].contains("firewalls"));
}

#[test]
fn the_reasons_are_those_of_the_design() {
    for class in Class::ALL {
        let expected = match class.code() {
            "credentials-expired"
            | "credentials-invalid"
            | "role-not-usable"
            | "access-denied"
            | "endpoint-policy-denied" => 0x0C,
            "key-disabled" | "key-pending-deletion" | "key-unusable" => 0x0B,
            "key-missing" | "ciphertext-invalid" | "wrong-key-or-region" => 0x0A,
            "provider-mismatch" => 0x07,
            _ => 0x100,
        };
        assert_eq!(answer(&reported(*class)).reason.number(), expected, "{}", class.code());
    }
}

#[test]
fn a_missing_feature_is_not_called_missing_credentials() {
    assert_eq!(class_of(LayoutErrorKind::RoleNotUsable), Class::RoleNotUsable);
}

#[test]
fn a_multi_region_key_out_of_reach_is_sought_in_another_region() {
    let steps = |cmk: &str| {
        shown(&Failure { cmk: Some(cmk.to_owned()), ..reported(Class::EndpointUnreachable) })
            .contains("or go to another region of this multi-Region key: region in the metadata file, or -awsRegion")
    };
    assert!(steps("arn:aws:kms:eu-west-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab"));
    assert!(!steps(CMK), "a key of one region is nowhere else");
}

#[test]
fn no_input_can_make_a_result_message_long_or_leave_ascii() {
    let ids =
        [String::new(), "k".to_owned(), "k".repeat(5000), "ключ\r\n\0\u{1b}[2J".repeat(50), "{file}{key}".repeat(40)];
    let paths = ["/данные/база/ключ.aws.metadata".to_owned(), format!("/x/{}", "y".repeat(4000)), "/".to_owned()];
    for class in Class::ALL {
        for provider in Provider::ALL {
            for id in &ids {
                for path in &paths {
                    for origin in [None, Some(CredentialOrigin::Metadata), Some(CredentialOrigin::Flags)] {
                        let failure = Failure {
                            metadata_file: Some(PathBuf::from(path)),
                            key_file: Some(PathBuf::from(path)),
                            origin,
                            ..Failure::new(*class, id, provider)
                        };
                        let message = answer(&failure).message;
                        assert!(message.len() <= 256, "{} bytes: {message}", message.len());
                        assert!(!message.is_empty() && message.bytes().all(|byte| (0x20..0x7f).contains(&byte)));
                        assert!(!message.contains("{key}") || id.contains("{key}"), "{message}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_uuid_and_its_file_are_never_cut() {
    for class in Class::ALL {
        for provider in Provider::ALL {
            let message = answer(&Failure { provider, ..reported(*class) }).message;
            assert!(!message.contains("..."), "{message}");
        }
    }
}

#[test]
fn foreign_text_cannot_forge_lines_or_show_access_key_ids() {
    let mut failure = reported(Class::CredentialsInvalid);
    failure.key_id = "k\nerror[forged]: x".to_owned();
    failure.detail = Some("no such AKIAIOSFODNN7EXAMPLE\nnext: run rm".to_owned());
    failure.attempts[0].outcome = "\u{1b}[31mAKIAIOSFODNN7EXAMPLE".to_owned();
    let notice = notice(&failure);
    for printed in [
        render(&notice, LogFormat::Text, SystemTime::UNIX_EPOCH),
        render(&notice, LogFormat::Json, SystemTime::UNIX_EPOCH),
    ] {
        assert!(!printed.contains("IOSFODNN7") && !printed.contains('\u{1b}'), "{printed}");
        assert!(
            !printed.lines().any(|line| line.starts_with("error[forged]") || line.trim_start().starts_with("next:"))
        );
    }
}

#[test]
fn a_notice_is_one_line_of_json() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(86_400);
    let printed = render(&notice(&reported(Class::KeyDisabled)), LogFormat::Json, now);
    assert_eq!(printed.matches('\n').count(), 1);
    let value: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(value["time"], "1970-01-02T00:00:00Z");
    assert_eq!((&value["class"], &value["key"]), (&"key-disabled".into(), &KEY.into()));
    assert_eq!(value["severity"], "error");
    let steps = next::steps(&reported(Class::KeyDisabled));
    assert_eq!(value["details"]["next"], serde_json::json!(steps));
    assert_eq!(value["details"]["key"], serde_json::json!([KEY]));
}

#[test]
fn a_start_shows_how_to_start_mongod() {
    let start = Listening {
        address: "127.0.0.1:5696".parse().unwrap(),
        provider: Provider::Aws,
        dbpath: "/data/db".into(),
        mongod_port: 27017,
        ca_file: "/data/db/kmipCA.pem".into(),
        client_file: Some("/data/db/kmipClient.pem".into()),
        written: vec!["/data/db/kmipCA.pem".into(), "/data/db/kmipClient.pem".into()],
        keys: 2,
    };
    let empty = Listening {
        address: "[::]:6000".parse().unwrap(),
        dbpath: "/my data".into(),
        ca_file: "/my data/kmipCA.pem".into(),
        client_file: None,
        written: Vec::new(),
        keys: 0,
        ..start.clone()
    };
    let printed: String = [start, empty]
        .iter()
        .flat_map(listening)
        .map(|notice| render(&notice, LogFormat::Text, SystemTime::UNIX_EPOCH))
        .collect();
    insta::assert_snapshot!("start", printed);
}
