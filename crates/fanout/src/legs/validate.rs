//! Whether a value can be one of its type: cheap checks, so that what a store sends wrongly costs that store only.

use sql::fanout::Type;
use wire::frame::Reader;

/// Numbers of types below this are the same on every server (PostgreSQL source, `access/transam.h`,
/// `FirstGenbkiObjectId`).
const FIRST_NUMBER_THAT_VARIES: u32 = 10_000;

/// Longest `numeric` in text: 131,072 digits before the point, 16,383 behind it, sign and point, in bytes.
const MAX_NUMERIC_BYTES: usize = 131_072 + 16_383 + 2;

/// Longest date, time or interval in text, in bytes.
const MAX_TIME_BYTES: usize = 128;

/// Most rows that anything can have counted: sums of such numbers fit `int8`, however many stores send them.
const MAX_COUNT: i64 = 1 << 48;

/// What is checked of the values of one column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Bool,
    Int2,
    Int4,
    Int8,
    /// A number of rows, which are of type `int8`.
    Count,
    Oid,
    Float,
    Numeric,
    Uuid,
    Time,
    Ascii,
    Bits,
    Text,
    BinaryBool,
    BinaryNumeric,
    BinaryJsonb,
    /// In binary, that many bytes.
    Sized(usize),
    /// In binary, whatever it is.
    Any,
}

impl Shape {
    /// What values of a type look like in a format.
    pub(crate) fn of(kind: &Type, format: i16) -> Self {
        if format == 0 { Self::of_text(kind.oid) } else { Self::of_binary(kind) }
    }

    fn of_text(oid: u32) -> Self {
        match oid {
            16 => Self::Bool,
            21 => Self::Int2,
            23 => Self::Int4,
            20 => Self::Int8,
            26 => Self::Oid,
            700 | 701 => Self::Float,
            1700 => Self::Numeric,
            2950 => Self::Uuid,
            1082 | 1083 | 1114 | 1184 | 1186 | 1266 => Self::Time,
            17 => Self::Ascii,
            1560 | 1562 => Self::Bits,
            _ => Self::Text,
        }
    }

    fn of_binary(kind: &Type) -> Self {
        match kind.oid {
            16 => Self::BinaryBool,
            18 => Self::Sized(1),
            21 => Self::Sized(2),
            23 | 26 | 700 | 1082 => Self::Sized(4),
            20 | 701 | 790 | 1083 | 1114 | 1184 => Self::Sized(8),
            1266 => Self::Sized(12),
            1186 | 2950 => Self::Sized(16),
            1700 => Self::BinaryNumeric,
            3802 => Self::BinaryJsonb,
            19 | 25 | 114 | 142 | 1042 | 1043 => Self::Text,
            _ if kind.category == 'E' => Self::Text,
            _ => Self::Any,
        }
    }

    /// Whether a value can be one.
    pub(crate) fn fits(self, value: &[u8]) -> bool {
        match self {
            Self::Bool => matches!(value, b"t" | b"f"),
            Self::Int2 => number::<i16>(value),
            Self::Int4 => number::<i32>(value),
            Self::Int8 => number::<i64>(value),
            Self::Count => is_count(value),
            Self::Oid => number::<u32>(value),
            Self::Float => is_float(value),
            Self::Numeric => is_numeric(value),
            Self::Uuid => is_uuid(value),
            Self::Time => {
                (1..=MAX_TIME_BYTES).contains(&value.len()) && value.iter().all(|b| matches!(b, b' '..=b'~'))
            }
            Self::Ascii => value.iter().all(|byte| matches!(byte, 1..=127)),
            Self::Bits => value.iter().all(|byte| matches!(byte, b'0' | b'1')),
            Self::Text => is_text(value),
            Self::BinaryBool => matches!(value, [0 | 1]),
            Self::BinaryNumeric => is_binary_numeric(value),
            Self::BinaryJsonb => {
                value.split_first().is_some_and(|(first, rest)| *first == 1 && is_text(rest))
            }
            Self::Sized(bytes) => value.len() == bytes,
            Self::Any => true,
        }
    }
}

/// Whether a store's number of a type can stand for home's type. Numbers of types that came with a service or an
/// extension differ from store to store, and a domain's values come under the number of the type that it is made of.
pub(crate) fn is_same_type(home: &Type, store: u32) -> bool {
    if home.oid < FIRST_NUMBER_THAT_VARIES {
        return store == home.oid;
    }
    // No enum and no composite type is one of Postgres's own.
    store >= FIRST_NUMBER_THAT_VARIES || !matches!(home.category, 'E' | 'C')
}

/// Whether a RowDescription is of these columns, in these formats.
pub(crate) fn is_described(columns: &[Type], body: &[u8], format: impl Fn(usize) -> i16) -> Option<()> {
    let mut reader = Reader::new(body);
    let same_count = usize::from(reader.u16()?) == columns.len();
    for (at, kind) in columns.iter().enumerate().filter(|_| same_count) {
        let _name = reader.cstr()?;
        let (_table, _column) = (reader.u32()?, reader.u16()?);
        let number = reader.u32()?;
        let (_size, _modifier, sent) = (reader.u16()?, reader.i32()?, reader.u16()?);
        if !is_same_type(kind, number) || sent.cast_signed() != format(at) {
            return None;
        }
    }
    (same_count && reader.rest().is_empty()).then_some(())
}

/// Whether a DataRow has a value of the right kind for each column.
pub(crate) fn is_row(shapes: &[Shape], body: &[u8]) -> Result<(), &'static str> {
    let mut reader = Reader::new(body);
    if reader.u16().map(usize::from) != Some(shapes.len()) {
        return Err("has another number of columns");
    }
    for shape in shapes {
        match reader.value() {
            None => return Err("is cut short"),
            Some(Some(value)) if !shape.fits(value) => return Err("has a value that its type has not"),
            Some(_) => {}
        }
    }
    if reader.rest().is_empty() { Ok(()) } else { Err("goes on behind its end") }
}

fn is_text(value: &[u8]) -> bool {
    memchr::memchr(0, value).is_none() && std::str::from_utf8(value).is_ok()
}

fn number<T: std::str::FromStr>(value: &[u8]) -> bool {
    // Rust takes a plus sign, which Postgres never writes.
    value.first() != Some(&b'+') && std::str::from_utf8(value).is_ok_and(|text| text.parse::<T>().is_ok())
}

fn is_count(value: &[u8]) -> bool {
    let count = std::str::from_utf8(value).ok().and_then(|text| text.parse::<i64>().ok());
    number::<i64>(value) && count.is_some_and(|count| (0..=MAX_COUNT).contains(&count))
}

fn is_float(value: &[u8]) -> bool {
    matches!(value, b"NaN" | b"Infinity" | b"-Infinity")
        || (value.iter().all(|b| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'))
            && number::<f64>(value))
}

fn is_numeric(value: &[u8]) -> bool {
    if matches!(value, b"NaN" | b"Infinity" | b"-Infinity") {
        return true;
    }
    let digits = value.strip_prefix(b"-").unwrap_or(value);
    let mut parts = digits.split(|byte| *byte == b'.');
    let whole = |part: Option<&[u8]>| {
        part.is_some_and(|part| !part.is_empty() && part.iter().all(u8::is_ascii_digit))
    };
    let is_one = whole(parts.next()) && parts.next().is_none_or(|part| whole(Some(part)));
    is_one && parts.next().is_none() && value.len() <= MAX_NUMERIC_BYTES
}

fn is_uuid(value: &[u8]) -> bool {
    let fits = |(at, byte): (usize, &u8)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    value.len() == 36 && value.iter().enumerate().all(fits)
}

/// As `numeric_send` writes it: counts of digits, weight, sign and scale, then digits to the base of 10,000.
fn is_binary_numeric(value: &[u8]) -> bool {
    let (words, odd) = value.as_chunks::<2>();
    let mut words = words.iter().map(|word| u16::from_be_bytes(*word));
    let (Some(count), Some(_weight), Some(sign), Some(scale)) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return false;
    };
    odd.is_empty()
        && usize::from(count) == words.len()
        && matches!(sign, 0 | 0x4000 | 0xc000 | 0xd000 | 0xf000)
        && scale <= 0x3fff
        && words.all(|digit| digit < 10_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(oid: u32, category: char) -> Type {
        Type { oid, name: String::new(), array: None, category, collatable: false }
    }

    #[test]
    fn what_no_value_of_a_type_looks_like_is_told_from_what_all_do() {
        let long = "9".repeat(MAX_NUMERIC_BYTES + 1);
        let table: [(u32, &[&str], &[&str]); 10] = [
            (16, &["t", "f"], &["", "true", "T", "1"]),
            (21, &["0", "-32768", "32767"], &["", "32768", "+1", " 1", "1.0"]),
            (23, &["-2147483648", "7"], &["2147483648", "x"]),
            (20, &["-9223372036854775808"], &["9223372036854775808", ""]),
            (26, &["4294967295"], &["-1", "4294967296"]),
            (701, &["1", "-0", "1e+300", "NaN", "Infinity", "-Infinity"], &["", "nan", "inf", "1,5", "0x1"]),
            (
                1700,
                &["0", "-1.50", "NaN", "Infinity", "12345678901234567890.000"],
                &["", "-", "1.", ".5", "1e5", "1.2.3", "--1", "+1", &long],
            ),
            (
                2950,
                &["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"],
                &["", "a0eebc99x9c0b-4ef8-bb6d-6bb9bd380a11", "a0eebc999c0b4ef8bb6d6bb9bd380a11"],
            ),
            (1184, &["2026-01-01 00:00:00+00", "infinity", "0044-03-15 BC"], &["", "2026\n", "ä"]),
            (1560, &["0101", ""], &["012"]),
        ];
        for (oid, good, bad) in table {
            let shape = Shape::of(&kind(oid, 'X'), 0);
            good.iter().for_each(|value| assert!(shape.fits(value.as_bytes()), "{oid}: {value:?}"));
            bad.iter().for_each(|value| assert!(!shape.fits(value.as_bytes()), "{oid}: {value:?}"));
        }
        for (count, fits) in
            [("0", true), ("281474976710656", true), ("281474976710657", false), ("-1", false)]
        {
            assert_eq!(Shape::Count.fits(count.as_bytes()), fits, "{count}");
        }
        for oid in [25, 114, 3802, 1007, 16_500] {
            let shape = Shape::of(&kind(oid, 'X'), 0);
            assert!(shape.fits("ünï ☃".as_bytes()) && shape.fits(b""));
            assert!(!shape.fits(b"a\0b") && !shape.fits(b"\xff") && !shape.fits(b"\xed\xa0\x80"), "{oid}");
        }
    }

    #[test]
    fn binary_values_have_the_size_of_their_type() {
        let table: [(u32, &[u8], &[u8]); 6] = [
            (16, &[1], &[2]),
            (23, &[0, 0, 0, 1], &[0, 0, 1]),
            (2950, &[0; 16], &[0; 15]),
            (1700, &[0, 1, 0, 0, 0, 0, 0, 2, 0, 9], &[0, 2, 0, 0, 0, 0, 0, 2, 0, 9]),
            (1700, &[0, 0, 0, 0, 0xc0, 0, 0, 0], &[0, 0, 0, 0, 0xc0, 1, 0, 0]),
            (3802, b"\x01{}", b"{}"),
        ];
        for (oid, good, bad) in table {
            let shape = Shape::of(&kind(oid, 'X'), 1);
            assert!(shape.fits(good) && !shape.fits(bad), "{oid}");
        }
        assert!(!Shape::of(&kind(16_500, 'E'), 1).fits(b"\xff"), "an enum's label is text");
        assert!(Shape::of(&kind(17, 'U'), 1).fits(b"\xff\0"), "bytea is any bytes");
    }

    #[test]
    fn types_of_postgres_keep_their_number_and_others_need_not() {
        assert!(is_same_type(&kind(23, 'N'), 23));
        assert!(!is_same_type(&kind(23, 'N'), 20));
        assert!(!is_same_type(&kind(23, 'N'), 16_400));
        assert!(is_same_type(&kind(16_500, 'E'), 17_000));
        assert!(!is_same_type(&kind(16_500, 'E'), 25));
        assert!(is_same_type(&kind(16_500, 'N'), 23), "a domain over int4");
    }
}
