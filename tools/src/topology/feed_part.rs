//! How the feed's duty is put together: settings, warm strikes, capture, lockstep.

use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use bijli_core::ring::Producer;
use bijli_core::state::State;
use bijli_feed::planner::warm_strikes::WarmWidth;
use bijli_feed::{FeedClient, FeedSettings};

use super::{Common, Role, StartError};
use crate::capture_store::CaptureStore;
use crate::duty::feed::{FeedDuty, FeedParts, Lockstep};
use crate::duty::feed_aim::{FeedAim, InUse};
use crate::duty::{FeedItem, FeedWord};
use crate::duty_cycle::{ClockSource, Wait};
use crate::screen::FeedScreen;

pub(super) struct FeedInputs {
    pub(super) settings: FeedSettings,
    pub(super) warm_strikes: Option<WarmWidth>,
    pub(super) in_use: InUse,
    pub(super) ring: Producer<FeedItem>,
    pub(super) notes: Sender<FeedWord>,
    pub(super) capture: Option<CaptureStore>,
    pub(super) wait: Wait,
}

pub(super) fn feed_duty(common: &Common, state: &State, inputs: FeedInputs) -> Result<FeedDuty, StartError> {
    let FeedInputs {
        mut settings,
        warm_strikes,
        in_use,
        ring,
        notes,
        capture,
        wait,
    } = inputs;
    let day = state.session().expect("a day is opened before it is started").day;
    let mode = settings.wants.first().map(|want| want.mode).unwrap_or_default();
    let aim = FeedAim::new(state.instruments(), day, mode, warm_strikes, in_use);
    settings.wants = aim.wants();
    let client = FeedClient::new(settings).map_err(|error| StartError::Connection(error.to_string()))?;
    let own_bell = common.bells[Role::Feed as usize].clone();
    let waker = client.waker().map_err(StartError::Thread)?;
    own_bell.set_poll_waker(Box::new(move || {
        // A waker that fails leaves the wait to end by itself, within a millisecond.
        let _woken = waker.wake();
    }));
    let lockstep = (common.clock.source() == ClockSource::Venue).then(|| Lockstep {
        pushed: Arc::clone(&common.traffic.pushed),
        taken: Arc::clone(&common.traffic.taken),
        busy: Arc::clone(&common.traffic.busy),
    });
    Ok(FeedDuty::new(FeedParts {
        client,
        instruments: state.instruments().to_vec(),
        day,
        aim,
        quote_age_max: state.config().risk.quote_age_max,
        ring,
        own_bell,
        engine_bell: common.bells[Role::Engine as usize].clone(),
        clock: common.clock.clone(),
        lockstep,
        // Waiting inside the socket's poll is rest enough for a thread that runs the feed.
        wait: (wait == Wait::Park).then_some(Duration::from_millis(1)),
        notes,
        token: common.token.clone(),
        capture,
        screen: FeedScreen::new(common.screen),
    }))
}
