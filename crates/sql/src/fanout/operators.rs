//! Operators that a store applies as home would.

use super::traits::{Examined, Examiner, Traits, not_pushed};
use super::values::Kind;
use sqlparser::ast::{BinaryOperator as Op, Expr, UnaryOperator, Value};

impl Examiner<'_> {
    pub(super) fn binary(&self, left: &Expr, op: &Op, right: &Expr) -> Examined {
        let both = || [left, right];
        match op {
            Op::Eq | Op::NotEq | Op::And | Op::Or | Op::Question | Op::QuestionAnd | Op::QuestionPipe => {
                self.all(both(), Kind::Plain)
            }
            Op::AtArrow | Op::ArrowAt | Op::PGOverlap => self.all(both(), Kind::Plain),
            Op::Lt | Op::Gt | Op::LtEq | Op::GtEq => self.ordered(both()),
            Op::Plus
            | Op::Minus
            | Op::Multiply
            | Op::Divide
            | Op::Modulo
            | Op::PGExp
            | Op::BitwiseAnd
            | Op::BitwiseOr
            | Op::PGBitwiseXor
            | Op::PGBitwiseShiftLeft
            | Op::PGBitwiseShiftRight
            | Op::HashMinus => self.failing(both(), Kind::Plain),
            Op::StringConcat => self.all(both(), Kind::Unknown),
            Op::Arrow | Op::HashArrow => self.all(both(), Kind::Plain),
            Op::LongArrow | Op::HashLongArrow => self.all(both(), Kind::Text),
            Op::PGLikeMatch | Op::PGNotLikeMatch => self.like(left, right, false),
            Op::PGILikeMatch | Op::PGNotILikeMatch => self.like(left, right, true),
            Op::PGRegexMatch | Op::PGRegexIMatch | Op::PGRegexNotMatch | Op::PGRegexNotIMatch => {
                Ok(Traits { collates: true, ..self.failing(both(), Kind::Plain)? })
            }
            _ => Err(not_pushed("an operator")),
        }
    }

    pub(super) fn unary(&self, op: &UnaryOperator, inner: &Expr) -> Examined {
        match op {
            UnaryOperator::Not => self.all([inner], Kind::Plain),
            // A sign before a constant is part of it.
            UnaryOperator::Minus | UnaryOperator::Plus if matches!(inner, Expr::Value(_)) => {
                self.all([inner], Kind::Plain)
            }
            UnaryOperator::Minus | UnaryOperator::Plus | UnaryOperator::BitwiseNot | UnaryOperator::PGAbs => {
                self.failing([inner], Kind::Plain)
            }
            _ => Err(not_pushed("an operator")),
        }
    }

    /// LIKE compares characters one by one under any deterministic collation; a pattern that ends in a
    /// backslash is an error.
    pub(super) fn like(&self, expr: &Expr, pattern: &Expr, folds_case: bool) -> Examined {
        let sound = match pattern {
            Expr::Value(value) => match &value.value {
                Value::SingleQuotedString(text) => !text.ends_with('\\'),
                _ => false,
            },
            _ => false,
        };
        let all = self.all([expr, pattern], Kind::Plain)?;
        Ok(Traits { collates: all.collates || folds_case, can_fail: all.can_fail || !sound, ..all })
    }
}
