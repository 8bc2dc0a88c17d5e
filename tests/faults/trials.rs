use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// How many trials: the first number in the short form, the second in the long one (`FAULTS=long`).
pub fn trials(short: u64, long: u64) -> u64 {
    if std::env::var("FAULTS").is_ok_and(|form| form == "long") { long } else { short }
}

/// One fault at a time: what is measured here must not be another test's doing.
pub fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Numbers that a seed repeats (SplitMix64).
pub struct Random(u64);

impl Random {
    /// Seeded by `SEED`, or by the time of day; printed, so that a failure can be repeated.
    pub fn seeded(test: &str) -> Self {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_micros();
        let given = std::env::var("SEED").ok().map(|seed| seed.parse().unwrap());
        let seed = given.unwrap_or_else(|| u64::try_from(now).unwrap());
        eprintln!("{test}: SEED={seed}");
        Self(seed)
    }

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
