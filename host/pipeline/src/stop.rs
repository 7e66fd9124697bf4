//! A wish to stop, seen by everyone who holds a clone. It does not cancel:
//! whoever sees it finishes what must not be left half done.

use std::sync::Arc;

use tokio::sync::watch;

#[derive(Debug, Clone)]
pub struct Stop {
    sender: Arc<watch::Sender<bool>>,
}

impl Default for Stop {
    fn default() -> Self {
        Self {
            sender: Arc::new(watch::Sender::new(false)),
        }
    }
}

impl Stop {
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for it; asking twice changes nothing.
    pub fn stop(&self) {
        self.sender.send_replace(true);
    }

    pub fn is_stopped(&self) -> bool {
        *self.sender.borrow()
    }

    /// Returns when someone has asked.
    pub async fn stopped(&self) {
        let mut receiver = self.sender.subscribe();
        // The sender lives in `self`, so the wait cannot end with an error.
        let _seen = receiver.wait_for(|stopped| *stopped).await;
    }
}
