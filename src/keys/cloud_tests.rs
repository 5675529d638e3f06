//! Credentials and CMKs of Azure and Google in a dbpath.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::layout_tests::{Dbpath, ID, key};
use super::*;
use crate::env::{Access, Env};

/// As the Atlas API spells them, with what the proxy has no use for.
const AZURE: &str = r#"{
  "enabled": true, "azureEnvironment": "AZURE_CHINA", "clientID": "client", "tenantID": "tenant", "secret": "sesame",
  "subscriptionID": "s", "resourceGroupName": "g", "keyVaultName": "v",
  "keyIdentifier": "https://v.vault.azure.cn/keys/k/1f"
}"#;
const PEM: &str = "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n";
const RESOURCE: &str = "projects/p/locations/global/keyRings/r/cryptoKeys/k/cryptoKeyVersions/3";

/// The JSON that Google's console gives out.
fn account(email: &str) -> serde_json::Value {
    serde_json::json!({
        "type": "service_account", "project_id": "p", "private_key_id": "4711", "private_key": PEM,
        "client_email": email, "client_id": "1", "token_uri": "https://oauth2.googleapis.com/token",
    })
}

fn azure(resolved: &ResolvedCredentials) -> &AzureCredentials {
    match &resolved.credentials {
        Credentials::Azure(azure) => azure,
        other => panic!("credentials for {}", other.provider()),
    }
}

fn google(resolved: &ResolvedCredentials) -> &GcpCredentials {
    match &resolved.credentials {
        Credentials::Gcp(google) => google,
        other => panic!("credentials for {}", other.provider()),
    }
}

fn azure_key(host: &str, version: Option<&str>) -> MasterKey {
    MasterKey::Azure {
        key_vault_endpoint: host.to_owned(),
        key_name: "k".to_owned(),
        key_version: version.map(str::to_owned),
    }
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn secret(text: &str) -> Option<SecretText> {
    Some(SecretText::new(text.to_owned()))
}

#[test]
fn the_metadata_of_azure_are_read_in_both_spellings() {
    let dbpath = Dbpath::new();
    let layout = dbpath.layout(Provider::Azure);
    dbpath.put(&format!("{ID}.azure.metadata"), AZURE);
    let resolved = layout.credentials(ID, Provider::Azure).unwrap();
    assert_eq!((resolved.origin, azure(&resolved).environment), (CredentialOrigin::Metadata, AzureEnvironment::China));
    assert_eq!((azure(&resolved).tenant_id.as_str(), azure(&resolved).client_id.as_str()), ("tenant", "client"));
    assert_eq!(azure(&resolved).client_secret.expose(), "sesame");

    let drivers = r#"{"tenantId":"t","clientId":"c","clientSecret":"s","identityPlatformEndpoint":"x"}"#;
    dbpath.put(&format!("{ID}.azure.metadata"), drivers);
    let resolved = layout.credentials(ID, Provider::Azure).unwrap();
    assert_eq!(azure(&resolved).environment, AzureEnvironment::Public);
    assert_eq!((azure(&resolved).tenant_id.as_str(), azure(&resolved).client_secret.expose()), ("t", "s"));
}

#[test]
fn flags_win_over_metadata_and_metadata_over_the_environment_at_azure() {
    let dbpath = Dbpath::new();
    let environment = FlagCredentials {
        azure_tenant_id: text("tenant of ENV"),
        azure_client_id: text("client of ENV"),
        azure_client_secret: secret("secret of ENV"),
        ..FlagCredentials::default()
    };
    let resolve = |flags: FlagCredentials| {
        let source = CredentialSource { flags, environment: environment.clone() };
        dbpath.layout_with(Provider::Azure, source).credentials(ID, Provider::Azure).unwrap()
    };
    let by_environment = resolve(FlagCredentials::default());
    assert_eq!(by_environment.origin, CredentialOrigin::Environment);
    assert_eq!(azure(&by_environment).client_secret.expose(), "secret of ENV");

    dbpath.put(&format!("{ID}.azure.metadata"), AZURE);
    let by_file = resolve(FlagCredentials::default());
    assert_eq!((by_file.origin, azure(&by_file).tenant_id.as_str()), (CredentialOrigin::Metadata, "tenant"));

    let new_secret = FlagCredentials { azure_client_secret: secret("new"), ..FlagCredentials::default() };
    let by_flag = resolve(new_secret.clone());
    assert_eq!((by_flag.origin, azure(&by_flag).client_id.as_str()), (CredentialOrigin::Flags, "client"));
    assert_eq!(azure(&by_flag).client_secret.expose(), "new");

    // Complete flags make a damaged file harmless.
    dbpath.put(&format!("{ID}.azure.metadata"), "{ broken");
    let complete = FlagCredentials {
        azure_tenant_id: text("t"),
        azure_client_id: text("c"),
        azure_environment: Some(AzureEnvironment::Public),
        ..new_secret
    };
    assert_eq!(azure(&resolve(complete)).tenant_id, "t");
}

#[test]
fn the_key_of_a_service_account_is_read_from_a_text_an_object_and_the_drivers_fields() {
    let dbpath = Dbpath::new();
    let layout = dbpath.layout(Provider::Gcp);
    let resolve = |content: serde_json::Value| {
        dbpath.put(&format!("{ID}.gcp.metadata"), &content.to_string());
        layout.credentials(ID, Provider::Gcp).unwrap()
    };
    let account = account("a@p.iam.gserviceaccount.com");
    for field in [account.clone(), account.to_string().into()] {
        let resolved = resolve(serde_json::json!({"serviceAccountKey": field, "keyVersionResourceID": RESOURCE}));
        let google = google(&resolved);
        assert_eq!(
            (resolved.origin, google.client_email.as_str()),
            (CredentialOrigin::Metadata, "a@p.iam.gserviceaccount.com")
        );
        assert_eq!((google.private_key.expose(), google.private_key_id.as_deref()), (PEM, Some("4711")));
        assert_eq!(google.token_uri.as_deref(), Some("https://oauth2.googleapis.com/token"));
    }
    let resolved = resolve(serde_json::json!({"email": "b@p", "privateKey": "MIIE"}));
    assert_eq!((google(&resolved).client_email.as_str(), google(&resolved).private_key.expose()), ("b@p", PEM));
}

#[test]
fn a_key_file_of_google_is_read_anew_each_time_and_flags_win() {
    let dbpath = Dbpath::new();
    let write = |name: &str, email: &str| {
        let path = dbpath.path(name);
        Env::os().files.write(&path, account(email).to_string().as_bytes(), Access::Owner).unwrap();
        path
    };
    let file = |path: PathBuf| FlagCredentials { gcp_key_file: Some(path), ..FlagCredentials::default() };
    let environment = file(write("env.json", "env@p"));
    let none = CredentialSource { flags: FlagCredentials::default(), environment: environment.clone() };
    let flag = CredentialSource { flags: file(write("flag.json", "flag@p")), environment };
    let resolve = |source: &CredentialSource| {
        dbpath.layout_with(Provider::Gcp, source.clone()).credentials(ID, Provider::Gcp).unwrap()
    };
    assert_eq!(
        (resolve(&none).origin, google(&resolve(&none)).client_email.as_str()),
        (CredentialOrigin::Environment, "env@p")
    );
    dbpath.put(&format!("{ID}.gcp.metadata"), &serde_json::json!({"serviceAccountKey": account("file@p")}).to_string());
    assert_eq!(google(&resolve(&none)).client_email, "file@p");
    dbpath.put(&format!("{ID}.gcp.metadata"), "{ broken");
    assert_eq!(
        (resolve(&flag).origin, google(&resolve(&flag)).client_email.as_str()),
        (CredentialOrigin::Flags, "flag@p")
    );
    write("flag.json", "renewed@p");
    assert_eq!(google(&resolve(&flag)).client_email, "renewed@p");
}

#[test]
fn metadata_of_azure_and_google_that_do_not_serve_are_told_with_file_line_and_field() {
    let cases = [
        (Provider::Azure, "{\"tenantID\": \"t\",\n \"clientID\": \"c\",\n \"secret\": 4711}"),
        (Provider::Azure, "{\"tenantID\": \"t\",\n \"clientID\": \"c\",\n \"secret\": \"\"}"),
        (Provider::Azure, "{\"tenantID\": \"t\", \"secret\": \"s\"}"),
        (Provider::Azure, "{\"clientID\": \"c\", \"secret\": \"s\"}"),
        (
            Provider::Azure,
            "{\"tenantID\": \"t\", \"clientID\": \"c\", \"secret\": \"s\",\n \"azureEnvironment\": \"MOON\"}",
        ),
        (Provider::Azure, "{\"tenantID\": \"t\",\n \"roleId\": \"5f0c\"}"),
        (Provider::Azure, "{\"clientID\": \"\"}"),
        (Provider::Gcp, "{}"),
        (Provider::Gcp, "{\"roleId\": \"5f0c\"}"),
        (Provider::Gcp, "{\n \"serviceAccountKey\": 4711}"),
        (Provider::Gcp, "{\n \"serviceAccountKey\": \"4711\"}"),
        (Provider::Gcp, "{\n \"serviceAccountKey\": \"{ 4711\"}"),
        (Provider::Gcp, "{\n \"serviceAccountKey\": \"{\\\"client_email\\\": \\\"4711\\\"}\"}"),
        (Provider::Gcp, "{\n \"serviceAccountKey\": {\"client_email\": \"4711\",\n  \"private_key\": 4711}}"),
        (Provider::Gcp, "{\n \"serviceAccountKey\": {\"type\": \"authorized_user\"}}"),
        (Provider::Gcp, "{\"email\": \"4711\"}"),
    ];
    let mut told = String::new();
    for (provider, case) in cases {
        let dbpath = Dbpath::new();
        dbpath.put(&format!("{ID}.{provider}.metadata"), case);
        let error = dbpath.layout(provider).credentials(ID, provider).unwrap_err();
        assert!(!format!("{error:?}").contains("4711"), "{error:?}");
        told.push_str(&format!("{case}\n=> {:?}\n   {}\n\n", error.kind, dbpath.told(&error)));
    }
    let dbpath = Dbpath::new();
    for path in ["nowhere.json", "broken.json", "user.json"] {
        dbpath.put("broken.json", "{ 4711");
        dbpath.put("user.json", "{\"type\": \"authorized_user\"}");
        let flags = FlagCredentials { gcp_key_file: Some(dbpath.path(path)), ..FlagCredentials::default() };
        let source = CredentialSource { flags, ..CredentialSource::default() };
        let error = dbpath.layout_with(Provider::Gcp, source).credentials(ID, Provider::Gcp).unwrap_err();
        told.push_str(&format!("(key file)\n=> {:?}\n   {}\n\n", error.kind, dbpath.told(&error)));
    }
    insta::assert_snapshot!(told);
}

#[test]
fn a_new_key_takes_the_cmk_of_the_flag_else_of_the_newest_key_else_of_the_metadata() {
    let google = MasterKey::Gcp {
        project_id: "p".to_owned(),
        location: "global".to_owned(),
        key_ring: "r".to_owned(),
        key_name: "k".to_owned(),
        key_version: text("3"),
    };
    let file = serde_json::json!({"serviceAccountKey": account("a@p"), "keyVersionResourceID": RESOURCE}).to_string();
    let other_name = "projects/p/locations/global/keyRings/r/cryptoKeys/other";
    for (provider, metadata, in_metadata, by_flag) in [
        (Provider::Azure, AZURE, azure_key("v.vault.azure.cn", Some("1f")), "https://w.vault.azure.cn/keys/other"),
        (Provider::Gcp, file.as_str(), google, other_name),
    ] {
        let dbpath = Dbpath::new();
        let layout = dbpath.layout(provider);
        dbpath.put(&format!("{ID}.{provider}.metadata"), metadata);
        let wrapping = layout.wrapping_for_new_keys(None).unwrap();
        assert_eq!((&wrapping.master_key, wrapping.credentials_of.as_deref()), (&in_metadata, Some(ID)));
        let newest = in_metadata.clone().of_version(text("2"));
        layout.store(&WrappedKey { master_key: newest.clone(), ..key(ID, 5) }).unwrap();
        assert_eq!(layout.wrapping_for_new_keys(None).unwrap().master_key, newest);
        assert_eq!(layout.wrapping_for_new_keys(Some(by_flag)).unwrap().master_key.name(), by_flag);
        let error = layout.wrapping_for_new_keys(Some("my-key")).unwrap_err();
        assert!(error.why.starts_with("--kms-key: expected the "), "{error}");
    }
}

#[test]
fn metadata_that_name_no_cmk_or_a_wrong_one_wrap_nothing_and_open_all_the_same() {
    let dbpath = Dbpath::new();
    let layout = dbpath.layout(Provider::Azure);
    let name = format!("{ID}.azure.metadata");
    dbpath.put(&name, &AZURE.replace("https://v", "http://v"));
    let error = layout.wrapping_for_new_keys(None).unwrap_err();
    let place =
        format!("cloudProviderCredentials/{name}:4:3: field `keyIdentifier`: expected the key identifier of Azure");
    assert!(dbpath.told(&error).starts_with(&place), "{}", dbpath.told(&error));
    assert_eq!(error.kind, LayoutErrorKind::MetadataMalformed);
    layout.credentials(ID, Provider::Azure).unwrap();

    dbpath.put(&name, &AZURE.replace("https://v.vault.azure.cn/keys/k/1f", ""));
    assert_eq!(layout.wrapping_for_new_keys(None).unwrap_err().kind, LayoutErrorKind::KeyFileMissing);
}

#[test]
fn only_azure_keeps_the_version_that_wrapped() {
    assert_eq!(azure_key("v", None).of_version(text("2")), azure_key("v", Some("2")));
    assert_eq!(azure_key("v", Some("1")).of_version(text("2")), azure_key("v", Some("2")));
    assert_eq!(azure_key("v", Some("1")).of_version(None), azure_key("v", Some("1")));
    assert_eq!(MasterKey::Local.of_version(text("2")), MasterKey::Local);
}

#[test]
fn parts_of_a_cmk_that_could_bend_a_host_or_a_path_are_refused_in_key_files() {
    let dbpath = Dbpath::new();
    let google = google_key::read(RESOURCE).unwrap();
    let mut told = String::new();
    for (master_key, changes) in [
        (
            azure_key("v.vault.azure.net", Some("1f")),
            &[("v.vault.azure.net", "evil.example/x"), ("\"k\"", "\"../k\""), ("1f", "1/f")][..],
        ),
        (
            google,
            &[("\"p\"", "\"p/x\""), ("global", ".."), ("\"r\"", "\"\""), ("\"k\"", "\"k:x\""), ("\"3\"", "\"3?\"")],
        ),
    ] {
        let provider = master_key.provider();
        let good = key_file::render(&WrappedKey { master_key, ..key(ID, 5) });
        for (from, to) in changes {
            let bent = good.replacen(from, to, 1);
            assert_ne!(bent, good);
            dbpath.put(&format!("{ID}.{provider}.key.json"), &bent);
            let error = dbpath.layout(provider).find(ID).unwrap_err();
            told.push_str(&format!("{from} -> {to}\n   {}\n", dbpath.told(&error)));
        }
    }
    insta::assert_snapshot!(told);
    // Drivers may write the port of the vault.
    let good = key_file::render(&WrappedKey { master_key: azure_key("v.vault.azure.net", None), ..key(ID, 5) });
    dbpath.put(&format!("{ID}.azure.key.json"), &good.replace("v.vault.azure.net", "V.vault.azure.net:443"));
    let Found::Present(found) = dbpath.layout(Provider::Azure).find(ID).unwrap() else { panic!("not there") };
    assert_eq!(found.master_key, azure_key("v.vault.azure.net", None));
}

#[test]
fn an_import_for_azure_needs_the_version_and_one_for_google_does_not() {
    let dbpath = Dbpath::new();
    let request = |provider, kms_key: Option<&str>, wrapped: &[u8]| Import {
        key_id: ID.to_owned(),
        provider,
        kms_key: kms_key.map(str::to_owned),
        region: None,
        encryption_context: BTreeMap::new(),
        length_bits: 256,
        wrapped: wrapped.to_vec(),
    };
    let into = |request: Import| import(&dbpath.layout(request.provider), request, 7);
    let vault = "https://v.vault.azure.net/keys/k";
    assert!(matches!(into(request(Provider::Azure, None, b"AQID")), Err(ImportError::NoKmsKey)));
    assert!(matches!(into(request(Provider::Azure, Some("k"), b"AQID")), Err(ImportError::KmsKey(_))));
    assert!(matches!(into(request(Provider::Azure, Some(vault), b"AQID")), Err(ImportError::NoVersion)));
    assert!(matches!(into(request(Provider::Gcp, Some(vault), b"AQID")), Err(ImportError::KmsKey(_))));
    // As the vault itself writes it, in base64url.
    into(request(Provider::Azure, Some(&format!("{vault}/1f")), b"-_8")).unwrap();
    let Found::Present(found) = dbpath.layout(Provider::Azure).find(ID).unwrap() else { panic!("not there") };
    assert_eq!(
        (found.wrapped.as_deref(), &found.master_key),
        (Some([0xfb, 0xff].as_slice()), &azure_key("v.vault.azure.net", Some("1f")))
    );

    let google = Import { key_id: "g".to_owned(), ..request(Provider::Gcp, Some(RESOURCE), b"AQID") };
    into(google).unwrap();
    assert!(matches!(dbpath.layout(Provider::Gcp).find("g"), Ok(Found::Present(_))));
}
