//! The command line as people type it.

use super::*;
use crate::env::Env;
use crate::keys::FlagCredentials;

fn parse_line(line: &str) -> Result<Command, CliError> {
    parse_in(line, &|_| None)
}

fn parse_in(line: &str, environment: &dyn Fn(&str) -> Option<String>) -> Result<Command, CliError> {
    let arguments = line.split_whitespace().map(OsString::from);
    parse(arguments, environment, &*Env::os().files)
}

fn config(line: &str) -> Config {
    match parse_line(line).unwrap() {
        Command::Serve(config) => *config,
        Command::Check(_) | Command::Import(_) => panic!("not to serve"),
    }
}

fn secret(credentials: &FlagCredentials) -> Option<&str> {
    credentials.secret_access_key.as_ref().map(SecretText::expose)
}

#[test]
fn the_documented_command_line_of_atlas_is_understood() {
    let config = config(
        "kmipProxyStandalone -awsAccessKey AKIAIOSFODNN7EXAMPLE -awsSecretAccessKey wJalr/XUtn+FEMI= -awsSessionToken \
         FwoG== -awsRegion US_EAST_1 -cloudProvider aws -dbpath /data/db -kmipPort 6000 -mongodPort 27018",
    );
    assert_eq!(config.cloud_provider, Provider::Aws);
    assert_eq!(config.dbpath, Path::new("/data/db"));
    assert_eq!((config.kmip_port, config.mongod_port), (6000, 27018));
    let flags = &config.credentials.flags;
    assert_eq!(flags.access_key_id.as_deref(), Some("AKIAIOSFODNN7EXAMPLE"));
    assert_eq!(secret(flags), Some("wJalr/XUtn+FEMI="));
    assert_eq!(flags.session_token.as_ref().map(SecretText::expose), Some("FwoG=="));
    assert_eq!(flags.region.as_deref(), Some("us-east-1"));
}

#[test]
fn the_documented_command_line_for_azure_and_google_is_understood() {
    for (name, provider) in [("azure", Provider::Azure), ("gcp", Provider::Gcp)] {
        let line = format!("kmipProxyStandalone -cloudProvider {name} -dbpath /d -kmipPort 1 -mongodPort 2");
        assert_eq!(config(&line).cloud_provider, provider);
    }
}

#[test]
fn the_credentials_of_azure_and_google_have_flags_in_every_spelling() {
    for line in [
        "x -cloudProvider azure -dbpath d -azureTenantId t -azureClientId c -azureClientSecret hunter2 \
         -azureEnvironment azure_us_government -azureUnwrapKey -gcpServiceAccountKey sa.json",
        "x --cloud-provider azure --dbpath d --azure-tenant-id t --azure-client-id c --azure-client-secret=hunter2 \
         --azure-environment AZURE_GOVERNMENT --azure-unwrap-key --gcp-service-account-key sa.json",
    ] {
        let config = config(line);
        let flags = &config.credentials.flags;
        assert_eq!((flags.azure_tenant_id.as_deref(), flags.azure_client_id.as_deref()), (Some("t"), Some("c")));
        assert_eq!(flags.azure_client_secret.as_ref().map(SecretText::expose), Some("hunter2"));
        assert_eq!(flags.azure_environment, Some(crate::keys::AzureEnvironment::Government));
        assert_eq!(flags.gcp_key_file.as_deref(), Some(Path::new("sa.json")));
        assert!(config.azure_unwrap_key && !format!("{config:?}").contains("hunter2"));
    }
}

#[test]
fn our_own_flags_are_understood_in_gnu_spelling() {
    let config = config(
        "x --cloud-provider=local --db-path=d --kms-endpoint a --kms-endpoint=b --kms-deadline 1500ms --bind ::1 \
         --require-private-networking --tls-cert c --tls-key k --client-ca a --log-format json --local-key-file f \
         --kms-key alias/m --sts-endpoint s --role-arn r --external-id e --cloud-ca ca --allow-plain-http",
    );
    assert_eq!(config.kms_endpoints, ["a", "b"]);
    assert_eq!(config.kms_deadline.as_millis(), 1500);
    assert_eq!(config.bind.to_string(), "::1");
    assert!(config.require_private_networking && config.allow_plain_http);
    assert!(config.tls.is_some() && config.client_ca.is_some() && config.cloud_ca.is_some());
    assert_eq!(config.log_format, crate::operator::LogFormat::Json);
    assert_eq!(config.credentials.flags.local_key_file.as_deref(), Some(Path::new("f")));
    assert_eq!(config.kms_key.as_deref(), Some("alias/m"));
    assert_eq!(config.credentials.flags.role_arn.as_deref(), Some("r"));
    assert_eq!(config.credentials.flags.external_id.as_deref(), Some("e"));
}

#[test]
fn the_help_and_the_version_are_shown_without_an_error() {
    for (line, name) in [("x --help", "help"), ("x import --help", "import_help")] {
        let shown = parse_line(line).unwrap_err();
        assert_eq!(shown.exit_code(), exit::OK);
        insta::assert_snapshot!(name, shown.to_string());
    }
    let version = parse_line("x --version").unwrap_err();
    assert_eq!(version.to_string(), format!("kmipProxyStandalone {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn slips_are_told_with_what_was_meant() {
    let lines = [
        "x -awsSecretKey S",
        "x -cloudProvder aws -dbpath d",
        "x -cloudProvider oracle -dbpath d",
        "x -cloudProvider aws -dbpath d -kmipPort 70000",
        "x -cloudProvider aws -dbpath d -awsRegion us-east-1.evil.example",
        "x -cloudProvider aws",
        "x -cloudProvider azure -dbpath d -azureEnvironment AZURE_MOON",
        "x -cloudProvider azure -dbpath d --kms-key my-key",
        "x -cloudProvider gcp -dbpath d --kms-key my-key",
        "x -cloudProvider aws -dbpath d --config /nowhere/kmip-proxy.toml",
        "x imprt",
        "x import -cloudProvider aws -dbpath d",
    ];
    let mut shown = String::new();
    for line in lines {
        let error = parse_line(line).unwrap_err();
        assert_eq!(error.exit_code(), exit::USAGE, "{line}");
        shown.push_str(&format!("$ {line}\n{error}\n"));
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn a_secret_whose_flag_was_forgotten_is_not_repeated() {
    for line in ["x -awsAccessKey AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMIK7MDENGbPxRfiCY", "x wJalrXUtnFEMIK7MDENGbPxRfiCY"]
    {
        let error = parse_line(line).unwrap_err().to_string();
        assert!(!error.contains("wJalr"), "{error}");
    }
}

#[test]
fn the_environment_is_kept_apart_and_only_these_variables_are_read() {
    let asked = std::cell::RefCell::new(Vec::new());
    let environment = |name: &str| {
        asked.borrow_mut().push(name.to_owned());
        Some(if name == "AWS_REGION" { "EU_WEST_1".to_owned() } else { format!("value of {name}") })
    };
    let Command::Serve(config) = parse_in("x -cloudProvider aws -dbpath d", &environment).unwrap() else {
        panic!("an import");
    };
    assert!(config.credentials.flags.access_key_id.is_none() && config.credentials.flags.region.is_none());
    assert_eq!(secret(&config.credentials.environment), Some("value of AWS_SECRET_ACCESS_KEY"));
    assert_eq!(config.credentials.environment.region.as_deref(), Some("eu-west-1"));
    asked.borrow_mut().sort();
    let expected = [
        "AWS_ACCESS_KEY_ID",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AZURE_CLIENT_ID",
        "AZURE_CLIENT_SECRET",
        "AZURE_TENANT_ID",
        "GOOGLE_APPLICATION_CREDENTIALS",
    ];
    assert_eq!(*asked.borrow(), expected);
    let environment = &config.credentials.environment;
    assert_eq!(environment.azure_tenant_id.as_deref(), Some("value of AZURE_TENANT_ID"));
    assert_eq!(environment.azure_client_id.as_deref(), Some("value of AZURE_CLIENT_ID"));
    assert_eq!(environment.azure_client_secret.as_ref().map(SecretText::expose), Some("value of AZURE_CLIENT_SECRET"));
    assert_eq!(environment.gcp_key_file.as_deref(), Some(Path::new("value of GOOGLE_APPLICATION_CREDENTIALS")));
}

#[test]
fn the_configuration_file_fills_what_flags_leave_open() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("proxy.toml");
    Env::os()
        .files
        .write(
            &path,
            b"cloud-provider = \"aws\"\ndbpath = \"/d\"\naws-region = \"EU_WEST_1\"\n",
            crate::env::Access::Owner,
        )
        .unwrap();
    let config = config(&format!("x --config {} -dbpath /flag", path.display()));
    assert_eq!(config.dbpath, Path::new("/flag"));
    assert_eq!(config.credentials.flags.region.as_deref(), Some("eu-west-1"));
}

#[test]
fn an_import_names_its_parts() {
    let line = "x import -cloudProvider aws -dbpath d --key-id k --wrapped w --kms-key alias/m -awsRegion US_EAST_1 \
                --encryption-context a=b=c";
    let Command::Import(import) = parse_line(line).unwrap() else { panic!("to serve") };
    assert_eq!((import.key_id.as_str(), import.length_bits), ("k", 256));
    assert_eq!(import.region.as_deref(), Some("us-east-1"));
    assert_eq!(import.encryption_context.get("a").map(String::as_str), Some("b=c"));
}

#[test]
fn a_check_takes_the_flags_of_a_start() {
    let Command::Check(config) = parse_line("x check -cloudProvider aws -dbpath d -awsRegion US_EAST_1").unwrap()
    else {
        panic!("no check");
    };
    assert_eq!((config.cloud_provider, config.dbpath.as_path()), (Provider::Aws, Path::new("d")));
    assert_eq!(config.credentials.flags.region.as_deref(), Some("us-east-1"));
}

#[test]
fn configurations_do_not_print_secrets() {
    let config = config("x -cloudProvider aws -dbpath d -awsSecretAccessKey hunter2hunter2 -awsSessionToken sesame");
    let shown = format!("{config:?}");
    assert!(!shown.contains("hunter2") && !shown.contains("sesame"), "{shown}");
}

#[test]
fn every_exit_code_is_in_the_table_once() {
    let codes: Vec<u8> = exit::TABLE.iter().map(|(code, _)| *code).collect();
    assert_eq!(codes, [exit::OK, exit::USAGE, exit::PORT_TAKEN, exit::FILES, exit::TLS_FILES, exit::BUG]);
    assert!(codes.is_sorted() && codes.windows(2).all(|pair| pair[0] != pair[1]));
}
