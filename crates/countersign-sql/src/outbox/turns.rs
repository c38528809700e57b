//! Whose turn comes next, where more endpoints have something due than a claim has places. To look at every endpoint for
//! each claim would be most of its cost, so the one that does so leaves the others a list.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The endpoints that had something due when all were looked at, and were given no place since: those that have waited
/// longest come first. It is a hint, which each claim checks. A clone is another handle on the same list.
#[derive(Clone, Default)]
pub(crate) struct Turns(Arc<Mutex<VecDeque<String>>>);

impl Turns {
    /// Takes those whose turn it is: as many as there are places, or fewer, where the list comes to its end.
    pub(crate) fn next(&self, places: usize) -> Vec<String> {
        let mut list = self.lock();
        let places = places.min(list.len());
        list.drain(..places).collect()
    }

    /// Is told who comes next, of all.
    pub(crate) fn follow(&self, endpoints: impl IntoIterator<Item = String>) {
        *self.lock() = endpoints.into_iter().collect();
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_taken_in_its_order_and_to_its_end() {
        let turns = Turns::default();
        assert_eq!(turns.next(2), [""; 0]);
        turns.follow(["a", "b", "c"].map(str::to_owned));
        assert_eq!(
            (turns.next(2), turns.clone().next(2), turns.next(2)),
            (vec!["a".to_owned(), "b".to_owned()], vec!["c".to_owned()], vec![])
        );
        turns.follow(["d".to_owned()]);
        turns.follow(["e".to_owned()]);
        assert_eq!(turns.next(9), ["e"]);
    }
}
