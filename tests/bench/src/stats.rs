//! Medians, means and ratios of what was measured.

/// The middle value; of two middle ones, their mean. Zero where nothing was measured.
pub(crate) fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// The value below which `share` of the others are, between neighbours by proportion.
pub(crate) fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let at = share.clamp(0.0, 1.0) * last as f64;
    let (below, above) = (at.floor() as usize, at.ceil() as usize);
    sorted[below] + (sorted[above] - sorted[below]) * at.fract()
}

/// The geometric mean, which is the right one for ratios.
pub(crate) fn geometric_mean(values: &[f64]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let count = values.len() as f64;
    (values.iter().map(|value| value.ln()).sum::<f64>() / count).exp()
}

/// How far the values lie apart: half the distance from least to most, in hundredths of the median.
pub(crate) fn spread_percent(values: &[f64]) -> f64 {
    let middle = median(values);
    if middle == 0.0 {
        return 0.0;
    }
    (quantile(values, 1.0) - quantile(values, 0.0)) / 2.0 / middle * 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_in_whatever_order() {
        for (values, expected) in
            [(&[][..], 0.0), (&[7.0], 7.0), (&[9.0, 1.0, 2.0], 2.0), (&[4.0, 1.0, 3.0, 2.0], 2.5)]
        {
            assert_eq!(median(values), expected, "{values:?}");
        }
    }

    #[test]
    fn a_quantile_lies_between_its_neighbours() {
        let values: Vec<f64> = (0..=100).map(f64::from).collect();
        assert_eq!(quantile(&values, 0.99), 99.0);
        assert_eq!(quantile(&[10.0, 20.0], 0.25), 12.5);
        assert_eq!(quantile(&[10.0, 20.0], 2.0), 20.0);
    }

    #[test]
    fn twice_and_half_mean_the_same_as_once() {
        assert!((geometric_mean(&[2.0, 0.5]) - 1.0).abs() < 1e-12);
        assert_eq!(geometric_mean(&[]), 0.0);
    }

    #[test]
    fn the_spread_is_what_lies_to_either_side_of_the_median() {
        assert_eq!(spread_percent(&[90.0, 100.0, 110.0]), 10.0);
        assert_eq!(spread_percent(&[]), 0.0);
    }
}
