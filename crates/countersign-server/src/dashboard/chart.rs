//! Attempts over time, as bars.

use std::time::Duration;

use countersign_store::outbox::Activity;

use crate::time::{Time, micros};

/// A span of time that is shown, in steps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    /// What the query calls it.
    pub(super) name: &'static str,
    pub(super) words: &'static str,
    pub(super) step: u32,
    pub(super) steps: u32,
}

/// A chart of attempts, 960 wide and [`HEIGHT`] high.
#[derive(Debug)]
pub(super) struct Chart {
    pub(super) bars: Vec<Bar>,
    /// What stands below it: the times from its beginning to its end.
    pub(super) marks: Vec<String>,
    /// How many attempts the highest bar stands for.
    pub(super) most: u64,
    pub(super) succeeded: u64,
    pub(super) failed: u64,
}

/// One step: where its two parts stand, and what they stand for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Bar {
    pub(super) at: i64,
    pub(super) x: u64,
    pub(super) width: u64,
    pub(super) succeeded: Part,
    pub(super) failed: Part,
}

/// A part of a bar.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) count: u64,
    pub(super) y: u64,
    pub(super) height: u64,
}

impl Span {
    pub(super) const ALL: [Span; 3] = [
        Span { name: "day", words: "24 hours", step: 1800, steps: 48 },
        Span { name: "week", words: "7 days", step: 4 * 3600, steps: 42 },
        Span { name: "month", words: "30 days", step: 86_400, steps: 30 },
    ];

    /// The span of this name; a day, where there is none.
    pub(super) fn find(name: &str) -> Self {
        Self::ALL.into_iter().find(|span| span.name == name).unwrap_or(Self::ALL[0])
    }

    /// How long a step is, in microseconds.
    pub(super) fn step_micros(&self) -> i64 {
        micros(Duration::from_secs(self.step.into()))
    }

    /// The time at one of the marks of a chart: of the day, or the day.
    fn mark(&self, from: i64, number: i64) -> String {
        let at = Time(from + self.step_micros() * i64::from(self.steps) * number / MARKS).render();
        let shown = if self.name == "day" { at.get(11..16) } else { at.get(5..10) };
        shown.unwrap_or_default().to_owned()
    }

    /// When it begins, where it ends at `until`, in microseconds.
    pub(super) fn begins(&self, until: i64) -> i64 {
        until - self.step_micros() * i64::from(self.steps)
    }
}

impl Chart {
    /// The chart of a span that begins at `from`.
    pub(super) fn new(span: Span, from: i64, steps: &[Activity]) -> Self {
        let most = steps.iter().map(|step| step.succeeded + step.failed).max().unwrap_or(0);
        let room = WIDTH / u64::from(span.steps);
        let bar = |step: &Activity| {
            let place = u64::try_from((step.at - from) / span.step_micros()).unwrap_or(0);
            let failed = Part::on(HEIGHT, step.failed, most);
            let succeeded = Part::on(failed.y, step.succeeded, most);
            Bar { at: step.at, x: place * room, width: room - room / 5, succeeded, failed }
        };
        Chart {
            bars: steps.iter().map(bar).collect(),
            marks: (0..=MARKS).map(|mark| span.mark(from, mark)).collect(),
            most,
            succeeded: steps.iter().map(|step| step.succeeded).sum(),
            failed: steps.iter().map(|step| step.failed).sum(),
        }
    }

    /// How many of a hundred attempts succeeded; `None` without any.
    pub(super) fn rate(&self) -> Option<String> {
        let all = self.succeeded + self.failed;
        let tenths = (self.succeeded * 1000).checked_div(all)?;
        Some(format!("{}.{} %", tenths / 10, tenths % 10))
    }
}

impl Part {
    /// A part that stands on another. Even one attempt of a million is seen.
    fn on(y: u64, count: u64, most: u64) -> Self {
        let height = (count * ROOM).checked_div(most).unwrap_or(0).max(u64::from(count > 0) * 2);
        Part { count, y: y.saturating_sub(height), height }
    }
}

/// How many spaces there are between marks.
const MARKS: i64 = 4;
const WIDTH: u64 = 960;
/// The height of a chart, and what of it bars can use.
pub(super) const HEIGHT: u64 = 160;
const ROOM: u64 = HEIGHT - 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_stand_on_each_other_and_none_is_too_high() {
        let span = Span::find("nonsense");
        let steps = [
            Activity { at: 0, succeeded: 1_000_000, failed: 1 },
            Activity { at: 47 * span.step_micros(), succeeded: 0, failed: 500_000 },
        ];
        let chart = Chart::new(span, 0, &steps);
        assert_eq!(chart.marks, ["00:00", "06:00", "12:00", "18:00", "00:00"]);
        assert_eq!((chart.most, chart.rate().as_deref()), (1_000_001, Some("66.6 %")));
        let [first, last] = chart.bars.as_slice() else { panic!("two bars") };
        assert_eq!(first.failed, Part { count: 1, y: 158, height: 2 });
        assert_eq!(first.succeeded.y + first.succeeded.height, first.failed.y);
        assert_eq!((last.x, last.x + last.width <= WIDTH, last.succeeded.height), (940, true, 0));
        assert!((70..90).contains(&last.failed.height));
    }

    #[test]
    fn without_attempts_there_is_no_rate() {
        let chart = Chart::new(Span::find("week"), 0, &[]);
        assert_eq!((chart.rate(), chart.bars.len()), (None, 0));
    }
}
