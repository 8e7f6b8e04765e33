//! Failed rows of a job.

use askama::Template;
use cos_batch_engine::view::{RowFilter, TaskRow};
use cos_batch_model::ApiError;
use http::StatusCode;

use crate::{
    answer::{Answer, encoded, page},
    frame::Frame,
    visit::Visit,
};

/// Rows on a page.
const ROWS: usize = 100;

/// So often it is read on for a page that would be empty otherwise.
const ROUNDS: usize = 8;

/// Codes to choose from; there are rarely more than a few.
const CODES: usize = 20;

#[derive(Template)]
#[template(path = "rows.html")]
struct RowsPage {
    f: Frame,
    id: String,
    code: String,
    codes: Vec<(String, String)>,
    rows: Vec<TaskRow>,
    first: Option<String>,
    next: Option<String>,
    csv: String,
}

impl Visit {
    pub(crate) async fn rows(mut self, id: &str) -> Result<Answer, ApiError> {
        let code = self.query.given("code").map(str::to_owned);
        let after = self.query.given("after").map(str::parse).transpose()?;
        let details = self.engine.details(&self.context, id).await?;
        let filter = RowFilter { succeeded: false, code: code.clone() };
        let mut found = self.engine.task_rows(&self.context, id, &filter, after, ROWS).await?;
        // A rare code may stand behind much that has another one.
        for _ in 0..ROUNDS {
            let Some(next) = found.next.as_deref().filter(|_| found.rows.is_empty()) else { break };
            found = self.engine.task_rows(&self.context, id, &filter, Some(next.parse()?), ROWS).await?;
        }
        self.frame.nav = "jobs";
        let code = code.unwrap_or_default();
        let later = after.is_some();
        let address = |code: &str| format!("/console/jobs/{}/rows?code={}", details.job_id, encoded(code));
        let template = RowsPage {
            f: self.frame,
            codes: details.errors.iter().take(CODES).map(|view| (view.code.clone(), address(&view.code))).collect(),
            rows: found.rows,
            first: later.then(|| address(&code)),
            next: found.next.map(|next| format!("{}&after={next}", address(&code))),
            csv: format!("/console/jobs/{}/rows.csv?code={}", details.job_id, encoded(&code)),
            id: details.job_id,
            code,
        };
        page(&template, StatusCode::OK)
    }
}
