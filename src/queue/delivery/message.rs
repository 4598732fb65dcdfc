//! The wire form of a delivery, and the reading of what arrives.

use std::io;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// The `BullMQ` job name of a delivery.
pub(super) const NAME: &str = "delivery";
const VERSION: u8 = 1;
const ROWS_MAX: usize = 500;
const FOREIGN_DATA_MAX_BYTES: usize = 64 * 1024;
const FOREIGN_LABEL_MAX_BYTES: usize = 512;

/// One doorbell: the ledger rows released together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Minted once per release; never rung again after its job has ended.
    pub id: Uuid,
    /// Ledger rows, 1 to 500.
    pub jobs: Vec<i64>,
}

/// What the worker does with what it hears.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// A doorbell of our own. Only the ledger says whether it is true.
    Delivery(Delivery),
    /// Anything else that someone put on the queue. Distrust it.
    Foreign {
        /// The Redis id.
        id: String,
        /// The `BullMQ` job name.
        name: String,
        /// The payload, at most 64 KiB as JSON.
        data: Value,
    },
}

/// A foreign job too large to be passed on.
#[derive(Debug, thiserror::Error)]
#[error("refused: a foreign job may carry 64 KiB of data and 512 bytes of id and name")]
pub(super) struct TooLarge;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DeliveryBody {
    v: u8,
    delivery: Uuid,
    jobs: Vec<i64>,
}

impl Delivery {
    /// The Redis id. Not a bare number and without `:`, as `BullMQ` demands.
    pub(super) fn redis_id(id: Uuid) -> String {
        format!("pin-{id}")
    }

    pub(super) fn body(&self) -> impl Serialize + use<> {
        DeliveryBody { v: VERSION, delivery: self.id, jobs: self.jobs.clone() }
    }
}

/// Sorts what arrived. A delivery that is not exactly ours is foreign.
pub(super) fn hear(id: &str, name: &str, data: &Value) -> Result<Heard, TooLarge> {
    if let Some(delivery) = own(id, name, data) {
        return Ok(Heard::Delivery(delivery));
    }
    if id.len() > FOREIGN_LABEL_MAX_BYTES || name.len() > FOREIGN_LABEL_MAX_BYTES {
        return Err(TooLarge);
    }
    serde_json::to_writer(Room(FOREIGN_DATA_MAX_BYTES), data).map_err(|_| TooLarge)?;
    Ok(Heard::Foreign { id: id.to_owned(), name: name.to_owned(), data: data.clone() })
}

fn own(id: &str, name: &str, data: &Value) -> Option<Delivery> {
    if name != NAME {
        return None;
    }
    let body = DeliveryBody::deserialize(data).ok()?;
    let rows = 1..=ROWS_MAX;
    let ours = body.v == VERSION && rows.contains(&body.jobs.len()) && Delivery::redis_id(body.delivery) == id;
    ours.then_some(Delivery { id: body.delivery, jobs: body.jobs })
}

/// A writer that keeps nothing and fails when its room is used up.
struct Room(usize);

impl io::Write for Room {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::FileTooLarge)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn delivery(rows: usize) -> (Delivery, Value) {
        let id = Uuid::from_u128(7);
        let jobs: Vec<i64> = (0..).take(rows).collect();
        let data = json!({"v": 1, "delivery": id, "jobs": jobs});
        (Delivery { id, jobs }, data)
    }

    #[test]
    fn a_delivery_is_heard_as_it_was_rung() {
        let (delivery, data) = delivery(3);
        assert_eq!(serde_json::to_value(delivery.body()).unwrap(), data);
        let heard = hear(&Delivery::redis_id(delivery.id), NAME, &data).unwrap();
        assert_eq!(heard, Heard::Delivery(delivery));
    }

    #[test]
    fn a_delivery_under_another_id_is_foreign() {
        let (_, data) = delivery(1);
        assert!(matches!(hear("pin-else", NAME, &data), Ok(Heard::Foreign { .. })));
    }

    #[test]
    fn a_delivery_without_rows_or_with_too_many_is_foreign() {
        for rows in [0, ROWS_MAX + 1] {
            let (delivery, data) = delivery(rows);
            let heard = hear(&Delivery::redis_id(delivery.id), NAME, &data);
            assert!(matches!(heard, Ok(Heard::Foreign { .. })), "{rows} rows");
        }
    }

    #[test]
    fn foreign_data_is_bounded() {
        let fits = json!("x".repeat(FOREIGN_DATA_MAX_BYTES - 2));
        let over = json!("x".repeat(FOREIGN_DATA_MAX_BYTES - 1));
        assert!(hear("1", "a", &fits).is_ok());
        assert!(hear("1", "a", &over).is_err());
    }
}
