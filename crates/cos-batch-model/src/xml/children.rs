//! Reading: one child into its place.

use std::str::FromStr;

use super::{Decoder, Element, FromXml, MAX_LIST_ENTRIES, Mode, Slot};
use crate::scalar::TextScalar;
use crate::validation::shorten;
use crate::{DecodeError, DecodeErrorKind, Lenient, Timestamp, UnknownText, ValidationError, WireEnum};

impl Decoder<'_> {
    /// A child that does not belong here: an error when strict, skipped when lenient.
    ///
    /// # Errors
    ///
    /// [`DecodeErrorKind::UnknownElement`], or what [`Decoder::skip`] gives.
    pub fn unknown(&mut self, element: &Element<'_>) -> Result<(), DecodeError> {
        match self.mode() {
            Mode::Lenient => self.skip(),
            Mode::Strict => Err(self.error(DecodeErrorKind::UnknownElement { name: shorten(element.name()) })),
        }
    }

    /// Reads a child that may come once.
    fn once<T>(
        &mut self,
        slot: &mut Slot<T>,
        element: &Element<'_>,
        read: impl FnOnce(&mut Self) -> Result<Slot<T>, DecodeError>,
    ) -> Result<(), DecodeError> {
        if matches!(slot, Slot::Absent) {
            *slot = read(self).map_err(|error| error.within(element.name()))?;
            return Ok(());
        }
        match self.mode() {
            Mode::Lenient => self.skip(),
            Mode::Strict => Err(self.error(DecodeErrorKind::DuplicateElement { name: shorten(element.name()) })),
        }
    }

    /// Reads a child with children of its own.
    ///
    /// # Errors
    ///
    /// Given before, or what the child's type gives.
    pub fn element<T: FromXml>(&mut self, slot: &mut Slot<T>, element: &Element<'_>) -> Result<(), DecodeError> {
        self.once(slot, element, |decoder| T::read(decoder).map(Slot::Given))
    }

    /// Reads a text, kept as it is.
    pub(crate) fn text<T: TextScalar>(&mut self, slot: &mut Slot<T>, element: &Element<'_>) -> Result<(), DecodeError> {
        self.once(slot, element, |decoder| decoder.text_content(|error| error))
    }

    /// As [`Decoder::text`], for a type that several elements share: errors name this one.
    pub(crate) fn text_of<T: TextScalar>(
        &mut self,
        slot: &mut Slot<T>,
        element: &Element<'_>,
        name: &'static str,
    ) -> Result<(), DecodeError> {
        self.once(slot, element, |decoder| decoder.text_content(|error| error.about(name)))
    }

    fn text_content<T: TextScalar>(
        &mut self,
        name: impl FnOnce(ValidationError) -> ValidationError,
    ) -> Result<Slot<T>, DecodeError> {
        let offset = self.content_offset();
        let text = self.content()?;
        if text.is_empty() && T::MIN > 0 {
            return Ok(Slot::Empty(offset));
        }
        T::from_cow(text).map(Slot::Given).map_err(|error| self.error_at_content(name(error)))
    }

    /// Reads a text without rules of its own.
    pub(crate) fn string(&mut self, slot: &mut Slot<String>, element: &Element<'_>) -> Result<(), DecodeError> {
        self.once(slot, element, |decoder| decoder.content().map(|text| Slot::Given(text.into_owned())))
    }

    /// Reads a text around which white space does not count.
    fn trimmed<T>(&mut self, parse: impl FnOnce(&str) -> Result<T, ValidationError>) -> Result<Slot<T>, DecodeError> {
        let offset = self.content_offset();
        let text = self.content()?;
        let text = text.trim_ascii();
        if text.is_empty() {
            return Ok(Slot::Empty(offset));
        }
        parse(text).map(Slot::Given).map_err(|error| self.error_at_content(error))
    }

    /// Reads a number.
    pub(crate) fn number<T: FromStr<Err = ValidationError>>(
        &mut self,
        slot: &mut Slot<T>,
        element: &Element<'_>,
    ) -> Result<(), DecodeError> {
        self.once(slot, element, |decoder| decoder.trimmed(str::parse))
    }

    /// Reads a count: a whole number without a limit of its own.
    pub(crate) fn count(
        &mut self,
        slot: &mut Slot<u64>,
        element: &Element<'_>,
        name: &'static str,
    ) -> Result<(), DecodeError> {
        self.once(slot, element, |decoder| decoder.trimmed(|text| crate::scalar::whole_number(name, 0, u64::MAX, text)))
    }

    /// Reads a time.
    pub(crate) fn time(
        &mut self,
        slot: &mut Slot<Timestamp>,
        element: &Element<'_>,
        name: &'static str,
    ) -> Result<(), DecodeError> {
        self.once(slot, element, |decoder| {
            decoder.trimmed(|text| text.parse().map_err(|error: ValidationError| error.about(name)))
        })
    }

    /// Reads a time that may be given as Unix seconds.
    pub(crate) fn seconds(
        &mut self,
        slot: &mut Slot<Timestamp>,
        element: &Element<'_>,
        name: &'static str,
    ) -> Result<(), DecodeError> {
        self.once(slot, element, |decoder| {
            decoder.trimmed(|text| Timestamp::from_seconds_or_text(text).map_err(|error| error.about(name)))
        })
    }

    /// Reads `true` or `false`.
    pub(crate) fn flag(
        &mut self,
        slot: &mut Slot<bool>,
        element: &Element<'_>,
        name: &'static str,
    ) -> Result<(), DecodeError> {
        self.once(slot, element, |decoder| {
            decoder.trimmed(|text| match text {
                "true" => Ok(true),
                "false" => Ok(false),
                other => {
                    Err(ValidationError::OneOf { field: name, allowed: &["true", "false"], actual: shorten(other) })
                }
            })
        })
    }

    /// Reads a value of a closed list.
    pub(crate) fn choice<T: WireEnum>(
        &mut self,
        slot: &mut Slot<Lenient<T>>,
        element: &Element<'_>,
        name: &'static str,
    ) -> Result<(), DecodeError> {
        self.once(slot, element, |decoder| decoder.choice_content(name))
    }

    /// As [`Decoder::choice`], but may come again if it says the same: the documentation's own
    /// sample of a copy gives one of its directives twice.
    pub(crate) fn repeatable_choice<T: WireEnum>(
        &mut self,
        slot: &mut Slot<Lenient<T>>,
        element: &Element<'_>,
        name: &'static str,
    ) -> Result<(), DecodeError> {
        let mut again = Slot::Absent;
        self.choice(&mut again, element, name)?;
        if matches!(slot, Slot::Absent) {
            *slot = again;
        } else if self.mode() == Mode::Strict {
            let same = match (&*slot, &again) {
                (Slot::Given(first), Slot::Given(second)) => first == second,
                (Slot::Empty(_), Slot::Empty(_)) => true,
                _ => false,
            };
            if !same {
                return Err(self.error(DecodeErrorKind::DuplicateElement { name: shorten(element.name()) }));
            }
        }
        Ok(())
    }

    fn choice_content<T: WireEnum>(&mut self, name: &'static str) -> Result<Slot<Lenient<T>>, DecodeError> {
        let mode = self.mode();
        self.trimmed(|text| match T::from_wire_name(text) {
            Some(known) => Ok(Lenient::Known(known)),
            None if mode == Mode::Lenient => Ok(Lenient::Unknown(UnknownText::truncated(text))),
            None => Err(ValidationError::OneOf { field: name, allowed: T::ALLOWED, actual: shorten(text) }),
        })
    }

    /// Reads a list of children.
    pub(crate) fn list<T: FromXml>(
        &mut self,
        slot: &mut Slot<Vec<T>>,
        element: &Element<'_>,
        name: &'static str,
    ) -> Result<(), DecodeError> {
        self.entries(slot, element, name, T::ELEMENT, T::read)
    }

    /// Reads a list of values of a closed list, each in a `member`.
    pub(crate) fn choice_list<T: WireEnum>(
        &mut self,
        slot: &mut Slot<Vec<Lenient<T>>>,
        element: &Element<'_>,
        name: &'static str,
    ) -> Result<(), DecodeError> {
        self.entries(slot, element, name, "member", |decoder| {
            let missing = ValidationError::Missing { field: name };
            decoder.choice_content(name)?.optional().ok_or_else(|| decoder.error_at_content(missing))
        })
    }

    fn entries<T>(
        &mut self,
        slot: &mut Slot<Vec<T>>,
        element: &Element<'_>,
        name: &'static str,
        entry: &'static str,
        mut read: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<(), DecodeError> {
        self.once(slot, element, |decoder| {
            let mut entries = Vec::new();
            while let Some(child) = decoder.child()? {
                if child.name() != entry {
                    decoder.unknown(&child)?;
                    continue;
                }
                if entries.len() == MAX_LIST_ENTRIES {
                    return Err(decoder.error(DecodeErrorKind::ListTooLong { name, max: MAX_LIST_ENTRIES }));
                }
                entries.push(read(decoder).map_err(|error| error.within(entry))?);
            }
            Ok(Slot::Given(entries))
        })
    }
}
