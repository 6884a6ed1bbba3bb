//! Real servers for tests: `python/servers.py` starts them once per process and stops them when
//! this process exits.
//!
//! With `ZARR_SERVERS=1`, tests on servers run and fail if a server is missing; with
//! `ZARR_SERVERS=available`, they skip servers that cannot be installed. Without the variable
//! nothing is installed, and the tests print that they skip. `ZARR_SERVERS_ONLY=nginx` starts only
//! the named servers.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};

use serde_json::Value;
use zarr_store::Store;

use crate::python;

/// The servers with full support; the remaining servers are only read from.
pub const WRITABLE: [&str; 3] = ["seaweedfs", "moto", "azurite"];

/// A running server, and how to open it.
#[derive(Clone, Debug)]
pub struct Server {
    /// The name: `seaweedfs`, `moto`, `azurite`, `fake-gcs` or `nginx`.
    pub name: String,
    /// The URL of the bucket, container or root directory.
    pub url: String,
    /// The options of [`Store::open_with`].
    pub options: Vec<(String, String)>,
    /// The address of the server, `127.0.0.1:port`.
    pub address: String,
    /// The served directory, if any.
    pub root: Option<String>,
}

/// The report of the script, and the script, whose input closes with this process.
struct Running {
    servers: Vec<Result<Server, (String, String)>>,
    _script: Child,
}

/// Returns the server of this name; or `None`, after printing the reason, if tests may skip it.
///
/// # Panics
/// Panics with `ZARR_SERVERS=1` if the server is unavailable.
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

/// Prints once which server is skipped, bypassing the test harness, which hides the output of
/// passing tests.
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
    /// Opens the root of the server as a store.
    ///
    /// # Panics
    /// Panics if the store cannot be opened.
    #[must_use]
    pub fn store(&self) -> Store {
        Store::open_with(&self.url, self.options.clone()).unwrap()
    }

    /// Returns this server behind another address, such as that of a proxy.
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

    /// Returns this server with an additional option.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.options.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Returns this server with a prefix that no other test uses.
    #[must_use]
    pub fn fresh(mut self) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        self.url = format!("{}/{}-{number}", self.url, std::process::id());
        self
    }
}
