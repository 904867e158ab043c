//! The current courier, which can be replaced while it works.

use std::sync::{Arc, Mutex, PoisonError};

use super::Courier;

/// The current courier; another may take its place between two requests.
pub struct CourierHandle(Mutex<Arc<Courier>>);

impl CourierHandle {
    /// Starts with this one.
    #[must_use]
    pub fn new(courier: Courier) -> Self {
        Self(Mutex::new(Arc::new(courier)))
    }

    /// Returns the current one.
    #[must_use]
    pub fn present(&self) -> Arc<Courier> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Uses this one from the next request on.
    pub fn replace(&self, courier: Courier) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(courier);
    }
}
