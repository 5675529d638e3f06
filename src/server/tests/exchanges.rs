//! Requests and answers on one connection.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_request_may_arrive_in_two_pieces_cut_anywhere() {
    let bench = Bench::new();
    let mut client = bench.client().await;
    let message = message(7, 40);
    for cut in 1..message.len() {
        let (first, second) = message.split_at(cut);
        client.write_all(first).await.unwrap();
        client.flush().await.unwrap();
        settle().await;
        assert_eq!(bench.scribe.asked(), cut - 1, "asked before the message was whole");
        client.write_all(second).await.unwrap();
        client.flush().await.unwrap();
        assert_eq!(at_once(read(&mut client, message.len() + 2)).await, answer_to(&message), "cut at {cut}");
    }
}

#[tokio::test(start_paused = true)]
async fn requests_in_one_write_are_answered_one_by_one() {
    let bench = Bench::new();
    let mut client = bench.client().await;
    let (one, two, empty) = (message(1, 16), message(2, 3000), message(0, 0));
    client.write_all(&[one.as_slice(), &two, &empty].concat()).await.unwrap();
    client.flush().await.unwrap();
    let expected = [answer_to(&one), answer_to(&two), answer_to(&empty)].concat();
    assert_eq!(at_once(read(&mut client, expected.len())).await, expected);
    assert_eq!(*bench.scribe.messages.lock().unwrap(), [one, two, empty]);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_comes_during_an_answer_waits_for_its_turn() {
    let bench = Bench::new();
    let gate = bench.scribe.hold();
    let mut client = bench.client().await;
    let (one, two) = (message(1, 16), message(2, 2048));
    client.write_all(&one).await.unwrap();
    client.flush().await.unwrap();
    bench.scribe.until_asked(1).await;
    client.write_all(&two).await.unwrap();
    client.flush().await.unwrap();
    settle().await;
    assert_eq!(bench.scribe.asked(), 1, "two requests of one connection were answered at the same time");
    gate.add_permits(2);
    let expected = [answer_to(&one), answer_to(&two)].concat();
    assert_eq!(at_once(read(&mut client, expected.len())).await, expected);
}

#[tokio::test(start_paused = true)]
async fn close_notify_is_answered_by_closing_at_once() {
    let bench = Bench::new();
    for exchanges in 0..2 {
        let mut client = bench.client().await;
        for _ in 0..exchanges {
            client.write_all(&message(1, 8)).await.unwrap();
            client.flush().await.unwrap();
            at_once(read(&mut client, 18)).await;
        }
        client.shutdown().await.unwrap();
        assert_eq!(at_once(rest(&mut client)).await, b"");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_hangs_up_cancels_its_answer() {
    let bench = Bench::new();
    bench.scribe.hold();
    for (index, how) in ["it dies", "it says close_notify", "it closes its half without a word"].into_iter().enumerate()
    {
        let mut client = bench.client().await;
        client.write_all(&message(1, 8)).await.unwrap();
        client.flush().await.unwrap();
        bench.scribe.until_asked(index + 1).await;
        assert_eq!(*bench.scribe.cancelled.lock().unwrap(), index, "before {how}");
        match index {
            0 => drop(client),
            1 => {
                client.shutdown().await.unwrap();
                assert_eq!(nothing_more(client).await, b"");
            }
            _ => {
                client.get_mut().0.shutdown().await.unwrap();
                assert_eq!(nothing_more(client).await, b"");
            }
        }
        bench.scribe.until_cancelled(index + 1).await;
    }
}

/// What a client that has gone first still reads until the server has closed, with or without close_notify.
async fn nothing_more(mut client: TlsStream<DuplexStream>) -> Vec<u8> {
    let mut left = Vec::new();
    let _ = at_once(client.read_to_end(&mut left)).await;
    left
}

#[tokio::test(start_paused = true)]
async fn a_length_beyond_the_limit_is_answered_from_the_header_and_ends_the_connection() {
    let limit = Limits::default().message;
    for length in [u32::MAX, u32::try_from(limit).unwrap()] {
        let bench = Bench::new();
        let mut client = bench.client().await;
        let header = [&0x4200_7801_u32.to_be_bytes()[..], &length.to_be_bytes()].concat();
        // What follows looks like a request of its own; it is a part of the long one, and nobody may answer it.
        client.write_all(&[header.as_slice(), &message(1, 8)].concat()).await.unwrap();
        client.flush().await.unwrap();
        assert_eq!(at_once(rest(&mut client)).await, answer_to(&header), "{length:x}");
        assert_eq!(*bench.scribe.messages.lock().unwrap(), [header]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_of_just_the_limit_is_taken() {
    let bench = Bench::with(Limits { message: 4096, ..Limits::default() });
    let mut client = bench.client().await;
    let longest = message(3, 4096 - 8);
    client.write_all(&longest).await.unwrap();
    client.flush().await.unwrap();
    assert_eq!(at_once(read(&mut client, longest.len() + 2)).await, answer_to(&longest));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_kmip_ends_the_connection_without_an_answer() {
    let mut response = message(0, 8);
    response[2] = 0x7B;
    for garbage in [b"GET / HTTP/1.1\r\nhost: x\r\n\r\n".as_slice(), &[0; 64], &[0xFF; 9], &response] {
        let bench = Bench::new();
        let mut client = bench.client().await;
        client.write_all(garbage).await.unwrap();
        client.flush().await.unwrap();
        assert_eq!(at_once(rest(&mut client)).await, b"", "{garbage:x?}");
        assert_eq!(bench.scribe.asked(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_never_becomes_whole_is_given_up_and_an_idle_client_is_not() {
    let bench = Bench::new();
    let mut slow = bench.client().await;
    let mut idle = bench.client().await;
    slow.write_all(&message(1, 64)[..20]).await.unwrap();
    slow.flush().await.unwrap();
    let mut byte = [0];
    let arrival = Limits::default().arrival;
    let early = timeout(arrival - Duration::from_millis(1), slow.read(&mut byte)).await;
    assert!(early.is_err(), "given up too early");
    let late = timeout(Duration::from_millis(3), slow.read(&mut byte)).await;
    assert!(late.is_ok(), "given up too late");

    sleep(Limits::default().idle - 2 * arrival).await;
    idle.write_all(&message(1, 8)).await.unwrap();
    idle.flush().await.unwrap();
    assert_eq!(at_once(read(&mut idle, 18)).await, answer_to(&message(1, 8)));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_its_answer_is_given_up() {
    let asked = message(1, 40_000);
    let whole = 3 * (asked.len() + 2);
    let departure = Limits::default().departure;
    for (patience, in_time) in [(departure - Duration::from_millis(1), true), (departure, false)] {
        let bench = Bench::new();
        let mut deaf = bench.client().await;
        for _ in 0..3 {
            // Longer answers than the stream's buffer has room for.
            send(&mut deaf, &asked).await;
        }
        sleep(patience + Duration::from_micros(1)).await;
        deaf.shutdown().await.unwrap_or_default();
        let mut heard = Vec::new();
        let _ = at_once(deaf.read_to_end(&mut heard)).await;
        assert_eq!(heard.len() == whole, in_time, "{} of {whole} bytes", heard.len());
    }
}
