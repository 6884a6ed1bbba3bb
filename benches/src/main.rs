//! The Rust workers of `run.py`, and the server of its S3 cases:
//!
//!     zarr-benches ours|zarrs|bare
//!     zarr-benches serve FOLDER LATENCY_MS JITTER_MS MIB_PER_SECOND
//!
//! A worker reads one request per line from standard input, and writes one answer per line to
//! standard output: wall and CPU time, page faults, memory, switches and a checksum, or the reason why the
//! implementation lacks the operation.

use std::io::{BufRead, Write, stdin, stdout};

use serde_json::json;

use crate::operations::{Implementation, answer};
use crate::request::Request;

mod bare;
mod bare_codec;
mod element;
mod operations;
mod ours;
mod request;
mod server;
mod zarrs;

fn main() {
    let arguments = std::env::args().skip(1).collect::<Vec<_>>();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["ours"] => work::<ours::Ours>(),
        ["zarrs"] => work::<zarrs::Zarrs>(),
        ["bare"] => work::<bare::Bare>(),
        ["serve", folder, latency, jitter, speed] => {
            let number = |text: &str| text.parse().expect("a number");
            let wire = server::Wire::new(number(latency), number(jitter), number(speed));
            server::serve(folder.into(), wire);
        }
        _ => panic!("usage: zarr-benches ours|zarrs|bare|serve, as described in main.rs"),
    }
}

fn work<I: Implementation>() {
    let mut sources = operations::Sources::default();
    for line in stdin().lock().lines() {
        let request: Request = serde_json::from_str(&line.expect("a line")).expect("a request");
        let result = match request.dtype.as_str() {
            "uint8" => answer::<I, u8>(&request, &mut sources.u8),
            "int32" => answer::<I, i32>(&request, &mut sources.i32),
            "string" => answer::<I, String>(&request, &mut sources.string),
            "uint16" | "" => answer::<I, u16>(&request, &mut sources.u16),
            other => Err(format!("the Rust workers lack {other}")),
        };
        let answer = result.unwrap_or_else(|reason| json!({"lacks": reason}));
        writeln!(stdout(), "{answer}").expect("standard output is open");
    }
}
