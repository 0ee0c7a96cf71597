//! How one field becomes bytes: little-endian integers, enums by their number, padded text, options with a
//! presence byte.
//!
//! Invariant: each value has exactly one form, so equal bytes mean equal values and the other way round; an
//! absent option has zeros where its value would be. The enum lists name every case, so that a case added to
//! the vocabulary does not compile until it is given its number here.

use crate::event::{ClockDoubt, DataKind, FeedState, Submission, SwitchOutcome, TickFlags, VenueKind, Verb};
use crate::instrument::{InstrumentId, InstrumentKind, SectorId};
use crate::order::{BrokerStatus, IntentId, OrderState, OrderType, Purpose, Side, Validity};
use crate::order_config::ProtectiveStop;
use crate::price::{Money, Price};
use crate::quantity::Qty;
use crate::session::Market;
use crate::start_steps::{StartStep, StepVerdict};
use crate::strategy::StrategyId;
use crate::text::Text;
use crate::time::{DurationNs, IstDay, TsNs};

/// Days that a date with a four-digit year can name; outside, calendar arithmetic could overflow.
const DAYS: std::ops::RangeInclusive<i32> = -719_468..=2_932_896;

/// A value with one fixed form in bytes.
pub(crate) trait Field: Sized {
    /// Bytes that every value takes.
    const BYTES: usize;
    /// The form in the words of `DESIGN.md`.
    const FORM: &'static str;

    /// Writes the value; `into` has [`Field::BYTES`] bytes.
    fn put(&self, into: &mut [u8]);

    /// Reads the value, or `None` when no value has these bytes; `from` has [`Field::BYTES`] bytes.
    fn take(from: &[u8]) -> Option<Self>;
}

macro_rules! integer {
    ($($type:ident),+) => {$(
        impl Field for $type {
            const BYTES: usize = size_of::<$type>();
            const FORM: &'static str = stringify!($type);

            #[inline]
            fn put(&self, into: &mut [u8]) {
                into.copy_from_slice(&self.to_le_bytes());
            }

            #[inline]
            fn take(from: &[u8]) -> Option<Self> {
                Some(Self::from_le_bytes(from.try_into().ok()?))
            }
        }
    )+};
}

integer!(u8, u32, i32, u64, i64);

macro_rules! wrapped {
    ($($type:ty: $inner:ident, $form:literal, $unwrap:ident, $wrap:expr;)+) => {$(
        impl Field for $type {
            const BYTES: usize = size_of::<$inner>();
            const FORM: &'static str = $form;

            #[inline]
            fn put(&self, into: &mut [u8]) {
                self.$unwrap().put(into);
            }

            #[inline]
            fn take(from: &[u8]) -> Option<Self> {
                $inner::take(from).map($wrap)
            }
        }
    )+};
}

wrapped! {
    TsNs: i64, "i64, ns since 1970 UTC", get, TsNs::new;
    DurationNs: i64, "i64, ns", get, DurationNs::new;
    Price: i64, "i64, 1/10 000 rupee", get, Price::new;
    Money: i64, "i64, 1/10 000 rupee", get, Money::new;
    Qty: i64, "i64, units", get, Qty::new;
    IntentId: u64, "u64", get, IntentId::from_raw;
    InstrumentId: u32, "u32", get, InstrumentId::new;
    SectorId: u8, "u8, sector", get, SectorId::new;
    TickFlags: u32, "u32, bits", bits, TickFlags::from_bits;
}

impl Field for IstDay {
    const BYTES: usize = 4;
    const FORM: &'static str = "i32, days since 1970";

    #[inline]
    fn put(&self, into: &mut [u8]) {
        self.get().put(into);
    }

    #[inline]
    fn take(from: &[u8]) -> Option<Self> {
        i32::take(from).filter(|day| DAYS.contains(day)).map(Self::new)
    }
}

impl Field for StrategyId {
    const BYTES: usize = 1;
    const FORM: &'static str = "u8, strategy";

    #[inline]
    fn put(&self, into: &mut [u8]) {
        into[0] = self.get();
    }

    #[inline]
    fn take(from: &[u8]) -> Option<Self> {
        Self::new(from[0])
    }
}

impl Field for bool {
    const BYTES: usize = 1;
    const FORM: &'static str = "u8, 0 or 1";

    #[inline]
    fn put(&self, into: &mut [u8]) {
        into[0] = u8::from(*self);
    }

    #[inline]
    fn take(from: &[u8]) -> Option<Self> {
        match from[0] {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl<const N: usize> Field for Text<N> {
    const BYTES: usize = N;
    const FORM: &'static str = "ASCII, zero-padded";

    #[inline]
    fn put(&self, into: &mut [u8]) {
        into.copy_from_slice(self.padded());
    }

    #[inline]
    fn take(from: &[u8]) -> Option<Self> {
        Self::from_padded(from.try_into().ok()?)
    }
}

impl<F: Field> Field for Option<F> {
    const BYTES: usize = 1 + F::BYTES;
    const FORM: &'static str = "u8 presence, then value or zeros";

    #[inline]
    fn put(&self, into: &mut [u8]) {
        into.fill(0);
        if let Some(value) = self {
            into[0] = 1;
            value.put(&mut into[1..]);
        }
    }

    #[inline]
    fn take(from: &[u8]) -> Option<Self> {
        if bool::take(&from[..1])? {
            F::take(&from[1..]).map(Some)
        } else {
            from[1..].iter().all(|byte| *byte == 0).then_some(None)
        }
    }
}

impl<F: Field + Copy + Default, const N: usize> Field for [F; N] {
    const BYTES: usize = N * F::BYTES;
    const FORM: &'static str = "array";

    #[inline]
    fn put(&self, into: &mut [u8]) {
        for (value, place) in self.iter().zip(into.chunks_exact_mut(F::BYTES)) {
            value.put(place);
        }
    }

    #[inline]
    fn take(from: &[u8]) -> Option<Self> {
        let mut values = [F::default(); N];
        for (value, place) in values.iter_mut().zip(from.chunks_exact(F::BYTES)) {
            *value = F::take(place)?;
        }
        Some(values)
    }
}

macro_rules! numbered {
    ($($type:ident { $($case:ident = $number:literal),+ })+) => {$(
        impl Field for $type {
            const BYTES: usize = 1;
            const FORM: &'static str =
                concat!("u8, `", stringify!($type), "`:", $(" ", stringify!($case), "=", $number),+);

            #[inline]
            fn put(&self, into: &mut [u8]) {
                into[0] = match self { $(Self::$case => $number,)+ };
            }

            #[inline]
            fn take(from: &[u8]) -> Option<Self> {
                match from[0] {
                    $($number => Some(Self::$case),)+
                    _ => None,
                }
            }
        }

        $(const _: () = assert!($type::$case as u8 == $number);)+
    )+};
}

numbered! {
    DataKind { Synthetic = 0, Real = 1, RealTicks = 2, RealBars = 3, Live = 4 }
    VenueKind { Simulated = 0, Paper = 1, Live = 2 }
    ClockDoubt { Stepped = 0, StoodStill = 1 }
    StartStep {
        Journal = 0, Account = 1, Program = 2, CrashLoop = 3, Token = 4, Address = 5, Day = 6, RiskGate = 7
    }
    StepVerdict { Untold = 0, Waiting = 1, Passed = 2, Failed = 3, NotNeeded = 4 }
    SwitchOutcome { Done = 0, Refused = 1, Unknown = 2 }
    FeedState { Down = 0, Live = 1, Mute = 2, Closed = 3 }
    Submission { Acked = 0, Refused = 1, NotSent = 2, Unknown = 3, PresumedAbsent = 4 }
    Verb { Pause = 0, Resume = 1, Exit = 2, Flatten = 3, Kill = 4, Arm = 5, ReduceOnly = 6, BrokerSwitch = 7 }
    InstrumentKind { Equity = 0, Index = 1, Future = 2, Call = 3, Put = 4 }
    Market { Cash = 0, Derivatives = 1 }
    Side { Buy = 0, Sell = 1 }
    OrderType { Limit = 0, Market = 1, StopLimit = 2, StopMarket = 3 }
    Validity { Day = 0, Ioc = 1 }
    Purpose { Entry = 0, Exit = 1 }
    ProtectiveStop { None = 0, Broker = 1 }
    BrokerStatus {
        Received = 0, Open = 1, TriggerPending = 2, ModifyPending = 3, CancelPending = 4, Complete = 5,
        Cancelled = 6, Rejected = 7, Unrecognised = 8
    }
    OrderState {
        Submitted = 0, Accepted = 1, Open = 2, TriggerPending = 3, PendingModify = 4, PendingCancel = 5,
        Unknown = 6, PresumedAbsent = 7, NotSent = 8, Refused = 9, Filled = 10, Cancelled = 11, Rejected = 12
    }
}
