//! Puts texts into words: finds their messages in a chain of catalogues, and their values in the form of the language.

use crate::base::{DAY, Seconds, Timestamp};

use super::built_in::english;
use super::catalogue::Catalogue;
use super::length::Length;
use super::message::{COUNT, Part, parts};
use super::text::{Text, TextValue};
use super::time_zone::TimeZone;

/// Seconds after which a time is told by its date, and not by how long ago it was.
const LONG_AGO: Seconds = 7 * DAY;

/// Catalogues in the order in which a message is looked for, and the time zone of the site.
pub(super) struct Speaker<'a> {
    pub(super) chain: Vec<&'a Catalogue>,
    pub(super) zone: &'a TimeZone,
}

impl<'a> Speaker<'a> {
    /// Returns a message's parts, in the form for a number if it has several. None if there is no such key.
    pub(super) fn parts(&self, key: &str, count: Option<u64>) -> Option<Vec<Part<'a>>> {
        let (message, language) = self.chain.iter().find_map(|one| Some((one.get(key)?, &one.language)))?;
        Some(parts(message.sentence(count, language)))
    }

    /// Returns the words of a text. A key that is unknown stands for itself, and so does a place without a value: a
    /// program of another version may have sent it.
    pub(super) fn say(&self, text: &Text) -> String {
        let count = match text.value(COUNT) {
            Some(TextValue::Plain(count)) => count.parse().ok(),
            _ => None,
        };
        let Some(parts) = self.parts(text.key(), count) else { return text.key().to_owned() };
        let words = |part| match part {
            Part::Words(words) => words.to_owned(),
            Part::Placeholder(name) => match text.value(name) {
                Some(TextValue::Plain(value)) => value.clone(),
                Some(TextValue::Text(inner)) => self.say(inner),
                Some(TextValue::Time(at)) => self.time(*at),
                Some(TextValue::Length(length)) => self.length(name, *length),
                None => format!("{{{name}}}"),
            },
        };
        parts.into_iter().map(words).collect()
    }

    /// Returns a date and a time, by the clocks of the site.
    pub(super) fn time(&self, at: Timestamp) -> String {
        const MONTHS: [&str; 12] = [
            "january",
            "february",
            "march",
            "april",
            "may",
            "june",
            "july",
            "august",
            "september",
            "october",
            "november",
            "december",
        ];
        let local = self.zone.local(at);
        let month = MONTHS[usize::from(u8::from(local.shown.month())) - 1];
        let text = Text::of("time.moment")
            .with("day", local.shown.day())
            .with("month", Text::of(format!("month.{month}")))
            .with("year", local.shown.year())
            .with("hour", format!("{:02}", local.shown.hour()))
            .with("minute", format!("{:02}", local.shown.minute()))
            .with("zone", local.zone);
        self.say(&text)
    }

    /// Returns how long ago something was; its date, if that is long.
    pub(super) fn ago(&self, at: Timestamp, now: Timestamp) -> String {
        match Length::passed(now.since(at)) {
            _ if now.since(at) >= LONG_AGO => self.time(at),
            None => self.say(&Text::of("ago.now")),
            Some(Length { count, unit }) => self.say(&Text::of(format!("ago.{}", unit.as_str())).with(COUNT, count)),
        }
    }

    /// Returns a length of time for the place of this name. A language may have words for that place alone, where its
    /// grammar wants another form there.
    pub(super) fn length(&self, place: &str, Length { count, unit }: Length) -> String {
        let unit = unit.as_str();
        let for_place = format!("length.{place}.{unit}");
        let has_its_own = self.chain.first().is_some_and(|catalogue| catalogue.get(&for_place).is_some());
        let key = if has_its_own { for_place } else { format!("length.{unit}") };
        self.say(&Text::of(key).with(COUNT, count))
    }
}

impl Text {
    /// Returns the words in English, for programs and administrators.
    #[must_use]
    pub fn in_english(&self) -> String {
        Speaker { chain: vec![english()], zone: &TimeZone::utc() }.say(self)
    }
}

impl Length {
    /// Returns the words in English, for programs and administrators.
    #[must_use]
    pub fn in_english(self) -> String {
        Speaker { chain: vec![english()], zone: &TimeZone::utc() }.length("", self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts::Language;

    fn told(catalogue: &str, text: &Text) -> String {
        let (catalogue, faults) = Catalogue::read(catalogue, Language::english());
        assert_eq!(faults, []);
        Speaker { chain: vec![&catalogue, english()], zone: &TimeZone::utc() }.say(text)
    }

    const GREETINGS: &str = "[greeting]\nmorning = 'Good morning, {name}.'\nbraces = 'Send {} or {No}, {name}.'\n\
                             twice = '{name}, {name}!'\naround.all = '{greeting} Bye.'\n\
                             left = { one = '{count} is left', other = '{count} are left' }\n";

    #[test]
    fn a_value_stands_where_the_sentence_has_a_place_for_it() {
        let told = |key: &'static str, name: &str| told(GREETINGS, &Text::of(key).with("name", name));
        assert_eq!(told("greeting.morning", "Ada"), "Good morning, Ada.");
        assert_eq!(told("greeting.twice", "Ada"), "Ada, Ada!");
        assert_eq!(told("greeting.braces", "Ada"), "Send {} or {No}, Ada.");
    }

    #[test]
    fn a_value_is_never_taken_for_a_place() {
        assert_eq!(told(GREETINGS, &Text::of("greeting.morning").with("name", "{name} {")), "Good morning, {name} {.");
    }

    #[test]
    fn a_sentence_can_stand_in_another() {
        let inner = Text::of("greeting.morning").with("name", 7);
        assert_eq!(told(GREETINGS, &Text::of("greeting.around.all").with("greeting", inner)), "Good morning, 7. Bye.");
    }

    #[test]
    fn a_number_chooses_the_form() {
        let told = |count: u64| told(GREETINGS, &Text::of("greeting.left").with("count", count));
        assert_eq!([told(0), told(1), told(2)], ["0 are left", "1 is left", "2 are left"]);
    }

    #[test]
    fn what_is_unknown_stands_for_itself() {
        assert_eq!(told(GREETINGS, &Text::of("greeting.evening").with("name", "Ada")), "greeting.evening");
        assert_eq!(told(GREETINGS, &Text::of("greeting.morning")), "Good morning, {name}.");
    }

    #[test]
    fn times_and_lengths_have_the_form_of_the_language() {
        let at = Text::of("at").with("at", TextValue::Time(Timestamp::from_seconds(1_795_000_000)));
        assert_eq!(told("at = 'on {at}'", &at), "on 18 November 2026, 11:06 UTC");
        let within = Text::of("in").with("within", Length::promised(900));
        assert_eq!(told("in = 'in {within}'", &within), "in 15 minutes");
        assert_eq!(told("in = 'in {within}'\n[length.within]\nminutes = '{count} min.'", &within), "in 15 min.");
        let short = "[time]\nmoment = '{year}/{month}/{day}'\n[month]\nnovember = 'Nov'\nat = 'x'";
        assert_eq!(told(&format!("at = '{{at}}'\n{short}"), &at), "2026/Nov/18");
    }

    #[test]
    fn it_is_said_how_long_ago_something_was() {
        let speaker = Speaker { chain: vec![english()], zone: &TimeZone::utc() };
        let now = Timestamp::from_seconds(1_795_000_000);
        for (seconds, words) in [
            (0, "just now"),
            (59, "just now"),
            (60, "1 minute ago"),
            (7_199, "1 hour ago"),
            (7_200, "2 hours ago"),
            (86_400, "1 day ago"),
            (7 * 86_400, "11 November 2026, 11:06 UTC"),
        ] {
            assert_eq!(speaker.ago(now.minus(seconds), now), words);
        }
        assert_eq!(speaker.ago(now.plus(5), now), "just now", "another node's clock may be ahead");
    }
}
