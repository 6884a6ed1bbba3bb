//! The binary on S3 (SeaweedFS) and on a web server (nginx). Needs `ZARR_SERVERS=1`.

use std::path::Path;

use crate::common::Place;
use zarr_tests::servers::server;

/// Each option of a store, as arguments.
fn options(server: &zarr_tests::servers::Server) -> Vec<String> {
    let options = server.options.iter();
    options
        .flat_map(|(name, value)| ["--option".to_owned(), format!("{name}={value}")])
        .collect()
}

/// Returns an output without the first lines of a plan, which name the source.
fn without_source(output: &str) -> &str {
    output
        .find("\n  c/")
        .map_or(output, |start| &output[start..])
}

#[test]
fn every_subcommand_works_on_s3() {
    let Some(server) = server("seaweedfs") else {
        return;
    };
    let (server, place) = (server.fresh(), Place::new());
    let options = options(&server);
    let with = |args: &[&str]| {
        let args = args.iter().map(|arg| arg.replace("S3", &server.url));
        args.chain(options.iter().cloned()).collect::<Vec<_>>()
    };
    let well = |args: &[&str]| {
        let args = with(args);
        place.well(&args.iter().map(String::as_str).collect::<Vec<_>>())
    };
    well(&["copy", "sample.zarr", "S3/a.zarr", "--verify", "bytes"]);
    let again = well(&["copy", "sample.zarr", "S3/a.zarr", "--json"]);
    assert!(again.contains("\"copied\": 0"), "{again}");
    well(&["diff", "sample.zarr", "S3/a.zarr"]);
    let local = |args: &[&str]| place.well(args);
    let same = |text: &str| text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(
        same(&well(&["tree", "S3/a.zarr"])),
        same(&local(&["tree", "sample.zarr"]))
    );
    assert_eq!(
        well(&["ls", "-l", "S3/a.zarr"]),
        local(&["ls", "-l", "sample.zarr"])
    );
    assert_eq!(
        same(&well(&["info", "S3/a.zarr/temperature"])),
        same(&local(&["info", "sample.zarr/temperature"]))
    );
    let nodes =
        |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap()["nodes"].clone();
    assert_eq!(
        nodes(&well(&["du", "S3/a.zarr", "--chunks", "--json"])),
        nodes(&local(&["du", "sample.zarr", "--chunks", "--json"]))
    );
    for args in [
        &["cat", "0"][..],
        &["head"],
        &["show"],
        &["stats", "0"],
        &["explain", "0"],
    ] {
        let of = |source: &'static str| [&[args[0], source], &args[1..]].concat();
        assert_eq!(
            without_source(&well(&of("S3/a.zarr/temperature"))),
            without_source(&local(&of("sample.zarr/temperature"))),
            "{args:?}"
        );
    }
    assert_eq!(
        well(&["checksum", "S3/a.zarr", "--values"]),
        local(&["checksum", "sample.zarr", "--values"])
    );
    std::fs::write(place.path("m.json"), local(&["checksum", "sample.zarr"])).unwrap();
    well(&["verify", "S3/a.zarr", "m.json"]);
    well(&["consolidate", "S3/a.zarr"]);
    well(&["attrs", "set", "S3/a.zarr/run/mask", "a=1"]);
    assert_eq!(well(&["attrs", "get", "S3/a.zarr/run/mask", "a"]), "1\n");
    well(&["consolidate", "S3/a.zarr", "--check"]);
    well(&[
        "rechunk",
        "S3/a.zarr/temperature",
        "S3/b.zarr/t",
        "--chunks",
        "4,2,2",
        "--no-shards",
        "--verify",
        "values",
    ]);
    well(&[
        "rechunk",
        "sample.zarr/temperature",
        "S3/c.zarr",
        "--shards",
        "4,6,8",
        "--verify",
        "values",
    ]);
    well(&["copy", "S3/b.zarr/t", "back.zarr", "--verify", "values"]);
    well(&["mv", "S3/a.zarr/run", "S3/a.zarr/moved/run"]);
    well(&["rm", "S3/a.zarr/temperature", "--yes"]);
    let left = well(&["ls", "S3/a.zarr"]);
    assert_eq!(left, "moved/\n");
    well(&[
        "create",
        "S3/a.zarr/new",
        "--shape",
        "0,3",
        "--dtype",
        "int32",
        "--chunks",
        "4,3",
    ]);
    let npy = place
        .command(&["cat", "sample.zarr/temperature", "0,0:2,0:3", "--npy"])
        .output()
        .unwrap()
        .stdout;
    std::fs::write(place.path("x.npy"), npy).unwrap();
    let args = with(&["append", "S3/a.zarr/new", "x.npy"]);
    let done = place.run(&args.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(
        done.code == 2 && done.stderr.contains("astype"),
        "{}",
        done.stderr
    );
    well(&["report", "S3/b.zarr/t", "r.html"]);
}

#[test]
fn a_web_server_is_read() {
    let Some(server) = server("nginx") else {
        return;
    };
    let place = Place::new();
    place.well(&["consolidate", "sample.zarr"]);
    place.zip("sample.zarr", "sample.zip");
    let name = format!("zarrctl-{}", std::process::id());
    let root = Path::new(server.root.as_ref().unwrap()).join(&name);
    std::fs::create_dir_all(&root).unwrap();
    let copied = place
        .command(&["copy", "sample.zarr", root.join("x.zarr").to_str().unwrap()])
        .status()
        .unwrap();
    assert!(copied.success());
    std::fs::copy(place.path("sample.zip"), root.join("x.zip")).unwrap();
    let url = format!("{}/{name}", server.url);
    let (store, archive) = (format!("{url}/x.zarr"), format!("{url}/x.zip"));
    let same = |text: &str| text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    for source in [&store, &archive] {
        assert_eq!(
            same(&place.well(&["tree", source])),
            same(&place.well(&["tree", "sample.zarr"]))
        );
        let array = format!("{source}/temperature");
        for args in [
            &["cat", "0"][..],
            &["head"],
            &["show"],
            &["stats", "0"],
            &["explain", "0"],
        ] {
            let of = |source: &str| place.well(&[&[args[0], source], &args[1..]].concat());
            let (found, expected) = (of(&array), of("sample.zarr/temperature"));
            assert_eq!(
                without_source(&found),
                without_source(&expected),
                "{args:?}"
            );
        }
        place.well(&["diff", "sample.zarr/temperature", &array]);
        place.well(&[
            "rechunk",
            &array,
            &format!("r{}.zarr", source.len()),
            "--chunks",
            "4,3,3",
            "--no-shards",
            "--verify",
            "values",
        ]);
    }
    // The server does not list: what is stored is left out, and objects cannot be copied.
    let info = place.run(&["info", &format!("{store}/temperature")]);
    assert!(
        info.code == 0 && info.stderr.contains("cannot list"),
        "{}",
        info.stderr
    );
    assert_eq!(place.run(&["copy", &store, "c.zarr"]).code, 2);
    place.well(&["copy", &archive, "c.zarr", "--verify", "values"]);
    assert_eq!(place.run(&["attrs", "set", &store, "a=1"]).code, 2);
}
