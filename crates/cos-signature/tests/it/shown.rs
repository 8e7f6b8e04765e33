//! What debug forms and error messages show.

use super::*;

#[test]
fn a_secret_key_is_shown_as_hidden() {
    assert_eq!(format!("{:?}", key()), "SecretKey(hidden)");
}
