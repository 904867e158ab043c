//! Log lines on standard output, for the journal, a container's log or a terminal.

use std::fmt;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::{Format, Full, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::base::Clock;
use crate::config::LogFormat;

use super::Exit;
use super::log_queue::LogQueue;
use super::system_clock::SystemClock;

/// Starts logging. `GATELODGE_LOG` sets the level.
pub(super) fn to_stdout(format: LogFormat) -> Result<(), Exit> {
    let queue = LogQueue::start().map_err(|error| Exit::failed(format!("the log cannot be written: {error}")))?;
    let level = match std::env::var("GATELODGE_LOG").as_deref() {
        Ok("debug") => Level::DEBUG,
        Ok("warn") => Level::WARN,
        Ok("error") => Level::ERROR,
        _ => Level::INFO,
    };
    let ansi = std::io::IsTerminal::is_terminal(&std::io::stdout());
    // Errors of logging are counted, not reported: std's `eprintln!` panics where it cannot write.
    let lines = tracing_subscriber::fmt().with_max_level(level).with_ansi(ansi).log_internal_errors(false);
    let lines = lines.with_writer(move || queue);
    match format {
        LogFormat::Json => lines.event_format(Json).init(),
        LogFormat::Text => {
            // systemd sets it if standard output goes to the journal (systemd.exec(5)).
            let has_priority = std::env::var_os("JOURNAL_STREAM").is_some();
            let plain = tracing_subscriber::fmt::format().with_target(false).without_time();
            lines.event_format(Text { has_priority, plain }).init();
        }
    }
    Ok(())
}

/// The format for people. The time is added by whatever keeps the lines.
struct Text {
    /// Whether each line begins with its priority (sd-daemon(3)).
    has_priority: bool,
    plain: Format<Full, ()>,
}

impl<S, N> FormatEvent<S, N> for Text
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        if self.has_priority {
            write!(out, "<{}>", priority(*event.metadata().level()))?;
        }
        self.plain.format_event(context, out, event)
    }
}

/// Returns the severity for syslog (RFC 5424, 6.2.1).
fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        _ => 7,
    }
}

/// The format for programs: one JSON object per line, with `time`, `level`, `message`, and the event's own fields.
struct Json;

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut fields = Fields(Map::new());
        fields.0.insert("time".into(), SystemClock.now().to_string().into());
        fields.0.insert("level".into(), event.metadata().level().as_str().to_ascii_lowercase().into());
        event.record(&mut fields);
        writeln!(out, "{}", Value::Object(fields.0))
    }
}

struct Fields(Map<String, Value>);

impl Visit for Fields {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().into(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().into(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().into(), value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().into(), value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().into(), format!("{value:?}").into());
    }
}
