//! What a store is to do wrong, and how often.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cos_batch_objectstore::{ErrorKind, StoreError};

/// Faults that wait at most; a test that orders more has a mistake.
const FAULTS_MAX: usize = 10_000;

/// Calls to a store that can fail as ordered. Uploads in parts are left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// Looking at an object.
    Head,
    /// Reading one: a manifest as well.
    Get,
    /// Writing one: reports as well.
    Put,
    /// Copying one; the key is that of the source.
    Copy,
    /// Deleting one.
    Delete,
    /// Reading or writing its tags.
    Tags,
    /// Restoring one.
    Restore,
}

/// The faults that are ordered and did not happen yet.
///
/// ```
/// use cos_batch_testing::{Call, ErrorKind, Faults};
///
/// let faults = Faults::default();
/// faults.fail(Call::Copy, "a.txt", ErrorKind::SlowDown, 3);
/// assert_eq!(faults.left(), 3);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Vec<Fault>>>);

#[derive(Debug)]
struct Fault {
    call: Call,
    key: String,
    kind: ErrorKind,
    times: u32,
}

impl Faults {
    /// The next calls of this kind for this key fail like this, so many times. What was ordered first happens first.
    ///
    /// # Panics
    /// With more than 10,000 orders waiting.
    pub fn fail(&self, call: Call, key: impl Into<String>, kind: ErrorKind, times: u32) {
        let mut faults = self.lock();
        assert!(faults.len() < FAULTS_MAX, "more than {FAULTS_MAX} faults wait");
        faults.push(Fault { call, key: key.into(), kind, times });
    }

    /// How many did not happen yet.
    #[must_use]
    pub fn left(&self) -> u32 {
        self.lock().iter().map(|fault| fault.times).sum()
    }

    /// What becomes of a call.
    pub(crate) fn meet(&self, call: Call, key: &str) -> Result<(), StoreError> {
        let mut faults = self.lock();
        let Some(fault) = faults.iter_mut().find(|fault| fault.call == call && fault.key == key && fault.times > 0)
        else {
            return Ok(());
        };
        fault.times -= 1;
        let kind = fault.kind;
        faults.retain(|fault| fault.times > 0);
        Err(StoreError::new(kind, "a fault that the test ordered"))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Fault>> {
        // Consistent after every statement.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_happen_as_often_as_ordered_and_in_their_order() {
        let faults = Faults::default();
        faults.fail(Call::Get, "a", ErrorKind::SlowDown, 2);
        faults.fail(Call::Get, "a", ErrorKind::NoSuchKey, 1);
        faults.fail(Call::Put, "a", ErrorKind::AccessDenied, 1);
        let meet = |call, key| faults.meet(call, key).err().map(|error| error.kind());
        assert_eq!(meet(Call::Get, "b"), None);
        assert_eq!(
            [(); 4].map(|()| meet(Call::Get, "a")),
            [Some(ErrorKind::SlowDown), Some(ErrorKind::SlowDown), Some(ErrorKind::NoSuchKey), None]
        );
        assert_eq!(faults.left(), 1);
    }
}
