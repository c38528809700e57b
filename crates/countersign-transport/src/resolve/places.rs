//! How many questions are open at once, and how many of them for one domain.

use std::{
    collections::HashMap,
    fmt, io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{AcquireError, OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// The places of questions.
pub(super) struct Places {
    all: Arc<Semaphore>,
    /// How many of them the names below one domain can have.
    share: usize,
    domains: Mutex<HashMap<String, Arc<Semaphore>>>,
}

/// The place of one question, until it is dropped.
pub(super) struct Place {
    _of_all: OwnedSemaphorePermit,
    _of_domain: OwnedSemaphorePermit,
}

impl Places {
    pub(super) fn new(most: usize) -> Self {
        let share = most.div_ceil(4).max(1);
        Places { all: Arc::new(Semaphore::new(most.max(1))), share, domains: Mutex::default() }
    }

    /// A place for a question about `host`.
    ///
    /// # Errors
    /// [`ResourceBusy`](io::ErrorKind::ResourceBusy) where none is free for long.
    pub(super) async fn take(&self, host: &str) -> io::Result<Place> {
        let both = async {
            // In this order, so that those who wait for their domain's hold nothing.
            let _of_domain = self.domain(host).acquire_owned().await?;
            let _of_all = self.all.clone().acquire_owned().await?;
            Ok::<_, AcquireError>(Place { _of_all, _of_domain })
        };
        match timeout(LONGEST_WAIT, both).await {
            Ok(place) => place.map_err(io::Error::other),
            Err(_) => Err(io::Error::new(io::ErrorKind::ResourceBusy, "too many names are being looked up")),
        }
    }

    /// The places of the names below one domain. Those of domains about which nobody asks are forgotten.
    fn domain(&self, host: &str) -> Arc<Semaphore> {
        let mut domains = self.domains.lock().unwrap_or_else(PoisonError::into_inner);
        if domains.len() >= MOST_DOMAINS {
            domains.retain(|_, places| Arc::strong_count(places) > 1);
        }
        let places = domains.entry(domain(host)).or_insert_with(|| Arc::new(Semaphore::new(self.share)));
        places.clone()
    }
}

/// Shows no name.
impl fmt::Debug for Places {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Places").field("free", &self.all.available_permits()).finish_non_exhaustive()
    }
}

/// The last two parts of a name. Those of different owners may share them, as below `co.uk`: then they share places.
fn domain(host: &str) -> String {
    let name = host.trim_end_matches('.');
    let mut dots = name.rmatch_indices('.').map(|(at, _)| at);
    let start = dots.nth(1).map_or(0, |at| at + 1);
    name[start..].to_ascii_lowercase()
}

/// How long a question waits for its place.
const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// How many domains are remembered, beside those about which somebody asks.
const MOST_DOMAINS: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    async fn is_free(places: &Places, host: &str) -> bool {
        match places.take(host).await {
            Ok(_) => true,
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::ResourceBusy, "{error}");
                false
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn adv_78_the_names_of_one_domain_leave_places_to_others() {
        let places = Places::new(8);
        let mut held = Vec::new();
        for n in 0..2 {
            held.push(places.take(&format!("slow{n}.evil.example")).await.expect("a place"));
        }
        for host in ["evil.example", "slow9.EVIL.example.", "a.b.evil.example"] {
            assert!(!is_free(&places, host).await, "{host}");
        }
        assert!(is_free(&places, "good.example").await);
        held.clear();
        assert!(is_free(&places, "slow0.evil.example").await);
    }

    #[tokio::test(start_paused = true)]
    async fn adv_78_where_all_places_are_held_that_is_said_within_the_time_for_connecting() {
        let places = Places::new(4);
        let mut held = Vec::new();
        for host in ["a.example", "b.example", "c.example", "d.example"] {
            held.push(places.take(host).await.expect("a place"));
        }
        let began = tokio::time::Instant::now();
        assert!(!is_free(&places, "good.example").await);
        assert_eq!(began.elapsed(), LONGEST_WAIT);
        held.pop();
        assert!(is_free(&places, "good.example").await);
    }

    #[tokio::test]
    async fn domains_about_which_nobody_asks_are_forgotten() {
        let places = Places::new(4);
        let _held = places.take("held.example").await.expect("a place");
        for n in 0..3 * MOST_DOMAINS {
            drop(places.take(&format!("x.{n}.example")).await.expect("a place"));
        }
        let domains = places.domains.lock().expect("a lock");
        assert!(domains.len() <= MOST_DOMAINS && domains.contains_key("held.example"));
    }

    #[test]
    fn a_domain_is_the_last_two_parts() {
        for (host, expected) in [
            ("hooks.acme.example", "acme.example"),
            ("a.b.c.Acme.Example.", "acme.example"),
            ("acme.example", "acme.example"),
            ("localhost", "localhost"),
            ("", ""),
            ("..", ""),
        ] {
            assert_eq!(domain(host), expected, "{host}");
        }
    }
}
