//! What all pages have in common.

use http::{HeaderMap, header};

use crate::{
    form::Fields,
    session::Session,
    words::{Lang, Words},
};

/// Where the console is.
pub const PREFIX: &str = "/console";

/// Name of the cookie with the session's token, and of those with choices.
pub(crate) const SESSION_COOKIE: &str = "cos-batch-session";
pub(crate) const LANG_COOKIE: &str = "cos-batch-lang";
pub(crate) const THEME_COOKIE: &str = "cos-batch-theme";

/// Light or dark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Theme {
    /// As the system has it.
    #[default]
    Auto,
    Light,
    Dark,
}

impl Theme {
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    pub(crate) fn from_code(code: &str) -> Option<Self> {
        [Self::Auto, Self::Light, Self::Dark].into_iter().find(|theme| theme.code() == code)
    }
}

/// What all pages have in common.
pub(crate) struct Frame {
    pub(crate) w: &'static Words,
    pub(crate) lang: Lang,
    pub(crate) theme: Theme,
    /// Whose jobs these are; none: nobody is signed in.
    pub(crate) account: Option<String>,
    /// What forms carry.
    pub(crate) form: String,
    /// This page, to come back to.
    pub(crate) here: String,
    /// Which entry of the menu it belongs to.
    pub(crate) nav: &'static str,
    /// What was just done.
    pub(crate) notice: Option<&'static str>,
    /// Changes with each file.
    pub(crate) mark: String,
    /// Asks again after so many seconds; 0: never.
    pub(crate) every: u32,
}

impl Frame {
    pub(crate) fn new(headers: &HeaderMap, here: &str, query: &Fields, mark: &str) -> Self {
        let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let lang = cookie(headers, LANG_COOKIE).and_then(Lang::from_code);
        let lang = lang.unwrap_or_else(|| Lang::accepted(accepted));
        let theme = cookie(headers, THEME_COOKIE).and_then(Theme::from_code).unwrap_or_default();
        let w = lang.words();
        Self {
            w,
            lang,
            theme,
            account: None,
            form: String::new(),
            here: here.to_owned(),
            nav: "",
            notice: w.notice(query.text("done")),
            mark: mark.to_owned(),
            every: 0,
        }
    }

    /// For somebody who is signed in.
    pub(crate) fn of(mut self, session: &Session) -> Self {
        self.account = Some(session.appid.to_string());
        self.form.clone_from(&session.form);
        self
    }
}

/// The value of a cookie.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let texts = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = texts.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.into_iter().find(|(found, _)| *found == name).map(|(_, value)| value)
}

/// A page of the console to go to, if that is what this is: nothing else may be gone to on somebody's word.
pub(crate) fn own_page(path: &str) -> &str {
    let own = path == PREFIX || path.starts_with("/console/") && !path.starts_with("/console/sign-");
    if own && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') { path } else { "/console/jobs" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_found_by_their_whole_name() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, "xa=1; a=2;b=3=4".parse().unwrap());
        headers.append(header::COOKIE, "c=5".parse().unwrap());
        let found = ["a", "b", "c", "xa", "d"].map(|name| cookie(&headers, name));
        assert_eq!(found, [Some("2"), Some("3=4"), Some("5"), Some("1"), None]);
    }

    #[test]
    fn only_own_pages_are_gone_to() {
        for own in ["/console/jobs", "/console/jobs/1?x=%0A", "/console"] {
            assert_eq!(own_page(own), own);
        }
        for wrong in [
            "",
            "//evil.example",
            "http://evil.example",
            "/console//../\\x",
            "/console/\r\nx",
            "/console.evil",
            "/consoleX",
            "/console/sign-out",
            "/jobs",
        ] {
            assert_eq!(own_page(wrong), "/console/jobs", "{wrong}");
        }
    }
}
