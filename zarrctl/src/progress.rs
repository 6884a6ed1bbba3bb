//! Progress on a terminal: rate and time left, for whatever takes over a second.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// The time before a bar appears.
const DELAY: Duration = Duration::from_secs(1);

/// A progress bar that appears after a second, or never.
pub(crate) struct Progress {
    bar: ProgressBar,
    visible: bool,
    started: std::time::Instant,
}

impl Progress {
    pub(crate) fn new(what: &'static str, len: Option<u64>, visible: bool) -> Self {
        let bar = match len {
            Some(len) => ProgressBar::with_draw_target(Some(len), ProgressDrawTarget::hidden()),
            None => ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()),
        };
        let template = match len {
            Some(_) => "{msg} {bar:24} {percent}%  {pos}/{len}  {per_sec}  {eta} left",
            None => "{msg} {spinner} {pos}  {per_sec}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(what);
        Self {
            bar,
            visible,
            started: std::time::Instant::now(),
        }
    }

    /// Counts finished steps.
    pub(crate) fn add(&self, steps: u64) {
        self.bar.inc(steps);
        if self.visible && self.bar.is_hidden() && self.started.elapsed() > DELAY {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
