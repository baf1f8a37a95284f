//! A room of arithmetic, and what is said in it.

/// Noise of a generator with a known beginning.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> f64 {
        // Marsaglia's xorshift.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }
}

/// Something like speech: syllables of voiced sound with moving pitch and formants, and pauses. Mono, 48 kHz.
pub(crate) fn speech(seed: u64, seconds: usize) -> Vec<i16> {
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let mut samples = Vec::new();
    let mut phase = 0.0f64;
    let mut filters = [[0.0f64; 2]; 3];
    while samples.len() < seconds * 48_000 {
        let length = 5_000 + ((dice.next() + 1.0) * 5_000.0) as usize;
        let pitch = 110.0 + 60.0 * dice.next() + 40.0 * (seed % 2) as f64;
        let formants = [
            500.0 + 250.0 * dice.next(),
            1500.0 + 600.0 * dice.next(),
            2700.0,
        ];
        let loud = if dice.next() > 0.6 { 0.0 } else { 1.0 };
        for index in 0..length {
            let at = index as f64 / length as f64;
            phase += (pitch * (1.0 - 0.15 * at)) / 48_000.0;
            let pulse = if phase >= 1.0 { 1.0 } else { 0.0 };
            phase = phase.fract();
            let source = pulse * 6.0 + dice.next() * 0.08;
            let mut sum = 0.0;
            for (filter, formant) in filters.iter_mut().zip(formants) {
                let angle = std::f64::consts::TAU * formant / 48_000.0;
                let radius = 0.992f64;
                let out = source * 0.1 + 2.0 * radius * angle.cos() * filter[0]
                    - radius * radius * filter[1];
                filter[1] = filter[0];
                filter[0] = out;
                sum += out;
            }
            let edge = (std::f64::consts::PI * at).sin();
            samples.push((sum * edge * loud * 2_500.0).clamp(-28_000.0, 28_000.0) as i16);
        }
    }
    samples.truncate(seconds * 48_000);
    samples
}

/// Steady noise.
pub(crate) fn noise(seed: u64, seconds: usize) -> Vec<i16> {
    let mut dice = Dice(seed | 1);
    (0..seconds * 48_000)
        .map(|_| (dice.next() * 800.0) as i16)
        .collect()
}

/// Where a speaker is heard by a microphone: once directly, then by way of the walls.
pub(crate) struct Room {
    taps: Vec<(usize, f64)>,
}

impl Room {
    /// The echo comes after `delay_ms`, `loss_db` softer, with a tail of 80 ms.
    pub(crate) fn new(delay_ms: f64, loss_db: f64) -> Self {
        let mut dice = Dice(77);
        let direct = (delay_ms * 48.0) as usize;
        let gain = 10f64.powf(-loss_db / 20.0);
        let mut taps = vec![(direct, gain)];
        for number in 1..60 {
            let after = number * 64 + ((dice.next() + 1.0) * 20.0) as usize;
            let fade = 10f64.powf(-(after as f64) / 48_000.0 * 60.0 / 0.25 / 20.0);
            taps.push((direct + after, gain * 0.35 * fade * dice.next()));
        }
        Self { taps }
    }

    /// What the microphone hears of it.
    pub(crate) fn echo(&self, far: &[i16]) -> Vec<i16> {
        let mut sum = vec![0.0f64; far.len()];
        for (delay, gain) in &self.taps {
            for (slot, sample) in sum.iter_mut().skip(*delay).zip(far) {
                *slot += f64::from(*sample) * gain;
            }
        }
        sum.iter().map(|sample| *sample as i16).collect()
    }
}

/// Level in dBFS, a full-scale square wave being 0.
pub(crate) fn rms_db(samples: &[i16]) -> f64 {
    let power: f64 = samples
        .iter()
        .map(|sample| (f64::from(*sample) / 32_768.0).powi(2))
        .sum();
    10.0 * (power / samples.len() as f64 + 1e-12).log10()
}
