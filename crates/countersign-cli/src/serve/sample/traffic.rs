//! What the systems of the sample tell of.

use std::time::Duration;

use countersign_dispatch::Outbox;
use countersign_store::outbox::OutboxStore;
use tokio::time::{MissedTickBehavior, interval};

use super::system::System;
use crate::output;

/// Enqueues some messages of each system at once.
pub(super) async fn burst(outbox: &Outbox<impl OutboxStore>) -> anyhow::Result<()> {
    let rounds = (0..ROUNDS).flat_map(|number| System::ALL.map(|system| system.message(number)));
    outbox.enqueue(&rounds.collect::<Result<Vec<_>, _>>()?).await?;
    Ok(())
}

/// Enqueues a message each second, of one system after the other, for ever.
pub(super) async fn flow(outbox: Outbox<impl OutboxStore>) {
    let mut seconds = interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for (number, system) in (ROUNDS..).flat_map(|number| System::ALL.map(|system| (number, system))) {
        seconds.tick().await;
        if let Err(error) = one(&outbox, system, number).await {
            output::warning(format_args!("the sample goes on without a message: {error:#}"));
        }
    }
}

async fn one(outbox: &Outbox<impl OutboxStore>, system: System, number: usize) -> anyhow::Result<()> {
    outbox.enqueue(&[system.message(number)?]).await?;
    Ok(())
}

/// How many messages of each system there are at the beginning.
const ROUNDS: usize = 10;
