//! Many measurements of one thing.

use std::time::Duration;

use serde_json::{Value, json};

/// Measurements, sorted.
#[derive(Debug)]
pub(crate) struct Sample(Vec<f64>);

impl Sample {
    pub(crate) fn new(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        Self(values)
    }

    pub(crate) fn of_seconds(values: &[Duration]) -> Self {
        Self::new(values.iter().map(Duration::as_secs_f64).collect())
    }

    pub(crate) fn median(&self) -> f64 {
        (self.at(0.5, f64::floor) + self.at(0.5, f64::ceil)) / 2.0
    }

    /// The median, the 99th percentile and the highest, to the thousandth.
    pub(crate) fn describe(&self) -> Value {
        let rounded = |value: f64| (value * 1e3).round() / 1e3;
        json!({
            "median": rounded(self.median()),
            "p99": rounded(self.at(0.99, f64::ceil)),
            "max": rounded(self.at(1.0, f64::ceil)),
        })
    }

    /// Of nothing: 0.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "a place in a list that fits into memory"
    )]
    fn at(&self, share: f64, round: fn(f64) -> f64) -> f64 {
        let last = self.0.len().saturating_sub(1);
        let place = round(last as f64 * share) as usize;
        self.0.get(place).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_even_number_the_median_is_between_the_two_in_the_middle() {
        assert_eq!(Sample::new(vec![4.0, 1.0, 3.0, 2.0]).median(), 2.5);
        assert_eq!(Sample::new(vec![3.0, 1.0, 2.0]).median(), 2.0);
        assert_eq!(Sample::new(vec![]).median(), 0.0);
    }

    #[test]
    fn the_99th_percentile_of_a_hundred_is_the_highest_but_one() {
        let sample = Sample::new((0..=100).rev().map(f64::from).collect());
        let expected = json!({"median": 50.0, "p99": 99.0, "max": 100.0});
        assert_eq!(sample.describe(), expected);
    }
}
