//! The runtime of everything that is not audio: SIP, REST, store, audit, password hashing.
//!
//! Its threads are nicer than the media threads, so that on a busy machine audio goes first even where real-time
//! priority was refused.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::process::setpriority_process;
use tokio::runtime::{Builder, Runtime};

/// Starts `threads` control threads, `control-0` and so on; 0 stands for one a core.
///
/// # Errors
/// When the system gives no threads or no readiness.
pub fn runtime(threads: usize) -> io::Result<Runtime> {
    let next = AtomicUsize::new(0);
    let mut builder = Builder::new_multi_thread();
    if threads > 0 {
        builder.worker_threads(threads);
    }
    builder
        .enable_all()
        .thread_name_fn(move || format!("control-{}", next.fetch_add(1, Ordering::Relaxed)))
        .on_thread_start(|| {
            // On Linux "this process" is the calling thread. Being nicer is never refused; without it audio is only less protected.
            let _ = setpriority_process(None, NICE);
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
    fn control_threads_are_nice_and_the_one_that_started_them_is_not() {
        let before = getpriority_process(None).unwrap();
        let runtime = runtime(1).unwrap();
        let (name, nice) = runtime
            .block_on(runtime.spawn(async { (std::thread::current().name().map(str::to_owned), getpriority_process(None).unwrap()) }))
            .unwrap();
        assert_eq!((name.as_deref(), nice), (Some("control-0"), NICE));
        assert_eq!(getpriority_process(None).unwrap(), before);
    }
}
