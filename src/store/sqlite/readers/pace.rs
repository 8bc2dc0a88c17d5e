//! Whether look-ups may run on the event loop.
//!
//! A look-up on the event loop delays every request of that worker until the disk has answered. A slow look-up therefore
//! moves all look-ups to the reader threads, where only they wait. They return to the event loop after a hundred times
//! the delay, and after some quick look-ups. Delays thus take about one percent of the time.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use parking_lot::Mutex;

/// A look-up that reads from the disk and takes longer is slow.
const SLOW: Duration = Duration::from_millis(2);
/// A look-up that waits for anything else than a processor and takes longer is slow too. A shorter wait is usually for a
/// lock of another thread. Three such waits in a row count as slow.
const SLOW_WITHOUT_DISK: Duration = Duration::from_millis(50);
const MAX_WAITS: u32 = 3;
/// How many quick look-ups in a row it takes to return to the event loop.
const ENOUGH: u32 = 16;
/// How long look-ups stay away from the event loop after a slow one, as a multiple of the delay.
const PAUSE: u32 = 100;

/// The pace of recent look-ups. None is known at the start, so the first ones run on the reader threads.
#[derive(Default)]
pub(super) struct Pace {
    /// Quick look-ups in a row, at most `ENOUGH`.
    quick: AtomicU32,
    /// Look-ups in a row that took at least `SLOW` and waited.
    waits: AtomicU32,
    not_before: Mutex<Option<Instant>>,
}

impl Pace {
    /// Whether the next look-up may run on the event loop.
    pub(super) fn is_quick(&self) -> bool {
        self.quick.load(Ordering::Relaxed) >= ENOUGH
    }

    /// Runs a look-up, measures its time and returns its result.
    pub(super) fn measured<T>(&self, work: impl FnOnce() -> T) -> T {
        let (before, begun) = (Waits::of_this_thread(), Instant::now());
        let outcome = work();
        let took = begun.elapsed();
        if took < SLOW {
            self.waits.store(0, Ordering::Relaxed);
        }
        let is_slow = took >= SLOW && self.is_slow(before, took);
        self.note(if is_slow { took } else { Duration::ZERO }, Instant::now());
        outcome
    }

    /// Whether a look-up that took so long was slow. One that only waited for a processor was not.
    fn is_slow(&self, before: Option<Waits>, took: Duration) -> bool {
        let (Some(before), Some(after)) = (before, Waits::of_this_thread()) else { return true };
        if after.all == before.all {
            return false;
        }
        let waits = self.waits.fetch_add(1, Ordering::Relaxed) + 1;
        after.disk > before.disk || took >= SLOW_WITHOUT_DISK || waits >= MAX_WAITS
    }

    fn note(&self, took: Duration, now: Instant) {
        if took >= SLOW {
            self.quick.store(0, Ordering::Relaxed);
            let mut not_before = self.not_before.lock();
            *not_before = (*not_before).max(now.checked_add(took * PAUSE));
        } else if !self.is_quick() {
            let not_before = *self.not_before.lock();
            if not_before.is_none_or(|moment| moment <= now) {
                self.quick.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// How often a thread has read from a disk, and how often it has waited for anything else than a processor.
#[derive(Clone, Copy)]
struct Waits {
    disk: i64,
    all: i64,
}

impl Waits {
    /// `None` if the system does not count them.
    fn of_this_thread() -> Option<Self> {
        let usage = getrusage(UsageWho::RUSAGE_THREAD).ok()?;
        Some(Self { disk: usage.block_reads(), all: usage.voluntary_context_switches() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: Duration = Duration::from_micros(20);

    /// Notes quick look-ups at `now` until they may run on the event loop, at most 1000. Returns how many it took.
    fn until_quick(pace: &Pace, now: Instant) -> Option<usize> {
        (0..1000).find(|_| {
            let is_quick = pace.is_quick();
            pace.note(QUICK, now);
            is_quick
        })
    }

    #[test]
    fn sixteen_quick_look_ups_are_enough() {
        let pace = Pace::default();
        assert_eq!(until_quick(&pace, Instant::now()), Some(16));
    }

    #[test]
    fn a_slow_look_up_ends_it_for_a_hundred_times_its_duration() {
        let (pace, now) = (Pace::default(), Instant::now());
        until_quick(&pace, now);
        pace.note(SLOW - QUICK, now);
        assert!(pace.is_quick());
        pace.note(SLOW, now);
        assert!(!pace.is_quick());
        assert_eq!(until_quick(&pace, now + PAUSE * SLOW - QUICK), None);
        assert_eq!(until_quick(&pace, now + PAUSE * SLOW), Some(16));
    }

    #[test]
    fn a_look_up_is_slow_if_it_waits_and_quick_if_it_computes() {
        let pace = Pace::default();
        until_quick(&pace, Instant::now());
        let begun = Instant::now();
        pace.measured(|| while begun.elapsed() < 2 * SLOW_WITHOUT_DISK {});
        assert!(pace.is_quick());
        pace.measured(|| std::thread::sleep(2 * SLOW_WITHOUT_DISK));
        assert!(!pace.is_quick());
    }

    #[test]
    fn several_short_waits_in_a_row_are_slow() {
        let pace = Pace::default();
        until_quick(&pace, Instant::now());
        let wait = || pace.measured(|| std::thread::sleep(2 * SLOW));
        wait();
        wait();
        pace.measured(|| ());
        wait();
        wait();
        assert!(pace.is_quick());
        wait();
        assert!(!pace.is_quick());
    }

    #[test]
    fn the_longest_delay_counts() {
        let (pace, now) = (Pace::default(), Instant::now());
        pace.note(Duration::from_secs(2), now);
        pace.note(SLOW, now);
        assert_eq!(until_quick(&pace, now + Duration::from_secs(199)), None);
        assert_eq!(until_quick(&pace, now + Duration::from_secs(200)), Some(16));
    }

    #[test]
    fn a_slow_look_up_begins_the_count_anew() {
        let (pace, now) = (Pace::default(), Instant::now());
        for _ in 0..ENOUGH - 1 {
            pace.note(QUICK, now);
        }
        pace.note(SLOW, now);
        assert_eq!(until_quick(&pace, now + PAUSE * SLOW), Some(16));
    }
}
