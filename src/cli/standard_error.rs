//! The operator at the terminal: notices go to standard error.

use std::io::{self, Write as _};
use std::sync::Arc;

use crate::env::Clock;
use crate::operator::{LogFormat, Notice, Operator, render};

/// Prints notices to standard error, one after the other and whole.
#[derive(Clone, Debug)]
pub struct StandardError {
    format: LogFormat,
    clock: Arc<dyn Clock>,
}

impl StandardError {
    /// A printer in a format; the clock dates JSON lines.
    pub fn new(format: LogFormat, clock: Arc<dyn Clock>) -> Self {
        StandardError { format, clock }
    }
}

impl Operator for StandardError {
    fn tell(&self, notice: &Notice) {
        let text = render(notice, self.format, self.clock.now());
        // A closed terminal must not stop the proxy.
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }
}
