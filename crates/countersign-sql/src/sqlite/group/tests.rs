//! Who shares a commit, and with what result.

use std::{future::pending, path::Path, time::Duration};

use sqlx::SqlitePool;
use tokio::{runtime, task::JoinHandle, time::sleep};

use super::{super::open, *};

/// A number to be written, which can be one that is refused.
#[derive(Clone, Copy)]
enum Number {
    Kept(i64),
    Refused,
    /// The database fails when it is written.
    Fails,
    /// It is so large that it has a commit of its own.
    Large(i64),
    /// Writing it never ends.
    Endless,
    /// Writing it panics.
    Panics,
}

impl Write for Number {
    /// How many were written with it, and itself.
    type Answer = (usize, i64);

    fn size(&self) -> Size {
        let bytes = if matches!(self, Number::Large(_)) { MOST.bytes + 1 } else { 1 };
        Size { rows: 1, bytes }
    }

    async fn write(all: &[Self], connection: &mut SqliteConnection) -> Result<Vec<(usize, i64)>, StoreError> {
        let mut answers = Vec::new();
        for number in all {
            let number = match number {
                Number::Kept(number) | Number::Large(number) => *number,
                Number::Refused => return Err(StoreError::invalid("refused")),
                Number::Fails => return Err(StoreError::unavailable("the disk is full")),
                Number::Endless => pending().await,
                Number::Panics => panic!("a write that panics, as this test wants"),
            };
            sqlx::query("INSERT INTO numbers VALUES (?1)")
                .bind(number)
                .execute(&mut *connection)
                .await
                .unwrap();
            answers.push((all.len(), number));
        }
        Ok(answers)
    }
}

struct Fresh {
    _folder: tempfile::TempDir,
    pool: SqlitePool,
    group: Group<Number>,
}

type Told = Result<(usize, i64), StoreError>;

impl Fresh {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pool = numbers(folder.path()).await;
        Fresh { _folder: folder, pool, group: Group::default() }
    }

    async fn write(&self, number: Number) -> Told {
        self.group.write(&File::of(&self.pool), number).await
    }

    /// Callers that come while another writes, in this order.
    async fn callers(&self, numbers: impl IntoIterator<Item = Number>) -> Vec<JoinHandle<Told>> {
        let mut callers = Vec::new();
        for number in numbers {
            let (group, pool) = (self.group.clone(), self.pool.clone());
            callers.push(tokio::spawn(async move { group.write(&File::of(&pool), number).await }));
            while self.group.lock().waiting.len() < callers.len() {
                tokio::task::yield_now().await;
            }
        }
        callers
    }

    async fn kept(&self) -> Vec<i64> {
        sqlx::query_scalar("SELECT number FROM numbers ORDER BY rowid").fetch_all(&self.pool).await.unwrap()
    }
}

async fn numbers(folder: &Path) -> SqlitePool {
    let pool = open::pool(&folder.join("numbers.db")).await.unwrap();
    sqlx::query("CREATE TABLE numbers (number INTEGER)").execute(&pool).await.unwrap();
    pool
}

async fn told(callers: Vec<JoinHandle<Told>>) -> Vec<Told> {
    let mut told = Vec::new();
    for caller in callers {
        told.push(caller.await.unwrap());
    }
    told
}

#[tokio::test]
async fn who_comes_alone_is_written_at_once() {
    let fresh = Fresh::new().await;
    for number in 0..3 {
        assert_eq!(fresh.write(Number::Kept(number)).await.unwrap(), (1, number));
    }
    assert_eq!(fresh.kept().await, [0, 1, 2]);
}

#[tokio::test]
async fn those_who_come_while_another_writes_share_one_commit_in_their_order() {
    let fresh = Fresh::new().await;
    let other = fresh.pool.acquire().await.unwrap();
    let callers = fresh.callers((0..64).map(Number::Kept)).await;
    drop(other);
    let told: Vec<_> = told(callers).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(told, (0..64).map(|number| (64, number)).collect::<Vec<_>>());
    assert_eq!(fresh.kept().await, (0..64).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_commit_is_bounded_and_holds_at_least_one() {
    let fresh = Fresh::new().await;
    let other = fresh.pool.acquire().await.unwrap();
    let most = MOST.rows as i64;
    let large = [Number::Large(-1), Number::Large(-2)];
    let callers = fresh.callers(large.into_iter().chain((0..=most).map(Number::Kept))).await;
    drop(other);
    let together: Vec<usize> = told(callers).await.into_iter().map(|told| told.unwrap().0).collect();
    assert_eq!(together[..2], [1, 1]);
    assert_eq!(together[2..=MOST.rows + 1], vec![MOST.rows; MOST.rows]);
    assert_eq!(together[MOST.rows + 2..], [1]);
}

#[tokio::test]
async fn one_that_is_refused_spoils_no_other() {
    let fresh = Fresh::new().await;
    let other = fresh.pool.acquire().await.unwrap();
    let callers = fresh.callers([Number::Kept(1), Number::Refused, Number::Kept(2)]).await;
    drop(other);
    let told = told(callers).await;
    assert_eq!(told[0].as_ref().unwrap(), &(1, 1));
    assert_eq!(told[1].as_ref().unwrap_err().kind(), StoreErrorKind::Invalid);
    assert_eq!(told[2].as_ref().unwrap(), &(1, 2));
    assert_eq!(fresh.kept().await, [1, 2]);
}

#[tokio::test]
async fn who_writes_alone_is_told_why_too() {
    let fresh = Fresh::new().await;
    for (number, kind) in
        [(Number::Refused, StoreErrorKind::Invalid), (Number::Fails, StoreErrorKind::Unavailable)]
    {
        assert_eq!(fresh.write(number).await.unwrap_err().kind(), kind);
    }
    assert_eq!(fresh.write(Number::Kept(1)).await.unwrap(), (1, 1));
}

#[tokio::test]
async fn a_caller_that_gives_up_takes_nothing_from_the_others() {
    let fresh = Fresh::new().await;
    let other = fresh.pool.acquire().await.unwrap();
    let callers = fresh.callers((0..20).map(Number::Kept)).await;
    let (given_up, waiting): (Vec<_>, Vec<_>) =
        callers.into_iter().enumerate().partition(|(place, _)| place % 2 == 0);
    for (_, caller) in given_up {
        caller.abort();
        assert!(caller.await.unwrap_err().is_cancelled());
    }
    drop(other);
    let told = told(waiting.into_iter().map(|(_, caller)| caller).collect()).await;
    let odd: Vec<i64> = (0..20).filter(|number| number % 2 == 1).collect();
    assert_eq!(told.into_iter().map(|told| told.unwrap().1).collect::<Vec<_>>(), odd);
    assert_eq!(fresh.kept().await, odd);
}

/// Wherever a caller is when it gives up, the next is written.
#[tokio::test]
async fn who_gives_up_while_it_is_written_breaks_nothing_off() {
    let fresh = Fresh::new().await;
    for number in 0..50 {
        let patience = Duration::from_micros(50 * number as u64);
        tokio::time::timeout(patience, fresh.write(Number::Kept(number))).await.ok();
        assert_eq!(fresh.write(Number::Kept(1_000 + number)).await.unwrap().1, 1_000 + number);
    }
    let kept = fresh.kept().await;
    assert!((1_000..1_050).all(|number| kept.contains(&number)), "{kept:?}");
}

#[tokio::test]
async fn a_database_that_can_not_be_reached_is_told_to_all() {
    let fresh = Fresh::new().await;
    let other = fresh.pool.acquire().await.unwrap();
    let callers = fresh.callers((0..3).map(Number::Kept)).await;
    let closing = fresh.pool.clone();
    let closing = tokio::spawn(async move { closing.close().await });
    sleep(Duration::from_millis(20)).await;
    drop(other);
    for told in told(callers).await {
        assert_eq!(told.unwrap_err().kind(), StoreErrorKind::Unavailable);
    }
    closing.await.unwrap();
}

/// Nobody is tried again alone, since the next would fail like this one.
#[tokio::test]
async fn a_commit_that_fails_is_told_to_all_and_keeps_nothing() {
    let fresh = Fresh::new().await;
    let other = fresh.pool.acquire().await.unwrap();
    let callers = fresh.callers([Number::Kept(1), Number::Fails, Number::Kept(2)]).await;
    drop(other);
    for told in told(callers).await {
        let error = told.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
        assert!(error.to_string().contains("the disk is full"), "{error}");
    }
    assert_eq!(fresh.write(Number::Kept(3)).await.unwrap(), (1, 3));
    assert_eq!(fresh.kept().await, [3]);
}

/// A writer goes with the runtime that it is on; callers on another are told so, and the next are written.
#[tokio::test]
async fn a_writer_that_is_broken_off_leaves_room_for_the_next() {
    let fresh = Fresh::new().await;
    let doomed = runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (group, pool) = (fresh.group.clone(), fresh.pool.clone());
    doomed.spawn(async move { group.write(&File::of(&pool), Number::Endless).await });
    while !fresh.group.lock().writing || fresh.pool.num_idle() > 0 {
        sleep(Duration::from_millis(1)).await;
    }
    let waiting = fresh.callers([Number::Kept(1)]).await;
    doomed.shutdown_background();
    let broken_off = told(waiting).await.remove(0).unwrap_err();
    assert_eq!(broken_off.kind(), StoreErrorKind::Unavailable);
    assert_eq!(fresh.write(Number::Kept(2)).await.unwrap(), (1, 2));
    assert_eq!(fresh.kept().await, [2]);
}

#[tokio::test]
async fn a_writer_that_panics_keeps_nothing_of_its_commit_and_leaves_room_for_the_next() {
    let fresh = Fresh::new().await;
    let other = fresh.pool.acquire().await.unwrap();
    let callers = fresh.callers([Number::Kept(1), Number::Panics, Number::Kept(2)]).await;
    drop(other);
    for told in told(callers).await {
        assert_eq!(told.unwrap_err().kind(), StoreErrorKind::Unavailable);
    }
    assert_eq!(fresh.write(Number::Kept(3)).await.unwrap(), (1, 3));
    assert_eq!(fresh.kept().await, [3]);
}

#[tokio::test]
async fn where_every_caller_has_given_up_nothing_is_written() {
    let fresh = Fresh::new().await;
    let other = fresh.pool.acquire().await.unwrap();
    for caller in fresh.callers([Number::Kept(1), Number::Kept(2)]).await {
        caller.abort();
        assert!(caller.await.unwrap_err().is_cancelled());
    }
    drop(other);
    assert_eq!(fresh.write(Number::Kept(3)).await.unwrap().1, 3);
    assert_eq!(fresh.kept().await, [3]);
}
