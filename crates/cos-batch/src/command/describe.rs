//! `cos-batch describe`

use clap::Args;
use cos_batch_model::{ActionOutput as _, DescribeJobResult};

use super::{Client, Job};
use crate::{
    exit::{Error, Exit},
    output::{self, Format, Terminal, table},
    remote::Remote,
};

/// Show a job.
#[derive(Args, Debug)]
pub(crate) struct Describe {
    #[command(flatten)]
    job: Job,
    #[command(flatten)]
    pub(super) client: Client,
}

impl Describe {
    pub(crate) async fn run(self, terminal: &mut Terminal) -> Result<Exit, Error> {
        let client = self.client.connection.client()?;
        match self.client.output {
            Format::Table => {
                let job = client.describe_job(&self.job.id).await?;
                // A server without views has no more to tell.
                let remote = Remote::new(&client, &self.client.connection, "views of jobs");
                let details = remote.details_if_any(&self.job.id).await?;
                terminal.line(&table::job(&job, details.as_ref(), terminal.columns()))?;
            }
            Format::Json => output::json(terminal, &client.describe_job(&self.job.id).await?)?,
            Format::Xml => {
                // As it came: a newer server may say more than we know.
                let response = client.describe_job_response(&self.job.id).await?;
                match DescribeJobResult::from_http(&response) {
                    Ok(_) => output::xml(terminal, response.body())?,
                    Err(error) => return Err(cos_batch_client::Error::from(error).into()),
                }
            }
        }
        Ok(Exit::Ok)
    }
}
