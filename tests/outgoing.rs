//! Calling over one of several lines: real LiveKit server with two trunks, whose providers refuse or do not.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod support;

use serde_json::{Value, json};
use stage::LineOptions;
use stage::line::Report;
use support::window::Window;
use support::{Done, OUR_TONE, Place, exit};

const MAIN: &str = "+12025550150";
const SECOND: &str = "+12025550160";
const SPARE: &str = "+12025550161";
const ANNA: &str = "+12125550100";

/// Two lines at two providers. The second has two numbers.
fn two_lines(name: &str) -> Place {
    let options = LineOptions {
        seed: false,
        ..LineOptions::default()
    };
    let place = Place::with_line(name, options);
    for (name, numbers) in [
        ("Main line", &[MAIN][..]),
        ("Second line", &[SECOND, SPARE]),
    ] {
        let mut arguments = vec!["line", "add", "other", "--name", name, "--yes", "--json"];
        arguments.extend(["--host", "sip.provider.example", "--user", "desk"]);
        for number in numbers {
            arguments.extend(["--number", number]);
        }
        let command = place.deskline(&arguments);
        let added = place.run_in(command, Some("a-password-of-the-trunk"));
        assert_eq!(added.code, 0, "{added:?}");
    }
    set(&place, &["main line", "--default"]);
    place
}

fn set(place: &Place, more: &[&str]) -> Done {
    let mut arguments = vec!["line", "set", "--json"];
    arguments.extend(more);
    let done = place.run(&arguments);
    assert_eq!(done.code, 0, "{done:?}");
    done
}

/// The provider behind a number refuses every call before anything rings.
fn refuses(place: &Place, number: &str, code: u16) {
    let script = json!({"code": code, "ring_after_ms": -1, "answer_after_ms": 100});
    place.line.phones.set_caller(number, &script).unwrap();
}

fn event(done: &Done, name: &str) -> Option<Value> {
    done.json().into_iter().find(|line| line["event"] == name)
}

/// Our numbers that the phones of the world saw, in order.
fn shown(place: &Place) -> Vec<String> {
    let mut calls: Vec<Report> = place.line.phones.calls().unwrap();
    calls.reverse();
    calls.into_iter().map(|call| call.from).collect()
}

#[test]
fn a_call_that_the_provider_refuses_goes_over_the_other_line_and_busy_does_not() {
    let place = two_lines("outgoing-over");
    let _voice = place.stage.sound.speak_tone(OUR_TONE, 0.5).unwrap();
    refuses(&place, MAIN, 503);
    let done = place.run(&["dial", ANNA, "--for", "1s", "--json"]);
    assert_eq!(done.code, 0, "{done:?}");
    let route = event(&done, "route").unwrap();
    assert_eq!(
        (route["name"].as_str(), route["why"].as_str()),
        (Some("Main line"), Some("default")),
        "{route}"
    );
    let notice = event(&done, "notice").unwrap();
    assert_eq!(notice["code"], "went_over");
    assert_eq!(
        notice["words"],
        "Main line refused the call; calling over Second line."
    );
    // one leg at a time
    let calls = place.line.phones.calls().unwrap();
    let [second, first] = calls.as_slice() else {
        panic!("{calls:#?}");
    };
    assert_eq!((first.from.as_str(), second.from.as_str()), (MAIN, SECOND));
    assert_ne!(first.identity, second.identity);
    assert!(first.over && !first.rang && second.answered);
    let row = &place.history()[0];
    assert_eq!(row["line"], SECOND);
    assert_eq!(row["outcome"], "hung_up");
    let refused = &row["details"]["refusals"][0];
    assert_eq!(
        (&refused["line"], &refused["sip_code"]),
        (&json!("Main line"), &json!(503))
    );
    assert!(row["details"]["sip_code"].is_null(), "{row}");

    // The line that carried it is the one used last; the one that refused was not used.
    let again = place.run(&["dial", ANNA, "--for", "1s", "--json"]);
    let route = event(&again, "route").unwrap();
    assert_eq!(route["why"], "last_used", "{route}");
    assert_eq!(route["caller_id"], SECOND);
    assert_eq!(event(&again, "notice"), None);

    // Busy is busy over every line.
    let busy = place.run(&["dial", "+12125550111", "--line", "second line", "--json"]);
    assert_eq!(busy.code, exit::BUSY, "{busy:?}");
    assert_eq!(event(&busy, "notice"), None);
    refuses(&place, MAIN, 486);
    let busy = place.run(&["dial", "+13125550101", "--json"]);
    assert_eq!(busy.code, exit::BUSY, "{busy:?}");
    // Switched off, a refusal is the end.
    refuses(&place, MAIN, 503);
    set(&place, &["main line", "--fail-over", "off"]);
    let ended = place.run(&["dial", "+13125550101", "--json"]);
    assert_eq!(ended.code, exit::REFUSED, "{ended:?}");
    assert_eq!(ended.end()["outcome"], "line_overloaded");
    assert_eq!(
        shown(&place),
        [MAIN, SECOND, SECOND, SECOND, MAIN, MAIN],
        "who was called over what"
    );
}

#[test]
fn prefixes_wishes_and_caller_ids_choose_the_line() {
    let place = two_lines("outgoing-rules");
    let done = set(
        &place,
        &["second line", "--prefix", "+1 312", "--caller-id", SPARE],
    );
    assert_eq!(done.end()["prefixes"], json!(["+1312"]));
    // Refused, each in one sentence, and nothing is changed.
    for (arguments, says) in [
        (
            &["main line", "--prefix", "+1312"][..],
            "is set for Second line already",
        ),
        (
            &["main line", "--prefix", "312"],
            "is not the beginning of a number",
        ),
        (
            &["main line", "--caller-id", SECOND],
            "is not a number of Main line",
        ),
        (&["nobody"], "There is no line"),
    ] {
        let mut all = vec!["line", "set"];
        all.extend(arguments);
        let refused = place.run(&all);
        assert_eq!(refused.code, exit::WRONG_USE, "{refused:?}");
        assert!(refused.err.contains(says), "{}", refused.err);
    }
    let busy = |more: &[&str]| {
        let mut arguments = vec!["dial", "--json"];
        arguments.extend(more);
        let done = place.run(&arguments);
        assert_eq!(done.code, exit::BUSY, "{done:?}");
        event(&done, "route").unwrap()
    };
    let route = busy(&["+13125550111"]);
    assert_eq!(
        (&route["why"], &route["caller_id"]),
        (&json!("prefix"), &json!(SPARE))
    );
    let route = busy(&["+12125550111"]);
    assert_eq!(
        (&route["why"], &route["caller_id"]),
        (&json!("default"), &json!(MAIN))
    );
    let route = busy(&[
        "+14155550111",
        "--line",
        "second line",
        "--caller-id",
        SECOND,
    ]);
    assert_eq!(
        (&route["why"], &route["caller_id"]),
        (&json!("asked"), &json!(SECOND))
    );
    assert_eq!(shown(&place), [SPARE, MAIN, SECOND]);
    let refused = place.run(&[
        "dial",
        "+14155550111",
        "--caller-id",
        MAIN,
        "--line",
        "second line",
    ]);
    assert_eq!(refused.code, exit::WRONG_USE, "{refused:?}");
    assert!(
        refused.out.contains("is not a number of Second line"),
        "{refused:?}"
    );
    assert_eq!(shown(&place).len(), 3, "nobody was called");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_window_shows_the_line_and_why_lets_choose_and_says_that_it_went_over() {
    let place = two_lines("outgoing-window");
    let _voice = place.stage.sound.speak_tone(OUR_TONE, 0.5).unwrap();
    let window = Window::open(&place).await;
    window.fill("dial-input", ANNA).await;
    window
        .until_text("dial-why", "why this line", |why| {
            why.starts_with("It is the default line.")
        })
        .await;
    // A person chooses another line and another number of it.
    choose(&window, "dial-line", "Second line").await;
    choose(&window, "dial-caller-id", "(202) 555-0161").await;
    window.click("dial-call").await;
    window.until_state("live").await;
    window.click("call-end").await;
    assert_eq!(shown(&place), [SPARE]);
    window.until_outcome("hung_up").await;

    // Another number, by the rules; its provider refuses.
    refuses(&place, MAIN, 500);
    window.dial("+13125550100").await;
    window.until_state("live").await;
    window
        .until("the window says it", async || {
            let page = window.page().await;
            page.contains("Main line refused the call; calling over Second line.")
                .then_some(())
        })
        .await;
    assert!(
        window
            .text("call-refused")
            .await
            .contains("Main line refused the call")
    );
    window.click("call-end").await;
    window.until_outcome("hung_up").await;
    let report = place.line.phones.latest_with(MAIN).unwrap().unwrap();
    assert!(report.over && !report.rang);

    // What is set of a line is set in its sheet.
    window.click("nav-lines").await;
    window.click("line-menu").await;
    window.click("line-menu-calls").await;
    window.fill("line-prefixes", "49").await;
    window.click("line-save").await;
    window
        .until_text("line-said", "what is wrong", |said| {
            said.contains("is not the beginning of a number")
        })
        .await;
    window.fill("line-prefixes", "+49").await;
    window.click("line-fail-over").await;
    window.click("line-save").await;
    window
        .until_text("line-said", "that it is kept", |said| said == "Saved.")
        .await;
    window.close().await;
    let listed = place.run(&["line", "list", "--json"]).json();
    let calling = &listed[0]["calling"];
    assert_eq!(calling["prefixes"], json!(["+49"]), "{listed:?}");
    assert_eq!(calling["fail_over"], false);
}

/// Chooses an entry of the system's own list by its words.
async fn choose(window: &Window, id: &str, words: &str) {
    let script = "const list = document.querySelector(`[data-testid=${arguments[0]}]`);\
        const option = [...(list?.options ?? [])].find(one => one.textContent === arguments[1]);\
        if (!option) return false;\
        list.value = option.value;\
        list.dispatchEvent(new Event('change', {bubbles: true}));\
        return true;";
    window
        .until(&format!("{id} offers {words}"), async || {
            let chosen = window
                .client
                .execute(script, vec![json!(id), json!(words)])
                .await
                .ok()?;
            chosen.as_bool().filter(|chosen| *chosen)
        })
        .await;
}
