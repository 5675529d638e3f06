use super::*;

fn wish(words: &[&str]) -> Result<Wish, Refused> {
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    read("mongod-persona", &words, &Env::os())
}

fn options(words: &[&str]) -> Options {
    match wish(words) {
        Ok(Wish::Run(options)) => *options,
        other => panic!("{words:?} came to {other:?}"),
    }
}

fn refusal(words: &[&str]) -> (Code, String) {
    let refused = wish(words).unwrap_err();
    (refused.code, refused.err.lines().next().unwrap_or(&refused.out).to_owned())
}

#[test]
fn mistakes_are_refused_in_the_words_of_mongod() {
    for (words, said) in [
        (&["--enableEncryptions"][..], "Error parsing command line: unrecognised option '--enableEncryptions'"),
        (&["--fork=1"], "Error parsing command line: unrecognised option '--fork=1'"),
        (&["--port"], "Error parsing command line: the required argument for option '--port' is missing"),
        (&["--port", "abc"], "Error parsing option \"port\" as int: Did not consume whole string."),
        (&["--port=99999"], "BadValue: bad --port number"),
        (&["--bind_ip_all=false"], "Error parsing command line: option '--bind_ip_all' does not take any arguments"),
        (&["--port", "1", "--port", "2"], "Error parsing command line:  Multiple occurrences of option \"--port\""),
        (&["--dbp", "x"], "Error parsing command line: unrecognised option '--dbp'"),
        (&["--config", "/nonexist"], "Error opening config file '/nonexist': No such file or directory"),
    ] {
        assert_eq!(refusal(words), (Code::BadOptions, said.to_owned()), "{words:?}");
    }
    let refused = wish(&["--x"]).unwrap_err();
    assert_eq!(refused.err.lines().nth(1), Some("try 'mongod-persona --help' for more information"));
    let refused = wish(&["foo"]).unwrap_err();
    assert_eq!((refused.code, refused.out.lines().next()), (Code::BadValue, Some("Invalid command: foo")));
}

#[test]
fn a_value_stands_after_a_blank_or_an_equals_sign_and_one_dash_is_enough() {
    let files = ["--enableEncryption", "--kmipServerName=a,b", "-kmipClientCertificateFile", "/c.pem"];
    let numbers = ["--kmipPort=7", "--kmipConnectRetries", "2", "--kmipConnectTimeoutMS=1000", "-kmipKeyIdentifier=5"];
    let kmip = options(&[&files[..], &numbers].concat()).kmip.unwrap();
    assert_eq!(kmip.hosts().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(kmip.client_certificate_file, PathBuf::from("/c.pem"));
    assert_eq!((kmip.port, kmip.connect_retries, kmip.connect_timeout), (7, 2, Duration::from_secs(1)));
    assert_eq!(kmip.key_identifier.as_deref(), Some("5"));
    let defaults = options(&files).kmip.unwrap();
    assert_eq!((defaults.port, defaults.connect_timeout), (5696, Duration::from_secs(5)));
    assert!(defaults.activate_keys && !defaults.rotate_master_key);
    assert_eq!(defaults.key_state_polling, Some(Duration::from_secs(900)));
}

#[test]
fn keys_are_activated_unless_the_word_after_says_false_and_polling_can_be_switched_off() {
    let base = ["--enableEncryption", "--kmipServerName", "a", "--kmipClientCertificateFile", "c"];
    for (words, activates) in [
        (&["--kmipActivateKeys", "false"][..], false),
        (&["--kmipActivateKeys=false"], false),
        (&["--kmipActivateKeys", "true"], true),
        (&["--kmipActivateKeys", "--kmipRotateMasterKey"], true),
    ] {
        assert_eq!(options(&[&base[..], words].concat()).kmip.unwrap().activate_keys, activates, "{words:?}");
    }
    let polling = ["--kmipKeyStatePollingSeconds", "-1"];
    assert_eq!(options(&[&base[..], &polling].concat()).kmip.unwrap().key_state_polling, None);
}

#[test]
fn without_encryption_or_a_server_there_is_nothing_to_play() {
    assert_eq!(options(&["--dbpath", "x"]).kmip, None);
    assert_eq!(options(&["--enableEncryption"]).kmip, None);
    assert_eq!(options(&["--kmipServerName", "a"]).kmip, None);
    let said = "BadValue: option kmipServerName requires option kmipClientCertificateFile";
    assert_eq!(refusal(&["--enableEncryption", "--kmipServerName", "a"]), (Code::BadOptions, said.to_owned()));
}

#[test]
fn what_is_out_of_range_is_told_in_the_words_of_mongod() {
    let range = |words: &[&str]| options(words).out_of_range;
    let least = "security.kmip.connectTimeoutMS must be greater than or equal to 1000";
    assert_eq!(range(&["--kmipConnectTimeoutMS", "999"]).as_deref(), Some(least));
    assert_eq!(range(&["--kmipConnectTimeoutMS", "1000"]), None);
    let most = "security.kmip.port must be less than or equal to 65535";
    assert_eq!(range(&["--kmipPort", "65536"]).as_deref(), Some(most));
}

#[test]
fn the_persona_follows_from_its_name_and_the_legacy_protocol() {
    let name = |words: &[&str]| options(words).persona.name;
    assert_eq!(name(&[]), "psmdb-8");
    assert_eq!(name(&["--kmipUseLegacyProtocol"]), "enterprise-legacy-1.0");
    assert_eq!(name(&["--persona", "enterprise-1.2"]), "enterprise-1.2");
    assert_eq!(name(&["--persona", "enterprise-1.2", "--kmipUseLegacyProtocol"]), "enterprise-legacy-1.0");
    let unknown = "Error parsing command line: unrecognised option '--kmipUseLegacyProtocol'";
    assert_eq!(refusal(&["--persona=psmdb-8", "--kmipUseLegacyProtocol"]), (Code::BadOptions, unknown.to_owned()));
    assert!(refusal(&["--persona", "mongod"]).1.contains("there is no persona `mongod`; there are psmdb-8, "));
}

#[test]
fn addresses_are_the_loopback_unless_others_are_named() {
    let addresses = |words: &[&str]| options(words).addresses;
    assert_eq!(addresses(&[]), ["127.0.0.1".parse::<IpAddr>().unwrap()]);
    assert_eq!(addresses(&["--bind_ip_all"]), ["0.0.0.0".parse::<IpAddr>().unwrap()]);
    let both = ["127.0.0.1".parse::<IpAddr>().unwrap(), "::1".parse::<IpAddr>().unwrap()];
    assert_eq!(addresses(&["--bind_ip", "localhost,::1"]), both);
}

#[test]
fn a_configuration_file_says_the_same_and_the_command_line_goes_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mongod.conf");
    let written = "storage:\n  dbPath: /d\nnet:\n  port: 7\nsystemLog:\n  destination: file\nsecurity:\n  \
                   enableEncryption: true\n  kmip:\n    serverName: a\n    clientCertificateFile: c\n    activateKeys: false\n";
    Env::os().files.write(&file, written.as_bytes(), kmip_proxy::env::Access::Owner).unwrap();
    let config = ["--config", file.to_str().unwrap()];
    let read = options(&[&config[..], &["--port", "8"]].concat());
    assert_eq!((read.dbpath, read.port), (PathBuf::from("/d"), 8));
    assert!(!read.kmip.unwrap().activate_keys);
    let keys: Vec<_> = read.given.iter().map(|(key, _)| *key).collect();
    assert!(keys.contains(&"security.kmip.activateKeys") && keys.contains(&"net.port"), "{keys:?}");
    Env::os().files.write(&file, b"security:\n  vault: x\n", kmip_proxy::env::Access::Owner).unwrap();
    assert_eq!(refusal(&config), (Code::BadOptions, "Unrecognized option: security.vault".to_owned()));
}

#[test]
fn the_help_names_every_option_every_persona_and_every_code() {
    let text = help();
    for known in OPTIONS {
        assert!(text.contains(&format!("--{}", known.name)), "{}", known.name);
    }
    for persona in PERSONAS {
        assert!(text.contains(persona.name));
    }
    assert!(text.contains("  64  own"), "{text}");
    assert!(version().contains("This is not mongod."));
}
