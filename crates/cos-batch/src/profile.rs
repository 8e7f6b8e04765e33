//! Named connections: endpoints with their accounts, so that nobody has to set five variables to go to another server.

use std::{
    collections::BTreeMap,
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::{similar::nearest, text::unreadable};

/// Bytes of the file at most: room for hundreds of profiles.
const FILE_BYTES_MAX: u64 = 256 * 1024;

/// Where the file is below the folder of configurations.
const PLACE: &str = "cos-batch/profiles.toml";

/// What one profile says. Keys are in files of their own, which only their owner may read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profile {
    /// As `--endpoint`.
    pub(crate) endpoint: Option<String>,
    /// As `--uin`.
    pub(crate) uin: Option<String>,
    /// As `--region`.
    pub(crate) region: Option<String>,
    /// As `--appid`.
    pub(crate) appid: Option<String>,
    /// As `--credentials`; beside the file of profiles, unless the path begins with a slash.
    pub(crate) credentials: Option<PathBuf>,
}

/// The file of profiles: where the variable says, or in the folder of configurations.
fn place() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    variable("COS_BATCH_PROFILES")
        .or_else(|| variable("XDG_CONFIG_HOME").map(|folder| folder.join(PLACE)))
        .or_else(|| variable("HOME").map(|home| home.join(".config").join(PLACE)))
}

/// The profile with this name; for the command line, so that a wrong one is refused like any wrong flag.
pub(crate) fn find(name: &str) -> Result<Profile, String> {
    if name.is_empty() {
        return Ok(Profile::default());
    }
    let path = place().ok_or("there is no home folder to look for profiles in: set COS_BATCH_PROFILES to a file")?;
    let shown = path.display();
    let mut text = String::new();
    let file = File::open(&path).map_err(|error| {
        format!("{shown}: {error}; a profile there is a table [{name}] with endpoint and credentials")
    })?;
    let read = file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text);
    let read = read.map_err(|error| format!("{shown}: {}", unreadable(&error)))?;
    if read as u64 > FILE_BYTES_MAX {
        return Err(format!("{shown}: larger than {FILE_BYTES_MAX} bytes"));
    }
    pick(&text, name, path.parent().unwrap_or(Path::new(""))).map_err(|error| format!("{shown}: {error}"))
}

pub(crate) fn pick(text: &str, name: &str, folder: &Path) -> Result<Profile, String> {
    let mut profiles: BTreeMap<String, Profile> = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(0, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        format!("line {line}: {}", error.message())
    })?;
    let Some(mut profile) = profiles.remove(name) else {
        let near = nearest(name, profiles.keys().map(String::as_str));
        let hint = near.map(|known| format!("; did you mean {known:?}?")).unwrap_or_default();
        let known: Vec<&str> = profiles.keys().map(String::as_str).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        return Err(format!("no profile {name:?}{hint} (there are: {known})"));
    };
    // A path that begins with a slash stays as it is.
    profile.credentials = profile.credentials.map(|path| folder.join(path));
    Ok(profile)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "[local]\ncredentials = \"local.toml\"\n[night]\nendpoint = \"http://10.0.0.1:9450\"\n\
                        appid = \"1\"\ncredentials = \"/etc/night.toml\"\n";

    #[test]
    fn a_profile_is_found_by_its_name() {
        let local = pick(TEXT, "local", Path::new("/srv/a")).unwrap();
        assert_eq!(local.credentials.as_deref(), Some(Path::new("/srv/a/local.toml")));
        let night = pick(TEXT, "night", Path::new("/srv/a")).unwrap();
        assert_eq!((night.endpoint.as_deref(), night.appid.as_deref()), (Some("http://10.0.0.1:9450"), Some("1")));
        assert_eq!(night.credentials.as_deref(), Some(Path::new("/etc/night.toml")));
        assert_eq!(find(""), Ok(Profile::default()), "an empty variable is not set");
    }

    #[test]
    fn what_is_wrong_is_said_with_what_there_is() {
        let wrong = |text, name| pick(text, name, Path::new("")).unwrap_err();
        assert_eq!(wrong(TEXT, "nihgt"), "no profile \"nihgt\"; did you mean \"night\"? (there are: local, night)");
        assert_eq!(wrong(TEXT, "xyz"), "no profile \"xyz\" (there are: local, night)");
        assert_eq!(wrong("", "x"), "no profile \"x\" (there are: none)");
        assert!(wrong("[a]\nsecret_key = \"s\"\n", "a").starts_with("line 2: unknown field `secret_key`"));
        assert!(wrong("[a\n", "a").starts_with("line 1: "));
    }
}
