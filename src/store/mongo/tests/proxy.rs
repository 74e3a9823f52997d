//! A way to the server that can be made slow, and broken.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// Carries what comes to it to `port`, and the answers back, each as late as it is told.
pub(super) struct Proxy {
    port: u16,
    delay_ms: Arc<AtomicU64>,
    cut_in: Arc<AtomicI64>,
}

impl Proxy {
    pub(super) async fn before(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let delay_ms = Arc::new(AtomicU64::new(0));
        let cut_in = Arc::new(AtomicI64::new(0));
        let proxy = Self { port: listener.local_addr().unwrap().port(), delay_ms: Arc::clone(&delay_ms), cut_in: Arc::clone(&cut_in) };
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let Ok(far) = TcpStream::connect(("127.0.0.1", port)).await else { continue };
                let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
                let there = tokio::spawn(carry(near_in, far_out, Arc::new(AtomicU64::new(0)), Arc::new(AtomicI64::new(0))));
                let back = carry(far_in, near_out, Arc::clone(&delay_ms), Arc::clone(&cut_in));
                tokio::spawn(async move {
                    back.await;
                    there.abort();
                });
            }
        });
        proxy
    }

    pub(super) fn uri(&self) -> String {
        format!("mongodb://127.0.0.1:{}/", self.port)
    }

    pub(super) fn delay(&self, delay: Duration) {
        self.delay_ms.store(u64::try_from(delay.as_millis()).unwrap(), Ordering::SeqCst);
    }

    /// The `nth` answer from now on does not arrive, and its connection is gone.
    pub(super) fn cut_at_answer(&self, nth: i64) {
        self.cut_in.store(nth, Ordering::SeqCst);
    }
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, delay_ms: Arc<AtomicU64>, cut_in: Arc<AtomicI64>) {
    let mut buffer = vec![0; 65_536];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        if cut_in.fetch_sub(1, Ordering::SeqCst) == 1 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(delay_ms.load(Ordering::SeqCst))).await;
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
