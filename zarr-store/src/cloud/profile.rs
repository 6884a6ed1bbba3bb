//! Profiles of the AWS command line, `~/.aws/config` and `~/.aws/credentials`: static keys, region
//! and endpoint, which `object_store` does not read. Roles assumed with a token file are left to
//! `object_store`; profiles with other logins (SSO, other roles, processes) are refused by name.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

/// The settings read from a profile: the name in the profile, and the corresponding option.
const KNOWN: [(&str, &str); 8] = [
    ("aws_access_key_id", "access_key_id"),
    ("aws_secret_access_key", "secret_access_key"),
    ("aws_session_token", "token"),
    ("region", "region"),
    ("endpoint_url", "endpoint"),
    // These settings count only together.
    ("web_identity_token_file", "web_identity_token_file"),
    ("role_arn", "role_arn"),
    ("role_session_name", "role_session_name"),
];

/// Logins that need more than these files.
const LOGINS: [&str; 4] = [
    "sso_session",
    "sso_start_url",
    "role_arn",
    "credential_process",
];

/// Returns the options of a profile: the profile given, else the profile that the environment
/// names, else the default profile, if it exists.
pub(super) fn options(
    profile: Option<&str>,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<Vec<(&'static str, String)>, String> {
    let named = profile
        .map(str::to_owned)
        .or_else(|| environment("AWS_PROFILE"));
    let name = named.as_deref().unwrap_or("default");
    let path = |variable: &str, file: &str| {
        let home = || environment("HOME").map(|home| PathBuf::from(home).join(".aws").join(file));
        environment(variable).map(PathBuf::from).or_else(home)
    };
    let config = read(path("AWS_CONFIG_FILE", "config"))?;
    let credentials = read(path("AWS_SHARED_CREDENTIALS_FILE", "credentials"))?;
    let mut found = section(&config, &format!("profile {name}"));
    if name == "default" {
        found.extend(section(&config, name));
    }
    found.extend(section(&credentials, name));
    let last = |wanted: &str| {
        let mut values = found.iter().rev();
        values
            .find(|(name, _)| *name == wanted)
            .map(|(_, value)| (*value).to_owned())
    };

    if named.is_some() {
        if found.is_empty() {
            return Err(format!("AWS profile \"{name}\" does not exist"));
        }
        let login = LOGINS.iter().find(|key| last(key).is_some());
        let keys = last("aws_access_key_id").or_else(|| last("web_identity_token_file"));
        if let (None, Some(key)) = (keys, login) {
            return Err(format!(
                "AWS profile \"{name}\" has no keys; its {key} is not supported; `aws configure \
                 export-credentials --format env` prints keys for the environment"
            ));
        }
    }
    // Only a token file lets us assume a role; other ways would need a service to ask.
    let by_token = last("web_identity_token_file").is_some();
    let known = KNOWN.iter();
    let known = known.filter(|(name, _)| by_token || !name.starts_with("role_"));
    Ok(known
        .filter_map(|(name, option)| Some((*option, last(name)?)))
        .collect())
}

/// Reads a file as text; a missing file is empty.
fn read(path: Option<PathBuf>) -> Result<String, String> {
    let Some(path) = path else {
        return Ok(String::new());
    };
    match fs::read_to_string(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
        other => other.map_err(|error| format!("{}: {error}", path.display())),
    }
}

/// Returns the keys and values of a section. Indented lines belong to the key above and are
/// skipped.
fn section<'a>(text: &'a str, name: &str) -> Vec<(&'a str, &'a str)> {
    let mut inside = false;
    let mut found = Vec::new();
    for line in text.lines() {
        if let Some(title) = line.trim().strip_prefix('[') {
            inside = title.split(']').next().map(str::trim) == Some(name);
        } else if inside && !line.starts_with([' ', '\t', '#', ';']) {
            found.extend(
                line.split_once('=')
                    .map(|(key, value)| (key.trim(), value.trim())),
            );
        }
    }
    found
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    const CONFIG: &str = "[default]\nregion = eu-west-1\n# aws_access_key_id = no\n\n[profile lab]\n\
        region=us-west-2\ns3 =\n  endpoint_url = no\nendpoint_url = http://localhost:9000\n\
        [profile login]\nsso_session = x\nregion = a\n\
        [profile pod]\nrole_arn = arn:x\nweb_identity_token_file = /t\n[profile both]\nrole_arn = arn:x\nsource_profile = lab\n";
    const CREDENTIALS: &str = "[default]\naws_access_key_id = D\naws_secret_access_key = d=\n\
        [lab]\naws_access_key_id = L\naws_secret_access_key = l\naws_session_token = t\n";

    fn found(profile: Option<&str>, variable: Option<&str>) -> Result<String, String> {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join(".aws")).unwrap();
        fs::write(home.path().join(".aws/config"), CONFIG).unwrap();
        fs::write(home.path().join(".aws/credentials"), CREDENTIALS).unwrap();
        let options = options(profile, |name| match name {
            "HOME" => Some(home.path().to_str().unwrap().to_owned()),
            "AWS_PROFILE" => variable.map(str::to_owned),
            _ => None,
        })?;
        Ok(options
            .iter()
            .map(|(name, value)| format!("{name}={value} "))
            .collect())
    }

    #[test]
    fn a_profile_is_put_together_from_both_files() {
        let default = "access_key_id=D secret_access_key=d= region=eu-west-1 ";
        let lab = "access_key_id=L secret_access_key=l token=t region=us-west-2 endpoint=http://localhost:9000 ";
        assert_eq!(found(None, None).unwrap(), default);
        assert_eq!(found(Some("lab"), None).unwrap(), lab);
        assert_eq!(found(None, Some("lab")).unwrap(), lab);
        assert_eq!(found(Some("default"), Some("lab")).unwrap(), default);
        let pod = "web_identity_token_file=/t role_arn=arn:x ";
        assert_eq!(found(Some("pod"), None).unwrap(), pod);
        assert_eq!(options(None, |_| None), Ok(Vec::new()));
    }

    #[test]
    fn profiles_that_cannot_be_used_are_named() {
        assert!(
            found(Some("none"), None)
                .unwrap_err()
                .contains("AWS profile \"none\" does not exist")
        );
        assert!(
            found(Some("both"), None)
                .unwrap_err()
                .contains("export-credentials")
        );
        assert!(
            found(None, Some("login"))
                .unwrap_err()
                .contains("sso_session")
        );
    }
}
