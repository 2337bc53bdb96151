//! What is found wrong with a choreography, on one that is about a letter: it is written, franked and sent, or torn up.
//!
//! Each test breaks the same sound choreography in one place.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod letter;

use chassis::{
    Service,
    graph::{Graph, Rule},
};
use letter::*;

/// What is found in `services`, as rule, about what, in which service.
#[track_caller]
fn check(services: &[Service], expected: &[(Rule, &str, &str)]) {
    let findings = Graph::of(services).verify();
    let found: Vec<_> =
        findings.iter().map(|it| (it.rule, it.about.as_str(), it.service.unwrap_or_default())).collect();
    let told: Vec<_> = findings.iter().map(ToString::to_string).collect();
    assert_eq!(found, expected, "{told:#?}");
}

#[test]
fn nothing_is_wrong_with_a_sound_choreography() {
    check(&sound(), &[]);
}

#[test]
fn an_event_that_has_to_be_heard_is_heard_by_nobody() {
    check(
        &[writer(), post_without_franking()],
        &[
            (Rule::Heard, "writer.written", "writer"),
            (Rule::Said, "post.franked", "writer"),
            (Rule::Said, "post.refused", "writer"),
        ],
    );
}

#[test]
fn one_that_only_reads_does_not_hear() {
    let reader = Service::new("reader").on::<Written>(taken);
    let [writer, _] = sound();
    check(
        &[writer, post_without_franking(), reader],
        &[
            (Rule::Heard, "writer.written", "writer"),
            (Rule::Said, "post.franked", "writer"),
            (Rule::Said, "post.refused", "writer"),
        ],
    );
}

#[test]
fn one_that_adopts_its_own_fact_does_not_hear_it() {
    let [writer, _] = sound();
    check(
        &[writer.adopts::<Written>(taken), post_without_franking()],
        &[
            (Rule::Heard, "writer.written", "writer"),
            (Rule::Said, "post.franked", "writer"),
            (Rule::Said, "post.refused", "writer"),
        ],
    );
}

#[test]
fn an_event_that_is_waited_for_is_said_by_nobody() {
    let [writer, post] = sound();
    let waiting = writer.on::<Posted>(taken).says::<Sent>();
    check(&[waiting, post], &[(Rule::Said, "street.posted", "writer")]);
    let [writer, post] = sound();
    let given = Graph::of(&[writer.on::<Posted>(taken).says::<Sent>(), post]).given::<Posted>();
    assert_eq!(given.verify(), []);
}

#[test]
fn a_step_has_no_way_back() {
    let post = Service::new("post")
        .on::<Written>(taken)
        .performs::<Frank>()
        .settles::<Frank>(settled)
        .says::<Franked>()
        .says::<Refused>()
        .on::<TornUp>(taken)
        .says::<Discarded>();
    check(&[writer(), post], &[(Rule::WayBack, "post.franked", "post")]);
}

#[test]
fn a_way_back_is_taken_by_another_service_only() {
    let [writer, _] = sound();
    let post = Service::new("post")
        .on::<Written>(taken)
        .performs::<Frank>()
        .settles::<Frank>(settled)
        .says::<Franked>()
        .says::<Refused>()
        .on::<TornUp>(taken)
        .says::<Discarded>();
    let other = Service::new("other").on::<TornUp>(taken).says::<Discarded>().compensates::<Franked>();
    check(&[writer, post, other], &[(Rule::WayBack, "post.franked", "post")]);
}

#[test]
fn no_failure_leads_to_the_way_back() {
    let valley = Service::new("valley").answers("shout", command).says::<Shouted>();
    let post = Service::new("post")
        .on::<Written>(taken)
        .performs::<Frank>()
        .settles::<Frank>(settled)
        .says::<Franked>()
        .says::<Refused>()
        .on::<TornUp>(taken)
        .says::<Discarded>()
        .on::<Shouted>(taken)
        .compensates::<Franked>();
    check(&[writer(), post, valley], &[(Rule::WayBackIsReached, "post.franked", "post")]);
}

#[test]
fn a_branch_does_not_come_to_an_end() {
    let [_, post] = sound();
    let writer = Service::new("writer")
        .answers("write", command)
        .says::<Written>()
        .reminds("too_late")
        .reminded("too_late", reminded)
        .says::<TornUp>()
        .on::<Franked>(taken)
        .says::<Sent>()
        .on::<Refused>(taken)
        .says::<TornUp>()
        .on::<Discarded>(taken)
        .compensates::<Written>();
    check(&[writer, post], &[(Rule::ComesToAnEnd, "post.discarded", "post")]);
}

#[test]
fn nobody_can_leave_a_circle() {
    let [writer, post] = sound();
    let echo = Service::new("echo").on::<Shouted>(taken).says::<Echoed>();
    let valley = Service::new("valley").on::<Echoed>(taken).says::<Shouted>();
    let findings = Graph::of(&[writer, post, echo, valley]).verify();
    let [finding] = findings.as_slice() else { panic!("{findings:#?}") };
    assert_eq!((finding.rule, finding.about.as_str()), (Rule::NoEndlessCircle, "valley.shouted"));
    assert_eq!(finding.problem, "nobody can leave this circle: echo on valley.shouted, then valley on echo.echoed");
}

#[test]
fn a_circle_with_a_choice_on_it_or_a_clock_is_none() {
    let [writer, post] = sound();
    let echo = Service::new("echo").on::<Shouted>(taken).says::<Echoed>();
    let valley = Service::new("valley").on::<Echoed>(taken).says::<Shouted>().says::<Quiet>();
    let clock = Service::new("clock").reminded("tick", reminded).reminds("tick");
    check(&[writer, post, echo, valley, clock], &[]);
}

#[test]
fn an_effect_that_asks_for_itself_is_a_circle() {
    let [writer, post] = sound();
    let again = Service::new("again").answers("go", command).performs::<Ring>();
    let again = again.settles::<Ring>(settled).performs::<Ring>();
    check(&[writer, post, again], &[(Rule::NoEndlessCircle, "ring", "again")]);
}

#[test]
fn an_effect_is_not_settled_or_not_asked_for() {
    let [writer, post] = sound();
    let asks = Service::new("asks").answers("go", command).performs::<Ring>();
    let settles = Service::new("settles").settles::<Ring>(settled);
    let struggles = Service::new("struggles").struggles::<Ring>(in_vain);
    check(
        &[writer, post, asks, settles, struggles],
        &[
            (Rule::Settled, "ring", "asks"),
            (Rule::Performed, "ring", "settles"),
            (Rule::Performed, "ring", "struggles"),
        ],
    );
}

#[test]
fn a_reminder_is_not_reacted_to_or_not_asked_for() {
    let [writer, post] = sound();
    let asks = Service::new("asks").answers("go", command).reminds("tea");
    let waits = Service::new("waits_").reminded("tea", reminded);
    check(&[writer, post, asks, waits], &[(Rule::Answered, "tea", "asks"), (Rule::Asked, "tea", "waits_")]);
}

#[test]
fn a_finding_says_what_is_missing_where_and_what_to_do() {
    let [writer, _] = sound();
    let told = Graph::of(&[writer, post_without_franking()]).verify()[0].to_string();
    assert_eq!(
        told,
        "writer says writer.written, and no service does anything about it: let one react to it with on::<…>, or mark it \
         as news where nothing has to follow (it is marked as step)"
    );
}

#[test]
fn what_follows_goes_through_effects_and_reminders_and_never_through_adoption() {
    let graph = Graph::of(&sound());
    let follows = |kind| graph.follows(kind).into_iter().collect::<Vec<_>>();
    assert_eq!(follows("writer.written"), ["post.franked", "post.refused"]);
    assert_eq!(follows("writer.torn_up"), ["post.discarded"]);
    assert_eq!(follows("post.franked"), ["writer.sent"]);
    let [writer, post] = sound();
    let adopting = Graph::of(&[writer, post.adopts::<Franked>(taken).says::<Discarded>()]);
    assert!(!adopting.follows("post.franked").contains("post.discarded"));
}

#[test]
fn a_part_of_the_graph_is_what_may_follow_from_one_event() {
    let part = Graph::of(&sound()).from_event("post.refused");
    let events: Vec<_> = part.events.keys().copied().collect();
    assert_eq!(events, ["post.discarded", "post.refused", "writer.forgotten", "writer.torn_up"]);
}
