//! `current_time`: the date and time. From the context's clock, so that a test or a replay can set it.

use domain::{
    Timestamp,
    agents::{Redo, Risk},
};
use jiff::tz::Offset;
use serde::Deserialize;
use serde_json::json;

use super::{Tool, ToolContext, ToolFailure, ToolOutput, read_arguments};
use crate::ports::ToolSpec;

/// Tells the date and time.
#[derive(Debug, Clone, Copy)]
pub struct CurrentTime;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    #[serde(default)]
    utc_offset: Option<String>,
}

#[async_trait::async_trait]
impl Tool for CurrentTime {
    fn spec(&self) -> ToolSpec {
        ToolSpec {
            name: "current_time".into(),
            description: "The present date, time and day of the week.".into(),
            parameters: json!({
                "type": "object",
                "properties": {
                    "utc_offset": { "type": ["string", "null"], "description": "The person's offset from UTC, such as `+02:00`. UTC when null." },
                },
                "required": ["utc_offset"],
                "additionalProperties": false,
            }),
        }
    }

    fn title(&self) -> &'static str {
        "Check the time"
    }

    fn risk(&self) -> Risk {
        Risk::Read
    }

    fn redo(&self) -> Redo {
        Redo::Idempotent
    }

    async fn call(&self, context: &ToolContext, arguments: &str) -> Result<ToolOutput, ToolFailure> {
        let Arguments { utc_offset } = read_arguments(arguments)?;
        let offset = match utc_offset.as_deref().map(str::trim) {
            None | Some("") => Offset::UTC,
            Some(text) => read_offset(text).ok_or_else(|| ToolFailure::Arguments(format!("`{text}` is not an offset such as `+02:00`.")))?,
        };
        tell(context.ctx.now(), offset).map(|text| ToolOutput { text }).map_err(|_| ToolFailure::Failed("The clock is out of range.".into()))
    }
}

/// `Z`, `+2`, `+02`, `+0200` or `+02:00`, at most 14 hours.
fn read_offset(text: &str) -> Option<Offset> {
    let text = text.strip_prefix("UTC").unwrap_or(text);
    if matches!(text, "" | "Z" | "z") {
        return Some(Offset::UTC);
    }
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-" | "−", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match digits.split_once(':') {
        Some(parts) => parts,
        None if digits.len() == 4 => digits.split_at_checked(2)?,
        None => (digits, "0"),
    };
    let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<i32>().ok()).flatten();
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    if hours > 14 || minutes > 59 {
        return None;
    }
    Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()
}

fn tell(now: Timestamp, offset: Offset) -> Result<String, jiff::Error> {
    let local = jiff::Timestamp::from_microsecond(now.micros())?.to_zoned(offset.to_time_zone());
    let (date, time) = (local.date(), local.time());
    Ok(json!({
        "date": date.to_string(),
        "time": format!("{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second()),
        "weekday": format!("{:?}", date.weekday()),
        "utc_offset": local.strftime("%:z").to_string(),
    })
    .to_string())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn offsets_are_read_in_every_usual_spelling() {
        let seconds = |text: &str| read_offset(text).map(Offset::seconds);
        for text in ["+02:00", "+0200", "+2", "+02", "UTC+2", "+2:00"] {
            assert_eq!(seconds(text), Some(7200), "{text}");
        }
        assert_eq!(seconds("-03:30"), Some(-12_600));
        assert_eq!(seconds("Z"), Some(0));
        for text in ["2", "+", "+aa", "+25:00", "+02:75", "Europe/Berlin", "+-2", "é"] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }

    #[test]
    fn the_clock_is_told_in_the_persons_time() {
        let now = Timestamp::from_micros(1_795_152_750_123_456); // 2026-11-20T05:32:30Z
        let told: serde_json::Value = serde_json::from_str(&tell(now, Offset::constant(-6)).unwrap()).unwrap();
        assert_eq!(told, json!({ "date": "2026-11-19", "time": "23:32:30", "weekday": "Thursday", "utc_offset": "-06:00" }));
    }
}
