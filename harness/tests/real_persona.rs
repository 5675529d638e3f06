//! `mongod-persona` as a process: against the real proxy with the provider `local`, and asked by a real driver.
//!
//! The proxy is the program `kmipProxyStandalone` beside the one under test; where it is not built, tests that need it
//! print that they were skipped.

#[cfg(test)]
mod real_persona {
    mod programs;

    use std::fs;
    use std::time::{Duration, SystemTime};

    use kmiplab::trace::{Event, ProcessState, Trace, What};
    use kmiplab::world::persona_events::PersonaEvents;
    use mongodb::bson::{Document, doc};
    use serde_json::{Value, json};

    use programs::{FINGERPRINT_KEY, Persona, Proxy, ended};

    /// Runs the program to its end in an empty folder.
    fn ended_alone(arguments: &[&str]) -> (Option<i32>, String, String) {
        let folder = tempfile::tempdir().unwrap();
        ended(arguments, folder.path(), &folder.path().join("events"))
    }

    /// The run of a persona's events, as the laboratory reads them.
    fn heard(persona: &Persona) -> Vec<Event> {
        let trace = Trace::new(b"key", || Duration::ZERO);
        let mut reader = PersonaEvents::new(trace.clone(), SystemTime::UNIX_EPOCH);
        reader.feed(&fs::read(persona.events()).unwrap()).unwrap();
        assert!(!reader.is_within_a_line());
        assert!(reader.lines() > 0);
        trace.take_in_order().events
    }

    /// The operations that were asked for, in order.
    fn operations(events: &[Event]) -> Vec<&str> {
        let asked = events.iter().filter_map(|event| match &event.what {
            What::Request { operations, .. } => Some(operations.iter().map(String::as_str)),
            _ => None,
        });
        asked.flatten().collect()
    }

    /// Which key was made or used, and the fingerprint of its material.
    fn keys(events: &[Event]) -> Vec<(&'static str, String, String)> {
        let keys = events.iter().filter_map(|event| match &event.what {
            What::Made { key, material } => Some(("made", key.clone(), material.0.clone())),
            What::Used { key, material } => Some(("used", key.clone(), material.0.clone())),
            _ => None,
        });
        keys.collect()
    }

    fn is_ready(events: &[Event]) -> bool {
        let ready = |event: &&Event| matches!(event.what, What::Process { state: ProcessState::Ready, .. });
        events.iter().filter(ready).count() == 1
    }

    #[test]
    fn an_unknown_option_is_refused_in_the_words_and_with_the_code_of_mongod() {
        let (code, out, err) = ended_alone(&["--enableEncryptionn"]);
        let said = format!(
            "Error parsing command line: unrecognised option '--enableEncryptionn'\ntry '{} --help' for more information\n",
            env!("CARGO_BIN_EXE_mongod-persona")
        );
        assert_eq!((code, out.as_str(), err), (Some(2), "", said));
    }

    #[test]
    fn the_version_says_what_the_program_is_not() {
        let (code, out, err) = ended_alone(&["--version"]);
        assert_eq!((code, err.as_str()), (Some(0), ""));
        assert!(out.starts_with("mongod-persona 0.0.0-persona\nThis is not mongod."), "{out}");
    }

    #[test]
    fn a_folder_that_is_not_there_or_holds_a_real_database_is_refused() {
        let (folder, events) = (tempfile::tempdir().unwrap(), tempfile::NamedTempFile::new().unwrap());
        let (code, out, _) = ended(&["--dbpath", "none"], folder.path(), events.path());
        assert_eq!(code, Some(100));
        assert!(out.contains("NonExistentPath: Data directory none not found."), "{out}");
        for real in ["WiredTiger", "storage.bson"] {
            let file = folder.path().join(real);
            fs::write(&file, "").unwrap();
            let (code, out, _) = ended(&["--dbpath", "."], folder.path(), events.path());
            assert_eq!(code, Some(71), "{out}");
            assert!(out.contains(&format!("`{real}` of a real database")), "{out}");
            fs::remove_file(file).unwrap();
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "and nothing is left there");
    }

    #[test]
    fn the_first_line_says_that_it_is_a_persona_and_on_what_evidence() {
        let (code, out, _) = ended_alone(&["--dbpath", ".", "--persona", "enterprise-1.2"]);
        assert_eq!(code, Some(72), "without encryption there is nothing to play");
        let first: Value = serde_json::from_str(out.lines().next().unwrap()).unwrap();
        assert_eq!((&first["persona"], &first["attr"]["persona"]), (&json!(true), &json!("enterprise-1.2")));
        assert!(first["attr"]["evidence"].as_str().unwrap().starts_with("synthetic"), "{first}");
    }

    #[test]
    fn events_that_cannot_be_written_end_it() {
        let folder = tempfile::tempdir().unwrap();
        let (code, _, err) = ended(&["--dbpath", "."], folder.path(), &folder.path().join("none/events"));
        assert_eq!(code, Some(73), "{err}");
        assert!(err.starts_with("mongod-persona: KMIPLAB_EVENTS cannot be opened: "), "{err}");
    }

    #[test]
    fn psmdb_8_registers_its_key_at_the_first_start_and_gets_it_at_the_second() {
        let Some(proxy) = Proxy::start() else { return };
        let mut first = Persona::start(&proxy, "db", &[]);
        first.ready();
        assert_eq!(first.stop(), Some(0), "SIGTERM");
        let mut second = Persona::start(&proxy, "db", &[]);
        second.ready();
        assert_eq!(second.stop(), Some(0));

        let (first, second) = (heard(&first), heard(&second));
        assert_eq!(operations(&first), ["Register", "Activate"]);
        assert_eq!(operations(&second), ["GetAttributes", "Get"]);
        assert!(is_ready(&first) && is_ready(&second));
        let ([(made, key, material)], [(used, same_key, same_material)]) = (&keys(&first)[..], &keys(&second)[..])
        else {
            panic!("{first:?}\n{second:?}");
        };
        assert_eq!((*made, *used), ("made", "used"));
        assert_eq!((key, material), (same_key, same_material), "one key for fingerprints, one fingerprint");
        let answered = second.iter().find_map(|event| match &event.what {
            What::Answer { material, .. } => material.clone(),
            _ => None,
        });
        assert_eq!(answered.map(|material| material.0).as_ref(), Some(material));
        assert!(second.iter().all(|event| event.host == "mongod"), "no finding of the laboratory's among them");
    }

    #[test]
    fn without_activation_only_one_operation_is_asked_for_at_each_start() {
        let Some(proxy) = Proxy::start() else { return };
        for asked in ["Register", "Get"] {
            let mut persona = Persona::start(&proxy, "db", &["--kmipActivateKeys", "false"]);
            persona.ready();
            assert_eq!(persona.stop(), Some(0));
            assert_eq!(operations(&heard(&persona)), [asked]);
        }
    }

    #[test]
    fn a_key_that_does_not_open_the_data_is_refused() {
        let Some(proxy) = Proxy::start() else { return };
        for folder in ["db", "other"] {
            let mut persona = Persona::start(&proxy, folder, &[]);
            persona.ready();
            assert_eq!(persona.stop(), Some(0));
        }
        // The identifier of the other database's key, with this one's check value.
        let marker = |folder: &str| proxy.folder().join(folder).join("storage-engine.json");
        let read = |folder: &str| -> Value { serde_json::from_slice(&fs::read(marker(folder)).unwrap()).unwrap() };
        let (mut mixed, other) = (read("db"), read("other"));
        assert_ne!(mixed["key_identifier"], other["key_identifier"]);
        mixed["key_identifier"] = other["key_identifier"].clone();
        fs::write(marker("db"), mixed.to_string()).unwrap();
        let mut persona = Persona::start(&proxy, "db", &[]);
        assert_eq!(persona.end(), Some(64));
        let events = heard(&persona);
        assert!(!is_ready(&events), "{events:?}");
        assert_eq!(keys(&events), []);
        assert_eq!(operations(&events), ["GetAttributes", "Get"]);
        persona.said("The persona ends").expect("it says how it ends");
    }

    #[test]
    fn a_rotation_ends_well_and_the_new_key_opens_the_data() {
        let Some(proxy) = Proxy::start() else { return };
        let mut first = Persona::start(&proxy, "db", &[]);
        first.ready();
        assert_eq!(first.stop(), Some(0));
        let mut rotation = Persona::start(&proxy, "db", &["--kmipRotateMasterKey"]);
        assert_eq!(rotation.end(), Some(0));
        let mut last = Persona::start(&proxy, "db", &[]);
        last.ready();
        assert_eq!(last.stop(), Some(0));
        let rotated = heard(&rotation);
        assert_eq!(operations(&rotated), ["Get", "Register", "Activate"]);
        assert!(!is_ready(&rotated));
        let made = keys(&rotated).pop().unwrap();
        assert_eq!(made.0, "made");
        assert_eq!(keys(&heard(&last)), [("used", made.1, made.2)]);
        assert_ne!(keys(&heard(&first)), keys(&heard(&last)));
    }

    #[test]
    fn a_proxy_that_is_gone_keeps_the_data_closed() {
        let Some(mut proxy) = Proxy::start() else { return };
        proxy.end();
        let mut persona = Persona::start(&proxy, "db", &["--kmipConnectRetries", "1"]);
        assert_eq!(persona.end(), Some(64));
        let failed = persona.said("KMIP session failed").expect("it says so");
        assert_eq!((&failed["id"], &failed["c"]), (&json!(29117), &json!("NETWORK")));
        assert_eq!(failed["attr"]["reason"], "Connection refused [system:111]");
        let again = persona.said("KMIP sessions failed for all the server hosts. Trying each host again.");
        assert_eq!(again.unwrap()["attr"]["remainingAttempCount"], "1");
    }

    #[test]
    fn a_folder_or_a_port_that_another_process_has_is_refused() {
        let Some(proxy) = Proxy::start() else { return };
        let mut persona = Persona::start(&proxy, "db", &[]);
        let port = persona.ready().to_string();
        assert_eq!(Persona::start(&proxy, "db", &[]).end(), Some(100));
        let mut second = Persona::start_at(&proxy, "other", &port, &[]);
        assert_eq!(second.end(), Some(48));
        assert_eq!(second.said("Error setting up listener").unwrap()["attr"]["error"]["code"], 9001);
        assert_eq!(persona.stop(), Some(0));
    }

    #[test]
    fn a_driver_is_told_by_every_answer_that_this_is_no_mongod() {
        let Some(proxy) = Proxy::start() else { return };
        let mut persona = Persona::start(&proxy, "db", &["--kmipActivateKeys=false"]);
        let port = persona.ready();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let uri = format!("mongodb://127.0.0.1:{port}/?directConnection=true");
            let admin = mongodb::Client::with_uri_str(uri).await.unwrap().database("admin");
            let ask = async |command: Document| admin.run_command(command).await;
            for command in ["hello", "ping", "buildInfo", "getCmdLineOpts", "serverStatus"] {
                let answer = ask(doc! { command: 1 }).await.unwrap();
                assert!(answer.get_bool("persona").unwrap(), "{command}: {answer}");
            }
            let build = ask(doc! { "buildInfo": 1 }).await.unwrap();
            assert_eq!(build.get_str("version").unwrap(), "0.0.0-persona");
            assert_eq!(build.get_array("modules").unwrap(), &["persona".into()]);
            let options = ask(doc! { "getCmdLineOpts": 1 }).await.unwrap();
            let security = options.get_document("parsed").unwrap().get_document("security").unwrap();
            assert!(security.get_bool("enableEncryption").unwrap());
            let kmip = security.get_document("kmip").unwrap();
            assert_eq!(kmip.get_str("serverName").unwrap(), "127.0.0.1");
            assert_eq!(kmip.get_i32("port").unwrap(), i32::from(proxy.port()));
            assert!(!kmip.get_bool("activateKeys").unwrap());
            let refused = ask(doc! { "insert": "things", "documents": [{ "a": 1 }] }).await.unwrap_err().to_string();
            assert!(refused.contains("this is a persona, not mongod: it keeps no data"), "{refused}");
        });
        assert_eq!(persona.stop(), Some(0));
    }

    #[test]
    fn fingerprints_in_events_are_made_with_the_key_that_it_is_given_and_no_event_holds_a_key() {
        let Some(proxy) = Proxy::start() else { return };
        let mut persona = Persona::start(&proxy, "db", &["--kmipActivateKeys", "false", "--persona", "enterprise-1.2"]);
        persona.ready();
        assert_eq!(persona.stop(), Some(0));
        let made = keys(&heard(&persona)).pop().unwrap();
        let material = proxy.material(&made.1);
        let laboratory = Trace::new(FINGERPRINT_KEY, || Duration::ZERO);
        assert_eq!(made.2, laboratory.fingerprint(&material).0);
        let text = fs::read_to_string(persona.events()).unwrap();
        assert!(!text.contains(&kmiplab::trace::hex(&material)), "{text}");
    }
}
