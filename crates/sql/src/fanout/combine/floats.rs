//! Means, spreads and correlations of floats, put together from those of the stores.
//!
//! Postgres has functions for the states of these aggregates, which anybody may call: `float8_combine` and
//! `float8_regr_combine` merge two, `float8_avg`, `float8_corr` and others answer from one. Their arithmetic is that
//! of the aggregates: out of range where theirs is, while what is too small for a float vanishes, which operators
//! of SQL make an error. Sums in a state begin with 0, so that none is −0.

/// `avg`, `var_*` and `stddev_*` from counts, sums and squared deviations.
pub(super) fn spread(name: &str, columns: &[String]) -> Option<String> {
    let [count, sum, deviation] = columns else { return None };
    let of_state = match name {
        "variance" => "var_samp",
        "stddev" => "stddev_samp",
        name => name,
    };
    let Apart { here, there } = Apart::of(count);
    let x = distance("u.x", sum, count);
    Some(format!(
        "(SELECT CASE WHEN v.n > 0 THEN float8_{of_state}(ARRAY[v.n, v.x, v.xx]) END \
         FROM (SELECT sum(u.n), 0 + sum(u.x), \
         sum(u.xx + (float8_combine(ARRAY[{here}, {x}, 0], ARRAY[{there}, 0, 0]))[3]) \
         FROM unnest(array_agg({count}::float8), array_agg({sum}), array_agg({deviation})) AS u(n, x, xx) \
         WHERE u.n > 0) AS v(n, x, xx))"
    ))
}

/// `corr`, `covar_*` and `regr_*` from counts, sums, squared deviations and products of deviations.
pub(super) fn pairs(name: &str, columns: &[String]) -> Option<String> {
    let [count, sum_x, sum_y, sxx, syy, sxy] = columns else { return None };
    let Apart { here, there } = Apart::of(count);
    let (x, y) = (distance("u.x", sum_x, count), distance("u.y", sum_y, count));
    Some(format!(
        "(SELECT CASE WHEN v.n > 0 THEN float8_{name}(ARRAY[v.n, v.x, v.xx, v.y, v.yy, v.xy]) END \
         FROM (SELECT sum(q.n), 0 + sum(q.x), sum(q.xx + q.b[3]), 0 + sum(q.y), sum(q.yy + q.b[5]), \
         sum(q.xy + q.b[6]) \
         FROM (SELECT u.*, float8_regr_combine(\
         ARRAY[{here}, {x}, 0, {y}, 0, 0], ARRAY[{there}, 0, 0, 0, 0, 0]) AS b \
         FROM unnest(array_agg({count}::float8), array_agg({sum_x}), array_agg({sxx}), \
         array_agg({sum_y}), array_agg({syy}), array_agg({sxy})) AS u(n, x, xx, y, yy, xy) \
         WHERE u.n > 0) AS q) AS v(n, x, xx, y, yy, xy))"
    ))
}

/// How far a store's `n` values, which sum up to `s`, lie from the mean of all: `s`·N − `n`·S for the N values of all
/// stores and their sum S, which rounds nothing while those are whole numbers. NaN where S is infinite.
fn distance(of_store: &str, sum: &str, count: &str) -> String {
    format!("{of_store} * sum({count})::float8 - u.n * sum({sum}) + (sum({sum}) - sum({sum}))")
}

/// The weights of two states that are merged for what a store adds to the squared deviations of all: its `distance`
/// as the sum of one, and 0 as that of the other, come to `n`·(`s`/`n` − S/N)².
struct Apart {
    /// `n`·N
    here: String,
    /// `n`·N / (N − 1)
    there: String,
}

impl Apart {
    fn of(count: &str) -> Self {
        let here = format!("u.n * sum({count})::float8");
        let there = format!("{here} / greatest(sum({count})::float8 - 1, 1)");
        Self { here, there }
    }
}
