//! How many connections are kept without use.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use countersign_transport::{Transport, TransportBuilder};
use tokio::{io::AsyncWriteExt, time::sleep};

use crate::support::{Answers, OK, OPEN, Receiver, answer, builder};

/// A receiver with any number of names, and how many connections to it are open.
struct Hosts {
    receiver: Receiver,
    open: Arc<AtomicUsize>,
    transport: Transport,
}

impl Hosts {
    async fn new(change: impl FnOnce(TransportBuilder) -> TransportBuilder) -> Self {
        let open = Arc::<AtomicUsize>::default();
        let counted = open.clone();
        let receiver = Receiver::serving(move |mut stream, receiver| {
            let open = counted.clone();
            async move {
                open.fetch_add(1, Ordering::SeqCst);
                while receiver.read_request(&mut stream).await.is_some() {
                    stream.write_all(OK).await.expect("the sender reads");
                }
                open.fetch_sub(1, Ordering::SeqCst);
            }
        })
        .await;
        let transport = change(builder().max_idle_per_host(4).resolver(Answers::new(&[&[OPEN]])));
        Hosts { receiver, open, transport: transport.build().expect("a transport") }
    }

    /// Sends to one of the hosts.
    async fn post(&self, host: usize) {
        let url = format!("http://host-{host}.example:{}/", self.receiver.address.port());
        assert_eq!(answer(&self.transport, &url).await.status, 200);
    }

    /// Waits until this many connections are open, and says how many there were ever.
    async fn open(&self, count: usize) -> usize {
        for _ in 0..400 {
            if self.open.load(Ordering::SeqCst) == count {
                return self.receiver.accepted();
            }
            sleep(Duration::from_millis(5)).await;
        }
        panic!("{} connections are open, and not {count}", self.open.load(Ordering::SeqCst));
    }
}

#[tokio::test]
async fn however_many_hosts_there_are_no_more_connections_are_kept() {
    let hosts = Hosts::new(|builder| builder.max_idle(3)).await;
    for host in 0..40 {
        hosts.post(host).await;
    }
    assert_eq!(hosts.open(3).await, 40);
    for host in 0..3 {
        hosts.post(host).await;
    }
    assert_eq!(hosts.open(3).await, 40, "those that were kept are used again");
    hosts.post(7).await;
    assert_eq!(hosts.open(3).await, 41);
}

#[tokio::test]
async fn a_place_that_has_become_free_is_the_next_connections() {
    let idle = Duration::from_millis(200);
    let hosts = Hosts::new(|builder| builder.max_idle(1).idle_timeout(idle)).await;
    hosts.post(0).await;
    hosts.open(0).await;
    for _ in 0..3 {
        hosts.post(1).await;
    }
    assert_eq!(hosts.receiver.accepted(), 2);
}

#[tokio::test]
async fn where_none_is_kept_each_delivery_has_its_own() {
    let hosts = Hosts::new(|builder| builder.max_idle(0)).await;
    for _ in 0..3 {
        hosts.post(0).await;
    }
    assert_eq!(hosts.open(0).await, 3);
}
