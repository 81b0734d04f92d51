//! Amounts as people read them.

use std::time::Duration;

use jiff::Timestamp;

/// A duration to a tenth of a second below a minute, then in whole seconds, then in minutes: `4.2
/// s`, `1 min 12 s`, `2 h 5 min`.
///
/// Below a tenth of a second it is `< 0.1 s`.
pub(crate) fn duration(duration: Duration) -> String {
    let tenths = (duration.as_millis() + 50) / 100;
    if is_instant(duration) {
        "< 0.1 s".to_owned()
    } else if tenths < 600 {
        format!("{}.{} s", tenths / 10, tenths % 10)
    } else {
        whole(duration + Duration::from_millis(500))
    }
}

/// Whether a duration is too short to be worth telling.
pub(super) fn is_instant(duration: Duration) -> bool {
    duration < Duration::from_millis(50)
}

/// A duration in whole seconds, for what counts up and for limits: `14 s`, `5 min`.
pub(crate) fn whole(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes, seconds) {
        (0, 0, _) => format!("{seconds} s"),
        (0, _, 0) => format!("{minutes} min"),
        (0, _, _) => format!("{minutes} min {seconds} s"),
        (_, 0, _) => format!("{hours} h"),
        _ => format!("{hours} h {minutes} min"),
    }
}

/// How long ago `then` was: `just now`, `3 min ago`, `2 days ago`.
pub(crate) fn age(then: Timestamp, now: Timestamp) -> String {
    let seconds = between(then, now).as_secs();
    match seconds {
        0..=4 => "just now".to_owned(),
        5..=59 => format!("{seconds} s ago"),
        60..=3599 => format!("{} min ago", seconds / 60),
        3600..=172_799 => format!("{} h ago", seconds / 3600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

/// The time from `start` to `end`; zero where a clock was set back.
pub(super) fn between(start: Timestamp, end: Timestamp) -> Duration {
    Duration::try_from(end.duration_since(start)).unwrap_or_default()
}

/// A number with its noun: `1 object`, `12 objects`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}

/// The parts that are not zero, with their words: `3 created, 1 changed`.
pub(super) fn tally(parts: &[(usize, &str)]) -> String {
    parts
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, word)| format!("{number} {word}"))
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        let cases = [
            (0, "< 0.1 s"),
            (50, "0.1 s"),
            (340, "0.3 s"),
            (4_249, "4.2 s"),
            (59_940, "59.9 s"),
            (59_960, "1 min"),
            (72_400, "1 min 12 s"),
            (300_000, "5 min"),
            (3_600_000, "1 h"),
            (7_500_000, "2 h 5 min"),
        ];
        for (milliseconds, text) in cases {
            assert_eq!(duration(Duration::from_millis(milliseconds)), text);
        }
        assert_eq!(whole(Duration::from_millis(14_900)), "14 s");
    }

    #[test]
    fn ages_read_well() {
        let now: Timestamp = "2026-01-05T12:00:00Z".parse().unwrap();
        let cases = [
            ("2026-01-05T11:59:58Z", "just now"),
            ("2026-01-05T11:59:48Z", "12 s ago"),
            ("2026-01-05T11:56:30Z", "3 min ago"),
            ("2026-01-04T12:00:00Z", "24 h ago"),
            ("2026-01-02T12:00:00Z", "3 days ago"),
            ("2026-01-05T12:00:09Z", "just now"),
        ];
        for (then, text) in cases {
            assert_eq!(age(then.parse().unwrap(), now), text);
        }
    }

    #[test]
    fn amounts_read_well() {
        assert_eq!(count(1, "object"), "1 object");
        assert_eq!(count(0, "object"), "0 objects");
        assert_eq!(
            tally(&[(3, "created"), (0, "changed"), (2, "unchanged")]),
            "3 created, 2 unchanged"
        );
    }
}
