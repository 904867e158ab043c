//! A sign test and a bootstrap over paired differences.

/// splitmix64.
#[derive(Clone, Debug)]
pub struct Chance(pub u64);

impl Chance {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn sixteen_bytes(&mut self) -> [u8; 16] {
        let (high, low) = (u128::from(self.next()), u128::from(self.next()));
        (high << 64 | low).to_be_bytes()
    }
}

/// What the differences say.
pub struct Compared {
    /// Their median, in nanoseconds.
    pub median: f64,
    /// The 99 % interval of the median.
    pub interval: (f64, f64),
    /// How likely so uneven signs are if there is no difference.
    pub p: f64,
    /// Whether there is a difference, however small.
    pub differs: bool,
    /// Whether it is larger than what is let pass.
    pub tells: bool,
}

impl Compared {
    /// The largest difference that is not excluded, either way.
    pub fn furthest(&self) -> f64 {
        self.interval.0.abs().max(self.interval.1.abs())
    }
}

/// Differences that are alike stand together.
const BLOCK: usize = 50;
const RESAMPLES: usize = 400;
const SIGNIFICANT: f64 = 0.001;

pub fn compare(differences: &[f64], tolerance: f64) -> Compared {
    let (median, p) = (median(&mut differences.to_vec()), sign_test(differences));
    let interval = interval(differences);
    let differs = p < SIGNIFICANT;
    Compared { median, interval, p, differs, tells: differs && median.abs() > tolerance }
}

fn median(values: &mut [f64]) -> f64 {
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f64::total_cmp).1
}

/// Two-sided, by the normal approximation; ties are left out.
fn sign_test(differences: &[f64]) -> f64 {
    let above = differences.iter().filter(|difference| **difference > 0.0).count() as f64;
    let below = differences.iter().filter(|difference| **difference < 0.0).count() as f64;
    let count = above + below;
    if count == 0.0 {
        return 1.0;
    }
    let z = ((above - below).abs() - 1.0).max(0.0) / count.sqrt();
    2.0 * upper_tail(z)
}

/// Of the normal distribution (Abramowitz and Stegun, 26.2.17).
fn upper_tail(z: f64) -> f64 {
    let t = 1.0 / 0.231_641_9f64.mul_add(z, 1.0);
    let poly =
        t * (0.319_381_530 + t * (-0.356_563_782 + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))));
    (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt() * poly
}

fn interval(differences: &[f64]) -> (f64, f64) {
    let mut chance = Chance(11);
    let blocks: Vec<&[f64]> = differences.chunks(BLOCK).collect();
    let mut medians: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let mut sample = Vec::with_capacity(differences.len());
            for _ in 0..blocks.len() {
                let at = usize::try_from(chance.next() % blocks.len() as u64).expect("small");
                sample.extend_from_slice(blocks[at]);
            }
            median(&mut sample)
        })
        .collect();
    medians.sort_by(f64::total_cmp);
    (medians[RESAMPLES / 200], medians[RESAMPLES - 1 - RESAMPLES / 200])
}
