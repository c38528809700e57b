//! F1: a sender that is killed, again and again.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::{
    outcome::Outcome,
    process::{self, Process},
    receiver::Receiver,
    sender::{Crash, IN_FLIGHT, Point, Sender, Work},
    support::{Chance, times},
};

#[tokio::test(flavor = "multi_thread")]
async fn f1_every_acknowledged_message_arrives_whenever_the_sender_is_killed() {
    if let Some(sender) = process::part::<Sender>() {
        return sender.run().await;
    }
    let (kills, began) = (times("KILLS", 100), Instant::now());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("webhooks.db");
    let receiver = Receiver::start(Duration::from_millis(3)).await;
    let test = "killed::f1_every_acknowledged_message_arrives_whenever_the_sender_is_killed";
    let mut acknowledged = Vec::new();
    let mut chance = Chance(0x5eed);
    let mut sender =
        Sender { file: file.clone(), url: receiver.url(), number: 0, work: Work::Load, crash: None };
    for number in 0..kills {
        let points = Point::ALL.iter().map(Some).chain([None; 5]);
        let point = points.cycle().nth(number).unwrap();
        let crash = point.map(|point| Crash { point: *point, times: 1 + chance.below(12) as u32 });
        (sender.number, sender.crash) = (number, crash);
        acknowledged.extend(run_until_it_dies(test, &sender, &mut chance).await);
    }
    (sender.work, sender.crash) = (Work::Drain, None);
    let (status, _) = Process::start(test, &sender).ended().await;
    assert!(status.success());

    let outcome = Outcome::read(&file, receiver.arrived()).await;
    println!(
        "F1: {kills} kills, {} messages acknowledged, {} committed, {} lost, {} phantom, {} duplicates \
         (at most {} could be), {:.0} s",
        acknowledged.len(),
        outcome.committed.len(),
        outcome.lost().len(),
        outcome.phantoms().len(),
        outcome.duplicates(),
        IN_FLIGHT * kills,
        began.elapsed().as_secs_f64()
    );
    outcome.check(&acknowledged);
    assert!(outcome.duplicates() <= IN_FLIGHT * kills, "{} duplicates", outcome.duplicates());
    assert!(acknowledged.len() >= 2 * kills, "too little was sent to say anything");
}

/// Starts the sender, and kills it at a random moment, unless it dies by itself. Says what it has acknowledged.
async fn run_until_it_dies(test: &str, sender: &Sender, chance: &mut Chance) -> Vec<String> {
    let mut process = Process::start(test, sender);
    assert_eq!(process.tells().await.as_deref(), Some("ready"));
    if sender.crash.is_none() {
        sleep(chance.millis(10, 150)).await;
        process.kill().await;
    }
    let (status, told) = process.ended().await;
    assert_eq!(status.code(), None, "it ends by a signal");
    told
}
