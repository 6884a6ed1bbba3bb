//! The contents of request events, and what they must not contain.

use std::cell::RefCell;
use std::fmt::{Debug, Write};
use std::sync::Once;

use tracing::field::{Field, Visit};
use tracing::span;

use super::{faulty, put};
use crate::testing::{Fault, Operation, Rule};
use crate::{ByteRange, Precondition, Store};

thread_local! {
    /// The events of this thread as `name=value` lines, since `listen`.
    static LOG: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// One subscriber for all tests: subscribers that come and go decide for one another which events
/// exist.
struct Listener;

fn listen() {
    static LISTENING: Once = Once::new();
    LISTENING.call_once(|| tracing::subscriber::set_global_default(Listener).unwrap());
    LOG.set(Some(String::new()));
}

fn heard() -> String {
    LOG.take().unwrap()
}

impl tracing::Subscriber for Listener {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target().starts_with("zarr_store")
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        LOG.with_borrow_mut(|log| {
            if let Some(log) = log {
                let mut line = Line(String::new());
                event.record(&mut line);
                log.push_str(&(line.0 + "\n"));
            }
        });
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() != "time" {
            write!(self.0, "{}={value:?} ", field.name()).unwrap();
        }
    }
}

#[tokio::test]
async fn every_request_tells_what_it_did() {
    listen();
    let (store, faults) = faulty();
    put(&store, "k", "0123456789").await;
    store.get("k", &ByteRange::Suffix(4), None).await.unwrap();
    store.get("none", &ByteRange::All, None).await.unwrap();
    faults.add(Rule::new(Operation::Delete, "k", Fault::PermissionDenied));
    store.delete("k").await.unwrap_err();
    store.list_dir("").await.unwrap();
    let text = heard();
    let expected = [
        r#"operation="put" store="faulty://store" key="k" bytes=10 outcome="done""#,
        r#"operation="get" store="faulty://store" key="k" range=last 4 bytes=4 outcome="done""#,
        r#"operation="get" store="faulty://store" key="none" range=all bytes=0 outcome="failed""#,
        r#"operation="delete" store="faulty://store" key="k" bytes=0 outcome="failed""#,
        r#"operation="list" store="faulty://store" key="" bytes=0 outcome="done""#,
    ];
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), expected.len(), "{text}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.contains(expected), "{line}\n{expected}");
    }
}

#[tokio::test]
async fn local_files_tell_as_well() {
    listen();
    let directory = tempfile::tempdir().unwrap();
    let store = Store::local(directory.path()).unwrap();
    store
        .put("k", vec!["x".into()], Precondition::None)
        .await
        .unwrap();
    store.get("k", &ByteRange::All, None).await.unwrap();
    let text = heard();
    assert!(
        text.contains(r#"operation="put""#) && text.contains(r#"operation="get""#),
        "{text}"
    );
}
