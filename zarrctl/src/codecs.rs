//! Codecs as text: `zstd:5`, `crc32c`, or JSON as in metadata documents.

use zarr::{Extension, codecs};

use crate::failure::{Failure, Result};

const HINT: &str = "write NAME or NAME:LEVEL, as in zstd:5,crc32c, or JSON as in metadata \
                    documents; none stores without compression";

/// Parses the codecs behind `bytes`, or all codecs as JSON.
pub(crate) fn parse(text: &str, has_byte_order: bool) -> Result<Vec<Extension>> {
    if text.trim_start().starts_with('[') {
        let wrong = |error| Failure::new(format!("--codecs: {error}")).hint(HINT);
        return serde_json::from_str(text).map_err(wrong);
    }
    let names = text
        .split(',')
        .map(str::trim)
        .filter(|name| *name != "none");
    let compressors = names.map(codec).collect::<Result<Vec<_>>>()?;
    Ok([vec![codecs::bytes(has_byte_order)], compressors].concat())
}

fn codec(text: &str) -> Result<Extension> {
    let (name, level) = match text.split_once(':') {
        Some((name, level)) => (name, Some(level)),
        None => (text, None),
    };
    let wrong = || Failure::new(format!("--codecs: {text:?} is no codec")).hint(HINT);
    let number =
        |default: i32| level.map_or(Ok(default), |level| level.parse().map_err(|_| wrong()));
    Ok(match name {
        "zstd" => codecs::zstd(number(3)?),
        "gzip" => codecs::gzip(u32::try_from(number(6)?).map_err(|_| wrong())?),
        "crc32c" if level.is_none() => codecs::crc32c(),
        "blosc" => codecs::blosc(
            "zstd",
            u32::try_from(number(5)?).map_err(|_| wrong())?,
            "shuffle",
            0,
        ),
        _ if level.is_none() && !name.is_empty() => Extension::new(name),
        _ => return Err(wrong()),
    })
}

/// Parses a shape: `10,20,30` or `10x20x30`.
pub(crate) fn shape(text: &str) -> Result<Vec<u64>, String> {
    let lengths = text
        .trim_matches(['(', ')', '[', ']'])
        .split([',', 'x'])
        .map(str::trim);
    let lengths = lengths.filter(|len| !len.is_empty());
    let parsed = lengths.map(|len| {
        len.parse()
            .map_err(|_| format!("{len:?} is no length, as in 10,20,30"))
    });
    parsed.collect()
}

/// Parses a number of bytes: `512MiB`, `2GB`, `1000`.
#[expect(clippy::cast_possible_truncation, reason = "casts of floats saturate")]
pub(crate) fn size(text: &str) -> Result<u64, String> {
    let at = text
        .find(|letter: char| !letter.is_ascii_digit() && letter != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        _ => return Err(format!("{unit:?} is no unit; write 512MiB or 2GB")),
    };
    let number: f64 = number
        .parse()
        .map_err(|_| format!("{text:?} is no size; write 512MiB or 2GB"))?;
    Ok((number * factor as f64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codecs_are_names_with_levels() {
        let names = |text| {
            parse(text, true).map(|codecs| {
                codecs
                    .iter()
                    .map(|codec| codec.name().to_owned())
                    .collect::<Vec<_>>()
            })
        };
        assert_eq!(
            names("zstd:5,crc32c").ok(),
            Some(vec!["bytes".into(), "zstd".into(), "crc32c".into()])
        );
        assert_eq!(names("none").ok(), Some(vec!["bytes".into()]));
        assert!(names("zstd:fast").is_err() && names("").is_err());
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!(
            (size("512MiB"), size("2GB"), size("1000")),
            (Ok(512 << 20), Ok(2_000_000_000), Ok(1000))
        );
        assert_eq!(size("1.5k"), Ok(1536));
        assert!(size("much").is_err() && size("5 parsecs").is_err());
    }
}
