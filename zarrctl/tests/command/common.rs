//! Shared code of the tests: a sample hierarchy, and the binary as a process.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use ndarray::{Array2, Array3};
use serde_json::{Value, json};
use tempfile::TempDir;
use zarr::blocking::{Hierarchy, open};
use zarr::{ArrayBuilder, Attributes};

/// A directory with `sample.zarr`, in which commands run.
pub(crate) struct Place {
    directory: TempDir,
}

/// The result of a command.
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A running `serve`, which ends with this value.
pub(crate) struct Served {
    pub(crate) url: String,
    process: Child,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Place {
    /// Creates a directory with the sample.
    pub(crate) fn new() -> Self {
        let directory = TempDir::new().unwrap();
        sample(&open(directory.path().join("sample.zarr").to_str().unwrap()).unwrap());
        Self { directory }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn open(&self, name: &str) -> Hierarchy {
        open(self.path(name).to_str().unwrap()).unwrap()
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zarrctl"));
        command.current_dir(self.directory.path()).args(args);
        command.env("AWS_EC2_METADATA_DISABLED", "true");
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Done {
        done(self.command(args).output().unwrap())
    }

    /// Runs a command that must exit with 0; returns stdout.
    pub(crate) fn well(&self, args: &[&str]) -> String {
        let done = self.run(args);
        assert_eq!(done.code, 0, "{args:?}: {}{}", done.stdout, done.stderr);
        done.stdout
    }

    /// Runs a command that must exit with 0; returns its JSON.
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.well(&[args, &["--json"]].concat())).unwrap()
    }

    /// Runs a line of shell; returns its output and errors together, and the exit code.
    pub(crate) fn shell(&self, line: &str) -> (String, i32) {
        let bin = Path::new(env!("CARGO_BIN_EXE_zarrctl")).parent().unwrap();
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
        let mut shell = Command::new("sh");
        shell.current_dir(self.directory.path()).env("PATH", path);
        let output = shell
            .arg("-c")
            .arg(format!("exec 2>&1; {line}"))
            .output()
            .unwrap();
        let done = done(output);
        (done.stdout, done.code)
    }

    /// Starts `serve`, which prints its URL as JSON.
    pub(crate) fn serve(&self, args: &[&str]) -> Served {
        let mut process = self.command(args).stdout(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut text = String::new();
        while !text.trim_end().ends_with('}') {
            output.read_line(&mut text).unwrap();
        }
        let printed: Value = serde_json::from_str(&text).unwrap();
        let url = printed["url"].as_str().unwrap().to_owned();
        Served { url, process }
    }

    /// Packs a directory into a zip archive beside it.
    pub(crate) fn zip(&self, name: &str, archive: &str) {
        let script =
            "import shutil, sys; shutil.make_archive(sys.argv[2][:-4], 'zip', sys.argv[1])";
        let mut python = Command::new(zarr_tests::python::find());
        python.arg("-c").arg(script).args([name, archive]);
        assert!(
            python
                .current_dir(self.directory.path())
                .status()
                .unwrap()
                .success()
        );
    }
}

pub(crate) fn done(output: Output) -> Done {
    Done {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Writes the sample: a sharded array of which a part is stored, a small array, strings, and a
/// group without arrays.
pub(crate) fn sample(hierarchy: &Hierarchy) {
    let title = Attributes::default().with("title", "a sample").unwrap();
    hierarchy.create_group("", title).unwrap();
    let units = Attributes::default().with("units", "K").unwrap();
    let units = units.with("valid_range", json!([200, 330])).unwrap();
    let temperature = ArrayBuilder::new(&[4, 6, 8], "float32")
        .with_chunk_shape(&[1, 3, 4])
        .with_shard_shape(&[2, 6, 8])
        .with_dimension_names(["time", "lat", "lon"])
        .with_attributes(units)
        .with_fill_value(f32::NAN)
        .unwrap();
    let temperature = hierarchy
        .create_array("temperature", temperature.build().unwrap())
        .unwrap();
    let values = Array3::from_shape_fn((2, 6, 8), |(time, lat, lon)| {
        (200 + 50 * time + 5 * lat + lon) as f32
    });
    temperature.write((0..2, .., ..), values).unwrap();
    temperature.write((2, 0, 0), 330.0_f32).unwrap();
    let mask = ArrayBuilder::new(&[6, 8], "uint8")
        .with_chunk_shape(&[3, 4])
        .with_codecs([zarr::codecs::bytes(false)]);
    let mask = hierarchy
        .create_array("run/mask", mask.build().unwrap())
        .unwrap();
    mask.write(
        (0..3, ..),
        Array2::from_shape_fn((3, 8), |(lat, lon)| u8::from(lat == lon)),
    )
    .unwrap();
    let names = ArrayBuilder::new(&[3], "string").build().unwrap();
    let names = hierarchy.create_array("run/names", names).unwrap();
    names.write(.., &["Ada", "Grace, \"G\"", ""]).unwrap();
    hierarchy
        .create_group("run/later", Attributes::default())
        .unwrap();
}
