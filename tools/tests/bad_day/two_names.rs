//! Two names in the configuration, used one after the other for one account of the broker on one day.

use std::path::Path;

use crate::place::{Day, Place, WITHIN, stop};

/// Small positions that begin early and end soon.
const BUSY: &str = "[strategy]\nscore_min = 0.25\nstop_loss_pct = 0.3\ntake_profit_pct = 0.4\ntrail_pct = 0.2\n\
    [risk]\nposition_value_pct = 3\nmax_positions = 20\ncooldown_s = 1\nloss_streak_max = 250\n";

/// Runs an engine until it has sent orders, closes all of it and stops it.
fn trade(place: &Place, run_dir: &Path) {
    let before = place.world.stats().broker.orders_seen;
    let engine = place.world.spawn_engine();
    place.until_seen("orders of this name", |place| {
        place.world.stats().broker.orders_seen >= before + 6
    });
    let dir = run_dir.display().to_string();
    let flat = place.world.bijli(&[
        "ctl",
        "kill",
        "--wait",
        &WITHIN.as_secs().to_string(),
        "--dir",
        &dir,
    ]);
    assert_eq!(flat.status.code(), Some(0), "{flat:?}");
    let end = stop(engine);
    assert_eq!(end.code, Some(0), "{end:?}");
}

#[test]
fn two_names_for_one_account_of_the_broker_never_send_the_same_tag() {
    let place = Place::start(Day {
        config: BUSY,
        ..Day::default()
    });
    let first = place.world.run_dir();
    trade(&place, &first);
    place.set("account", "other");
    let name = first.file_name().expect("day and account").to_string_lossy();
    trade(&place, &first.with_file_name(name.replace("test", "other")));
    let broker = place.world.stats().broker;
    assert_eq!(
        (broker.duplicate_tags, broker.tags_seen),
        (0, broker.orders_seen),
        "each order has its own"
    );
    assert_eq!(broker.open_positions, 0);
}
