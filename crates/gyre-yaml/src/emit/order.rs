//! The order of a mapping's keys: letters by code point, numbers by size, letters after all else.

use std::cmp::Ordering;

use crate::error::Dialect;

/// Sorts keys as the Go libraries do.
///
/// compat(go-yaml): the order is no strict weak one (`v1`, `v1alpha1`, `v2`), so the sorting is ours: it never fails,
/// and gives the one order wherever there is one.
pub(crate) fn sort_keys<T>(keys: &mut Vec<T>, text: impl Fn(&T) -> &str, dialect: Dialect) {
    let less = |a: &T, b: &T| compare(text(a), text(b), dialect) == Ordering::Less;
    if keys.windows(2).all(|pair| less(&pair[0], &pair[1])) {
        return;
    }
    if keys.len() <= INSERTION_MAX {
        insertion_sort(keys, &less);
    } else {
        let sorted = merge_sort(std::mem::take(keys), &less);
        *keys = sorted;
    }
}

/// Go's library sorts up to twelve keys by insertion.
const INSERTION_MAX: usize = 12;

fn insertion_sort<T>(keys: &mut [T], less: &impl Fn(&T, &T) -> bool) {
    for end in 1..keys.len() {
        let mut at = end;
        while at > 0 && less(&keys[at], &keys[at - 1]) {
            keys.swap(at, at - 1);
            at -= 1;
        }
    }
}

fn merge_sort<T>(mut keys: Vec<T>, less: &impl Fn(&T, &T) -> bool) -> Vec<T> {
    if keys.len() <= INSERTION_MAX {
        insertion_sort(&mut keys, less);
        return keys;
    }
    let right = keys.split_off(keys.len() / 2);
    let (left, right) = (merge_sort(keys, less), merge_sort(right, less));
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
        let next = if less(b, a) { right.next() } else { left.next() };
        merged.extend(next);
    }
    merged.extend(left);
    merged.extend(right);
    merged
}

fn compare(a: &str, b: &str, dialect: Dialect) -> Ordering {
    let mut digits = false;
    let (mut left, mut right) = (a.char_indices(), b.char_indices());
    loop {
        let ((at, x), (_, y)) = match (left.next(), right.next()) {
            (Some(x), Some(y)) => (x, y),
            (x, y) => return x.is_some().cmp(&y.is_some()),
        };
        if x == y {
            digits = x.is_numeric();
            continue;
        }
        let (x_letter, y_letter) = (x.is_alphabetic(), y.is_alphabetic());
        if x_letter && y_letter {
            return x.cmp(&y);
        }
        if x_letter || y_letter {
            let after_digits = dialect == Dialect::V3 && digits;
            return if x_letter == after_digits { Ordering::Less } else { Ordering::Greater };
        }
        // A zero behind other digits is one more digit of the number, not the start of one.
        let inside = x == '0' || y == '0';
        let start =
            i64::from(inside && a[..at].chars().rev().take_while(|c| c.is_numeric()).any(|c| c != '0'));
        let (x_number, x_digits) = number(&a[at..], start);
        let (y_number, y_digits) = number(&b[at..], start);
        return x_number.cmp(&y_number).then(x_digits.cmp(&y_digits)).then(x.cmp(&y));
    }
}

fn number(text: &str, start: i64) -> (i64, usize) {
    let digits = text.bytes().take_while(u8::is_ascii_digit);
    digits.fold((start, 0), |(number, count), digit| {
        (number.wrapping_mul(10).wrapping_add(i64::from(digit - b'0')), count + 1)
    })
}
