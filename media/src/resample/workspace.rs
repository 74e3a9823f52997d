//! Room for one block on its way through the transforms.

use std::cell::RefCell;

use realfft::num_complex::Complex;

/// Holds nothing between two blocks. One for all streams of a thread: it stays in the cache while streams come and go,
/// and is larger than what a stream keeps.
#[derive(Debug)]
pub(super) struct Workspace {
    /// The block, and behind it as many zeros, which make room for the filter's tail.
    pub(super) padded: Vec<f32>,
    pub(super) spectrum: Vec<Complex<f32>>,
    /// The output and its tail.
    pub(super) time: Vec<f32>,
    pub(super) scratch: Vec<Complex<f32>>,
}

impl Workspace {
    /// Lends the thread's workspace.
    pub(super) fn with<R>(convert: impl FnOnce(&mut Self) -> R) -> R {
        THREADS_OWN.with_borrow_mut(convert)
    }

    const fn new() -> Self {
        Self { padded: Vec::new(), spectrum: Vec::new(), time: Vec::new(), scratch: Vec::new() }
    }
}

thread_local! {
    static THREADS_OWN: RefCell<Workspace> = const { RefCell::new(Workspace::new()) };
}
