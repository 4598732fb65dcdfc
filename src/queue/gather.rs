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

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::join_all;
    use std::sync::Mutex;

    type Asked = Arc<Mutex<Vec<Vec<u64>>>>;

    /// Answers with ten times the key; not for 13, at which it panics, nor together with 7, which is refused then.
    fn gather() -> (Gather<u64, (), u64>, Asked) {
        let asked = Asked::default();
        let told = asked.clone();
        let ask: Ask<u64, (), u64> = Box::new(move |questions| {
            let keys: Vec<u64> = questions.into_iter().map(|(key, ())| key).collect();
            told.lock().unwrap().push(keys.clone());
            Box::pin(async move {
                tokio::task::yield_now().await;
                assert!(!keys.contains(&13), "the one that panics");
                if keys.len() > 1 && keys.contains(&7) {
                    return Err(StoreError::StalePlan);
                }
                Ok(keys.into_iter().map(|key| (key, key * 10)).collect())
            })
        });
        (Gather::new(ask), asked)
    }

    #[tokio::test]
    async fn what_comes_at_about_the_same_time_is_asked_together_and_answered_to_each() {
        let (gather, asked) = gather();
        let answers = join_all((0..10).map(|key| gather.ask(key * 100, ()))).await;
        let answers: Vec<u64> = answers.into_iter().map(|answer| answer.unwrap().unwrap()).collect();
        assert_eq!(answers, (0..10).map(|key| key * 1_000).collect::<Vec<_>>());
        assert!(asked.lock().unwrap().len() < 10, "{asked:?}");
    }

    #[tokio::test]
    async fn what_is_refused_of_several_is_asked_one_by_one() {
        let (gather, _) = gather();
        let answers = join_all([1, 7, 2].map(|key| gather.ask(key, ()))).await;
        assert_eq!(
            answers.into_iter().map(|answer| answer.unwrap()).collect::<Vec<_>>(),
            [Some(10), Some(70), Some(20)]
        );
    }

    #[tokio::test]
    async fn a_panic_fails_what_was_asked_and_not_those_who_ask_next() {
        let (gather, _) = gather();
        assert!(gather.ask(13, ()).await.is_err());
        assert_eq!(gather.ask(1, ()).await.unwrap(), Some(10));
    }

    #[tokio::test]
    async fn of_two_that_ask_about_one_key_at_once_one_gets_the_answer() {
        let (gather, _) = gather();
        let answers = join_all([gather.ask(1, ()), gather.ask(1, ())]).await;
        let got = answers.into_iter().filter_map(|answer| answer.unwrap()).count();
        assert_eq!(got, 1);
    }
}
