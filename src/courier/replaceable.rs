//! The courier that is at work, while another takes its place.

use std::sync::{Arc, Mutex, PoisonError};

use super::Courier;

/// The present courier: another may take its place between two errands.
pub struct CourierHandle(Mutex<Arc<Courier>>);

impl CourierHandle {
    /// Begins with this one.
    #[must_use]
    pub fn new(courier: Courier) -> Self {
        Self(Mutex::new(Arc::new(courier)))
    }

    /// The present one.
    #[must_use]
    pub fn present(&self) -> Arc<Courier> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// From the next errand on, this one.
    pub fn replace(&self, courier: Courier) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(courier);
    }
}
