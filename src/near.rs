//! Which name somebody may have meant who asked for one that is not there.

/// Longer names are not compared letter by letter.
const LONGEST: usize = 100;

/// A hint to follow the message that there is no `asked`, or nothing; `prefix` is what goes before names in a text.
#[must_use]
pub fn hint<'a>(asked: &str, prefix: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let bare = asked.strip_prefix(prefix);
    let mut best: Option<(usize, &str)> = None;
    for name in known {
        if bare == Some(name) {
            return format!("; names are given without {prefix:?}: {name:?}");
        }
        let far = distance(bare.unwrap_or(asked), name);
        if far <= name.chars().count() / 3 && far <= 2 && best.is_none_or(|(least, _)| far < least) {
            best = Some((far, name));
        }
    }
    best.map_or_else(String::new, |(_, name)| format!("; did you mean {name:?}?"))
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
