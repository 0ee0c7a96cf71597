//! What is on its way to the exchange or back, in the order in which it arrives.

use std::collections::BTreeMap;

use bijli_core::TsNs;

use super::order::Change;

/// What is to happen to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Errand {
    Arrive,
    Change(Change),
    Cancel,
    /// A fault: somebody else changes it.
    ChangeByHand,
    /// A fault: the risk check or the exchange refuses it after all.
    RejectLate,
    /// A fault: what was told as filled never was.
    UnmaskPhantom,
}

/// Errands by the time at which they arrive; of one time, the first sent is the first there.
#[derive(Clone, Debug, Default)]
pub(super) struct Errands {
    queue: BTreeMap<(TsNs, u64), (usize, Errand)>,
    sent: u64,
}

impl Errands {
    pub(super) fn send(&mut self, due: TsNs, order: usize, errand: Errand) {
        self.sent += 1;
        self.queue.insert((due, self.sent), (order, errand));
    }

    /// The next that has arrived.
    pub(super) fn pop_due(&mut self, now: TsNs) -> Option<(usize, Errand)> {
        self.next_due().filter(|due| *due <= now)?;
        self.queue.pop_first().map(|(_, errand)| errand)
    }

    pub(super) fn next_due(&self) -> Option<TsNs> {
        self.queue.first_key_value().map(|((due, _), _)| *due)
    }

    /// Lets everything arrive by a time, in the order in which it would have.
    pub(super) fn hasten(&mut self, latest: TsNs) {
        for ((due, _), (order, errand)) in std::mem::take(&mut self.queue) {
            self.send(due.min(latest), order, errand);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errands_arrive_by_time_and_of_one_time_in_the_order_in_which_they_were_sent() {
        let mut errands = Errands::default();
        for (due, order) in [(30, 1), (10, 2), (20, 3), (10, 4)] {
            errands.send(TsNs::new(due), order, Errand::Cancel);
        }
        assert_eq!(errands.pop_due(TsNs::new(9)), None);
        assert_eq!(errands.next_due(), Some(TsNs::new(10)));
        errands.hasten(TsNs::new(20));
        let order = std::iter::from_fn(|| errands.pop_due(TsNs::new(20))).map(|(order, _)| order);
        assert_eq!(order.collect::<Vec<usize>>(), [2, 4, 3, 1]);
    }
}
