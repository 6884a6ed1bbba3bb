//! Real servers for tests: started once a process by `python/servers.py`, which stops them when this process ends.
//!
//! Tests that need them run with `ZARR_SERVERS=1`, and then fail where one is missing; with `ZARR_SERVERS=available` they skip
//! what cannot be installed here. Without the variable nothing is installed and they say so. `ZARR_SERVERS_ONLY=nginx` starts
//! just those named, for tests of them alone.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};

use serde_json::Value;
use zarr_store::Store;

use crate::python;

/// The servers that can do everything; the others are read from only.
pub const WRITABLE: [&str; 3] = ["seaweedfs", "moto", "azurite"];

/// A server that runs, and how to open it.
#[derive(Clone, Debug)]
pub struct Server {
    /// Its name: `seaweedfs`, `moto`, `azurite`, `fake-gcs` or `nginx`.
    pub name: String,
    /// The URL of the bucket, container or root directory.
    pub url: String,
    /// The options of [`Store::open_with`].
    pub options: Vec<(String, String)>,
    /// Where it listens, `127.0.0.1:port`.
    pub address: String,
    /// The directory that it serves, where it serves one.
    pub root: Option<String>,
}

/// What the script said, and the script: its input closes with this process.
struct Running {
    servers: Vec<Result<Server, (String, String)>>,
    _script: Child,
}

/// The server of this name; `None`, with a line that says why, where tests need not have it.
///
/// # Panics
/// With `ZARR_SERVERS=1`, where it cannot be had.
pub fn server(name: &str) -> Option<Server> {
    let Ok(wanted) = std::env::var("ZARR_SERVERS") else {
        skipped(
            name,
            "set ZARR_SERVERS=1 to install and run the test servers",
        );
        return None;
    };
    let running = RUNNING.get_or_init(start);
    let found = running.servers.iter().find_map(|server| match server {
        Ok(server) => (server.name == name).then(|| Ok(server.clone())),
        Err((missing, reason)) => (missing == name).then_some(Err(reason)),
    });
    match found.unwrap_or_else(|| panic!("no server {name:?}")) {
        Ok(server) => Some(server),
        Err(reason) if wanted == "1" => panic!("{name} cannot be started: {reason}"),
        Err(reason) => {
            skipped(name, reason);
            None
        }
    }
}

/// Says once what does not run, past the test harness, which hides what tests that pass have printed.
fn skipped(name: &str, reason: &str) {
    static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    if SAID.lock().unwrap().insert(name.to_owned()) {
        let line = format!("skipped: tests on {name}: {reason}\n");
        std::io::stderr().write_all(line.as_bytes()).unwrap();
    }
}

static RUNNING: OnceLock<Running> = OnceLock::new();

fn start() -> Running {
    let only = std::env::var("ZARR_SERVERS_ONLY").unwrap_or_default();
    let mut script = Command::new(python::find())
        .arg(python::scripts().join("servers.py"))
        .arg(python::target().join("servers"))
        .args(only.split_whitespace())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut output = BufReader::new(script.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    let report: Value = serde_json::from_str(&line).expect("servers.py prints one line of JSON");
    let servers = report["servers"].as_array().unwrap();
    Running {
        servers: servers.iter().map(parse).collect(),
        _script: script,
    }
}

fn parse(server: &Value) -> Result<Server, (String, String)> {
    let text = |name: &str| server[name].as_str().map(str::to_owned);
    let name = text("name").unwrap();
    if let Some(error) = text("error") {
        return Err((name, error));
    }
    let options = server["options"].as_object().unwrap();
    Ok(Server {
        name,
        url: text("url").unwrap(),
        options: options
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
            .collect(),
        address: text("address").unwrap(),
        root: text("root"),
    })
}

impl Server {
    /// The whole of it as a store.
    ///
    /// # Panics
    /// Where the store cannot be opened.
    #[must_use]
    pub fn store(&self) -> Store {
        Store::open_with(&self.url, self.options.clone()).unwrap()
    }

    /// This server behind another address: that of a proxy.
    #[must_use]
    pub fn through(&self, address: &str) -> Self {
        let moved = |text: &String| text.replace(&self.address, address);
        let options = self.options.iter();
        Self {
            url: moved(&self.url),
            options: options
                .map(|(name, value)| (name.clone(), moved(value)))
                .collect(),
            address: address.to_owned(),
            ..self.clone()
        }
    }

    /// This server with one option more.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.options.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A prefix that no other test uses.
    #[must_use]
    pub fn fresh(mut self) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        self.url = format!("{}/{}-{number}", self.url, std::process::id());
        self
    }
}
