//! Stopping in good order.
