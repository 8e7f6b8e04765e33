//! The page on which one signs in.

use askama::Template;
use cos_batch_model::ApiError;
use http::StatusCode;

use crate::{
    answer::{Answer, page},
    form::Fields,
    frame::{Frame, own_page},
    session::Doors,
};

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn<'a> {
    f: Frame,
    /// Everybody is let in: only an APPID is asked for, this one if nobody says another.
    open: Option<&'a str>,
    next: &'a str,
    /// What was tried, and was wrong.
    tried: Option<&'a str>,
}

/// The page; `tried` is what was tried in vain.
pub(crate) fn sign_in(frame: Frame, doors: &Doors, query: &Fields, tried: Option<&str>) -> Result<Answer, ApiError> {
    let open = match doors {
        Doors::Open { default, .. } => Some(default.as_str()),
        Doors::Keys(_) => None,
    };
    let status = if tried.is_some() { StatusCode::FORBIDDEN } else { StatusCode::OK };
    page(&SignIn { f: frame, open, next: own_page(query.text("next")), tried }, status)
}
