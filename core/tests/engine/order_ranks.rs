//! The states of an order as ranks on its way: what may follow what, without a table.

use bijli_core::order::{BrokerStatus, OrderState};

/// How far an order is on its way. States of one rank may follow each other.
pub(crate) fn rank(state: OrderState) -> u8 {
    use OrderState as S;
    match state {
        S::Submitted | S::Unknown | S::PresumedAbsent | S::NotSent | S::Refused => 0,
        S::Accepted => 1,
        S::Open | S::TriggerPending | S::PendingModify | S::PendingCancel => 2,
        S::Filled | S::Cancelled | S::Rejected => 3,
    }
}

/// Whether a row of the broker that says `next` is news to an order in `state`.
pub(crate) fn is_news(state: OrderState, next: OrderState) -> bool {
    use OrderState as S;
    match (state, next) {
        _ if state == next => true,
        (S::Rejected, _) => false,
        (S::Cancelled, _) => next == S::Filled,
        (S::Filled, _) => rank(next) == 3,
        _ => rank(next) > rank(state) || (rank(next) == 2 && rank(state) == 2),
    }
}

/// What a status means; `None` for a word that says nothing certain.
pub(crate) const fn state_told(status: BrokerStatus) -> Option<OrderState> {
    use OrderState as S;
    match status {
        BrokerStatus::Received => Some(S::Accepted),
        BrokerStatus::Open => Some(S::Open),
        BrokerStatus::TriggerPending => Some(S::TriggerPending),
        BrokerStatus::ModifyPending => Some(S::PendingModify),
        BrokerStatus::CancelPending => Some(S::PendingCancel),
        BrokerStatus::Complete => Some(S::Filled),
        BrokerStatus::Cancelled => Some(S::Cancelled),
        BrokerStatus::Rejected => Some(S::Rejected),
        BrokerStatus::Unrecognised => None,
    }
}
