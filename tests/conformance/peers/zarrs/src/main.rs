//! zarrs as a server of JSON lines: `{"store", "node", "out"}` in, `{"ok", "file"}` or `{"ok",
//! "error"}` out.
//!
//! Fixed-size elements become `.npy` files of opaque elements (`|V<size>`), which the runner
//! compares by their bytes.

use std::io::{BufRead, Write, stdin, stdout};
use std::sync::Arc;

use serde_json::{Value, json};
use zarrs::array::{Array, ArrayBytes};
use zarrs::filesystem::FilesystemStore;

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    for line in stdin().lock().lines() {
        let request: Value = serde_json::from_str(&line?)?;
        let text = |member: &str| request[member].as_str().unwrap_or_default();
        let answer = match request["write"].as_str() {
            Some(file) => write(text("store"), file),
            None => read(text("store"), text("node"), text("out")),
        };
        let answer = match answer {
            Ok(file) => json!({"ok": true, "file": file}),
            Err(error) => json!({"ok": false, "error": error.to_string().replace('\n', " ")}),
        };
        writeln!(stdout(), "{answer}")?;
        stdout().flush()?;
    }
    Ok(())
}

fn read(store: &str, node: &str, out: &str) -> Result<String, Failure> {
    let store = Arc::new(FilesystemStore::new(store)?);
    let array = Array::open(store, &format!("/{node}"))?;
    let metadata = serde_json::to_value(array.metadata())?;
    let data_type = &metadata["data_type"];
    let elements: ArrayBytes = array.retrieve_array_subset(&array.subset_all())?;
    match elements {
        ArrayBytes::Fixed(bytes) => {
            let len = array.shape().iter().product::<u64>();
            let size = array.data_type().fixed_size().unwrap_or(1);
            let bytes = narrow(data_type, bytes.into_owned());
            let shape = array
                .shape()
                .iter()
                .map(|len| format!("{len},"))
                .collect::<String>();
            let mut header =
                format!("{{'descr': '|V{size}', 'fortran_order': False, 'shape': ({shape}), }}");
            header.extend(std::iter::repeat_n(' ', 63 - (10 + header.len()) % 64));
            header.push('\n');
            let mut file = b"\x93NUMPY\x01\x00".to_vec();
            file.extend(u16::try_from(header.len())?.to_le_bytes());
            file.extend(header.as_bytes());
            file.extend(&bytes);
            assert_eq!(bytes.len() as u64, len * size as u64);
            let path = format!("{out}.npy");
            std::fs::write(&path, file)?;
            Ok(path)
        }
        other => {
            let elements = variable(data_type, &other)?;
            let path = format!("{out}.json");
            std::fs::write(
                &path,
                json!({"kind": elements.0, "shape": array.shape(), "data": elements.1}).to_string(),
            )?;
            Ok(path)
        }
    }
}

/// Writes the elements of a `.npy` file to an array with an existing document, for `generate.py`.
fn write(store: &str, file: &str) -> Result<String, Failure> {
    let array = Array::open(Arc::new(FilesystemStore::new(store)?), "/")?;
    let npy = std::fs::read(file)?;
    let start = 10 + usize::from(u16::from_le_bytes([npy[8], npy[9]]));
    array.store_array_subset(
        &array.subset_all(),
        ArrayBytes::new_flen(npy[start..].to_vec()),
    )?;
    Ok(file.to_owned())
}

/// Normalises the unused upper bits of narrow types, which zarrs leaves as stored: the canonical
/// form extends the sign or has zeros.
fn narrow(data_type: &Value, mut bytes: Vec<u8>) -> Vec<u8> {
    let name = data_type
        .as_str()
        .or(data_type["name"].as_str())
        .unwrap_or_default();
    let bits = match name {
        "int2" | "uint2" => 2,
        "int4" | "uint4" | "float4_e2m1fn" => 4,
        "float6_e2m3fn" | "float6_e3m2fn" => 6,
        _ => return bytes,
    };
    for byte in &mut bytes {
        *byte <<= 8 - bits;
        *byte = if name.starts_with("int") {
            (*byte as i8 >> (8 - bits)) as u8
        } else {
            *byte >> (8 - bits)
        };
    }
    bytes
}

/// Returns the kind ("string", "bytes" or "optional") and the elements.
fn variable(
    data_type: &Value,
    elements: &ArrayBytes,
) -> Result<(&'static str, Vec<Value>), Failure> {
    match elements {
        ArrayBytes::Variable(elements) => {
            let (bytes, offsets) = (elements.bytes(), elements.offsets());
            let items = offsets.windows(2).map(|pair| &bytes[pair[0]..pair[1]]);
            if data_type.as_str() == Some("string") {
                let texts = items.map(|item| Ok(std::str::from_utf8(item)?.into()));
                return Ok(("string", texts.collect::<Result<_, Failure>>()?));
            }
            let hex = items.map(|item| {
                item.iter()
                    .map(|byte| format!("{byte:02x}"))
                    .collect::<String>()
                    .into()
            });
            Ok(("bytes", hex.collect()))
        }
        _ => Err("adapter: optional elements are not converted".into()),
    }
}
