//! Cloud stores: errors name the fault in options and responses, puts carry the requested
//! attributes, and conditions are probed only on unknown services, beside the key being written.

mod credentials;
mod options;
mod puts;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::raw::{Asked, Raw, sized, without_body};
use crate::{ByteRange, Error, ErrorKind, Precondition, Store};

const S3: [(&str, &str); 5] = [
    ("region", "r"),
    ("access_key_id", "me"),
    ("secret_access_key", "hush"),
    ("max_retries", "0"),
    ("timeout", "3s"),
];

fn s3(endpoint: &str, more: &[(&str, &str)]) -> Store {
    let options = S3.into_iter().chain([("endpoint", endpoint)]);
    Store::open_with("s3://b/x", options.chain(more.iter().copied())).unwrap()
}

fn azure(endpoint: &str) -> Store {
    let endpoint = format!("{endpoint}/acc");
    let options = [
        ("account_name", "acc"),
        ("account_key", "aHVzaA=="),
        ("endpoint", endpoint.as_str()),
        ("allow_http", "true"),
        ("max_retries", "0"),
    ];
    Store::open_with("az://b/x", options).unwrap()
}

fn gcs(endpoint: &str, more: &[(&str, &str)]) -> Store {
    let options = [
        ("base_url", endpoint),
        ("bearer_token", "hush"),
        ("allow_http", "true"),
        ("max_retries", "0"),
    ];
    Store::open_with("gs://b/x", options.into_iter().chain(more.iter().copied())).unwrap()
}

async fn read(store: &Store) -> Error {
    store
        .get("k", &ByteRange::Range(0..9), None)
        .await
        .unwrap_err()
}

/// A server that honours conditions.
fn bucket() -> Raw {
    let objects = Mutex::new(BTreeMap::<String, u64>::new());
    Raw::start(move |asked| {
        let mut objects = objects.lock().unwrap();
        let path = asked.target.split('?').next().unwrap().to_owned();
        let old = objects.get(&path).copied();
        let tag = |number: u64| {
            format!(
                "ETag: \"{number}\"\r\nx-goog-generation: {number}\r\nLast-Modified: Fri, 27 Nov 2026 10:00:00 GMT\r\n"
            )
        };
        match asked.method.as_str() {
            "PUT" => {
                let absent = asked.field("if-none-match").is_some()
                    || asked.field("x-goog-if-generation-match") == Some("0");
                let expected = asked.field("if-match").map(str::to_owned);
                let differs = expected
                    .is_some_and(|tag| Some(tag) != old.map(|number| format!("\"{number}\"")));
                if (absent && old.is_some()) || differs {
                    return sized("412 no", "", b"");
                }
                let number = objects.len() as u64 + 1000 * old.unwrap_or(1);
                objects.insert(path, number);
                sized("200 OK", &tag(number), b"")
            }
            "DELETE" => {
                objects.remove(&path);
                b"HTTP/1.1 204 OK\r\n\r\n".to_vec()
            }
            method => match old {
                None => sized("404 no", "", b""),
                Some(number) if method == "HEAD" => {
                    without_body(sized("200 OK", &tag(number), b""))
                }
                Some(number) => sized("200 OK", &tag(number), b""),
            },
        }
    })
}

fn puts(server: &Raw) -> Vec<Asked> {
    server
        .take()
        .into_iter()
        .filter(|asked| asked.method == "PUT")
        .collect()
}
