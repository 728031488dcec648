//! Which name somebody may have meant who asked for one that is not there.

/// Longer names are not compared letter by letter.
const LONGEST: usize = 100;

/// A hint to follow the message that there is no `asked`, or nothing; `prefix` is what goes before names in a text.
#[must_use]
pub fn hint<'a>(asked: &str, prefix: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let bare = asked.strip_prefix(prefix);
    if let Some(name) = bare.and_then(|bare| known.iter().find(|&&name| name == bare)) {
        return format!("; names are given without {prefix:?}: {name:?}");
    }
    nearest(bare.unwrap_or(asked), known).map_or_else(String::new, |name| format!("; did you mean {name:?}?"))
}

/// The name that is nearest to one that is not there, if it is near enough to be meant.
#[must_use]
pub fn nearest<'a>(asked: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const FAR: usize = 2;
    let length = asked.chars().count();
    let alike = known.into_iter().filter(|name| name.chars().count().abs_diff(length) <= FAR);
    let far = alike.map(|name| (distance(asked, name), name));
    let near = far.filter(|&(far, name)| far <= FAR && far <= name.chars().count() / 3);
    near.min_by_key(|&(far, _)| far).map(|(_, name)| name)
}

/// How many letters must be changed, put in or left out to make one name of the other; case alone counts nothing.
fn distance(a: &str, b: &str) -> usize {
    let letters = |name: &str| name.chars().flat_map(char::to_lowercase).collect::<Vec<_>>();
    if a.len().max(b.len()) > LONGEST {
        return usize::MAX;
    }
    let (a, b) = (letters(a), letters(b));
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (index, letter) in a.iter().enumerate() {
        let mut next = vec![index + 1];
        for ((pair, other), left_out) in row.windows(2).zip(&b).zip(row.iter().skip(1)) {
            let changed = pair.first().map_or(0, |&before| before + usize::from(letter != other));
            let put_in = next.last().map_or(0, |&before| before + 1);
            next.push(changed.min(put_in).min(left_out + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints() {
        let known = ["rlnVoltage", "rlnTomoName", "a"];
        let of = |asked| hint(asked, "_", known);
        assert_eq!(of("_rlnVoltage"), "; names are given without \"_\": \"rlnVoltage\"");
        assert_eq!(of("rlnVoltge"), "; did you mean \"rlnVoltage\"?");
        assert_eq!(of("_rlnTomoname"), "; did you mean \"rlnTomoName\"?");
        assert_eq!(of("rlnDefocusU"), "");
        assert_eq!(of("b"), "");
        assert_eq!(of(""), "");
    }

    #[test]
    fn distances() {
        for (a, b, far) in [("", "", 0), ("a", "", 1), ("kitten", "sitting", 3), ("TS_1", "ts_1", 0), ("ab", "ba", 2)] {
            assert_eq!(distance(a, b), far, "{a} {b}");
            assert_eq!(distance(b, a), far, "{b} {a}");
        }
    }
}
