//! `numcodecs.adler32`, `.crc32`, `.crc32c`, `.fletcher32` and `.jenkins_lookup3`.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;
use zarr_core::codec::{BytesToBytes, EncodedSize};
use zarr_core::{Binder, Error, Extension, Result};

use crate::checksum::{Checksum, Location};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Configuration {
    location: Option<Location>,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
#[derive(Default)]
struct Jenkins {
    initval: u32,
    prefix: Option<Value>,
}

type Bound = Result<Arc<dyn BytesToBytes>>;

/// Binds `numcodecs.adler32`, whose checksum is at the start by default.
pub(crate) fn bind_adler32(extension: &Extension, decoded: EncodedSize, _: &Binder<'_>) -> Bound {
    let compute = |data: &[u8], _| libdeflater::adler32(data);
    let name = "numcodecs.adler32";
    bind_located(extension, decoded, name, compute, Location::Start)
}

/// Binds `numcodecs.crc32`, whose checksum is at the start by default.
pub(crate) fn bind_crc32(extension: &Extension, decoded: EncodedSize, _: &Binder<'_>) -> Bound {
    let compute = |data: &[u8], _| libdeflater::crc32(data);
    let name = "numcodecs.crc32";
    bind_located(extension, decoded, name, compute, Location::Start)
}

/// Binds `numcodecs.crc32c`, whose checksum is at the end by default.
pub(crate) fn bind_crc32c(extension: &Extension, decoded: EncodedSize, _: &Binder<'_>) -> Bound {
    let compute = |data: &[u8], _| crc_fast::crc32_iscsi(data);
    let name = "numcodecs.crc32c";
    bind_located(extension, decoded, name, compute, Location::End)
}

/// Binds `numcodecs.fletcher32`, the Fletcher checksum of HDF5.
pub(crate) fn bind_fletcher32(
    extension: &Extension,
    decoded: EncodedSize,
    _: &Binder<'_>,
) -> Bound {
    extension.expect_no_configuration()?;
    Ok(Arc::new(Checksum {
        name: "numcodecs.fletcher32",
        compute: |data, _| fletcher32(data),
        initial: 0,
        location: Location::End,
        decoded,
    }))
}

/// Binds `numcodecs.jenkins_lookup3`. A prefix is refused, since JSON cannot express one.
pub(crate) fn bind_jenkins_lookup3(
    extension: &Extension,
    decoded: EncodedSize,
    _: &Binder<'_>,
) -> Bound {
    let Jenkins { initval, prefix } = extension.parse()?;
    if let Some(prefix) = prefix {
        return Err(Error::invalid(prefix, "null").member("configuration.prefix"));
    }
    Ok(Arc::new(Checksum {
        name: "numcodecs.jenkins_lookup3",
        compute: lookup3,
        initial: initval,
        location: Location::End,
        decoded,
    }))
}

fn bind_located(
    extension: &Extension,
    decoded: EncodedSize,
    name: &'static str,
    compute: fn(&[u8], u32) -> u32,
    default: Location,
) -> Bound {
    let Configuration { location } = extension.parse()?;
    Ok(Arc::new(Checksum {
        name,
        compute,
        initial: 0,
        location: location.unwrap_or(default),
        decoded,
    }))
}

/// Computes Fletcher's checksum of big-endian 16-bit words; an odd last byte is the high byte of a
/// word (HDF5, `H5_checksum_fletcher32`).
///
/// Sums are modulo 65535 by end-around carry, so a sum is 0 only if all words are 0.
fn fletcher32(data: &[u8]) -> u32 {
    /// The number of words per run, small enough for the second sum to stay below 2^32.
    const RUN: usize = 360;
    let fold = |sum: u32| (sum & 0xffff).wrapping_add(sum >> 16);
    let (mut first, mut second) = (0_u32, 0_u32);
    for run in data.chunks(2 * RUN) {
        for word in run.chunks(2) {
            let word = [0, 1].map(|place| word.get(place).copied().unwrap_or(0));
            first = first.wrapping_add(u16::from_be_bytes(word).into());
            second = second.wrapping_add(first);
        }
        (first, second) = (fold(first), fold(second));
    }
    fold(second) << 16 | fold(first)
}

/// Computes Bob Jenkins' `hashlittle` of "lookup3", byte by byte (HDF5, `H5_checksum_lookup3`).
fn lookup3(data: &[u8], initial: u32) -> u32 {
    let size = u32::try_from(data.len() & 0xffff_ffff).expect("masked");
    let mut state = [0xdead_beef_u32.wrapping_add(size).wrapping_add(initial); 3];
    let Some(last) = data.len().checked_sub(1) else {
        return state[2];
    };
    // The last 1 to 12 bytes are mixed differently from the groups of 12 before them.
    let (whole, rest) = data.split_at(last.saturating_sub(last % 12));
    for block in whole.chunks_exact(12) {
        add_words(&mut state, block);
        let [mut a, mut b, mut c] = state;
        let mix = |x: &mut u32, y: &mut u32, z: &mut u32, turn| {
            *x = x.wrapping_sub(*z) ^ z.rotate_left(turn);
            *z = z.wrapping_add(*y);
        };
        mix(&mut a, &mut b, &mut c, 4);
        mix(&mut b, &mut c, &mut a, 6);
        mix(&mut c, &mut a, &mut b, 8);
        mix(&mut a, &mut b, &mut c, 16);
        mix(&mut b, &mut c, &mut a, 19);
        mix(&mut c, &mut a, &mut b, 4);
        state = [a, b, c];
    }
    add_words(&mut state, rest);
    let [mut a, mut b, mut c] = state;
    let scramble = |x: &mut u32, y: u32, turn| *x = (*x ^ y).wrapping_sub(y.rotate_left(turn));
    scramble(&mut c, b, 14);
    scramble(&mut a, c, 11);
    scramble(&mut b, a, 25);
    scramble(&mut c, b, 16);
    scramble(&mut a, c, 4);
    scramble(&mut b, a, 14);
    scramble(&mut c, b, 24);
    c
}

/// Adds up to twelve bytes to `state` as three little-endian words.
fn add_words(state: &mut [u32; 3], bytes: &[u8]) {
    for (word, part) in state.iter_mut().zip(bytes.chunks(4)) {
        let mut padded = [0; 4];
        padded
            .iter_mut()
            .zip(part)
            .for_each(|(to, from)| *to = *from);
        *word = word.wrapping_add(u32::from_le_bytes(padded));
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::testing::{
        assert_decodes, assert_round_trip, assert_survives_damage, binder, extension, fixtures,
        refusal, sample,
    };

    type Bind = fn(&Extension, EncodedSize, &Binder<'_>) -> Bound;

    const ALL: [(&str, Bind); 5] = [
        ("adler32-", bind_adler32),
        ("crc32-", bind_crc32),
        ("crc32c-", bind_crc32c),
        ("fletcher32-", bind_fletcher32),
        ("jenkins_lookup3-", bind_jenkins_lookup3),
    ];

    #[test]
    fn checksums_of_numcodecs_are_read_and_written() {
        for (prefix, bind) in ALL {
            for (name, stored, size) in fixtures(prefix) {
                let codec =
                    bind(&Extension::new("x"), EncodedSize::Exact(size), &binder()).unwrap();
                assert_decodes(&*codec, &stored, &sample(size));
                let mut encoded = Vec::new();
                codec.encode(&sample(size), &mut encoded).unwrap();
                assert_eq!(encoded, stored, "{name}");
                assert!(codec.payload(&stored).unwrap().is_some());
                if size < 100 {
                    assert_survives_damage(&*codec, &stored, size);
                }
                let mut damaged = stored;
                damaged[size / 2] ^= 0x10;
                assert!(matches!(
                    refusal(&*codec, &damaged, size),
                    Error::Checksum { .. }
                ));
            }
        }
    }

    #[test]
    fn location_and_initial_value_are_honoured() {
        let moved = extension(r#"{"name": "x", "configuration": {"location": "end"}}"#);
        let seeded = extension(r#"{"name": "x", "configuration": {"initval": 7, "prefix": null}}"#);
        let size = EncodedSize::AtMost(10);
        let codec = bind_crc32(&moved, size, &binder()).unwrap();
        assert_decodes(&*codec, b"123456789\x26\x39\xf4\xcb", b"123456789");
        assert_round_trip(&*codec, b"123456789");
        let codec = bind_jenkins_lookup3(&seeded, size, &binder()).unwrap();
        assert_round_trip(&*codec, b"123456789");
    }

    #[test]
    fn bad_configurations_are_refused() {
        let json = r#"{"name": "x", "configuration": {"location": "middle"}}"#;
        for (_, bind) in ALL {
            assert!(bind(&extension(json), EncodedSize::Exact(1), &binder()).is_err());
        }
        let json = r#"{"name": "x", "configuration": {"prefix": [1]}}"#;
        assert!(bind_jenkins_lookup3(&extension(json), EncodedSize::Exact(1), &binder()).is_err());
    }
}
