//! An index in JSON, read as a stream.

use std::fmt;
use std::io::Read;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::{Head, HelmSourceError, Raw, Trouble, Visit};

pub(super) fn read(reader: impl Read, visit: Visit<'_>) -> Result<Head, Trouble> {
    let mut deserializer = serde_json::Deserializer::from_reader(reader);
    let head = Whole(visit).deserialize(&mut deserializer).map_err(|why| match why.classify() {
        serde_json::error::Category::Io => Trouble::Broken(HelmSourceError::new(why)),
        _ => Trouble::Shape,
    })?;
    deserializer.end().map_err(|_| Trouble::Shape)?;
    Ok(head)
}

struct Whole<'a>(Visit<'a>);

impl<'de> DeserializeSeed<'de> for Whole<'_> {
    type Value = Head;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Head, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Whole<'_> {
    type Value = Head;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an index")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Head, M::Error> {
        let mut head = Head::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "apiVersion" => head.api_version = map.next_value()?,
                "entries" => map.next_value_seed(Entries(&mut *self.0))?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(head)
    }
}

struct Entries<'a>(Visit<'a>);

impl<'de> DeserializeSeed<'de> for Entries<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Entries<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("charts by name")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        while let Some(name) = map.next_key::<String>()? {
            map.next_value_seed(Versions(&name, &mut *self.0))?;
        }
        Ok(())
    }
}

struct Versions<'a>(&'a str, Visit<'a>);

impl<'de> DeserializeSeed<'de> for Versions<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Versions<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("versions of a chart")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut versions: S) -> Result<(), S::Error> {
        while let Some(version) = versions.next_element::<Value>()? {
            let told = (self.1)(Raw::Version(self.0, version));
            told.map_err(|_| serde::de::Error::custom("the index cannot be read"))?;
        }
        Ok(())
    }
}
