//! Tests of the stores as their users see them.
#![expect(clippy::unwrap_used, reason = "helpers of tests: they panic where a test fails")]

#[cfg(target_os = "linux")]
mod differential;
mod fixtures;
#[cfg(target_os = "linux")]
mod folder;
mod http;
#[cfg(target_os = "linux")]
mod inside;
mod memory;
#[cfg(target_os = "linux")]
mod uploads_on_disk;
#[cfg(target_os = "linux")]
mod versions_on_disk;

mod contract_of_memory {
    use crate::fixtures::InMemory;

    cos_batch_objectstore::contract_tests!(tokio::test, InMemory::default());
}

#[cfg(target_os = "linux")]
mod contract_of_folder {
    use crate::fixtures::InFolder;

    cos_batch_objectstore::contract_tests!(tokio::test, InFolder::new());
}

mod model {
    use cos_batch_objectstore::contract::{assert_model, steps};
    use proptest::prelude::*;

    use crate::fixtures::{InMemory, run};

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn memory_is_a_map(steps in steps()) {
            run(assert_model(&InMemory::default(), steps));
        }
    }

    #[cfg(target_os = "linux")]
    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn folder_is_a_map(steps in steps()) {
            let fixture = crate::fixtures::InFolder::new();
            run(assert_model(&fixture, steps));
            fixture.assert_nothing_left();
        }
    }
}
