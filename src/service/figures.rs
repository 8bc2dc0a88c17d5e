//! The overview: the figures of a period, the period before it, and the current state.

use crate::domain::figures::Figure;
use crate::domain::figures::alarm::{self, Alarm, DAYS};
use crate::domain::figures::counts::Codes;
use crate::domain::figures::overview::{DailyUsage, Overview, Point, Tiles};
use crate::domain::figures::period::{Grain, PeriodLength, Span, Windows};
use crate::domain::figures::totals::Totals;
use crate::domain::limit::Limit;
use crate::domain::message::Channel;
use crate::domain::timestamp::Timestamp;
use crate::error::Result;
use crate::service::Service;
use crate::store::{Db, hourly_figures, limit_events, message_list};

impl Service {
    /// Returns the figures of a period that ends now, those of the period before, and the current state. Refusals of
    /// the last seconds may be missing (`service/recording.rs`).
    pub async fn overview(&self, length: PeriodLength) -> Result<Overview> {
        let (service, now) = (self.clone(), self.now());
        self.store.read(move |db| service.overview_at(db, length, now)).await
    }

    fn overview_at(&self, db: &Db, length: PeriodLength, now: Timestamp) -> Result<Overview> {
        let windows = length.windows(now);
        let totals = totals(db, windows.now, windows.totals)?;
        let before = self::totals(db, windows.before, windows.totals)?;
        let (now_for, before_for) = (windows.now.elapsed(now), windows.before.elapsed(now));
        let channels = || Channel::ALL.iter().filter(|channel| self.delivery.shows(**channel));
        Ok(Overview {
            from: windows.now.starts(),
            now,
            before_from: windows.before.starts(),
            tiles: Tiles::compare(&totals, now_for, &before, before_for),
            totals,
            before,
            points: points(db, &windows)?,
            usage: channels().map(|channel| self.daily_usage(db, *channel, now)).collect::<Result<_>>()?,
            alarms: alarms(db, now)?,
            queues: channels().map(|channel| message_list::queue(db, *channel, now)).collect::<Result<_>>()?,
            locked: self.count_locked(db)?,
            providers: self.provider_states(db, now)?,
        })
    }

    fn daily_usage(&self, db: &Db, channel: Channel, now: Timestamp) -> Result<DailyUsage> {
        let limit = Limit::of_channel(channel);
        let requested = limit_events::count_all_since(db, limit.event(), "", now.minus(limit.window()), now)?;
        Ok(DailyUsage { channel, requested, allowed: self.limits.allowed(limit) })
    }
}

fn totals(db: &Db, span: Span, grain: Grain) -> Result<Totals> {
    let mut totals = Totals::default();
    for figure in Figure::ALL {
        hourly_figures::read(db, *figure, span, grain, |_, subject, count| totals.add(*figure, subject, count))?;
    }
    Ok(totals)
}

fn points(db: &Db, windows: &Windows) -> Result<Vec<Point>> {
    let mut points = Point::all(windows);
    for figure in Figure::SERIES {
        hourly_figures::read(db, figure, windows.now, windows.series, |hour, subject, count| {
            let point = windows.point_of(hour).and_then(|index| points.get_mut(index));
            if let Some(point) = point {
                point.add(figure, subject, count);
            }
        })?;
    }
    Ok(points)
}

fn alarms(db: &Db, now: Timestamp) -> Result<Vec<Alarm>> {
    let hour = alarm::checked_hour(now);
    let codes = codes_of(db, hour)?;
    let days_before = (1..=DAYS).map(|day| codes_of(db, hour - 24 * day)).collect::<Result<Vec<_>>>()?;
    Ok(alarm::few_verified(hour, codes, &days_before).into_iter().collect())
}

/// The codes of one hour.
fn codes_of(db: &Db, hour: i64) -> Result<Codes> {
    let mut codes = Codes::default();
    for figure in [Figure::CodesSent, Figure::CodesVerified] {
        let span = Span { from: hour, until: hour + 1 };
        hourly_figures::read(db, figure, span, Grain::Hour, |_, _, count| codes.add(figure, count))?;
    }
    Ok(codes)
}
