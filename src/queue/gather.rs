//! What many tasks want of the database at about the same time is asked in one statement: while one is on its way, what
//! comes meanwhile makes the next. Whoever is alone waits for nobody.

use crate::store::StoreError;
use futures_util::future::BoxFuture;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio_util::task::AbortOnDropHandle;

/// Asked in one statement at most.
const AT_ONCE: usize = 500;
/// An answer that takes longer does not come: a connection that is cut without a word says nothing. Longer than any
/// statement may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// What is known of each key that was asked for; a key that is not there is answered with `None`.
pub type Answers<K, A> = Result<HashMap<K, A>, StoreError>;

/// Asks for several at once.
pub type Ask<K, Q, A> = Box<dyn Fn(Vec<(K, Q)>) -> BoxFuture<'static, Answers<K, A>> + Send + Sync>;

type Reply<A> = oneshot::Sender<Result<Option<A>, Arc<StoreError>>>;

/// Gathers questions, each about a key.
pub struct Gather<K, Q, A> {
    questions: mpsc::UnboundedSender<(K, Q, Reply<A>)>,
    _asking: AbortOnDropHandle<()>,
}

impl<K: Copy + Eq + Hash + Send + 'static, Q: Clone + Send + 'static, A: Send + 'static> Gather<K, Q, A> {
    /// Asks by `ask`, in a task of its own: who stops waiting for an answer holds up nobody.
    pub fn new(ask: Ask<K, Q, A>) -> Self {
        let (questions, asked) = mpsc::unbounded_channel();
        Self { questions, _asking: AbortOnDropHandle::new(tokio::spawn(asking(asked, ask))) }
    }

    /// The answer. Of several that ask about one key at once, one gets it.
    pub async fn ask(&self, key: K, question: Q) -> Result<Option<A>, Arc<StoreError>> {
        let (reply, answer) = oneshot::channel();
        let over = || Arc::new(StoreError::Corrupt { what: "answer", source: "nobody asks any more".into() });
        self.questions.send((key, question, reply)).map_err(|_| over())?;
        answer.await.map_err(|_| over())?
    }
}

async fn asking<K: Copy + Eq + Hash + Send + 'static, Q: Clone, A: Send + 'static>(
    mut asked: mpsc::UnboundedReceiver<(K, Q, Reply<A>)>,
    ask: Ask<K, Q, A>,
) {
    let mut some = Vec::new();
    while asked.recv_many(&mut some, AT_ONCE).await > 0 {
        let mut replies = HashMap::new();
        let mut questions = Vec::with_capacity(some.len());
        for (key, question, reply) in some.drain(..) {
            // A second about the same key hears what the ledger says of it: that it is taken.
            if let std::collections::hash_map::Entry::Vacant(free) = replies.entry(key) {
                free.insert(reply);
                questions.push((key, question));
            } else {
                drop(reply.send(Ok(None)));
            }
        }
        answer(&ask, questions, replies).await;
    }
}

/// What the database refuses of several is asked one by one: each gets its own answer.
async fn answer<K: Copy + Eq + Hash + Send + 'static, Q: Clone, A: Send + 'static>(
    ask: &Ask<K, Q, A>,
    questions: Vec<(K, Q)>,
    mut replies: HashMap<K, Reply<A>>,
) {
    match within(ask(questions.clone())).await {
        Ok(mut answers) => {
            for (key, reply) in replies {
                drop(reply.send(Ok(answers.remove(&key))));
            }
        }
        Err(error) if error.is_outage() || questions.len() == 1 => {
            let error = Arc::new(error);
            for reply in replies.into_values() {
                drop(reply.send(Err(error.clone())));
            }
        }
        Err(_) => {
            for (key, question) in questions {
                let own = within(ask(vec![(key, question)])).await;
                if let Some(reply) = replies.remove(&key) {
                    drop(reply.send(own.map(|mut answers| answers.remove(&key)).map_err(Arc::new)));
                }
            }
        }
    }
}

/// The answer, or an error in time. A panic fails what was asked, and not those who ask next.
async fn within<K: Send + 'static, A: Send + 'static>(asking: BoxFuture<'static, Answers<K, A>>) -> Answers<K, A> {
    let asking = AbortOnDropHandle::new(tokio::spawn(asking));
    match tokio::time::timeout(PATIENCE, asking).await {
        Ok(Ok(answers)) => answers,
        Ok(Err(panic)) => Err(StoreError::Corrupt { what: "job", source: panic.into() }),
        Err(_) => Err(StoreError::during("claim or end jobs")(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()))),
    }
}
