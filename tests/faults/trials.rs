use std::panic::resume_unwind;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::SystemTime;

pub use crate::form::trials;

/// Lets only one test run at a time, so that tests do not affect the measurements of each other.
pub fn run_alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many trials of one test run at the same time.
const WORKERS: usize = 4;

/// Runs `trial` for the numbers from 0 to `count`, several at the same time, each with its own random numbers. Returns
/// the results in order of completion. A trial that panics fails the test.
pub fn side_by_side<T: Send>(test: &str, count: u64, trial: impl Fn(u64, &mut Random) -> T + Sync) -> Vec<T> {
    let (seed, next, results) = (seed(test), AtomicU64::new(0), Mutex::new(Vec::new()));
    let work = || {
        loop {
            let n = next.fetch_add(1, Ordering::Relaxed);
            if n >= count {
                break;
            }
            let result = trial(n, &mut Random(seed.wrapping_add(n.wrapping_mul(0xd1b5_4a32_d192_ed03))));
            results.lock().unwrap().push(result);
        }
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            worker.join().unwrap_or_else(|cause| resume_unwind(cause));
        }
    });
    results.into_inner().unwrap()
}

/// Returns the seed of a test: `SEED`, or the current time. Prints it, so that a failure can be repeated.
fn seed(test: &str) -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_micros();
    let given = std::env::var("SEED").ok().map(|seed| seed.parse().unwrap());
    let seed = given.unwrap_or_else(|| u64::try_from(now).unwrap());
    eprintln!("{test}: SEED={seed}");
    seed
}

/// A random number generator with a seed (SplitMix64).
pub struct Random(u64);

impl Random {
    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }

    pub fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap()
    }

    pub fn milliseconds(&mut self, end: u64) -> std::time::Duration {
        std::time::Duration::from_millis(self.below(end))
    }
}
