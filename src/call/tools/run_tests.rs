//! Tools over real sockets, with servers of the test's own.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::agent::tools::OwnTool;
use crate::agent::tools::schema::Schema;
use crate::net::dns::Names;
use crate::net::https::Reach;
use crate::net::tls::{TlsContext, TlsFiles};

/// A server that gives these answers, one a connection, the last again and again; its port, and how many requests it saw.
async fn server(answers: Vec<&'static str>) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, seen) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let answer = answers[count.fetch_add(1, Ordering::Relaxed).min(answers.len() - 1)];
            let mut request = Vec::new();
            while !request.ends_with(b"}") {
                if socket.read_buf(&mut request).await.unwrap_or_default() == 0 {
                    break;
                }
            }
            let _ = socket.write_all(answer.as_bytes()).await;
            let _ = socket.shutdown().await;
        }
    });
    (port, seen)
}

fn runner(port: u16, allowed: &[&str]) -> ToolRunner {
    let names = Names::new(&["127.0.0.1:9".parse().unwrap()], Duration::from_secs(1)).unwrap();
    let allowed = allowed.iter().map(|network| network.parse().unwrap()).collect();
    let client = HttpsClient::new(names, TlsContext::open(TlsFiles::default()).unwrap(), Reach { allowed, ports: vec![port], plain: true });
    ToolRunner::new(client, Breakers::default())
}

fn run(port: u16, settings: OwnTool) -> ToolRun {
    let url = format!("http://127.0.0.1:{port}/tool").parse().unwrap();
    let settings = OwnTool { name: "free_times".to_owned(), max_answer_bytes: 64, ..settings };
    let (schema, key) = (Schema::default(), Redacted::new("a-key-of-the-tool".to_owned()));
    ToolRun {
        id: "call \u{e9}\r\n".to_owned(),
        tool: Arc::new(Own { settings, schema, url, key }),
        arguments: Redacted::new("{}".to_owned()),
        call: CallId::random(),
        org: OrgId::default_org(),
        agent: "desk".to_owned(),
    }
}

/// Its answer or why there is none, and how often it was asked.
async fn outcome(answers: &[&'static str], settings: OwnTool) -> (Result<String, (&'static str, Option<String>)>, usize) {
    let (port, seen) = server(answers.to_vec()).await;
    let answer = runner(port, &["127.0.0.0/8"]).run(&run(port, settings)).await;
    let answer = answer.map(Redacted::into_inner).map_err(|fault| (fault.reason, fault.said.map(Redacted::into_inner)));
    (answer, seen.load(Ordering::Relaxed))
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n9:30";
const BUSY: &str = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";
const WRONG: &str = "HTTP/1.1 422 Unprocessable\r\ncontent-length: 11\r\n\r\nno such day";
const MOVED: &str = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1/\r\ncontent-length: 0\r\n\r\n";
const BINARY: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n41\r\naaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n0\r\n\r\n";

#[tokio::test]
async fn a_tool_is_tried_again_where_that_may_help_and_nowhere_else() {
    let tries = |attempts| OwnTool { attempts, ..OwnTool::default() };
    assert_eq!(outcome(&[OK], tries(2)).await, (Ok("9:30".to_owned()), 1));
    assert_eq!(outcome(&[BUSY, OK], tries(2)).await, (Ok("9:30".to_owned()), 2));
    assert_eq!(outcome(&[BUSY], tries(3)).await, (Err(("status", None)), 3));
    assert_eq!(outcome(&[WRONG, OK], tries(3)).await, (Err(("status", Some("no such day".to_owned()))), 1));
    assert_eq!(outcome(&[MOVED, OK], tries(3)).await, (Err(("status", None)), 1), "nobody is led elsewhere");
    assert_eq!(outcome(&[BINARY, OK], tries(3)).await, (Err(("answer_too_long", None)), 1));
}

#[tokio::test]
async fn all_attempts_together_have_one_time_limit() {
    let slow = OwnTool { attempts: 5, timeout_ms: 500, ..OwnTool::default() };
    let began = Instant::now();
    assert_eq!(outcome(&[BUSY], slow).await.0, Err(("timed_out", None)));
    assert!(began.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn what_is_not_public_is_not_connected_to() {
    let (port, seen) = server(vec![OK]).await;
    let refused = runner(port, &[]).run(&run(port, OwnTool::default())).await.unwrap_err();
    assert_eq!((refused.reason, seen.load(Ordering::Relaxed)), ("address_not_allowed", 0));
}

#[tokio::test]
async fn a_tool_that_fails_again_and_again_is_left_alone() {
    let (port, seen) = server(vec![BUSY]).await;
    let (runner, once) = (runner(port, &["127.0.0.0/8"]), run(port, OwnTool { attempts: 1, ..OwnTool::default() }));
    let mut reasons = Vec::new();
    for _ in 0..7 {
        reasons.push(runner.run(&once).await.unwrap_err().reason);
    }
    assert_eq!((&reasons[4..], seen.load(Ordering::Relaxed)), (&["status", "tool_resting", "tool_resting"][..], 5));
}

#[tokio::test]
async fn a_tool_that_nobody_waits_for_to_its_end_says_neither_that_it_works_nor_that_it_fails() {
    let (port, seen) = server(vec![BUSY]).await;
    let (runner, once) = (runner(port, &["127.0.0.0/8"]), run(port, OwnTool { attempts: 1, ..OwnTool::default() }));
    for _ in 0..4 {
        assert_eq!(runner.run(&once).await.unwrap_err().reason, "status");
        tokio::select! {
            biased;
            _ = runner.run(&once) => panic!("it cannot have been answered"),
            () = std::future::ready(()) => {}
        }
    }
    assert_eq!(runner.run(&once).await.unwrap_err().reason, "status");
    let asked = seen.load(Ordering::Relaxed);
    assert_eq!(runner.run(&once).await.unwrap_err().reason, "tool_resting", "five in a row have failed");
    assert_eq!(seen.load(Ordering::Relaxed), asked);
}
