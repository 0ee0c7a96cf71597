//! When an access token dies: at 03:30 in India after its issue, whatever the hour of issue.
//!
//! Source: the broker's token documentation (issued 20:00 Tuesday, dead 03:30 Wednesday; issued 02:30 Wednesday, dead
//! 03:30 the same day). Left out: earlier deaths by logout, address change or kill switch, which only a reply tells.

use bijli_core::{DurationNs, IstDay, TsNs};

const DEATH: DurationNs = DurationNs::from_hm(3, 30);

/// The instant from which a token issued at `issued` is dead: the first 03:30 IST after it.
#[must_use]
pub fn expiry(issued: TsNs) -> TsNs {
    let today = issued.ist_day();
    let death = today.at(DEATH);
    if issued < death {
        death
    } else {
        IstDay::new(today.get() + 1).at(DEATH)
    }
}

/// Whether a token issued at `issued` is dead by its age at `now`.
#[must_use]
pub fn is_expired(issued: TsNs, now: TsNs) -> bool {
    now >= expiry(issued)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_dies_at_the_next_half_past_three_whenever_it_was_issued() {
        let tuesday = IstDay::from_ymd(2026, 9, 1).expect("a real date");
        let wednesday = IstDay::new(tuesday.get() + 1);
        let death = wednesday.at(DurationNs::from_hm(3, 30)).to_string();
        assert_eq!(death, "2026-09-02 03:30:00");
        for (day, hours, minutes, dead) in [
            (tuesday, 3, 30, wednesday),
            (tuesday, 20, 0, wednesday),
            (wednesday, 2, 30, wednesday),
            (wednesday, 3, 29, wednesday),
            (wednesday, 3, 30, IstDay::new(wednesday.get() + 1)),
        ] {
            let issued = day.at(DurationNs::from_hm(hours, minutes));
            assert_eq!(expiry(issued), dead.at(DEATH), "{issued}");
            assert!(!is_expired(issued, issued));
            assert!(is_expired(issued, dead.at(DEATH)));
        }
    }
}
