//! Whose turn comes next, where more endpoints have something due than a claim has places. To look at every endpoint for
//! each claim would be most of its cost, so the one that does so leaves the others a list.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// The endpoints that had something due when all were looked at, and were given no place since: those whose turn it is
/// first. It is a hint, which each claim checks. A clone is another handle on the same list.
#[derive(Clone, Default)]
pub(crate) struct Turns(Arc<Mutex<List>>);

#[derive(Default)]
struct List {
    endpoints: VecDeque<String>,
    made_at: Option<Instant>,
}

/// For how long a list holds: who isn't on it, because nothing was due for them, waits for no more than that.
const HOLDS: Duration = Duration::from_secs(1);
/// The shortest lease that is sure to last for longer than a claim.
const SHORTEST: Duration = Duration::from_secs(1);

impl Turns {
    /// Takes those whose turn it is: as many as there are places, or fewer, where the list comes to its end. None where
    /// it is old, or where a lease is so short that the same claim could lease a delivery again when it looks at all.
    pub(crate) fn next(&self, places: usize, lease: Duration) -> Vec<String> {
        if lease < SHORTEST {
            return Vec::new();
        }
        let mut list = self.lock();
        if list.made_at.is_none_or(|made_at| made_at.elapsed() >= HOLDS) {
            return Vec::new();
        }
        let places = places.min(list.endpoints.len());
        list.endpoints.drain(..places).collect()
    }

    /// Is told who comes next, of all.
    pub(crate) fn follow(&self, endpoints: impl IntoIterator<Item = String>) {
        *self.lock() = List { endpoints: endpoints.into_iter().collect(), made_at: Some(Instant::now()) };
    }

    fn lock(&self) -> MutexGuard<'_, List> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_taken_in_its_order_and_to_its_end() {
        let turns = Turns::default();
        assert_eq!(turns.next(2, SHORTEST), [""; 0]);
        turns.follow(["a", "b", "c"].map(str::to_owned));
        assert_eq!(
            (turns.next(2, SHORTEST), turns.clone().next(2, SHORTEST), turns.next(2, SHORTEST)),
            (vec!["a".to_owned(), "b".to_owned()], vec!["c".to_owned()], vec![])
        );
        turns.follow(["d".to_owned()]);
        turns.follow(["e".to_owned()]);
        assert_eq!(turns.next(9, SHORTEST), ["e"]);
    }

    #[test]
    fn an_old_list_is_of_no_use() {
        let turns = Turns::default();
        turns.follow(["a", "b"].map(str::to_owned));
        assert_eq!(turns.next(1, SHORTEST), ["a"]);
        turns.lock().made_at = Instant::now().checked_sub(HOLDS);
        assert_eq!(turns.next(1, SHORTEST), [""; 0]);
    }
}
