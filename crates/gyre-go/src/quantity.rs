//! Resource quantities: reading `1.5Gi` or `100m`, comparing, and the canonical text that Kubernetes stores.

use serde_json::Value;

const NANO: i128 = 1_000_000_000;

/// The message for what is no quantity.
pub const PATTERN: &str =
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Decimal,
    Binary,
    Exponent,
}

/// The message for a text whose suffix is none, though made of the letters of suffixes.
pub const SUFFIX: &str = "unable to parse quantity's suffix";

/// A quantity, exact to a billionth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantity {
    nano: i128,
    format: Format,
}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.nano.cmp(&other.nano))
    }
}

/// The parts of a text: its digits without zeros in front, and its suffix.
struct Parts<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
    suffix: &'a str,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Result<Self, &'static str> {
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let rest = text.strip_prefix(['-', '+']).unwrap_or(text);
        if text.is_empty() {
            return Err(PATTERN);
        }
        let (whole, rest) = rest.split_at(digits(rest));
        let (fraction, suffix) = match rest.strip_prefix('.') {
            Some(rest) => rest.split_at(digits(rest)),
            None => ("", rest),
        };
        let letters = suffix.trim_start_matches(|it| "eEinumkKMGTP".contains(it));
        let number = letters.strip_prefix(['-', '+']).unwrap_or(letters);
        if digits(number) < number.len() {
            return Err(PATTERN);
        }
        let whole = match whole.trim_start_matches('0') {
            "" => "0",
            whole => whole,
        };
        Ok(Self { negative: text.starts_with('-'), whole, fraction, suffix })
    }
}

const DECIMAL: [(&str, i32); 10] =
    [("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];
const BINARY: [&str; 7] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

impl Quantity {
    /// Reads a text; `None` where it is none.
    pub fn parse(text: &str) -> Option<Self> {
        Self::read(text).ok()
    }

    /// Reads a text.
    ///
    /// # Errors
    /// [`PATTERN`] or [`SUFFIX`] where it is no quantity.
    pub fn read(text: &str) -> Result<Self, &'static str> {
        let parts = Parts::of(text)?;
        let (format, exponent, factor) = Self::suffix(parts.suffix).ok_or(SUFFIX)?;
        // bounded: what does not fit is the largest number that does.
        let nano = Self::scale(parts.whole, parts.fraction, exponent).ok_or(PATTERN)?.saturating_mul(factor);
        // compat(apimachinery 0.36): only binary quantities have a largest one.
        let largest = i128::from(i64::MAX) * NANO;
        let nano = if format == Format::Binary { nano.min(largest) } else { nano };
        Ok(Self { nano: if parts.negative { -nano } else { nano }, format })
    }

    /// The text that Kubernetes stores for one: most are written anew, and some stay as they are.
    ///
    /// # Errors
    /// As for [`Quantity::read`].
    pub fn stored(text: &str) -> Result<String, &'static str> {
        let it = Self::read(text)?;
        let Parts { whole, fraction, suffix, .. } = Parts::of(text)?;
        let (format, exponent, factor) = Self::suffix(suffix).ok_or(SUFFIX)?;
        let digits = format!("{whole}{fraction}");
        let (length, places) = (digits.len() as i32, fraction.len() as i32);
        // compat(apimachinery 0.36): what fits into 64 bits and has a scale of thousands is remembered as it was written.
        let precision = match format {
            Format::Binary if fraction.is_empty() => 14 - length - factor.ilog2() as i32 * 3 / 10,
            Format::Binary => -1,
            _ => 18 - length,
        };
        let scale = exponent - places;
        let kept = precision >= 0
            && (-9..).contains(&scale)
            && scale % 3 == 0
            && !digits.ends_with("000")
            && !digits.starts_with('0')
            && (format != Format::Binary
                || digits.parse::<u64>().is_ok_and(|it| it % 1024 != 0) && !text.starts_with('0'));
        Ok(if kept { text.to_owned() } else { it.text() })
    }

    fn suffix(suffix: &str) -> Option<(Format, i32, i128)> {
        if let Some((_, exponent)) = DECIMAL.iter().find(|(it, _)| *it == suffix) {
            return Some((Format::Decimal, *exponent, 1));
        }
        if let Some(power) = BINARY.iter().position(|it| *it == suffix) {
            return Some((Format::Binary, 0, 1i128 << (10 * power)));
        }
        let exponent: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
        (-200..=200).contains(&exponent).then_some((Format::Exponent, exponent, 1))
    }

    /// `whole.fraction × 10^exponent` in billionths, rounded up.
    fn scale(whole: &str, fraction: &str, exponent: i32) -> Option<i128> {
        let digits: String = whole.chars().chain(fraction.chars()).collect();
        let trimmed = digits.trim_start_matches('0');
        if trimmed.is_empty() {
            return Some(0);
        }
        let power = exponent + 9 - i32::try_from(fraction.len()).ok()?;
        let largest = i128::MAX;
        if trimmed.len() > 36 {
            return if i32::try_from(trimmed.len()).ok()? + power > 28 { Some(largest) } else { None };
        }
        let number: i128 = trimmed.parse().ok()?;
        if power >= 0 {
            let factor = 10i128.checked_pow(u32::try_from(power).ok()?);
            Some(factor.and_then(|factor| number.checked_mul(factor)).unwrap_or(largest))
        } else {
            let divisor = 10i128.checked_pow(power.unsigned_abs());
            Some(divisor.map_or(1, |divisor| (number + divisor - 1) / divisor))
        }
    }

    /// Reads a JSON text or number.
    pub fn of(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Self::parse(text),
            Value::Number(number) => Self::parse(&number.to_string()),
            _ => None,
        }
    }

    /// -1, 0 or 1.
    pub fn sign(self) -> i128 {
        self.nano.signum()
    }

    /// Whether it has no fraction.
    pub fn is_whole(self) -> bool {
        self.nano % NANO == 0
    }

    /// The sum, in the format of the first.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self { nano: self.nano.saturating_add(other.nano), format: self.format }
    }

    /// The difference, in the format of the first.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self { nano: self.nano.saturating_sub(other.nano), format: self.format }
    }

    /// The whole number, where there is no fraction and it fits.
    pub fn whole(self) -> Option<i64> {
        if self.is_whole() { i64::try_from(self.nano / NANO).ok() } else { None }
    }

    /// A whole number.
    pub fn from_whole(number: i64) -> Self {
        Self { nano: i128::from(number) * NANO, format: Format::Decimal }
    }

    /// About how much it is.
    pub fn approximately(self) -> f64 {
        self.nano as f64 / NANO as f64
    }

    /// Rounded up to thousandths.
    pub fn to_millis(self) -> Self {
        let step = 1_000_000;
        let rest = self.nano.rem_euclid(step);
        Self { nano: if rest == 0 { self.nano } else { self.nano - rest + step }, format: self.format }
    }

    /// Thousandths, without what is finer.
    pub fn millis(self) -> i128 {
        self.nano / 1_000_000
    }

    /// The text that Kubernetes stores.
    pub fn text(self) -> String {
        if self.nano == 0 {
            return "0".into();
        }
        match self.format {
            // compat(apimachinery 0.36): small numbers and fractions are written in powers of ten.
            Format::Binary if self.nano.abs() >= 1024 * NANO && self.is_whole() => {
                let mut number = self.nano / NANO;
                let mut power = 0;
                while number % 1024 == 0 && power + 1 < BINARY.len() {
                    number /= 1024;
                    power += 1;
                }
                format!("{number}{}", BINARY[power])
            }
            Format::Exponent => {
                let (number, exponent) = self.by_thousands();
                if exponent == 0 { number.to_string() } else { format!("{number}e{exponent}") }
            }
            _ => {
                let (number, exponent) = self.by_thousands();
                let suffix = DECIMAL.iter().find(|(_, it)| *it == exponent).map_or("", |(suffix, _)| suffix);
                format!("{number}{suffix}")
            }
        }
    }

    fn by_thousands(self) -> (i128, i32) {
        let (mut number, mut exponent) = (self.nano, -9);
        while number % 1000 == 0 && exponent < 18 {
            number /= 1000;
            exponent += 3;
        }
        (number, exponent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_are_canonical() {
        let cases = [
            ("1.5Gi", "1536Mi"),
            ("100m", "100m"),
            ("0.1", "100m"),
            ("1000", "1k"),
            ("1500m", "1500m"),
            ("1024", "1024"),
            ("0.5Ki", "512"),
            ("1e3", "1e3"),
            ("2E", "2E"),
            ("0", "0"),
            ("1.0", "1"),
        ];
        for (from, to) in cases {
            assert_eq!(Quantity::parse(from).unwrap().text(), to, "{from}");
        }
        assert_eq!(Quantity::read("1x"), Err(PATTERN));
        assert_eq!(Quantity::read(""), Err(PATTERN));
        assert_eq!(Quantity::read("1ki"), Err(SUFFIX));
        assert_eq!(Quantity::stored("574.001G").as_deref(), Ok("574.001G"));
        assert_eq!(Quantity::stored("+1Mi").as_deref(), Ok("+1Mi"));
        assert_eq!(Quantity::stored("1.5Gi").as_deref(), Ok("1536Mi"));
        assert_eq!(Quantity::stored("1024Mi").as_deref(), Ok("1Gi"));
    }

    proptest! {
        #[test]
        fn canonical_texts_stay(text in "[0-9]{1,12}(\\.[0-9]{1,4})?(m|k|M|Ki|Mi|Gi|e3)?") {
            let it = Quantity::parse(&text).unwrap();
            let once = Quantity::parse(&it.text()).unwrap();
            prop_assert_eq!(once.nano, it.nano);
            // compat(apimachinery 0.36): without a suffix a binary quantity reads as a decimal one, once.
            prop_assert!(once.text() == it.text() || it.format == Format::Binary && once.format == Format::Decimal);
            prop_assert_eq!(Quantity::parse(&once.text()).unwrap().text(), once.text());
        }

        #[test]
        fn nothing_panics(text in "\\PC{0,50}") {
            let _ = Quantity::parse(&text).map(Quantity::text);
        }
    }
}
