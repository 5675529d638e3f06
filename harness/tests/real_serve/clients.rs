//! Whole programs against `kmiplab serve`: the proxy with the very flags that it prints, and boto3, which shares nothing
//! with us.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use kmip_proxy::env::Env;
use kmip_proxy::keys::{
    AwsCredentials, AzureCredentials, AzureEnvironment, Credentials, GcpCredentials, Provider, Secret, SecretText,
};
use kmip_proxy::kms::{self, Call, Settings, Wrapped};
use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::Value;

use super::laboratory::MASTER_KEY;
use super::program::{Served, proxy, python, run};

fn credentials(served: &Served, provider: Provider) -> Credentials {
    let row = |name: &str| served.row(name).to_owned();
    match provider {
        Provider::Azure => Credentials::Azure(AzureCredentials {
            tenant_id: row("tenant"),
            client_id: row("application"),
            client_secret: SecretText::new(row("client secret")),
            environment: AzureEnvironment::Public,
        }),
        Provider::Gcp => {
            let file = fs::read_to_string(row("service account")).unwrap();
            let file: Value = serde_json::from_str(&file).unwrap();
            let field = |name: &str| file[name].as_str().unwrap().to_owned();
            Credentials::Gcp(GcpCredentials {
                client_email: field("client_email"),
                private_key: SecretText::new(field("private_key")),
                private_key_id: Some(field("private_key_id")),
                token_uri: Some(field("token_uri")),
            })
        }
        _ => Credentials::Aws(AwsCredentials {
            access_key_id: row("access key id"),
            secret_access_key: SecretText::new(row("secret access key")),
            session_token: None,
            region: row("region"),
            role: None,
        }),
    }
}

/// Wraps a key with the product's client, in this process, and gives the customer's key with its version too.
async fn wrap(served: &Served, provider: Provider, authority: Option<&Path>) -> (Wrapped, String) {
    let endpoint: kms::Endpoint = served.url().parse().unwrap();
    let cloud_ca = authority.map(|path| {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(path).unwrap()).unwrap();
        Arc::new(roots)
    });
    let settings = Settings {
        endpoints: vec![endpoint.clone()],
        token_endpoint: Some(endpoint),
        allow_plain_http: true,
        cloud_ca,
        ..Settings::default()
    };
    let client = kms::for_provider(provider, &Env::os(), &settings);
    let (credentials, cmk, context) = (credentials(served, provider), served.row("key cmk-1"), BTreeMap::new());
    let call = Call { key_id: "1", credentials: &credentials, cmk, region: None, context: &context };
    let wrapped = client.wrap(call, &Secret::new(MASTER_KEY.to_vec())).await.unwrap();
    let version = wrapped.key_version.as_ref().map(|version| format!("/{version}")).unwrap_or_default();
    (wrapped, format!("{cmk}{version}"))
}

/// Lets the proxy open it, with the flags of the card: exit code, and what it says.
fn open(program: &Path, served: &Served, provider: Provider, wrapped: &Wrapped, cmk: &str) -> (Option<i32>, String) {
    let dbpath = tempfile::tempdir().unwrap();
    let file = dbpath.path().join("wrapped");
    fs::write(&file, &wrapped.ciphertext).unwrap();
    let mut import = Command::new(program);
    import.args(["import", "-cloudProvider", provider.as_str(), "--key-id", "1", "--kms-key", cmk]);
    let imported = run(import.arg("-dbpath").arg(dbpath.path()).arg("--wrapped").arg(&file).current_dir(&dbpath));
    assert_eq!(imported.code, Some(0), "{imported:?}");
    let flags = served.flags(dbpath.path());
    let checked = run(Command::new(program).arg("check").args(flags).current_dir(&dbpath));
    (checked.code, checked.told + &checked.out)
}

#[tokio::test]
async fn the_proxy_opens_keys_with_the_command_line_that_it_is_proposed() {
    let Some(program) = proxy() else { return };
    let calls = [
        (Provider::Aws, "kms Decrypt 200"),
        (Provider::Azure, "key-vault Decrypt 200"),
        (Provider::Gcp, "cloud-kms Decrypt 200"),
    ];
    for (provider, call) in calls {
        let served = Served::start(provider.as_str(), &[]);
        let (wrapped, cmk) = wrap(&served, provider, None).await;
        let (code, said) = open(&program, &served, provider, &wrapped, &cmk);
        assert_eq!(code, Some(0), "{provider}: {said}\n{}", served.card);
        assert!(said.starts_with("1: opens ("), "{provider}: {said}");
        let (_, told) = served.end("-TERM");
        assert!(told.iter().any(|line| line.starts_with(call)), "{provider}: {told:?}");
    }
}

#[tokio::test]
async fn over_tls_the_proxy_trusts_the_authority_that_was_written_and_no_other() {
    let Some(program) = proxy() else { return };
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [served, other] =
        folders.each_ref().map(|folder| Served::start("aws", &["--tls", folder.path().to_str().unwrap(), "--strict"]));
    assert!(served.url().starts_with("https://localhost:"), "{}", served.card);
    let authority = folders[0].path().join("ca.pem");
    let (wrapped, cmk) = wrap(&served, Provider::Aws, Some(&authority)).await;
    let (code, said) = open(&program, &served, Provider::Aws, &wrapped, &cmk);
    assert_eq!(code, Some(0), "{said}");
    fs::copy(folders[1].path().join("ca.pem"), &authority).unwrap();
    let (code, said) = open(&program, &served, Provider::Aws, &wrapped, &cmk);
    assert_ne!(code, Some(0), "{said}");
    assert!(said.contains("certificate"), "{said}");
    drop(other);
}

#[tokio::test]
async fn what_one_cloud_has_wrapped_the_next_one_of_the_same_seed_opens() {
    let Some(program) = proxy() else { return };
    let served = Served::start("azure", &["--seed", "0x5eed"]);
    let (wrapped, cmk) = wrap(&served, Provider::Azure, None).await;
    drop(served);
    let again = Served::start("azure", &["--seed", "0x5eed"]);
    let (code, said) = open(&program, &again, Provider::Azure, &wrapped, &cmk);
    assert_eq!(code, Some(0), "{said}");
}

/// boto3 with the environment that the card proposes, and a script that prints one line of JSON.
fn boto3(python: &Path, served: &Served, script: &str, further: &[(&str, &str)]) -> Value {
    let mut command = Command::new(python);
    command.args(["-B", "-c", script]).env_clear();
    command.env("AWS_CONFIG_FILE", "/dev/null").env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null").env("NO_PROXY", "*");
    let proposed = served.card.split_whitespace().filter_map(|word| word.split_once('='));
    command.envs(proposed).envs(further.iter().copied());
    let ran = run(&mut command);
    assert_eq!(ran.code, Some(0), "{}", ran.told);
    serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {}", ran.out))
}

const PRELUDE: &str = "
import boto3, json
from botocore.config import Config
from botocore.exceptions import ClientError
once = Config(retries={'total_max_attempts': 1})
kms, sts = boto3.client('kms', config=once), boto3.client('sts', config=once)
def code(call, **members):
    try:
        call(**members)
        return 'ok'
    except ClientError as error:
        return error.response['Error']['Code']
";

#[test]
fn boto3_makes_keys_and_aliases_wraps_opens_disables_rotates_and_assumes_roles() {
    let Some(python) = python() else { return };
    let served = Served::start("aws", &[]);
    let script = format!(
        "{PRELUDE}
made = kms.create_key(Description='of boto3')['KeyMetadata']
key = made['KeyId']
kms.create_alias(AliasName='alias/mine', TargetKeyId=key)
context = {{'project': 'one'}}
blob = kms.encrypt(KeyId='alias/mine', Plaintext=b'sesame', EncryptionContext=context)['CiphertextBlob']
opened = kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)
kms.disable_key(KeyId=key)
disabled = code(kms.decrypt, CiphertextBlob=blob, EncryptionContext=context)
kms.enable_key(KeyId=key)
kms.rotate_key_on_demand(KeyId=key)
rotated = kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)['Plaintext'].decode()
role = sts.assume_role(RoleArn='arn:aws:iam::000000000000:role/anyone', RoleSessionName='me')
given = role['Credentials']
assumed = dict(aws_access_key_id=given['AccessKeyId'], aws_secret_access_key=given['SecretAccessKey'], aws_session_token=given['SessionToken'])
elsewhere = boto3.client('kms', region_name='eu-west-1', config=once)
there = elsewhere.create_key()['KeyMetadata']['Arn']
listed = kms.list_keys(Limit=1)
rest = kms.list_keys(Marker=listed['NextMarker'])
mismatch = code(kms.decrypt, CiphertextBlob=blob, EncryptionContext={{}})
again = code(kms.create_alias, AliasName='alias/mine', TargetKeyId=key)
kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
print(json.dumps(dict(
    arn=made['Arn'].rsplit('/', 1)[0], description=made['Description'], state=made['KeyState'],
    opened=opened['Plaintext'].decode(), same=opened['KeyId'] == made['Arn'],
    mismatch=mismatch, disabled=disabled, rotated=rotated, again=again,
    root=sts.get_caller_identity()['Arn'], assumed=boto3.client('sts', config=once, **assumed).get_caller_identity()['Arn'],
    there=there.rsplit('/', 1)[0], pages=[len(listed['Keys']), len(rest['Keys'])],
    aliases=sorted(alias['AliasName'] for alias in kms.list_aliases()['Aliases']),
    deleted=kms.describe_key(KeyId=key)['KeyMetadata']['KeyState'],
    usage=code(kms.create_key, KeyUsage='SIGN_VERIFY', KeySpec='ECC_NIST_P256'),
)))"
    );
    let expected = serde_json::json!({
        "arn": "arn:aws:kms:us-east-1:000000000000:key", "description": "of boto3", "state": "Enabled",
        "opened": "sesame", "same": true, "mismatch": "InvalidCiphertextException",
        "disabled": "DisabledException", "rotated": "sesame", "again": "AlreadyExistsException",
        "root": "arn:aws:iam::000000000000:root", "assumed": "arn:aws:sts::000000000000:assumed-role/anyone/me",
        "there": "arn:aws:kms:eu-west-1:000000000000:key", "pages": [1, 1],
        "aliases": ["alias/cmk-1", "alias/mine"],
        "deleted": "PendingDeletion", "usage": "UnsupportedOperationException",
    });
    assert_eq!(boto3(&python, &served, &script, &[]), expected);
}

#[test]
fn a_wrong_secret_is_taken_as_localstack_takes_it_and_refused_where_signatures_are_verified() {
    let Some(python) = python() else { return };
    let script = format!("{PRELUDE}\nprint(json.dumps([code(kms.list_keys), code(sts.get_caller_identity)]))");
    let wrong = [("AWS_SECRET_ACCESS_KEY", "sesame")];
    let open = Served::start("aws", &[]);
    assert_eq!(boto3(&python, &open, &script, &wrong), serde_json::json!(["ok", "ok"]));
    let strict = Served::start("aws", &["--strict"]);
    let refused = serde_json::json!(["InvalidSignatureException", "SignatureDoesNotMatch"]);
    assert_eq!(boto3(&python, &strict, &script, &wrong), refused);
    assert_eq!(boto3(&python, &strict, &script, &[]), serde_json::json!(["ok", "ok"]), "as boto3 signs it, it holds");
}
