//! Failures of files and clouds: each has its reason, none of them is Item Not Found (invariant K5), and the operator is
//! told each once.

use super::wire::{activate, create_aes, get, get_attributes};
use super::*;
use crate::keys::{Admission, Found, KeyFiles, Listing, ResolvedCredentials, UpdateError, Wrapping};

/// The reason of each class, as the design lists them.
fn designed(class: Class) -> ResultReason {
    match class {
        Class::CredentialsExpired
        | Class::CredentialsInvalid
        | Class::RoleNotUsable
        | Class::AccessDenied
        | Class::EndpointPolicyDenied => ResultReason::PERMISSION_DENIED,
        Class::KeyDisabled | Class::KeyPendingDeletion | Class::KeyUnusable => ResultReason::ILLEGAL_OPERATION,
        Class::KeyMissing | Class::WrongKeyOrRegion | Class::CiphertextInvalid => ResultReason::CRYPTOGRAPHIC_FAILURE,
        Class::ProviderMismatch => ResultReason::INVALID_FIELD,
        Class::ClockSkew
        | Class::Throttled
        | Class::CloudInternal
        | Class::EndpointUnreachable
        | Class::NetworkNotPrivate
        | Class::BadResponse
        | Class::DeadlineExceeded
        | Class::MetadataMissing
        | Class::MetadataMalformed
        | Class::KeyFileMissing
        | Class::KeyFileMalformed
        | Class::FileUnavailable => ResultReason::GENERAL_FAILURE,
    }
}

#[tokio::test]
async fn every_class_of_failure_has_its_reason() {
    for class in Class::ALL {
        let bench = Bench::new();
        bench.kms.fails_with(*class);
        assert_eq!(bench.one(get(Some(KEY))).await.refusal(), designed(*class), "{}", class.code());
        assert_eq!(bench.one(create_aes()).await.refusal(), designed(*class), "{}", class.code());
        assert_eq!(bench.told.classes(), [*class; 2]);
        for notice in &*bench.told.0.lock().unwrap() {
            assert!(!notice.text.contains("sesame"), "{}", notice.text);
        }
    }
}

/// Does something to the files of a dbpath.
type Spoil<'s> = &'s dyn Fn(&Bench);

/// Asks for the key in every way that reads it.
async fn refusals(bench: &Bench) -> Vec<ResultReason> {
    let mut reasons = Vec::new();
    for item in [get(Some(KEY)), get_attributes(Some(KEY), &[]), activate(Some(KEY))] {
        reasons.push(bench.one(item).await.refusal());
    }
    reasons
}

#[tokio::test]
async fn trouble_with_the_key_file_is_never_an_absence() {
    let key_file = format!("{KEY}.aws.key.json");
    let spoil: [(&str, Class, Spoil<'_>); 7] = [
        ("missing beside its metadata", Class::KeyFileMissing, &|bench| bench.disk.take_away(&key_file)),
        ("empty", Class::KeyFileMalformed, &|bench| bench.disk.put(&key_file, "")),
        ("cut off", Class::KeyFileMalformed, &|bench| bench.disk.put(&key_file, "{\"format\": \"kmip-pr")),
        ("of another version", Class::KeyFileMalformed, &|bench| bench.disk.put(&key_file, "{\"format\": \"x\"}")),
        ("unreadable", Class::FileUnavailable, &|bench| bench.disk.breaks(Broken::Read)),
        ("of another provider", Class::ProviderMismatch, &|bench| {
            let content = bench.disk.read(&Path::new(FOLDER).join(&key_file)).unwrap();
            bench.disk.take_away(&key_file);
            bench.disk.put(&format!("{KEY}.gcp.key.json"), str::from_utf8(&content).unwrap());
        }),
        ("in a folder that cannot be listed", Class::FileUnavailable, &|bench| {
            bench.disk.take_away(&key_file);
            bench.disk.take_away(&format!("{KEY}.aws.metadata"));
            bench.disk.breaks(Broken::List);
        }),
    ];
    for (how, class, spoil) in spoil {
        let bench = Bench::new();
        spoil(&bench);
        assert_eq!(refusals(&bench).await, [designed(class); 3], "{how}");
        assert_eq!(bench.told.classes(), [class; 3], "{how}");
        assert_eq!(bench.kms.calls(), [""; 0], "{how}");
    }
}

#[tokio::test]
async fn trouble_with_the_metadata_is_never_an_absence() {
    let metadata = format!("{KEY}.aws.metadata");
    let role = r#"{"accessKeyId": "", "secretAccessKey": "", "roleId": "5f0c", "region": "us-east-1"}"#;
    let spoil: [(Class, Spoil<'_>); 4] = [
        (Class::MetadataMissing, &|bench| bench.disk.take_away(&metadata)),
        (Class::MetadataMalformed, &|bench| bench.disk.put(&metadata, "{")),
        (Class::MetadataMalformed, &|bench| bench.disk.put(&metadata, r#"{"accessKeyId": 5}"#)),
        (Class::RoleNotUsable, &|bench| bench.disk.put(&metadata, role)),
    ];
    for (index, (class, spoil)) in spoil.into_iter().enumerate() {
        let bench = Bench::new();
        spoil(&bench);
        assert_eq!(bench.one(get(Some(KEY))).await.refusal(), designed(class), "number {index}");
        assert_eq!(bench.told.classes(), [class], "number {index}");
        assert_eq!(
            bench.one(get_attributes(Some(KEY), &["State"])).await.reason,
            None,
            "the state needs no credentials"
        );
    }
}

#[tokio::test]
async fn metadata_of_another_provider_are_no_absence() {
    let bench = Bench::new();
    bench.disk.put("elsewhere.azure.metadata", "{}");
    assert_eq!(bench.one(get(Some("elsewhere"))).await.refusal(), ResultReason::INVALID_FIELD);
    assert_eq!(bench.told.classes(), [Class::ProviderMismatch]);
}

#[tokio::test]
async fn a_state_that_cannot_be_written_is_not_taken_for_written() {
    let bench = Bench::new();
    bench.store(ManagedObject::new("new".to_owned(), ObjectType::SymmetricKey, NOW), Some(b"material"));
    bench.disk.breaks(Broken::Rename);
    assert_eq!(bench.one(activate(Some("new"))).await.refusal(), ResultReason::GENERAL_FAILURE);
    assert_eq!(bench.one(get_attributes(Some("new"), &["State"])).await.value("AttributeValue"), "1");
}

#[tokio::test]
async fn a_new_key_without_a_cmk_to_wrap_it_is_a_failure_of_files() {
    let bench = Bench::new();
    bench.disk.take_away(&format!("{KEY}.aws.key.json"));
    assert_eq!(bench.one(create_aes()).await.refusal(), ResultReason::GENERAL_FAILURE);
    assert_eq!(bench.told.classes(), [Class::KeyFileMissing]);
}

/// A layout whose key file somebody moves away right after it was found.
#[derive(Debug)]
struct MovedAway {
    layout: Arc<dyn Layout>,
    disk: Arc<Disk>,
}

impl Layout for MovedAway {
    fn label(&self) -> &'static str {
        self.layout.label()
    }

    fn prepare(&self) -> Result<(), LayoutError> {
        self.layout.prepare()
    }

    fn find(&self, id: &str) -> Result<Found, LayoutError> {
        let found = self.layout.find(id);
        if matches!(found, Ok(Found::Present(_))) {
            self.disk.take_away(&format!("{id}.aws.key.json"));
        }
        found
    }

    fn list(&self) -> Result<Listing, LayoutError> {
        self.layout.list()
    }

    fn store(&self, key: &WrappedKey) -> Result<PathBuf, LayoutError> {
        self.layout.store(key)
    }

    fn store_if(&self, key: &WrappedKey, admitted: &mut Admission<'_>) -> Result<PathBuf, UpdateError> {
        self.layout.store_if(key, admitted)
    }

    fn update(&self, id: &str, change: &mut crate::keys::Change<'_>) -> Result<WrappedKey, UpdateError> {
        self.layout.update(id, change)
    }

    fn credentials(&self, id: &str, provider: Provider) -> Result<ResolvedCredentials, LayoutError> {
        self.layout.credentials(id, provider)
    }

    fn wrapping_for_new_keys(&self, kms_key: Option<&str>) -> Result<Wrapping, LayoutError> {
        self.layout.wrapping_for_new_keys(kms_key)
    }

    fn files_of(&self, id: &str) -> Option<KeyFiles> {
        self.layout.files_of(id)
    }
}

#[tokio::test]
async fn a_key_file_that_is_moved_away_during_activate_is_missing_not_unknown() {
    let mut bench = Bench::new();
    bench.operations.layout = Arc::new(MovedAway { layout: bench.operations.layout.clone(), disk: bench.disk.clone() });
    assert_eq!(bench.one(activate(Some(KEY))).await.refusal(), ResultReason::GENERAL_FAILURE);
    assert_eq!(bench.told.classes(), [Class::KeyFileMissing]);
}
