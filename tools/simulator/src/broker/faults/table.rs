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
    TooMany "O6" "too_many" OrderCall (secs(1), secs(5)),
        "Order calls are answered with 429 for a while, without a word on when to come back.";
    Suspended "O7" "suspended" OrderCall (secs(60), secs(900)),
        "Every call is answered with 429 for minutes: access is suspended.";
    NoOrderId "O8" "no_order_id" OrderCall NO_SPAN,
        "A placement is carried out and answered with success and no order id.";
    BadJson "O9" "bad_json" Call NO_SPAN,
        "A call is carried out and answered with JSON that is cut, tells a key twice, is too deep or holds a huge number.";
    RejectedLate "O10" "rejected_late" Order (DurationNs::from_millis(10), secs(300)),
        "An order is taken in and rejected only later; it never reaches the exchange.";
    FreezeReject "O11" "freeze_reject" Order NO_SPAN,
        "The exchange rejects an order for a freeze quantity that is smaller than told.";
    BandReject "O12" "band_reject" Order NO_SPAN,
        "The exchange rejects an order with a price for a price band that is tighter than told.";
    StopReject "O13" "stop_reject" Order NO_SPAN,
        "A stop order is rejected at the moment at which the last price releases it.";
    Stuck "O14" "stuck" Order (secs(1), secs(600)),
        "An order waits in one of the states before the exchange, and what is sent after it waits with it.";
    Phantom "O15" "phantom" Order (secs(1), secs(60)),
        "An order is told complete without exchange id or trade, and rejected later; one in four never is.";
    PartialFill "O16" "partial_fill" Order NO_SPAN,
        "An order fills in part, and the exchange cancels the rest.";
    FillOnCancel "O17" "fill_on_cancel" Order NO_SPAN,
        "An order that is being cancelled fills before the cancel arrives.";
    CancelReplyLost "O18" "cancel_reply_lost" OrderCall NO_SPAN,
        "The reply to a cancel is never sent; half of the cancels are carried out.";
    ModifyReplyLost "O19" "modify_reply_lost" OrderCall NO_SPAN,
        "The reply to a modification is never sent; half of the modifications are carried out.";
    ModifyLimit "O20" "modify_limit" OrderCall NO_SPAN,
        "A modification is refused: the order has been modified too often.";
    DuplicateFill "O21" "duplicate_fill" Fill NO_SPAN,
        "A fill is told twice: its update and its trade row appear twice, under one trade id or two.";
    UpdateReordered "O22" "update_reordered" Update (secs(2), secs(2)),
        "A message of the order stream is overtaken by the next one.";
    UpdateDropped "O23" "update_dropped" Update NO_SPAN,
        "A message of the order stream is not sent.";
    BookUntrue "O24" "book_untrue" Read (DurationNs::ZERO, secs(90)),
        "Reads of orders and trades see nothing, a part, or what stood up to a minute before, half of the time with the positions of then.";
    PositionsHidden "O25" "positions_hidden" Read (DurationNs::ZERO, secs(30)),
        "Reads of positions see none.";
    ExternalOrder "O26" "external_order" Minute NO_SPAN,
        "Somebody else places an order of one lot on the account.";
    BrokerSquareOff "O27" "broker_square_off" Minute NO_SPAN,
        "The broker closes an open position at the market; half of the time it cancels its orders first.";
    Purge "O28" "purge" Minute NO_SPAN,
        "The exchange cancels every order that it works.";
    Redirect "O30" "redirect" OrderCall NO_SPAN,
        "An order call is answered with a redirect and not carried out.";
    SlicePartial "O31" "slice_partial" Order NO_SPAN,
        "Of an order that the broker slices, only the first half of the slices is placed.";
    ExitPartial "O32" "exit_partial" OrderCall NO_SPAN,
        "Exit-all leaves a position out; the kill switch is refused.";
    EchoDiffers "O33" "echo_differs" Order NO_SPAN,
        "The broker takes in another price, quantity or product than was asked for.";
    ChangedByHand "O37" "changed_by_hand" OrderCall (DurationNs::from_millis(100), secs(2)),
        "A modification is followed within two seconds by somebody else's of that order: a worse price, or a lot less.";
    BookCleared "O34" "book_cleared" Minute NO_SPAN,
        "Outside market hours the order book is cleared: earlier orders and trades are told no more.";
    SocketCut "D15" "socket_cut" SocketSecond NO_SPAN,
        "A WebSocket connection is cut.";
    TokenExpires "N1" "token_expires" Minute (DurationNs::ZERO, secs(60)),
        "Every access token reaches its hour early.";
    TokenRevoked "N2" "token_revoked" Minute NO_SPAN,
        "Every access token is revoked.";
    HiddenAuthError "N3" "hidden_auth_error" Call NO_SPAN,
        "A call is not carried out, and told so only in the text of a 200 or 400 that has no code.";
    AddressBlocked "N4" "address_blocked" OrderCall (secs(60), secs(1_800)),
        "Order calls are refused for an address that is not registered; reads go on.";
    Silence "N7" "silence" OrderCall (secs(10), secs(1_800)),
        "Calls are carried out, and no reply comes.";
    MarketHalt "X1" "market_halt" Minute (secs(900), secs(6_300)),
        "The whole market halts: working orders are purged, nothing fills, new orders are rejected.";
    MarginRaised "X5" "margin_raised" Minute (secs(600), secs(7_200)),
        "Margins rise by a fifth to the double.";
    TradeBust "X6" "trade_bust" Minute NO_SPAN,
        "The exchange withdraws one of the trades of the last half hour.";
}
