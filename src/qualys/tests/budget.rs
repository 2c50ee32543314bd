//! The budget against a platform on a clock of our own: what it lets through, in which order answers come, and how
//! long it all takes.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::time::Duration;

use proptest::prelude::*;
use tokio::time::Instant;

use crate::qualys::RetryPolicy;
use crate::qualys::budget::{Budget, Reply, Ticket, Toll, Turn};
use crate::qualys::family::Family;
use crate::qualys::limits::Limits;

/// A call of some family.
const COUNTED: Toll = Toll::Counted(Family::Qps);
/// A call of another one.
const COUNTED_TOO: Toll = Toll::Counted(Family::ContainerSecurity);

/// How the platform counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Window {
    /// A call counts until a window after it.
    Sliding,
    /// All calls count until a window after the first of them.
    Fixed,
}

/// Which headers it sends. The calls left are always among them.
#[derive(Debug, Clone, Copy)]
struct Headers {
    limit: bool,
    window: bool,
    /// Whether the time to wait comes when nothing is left, and whether it is rounded up.
    wait: Option<bool>,
}

#[derive(Debug, Clone)]
struct Platform {
    limit: u64,
    length: Duration,
    window: Window,
    headers: Headers,
    counted: VecDeque<Instant>,
}

impl Platform {
    /// Counts a call, if there is room: whether there was.
    fn take(&mut self, now: Instant) -> bool {
        match self.window {
            Window::Sliding => {
                while self.counted.front().is_some_and(|at| *at + self.length <= now) {
                    self.counted.pop_front();
                }
            }
            Window::Fixed => {
                if self.counted.front().is_some_and(|at| *at + self.length <= now) {
                    self.counted.clear();
                }
            }
        }
        let room = (self.counted.len() as u64) < self.limit;
        if room {
            self.counted.push_back(now);
        }
        room
    }

    fn answer(&self, now: Instant) -> Limits {
        let remaining = self.limit - self.counted.len() as u64;
        let mut headers = reqwest::header::HeaderMap::new();
        let mut put = |name: &'static str, value: u64| headers.insert(name, value.into());
        put("x-ratelimit-remaining", remaining);
        if self.headers.limit {
            put("x-ratelimit-limit", self.limit);
        }
        if self.headers.window {
            put("x-ratelimit-window-sec", self.length.as_secs());
        }
        if let Some(up) = self.headers.wait {
            let left = self.counted.front().map_or(Duration::ZERO, |at| *at + self.length - now);
            // Nobody who means a wait says 0.
            let seconds = (left.as_secs() + u64::from(up && left.subsec_nanos() > 0)).max(1);
            put("x-ratelimit-towait-sec", if remaining == 0 { seconds } else { 0 });
        }
        Limits::read(&headers, std::time::SystemTime::UNIX_EPOCH)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// Another program calls.
    Other,
    Arrives(u64),
    Answered(u64),
    /// The answer is lost on its way.
    Lost(u64),
    Wake,
}

/// A request on its way.
struct Flight {
    ticket: Ticket,
    back: Duration,
    informed: bool,
    answer: Option<(Limits, bool)>,
}

/// What came of it.
#[derive(Debug, Default)]
struct Run {
    took: Duration,
    /// Refusals of requests that were sent after an answer had come.
    provoked: u64,
    sent: u64,
}

/// What is to be done.
struct Work {
    calls: u64,
    concurrency: usize,
    /// How long a request is on its way there, and back; in turn.
    ways: Vec<(Duration, Duration)>,
    /// When other programs call.
    others: Vec<Duration>,
    /// Every so many calls the answer is lost.
    loses: Option<u64>,
}

/// Makes all calls, refused ones again, and plays the platform.
fn run(mut platform: Platform, work: &Work) -> Run {
    let start = Instant::now();
    let mut events = BinaryHeap::new();
    events.push(Reverse((start, Event::Wake)));
    events.extend(work.others.iter().map(|at| Reverse((start + *at, Event::Other))));
    let mut budget = Budget::default();
    let mut flights: BTreeMap<u64, Flight> = BTreeMap::new();
    let (mut left, mut informed, mut run) = (work.calls, false, Run::default());
    let mut wake = None;
    while left > 0 || !flights.is_empty() {
        let Some(Reverse((now, event))) = events.pop() else { panic!("nothing more happens: {budget:?}") };
        match event {
            Event::Other => {
                platform.take(now);
                continue;
            }
            Event::Arrives(id) => {
                let flight = flights.get_mut(&id).unwrap();
                let taken = platform.take(now);
                run.provoked += u64::from(!taken && flight.informed);
                flight.answer = Some((platform.answer(now), !taken));
                let lost = work.loses.is_some_and(|every| id % every == 0);
                let event = if lost { Event::Lost(id) } else { Event::Answered(id) };
                events.push(Reverse((now + flight.back, event)));
                continue;
            }
            Event::Answered(id) => {
                let Flight { ticket, answer, .. } = flights.remove(&id).unwrap();
                let (limits, refused) = answer.unwrap();
                let pause = Duration::from_secs(5);
                budget.answered(ticket, now, Reply { limits: &limits, refused: refused.then_some(pause) });
                informed = true;
                left += u64::from(refused);
            }
            Event::Lost(id) => budget.lost(flights.remove(&id).unwrap().ticket, now),
            Event::Wake => {}
        }
        run.took = now - start;
        while left > 0 && flights.len() < work.concurrency {
            match budget.turn(COUNTED, now) {
                Turn::Go => {
                    let (there, back) = work.ways[usize::try_from(run.sent).unwrap() % work.ways.len()];
                    let ticket = budget.send(COUNTED, now);
                    run.sent += 1;
                    left -= 1;
                    flights.insert(run.sent, Flight { ticket, back, informed, answer: None });
                    events.push(Reverse((now + there, Event::Arrives(run.sent))));
                }
                Turn::Wait(until) | Turn::Answer(Some(until)) => {
                    assert!(until > now, "it waits for what is over");
                    if wake != Some(until) {
                        events.push(Reverse((until, Event::Wake)));
                        wake = Some(until);
                    }
                    break;
                }
                Turn::Answer(None) => {
                    assert!(!flights.is_empty(), "it waits for an answer that nobody is asked for");
                    break;
                }
            }
        }
        assert!(run.sent < 100 * work.calls + 1000, "it does not end");
    }
    run
}

const ALL: Headers = Headers { limit: true, window: true, wait: Some(true) };

fn platform(limit: u64, length: Duration, window: Window, headers: Headers) -> Platform {
    Platform { limit, length, window, headers, counted: VecDeque::new() }
}

/// Between 20 ms and 1.2 s, so that answers overtake each other.
fn ways() -> Vec<(Duration, Duration)> {
    let ms = Duration::from_millis;
    (0..97).map(|n| (ms(10 + n * 37 % 400), ms(10 + n * 61 % 800))).collect()
}

#[test]
fn a_thousand_calls_at_three_hundred_an_hour_take_as_long_as_they_must_and_none_is_refused() {
    const HOUR: Duration = Duration::from_hours(1);
    for window in [Window::Sliding, Window::Fixed] {
        for headers in [
            ALL,
            Headers { wait: Some(false), ..ALL },
            Headers { wait: None, ..ALL },
            Headers { window: false, ..ALL },
            Headers { window: false, wait: Some(false), ..ALL },
            Headers { window: false, wait: None, ..ALL },
            Headers { limit: false, ..ALL },
            Headers { limit: false, window: false, wait: None },
        ] {
            let work = Work { calls: 1000, concurrency: 8, ways: ways(), others: Vec::new(), loses: None };
            let run = run(platform(300, HOUR, window, headers), &work);
            let case = format!("{window:?}, {headers:?}: {run:?}");
            assert_eq!((run.provoked, run.sent), (0, 1000), "{case}");
            // Three windows have to pass before the last hundred may go.
            let least = 3 * HOUR;
            assert!(run.took >= least, "{case}");
            assert!(run.took < least.mul_f64(1.05), "{case}");
        }
    }
}

#[test]
fn what_is_left_is_spent_in_one_burst() {
    let work = Work { calls: 300, concurrency: 8, ways: ways(), others: Vec::new(), loses: None };
    let unlimited = run(platform(u64::MAX >> 1, Duration::from_hours(1), Window::Sliding, ALL), &work);
    for window in [Window::Sliding, Window::Fixed] {
        let limited = run(platform(300, Duration::from_hours(1), window, ALL), &work);
        // At the end it waits for what is under way to be counted.
        assert!(limited.took < unlimited.took + Duration::from_secs(5), "{limited:?} against {unlimited:?}");
    }
}

fn any_headers() -> impl Strategy<Value = Headers> {
    let wait = prop_oneof![Just(None), any::<bool>().prop_map(Some)];
    // Without the window and the wait, a window of an hour is waited for: here they are shorter.
    (any::<bool>(), any::<bool>(), wait).prop_map(|(limit, window, wait)| Headers {
        limit,
        window: window || wait.is_none(),
        wait,
    })
}

fn any_ways() -> impl Strategy<Value = Vec<(Duration, Duration)>> {
    let way = || (0_u64..900).prop_map(|ms| Duration::from_millis(ms) + Duration::from_micros(1));
    prop::collection::vec((way(), way()), 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_limit_is_met_once_its_headers_were_seen(
        limit in 1_u64..40, seconds in 1_u64..120, fixed in any::<bool>(), headers in any_headers(),
        ways in any_ways(), calls in 1_u64..200, concurrency in 1_usize..12,
    ) {
        let window = if fixed { Window::Fixed } else { Window::Sliding };
        let length = Duration::from_secs(seconds);
        let work = Work { calls, concurrency, ways, others: Vec::new(), loses: None };
        let run = run(platform(limit, length, window, headers), &work);
        prop_assert_eq!(run.provoked, 0, "{:?}", run);
        // A window, and for each a few turns there and back; what is refused at first is sent again.
        let windows = u32::try_from(run.sent.div_ceil(limit)).unwrap();
        let service = u32::try_from(run.sent.div_ceil(concurrency as u64)).unwrap();
        let most = (length.mul_f64(1.25) + Duration::from_secs(8)) * windows + Duration::from_secs(2) * service;
        prop_assert!(run.took <= most, "{:?} after {:?}", run, most);
    }

    #[test]
    fn other_programs_and_lost_answers_cost_no_more_refusals_than_there_are_of_them(
        limit in 2_u64..40, seconds in 5_u64..120, fixed in any::<bool>(), rounded_up in any::<bool>(),
        ways in any_ways(), calls in 1_u64..200, concurrency in 1_usize..12,
        others in prop::collection::vec(0_u64..600_000, 0..60), loses in prop::option::of(2_u64..20),
    ) {
        let window = if fixed { Window::Fixed } else { Window::Sliding };
        let others: Vec<Duration> = others.into_iter().map(Duration::from_millis).collect();
        // Where a refusal does not say how long to wait, it is asked for again and again.
        let headers = Headers { wait: Some(rounded_up), ..ALL };
        let known = others.len() as u64;
        let work = Work { calls, concurrency, ways, others, loses };
        let run = run(platform(limit, Duration::from_secs(seconds), window, headers), &work);
        let lost = loses.map_or(0, |every| run.sent / every);
        prop_assert!(run.provoked <= known + lost, "{:?}", run);
    }
}

fn told(headers: &[(&'static str, u64)]) -> Limits {
    let headers = headers.iter().map(|(name, value)| {
        (reqwest::header::HeaderName::from_static(name), reqwest::header::HeaderValue::from(*value))
    });
    Limits::read(&headers.collect(), std::time::SystemTime::UNIX_EPOCH)
}

#[test]
fn without_headers_nothing_is_held_back() {
    let (mut budget, now) = (Budget::default(), Instant::now());
    let tickets: Vec<Ticket> = (0..50)
        .map(|_| {
            assert_eq!(budget.turn(COUNTED, now), Turn::Go);
            budget.send(COUNTED, now)
        })
        .collect();
    for (ticket, later) in tickets.into_iter().zip(1..) {
        let now = now + Duration::from_hours(later);
        budget.answered(ticket, now, Reply { limits: &Limits::default(), refused: None });
        assert_eq!(budget.turn(COUNTED, now), Turn::Go);
    }
    assert_eq!((budget.left(), budget.rate()), (None, None));
}

#[test]
fn an_older_answer_that_comes_late_leaves_no_more_than_the_newer_one() {
    let (mut budget, start) = (Budget::default(), Instant::now());
    let at = |seconds| start + Duration::from_secs(seconds);
    let says = |remaining| {
        told(&[
            ("x-ratelimit-limit", 10),
            ("x-ratelimit-window-sec", 600),
            ("x-ratelimit-remaining", remaining),
        ])
    };
    let answered = |budget: &mut Budget, ticket, second, remaining| {
        budget.answered(ticket, at(second), Reply { limits: &says(remaining), refused: None });
    };
    let slow = budget.send(COUNTED, at(0));
    let quick = budget.send(COUNTED, at(1));
    answered(&mut budget, quick, 2, 3);
    assert_eq!(budget.left(), Some(3), "others have made five, and one is under way");
    answered(&mut budget, slow, 3, 9);
    assert_eq!(budget.left(), Some(3), "it was counted before");
    // One that was sent after both says what holds.
    let newest = budget.send(COUNTED, at(4));
    answered(&mut budget, newest, 5, 8);
    assert_eq!(budget.left(), Some(8));
}

/// The headers of a quota.
fn quota(limit: u64, window: u64, remaining: u64) -> Limits {
    told(&[
        ("x-ratelimit-limit", limit),
        ("x-ratelimit-window-sec", window),
        ("x-ratelimit-remaining", remaining),
    ])
}

#[test]
fn the_quotas_of_two_families_on_one_server_are_not_taken_for_one() {
    let (mut budget, start) = (Budget::default(), Instant::now());
    let (ample, tight) = (quota(1000, 60, 990), quota(5, 100, 0));
    for (toll, limits) in [(COUNTED, &ample), (COUNTED_TOO, &tight), (COUNTED, &ample)] {
        let ticket = budget.send(toll, start);
        budget.answered(ticket, start, Reply { limits, refused: None });
    }
    assert_eq!(budget.left(), Some(0));
    assert_eq!(budget.rate(), Some((5, Duration::from_secs(100))));
    assert_eq!(budget.turn(COUNTED_TOO, start), Turn::Wait(start + Duration::from_secs(100)));
    assert_eq!(budget.turn(COUNTED, start), Turn::Go, "it is another family's");
}

#[test]
fn families_that_name_the_same_quota_share_it() {
    let (mut budget, start) = (Budget::default(), Instant::now());
    for (toll, left) in [(COUNTED, 2), (COUNTED_TOO, 1), (COUNTED, 0)] {
        let ticket = budget.send(toll, start);
        budget.answered(ticket, start, Reply { limits: &quota(3, 100, left), refused: None });
    }
    for toll in [COUNTED, COUNTED_TOO] {
        assert_eq!(budget.turn(toll, start), Turn::Wait(start + Duration::from_secs(100)));
    }
}

/// A limit by the hour is said to be met, for a second, and then there is another one.
#[test]
fn a_quota_of_which_the_family_is_told_another_is_not_waited_for() {
    let at = |start: Instant, seconds| start + Duration::from_secs(seconds);
    let refused = told(&[
        ("retry-after", 1),
        ("x-ratelimit-limit", 300),
        ("x-ratelimit-window-sec", 3600),
        ("x-ratelimit-remaining", 0),
    ]);
    for first in [COUNTED, COUNTED_TOO] {
        let (mut budget, start) = (Budget::default(), Instant::now());
        let ticket = budget.send(COUNTED, start);
        budget.answered(ticket, start, Reply { limits: &refused, refused: Some(Duration::from_secs(1)) });
        for toll in [COUNTED, COUNTED_TOO] {
            assert_eq!(budget.turn(toll, start), Turn::Wait(at(start, 1)), "it is the server that asks");
        }
        // Whichever family comes first then, each finds out for itself.
        let other = if first == COUNTED { COUNTED_TOO } else { COUNTED };
        for (toll, left) in [(first, 39), (other, 38), (first, 37), (other, 36)] {
            assert_eq!(budget.turn(toll, at(start, 1)), Turn::Go, "{toll:?} with {left} left");
            let ticket = budget.send(toll, at(start, 1));
            budget.answered(ticket, at(start, 1), Reply { limits: &quota(40, 10, left), refused: None });
        }
        assert_eq!(budget.rate(), Some((40, Duration::from_secs(10))));
        // The new one is waited for as any other.
        let ticket = budget.send(first, at(start, 2));
        budget.answered(ticket, at(start, 2), Reply { limits: &quota(40, 10, 0), refused: None });
        assert_eq!(budget.turn(first, at(start, 2)), Turn::Wait(at(start, 11)));
    }
}

#[test]
fn a_limit_by_the_hour_is_waited_for_where_it_is_told_again() {
    let (mut budget, start) = (Budget::default(), Instant::now());
    let full = quota(300, 3600, 0);
    let over = start + Duration::from_secs(1);
    let ticket = budget.send(COUNTED, start);
    budget.answered(ticket, start, Reply { limits: &full, refused: Some(Duration::from_secs(1)) });
    let ticket = budget.send(COUNTED, over);
    budget.answered(ticket, over, Reply { limits: &full, refused: None });
    let Turn::Wait(until) = budget.turn(COUNTED, over) else { panic!("none is left: {budget:?}") };
    assert!(until >= start + Duration::from_hours(1), "{:?}", until - start);
}

/// Answers overtake each other: what was asked before the newer quota was told of tells nothing of it.
#[test]
fn an_older_answer_does_not_bring_an_older_quota_back() {
    let (mut budget, start) = (Budget::default(), Instant::now());
    let at = |seconds| start + Duration::from_secs(seconds);
    let slow = budget.send(COUNTED, at(0));
    let quick = budget.send(COUNTED, at(1));
    budget.answered(quick, at(2), Reply { limits: &quota(40, 10, 39), refused: None });
    budget.answered(slow, at(3), Reply { limits: &quota(300, 3600, 0), refused: None });
    assert_eq!(budget.rate(), Some((40, Duration::from_secs(10))));
    assert_eq!(budget.turn(COUNTED, at(3)), Turn::Go);
}

#[test]
fn signing_in_is_not_counted_but_waits_where_the_server_asks_for_it() {
    let (mut budget, start) = (Budget::default(), Instant::now());
    let none_left = told(&[("x-ratelimit-limit", 1), ("x-ratelimit-remaining", 0)]);
    let ticket = budget.send(COUNTED, start);
    budget.answered(ticket, start, Reply { limits: &none_left, refused: None });
    assert_eq!(budget.turn(COUNTED, start), Turn::Wait(start + Duration::from_hours(1)));
    assert_eq!(budget.turn(Toll::Free, start), Turn::Go);
    let ticket = budget.send(Toll::Free, start);
    let wait = told(&[("retry-after", 7)]);
    budget.answered(ticket, start, Reply { limits: &wait, refused: Some(Duration::ZERO) });
    for toll in [Toll::Free, COUNTED] {
        assert_eq!(budget.turn(toll, start), Turn::Wait(start + Duration::from_secs(7)));
    }
}

#[test]
fn no_more_are_under_way_than_the_platform_grants_in_either_spelling() {
    for name in ["x-concurrency-limit-limit", "x-concurrencylimit-limit"] {
        let (mut budget, now) = (Budget::default(), Instant::now());
        let ticket = budget.send(COUNTED, now);
        budget.answered(ticket, now, Reply { limits: &told(&[(name, 2)]), refused: None });
        let first = budget.send(COUNTED, now);
        assert_eq!(budget.turn(COUNTED, now), Turn::Go, "{name}");
        let second = budget.send(COUNTED, now);
        assert_eq!(budget.turn(COUNTED, now), Turn::Answer(None), "{name}");
        budget.lost(first, now);
        assert_eq!(budget.turn(COUNTED, now), Turn::Go, "{name}");
        // More are granted later.
        budget.answered(second, now, Reply { limits: &told(&[(name, 3)]), refused: None });
        let _several: Vec<Ticket> = (0..3).map(|_| budget.send(COUNTED, now)).collect();
        assert_eq!(budget.turn(COUNTED, now), Turn::Answer(None), "{name}");
    }
}

#[test]
fn after_a_refusal_one_request_alone_finds_out_whether_it_is_over() {
    let (mut budget, start) = (Budget::default(), Instant::now());
    let refused = told(&[("retry-after", 60)]);
    let tickets: Vec<Ticket> = (0..4).map(|_| budget.send(COUNTED, start)).collect();
    for ticket in tickets {
        budget.answered(ticket, start, Reply { limits: &refused, refused: Some(Duration::ZERO) });
    }
    let over = start + Duration::from_mins(1);
    assert_eq!(budget.turn(COUNTED, start), Turn::Wait(over));
    assert_eq!(budget.turn(COUNTED, over), Turn::Go);
    let alone = budget.send(COUNTED, over);
    assert_eq!(budget.turn(COUNTED, over), Turn::Answer(None));
    budget.answered(alone, over, Reply { limits: &Limits::default(), refused: None });
    for _ in 0..4 {
        assert_eq!(budget.turn(COUNTED, over), Turn::Go);
        let _ = budget.send(COUNTED, over);
    }
}

#[test]
fn a_server_that_takes_a_call_it_had_no_room_for_has_no_such_limit() {
    let (mut budget, start) = (Budget::default(), Instant::now());
    let full =
        told(&[("x-ratelimit-limit", 300), ("x-ratelimit-window-sec", 3600), ("x-ratelimit-remaining", 0)]);
    let ticket = budget.send(COUNTED, start);
    budget.answered(ticket, start, Reply { limits: &full, refused: Some(Duration::from_secs(1)) });
    let later = start + Duration::from_secs(1);
    assert_eq!(budget.turn(COUNTED, start), Turn::Wait(later));
    let ticket = budget.send(COUNTED, later);
    budget.answered(ticket, later, Reply { limits: &Limits::default(), refused: None });
    assert_eq!(budget.turn(COUNTED, later), Turn::Go);
}

#[test]
fn where_the_one_that_was_to_find_out_is_lost_the_next_one_finds_out() {
    let (mut budget, start) = (Budget::default(), Instant::now());
    let full =
        told(&[("x-ratelimit-limit", 300), ("x-ratelimit-window-sec", 3600), ("x-ratelimit-remaining", 0)]);
    let ticket = budget.send(COUNTED, start);
    budget.answered(ticket, start, Reply { limits: &full, refused: Some(Duration::from_secs(1)) });
    let later = start + Duration::from_secs(1);
    for _ in 0..3 {
        assert_eq!(budget.turn(COUNTED, later), Turn::Go, "not a whole window later");
        let alone = budget.send(COUNTED, later);
        assert_eq!(budget.turn(COUNTED, later), Turn::Answer(None));
        budget.lost(alone, later);
    }
}

/// A limit by the hour that says nothing of itself: each refusal may be counted, and none is of any use.
#[test]
fn a_limit_that_does_not_say_how_long_to_wait_is_asked_ever_less_often() {
    let (retry, mut budget, start) = (RetryPolicy::default(), Budget::default(), Instant::now());
    let nothing = Limits::default();
    let (mut now, mut met) = (start, 0);
    while now < start + Duration::from_hours(1) {
        match budget.turn(COUNTED, now) {
            Turn::Go => {
                let ticket = budget.send(COUNTED, now);
                now += Duration::from_millis(100);
                met = budget.meets(&ticket, now);
                budget.answered(
                    ticket,
                    now,
                    Reply { limits: &nothing, refused: Some(retry.pause_at_limit(met)) },
                );
            }
            Turn::Wait(until) => now = until,
            turn @ Turn::Answer(_) => panic!("nothing is under way: {turn:?}"),
        }
    }
    assert!((15..=40).contains(&met), "{met} refusals in an hour");

    // One that is over is forgotten, and what was under way together has met it once.
    let ticket = budget.send(COUNTED, now);
    budget.answered(ticket, now, Reply { limits: &nothing, refused: None });
    let together = [(); 3].map(|()| budget.send(COUNTED, now));
    now += Duration::from_millis(100);
    for ticket in together {
        assert_eq!(budget.meets(&ticket, now), 1);
        budget.answered(ticket, now, Reply { limits: &nothing, refused: Some(Duration::ZERO) });
    }
    let ticket = budget.send(COUNTED, now);
    assert_eq!(budget.meets(&ticket, now), 2);
    budget.answered(ticket, now, Reply { limits: &nothing, refused: Some(Duration::ZERO) });
}
