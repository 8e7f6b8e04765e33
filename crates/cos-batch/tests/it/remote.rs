//! Buckets that are in a store over HTTP.

use std::path::PathBuf;

use cos_batch_nullstore::NullStore;

use crate::support::{Place, write_private};

/// A configuration with buckets of this store. `settings` are further ones of the store; what is to stand above all tables, or
/// in tables of its own, is `more`.
pub(crate) fn config(place: &Place, store: &NullStore, buckets: &[&str], settings: &str, more: &str) -> PathBuf {
    let config = place.file("config.toml");
    let mut text = format!(
        "{more}\n[[store]]\nname = \"null\"\nkind = \"s3\"\nstyle = \"path\"\nendpoint = \"http://{}\"\n\
         secret_id = \"AKIDEXAMPLE\"\nsecret_key = \"exampleSecret\"\n{settings}\n",
        store.address()
    );
    for bucket in buckets {
        text.push_str(&format!("[[bucket]]\nname = \"{bucket}\"\nstore = \"null\"\n"));
    }
    write_private(&config, &text);
    config
}
