//! What a series of measured values is summed up to.

/// Least, middle, high and greatest of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Summary {
    /// How many values.
    pub(crate) n: usize,
    pub(crate) min: f64,
    pub(crate) median: f64,
    /// 95 of 100 values are not above it; between two values it is interpolated, so of ten it is nearly the greatest.
    pub(crate) p95: f64,
    pub(crate) max: f64,
}

impl Summary {
    /// `None` for an empty series. Values that are no number are left out.
    pub(crate) fn of(values: &[f64]) -> Option<Self> {
        let mut sorted: Vec<f64> = values
            .iter()
            .copied()
            .filter(|value| value.is_finite())
            .collect();
        sorted.sort_by(f64::total_cmp);
        Some(Self {
            n: sorted.len(),
            min: *sorted.first()?,
            median: quantile(&sorted, 0.5)?,
            p95: quantile(&sorted, 0.95)?,
            max: *sorted.last()?,
        })
    }
}

/// Linear between the two nearest ranks, the first value being 0 and the last 1.
fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = share * (sorted.len().checked_sub(1)? as f64);
    let low = *sorted.get(place.floor() as usize)?;
    let high = *sorted.get(place.ceil() as usize)?;
    Some(low + (high - low) * place.fract())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_series_is_summed_up_whatever_its_order() {
        let summary = Summary::of(&[9.0, 1.0, 5.0, 3.0, 7.0]).unwrap();
        assert_eq!(
            summary,
            Summary {
                n: 5,
                min: 1.0,
                median: 5.0,
                p95: 8.6,
                max: 9.0
            }
        );
    }

    #[test]
    fn the_middle_of_an_even_number_lies_between_two() {
        assert_eq!(Summary::of(&[4.0, 1.0, 2.0, 3.0]).unwrap().median, 2.5);
    }

    #[test]
    fn the_95th_of_101_values_is_the_96th() {
        let values: Vec<f64> = (0..=100).map(f64::from).collect();
        assert!((Summary::of(&values).unwrap().p95 - 95.0).abs() < 1e-9);
    }

    #[test]
    fn one_value_is_all_of_it_and_none_is_nothing() {
        let one = Summary::of(&[2.0]).unwrap();
        assert_eq!(
            (one.n, one.min, one.median, one.p95, one.max),
            (1, 2.0, 2.0, 2.0, 2.0)
        );
        assert_eq!(Summary::of(&[]), None);
        assert_eq!(Summary::of(&[f64::NAN]), None);
    }
}
