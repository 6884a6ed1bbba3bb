//! The known names that an unknown one may stand for.

use strsim::osa_distance;

/// Names of other systems.
const OTHERS: [(&str, &str); 5] = [
    ("boolean", "bool"),
    ("double", "float64"),
    ("half", "float16"),
    ("str", "string"),
    ("utf8", "string"),
];

/// Returns a question for a message, such as `did you mean float32? `; empty if no known name,
/// out of a list separated by commas, is near.
pub(super) fn did_you_mean(name: &str, known: &str) -> String {
    let known = known.split(", ").collect::<Vec<_>>();
    match nearest(name, &known).join(" or ") {
        near if near.is_empty() => near,
        near => format!("did you mean {near}? "),
    }
}

fn nearest<'a>(name: &str, known: &[&'a str]) -> Vec<&'a str> {
    let other = OTHERS.iter().filter(|(other, _)| *other == name);
    let meant = other.map(|(_, meant)| (*meant).to_owned());
    let meant = meant.chain(from_code(name));
    let exact = meant.filter_map(|meant| known.iter().find(|known| **known == meant));
    if let Some(exact) = exact.clone().next() {
        return vec![*exact];
    }
    // `r*` stands for many names.
    let names = known.iter().filter(|known| !known.contains('*'));
    let distances = names.map(|known| (osa_distance(name, known), *known));
    let near = distances.filter(|(distance, _)| *distance <= 2.min(name.len() / 2));
    let near = near.collect::<Vec<_>>();
    let least = near.iter().map(|(distance, _)| *distance).min();
    let near = near.iter().filter(|(distance, _)| Some(*distance) == least);
    near.map(|(_, known)| *known).collect()
}

/// Returns the data types that a code may mean: `f32` in Rust, `<f4` and `f4` in NumPy.
fn from_code(name: &str) -> Vec<String> {
    let code = name.trim_start_matches(['<', '>', '|', '=']);
    let letters = code.trim_end_matches(|letter: char| letter.is_ascii_digit());
    let kind = match letters {
        "b" | "?" => return vec!["bool".to_owned()],
        "i" => "int",
        "u" => "uint",
        "f" => "float",
        "c" => "complex",
        _ => return Vec::new(),
    };
    let Ok(size) = code[letters.len()..].parse::<u16>() else {
        return Vec::new();
    };
    let bits = (code == name).then_some(u32::from(size));
    let sizes = bits.into_iter().chain([u32::from(size) * 8]);
    sizes.map(|bits| format!("{kind}{bits}")).collect()
}

#[cfg(test)]
mod tests {
    use super::nearest;
    use crate::data_type::CORE_NAMES;

    #[test]
    fn near_names_are_found() {
        for (name, near) in [
            ("f32", &["float32"][..]),
            ("<f4", &["float32"]),
            ("f4", &["float32"]),
            ("i8", &["int8"]),
            ("<i8", &["int64"]),
            ("|b1", &["bool"]),
            ("double", &["float64"]),
            ("float33", &["float32"]),
            ("float", &["float16", "float32", "float64"]),
            ("Float64", &["float64"]),
            ("uint7", &["uint8"]),
            ("itn16", &["int16"]),
            ("example.temperature", &[]),
            ("r7", &[]),
            ("", &[]),
        ] {
            assert_eq!(nearest(name, &CORE_NAMES), near, "{name}");
        }
    }
}
