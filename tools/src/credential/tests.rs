//! Secrets in every place: order, modes, ages, and that nothing shows them.

use std::os::unix::fs::PermissionsExt;

use bijli_core::{DurationNs, IstDay};

use super::*;

fn day(hours: i64, minutes: i64) -> TsNs {
    IstDay::from_ymd(2026, 9, 1)
        .expect("a real date")
        .at(DurationNs::from_hm(hours, minutes))
}

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

fn write(path: &Path, text: &str, mode: u32) {
    std::fs::write(path, text).expect("a fresh folder");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("our own file");
}

/// A folder for files, one for service credentials, and a keyring that is not asked.
fn places(folder: &Path) -> Places {
    let service = folder.join("service");
    std::fs::create_dir_all(&service).expect("a fresh folder");
    Places::new(Some(service), folder.join("upstox.token"), None)
}

#[test]
fn the_service_managers_credential_comes_before_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let places = places(folder.path());
    write(&folder.path().join("upstox.token"), "from-the-file\n", 0o600);
    assert_eq!(
        places.token().expect("it is there").0.token,
        secret("from-the-file")
    );
    let credential = folder.path().join("service/upstox_token");
    write(&credential, "from-the-service", 0o440);
    let (token, place) = places.token().expect("it is there");
    assert_eq!(token.token, secret("from-the-service"));
    assert_eq!(place, Place::ServiceManager(credential));
}

#[test]
fn a_file_that_others_may_read_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let places = places(folder.path());
    let path = folder.path().join("upstox.token");
    for mode in [0o640, 0o604, 0o660, 0o601] {
        write(&path, "exposed-token", mode);
        let error = places.token().expect_err("others may read it");
        let expected = CredentialError::Exposed {
            path: path.clone(),
            mode,
        };
        assert_eq!(error, expected);
        assert!(error.to_string().contains("chmod 600"));
    }
    for mode in [0o600, 0o400] {
        write(&path, "guarded-token", mode);
        assert!(places.token().is_ok());
        std::fs::remove_file(&path).expect("it is there");
    }
}

#[test]
fn a_kept_token_comes_back_with_its_times_and_nobody_else_can_read_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let places = Places::new(None, folder.path().join("new/upstox.token"), None);
    let token = StoredToken::issued_at(secret("kept-token"), day(8, 0));
    let place = places.keep_token(&token, false).expect("a fresh folder");
    let path = folder.path().join("new/upstox.token");
    assert_eq!(place, Place::File(path.clone()));
    let mode = std::fs::metadata(&path)
        .expect("it is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(places.token(), Ok((token.clone(), place)));
    let next = StoredToken::issued_at(secret("next-token"), day(9, 0));
    places.keep_token(&next, false).expect("it replaces");
    assert_eq!(places.token().expect("it is there").0, next);
    let left = std::fs::read_dir(path.parent().expect("a folder")).expect("a folder");
    assert_eq!(left.count(), 1, "no half-written file stays");
    assert_eq!(places.forget_token(), Ok(vec![Place::File(path)]));
    assert_eq!(places.forget_token(), Ok(Vec::new()));
    assert!(matches!(places.token(), Err(CredentialError::Missing { .. })));
}

#[test]
fn a_token_past_half_past_three_is_not_handed_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let places = places(folder.path());
    let token = StoredToken::issued_at(secret("old-token"), day(8, 0));
    let place = places.keep_token(&token, false).expect("a fresh folder");
    assert!(places.living_token(day(27, 29)).is_ok());
    let error = places.living_token(day(27, 30)).expect_err("it is dead");
    assert_eq!(
        error,
        CredentialError::Expired {
            at: day(27, 30),
            place
        }
    );
    assert!(error.needs_login() && error.to_string().contains("bijli login"));
}

#[test]
fn a_dead_token_hides_no_living_one_behind_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let places = places(folder.path());
    let credential = folder.path().join("service/upstox_token");
    let old = StoredToken::issued_at(secret("of-yesterday"), day(-20, 0));
    write(&credential, &old.to_text(), 0o440);
    let dead = Err(CredentialError::Expired {
        at: day(3, 30),
        place: Place::ServiceManager(credential.clone()),
    });
    assert_eq!(places.living_token(day(9, 0)), dead);
    let fresh = StoredToken::issued_at(secret("of-today"), day(8, 0));
    let place = places.keep_token(&fresh, false).expect("a fresh folder");
    assert_eq!(places.living_token(day(9, 0)), Ok((fresh, place.clone())));
    assert_eq!(
        places.living_token(day(3, 0)),
        Ok((old, Place::ServiceManager(credential)))
    );
    write(&folder.path().join("upstox.token"), "{", 0o600);
    assert_eq!(
        places.living_token(day(9, 0)),
        Err(CredentialError::Malformed(place))
    );
}

#[test]
fn a_new_login_is_in_memory_after_the_next_look_and_a_dead_token_never_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let places = places(folder.path());
    let first = StoredToken::issued_at(secret("of-the-start"), day(8, 0));
    places.keep_token(&first, false).expect("a fresh folder");
    let memory = TokenMemory::new(places.clone(), first.token);
    let handle = memory.handle();
    assert!(!memory.renew(day(9, 0)));
    let second = StoredToken::issued_at(secret("of-the-morning"), day(10, 0));
    places.keep_token(&second, false).expect("it replaces");
    assert_eq!(handle.now(), "of-the-start", "nobody has looked yet");
    assert!(memory.renew(day(10, 1)));
    assert_eq!(handle.now(), "of-the-morning");
    let dead = StoredToken::issued_at(secret("of-the-week-before"), day(-100, 0));
    places.keep_token(&dead, false).expect("it replaces");
    assert!(!memory.renew(day(10, 2)));
    places.forget_token().expect("our own folder");
    assert!(!memory.renew(day(10, 3)));
    assert_eq!(handle.now(), "of-the-morning");
    assert!(!format!("{memory:?}").contains("of-the-morning"));
}

#[test]
fn a_bare_token_is_as_old_as_its_file_and_json_may_say_otherwise() {
    let changed = day(8, 0);
    let bare = StoredToken::parse("  bare-token\n", changed).expect("a token");
    assert_eq!(bare, StoredToken::issued_at(secret("bare-token"), changed));
    let unknown = StoredToken::parse("bare-token", TsNs::NEVER).expect("a token");
    assert!(!unknown.is_dead(TsNs::new(i64::MAX)));
    let year = changed.plus(DurationNs::from_secs(31_536_000));
    let long = format!(
        r#"{{"access_token":"long","expires_ms":{}}}"#,
        year.get() / 1_000_000
    );
    let long = StoredToken::parse(&long, changed).expect("a token");
    assert_eq!((long.issued, long.expires), (TsNs::NEVER, year));
    for wrong in [
        "",
        "two words",
        "{}",
        r#"{"access_token":""}"#,
        r#"{"access_token":7}"#,
        "{",
    ] {
        assert_eq!(StoredToken::parse(wrong, changed), None, "{wrong}");
    }
}

#[test]
fn what_is_missing_names_every_place_and_no_debug_form_shows_a_secret() {
    let folder = tempfile::tempdir().expect("a folder");
    let places = places(folder.path());
    let text = places.token().expect_err("nothing is there").to_string();
    for words in ["service/upstox_token", "upstox.token", "bijli login"] {
        assert!(text.contains(words), "{text}");
    }
    write(&folder.path().join("upstox.client_secret"), "the-secret\n", 0o600);
    let found = places.application(Name::ClientSecret).expect("it is there");
    assert_eq!(found.expose(), "the-secret");
    let token = StoredToken::issued_at(secret("shown-to-nobody"), day(8, 0));
    for debug in [format!("{found:?}"), format!("{token:?}")] {
        assert!(
            !debug.contains("the-secret") && !debug.contains("shown-to-nobody"),
            "{debug}"
        );
    }
}

#[test]
fn the_kernels_keyring_keeps_a_token_where_the_kernel_has_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let prefix = format!("bijli-test-{}:", std::process::id());
    let places = Places::new(None, folder.path().join("upstox.token"), Some(prefix));
    let token = StoredToken {
        expires: TsNs::NEVER,
        ..StoredToken::issued_at(secret("in-the-kernel"), day(8, 0))
    };
    let file = folder.path().join("upstox.token");
    write(&file, "kept-in-a-file-before", 0o600);
    match places.keep_token(&token, true) {
        Ok(place) => {
            assert_eq!(place, Place::Keyring);
            assert!(!file.exists(), "an older file would come before the keyring");
            let (found, place) = places.token().expect("it was kept just now");
            assert_eq!((found.token, place), (secret("in-the-kernel"), Place::Keyring));
            assert_eq!(places.forget_token(), Ok(vec![Place::Keyring]));
            assert!(matches!(places.token(), Err(CredentialError::Missing { .. })));
        }
        Err(CredentialError::Keyring(error)) => {
            println!("skipped (no keyring: {error}): the_kernels_keyring_keeps_a_token");
            assert!(file.exists(), "what was kept before stays");
            std::fs::remove_file(&file).expect("it is there");
            let text = places.token().expect_err("nothing is there").to_string();
            assert!(text.contains("gives no keyring"), "{text}");
        }
        Err(error) => panic!("{error}"),
    }
}
