//! Measures what it costs to change inner chunks of a large shard: the table of `docs/patches.md`.
//!
//! ```text
//! ZARR_SERVERS=1 cargo run -p zarr-tests --example patch_table -- ext4=/tmp btrfs=/mnt/btrfs
//! ```
//!
//! Each argument names a folder on local disk. With `ZARR_SERVERS=1`, the servers of the tests are
//! measured too, through a proxy that counts requests and bytes. With `ZARR_PEERS_PYTHON`, a Python
//! with zarr-python, obstore and tensorstore makes the same changes. Every result is verified.

#![expect(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "a program of tests"
)]

use std::process::Command;
use std::time::Instant;

use ndarray::{Array2, s};
use zarr::{Array, ArrayBuilder, Hierarchy, Store, codecs, registry};
use zarr_tests::patched::{SIDE, patching};
use zarr_tests::proxy::Proxy;
use zarr_tests::python;
use zarr_tests::servers::{Server, server};

/// The inner chunks of the shard along each dimension: 256, of 256 KiB.
const GRID: [u64; 2] = [8, 32];

/// The inner chunks of each change along each dimension: 1, 8 and 200.
const CHANGES: [[usize; 2]; 3] = [[1, 1], [8, 1], [8, 25]];

#[tokio::main]
async fn main() {
    println!("| store | writer | inner chunks | sent, MB | copied, MB | requests | ms |");
    println!("|---|---|---|---|---|---|---|");
    ours("memory", &Store::memory(), None).await;
    for argument in std::env::args().skip(1) {
        let (name, folder) = argument.split_once('=').unwrap();
        let folder = tempfile::tempdir_in(folder).unwrap();
        let url = folder.path().to_str().unwrap();
        ours(name, &Store::local(folder.path()).unwrap(), None).await;
        peers(name, url, &[], None).await;
    }
    if std::env::var("ZARR_SERVERS").is_err() {
        return;
    }
    for name in ["seaweedfs", "moto", "azurite"] {
        let Some(direct) = server(name).map(Server::fresh) else {
            continue;
        };
        let proxy = Proxy::start(&direct.address).await;
        let through = direct.through(&proxy.address).with("single_writer", "true");
        ours(name, &through.store(), Some(&proxy)).await;
        if name != "azurite" {
            let options = &through.options;
            peers(name, &through.url, options, Some(&proxy)).await;
        }
    }
}

/// Creates a shard of 67 MB.
async fn create(store: &Store, path: &str) -> (Array, Array2<f32>) {
    let shape = GRID.map(|count| count * SIDE);
    let metadata = ArrayBuilder::new(&shape, "float32")
        .with_chunk_shape(&[SIDE; 2])
        .with_shard_shape(&shape)
        .with_codecs([codecs::bytes(true), codecs::crc32c()]);
    let hierarchy = Hierarchy::new(store.clone(), registry());
    let array = hierarchy.create_array(path, metadata.build().unwrap());
    let array = array.await.unwrap();
    let [rows, columns] = shape.map(|len| usize::try_from(len).unwrap());
    let model = Array2::from_shape_fn((rows, columns), |(y, x)| (y * x + 1) as f32);
    array.write(.., model.clone()).await.unwrap();
    (array, model)
}

/// Returns the rows and columns of a change.
fn part(
    change: [usize; 2],
) -> ndarray::SliceInfo<[ndarray::SliceInfoElem; 2], ndarray::Ix2, ndarray::Ix2> {
    let [rows, columns] = change.map(|count| count.cast_signed() * SIDE.cast_signed() as isize);
    s![..rows, ..columns]
}

async fn verify(store: &Store, path: &str, model: Array2<f32>) {
    let cold = Hierarchy::new(store.clone(), registry());
    let found = cold.array(path).await.unwrap().read::<f32>(..).await;
    assert!(found.unwrap() == model.into_dyn(), "{path}: another result");
}

/// Measures writes of this project: of whole shards, and with patches.
async fn ours(name: &str, store: &Store, proxy: Option<&Proxy>) {
    let paths = [
        ("whole shard", u64::MAX),
        ("patch", store.cost_model().patch_from),
    ];
    for (number, (writer, from)) in paths.into_iter().enumerate() {
        let store = patching(store.clone(), from);
        for change in CHANGES {
            let path = format!("ours-{number}-{}", change[0] * change[1]);
            let (array, mut model) = create(&store, &path).await;
            // The server is probed, and the index is cached.
            let last = s![-1.., ..];
            let row = model.slice(last).to_owned();
            array.write(last, row).await.unwrap();
            array.compact(0).await.unwrap();
            let warm = array.read::<f32>(s![..1, ..1]).await.unwrap();
            assert_eq!(warm[[0, 0]], 1.0);
            model
                .slice_mut(part(change))
                .mapv_inplace(|element| element + 3.0);
            let new = model.slice(part(change)).to_owned();
            if let Some(proxy) = proxy {
                proxy.clear();
            }
            let (before, started) = (store.requests(), Instant::now());
            array.write(part(change), new).await.unwrap();
            let (after, took) = (store.requests(), started.elapsed());
            let sum = |counts: &zarr_store::RequestCounts| {
                counts.gets + counts.puts + counts.heads + counts.deletes
            };
            let sent =
                |counts: &zarr_store::RequestCounts| counts.bytes_read + counts.bytes_written;
            let (requests, bytes) = match proxy {
                Some(proxy) => (proxy.requests().len() as u64, proxy.moved()),
                None => (sum(&after) - sum(&before), sent(&after) - sent(&before)),
            };
            let copied = after.bytes_copied - before.bytes_copied;
            // A store that cannot patch writes whole shards in both cases.
            let patched = copied > 0 || number == 0;
            let writer = if patched { writer } else { "patch: not here" };
            line(
                name,
                writer,
                change,
                (bytes, Some(copied)),
                Some(requests),
                took.as_secs_f64(),
            );
            verify(&store, &path, model).await;
            store.delete_prefix(&path).await.unwrap();
        }
    }
}

/// Measures the same changes, made by the peers.
async fn peers(name: &str, url: &str, options: &[(String, String)], proxy: Option<&Proxy>) {
    let Ok(interpreter) = std::env::var("ZARR_PEERS_PYTHON") else {
        return;
    };
    let store = Store::open_with(url, options.to_vec()).unwrap();
    for writer in ["zarr-python", "tensorstore"] {
        for change in CHANGES {
            let path = format!("{writer}-{}", change[0] * change[1]);
            let (_, mut model) = create(&store, &path).await;
            model.slice_mut(part(change)).fill(3.0);
            if let Some(proxy) = proxy {
                proxy.clear();
            }
            let [rows, columns] = change.map(|count| count as u64 * SIDE);
            let mut command = Command::new(&interpreter);
            command
                .arg(python::scripts().join("patch_table.py"))
                .args([writer, url, &path, &rows.to_string(), &columns.to_string()])
                .arg(serde_json::to_string(options).unwrap());
            let output = tokio::task::spawn_blocking(move || command.output());
            let output = output.await.unwrap().unwrap();
            let said = String::from_utf8(output.stdout).unwrap();
            let error = String::from_utf8_lossy(&output.stderr);
            if !output.status.success() {
                eprintln!("{writer} on {name}: {error}");
                continue;
            }
            let (seconds, bytes) = said.trim().split_once(' ').unwrap();
            let bytes = proxy.map_or_else(|| bytes.parse().unwrap(), Proxy::moved);
            let requests = proxy.map(|proxy| proxy.requests().len() as u64);
            line(
                name,
                writer,
                change,
                (bytes, None),
                requests,
                seconds.parse().unwrap(),
            );
            verify(&store, &path, model).await;
            store.delete_prefix(&path).await.unwrap();
        }
    }
}

fn line(
    name: &str,
    writer: &str,
    change: [usize; 2],
    (sent, copied): (u64, Option<u64>),
    requests: Option<u64>,
    seconds: f64,
) {
    let copied = copied.map_or("".into(), |copied| format!("{:.1}", copied as f64 / 1e6));
    let requests = requests.map_or(String::new(), |requests| requests.to_string());
    println!(
        "| {name} | {writer} | {} | {:.2} | {copied} | {requests} | {:.0} |",
        change[0] * change[1],
        sent as f64 / 1e6,
        seconds * 1e3,
    );
}
