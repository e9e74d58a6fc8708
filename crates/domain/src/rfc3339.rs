//! RFC 3339 instants, written and read in a few dozen lines: a calendar library would cost every visitor of the
//! workspace more than the rest of this crate. Proleptic Gregorian, years 0 to 9999, microseconds; finer digits are
//! dropped. A property test holds it against a full library.

use std::fmt::{self, Write};

const MICROS: i64 = 1_000_000;
const DAY: i64 = 86_400;

/// Writes microseconds since the Unix epoch as an instant in UTC, with no more digits than needed.
pub fn write(micros: i64, out: &mut impl Write) -> fmt::Result {
    let (seconds, fraction) = (micros.div_euclid(MICROS), micros.rem_euclid(MICROS));
    let (year, month, day) = date(seconds.div_euclid(DAY));
    if !(0..=9999).contains(&year) {
        return out.write_str("out of range");
    }
    let time = seconds.rem_euclid(DAY);
    write!(out, "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}", time / 3600, time / 60 % 60, time % 60)?;
    if fraction > 0 {
        let digits = format!("{fraction:06}");
        write!(out, ".{}", digits.trim_end_matches('0'))?;
    }
    out.write_char('Z')
}

/// Reads an instant with `Z` or an offset as microseconds since the Unix epoch.
pub fn read(text: &str) -> Option<i64> {
    let mut rest = Rest(text.as_bytes());
    let (year, month, day) = (rest.number(4)?, rest.after(b"-")?.number(2)?, rest.after(b"-")?.number(2)?);
    let (hour, minute, second) = (rest.after(b"Tt ")?.number(2)?, rest.after(b":")?.number(2)?, rest.after(b":")?.number(2)?);
    let fraction = rest.fraction()?;
    let offset = rest.offset()?;
    let days = days(year, month, day);
    // A leap second is the second before it, as clocks of computers have it.
    let valid = rest.0.is_empty() && (1..=12).contains(&month) && date(days) == (year, month, day) && hour < 24 && minute < 60 && second <= 60;
    let seconds = days * DAY + hour * 3600 + minute * 60 + second.min(59) - offset;
    valid.then_some(seconds * MICROS + fraction)
}

/// What has not been read yet.
struct Rest<'text>(&'text [u8]);

impl Rest<'_> {
    /// Exactly so many digits.
    fn number(&mut self, digits: usize) -> Option<i64> {
        let (read, rest) = self.0.split_at_checked(digits)?;
        self.0 = rest;
        read.iter().try_fold(0, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0')))
    }

    /// Steps over one of these characters.
    fn after(&mut self, marks: &[u8]) -> Option<&mut Self> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        marks.contains(first).then_some(self)
    }

    /// Microseconds behind a dot, if there is one.
    fn fraction(&mut self) -> Option<i64> {
        if self.0.first() != Some(&b'.') {
            return Some(0);
        }
        let digits = self.0[1..].iter().take_while(|digit| digit.is_ascii_digit()).count();
        let read = &self.0[1..=digits];
        self.0 = &self.0[1 + digits..];
        let micros = (0..6).fold(0, |sum, place| sum * 10 + read.get(place).map_or(0, |digit| i64::from(digit - b'0')));
        (1..=9).contains(&digits).then_some(micros)
    }

    /// Seconds that the clock is ahead of UTC.
    fn offset(&mut self) -> Option<i64> {
        let sign = match self.0.first()? {
            b'Z' | b'z' => 0,
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        self.0 = &self.0[1..];
        if sign == 0 {
            return Some(0);
        }
        let (hours, minutes) = (self.number(2)?, self.after(b":")?.number(2)?);
        (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
    }
}

/// Days since the epoch of a date. Years start in March, so that the leap day comes last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day of so many days since the epoch.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may")]

    use proptest::prelude::*;

    use super::*;

    fn written(micros: i64) -> String {
        let mut text = String::new();
        write(micros, &mut text).unwrap();
        text
    }

    #[test]
    fn known_instants() {
        assert_eq!(written(0), "1970-01-01T00:00:00Z");
        assert_eq!(written(-1), "1969-12-31T23:59:59.999999Z");
        assert_eq!(written(1_795_152_750_120_000), "2026-11-20T05:32:30.12Z");
        assert_eq!(written(i64::MAX), "out of range");
        assert_eq!(read("2024-02-29T12:00:00+02:00"), read("2024-02-29T10:00:00Z"));
        assert_eq!(read("2016-12-31T23:59:60Z"), read("2016-12-31T23:59:59Z"));
    }

    #[test]
    fn what_is_no_instant() {
        for text in [
            "",
            "2026",
            "2026-11-20",
            "2026-11-20T05:32:30",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:60:00Z",
            "2026-01-01T00:00:61Z",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00Zx",
            "2026-01-01T00:00:00+2:00",
            "+026-01-01T00:00:00Z",
            "２０２６-01-01T00:00:00Z",
        ] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_full_library_writes_the_same(micros in -62_167_219_200_000_000_i64..253_402_300_799_000_000) {
            prop_assert_eq!(written(micros), jiff::Timestamp::from_microsecond(micros).unwrap().to_string());
            prop_assert_eq!(read(&written(micros)), Some(micros));
        }

        #[test]
        fn a_full_library_reads_the_same(year in 1_i64..9999, month in 0..14, day in 0..33, hour in 0..25, minute in 0..61, fraction in "(\\.[0-9]{1,9})?", offset in "(Z|[+-](0[0-9]|1[0-9]):[0-5][0-9])") {
            let text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:09{fraction}{offset}");
            let expected = text.parse::<jiff::Timestamp>().ok().map(|instant| instant.as_nanosecond().div_euclid(1000));
            prop_assert_eq!(read(&text).map(i128::from), expected);
        }

        #[test]
        fn no_text_is_too_strange(text in ".{0,40}") {
            let _ = read(&text);
        }
    }
}
