//! The table of decompositions: what a store sends for an aggregate, and what home makes of it.

use super::super::catalog::Type;
use super::super::plan::Adding;
use super::floats;

/// What kind of type an aggregate was found to return, or to work on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Int8,
    Numeric,
    Real,
    Double,
    Interval,
    Other,
}

impl Family {
    pub(crate) fn of(kind: &Type) -> Self {
        match kind.oid {
            20 => Self::Int8,
            1700 => Self::Numeric,
            700 => Self::Real,
            701 => Self::Double,
            1186 => Self::Interval,
            _ => Self::Other,
        }
    }

    fn is_float(self) -> bool {
        matches!(self, Self::Real | Self::Double)
    }
}

/// The type of a partial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Typed {
    Int8,
    Numeric,
    Double,
    /// That of the probe's column.
    AsProbed,
}

/// One thing that a store sends for an aggregate. In the text `{x}` and `{y}` stand for the arguments, last one
/// first as in `covar_pop(y, x)`, and `{f}` for the FILTER.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Partial {
    pub(crate) sql: &'static str,
    pub(crate) typed: Typed,
    pub(crate) adding: Option<Adding>,
}

const fn partial(sql: &'static str, typed: Typed, adding: Option<Adding>) -> Partial {
    Partial { sql, typed, adding }
}

pub(crate) const COUNT: Partial = partial("count({x}){f}", Typed::Int8, Some(Adding::Integer));
const SUM_INTEGER: Partial = partial("sum({x}){f}", Typed::AsProbed, Some(Adding::Integer));
const SUM_NUMERIC: Partial = partial("sum({x}){f}", Typed::AsProbed, Some(Adding::Numeric));
const SUM_ALIKE: Partial = partial("sum({x}){f}", Typed::AsProbed, None);
const SUM_DOUBLE: Partial = partial("sum(({x})::float8){f}", Typed::Double, None);
const SUM_AS_NUMERIC: Partial = partial("sum(({x})::numeric){f}", Typed::Numeric, Some(Adding::Numeric));
const SUM_OF_SQUARES: Partial =
    partial("sum(({x})::numeric * ({x})::numeric){f}", Typed::Numeric, Some(Adding::Numeric));
const DEVIATION: Partial = partial("regr_sxx(({x})::float8, ({x})::float8){f}", Typed::Double, None);

/// What `avg`, `var_*` and `stddev_*` of floats are made from. A mean needs no deviation; but Postgres sums it up
/// for a mean too, and says so where it is out of range.
const DOUBLES: [Partial; 3] = [COUNT, SUM_DOUBLE, DEVIATION];

/// What all of `corr`, `covar_*` and `regr_*` are made from. Sums and not means: a mean is rounded, and where values
/// lie close together far from zero nothing is left of their spread but what rounding did.
const PAIRS: [Partial; 6] = [
    partial("regr_count({y}, {x}){f}", Typed::Int8, Some(Adding::Integer)),
    partial("sum(CASE WHEN ({y}) IS NOT NULL THEN ({x})::float8 END){f}", Typed::Double, None),
    partial("sum(CASE WHEN ({x}) IS NOT NULL THEN ({y})::float8 END){f}", Typed::Double, None),
    partial("regr_sxx({y}, {x}){f}", Typed::Double, None),
    partial("regr_syy({y}, {x}){f}", Typed::Double, None),
    partial("regr_sxy({y}, {x}){f}", Typed::Double, None),
];

/// How an aggregate is taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    /// `count`
    Count,
    /// `sum`
    Sum,
    /// `avg`
    Average,
    /// Of a partial of its own name, and again by its own name.
    Same,
    /// `var_*` and `stddev_*`
    Spread,
    /// `corr`, `covar_*`, `regr_*`
    Pairs,
    /// A list of all values, in any order or one that is given.
    List,
    /// WITHIN GROUP.
    Ordered,
}

/// How an aggregate of `pg_catalog` is taken apart, if it can be.
pub(crate) fn sort(name: &str) -> Option<Sort> {
    Some(match name {
        "count" => Sort::Count,
        "sum" => Sort::Sum,
        "avg" => Sort::Average,
        "min"
        | "max"
        | "bool_and"
        | "bool_or"
        | "every"
        | "bit_and"
        | "bit_or"
        | "bit_xor"
        | "range_agg"
        | "range_intersect_agg"
        | "any_value" => Sort::Same,
        "variance" | "var_samp" | "var_pop" | "stddev" | "stddev_samp" | "stddev_pop" => Sort::Spread,
        "corr" | "covar_pop" | "covar_samp" | "regr_avgx" | "regr_avgy" | "regr_count" | "regr_intercept"
        | "regr_r2" | "regr_slope" | "regr_sxx" | "regr_sxy" | "regr_syy" => Sort::Pairs,
        "string_agg"
        | "array_agg"
        | "json_agg"
        | "jsonb_agg"
        | "json_object_agg"
        | "jsonb_object_agg"
        | "json_agg_strict"
        | "jsonb_agg_strict"
        | "json_object_agg_strict"
        | "jsonb_object_agg_strict"
        | "json_object_agg_unique"
        | "jsonb_object_agg_unique"
        | "json_object_agg_unique_strict"
        | "jsonb_object_agg_unique_strict"
        | "xmlagg" => Sort::List,
        "mode" | "percentile_cont" | "percentile_disc" | "rank" | "dense_rank" | "percent_rank"
        | "cume_dist" => Sort::Ordered,
        _ => return None,
    })
}

/// How many arguments an aggregate that is combined from partials has.
pub(crate) fn arguments(sort: Sort) -> usize {
    if sort == Sort::Pairs { 2 } else { 1 }
}

/// Whether two equal values count for as much as one.
pub(crate) fn ignores_duplicates(name: &str) -> bool {
    sort(name) == Some(Sort::Same) && name != "bit_xor"
}

/// The call whose type tells how `name` is combined; `{x}` stands for its argument. Not needed for all.
pub(crate) fn probed(name: &str) -> Option<String> {
    match sort(name)? {
        Sort::Sum | Sort::Average => Some("sum({x})".to_owned()),
        Sort::Same => Some(format!("{name}({{x}})")),
        Sort::Spread => Some("variance({x})".to_owned()),
        Sort::Count | Sort::Pairs | Sort::List | Sort::Ordered => None,
    }
}

/// What a store sends for an aggregate whose probe had this type.
pub(crate) fn partials(name: &str, probed: Option<&Type>) -> Option<Vec<Partial>> {
    let family = probed.map_or(Family::Other, Family::of);
    Some(match sort(name)? {
        Sort::Count => vec![COUNT],
        Sort::Sum => vec![sum(family)?],
        Sort::Average if family.is_float() => DOUBLES.to_vec(),
        Sort::Average => vec![sum(family)?, COUNT],
        Sort::Spread => match family {
            Family::Numeric => vec![COUNT, SUM_AS_NUMERIC, SUM_OF_SQUARES],
            Family::Double => DOUBLES.to_vec(),
            _ => return None,
        },
        Sort::Pairs if name == "regr_count" => PAIRS.get(..1)?.to_vec(),
        Sort::Pairs => PAIRS.to_vec(),
        Sort::Same => vec![same(name, probed?)?],
        Sort::List | Sort::Ordered => return None,
    })
}

fn sum(family: Family) -> Option<Partial> {
    Some(match family {
        Family::Int8 => SUM_INTEGER,
        Family::Numeric => SUM_NUMERIC,
        Family::Real | Family::Double => SUM_DOUBLE,
        Family::Interval => SUM_ALIKE,
        Family::Other => return None,
    })
}

fn same(name: &str, kind: &Type) -> Option<Partial> {
    let integer = matches!(kind.oid, 20 | 21 | 23);
    let (sql, adding) = match name {
        "min" => ("min({x}){f}", integer.then_some(Adding::SmallerInteger)),
        "max" => ("max({x}){f}", integer.then_some(Adding::LargerInteger)),
        "bool_and" => ("bool_and({x}){f}", Some(Adding::And)),
        "every" => ("every({x}){f}", Some(Adding::And)),
        "bool_or" => ("bool_or({x}){f}", Some(Adding::Or)),
        "bit_and" => ("bit_and({x}){f}", integer.then_some(Adding::BitAnd)),
        "bit_or" => ("bit_or({x}){f}", integer.then_some(Adding::BitOr)),
        "bit_xor" => ("bit_xor({x}){f}", integer.then_some(Adding::BitXor)),
        "range_agg" => ("range_agg({x}){f}", None),
        "range_intersect_agg" => ("range_intersect_agg({x}){f}", None),
        "any_value" => ("any_value({x}){f}", None),
        _ => return None,
    };
    Some(partial(sql, Typed::AsProbed, adding))
}

/// What home makes of the partials, which are in these columns. An expression that needs no parentheses.
pub(crate) fn combined(name: &str, probed: Option<&Type>, columns: &[String]) -> Option<String> {
    let family = probed.map_or(Family::Other, Family::of);
    let (first, rest) = columns.split_first()?;
    Some(match sort(name)? {
        Sort::Count => total(first),
        Sort::Sum => match family {
            Family::Int8 => format!("(sum({first})::int8)"),
            Family::Real => format!("(sum({first})::float4)"),
            _ => format!("sum({first})"),
        },
        Sort::Average if family.is_float() => floats::spread(name, columns)?,
        Sort::Average => {
            let count = rest.first()?;
            match family {
                Family::Int8 | Family::Numeric => format!("(sum({first}) / nullif(sum({count}), 0))"),
                _ => format!("(sum({first}) / nullif(sum({count}), 0)::float8)"),
            }
        }
        Sort::Same => format!("{name}({first})"),
        Sort::Spread => match family {
            Family::Numeric => numeric_spread(name, columns)?,
            _ => floats::spread(name, columns)?,
        },
        Sort::Pairs if name == "regr_count" => total(first),
        Sort::Pairs => floats::pairs(name, columns)?,
        Sort::List | Sort::Ordered => return None,
    })
}

/// The sum of counts, 0 for none.
pub(crate) fn total(column: &str) -> String {
    format!("(coalesce(sum({column}), 0)::int8)")
}

/// As `numeric_stddev_internal` does it: exact sums, one division, and a square root rounded once to the scale of
/// the quotient. `sqrt` by itself rounds to that scale or, where it would give fewer than 16 digits, to a finer one;
/// only there may it be rounded again: a quotient of so few digits has no root that lies next to a half.
fn numeric_spread(name: &str, columns: &[String]) -> Option<String> {
    let [count, sum, squares] = columns else { return None };
    let (least, divisor) = if name.ends_with("_pop") {
        (0, format!("sum({count}) * sum({count})"))
    } else {
        (1, format!("sum({count}) * (sum({count}) - 1)"))
    };
    let deviation = format!("sum({count}) * sum({squares}) - sum({sum}) * sum({sum})");
    let variance = format!(
        "CASE WHEN sum({count}) > {least} THEN CASE WHEN {deviation} <= 0 THEN 0 \
         ELSE ({deviation}) / ({divisor}) END END"
    );
    if !name.starts_with("stddev") {
        return Some(format!("({variance})"));
    }
    Some(format!(
        "(SELECT CASE WHEN q.v = 'NaN' THEN q.v \
         WHEN scale(sqrt(q.v)) = scale(q.v) THEN sqrt(q.v) \
         ELSE round(sqrt(round(q.v, scale(q.v) + 40)), scale(q.v)) END \
         FROM (VALUES ({variance})) AS q(v))"
    ))
}
