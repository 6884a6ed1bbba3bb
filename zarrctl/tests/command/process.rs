//! The binary from outside, on local disk and zip archives: exit codes, files, interruptions.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Stdio;
use std::time::Duration;

use crate::common::{self, Place};
use ndarray::{Array2, Array3};
use zarr::{ArrayBuilder, ErrorKind};

#[test]
fn exit_codes_are_0_1_and_2() {
    let place = Place::new();
    assert_eq!(place.run(&["tree", "sample.zarr"]).code, 0);
    std::fs::write(place.path("sample.zarr/run/mask/zarr.json"), "{").unwrap();
    assert_eq!(place.run(&["tree", "sample.zarr"]).code, 1);
    for args in [
        &["tree", "nowhere"][..],
        &["dance"],
        &["info"],
        &["info", "sample.zarr/run/mask"],
        &["tree", "ftp://x/y"],
    ] {
        let done = place.run(args);
        assert_eq!((done.code, done.stdout.as_str()), (2, ""), "{args:?}");
        assert!(!done.stderr.is_empty(), "{args:?}");
    }
    assert_eq!(place.run(&["--help"]).code, 0);
}

#[test]
fn errors_say_what_to_do_next_also_as_json() {
    let place = Place::new();
    let text = place.run(&["info", "sample.zarr/none"]);
    assert!(text.stderr.contains("  next: "), "{}", text.stderr);
    let json = place.run(&["info", "sample.zarr/none", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json.stderr).unwrap();
    assert_eq!(json["error"]["kind"], "NodeNotFound");
    assert!(
        json["error"]["hint"]
            .as_str()
            .is_some_and(|hint| hint.contains("zarrctl tree"))
    );
}

#[test]
fn colours_depend_on_the_option_and_the_environment() {
    let place = Place::new();
    let colored = |args: &[&str]| {
        place
            .run(&[&["info", "none"], args].concat())
            .stderr
            .contains('\x1b')
    };
    assert!(!colored(&[]) && colored(&["--color", "always"]) && !colored(&["--color", "never"]));
}

#[test]
fn verbose_runs_count_requests_and_quiet_runs_print_nothing_to_stderr() {
    let place = Place::new();
    let verbose = place.run(&["info", "sample.zarr", "-v"]);
    assert!(verbose.stderr.contains(" gets, "), "{}", verbose.stderr);
    assert_eq!(place.run(&["info", "sample.zarr", "-q"]).stderr, "");
}

#[test]
fn du_reads_no_data_and_lists_once() {
    let place = Place::new();
    let done = place.run(&["du", "sample.zarr", "-v"]);
    assert!(done.stderr.contains(" 1 lists, "), "{}", done.stderr);
    let json = place.json(&["du", "sample.zarr", "--chunks"]);
    let temperature = json["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .find(|node| node["path"] == "/temperature")
        .unwrap();
    assert_eq!(temperature["inner"]["inner_chunks_stored"], 9);
    assert_eq!(temperature["inner"]["inner_chunks_missing"], 7);
    assert_eq!(temperature["chunks"], 2);
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let place = Place::new();
    let (output, _) = place.shell("zarrctl cat sample.zarr/temperature --csv | head -1");
    assert_eq!(output, "time,lat,lon,value\n");
}

#[test]
fn npy_files_are_those_of_numpy() {
    let place = Place::new();
    let output = place
        .command(&["cat", "sample.zarr/temperature", "1,:2,1:3", "--npy"])
        .output()
        .unwrap();
    let file = output.stdout;
    let header = String::from_utf8_lossy(&file[10..128]).into_owned();
    assert_eq!(&file[..8], b"\x93NUMPY\x01\x00");
    assert!(
        header.starts_with("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2,), }"),
        "{header}"
    );
    let values = file[128..]
        .chunks(4)
        .map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap()));
    assert_eq!(values.collect::<Vec<_>>(), [251.0, 252.0, 256.0, 257.0]);
}

#[test]
fn zip_archives_are_read_like_directories() {
    let place = Place::new();
    place.zip("sample.zarr", "sample.zip");
    let same = |node: &str, args: &[&str]| {
        let of = |archive: &str| {
            let source = archive.to_owned() + node;
            let output = place.well(&[&[args[0], &source], &args[1..]].concat());
            output.replace(archive, "X").replace([' ', '\n'], "")
        };
        assert_eq!(of("sample.zip"), of("sample.zarr"), "{args:?}");
    };
    for args in [
        &["tree"][..],
        &["info", "--json"],
        &["du", "--chunks"],
        &["ls", "-l"],
        &["checksum", "--values"],
    ] {
        same("", args);
    }
    for args in [
        &["cat", "0"][..],
        &["stats", "0"],
        &["explain", ""],
        &["head"],
        &["show"],
    ] {
        same("/temperature", args);
    }
    place.well(&["copy", "sample.zip", "unpacked.zarr", "--verify", "bytes"]);
    place.well(&["diff", "sample.zarr", "unpacked.zarr"]);
    place.well(&[
        "rechunk",
        "sample.zip/temperature",
        "r.zarr",
        "--chunks",
        "4,3,3",
        "--no-shards",
        "--verify",
        "values",
    ]);
    place.well(&["check", "sample.zip", "--deep"]);
    place.well(&["repair", "sample.zip"]);
    place.well(&["report", "sample.zip", "r.html"]);
    fs::write(
        place.path("m.json"),
        place.well(&["checksum", "sample.zarr"]),
    )
    .unwrap();
    place.well(&["verify", "sample.zip", "m.json"]);
    fs::write(place.path("x.npy"), "").unwrap();
    for args in [
        &["attrs", "set", "sample.zip/temperature", "a=1"][..],
        &["rm", "sample.zip/run", "--yes"],
        &["mv", "sample.zip/run", "sample.zip/r"],
        &["consolidate", "sample.zip"],
        &["convert", "sample.zip"],
        &["create", "sample.zip/g", "--group"],
        &["append", "sample.zip/temperature", "x.npy"],
        &["copy", "sample.zarr", "sample.zip/s"],
    ] {
        let done = place.run(args);
        assert_eq!(done.code, 2, "{args:?}: {}{}", done.stdout, done.stderr);
    }
}

#[test]
fn attributes_of_a_node_keep_consolidated_metadata_above_current() {
    let place = Place::new();
    place.well(&["consolidate", "sample.zarr"]);
    place.well(&["attrs", "set", "sample.zarr/run/mask", "a=1"]);
    let tree = place.open("sample.zarr");
    assert_eq!(tree.group("").unwrap().check_consolidated().unwrap(), []);
    place.well(&["rm", "sample.zarr/run", "--yes"]);
    assert_eq!(
        place
            .open("sample.zarr")
            .array("run/mask")
            .unwrap_err()
            .kind(),
        ErrorKind::NodeNotFound
    );
    assert!(place.well(&["tree", "sample.zarr"]).contains("temperature"));
}

#[test]
fn nothing_is_deleted_without_a_yes() {
    let place = Place::new();
    let mut command = place.command(&["rm", "sample.zarr/run"]);
    let done = common::done(command.stdin(Stdio::null()).output().unwrap());
    assert_eq!(done.code, 2);
    assert!(done.stderr.contains("--yes"), "{}", done.stderr);
    assert!(place.path("sample.zarr/run/mask/zarr.json").exists());
}

#[test]
fn statistics_equal_those_of_all_values_at_once() {
    let place = Place::new();
    let metadata = ArrayBuilder::new(&[101, 67], "float64")
        .with_chunk_shape(&[10, 9])
        .build()
        .unwrap();
    let array = place.open("big.zarr").create_array("", metadata).unwrap();
    let values = Array2::from_shape_fn((101, 67), |(y, x)| {
        ((y * 7919 + x * 104_729) % 1000) as f64 - 300.5
    });
    array.write(.., values.view()).unwrap();
    let found = place.json(&["stats", "big.zarr", "--histogram", "7"]);
    let mean = values.mean().unwrap();
    let std = values.std(0.0);
    assert!((found["mean"].as_f64().unwrap() - mean).abs() < 1e-9);
    assert!((found["std"].as_f64().unwrap() - std).abs() < 1e-9);
    assert_eq!(
        found["min"].as_f64(),
        values.iter().copied().reduce(f64::min)
    );
    let counts = found["histogram"]["counts"].as_array().unwrap();
    assert_eq!(
        counts
            .iter()
            .map(|count| count.as_u64().unwrap())
            .sum::<u64>(),
        101 * 67
    );
}

#[test]
fn a_rechunk_that_was_killed_is_resumed() {
    let place = Place::new();
    let metadata = ArrayBuilder::new(&[64, 64, 64], "uint16")
        .with_chunk_shape(&[8, 64, 64])
        .build()
        .unwrap();
    let array = place.open("big.zarr").create_array("", metadata).unwrap();
    let values = Array3::from_shape_fn((64, 64, 64), |(z, y, x)| {
        u16::try_from((z * 4099 + y * 71 + x) % 60_000).unwrap() + 1
    });
    array.write(.., values.view()).unwrap();
    let args = [
        "rechunk",
        "big.zarr",
        "small.zarr",
        "--chunks",
        "64,2,2",
        "--memory",
        "2MiB",
    ];
    let mut child = place.command(&args).stdout(Stdio::null()).spawn().unwrap();
    let stored = || std::fs::read_dir(place.path("small.zarr/c/0")).map_or(0, Iterator::count);
    while stored() < 3 && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(1));
    }
    // SIGKILL: nothing can be tidied up.
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(place.run(&args).code, 2);
    let done = place.json(&[&args[..], &["--resume", "--verify", "values"]].concat());
    assert_eq!(
        done["copied"].as_u64().unwrap() + done["skipped"].as_u64().unwrap(),
        64 * 64 * 64
    );
    assert!(done["skipped"].as_u64().unwrap() > 0);
    assert_eq!(
        place
            .open("small.zarr")
            .array("")
            .unwrap()
            .read::<u16>(..)
            .unwrap(),
        values.into_dyn()
    );
    let again = place.json(&[&args[..], &["--resume"]].concat());
    assert_eq!(again["copied"], 0);
}

#[test]
fn a_copy_that_was_interrupted_is_resumed_without_copying_twice() {
    let place = Place::new();
    std::fs::create_dir_all(place.path("b.zarr/temperature/c/0/0")).unwrap();
    std::fs::copy(
        place.path("sample.zarr/temperature/c/0/0/0"),
        place.path("b.zarr/temperature/c/0/0/0"),
    )
    .unwrap();
    assert_eq!(place.run(&["tree", "b.zarr"]).code, 2);
    let first = place.json(&["copy", "sample.zarr", "b.zarr"]);
    let second = place.json(&["copy", "sample.zarr", "b.zarr", "--verify", "values"]);
    assert_eq!(
        (&first["skipped"], &second["copied"]),
        (&1.into(), &0.into())
    );
    place.well(&["diff", "sample.zarr", "b.zarr"]);
}

fn request(address: &str, lines: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    write!(
        stream,
        "{lines}\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn a_served_hierarchy_is_read_over_http() {
    let place = Place::new();
    place.zip("sample.zarr", "sample.zip");
    place.well(&["consolidate", "sample.zarr"]);
    for source in ["sample.zarr", "sample.zip"] {
        let served = place.serve(&["serve", source, "--port", "0", "--json"]);
        let url = &served.url;
        let address = url.strip_prefix("http://").unwrap();
        assert!(address.starts_with("127.0.0.1:"));
        let whole = request(address, "GET /run/zarr.json HTTP/1.1");
        assert!(
            whole.starts_with("HTTP/1.1 200") && whole.contains("access-control-allow-origin: *"),
            "{whole}"
        );
        let tag = whole
            .lines()
            .find_map(|line| line.strip_prefix("etag: "))
            .unwrap()
            .trim()
            .to_owned();
        let same = request(
            address,
            &format!("GET /run/zarr.json HTTP/1.1\r\nIf-None-Match: {tag}"),
        );
        assert!(same.starts_with("HTTP/1.1 304"), "{same}");
        let part = request(address, "GET /run/zarr.json HTTP/1.1\r\nRange: bytes=1-4");
        assert!(
            part.starts_with("HTTP/1.1 206") && part.contains("content-range: bytes 1-4/"),
            "{part}"
        );
        assert_eq!(part.split("\r\n\r\n").nth(1).unwrap().len(), 4);
        for (path, link) in [("/", "./run/"), ("/run/", "./zarr.json")] {
            let page = request(address, &format!("GET {path} HTTP/1.1"));
            assert!(
                page.contains("text/html") && page.contains(&format!("href=\"{link}\"")),
                "{page}"
            );
        }
        let head = request(address, "HEAD /run/zarr.json HTTP/1.1");
        assert!(
            head.starts_with("HTTP/1.1 200") && head.ends_with("\r\n\r\n"),
            "{head}"
        );
        for (path, status) in [
            ("/none", 404),
            ("/../../etc/passwd", 404),
            ("/%2e%2e/x", 404),
            ("/none/", 404),
        ] {
            assert!(
                request(address, &format!("GET {path} HTTP/1.1"))
                    .starts_with(&format!("HTTP/1.1 {status}")),
                "{path}"
            );
        }
        assert!(
            request(address, "PUT /x HTTP/1.1\r\nContent-Length: 0").starts_with("HTTP/1.1 405")
        );
        let past = request(
            address,
            "GET /run/zarr.json HTTP/1.1\r\nRange: bytes=999999-",
        );
        assert!(past.starts_with("HTTP/1.1 416"), "{past}");
        let found = place.json(&["stats", &format!("{url}/temperature")]);
        assert_eq!(found["max"], 330.0);
        if source == "sample.zarr" {
            assert!(place.well(&["tree", url]).contains("temperature"));
        }
    }
}
