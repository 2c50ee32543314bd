//! All that is random comes from here, and so from the seed.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};

/// Dice that fall the same way for the same seed.
pub(crate) struct Dice(StdRng);

impl Dice {
    pub(crate) fn of(seed: u64) -> Dice {
        Dice(StdRng::seed_from_u64(seed))
    }

    /// Dice for one part of a run: how often they are thrown there changes nothing elsewhere.
    pub(crate) fn aside(&mut self) -> Dice {
        Dice(StdRng::seed_from_u64(self.0.random()))
    }

    /// A number from `least` to `most`.
    pub(crate) fn between(&mut self, least: u64, most: u64) -> u64 {
        self.0.random_range(least..=most)
    }

    pub(crate) fn in_a_hundred(&mut self, times: u32) -> bool {
        self.0.random_ratio(times, 100)
    }

    #[track_caller]
    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        *from.choose(&mut self.0).unwrap()
    }

    /// One of them, each as often as its weight says.
    #[track_caller]
    pub(crate) fn weigh<T: Copy>(&mut self, from: &[(u32, T)]) -> T {
        from.choose_weighted(&mut self.0, |(weight, _)| *weight).unwrap().1
    }

    /// Some of them, each with the chance of one half.
    pub(crate) fn some<T: Copy>(&mut self, from: &[T]) -> Vec<T> {
        from.iter().copied().filter(|_| self.in_a_hundred(50)).collect()
    }

    pub(crate) fn text(&mut self, of: &[u8], length: usize) -> String {
        (0..length).map(|_| char::from(self.pick(of))).collect()
    }
}
