//! The generated certificates and the TLS server as OpenSSL sees them.

use std::process::{Command, Stdio};

use super::process::{Dbpath, Proxy, to_the_end};

/// OpenSSL with the arguments of one line, in the dbpath.
fn openssl(dbpath: &Dbpath, line: &str) -> (Option<i32>, String) {
    let mut command = Command::new("openssl");
    command.current_dir(dbpath.path()).args(line.split_whitespace()).stdin(Stdio::null());
    let (code, out, error) = to_the_end(command);
    (code, out + &error)
}

/// A proxy, or a printed reason where this machine has no OpenSSL.
fn served() -> Option<(Dbpath, Proxy)> {
    let there =
        Command::new("openssl").arg("version").stdout(Stdio::null()).status().is_ok_and(|status| status.success());
    if !there {
        eprintln!("skipped: there is no `openssl` here");
        return None;
    }
    let dbpath = Dbpath::local();
    let proxy = dbpath.serve("local");
    Some((dbpath, proxy))
}

/// What a client does that trusts the authority and nothing else.
const TRUSTING: &str = "-CAfile kmipCA.pem -verify_return_error";

/// What a client shows.
const OWN: &str = "-cert kmipClient.pem -key kmipClient.pem";

#[test]
fn openssl_shakes_hands_in_tls_1_2_and_1_3_under_every_name_of_loopback() {
    let Some((dbpath, proxy)) = served() else { return };
    for (version, said) in [("-tls1_2", "Protocol version: TLSv1.2"), ("-tls1_3", "Protocol version: TLSv1.3")] {
        for name in ["-verify_hostname localhost", "-verify_ip 127.0.0.1", "-verify_ip ::1"] {
            let line = format!("s_client -brief -connect 127.0.0.1:{} {TRUSTING} {OWN} {version} {name}", proxy.port);
            let (code, told) = openssl(&dbpath, &line);
            assert!(code == Some(0) && told.contains(said) && told.contains("Verification: OK"), "{line}: {told}");
        }
    }
    let other =
        format!("s_client -brief -connect 127.0.0.1:{} {TRUSTING} {OWN} -verify_hostname example.com", proxy.port);
    let (code, told) = openssl(&dbpath, &other);
    assert!(code == Some(1) && told.contains("hostname mismatch"), "{told}");
    // TLS 1.1 is too old (RFC 8996); OpenSSL itself must be told to speak it.
    let old = format!(
        "s_client -brief -connect 127.0.0.1:{} {TRUSTING} {OWN} -tls1_1 -cipher DEFAULT@SECLEVEL=0",
        proxy.port
    );
    let (code, told) = openssl(&dbpath, &old);
    assert!(code == Some(1) && told.contains("alert"), "{told}");
}

#[test]
fn openssl_without_a_client_certificate_is_turned_away() {
    let Some((dbpath, proxy)) = served() else { return };
    for version in ["-tls1_2", "-tls1_3"] {
        // -quiet stays until the server has closed: in TLS 1.3 the alert comes after the client's part is done.
        let line = format!("s_client -quiet -connect 127.0.0.1:{} {TRUSTING} {version}", proxy.port);
        let (code, told) = openssl(&dbpath, &line);
        // The alert certificate_required (RFC 8446 section 6.2).
        assert!(code == Some(1) && told.contains("SSL alert number 116"), "{line}: {told}");
    }
    let (code, told) = openssl(
        &dbpath,
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout other.pem -out stranger.pem -subj /CN=mongod -days 1",
    );
    assert_eq!(code, Some(0), "{told}");
    let stranger =
        format!("s_client -quiet -connect 127.0.0.1:{} {TRUSTING} -cert stranger.pem -key other.pem", proxy.port);
    let (code, told) = openssl(&dbpath, &stranger);
    assert!(code == Some(1) && told.contains("alert"), "{told}");
}

#[test]
fn openssl_verifies_the_chain_and_finds_what_each_certificate_is_for() {
    let Some((dbpath, proxy)) = served() else { return };
    let shown = format!("s_client -showcerts -connect 127.0.0.1:{} {TRUSTING} {OWN}", proxy.port);
    let (_, told) = openssl(&dbpath, &shown);
    dbpath.write("server.pem", &told);
    // Strict is what Python 3.13 and later ask for by default.
    for (purpose, file) in [("sslserver", "server.pem"), ("sslclient", "kmipClient.pem")] {
        let (code, told) =
            openssl(&dbpath, &format!("verify -x509_strict -CAfile kmipCA.pem -purpose {purpose} {file}"));
        assert_eq!((code, told), (Some(0), format!("{file}: OK\n")));
        let other = if purpose == "sslserver" { "sslclient" } else { "sslserver" };
        let (code, told) = openssl(&dbpath, &format!("verify -CAfile kmipCA.pem -purpose {other} {file}"));
        assert!(code != Some(0) && told.contains("unsuitable certificate purpose"), "{told}");
    }
    for (file, says) in [
        ("server.pem", &["DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1", "TLS Web Server"][..]),
        ("kmipClient.pem", &["Subject: CN = mongod", "TLS Web Client"]),
        ("kmipCA.pem", &["CA:TRUE, pathlen:0", "Certificate Sign, CRL Sign"]),
    ] {
        let (code, told) = openssl(&dbpath, &format!("x509 -noout -text -nameopt compat,space_eq -in {file}"));
        assert_eq!(code, Some(0), "{told}");
        for part in says.iter().chain(&["ASN1 OID: prime256v1", "ecdsa-with-SHA256"]) {
            assert!(told.contains(part), "{file} says nothing of {part}: {told}");
        }
    }
    let (_, told) = openssl(&dbpath, "x509 -noout -text -in kmipCA.pem");
    assert!(
        !told.contains("PRIVATE KEY") && !String::from_utf8(dbpath.read("kmipCA.pem")).unwrap().contains("PRIVATE")
    );
    assert_eq!((dbpath.mode("kmipCA.pem"), dbpath.mode("kmipClient.pem")), (0o644, 0o600));
}
