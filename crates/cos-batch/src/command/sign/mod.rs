//! `cos-batch sign`

mod explain;
mod url;

use clap::{Args, Subcommand};

use crate::{
    exit::{Error, Exit},
    output::Terminal,
};

/// Look at request signatures, and make some.
#[derive(Args, Debug)]
pub(crate) struct Sign {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Explain(explain::Explain),
    Url(Box<url::Url>),
}

impl Sign {
    pub(crate) fn run(self, terminal: &mut Terminal) -> Result<Exit, Error> {
        match self.what {
            What::Explain(explain) => explain.run(terminal),
            What::Url(url) => url.run(terminal),
        }
    }
}
