//! The rows of the simulated broker's faults, in the order of the catalogue.

use bijli_core::DurationNs;

use super::{Drawn, FaultRow};

const fn secs(secs: i64) -> DurationNs {
    DurationNs::from_secs(secs)
}

const NO_SPAN: (DurationNs, DurationNs) = (DurationNs::ZERO, DurationNs::ZERO);

macro_rules! fault_table {
    ($($fault:ident $id:literal $name:literal $drawn:ident $span:expr, $about:literal;)+) => {
        /// A kind of fault.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Fault {
            $(#[doc = $about] $fault,)+
        }

        /// Every kind of fault that the simulated broker knows.
        pub const FAULTS: [FaultRow; [$($id),+].len()] = [
            $(FaultRow {
                fault: Fault::$fault,
                id: $id,
                name: $name,
                drawn: Drawn::$drawn,
                span: $span,
                about: $about,
            },)+
        ];
    };
}

fault_table! {
    ReplyLost "O2" "reply_lost" OrderCall NO_SPAN,
        "A placement is carried out, and its reply never sent.";
    ReplyLate "O3" "reply_late" OrderCall (secs(3), secs(120)),
        "An order call is carried out, and its reply held back.";
    ErrorAfter "O4" "error_after" OrderCall NO_SPAN,
        "An order call is carried out and answered with 500, 502, 503, 504 or a page with 200.";
    ErrorBefore "O5" "error_before" OrderCall NO_SPAN,
        "An order call is answered with 500, 502, 503, 504 or a page with 200, and not carried out.";
    CancelReplyLost "O18" "cancel_reply_lost" OrderCall NO_SPAN,
        "The reply to a cancel is never sent; half of the cancels are carried out.";
    ModifyReplyLost "O19" "modify_reply_lost" OrderCall NO_SPAN,
        "The reply to a modification is never sent; half of the modifications are carried out.";
    DuplicateFill "O21" "duplicate_fill" Fill NO_SPAN,
        "A fill is told twice: its update and its trade row appear twice, under one trade id or two.";
    UpdateDropped "O23" "update_dropped" Update NO_SPAN,
        "A message of the order stream is not sent.";
    SocketCut "D15" "socket_cut" SocketSecond NO_SPAN,
        "A WebSocket connection is cut.";
}
