//! What is asked of a series.

use http::HeaderMap;
use jiff::tz::TimeZone;
use mainstem_datalogger::recorder::LoggerView;
use mainstem_datalogger::rollup::Calendar;
use mainstem_datalogger::{Order, QualityFilter, RollupQuery, SampleQuery, Step};
use mainstem_model::Timestamp;
use serde::Deserialize;

use super::answer::Form;
use crate::problem::{Code, Problem};

/// Rows in one JSON document, unless `limit` says otherwise. Lines and tables have no limit.
const LIMIT_DEFAULT: u64 = 1000;
/// Rows in one JSON document at the most.
const LIMIT_MAX: u64 = 100_000;
/// Points of a chart at the most.
const POINTS_MAX: usize = 100_000;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct SamplesQuery {
    /// Not before this moment; the last 24 hours unless given.
    #[param(format = DateTime)]
    from: Option<String>,
    /// Before this moment; now unless given.
    #[param(format = DateTime)]
    to: Option<String>,
    /// Rows at the most; 1000 unless given for JSON, all for lines and tables.
    #[param(minimum = 1)]
    limit: Option<u64>,
    /// `asc` or `desc`.
    order: Option<String>,
    /// Where to go on: the `next` of the part before.
    page: Option<String>,
    /// Which rows: `any`, `not_bad` or `good`.
    quality: Option<String>,
    /// For a chart: about so many points in all. Not together with `limit`, `order` and `page`.
    #[param(minimum = 4, maximum = 100_000)]
    max_points: Option<usize>,
    /// How points of a chart are chosen: `lttb` or `minmax`.
    thin: Option<String>,
    /// `json`, `ndjson` or `csv`; otherwise by the header `Accept`.
    format: Option<String>,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct RollupsQuery {
    /// `minute`, `hour`, `day` or `month`; `hour` unless given.
    step: Option<String>,
    /// Slots that begin not before this moment; the last 31 days unless given.
    #[param(format = DateTime)]
    from: Option<String>,
    /// Slots that begin before this moment; now unless given.
    #[param(format = DateTime)]
    to: Option<String>,
    /// Slots at the most; 1000 unless given for JSON, all for lines and tables.
    #[param(minimum = 1)]
    limit: Option<u64>,
    /// `asc` or `desc`.
    order: Option<String>,
    /// Another time zone than that of the loggers, by which days and months are counted from hours.
    zone: Option<String>,
    /// `json`, `ndjson` or `csv`; otherwise by the header `Accept`.
    format: Option<String>,
}

/// Rows that are wanted.
pub(super) struct RowWish {
    pub(super) query: SampleQuery,
    pub(super) form: Form,
    pub(super) thin: Option<Thin>,
}

/// Points of a chart that are wanted.
#[derive(Clone, Copy)]
pub(super) enum Thin {
    Triangles(usize),
    Pixels(usize),
}

/// Slots that are wanted.
pub(super) struct SlotWish {
    pub(super) query: RollupQuery,
    pub(super) form: Form,
    pub(super) calendar: Calendar,
    /// Whether they are put together from hours.
    pub(super) from_hours: Option<Step>,
    pub(super) limit: u64,
}

impl SamplesQuery {
    pub(super) fn wish(
        self,
        view: &LoggerView,
        headers: &HeaderMap,
        now: Timestamp,
    ) -> Result<RowWish, Problem> {
        let form = Form::of(self.format.as_deref(), headers)?;
        let (from, to) = span(self.from.as_deref(), self.to.as_deref(), now, 24)?;
        let mut query = SampleQuery::new(view.series, from, to);
        query.order = order(self.order.as_deref())?;
        query.limit = limit(self.limit, form)?;
        query.after = self.page.as_deref().map(page).transpose()?;
        query.quality = match self.quality.as_deref() {
            None | Some("any") => QualityFilter::Any,
            Some("not_bad") => QualityFilter::NotBad,
            Some("good") => QualityFilter::Good,
            Some(_) => return Err(wrong("quality is any, not_bad or good")),
        };
        let thin = match (self.max_points, self.thin.as_deref()) {
            (None, None) => None,
            (None, Some(_)) => return Err(wrong("thin needs max_points")),
            (Some(points), _) if !(4..=POINTS_MAX).contains(&points) => {
                return Err(wrong("max_points is 4 to 100000"));
            }
            (Some(points), None | Some("lttb")) => Some(Thin::Triangles(points)),
            (Some(points), Some("minmax")) => Some(Thin::Pixels(points / 4)),
            (Some(_), Some(_)) => return Err(wrong("thin is lttb or minmax")),
        };
        if thin.is_some() {
            if self.limit.is_some() || self.order.is_some() || self.page.is_some() {
                return Err(wrong("max_points stands without limit, order and page"));
            }
            query.limit = u64::MAX;
        }
        Ok(RowWish { query, form, thin })
    }
}

impl RollupsQuery {
    pub(super) fn wish(
        self,
        view: &LoggerView,
        own: &TimeZone,
        headers: &HeaderMap,
        now: Timestamp,
    ) -> Result<SlotWish, Problem> {
        let form = Form::of(self.format.as_deref(), headers)?;
        let (from, to) = span(self.from.as_deref(), self.to.as_deref(), now, 31 * 24)?;
        let word = self.step.as_deref().unwrap_or("hour");
        let step = Step::parse(word);
        let step = step.ok_or_else(|| wrong("step is minute, hour, day or month"))?;
        if step == Step::Minute && !view.minutes {
            return Err(wrong("this logger keeps no minutes"));
        }
        let zone = match &self.zone {
            Some(name) => TimeZone::get(name)
                .map_err(|_| wrong("zone is a time zone such as Europe/Berlin"))?,
            None => own.clone(),
        };
        let order = order(self.order.as_deref())?;
        let limit = limit(self.limit, form)?;
        let is_other = zone != *own && matches!(step, Step::Day | Step::Month);
        if is_other && order == Order::Descending {
            return Err(wrong("another zone goes with order=asc only"));
        }
        Ok(SlotWish {
            query: RollupQuery {
                series: view.series,
                step: if is_other { Step::Hour } else { step },
                from,
                to,
                order,
                limit: if is_other {
                    u64::MAX
                } else {
                    limit.saturating_add(1)
                },
            },
            form,
            calendar: Calendar::new(zone),
            from_hours: is_other.then_some(step),
            limit,
        })
    }
}

pub(super) fn wrong(detail: &str) -> Problem {
    Problem::new(Code::Query, detail)
}

pub(super) fn moment(what: &str, text: &str) -> Result<i64, Problem> {
    let moment: Result<Timestamp, _> = text.parse();
    moment
        .map(Timestamp::micros)
        .map_err(|error| Problem::new(Code::Query, format!("{what}: {error}")))
}

pub(super) fn span(
    from: Option<&str>,
    to: Option<&str>,
    now: Timestamp,
    hours: i64,
) -> Result<(i64, i64), Problem> {
    let to = to.map_or(Ok(now.micros().saturating_add(1)), |text| {
        moment("to", text)
    })?;
    let usual = to.saturating_sub(hours * 3_600_000_000);
    let from = from.map_or(Ok(usual), |text| moment("from", text))?;
    if from > to {
        return Err(wrong("from is behind to"));
    }
    Ok((from, to))
}

fn order(text: Option<&str>) -> Result<Order, Problem> {
    match text {
        None | Some("asc") => Ok(Order::Ascending),
        Some("desc") => Ok(Order::Descending),
        Some(_) => Err(wrong("order is asc or desc")),
    }
}

pub(super) fn limit(asked: Option<u64>, form: Form) -> Result<u64, Problem> {
    match (asked, form) {
        (Some(0), _) => Err(wrong("limit is 1 or more")),
        (Some(limit), Form::Json) if limit > LIMIT_MAX => Err(wrong(
            "limit is at most 100000 for JSON; ask for ndjson or csv",
        )),
        (Some(limit), _) => Ok(limit),
        (None, Form::Json) => Ok(LIMIT_DEFAULT),
        (None, _) => Ok(u64::MAX),
    }
}

/// A place between two rows: `time.row`.
fn page(text: &str) -> Result<(i64, u64), Problem> {
    let parts = text.split_once('.');
    let read = parts.and_then(|(time, row)| Some((time.parse().ok()?, row.parse().ok()?)));
    read.ok_or_else(|| wrong("page is the `next` of the part before"))
}
