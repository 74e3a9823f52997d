//! The runtime of everything that is not audio: SIP, REST, store, audit, password hashing.
//!
//! Where media threads get no real-time priority these threads are nicer than they, so that on a busy machine audio goes first all the
//! same. Where they get it, audio goes first anyhow, and who gives way to strangers beside that only lets callers wait for their answer.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::process::setpriority_process;
use tokio::runtime::{Builder, Runtime};

/// Starts `threads` control threads, `control-0` and so on; 0 stands for one a core. They give way unless media threads are
/// `realtime`.
///
/// # Errors
/// When the system gives no threads or no readiness.
pub fn runtime(threads: usize, realtime: bool) -> io::Result<Runtime> {
    let next = AtomicUsize::new(0);
    let mut builder = Builder::new_multi_thread();
    if threads > 0 {
        builder.worker_threads(threads);
    }
    builder
        .enable_all()
        .thread_name_fn(move || format!("control-{}", next.fetch_add(1, Ordering::Relaxed)))
        .on_thread_start(move || {
            if !realtime {
                // On Linux "this process" is the calling thread. Being nicer is never refused; without it audio is only less protected.
                let _ = setpriority_process(None, NICE);
            }
        })
        .build()
}

/// Of 19: behind the media threads and still well before idle work.
const NICE: i32 = 10;

#[cfg(test)]
mod tests {
    use rustix::process::getpriority_process;

    use super::*;

    #[test]
    fn control_threads_are_nice_where_audio_is_not_first_anyhow_and_the_one_that_started_them_never() {
        let before = getpriority_process(None).unwrap();
        for (realtime, expected) in [(false, NICE), (true, before)] {
            let runtime = runtime(1, realtime).unwrap();
            let (name, nice) = runtime
                .block_on(runtime.spawn(async { (std::thread::current().name().map(str::to_owned), getpriority_process(None).unwrap()) }))
                .unwrap();
            assert_eq!((name.as_deref(), nice), (Some("control-0"), expected));
            assert_eq!(getpriority_process(None).unwrap(), before);
        }
    }
}
