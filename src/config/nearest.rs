//! The nearest valid name to what was written.

/// Names longer than this are not compared.
const COMPARED_CHARS_MAX: usize = 64;

/// The candidate that the text was most likely meant to be, if one is near enough.
pub(crate) fn nearest<'a>(
    text: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let wanted = folded(text);
    if wanted.is_empty() || wanted.len() > COMPARED_CHARS_MAX {
        return None;
    }
    let near = (wanted.len() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(&wanted, &folded(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= near && *candidate != text)
        .min()
        .map(|(_, candidate)| candidate)
}

// Case and the three ways to join words do not count: `pollInterval` is near `poll_interval`.
fn folded(text: &str) -> Vec<char> {
    let letters = text.chars().filter(|c| !matches!(c, '_' | '-' | ' '));
    letters
        .flat_map(char::to_lowercase)
        .take(COMPARED_CHARS_MAX + 1)
        .collect()
}

/// Optimal string alignment: insertions, deletions, replacements and swaps of neighbours.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let replace = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = replace.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_is_found() {
        let keys = ["address", "names", "poll_interval", "interval"];
        assert_eq!(nearest("adress", keys), Some("address"));
        assert_eq!(nearest("anmes", keys), Some("names"));
        assert_eq!(nearest("pollInterval", keys), Some("poll_interval"));
        assert_eq!(nearest("colour", keys), None);
        assert_eq!(nearest("", keys), None);
        assert_eq!(nearest(&"x".repeat(1000), keys), None);
    }
}
