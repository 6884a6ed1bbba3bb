//! Options as given by the caller; options that a builder does not know are taken out here.

use url::Url;

use crate::CostModel;
use crate::error::Result;
use crate::options::invalid;

/// Names and values of options.
pub(super) type Named = Vec<(String, String)>;

/// Takes an option that the builder does not know. The last value counts, as in the builders.
pub(super) fn take(options: &mut Named, name: &str) -> Option<String> {
    let is_it = |option: &mut (String, String)| option.0.eq_ignore_ascii_case(name);
    options.extract_if(.., is_it).last().map(|(_, value)| value)
}

/// Takes a boolean option.
pub(super) fn take_flag(url: &Url, options: &mut Named, name: &str) -> Result<bool> {
    match take(options, name)
        .map(|value| value.to_ascii_lowercase())
        .as_deref()
    {
        None | Some("false" | "0" | "no" | "n" | "off") => Ok(false),
        Some("true" | "1" | "yes" | "y" | "on") => Ok(true),
        Some(_) => Err(invalid(
            url.as_str(),
            &format!("option {name} must be true or false"),
        )),
    }
}

/// Takes the option that names the aim of a store's plans: returns what adapts its cost model.
pub(super) fn take_aim(url: &Url, options: &mut Named) -> Result<fn(CostModel) -> CostModel> {
    match take(options, "optimize_for")
        .map(|value| value.to_ascii_lowercase())
        .as_deref()
    {
        None => Ok(|cost| cost),
        Some("time") => Ok(CostModel::for_time),
        Some("requests") => Ok(CostModel::for_requests),
        Some("bytes") => Ok(CostModel::for_bytes),
        Some(_) => Err(invalid(
            url.as_str(),
            "option optimize_for must be time, requests or bytes",
        )),
    }
}
