//! Names with places: `{name}`, `{1}`, `{last}`. Pure.

/// A text with places for parts of a datapoint's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Name,
    Segment(usize),
    Last,
}

impl Template {
    pub(crate) fn new(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find('{') {
            if at > 0 {
                parts.push(Part::Text(rest[..at].to_owned()));
            }
            let end = rest[at..].find('}').ok_or("a `{` has no `}`")? + at;
            let place = &rest[at + 1..end];
            parts.push(match (place, place.parse::<usize>()) {
                ("name", _) => Part::Name,
                ("last", _) => Part::Last,
                (_, Ok(number @ 1..)) => Part::Segment(number - 1),
                _ => return Err(format!("`{{{place}}}` is no place")),
            });
            rest = &rest[end + 1..];
        }
        if rest.contains(|c: char| c == '}' || c.is_control()) {
            return Err("a `}` or a line break is in it".into());
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self(parts))
    }

    /// The text for a datapoint; a segment that its name does not have is nothing.
    pub(crate) fn fill(&self, name: &str) -> String {
        let mut filled = String::new();
        for part in &self.0 {
            filled.push_str(match part {
                Part::Text(text) => text,
                Part::Name => name,
                Part::Segment(at) => name.split('.').nth(*at).unwrap_or_default(),
                Part::Last => name.rsplit('.').next().unwrap_or_default(),
            });
        }
        filled
    }
}

#[cfg(test)]
mod tests {
    use super::Template;

    #[test]
    fn places_are_filled() {
        let fill = |text| Template::new(text).unwrap().fill("plant.line1.press.force");
        assert_eq!(fill("{name}"), "plant.line1.press.force");
        assert_eq!(fill("{1}-{3}_{last}"), "plant-press_force");
        assert_eq!(fill("x{9}"), "x");
        for wrong in ["{", "}", "{0}", "{x}", "{1", "a\nb"] {
            assert!(Template::new(wrong).is_err(), "{wrong:?}");
        }
    }
}
