//! Codecs, data types and fill values as text: `zstd:5`, `crc32c`, `datetime64[ns]`, or JSON as in
//! metadata documents.

use zarr::{DataType, Elements, Extension, codecs};

use crate::failure::{Failure, Result};

const HINT: &str = "write NAME or NAME:LEVEL, as in zstd:5,crc32c, or JSON as in metadata \
                    documents; none stores without compression";

/// Parses a data type.
pub(crate) fn data_type(text: &str) -> Result<DataType> {
    let hint = "write a name such as float32, datetime64[ns], or JSON as in metadata documents";
    let times = ["datetime64", "timedelta64"].into_iter();
    let mut times = times.filter_map(|name| {
        let rest = text
            .strip_prefix("numpy.")
            .unwrap_or(text)
            .strip_prefix(name)?;
        Some((name, rest))
    });
    let extension = match times.next() {
        _ if text.starts_with('{') => serde_json::from_str(text)
            .map_err(|error| Failure::new(format!("--dtype: {error}")).hint(hint))?,
        Some((name, rest)) => {
            let inside = rest
                .strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']'));
            let Some(inside) = inside else {
                return Err(Failure::new(format!("--dtype: {text:?} has no unit"))
                    .hint(format!("write {name}[ns], {name}[D] or another unit")));
            };
            let digits = inside.trim_start_matches(|letter: char| letter.is_ascii_digit());
            let scale = &inside[..inside.len() - digits.len()];
            Extension::new(format!("numpy.{name}"))
                .with("unit", digits)
                .with("scale_factor", scale.parse().unwrap_or(1_u32))
        }
        None => Extension::new(text),
    };
    let bound = zarr::registry().bind_data_type(&extension);
    bound.map_err(|error| Failure::new(format!("--dtype: {error}")).hint(hint))
}

/// Returns a fill value as JSON: text that is no JSON is a string.
pub(crate) fn fill(text: &str) -> Result<String> {
    Ok(match serde_json::from_str::<serde_json::Value>(text) {
        Ok(_) => text.to_owned(),
        Err(_) => serde_json::to_string(text)?,
    })
}

/// Returns the fill value of an array as JSON, converted to another data type.
pub(crate) fn converted_fill(array: &zarr::blocking::Array, to: &DataType) -> Result<String> {
    if array.data_type() == to {
        return Ok(array.metadata().fill_value().get().to_owned());
    }
    let bytes = array.fill_value().bytes().to_vec();
    let fill = Elements::new(array.data_type(), &[], bytes).and_then(|fill| fill.converted(to));
    let fill = fill.map_err(|error| {
        let old = array.metadata().fill_value().get();
        Failure::new(format!(
            "the fill value {old} does not become {to}: {error}"
        ))
        .hint("give another with --fill")
    })?;
    Ok(fill.to_json(0))
}

/// Parses the codecs behind the one that makes bytes of elements, or all codecs as JSON.
pub(crate) fn parse(text: &str, data_type: &DataType) -> Result<Vec<Extension>> {
    if text.trim_start().starts_with('[') {
        let wrong = |error| Failure::new(format!("--codecs: {error}")).hint(HINT);
        return serde_json::from_str(text).map_err(wrong);
    }
    let names = text
        .split(',')
        .map(str::trim)
        .filter(|name| *name != "none");
    let compressors = names.map(|name| codec(name, data_type));
    let compressors = compressors.collect::<Result<Vec<_>>>()?;
    let bytes = match (data_type.fixed_size(), data_type.name()) {
        (Some(_), _) => codecs::bytes(data_type.swap_size() > 1),
        (None, "string") => Extension::new("vlen-utf8"),
        (None, _) => Extension::new("vlen-bytes"),
    };
    Ok([vec![bytes], compressors].concat())
}

/// Returns the size of an element as `blosc` knows it.
pub(crate) fn typesize(data_type: &DataType) -> usize {
    data_type.fixed_size().unwrap_or(1).clamp(1, 255)
}

fn codec(text: &str, data_type: &DataType) -> Result<Extension> {
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
            typesize(data_type),
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
            parse(text, &data_type("int16").expect("known")).map(|codecs| {
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
    fn blosc_has_the_size_of_an_element() {
        let blosc = |name| parse("blosc", &data_type(name)?).map(|codecs| format!("{codecs:?}"));
        assert!(blosc("float64").is_ok_and(|text| text.contains("typesize") && text.contains('8')));
    }

    #[test]
    fn data_types_are_names_with_units() {
        let name = |text| data_type(text).map(|it| it.name().to_owned()).ok();
        assert_eq!(
            name("datetime64[10ms]").as_deref(),
            Some("numpy.datetime64")
        );
        assert_eq!(name("float32").as_deref(), Some("float32"));
        for text in ["float33", "datetime64", "datetime64[fortnight]", "{"] {
            let failure = data_type(text).expect_err("no data type");
            assert!(
                failure.message().starts_with("--dtype: "),
                "{}",
                failure.message()
            );
            assert!(failure.next().is_some());
        }
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
