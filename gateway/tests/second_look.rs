//! What somebody else does to an order beside our own change of it is told when the engine believes it again.

mod scripted;

use bijli_core::order::Purpose;
use bijli_gateway::Gateway;

use scripted::*;

/// Answers every read until `to` ms with a book of this one row; what was told, each with the second in which it was.
fn read_until(gateway: &mut Gateway, from: i64, to: i64, row: &str) -> Vec<String> {
    let mut told = Vec::new();
    for ms in (from..to).step_by(100) {
        while let Some(request) = gateway.poll_request(at(ms)) {
            gateway.handle_reply(at(ms), request.id, &list(&[row.to_owned()]));
        }
        let lines = notes(gateway);
        told.extend(lines.iter().map(|line| format!("{} s: {line}", ms / 1_000)));
    }
    told
}

#[test]
fn a_row_that_stands_otherwise_than_before_our_change_is_told_again_once_and_three_seconds_after_it() {
    let mut gateway = gateway();
    settle(&mut gateway, at(0));
    gateway.handle_command(at(0), &exit(1));
    answer(&mut gateway, at(0), PLACE, &acked("7"));
    gateway.handle_stream_text(at(100), &frame("7", Some(1), "open", 0));
    assert_eq!(notes(&mut gateway), ["1 Acked 7", "1 7 is Open 0/75"]);
    gateway.handle_command(at(1_000), &modify(1, "7", Purpose::Exit));
    answer(&mut gateway, at(1_000), MODIFY, &acked("7"));
    let by_hand = row("7", Some(1), "open", 0).replace(r#""quantity":75"#, r#""quantity":150"#);
    assert_ne!(by_hand, row("7", Some(1), "open", 0));
    let told = read_until(&mut gateway, 1_100, 20_000, &by_hand);
    assert_eq!(told, ["1 s: 1 7 is Open 0/150", "5 s: 1 7 is Open 0/150"]);
    gateway.handle_command(at(20_000), &modify(1, "7", Purpose::Exit));
    answer(&mut gateway, at(20_000), MODIFY, &refusal(400, "UDAPI1021"));
    let told = read_until(&mut gateway, 20_100, 40_000, &by_hand);
    assert_eq!(
        told,
        ["20 s: 1 7 is Open 0/150"],
        "as it stood before: no news of anybody"
    );
}
