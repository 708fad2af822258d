//! Time zones: UTC, a fixed offset, or one of the time zone database.

use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};

/// The database that the program carries: what a chart says of a time is the same on every machine.
static DATABASE: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// A time zone.
#[derive(Clone, Debug, PartialEq)]
pub enum Zone {
    /// UTC.
    Utc,
    /// A fixed offset and the name that was read with it.
    Fixed {
        /// The name; may be empty.
        name: String,
        /// Seconds east of UTC.
        offset_s: i32,
    },
    /// A zone of the database.
    Named(TimeZone),
}

/// Why there is no such zone. The texts are Go's.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum ZoneError {
    /// A name that could lead out of the database's directory.
    #[error("time: invalid location name")]
    InvalidName,
    /// Not in the database.
    #[error("unknown time zone {0}")]
    Unknown(String),
}

impl Zone {
    /// `time.LoadLocation`. `Local` is UTC: where the program runs is no part of what it says.
    pub fn load(name: &str) -> Result<Self, ZoneError> {
        if matches!(name, "" | "UTC" | "Local") {
            return Ok(Self::Utc);
        }
        if name.contains("..") || name.starts_with(['/', '\\']) || name.contains('\\') {
            return Err(ZoneError::InvalidName);
        }
        let zone = DATABASE.get(name).map_err(|_| ZoneError::Unknown(name.into()))?;
        // The database answers to any case; a file system does not.
        if zone.iana_name().is_some_and(|known| known != name) {
            return Err(ZoneError::Unknown(name.into()));
        }
        Ok(Self::Named(zone))
    }

    /// Seconds east of UTC at an instant.
    pub fn offset_s(&self, unix_s: i64) -> i32 {
        match self {
            Self::Utc => 0,
            Self::Fixed { offset_s, .. } => *offset_s,
            Self::Named(zone) => zone.to_offset(near(unix_s)).seconds(),
        }
    }

    /// The abbreviation at an instant.
    pub fn abbreviation(&self, unix_s: i64) -> String {
        match self {
            Self::Utc => "UTC".into(),
            Self::Fixed { name, .. } => name.clone(),
            Self::Named(zone) => zone.to_offset_info(near(unix_s)).abbreviation().into(),
        }
    }

    /// The offset that an abbreviation has in this zone around an instant.
    pub(super) fn offset_of(&self, abbreviation: &str, unix_s: i64) -> Option<i32> {
        const HALF_YEAR_S: i64 = 182 * 86_400;
        match self {
            Self::Utc => (abbreviation == "UTC").then_some(0),
            Self::Fixed { name, offset_s } => (name == abbreviation).then_some(*offset_s),
            Self::Named(_) => [0, HALF_YEAR_S, -HALF_YEAR_S]
                .into_iter()
                .map(|shift| unix_s + shift)
                .find(|at| self.abbreviation(*at) == abbreviation)
                .map(|at| self.offset_s(at)),
        }
    }
}

/// The nearest instant that the database knows of.
fn near(unix_s: i64) -> Timestamp {
    let clamped = unix_s.clamp(Timestamp::MIN.as_second() + 1, Timestamp::MAX.as_second() - 1);
    Timestamp::from_second(clamped).unwrap_or(Timestamp::UNIX_EPOCH)
}
