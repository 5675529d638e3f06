//! The verifier against signers that are not ours, and against everything that can be tampered with.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request};
use serde_json::json;

use super::{Bench, Reply, now};
use crate::clouds::aws::{IssuedCredentials, sigv4};

/// The secret of the AWS documentation's examples of signing.
const EXAMPLE_SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

fn request(method: Method, uri: &str, headers: &[(&str, &str)], body: &str) -> Request<Bytes> {
    let mut request = Request::new(Bytes::from(body.to_owned()));
    *request.method_mut() = method;
    *request.uri_mut() = uri.parse().unwrap();
    for (name, value) in headers {
        let name: HeaderName = name.parse().unwrap();
        request.headers_mut().append(name, HeaderValue::from_str(value).unwrap());
    }
    request
}

#[test]
fn the_examples_that_aws_publishes_have_the_published_signatures() {
    // From the signature version 4 test suite of AWS (aws-signing-test-suite, v4), by the names of its folders.
    let host = ("host", "example.amazonaws.com");
    let date = ("x-amz-date", "20150830T123600Z");
    let token = "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267";
    let digest = "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e";
    let cases = [
        (
            "get-vanilla",
            request(Method::GET, "/", &[host, date], ""),
            "host;x-amz-date",
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        ),
        (
            "get-header-value-trim",
            request(Method::GET, "/", &[host, date, ("my-header1", " value1"), ("my-header2", " \"a   b   c\"")], ""),
            "host;my-header1;my-header2;x-amz-date",
            "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
        ),
        (
            "get-header-key-duplicate",
            request(
                Method::GET,
                "/",
                &[host, date, ("my-header1", "value2"), ("my-header1", "value2"), ("my-header1", "value1")],
                "",
            ),
            "host;my-header1;x-amz-date",
            "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
        ),
        (
            "get-vanilla-query-order-encoded",
            request(Method::GET, "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1", &[host, date], ""),
            "host;x-amz-date",
            "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac",
        ),
        (
            "get-vanilla-with-session-token",
            request(Method::GET, "/", &[host, date, ("x-amz-security-token", token)], ""),
            "host;x-amz-date;x-amz-security-token",
            "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8",
        ),
        (
            "post-x-www-form-urlencoded",
            request(
                Method::POST,
                "/",
                &[
                    host,
                    date,
                    ("content-length", "13"),
                    ("content-type", "application/x-www-form-urlencoded"),
                    ("x-amz-content-sha256", digest),
                ],
                "Param1=value1",
            ),
            "content-length;content-type;host;x-amz-content-sha256;x-amz-date",
            "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b",
        ),
    ];
    for (name, request, signed, published) in cases {
        let signed: Vec<String> = signed.split(';').map(str::to_owned).collect();
        let signature = sigv4::signature(&request, &signed, EXAMPLE_SECRET, "20150830T123600Z", "us-east-1", "service");
        assert_eq!(signature, published, "{name}");
    }
}

/// Signed by boto3 1.44.5 (botocore 1.44.5) with the documentation's example credentials, and recorded on their way to
/// a loopback port on 2026-11-22.
fn captured(headers: &[(&str, &str)], signed: &str, service: &str, signature: &str, body: &str) -> Request<Bytes> {
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261122/us-east-1/{service}/aws4_request, SignedHeaders={signed}, Signature={signature}"
    );
    let common = [
        ("host", "127.0.0.1:45991"),
        ("accept-encoding", "identity"),
        ("x-amz-date", "20261122T032201Z"),
        ("x-amz-security-token", "FwoGZXIvYXdzEXAMPLETOKEN"),
        ("authorization", authorization.as_str()),
        ("amz-sdk-request", "attempt=1; max=2"),
    ];
    request(Method::POST, "/", &[&common, headers].concat(), body)
}

fn captured_decrypt() -> Request<Bytes> {
    captured(
        &[("x-amz-target", "TrentService.Decrypt"), ("content-type", "application/x-amz-json-1.1")],
        "content-type;host;x-amz-date;x-amz-security-token;x-amz-target",
        "kms",
        "0fb559787856bd5172d8d310921e9ebecf0f7d0a7537e253e96a00034c74ef96",
        r#"{"CiphertextBlob": "ZmUyZjI3MWYtNzNlZC00ZGI4LThmZGItYjg4YzU2ZDU5N2U4xIZ40AQ+tyEpuLjnN/f97SWZT704517r3JTu3SGLjpn5ROKUgmVwZ79cpF0vhcs8iW/1JZcYfknv+Yb+"}"#,
    )
}

fn captured_describe_key() -> Request<Bytes> {
    captured(
        &[("x-amz-target", "TrentService.DescribeKey"), ("content-type", "application/x-amz-json-1.1")],
        "content-type;host;x-amz-date;x-amz-security-token;x-amz-target",
        "kms",
        "0e7885105c52fdea30e5446bde57f9c10fcf9c2eb15e51004f8bdde496d6a1df",
        r#"{"KeyId": "fe2f271f-73ed-4db8-8fdb-b88c56d597e8"}"#,
    )
}

fn captured_assume_role() -> Request<Bytes> {
    captured(
        &[("content-type", "application/x-www-form-urlencoded; charset=utf-8")],
        "content-type;host;x-amz-date;x-amz-security-token",
        "sts",
        "8aa5a914c4e6b47409c4524d636142b22fc1aaf6987f6a3491b7183b03b2f8b4",
        "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fatlas-kms&RoleSessionName=kmip-proxy&ExternalId=019dd98d-94b4-bb77-8e75-52e4aaaaaaaa&DurationSeconds=3600",
    )
}

fn bench_for_captures() -> Bench {
    let mut bench = Bench::new();
    let credentials = IssuedCredentials {
        access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
        secret_access_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(),
        session_token: Some("FwoGZXIvYXdzEXAMPLETOKEN".to_owned()),
    };
    bench.aws.identities.adopt("boto3", &credentials);
    bench
}

/// A captured request has no key and no role here, so that the refusal shows how far it came.
#[test]
fn requests_that_boto3_signed_are_accepted() {
    let mut bench = bench_for_captures();
    assert_eq!(bench.send(&captured_decrypt()).body, r#"{"__type":"InvalidCiphertextException"}"#);
    let described = bench.send(&captured_describe_key()).body;
    assert!(described.contains("key/fe2f271f-73ed-4db8-8fdb-b88c56d597e8' does not exist"), "{described}");
    let assumed = bench.send(&captured_assume_role()).body;
    assert!(assumed.contains("arn:aws:iam::111122223333:user/boto3 is not authorized to perform"), "{assumed}");
}

#[test]
fn a_captured_request_is_refused_once_anything_signed_in_it_is_changed() {
    let tampered = |change: &dyn Fn(&mut Request<Bytes>)| -> Reply {
        let mut request = captured_decrypt();
        change(&mut request);
        bench_for_captures().send(&request)
    };
    let set = |request: &mut Request<Bytes>, name: &'static str, value: &str| {
        request.headers_mut().insert(name, value.parse().unwrap());
    };
    let mismatch = |reply: Reply| {
        assert_eq!(reply.status, 400);
        assert!(reply.body.starts_with(r#"{"__type":"InvalidSignatureException","message":"The request signature"#));
    };
    mismatch(tampered(&|request| *request.body_mut() = Bytes::from_static(b"{}")));
    mismatch(tampered(&|request| *request.uri_mut() = "/?a=b".parse().unwrap()));
    mismatch(tampered(&|request| set(request, "x-amz-target", "TrentService.Encrypt")));
    mismatch(tampered(&|request| set(request, "host", "127.0.0.1:45992")));
    mismatch(tampered(&|request| set(request, "content-type", "application/json")));
    mismatch(tampered(&|request| set(request, "x-amz-date", "20261122T032202Z")));
    let unsigned = tampered(&|request| set(request, "x-amz-content-sha256", "UNSIGNED-PAYLOAD"));
    assert!(unsigned.body.contains("'X-Amz-Content-Sha256' must be a 'SignedHeader'"), "{}", unsigned.body);
    let token = tampered(&|request| set(request, "x-amz-security-token", "another"));
    assert!(token.body.contains("UnrecognizedClientException"), "{}", token.body);
    let bare = tampered(&|request| drop(request.headers_mut().remove("x-amz-security-token")));
    assert!(bare.body.contains("UnrecognizedClientException"), "{}", bare.body);
}

#[test]
fn headers_outside_of_the_signature_may_change_on_the_way() {
    let mut request = captured_decrypt();
    request.headers_mut().insert("user-agent", "another".parse().unwrap());
    request.headers_mut().insert("amz-sdk-request", "attempt=2; max=2".parse().unwrap());
    assert_eq!(bench_for_captures().send(&request).body, r#"{"__type":"InvalidCiphertextException"}"#);
}

#[test]
fn the_window_is_five_minutes_both_ways_and_includes_its_ends() {
    let mut bench = Bench::new();
    let blob = bench.wrapped();
    for (apart, accepted) in [(0, true), (300, true), (301, false)] {
        for client_is_ahead in [false, true] {
            let apart = Duration::from_secs(apart);
            bench.client.at = if client_is_ahead { now() + apart } else { now() - apart };
            let reply = bench.decrypt(&blob);
            assert_eq!(reply.status == 200, accepted, "{apart:?}, ahead: {client_is_ahead}: {}", reply.body);
        }
    }
}

#[test]
fn a_declared_body_hash_that_is_signed_and_wrong_is_a_mismatch() {
    let bench = Bench::new();
    let mut request = bench.client.kms("DescribeKey", &json!({"KeyId": bench.key}).to_string());
    request.headers_mut().remove("authorization");
    request.headers_mut().insert("x-amz-content-sha256", "UNSIGNED-PAYLOAD".parse().unwrap());
    bench.client.sign(&mut request, "kms");
    let mut bench = bench;
    assert!(bench.send(&request).body.contains("InvalidSignatureException"));
}

#[test]
fn no_client_of_aws_is_among_the_dependencies_of_the_laboratory() {
    let manifest = include_str!("../../../../Cargo.toml");
    let found: Vec<&str> = manifest.lines().filter(|line| line.starts_with("aws-")).collect();
    assert!(found.is_empty(), "the fake would share code with what it judges: {found:?}");
}
