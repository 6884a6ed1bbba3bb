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
fn stores_on_s3_are_checked_mended_and_served() {
    let Some(server) = server("seaweedfs") else {
        return;
    };
    let (server, place) = (server.fresh(), Place::new());
    let options = options(&server);
    let run = |args: &[&str]| {
        let args = args.iter().map(|arg| arg.replace("S3", &server.url));
        let args = args.chain(options.iter().cloned()).collect::<Vec<_>>();
        place.run(&args.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let well = |args: &[&str]| {
        let done = run(args);
        assert_eq!(done.code, 0, "{args:?}: {}{}", done.stdout, done.stderr);
        done.stdout
    };
    // A cut shard: an upload that ended early.
    place.well(&["copy", "sample.zarr", "cut.zarr"]);
    let shard = "temperature/c/0/0/0";
    std::fs::write(place.path("cut.zarr").join(shard), "cut").unwrap();
    well(&["copy", "cut.zarr", "S3/d.zarr"]);
    well(&["copy", "sample.zarr", "S3/whole.zarr"]);
    let found = run(&["check", "S3/d.zarr"]);
    assert!(
        found.code == 1 && found.stdout.contains("shard-too-short"),
        "{}",
        found.stdout
    );
    let from = ["--from", "S3/whole.zarr"];
    let repair = ["repair", "S3/d.zarr", "--apply", "--backup", "S3/old"];
    well(&[&repair[..], &from].concat());
    well(&["check", "S3/d.zarr", "--deep"]);
    well(&["diff", "S3/whole.zarr", "S3/d.zarr"]);
    well(&["compact", "S3/d.zarr/temperature"]);
    // The service itself copies from bucket to bucket.
    let other = server.url.replacen("s3://zarr/", "s3://zarr2/", 1) + "/d.zarr";
    let copied = run(&["copy", "S3/d.zarr", &other, "-v", "--verify", "bytes"]);
    let mut lines = copied.stderr.lines();
    let line = lines.find(|line| line.starts_with("s3://zarr2"));
    assert!(
        copied.code == 0 && line.is_some_and(|line| line.ends_with(", 0 written")),
        "{}",
        copied.stderr
    );
    well(&["sweep", "S3/d.zarr", "--yes"]);
    let npy = place.command(&["cat", "sample.zarr/run/mask", ":", "--npy"]);
    let npy = { npy }.output().unwrap().stdout;
    std::fs::write(place.path("mask.npy"), npy).unwrap();
    well(&["append", "S3/d.zarr/run/mask", "mask.npy"]);
    let mask = well(&["info", "S3/d.zarr/run/mask", "--json"]);
    let mask: serde_json::Value = serde_json::from_str(&mask).unwrap();
    assert_eq!(mask["shape"], serde_json::json!([12, 8]));
    std::fs::create_dir(place.path("v2.zarr")).unwrap();
    std::fs::write(place.path("v2.zarr/.zgroup"), r#"{"zarr_format": 2}"#).unwrap();
    well(&["copy", "v2.zarr", "S3/v2.zarr"]);
    assert!(well(&["convert", "S3/v2.zarr"]).contains("converted"));
    let args = ["serve", "S3/d.zarr", "--port", "0", "--json"];
    let args = args.map(|arg| arg.replace("S3", &server.url));
    let args = args.iter().chain(&options).map(String::as_str);
    let served = place.serve(&args.collect::<Vec<_>>());
    assert_eq!(
        place.well(&["cat", &format!("{}/run/mask", served.url), "0"]),
        place.well(&["cat", "sample.zarr/run/mask", "0"])
    );
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
        place.well(&["check", source, "--deep"]);
        place.well(&["attrs", "get", &array, "units"]);
        let served = place.serve(&["serve", source, "--port", "0", "--json"]);
        place.well(&["stats", &format!("{}/temperature", served.url)]);
        for args in [
            &["rm", source, "--yes"][..],
            &["consolidate", source],
            &["convert", source],
            &["create", &format!("{source}/g"), "--group"],
            &["mv", &array, &format!("{source}/t")],
            &["rechunk", "sample.zarr/temperature", &format!("{source}/r")],
            &["copy", "sample.zarr", &format!("{source}/s")],
        ] {
            let done = place.run(args);
            assert_eq!(done.code, 2, "{args:?}: {}", done.stdout);
            assert!(done.stderr.contains("error:"), "{args:?}: {}", done.stderr);
        }
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
    for command in ["copy", "checksum", "du"] {
        let args = [
            &[command, store.as_str()][..],
            &["c.zarr"][..usize::from(command == "copy")],
        ];
        let done = place.run(&args.concat());
        assert!(
            done.code == 2 && done.stderr.contains("list"),
            "{command}: {}",
            done.stderr
        );
    }
    place.well(&["ls", &store]);
    place.well(&["checksum", &archive, "--values"]);
    place.well(&["consolidate", &archive, "--check"]);
    place.well(&["report", &archive, "r.html"]);
    let refused = place.run(&["consolidate", &store, "--check"]).stderr;
    assert_eq!(refused.matches("x.zarr").count(), 1, "{refused}");
    place.well(&["copy", &archive, "c.zarr", "--verify", "values"]);
    assert_eq!(place.run(&["attrs", "set", &store, "a=1"]).code, 2);
}
