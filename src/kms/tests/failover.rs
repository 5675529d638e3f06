//! Which endpoints are asked, in which order, how often, and how long.

use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

use super::aws::{ARN, credentials, decrypted, open};
use super::world::{Act, World};
use crate::kms::failover::most_attempts;
use crate::kms::{AwsKms, Class, KmsError, Settings};

/// Endpoint `a` is private, at 127.0.0.1; `b` is private, at 127.0.0.2; `c` is public, at 127.0.0.3.
fn provider(world: &World, require_private_networking: bool) -> AwsKms {
    let endpoints =
        ["private:http://a,dial=127.0.0.1", "private:http://b,dial=127.0.0.2", "public:http://c,dial=127.0.0.3"];
    let settings = Settings {
        endpoints: endpoints.map(|endpoint| endpoint.parse().unwrap()).into(),
        require_private_networking,
        allow_plain_http: true,
        ..Settings::default()
    };
    AwsKms::new(world.env(), settings)
}

fn servers(a: Vec<Act>, b: Vec<Act>, c: Vec<Act>) -> World {
    let world = World::new();
    world.server("127.0.0.1:80", a).server("127.0.0.2:80", b).server("127.0.0.3:80", c);
    world
}

/// The endpoints that were connected to, by their last digit.
fn asked(world: &World) -> String {
    world
        .state()
        .connections
        .iter()
        .map(|to| to.as_bytes()[8] as char)
        .map(|digit| match digit {
            '1' => 'a',
            '2' => 'b',
            _ => 'c',
        })
        .collect()
}

fn refusal(code: &str, message: &str) -> Act {
    Act::json(400, &format!(r#"{{"__type":"{code}","message":"{message}"}}"#))
}

fn busy() -> Act {
    Act::json(503, r#"{"__type":"DependencyTimeoutException"}"#)
}

fn outcomes(error: &KmsError) -> Vec<String> {
    error.attempts.iter().map(|attempt| format!("{}: {}", attempt.endpoint, attempt.outcome)).collect()
}

/// How long a future takes on the paused clock.
pub(super) async fn timed<T>(future: impl Future<Output = T>) -> (T, Duration) {
    let start = now();
    let output = future.await;
    (output, now() - start)
}

#[expect(clippy::disallowed_methods, reason = "the test's own stop watch")]
fn now() -> Instant {
    Instant::now()
}

#[tokio::test(start_paused = true)]
async fn the_first_endpoint_that_answers_is_the_only_one_asked() {
    let world = servers(vec![decrypted()], vec![decrypted()], vec![decrypted()]);
    open(&provider(&world, false), credentials(), ARN).await.unwrap();
    assert_eq!(asked(&world), "a");
}

#[tokio::test(start_paused = true)]
async fn every_fault_of_the_transport_and_of_the_service_leads_to_the_next_endpoint() {
    let faults = [
        Act::Refuse,
        Act::BlackHole,
        Act::Silent,
        Act::Close,
        Act::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{".to_vec()),
        Act::Raw(b"SSH-2.0-OpenSSH_9.6\r\n".to_vec()),
        Act::text(200, "text/html", "<html>log in</html>"),
        Act::text(200, "application/x-amz-json-1.1", &" ".repeat(70_000)),
        busy(),
    ];
    for fault in faults {
        let world = servers(vec![fault.clone()], vec![fault.clone()], vec![decrypted()]);
        open(&provider(&world, false), credentials(), ARN).await.unwrap_or_else(|error| panic!("{fault:?}: {error}"));
        assert_eq!(asked(&world), "abc", "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_by_the_provider_is_final() {
    for code in [
        "DisabledException",
        "ExpiredTokenException",
        "AccessDeniedException",
        "NotFoundException",
        "WhateverException",
    ] {
        let world = servers(vec![refusal(code, "no")], vec![decrypted()], vec![decrypted()]);
        let error = open(&provider(&world, false), credentials(), ARN).await.unwrap_err();
        assert_eq!(error.code.as_deref(), Some(code));
        assert_eq!(asked(&world), "a", "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_policy_of_an_endpoint_leads_to_other_private_endpoints_alone() {
    let policy = || refusal("AccessDeniedException", "because no VPC endpoint policy allows the kms:Decrypt action");
    let world = servers(vec![policy()], vec![decrypted()], vec![decrypted()]);
    open(&provider(&world, false), credentials(), ARN).await.unwrap();
    assert_eq!(asked(&world), "ab");

    let world = servers(vec![policy()], vec![Act::Refuse], vec![decrypted()]);
    let error = open(&provider(&world, false), credentials(), ARN).await.unwrap_err();
    assert_eq!(error.class, Class::EndpointPolicyDenied);
    assert_eq!(asked(&world), "ab");
    insta::assert_snapshot!(outcomes(&error).join("\n"), @r"
    private:http://a,dial=127.0.0.1: 400 AccessDeniedException
    private:http://b,dial=127.0.0.2: connection refused
    public:http://c,dial=127.0.0.3: not tried: it is public
    ");
}

#[tokio::test(start_paused = true)]
async fn throttling_is_waited_out_once_at_the_same_endpoint() {
    let slow_down = || refusal("ThrottlingException", "Rate exceeded");
    let world = servers(vec![slow_down(), decrypted()], vec![decrypted()], vec![decrypted()]);
    let (opened, time) = timed(open(&provider(&world, false), credentials(), ARN)).await;
    assert!(opened.is_ok());
    assert_eq!((asked(&world).as_str(), time), ("aa", Duration::from_millis(200)));

    let world = servers(vec![slow_down()], vec![decrypted()], vec![decrypted()]);
    let error = open(&provider(&world, false), credentials(), ARN).await.unwrap_err();
    assert_eq!((error.class, asked(&world).as_str()), (Class::Throttled, "aa"));
}

#[tokio::test(start_paused = true)]
async fn a_failing_service_is_asked_everywhere_twice_and_no_more() {
    let world = servers(vec![busy()], vec![busy()], vec![busy()]);
    let error = open(&provider(&world, false), credentials(), ARN).await.unwrap_err();
    assert_eq!((error.class, error.status), (Class::CloudInternal, Some(503)));
    assert_eq!(asked(&world), "abcabc");
    assert_eq!(asked(&world).len(), most_attempts(3));

    // What did not answer at all is not asked again.
    let world = servers(vec![Act::Refuse], vec![busy()], vec![Act::Refuse]);
    let error = open(&provider(&world, false), credentials(), ARN).await.unwrap_err();
    assert_eq!((error.class, asked(&world).as_str()), (Class::CloudInternal, "abcb"));
}

#[tokio::test(start_paused = true)]
async fn two_black_holes_leave_time_for_the_third_endpoint() {
    let world = servers(vec![Act::BlackHole], vec![Act::BlackHole], vec![decrypted()]);
    let (opened, time) = timed(open(&provider(&world, false), credentials(), ARN)).await;
    assert!(opened.is_ok());
    // Each of the two takes the connect timeout, and a timer's millisecond at most.
    assert!((2400..2410).contains(&time.as_millis()), "{time:?}");
}

#[tokio::test(start_paused = true)]
async fn silence_at_the_first_endpoint_leaves_an_equal_share_to_each_of_the_others() {
    let slow = Act::Slow(Duration::from_millis(1300), Box::new(decrypted()));
    let world = servers(vec![Act::Silent], vec![Act::Silent], vec![slow]);
    let (opened, time) = timed(open(&provider(&world, false), credentials(), ARN)).await;
    assert!(opened.is_ok());
    assert!((3960..3980).contains(&time.as_millis()), "{time:?}");
}

#[tokio::test(start_paused = true)]
async fn the_deadline_holds_whatever_the_endpoints_do() {
    let never = [Act::BlackHole, Act::Silent, Act::Slow(Duration::from_millis(1250), Box::new(busy()))];
    let classes = [Class::EndpointUnreachable, Class::DeadlineExceeded, Class::CloudInternal];
    for (act, class) in never.into_iter().zip(classes) {
        let world = servers(vec![act.clone()], vec![act.clone()], vec![act.clone()]);
        let (opened, time) = timed(open(&provider(&world, false), credentials(), ARN)).await;
        assert_eq!(opened.unwrap_err().class, class, "{act:?}");
        assert!(time <= Duration::from_millis(4005), "{act:?}: {time:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_single_slow_endpoint_has_the_whole_deadline() {
    let slow = |milliseconds| Act::Slow(Duration::from_millis(milliseconds), Box::new(decrypted()));
    for (milliseconds, class) in [(3900, None), (4100, Some(Class::DeadlineExceeded))] {
        let world = World::new();
        let kms = super::aws::provider(&world, [slow(milliseconds)]);
        assert_eq!(open(&kms, credentials(), ARN).await.err().map(|error| error.class), class);
    }
}

#[tokio::test(start_paused = true)]
async fn with_private_networking_required_public_endpoints_are_left_out() {
    let world = servers(vec![Act::Refuse], vec![Act::BlackHole], vec![decrypted()]);
    let error = open(&provider(&world, true), credentials(), ARN).await.unwrap_err();
    assert_eq!((error.class, asked(&world).as_str()), (Class::EndpointUnreachable, "ab"));
    insta::assert_snapshot!(outcomes(&error).join("\n"), @r"
    private:http://a,dial=127.0.0.1: connection refused
    private:http://b,dial=127.0.0.2: connect timed out
    public:http://c,dial=127.0.0.3: not tried: it is public
    ");

    let settings = Settings { require_private_networking: true, ..Settings::default() };
    let error = open(&AwsKms::new(world.env(), settings), credentials(), ARN).await.unwrap_err();
    assert_eq!(error.class, Class::NetworkNotPrivate);
    insta::assert_snapshot!(error.to_string(), @"AWS KMS: network-not-private: private networking is required, and no endpoint is marked private");
    assert_eq!(outcomes(&error), ["https://kms.us-east-1.amazonaws.com: not tried: it is public"]);
}

#[tokio::test(start_paused = true)]
async fn a_private_name_with_one_public_address_is_not_connected_to() {
    let world = World::new();
    world.name("vpce.example", &["10.0.0.5", "203.0.113.9"]).name("other.example", &["203.0.113.10"]);
    let settings = Settings {
        endpoints: ["private:https://vpce.example", "private:https://other.example"].map(|e| e.parse().unwrap()).into(),
        require_private_networking: true,
        ..Settings::default()
    };
    let error = open(&AwsKms::new(world.env(), settings), credentials(), ARN).await.unwrap_err();
    assert_eq!(error.class, Class::NetworkNotPrivate);
    assert!(world.state().connections.is_empty());
    insta::assert_snapshot!(outcomes(&error).join("\n"), @r"
    private:https://vpce.example: not connected: 203.0.113.9 is not a private address
    private:https://other.example: not connected: 203.0.113.10 is not a private address
    ");
}

#[tokio::test(start_paused = true)]
async fn plain_http_does_not_leave_this_machine_whatever_a_name_resolves_to() {
    let world = World::new();
    world.name("localhost", &["127.0.0.1", "10.0.0.5"]).server("127.0.0.1:80", [decrypted()]);
    for allow_plain_http in [true, false] {
        let settings =
            Settings { endpoints: vec!["http://localhost".parse().unwrap()], allow_plain_http, ..Settings::default() };
        let error = open(&AwsKms::new(world.env(), settings), credentials(), ARN).await.unwrap_err();
        assert_eq!(error.class, Class::EndpointUnreachable);
    }
    assert!(world.state().connections.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_addresses_of_one_name_share_its_time_for_connecting() {
    let world = World::new();
    world.name("localhost", &["127.0.0.1", "127.0.0.2", "127.0.0.3"]);
    world
        .server("127.0.0.1:80", [Act::Refuse])
        .server("127.0.0.2:80", [Act::BlackHole])
        .server("127.0.0.3:80", [decrypted()]);
    let settings = Settings {
        endpoints: vec!["http://localhost".parse().unwrap()],
        allow_plain_http: true,
        ..Settings::default()
    };
    let (opened, time) = timed(open(&AwsKms::new(world.env(), settings), credentials(), ARN)).await;
    assert!(opened.is_ok());
    assert_eq!(asked(&world), "abc");
    assert!((600..605).contains(&time.as_millis()), "{time:?}");
}

#[tokio::test(start_paused = true)]
async fn an_unknown_name_is_said_to_be_one() {
    let world = World::new();
    let error = open(&AwsKms::new(world.env(), Settings::default()), credentials(), ARN).await.unwrap_err();
    assert_eq!(error.class, Class::EndpointUnreachable);
    assert_eq!(outcomes(&error), ["https://kms.us-east-1.amazonaws.com: name not found"]);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_takes_its_connection_with_it() {
    let world = servers(vec![Act::Silent], vec![Act::Silent], vec![Act::Silent]);
    let kms = provider(&world, false);
    let call = tokio::time::timeout(Duration::from_millis(100), open(&kms, credentials(), ARN));
    assert!(call.await.is_err());
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(world.state().hung_up, 1);
    assert_eq!(asked(&world), "a");
}
