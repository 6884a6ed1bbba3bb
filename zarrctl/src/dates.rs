//! Dates of `numpy.datetime64` as ISO 8601, to the precision of their unit, like NumPy.

use zarr::DataType;
use zarr::core::DataTypeKind;

/// Returns a count of the unit of a data type as a date; `None` if the data type holds no dates of
/// the calendar.
pub(crate) fn iso(data_type: &DataType, count: i64) -> Option<String> {
    if data_type.kind() != DataTypeKind::Time || !data_type.name().contains("datetime") {
        return None;
    }
    if count == i64::MIN {
        return Some("NaT".to_owned());
    }
    let members = data_type.extension().configuration()?;
    let unit: String = serde_json::from_str(members.get("unit")?.get()).ok()?;
    let scale: i64 = serde_json::from_str(members.get("scale_factor")?.get()).ok()?;
    let count = i128::from(count) * i128::from(scale);
    let digits = match unit.as_str() {
        "Y" => return Some(year(1970 + count)),
        "M" => {
            let (years, month) = (count.div_euclid(12), count.rem_euclid(12) + 1);
            return Some(format!("{}-{month:02}", year(1970 + years)));
        }
        "W" => return Some(date(count * 7)),
        "D" => return Some(date(count)),
        "h" => return Some(time(count * 3600, 2)),
        "m" => return Some(time(count * 60, 5)),
        "s" => return Some(time(count, 8)),
        "ms" => 3,
        "us" | "μs" => 6,
        "ns" => 9,
        "ps" => 12,
        "fs" => 15,
        "as" => 18,
        _ => return None,
    };
    let second = 10_i128.pow(digits);
    let whole = time(count.div_euclid(second), 8);
    let digits = digits as usize;
    Some(format!("{whole}.{:0digits$}", count.rem_euclid(second)))
}

/// Returns a date and the first characters of a time, `HH:MM:SS`.
fn time(seconds: i128, len: usize) -> String {
    let (day, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let time = format!("{hour:02}:{minute:02}:{second:02}");
    format!("{}T{}", date(day), &time[..len])
}

/// Returns the date of a day since 1970, in the Gregorian calendar: by eras of 400 years that begin
/// in March, so that leap days end a year.
fn date(day: i128) -> String {
    let day = day + 719_468;
    let (era, of_era) = (day.div_euclid(146_097), day.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * from_march + 2) / 5 + 1;
    let month = from_march % 12 + 3;
    let month = if month > 12 { month - 12 } else { month };
    let years = era * 400 + year_of_era + i128::from(month <= 2);
    format!("{}-{month:02}-{of_month:02}", year(years))
}

fn year(year: i128) -> String {
    match year {
        0.. => format!("{year:04}"),
        _ => format!("-{:04}", -year),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_numpy() {
        for (unit, count, expected) in [
            ("D", 0, "1970-01-01"),
            ("D", -1, "1969-12-31"),
            ("D", 11_016, "2000-02-29"),
            ("D", 47_540, "2100-02-28"),
            ("D", 47_541, "2100-03-01"),
            ("D", -719_528, "0000-01-01"),
            ("D", -719_529, "-0001-12-31"),
            ("Y", 30, "2000"),
            ("M", -1, "1969-12"),
            ("W", 1, "1970-01-08"),
            ("h", 25, "1970-01-02T01"),
            ("m", -1, "1969-12-31T23:59"),
            ("s", 1_700_000_000, "2023-11-14T22:13:20"),
            ("ms", -1, "1969-12-31T23:59:59.999"),
            ("ns", 1, "1970-01-01T00:00:00.000000001"),
            ("s", i64::MIN, "NaT"),
        ] {
            let text = format!(
                r#"{{"name":"numpy.datetime64","configuration":{{"unit":"{unit}","scale_factor":1}}}}"#
            );
            let extension = serde_json::from_str(&text).expect("JSON");
            let data_type = zarr::registry().bind_data_type(&extension).expect("valid");
            assert_eq!(
                iso(&data_type, count).as_deref(),
                Some(expected),
                "{unit} {count}"
            );
        }
    }
}
