//! Which class of characters each bounded text may have, against a list that is written here once more.

use cos_batch_model::*;

/// Some characters, and which classes have them: all that XML carries, headers, path segments, tokens, names.
const SAMPLES: [(char, &str); 7] = [
    ('a', "xml header segment token name"),
    ('~', "xml header segment token"),
    ('/', "xml header"),
    ('é', "xml header"),
    ('\n', "xml"),
    ('\u{1}', ""),
    (':', "xml header segment"),
];

fn check(name: &str, class: &str, accepts: impl Fn(&str) -> bool) {
    for (character, classes) in SAMPLES {
        let expected = classes.split(' ').any(|one| one == class);
        assert_eq!(accepts(&format!("a{character}")), expected, "{name} {character:?}");
    }
}

macro_rules! classes {
    ($($class:literal: $($name:ident)+;)+) => {
        $($(check(stringify!($name), $class, |text| $name::new(text).is_ok());)+)+
    };
}

#[test]
fn each_text_has_its_class_of_characters() {
    classes! {
        "xml": ClientRequestToken Description RoleArn ETag ObjectVersionId StatusUpdateReason SuspendedCause FailureCode
            FailureReason ReportPrefix KeyPrefix TagKey TagValue GranteeId DisplayName;
        "header": MetadataValue HeaderText;
        "segment": JobId NextToken;
        "token": MetadataKey;
        "name": AppId Uin;
    }
}
