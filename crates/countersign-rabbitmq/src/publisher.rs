//! One channel, over which one message is under way at a time: where the server closes it, it is for that message.

use amqprs::{
    Ack, BasicProperties, Cancel, CloseChannel, Nack, Return,
    callbacks::ChannelCallback,
    channel::{Channel, ConfirmSelectArguments},
    connection::Connection,
    error::Error,
};
use async_trait::async_trait;
use countersign_store::StoreError;
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::{Duration, Instant, timeout_at},
};

use crate::message::Message;

/// A channel on which the server confirms what is published.
pub(crate) struct Publisher {
    channel: Channel,
    answers: UnboundedReceiver<Answer>,
    /// Of one frame.
    most_bytes: usize,
    /// Whether a message is published that the server has not confirmed.
    awaits: bool,
}

/// Why a message was not published.
pub(crate) enum Failed {
    /// For a reason that is this message's own.
    Alone(StoreError),
    /// As the next one over this connection would.
    WithTheConnection(StoreError),
}

impl Failed {
    pub(crate) fn connection(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Failed::WithTheConnection(StoreError::unavailable(error))
    }

    fn alone(why: &str) -> Self {
        Failed::Alone(StoreError::unavailable(why))
    }
}

/// What the server says of a message.
enum Answer {
    /// A queue, or several, have it; or none, where it was returned before.
    Confirmed,
    /// A queue can't take it.
    Refused,
    /// No queue takes it.
    Returned,
    /// The channel is closed.
    Closed { code: u16, reason: String },
}

impl Publisher {
    pub(crate) async fn open(connection: &Connection) -> Result<Self, Error> {
        let channel = connection.open_channel(None).await?;
        let (sender, answers) = unbounded_channel();
        channel.register_callback(Listener(sender)).await?;
        channel.confirm_select(ConfirmSelectArguments::new(false)).await?;
        let most_bytes = usize::try_from(connection.frame_max()).unwrap_or(usize::MAX);
        Ok(Publisher { channel, answers, most_bytes, awaits: false })
    }

    /// Whether another message can be published over it.
    pub(crate) fn is_open(&self) -> bool {
        self.channel.is_open() && self.channel.is_connection_open()
    }

    /// Whether no answer can come any more that the next message would be given.
    pub(crate) fn has_answered(&self) -> bool {
        !self.awaits
    }

    /// Publishes a message, and waits until then for the server to confirm it.
    pub(crate) async fn publish(&mut self, message: Message, until: Instant) -> Result<(), Failed> {
        let Message { route, properties, properties_bytes, body } = message;
        // The server closes the connection over one that is too large, to the harm of all other events.
        if properties_bytes > self.most_bytes {
            return Err(Failed::Alone(StoreError::invalid(format!(
                "the headers have about {properties_bytes} bytes, of which {} fit into one frame",
                self.most_bytes
            ))));
        }
        self.awaits = true;
        self.channel.basic_publish(properties, body, route).await.map_err(Failed::connection)?;
        // A queue that fails confirms nothing, and must keep no place from the others. Who waits has given up by then.
        let confirmed = timeout_at(until + A_MOMENT, self.confirmed()).await;
        confirmed.unwrap_or_else(|_| Err(Failed::alone("RabbitMQ did not confirm the event in time")))
    }

    /// Waits for the server's word on what was published last.
    async fn confirmed(&mut self) -> Result<(), Failed> {
        let mut returned = false;
        let answer = loop {
            match self.answers.recv().await {
                Some(Answer::Returned) => returned = true,
                Some(answer) => break answer,
                None => return Err(Failed::connection("the connection to RabbitMQ was lost")),
            }
        };
        // What is closed is used no more.
        self.awaits = matches!(answer, Answer::Closed { .. });
        match answer {
            Answer::Confirmed if !returned => Ok(()),
            Answer::Confirmed | Answer::Returned => {
                Err(Failed::alone("no queue takes the event: bind one to the exchange"))
            }
            Answer::Refused => Err(Failed::alone("RabbitMQ refused the event: a queue is full, or fails")),
            Answer::Closed { code: PRECONDITION_FAILED, reason } => {
                Err(Failed::Alone(StoreError::invalid(format!("RabbitMQ refused the event: {reason}"))))
            }
            Answer::Closed { code, reason } => {
                Err(Failed::Alone(StoreError::unavailable(format!("RabbitMQ answered {code}: {reason}"))))
            }
        }
    }
}

/// Passes on what the server says.
struct Listener(UnboundedSender<Answer>);

impl Listener {
    /// Nobody listens any more where the message was given up.
    fn pass_on(&self, answer: Answer) {
        self.0.send(answer).unwrap_or_default();
    }
}

#[async_trait]
impl ChannelCallback for Listener {
    async fn close(&mut self, _: &Channel, close: CloseChannel) -> Result<(), Error> {
        self.pass_on(Answer::Closed { code: close.reply_code(), reason: close.reply_text().clone() });
        Ok(())
    }

    async fn cancel(&mut self, _: &Channel, _: Cancel) -> Result<(), Error> {
        Ok(())
    }

    async fn flow(&mut self, _: &Channel, active: bool) -> Result<bool, Error> {
        Ok(active)
    }

    async fn publish_ack(&mut self, _: &Channel, _: Ack) {
        self.pass_on(Answer::Confirmed);
    }

    async fn publish_nack(&mut self, _: &Channel, _: Nack) {
        self.pass_on(Answer::Refused);
    }

    async fn publish_return(&mut self, _: &Channel, _: Return, _: BasicProperties, _: Vec<u8>) {
        self.pass_on(Answer::Returned);
    }
}

const A_MOMENT: Duration = Duration::from_secs(1);

/// As for a message that is larger than `max_message_size`.
const PRECONDITION_FAILED: u16 = 406;
