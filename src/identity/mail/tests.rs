use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

fn mail() -> Mail {
    Mail::new(&Redacted::new("ada@example.org".parse().unwrap()), "Hello", "The code is 1234.\n".to_owned())
}

#[tokio::test]
async fn without_a_server_an_email_is_a_file_that_only_its_owner_reads() {
    let directory = tempfile::tempdir().unwrap();
    let mailer = mailer(&MailConfig::default(), directory.path()).unwrap();
    mailer.send(&mail()).await.unwrap();
    let entry = std::fs::read_dir(directory.path().join("outbox")).unwrap().next().unwrap().unwrap();
    let written = std::fs::read_to_string(entry.path()).unwrap();
    assert!(written.contains("To: ada@example.org\r\n") && written.contains("The code is 1234."), "{written}");
    assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

#[derive(Debug, Default)]
struct Failing {
    asked: AtomicU32,
    for_good: bool,
}

impl Mailer for Failing {
    fn send<'a>(&'a self, _mail: &'a Mail) -> BoxFuture<'a, Result<(), MailError>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let error = if self.for_good { MailError::Refused("no such mailbox".into()) } else { MailError::Server("gone".into()) };
        Box::pin(async { Err(error) })
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_fails_is_asked_five_times_and_no_more() {
    let mailer = Arc::new(Failing::default());
    let (queue, task) = MailQueue::new(mailer.clone());
    queue.send(mail());
    drop(queue);
    task.await;
    assert_eq!(mailer.asked.load(Ordering::Relaxed), ATTEMPTS);
}

#[tokio::test(start_paused = true)]
async fn an_email_that_is_refused_for_good_keeps_no_other_waiting() {
    let mailer = Arc::new(Failing { for_good: true, ..Failing::default() });
    let (queue, task) = MailQueue::new(mailer.clone());
    queue.send(mail());
    drop(queue);
    task.await;
    assert_eq!(mailer.asked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_error_and_no_panic() {
    let config = MailConfig { smtp_host: Some("127.0.0.1".to_owned()), smtp_port: 1, ..MailConfig::default() };
    let mailer = mailer(&config, Path::new("/nonexistent")).unwrap();
    assert!(matches!(mailer.send(&mail()).await, Err(MailError::Server(_))));
}
