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

/// Whether one letter must be changed, put in or left out to make one name of the other; digits tell names apart.
#[must_use]
pub fn differ_by_one(a: &str, b: &str) -> bool {
    let (short, long) = if a.len() <= b.len() { (a.as_bytes(), b.as_bytes()) } else { (b.as_bytes(), a.as_bytes()) };
    if long.len() - short.len() > 1 || short == long {
        return false;
    }
    let same = short.iter().zip(long).take_while(|(one, other)| one == other).count();
    let rest = |name: &[u8], skip: usize| name.get(same + skip..).unwrap_or_default().to_vec();
    let is_letter = |name: &[u8]| name.get(same).is_none_or(|byte| byte.is_ascii() && !byte.is_ascii_digit());
    let changed = usize::from(short.len() == long.len());
    rest(short, changed) == rest(long, 1) && is_letter(long) && (changed == 0 || is_letter(short))
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
    fn names_that_differ_by_one_letter() {
        for (a, b) in
            [("rlnVoltge", "rlnVoltage"), ("rlnVoltaage", "rlnVoltage"), ("rlnVoltage_", "rlnVoltage"), ("ab", "ac")]
        {
            assert!(differ_by_one(a, b) && differ_by_one(b, a), "{a} {b}");
        }
        for (a, b) in [("ab", "ab"), ("ab", "ba"), ("ab", "abcd"), ("map1", "map2"), ("map", "map2"), ("", "ab")] {
            assert!(!differ_by_one(a, b) && !differ_by_one(b, a), "{a} {b}");
        }
    }

    #[test]
    fn distances() {
        for (a, b, far) in [("", "", 0), ("a", "", 1), ("kitten", "sitting", 3), ("TS_1", "ts_1", 0), ("ab", "ba", 2)] {
            assert_eq!(distance(a, b), far, "{a} {b}");
            assert_eq!(distance(b, a), far, "{b} {a}");
        }
    }
}
