//! Thinned lines against what they have to keep.

use super::*;
use proptest::prelude::*;

fn dots(values: &[Option<f64>]) -> Vec<Dot> {
    let numbered = (0_i64..).zip(values);
    let dot = |(at, value): (i64, &Option<f64>)| Dot {
        at,
        value: *value,
        quality: 0,
    };
    numbered.map(dot).collect()
}

fn triangles(all: &[Dot], points: usize) -> Vec<Dot> {
    let mut out = Vec::new();
    let mut thin = Triangles::new(0, all.len() as i64, points);
    all.iter().for_each(|dot| thin.push(*dot, &mut out));
    thin.finish(&mut out);
    out
}

fn pixels(all: &[Dot], pixels: usize) -> Vec<Dot> {
    let mut out = Vec::new();
    let mut thin = Pixels::new(0, all.len() as i64, pixels);
    all.iter().for_each(|dot| thin.push(*dot, &mut out));
    thin.finish(&mut out);
    out
}

/// The algorithm as it is published, over buckets of equal time: all points of a bucket are looked
/// at for the largest triangle.
fn published(all: &[Dot], points: usize) -> Vec<Dot> {
    let buckets = Buckets::new(0, all.len() as i64, points - 2);
    let inner = &all[1..];
    let mut groups: Vec<Vec<Dot>> = Vec::new();
    for dot in inner {
        match groups.last_mut() {
            Some(group) if buckets.of(group[0].at) == buckets.of(dot.at) => group.push(*dot),
            _ => groups.push(vec![*dot]),
        }
    }
    let last = *inner.last().unwrap();
    let mut out = vec![all[0]];
    for (place, group) in groups.iter().enumerate() {
        let scale = buckets.length as f64;
        let x = |dot: &Dot| dot.at as f64 / scale;
        let (cx, cy) = match groups.get(place + 1) {
            Some(next) => {
                let count = next.len() as f64;
                let y = next.iter().map(|dot| dot.value.unwrap()).sum::<f64>();
                (next.iter().map(x).sum::<f64>() / count, y / count)
            }
            None => (x(&last), last.value.unwrap()),
        };
        let a = *out.last().unwrap();
        let area = |b: &Dot| {
            ((x(&a) - cx) * (b.value.unwrap() - a.value.unwrap())
                - (x(&a) - x(b)) * (cy - a.value.unwrap()))
            .abs()
        };
        let best = group
            .iter()
            .rev()
            .max_by(|p, q| area(p).total_cmp(&area(q)));
        out.push(*best.unwrap());
    }
    if out.last() != Some(&last) {
        out.push(last);
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// With a hull in place of all points of a bucket, the triangles are as large as they can be.
    #[test]
    fn triangles_are_the_published_ones(values in prop::collection::vec(-50..50_i32, 3..300)) {
        let values: Vec<_> = values.into_iter().map(|v| Some(f64::from(v))).collect();
        let all = dots(&values);
        let (ours, wanted) = (triangles(&all, 20), published(&all, 20));
        // Of points on one line with the same area either may be taken: the lines are compared by
        // what they have in common, which must be nearly all.
        let same = ours.iter().filter(|dot| wanted.contains(dot)).count();
        prop_assert!(ours.len() <= 20 && same * 10 >= wanted.len() * 7, "{ours:?} {wanted:?}");
    }

    /// Each pixel keeps its extremes.
    #[test]
    fn pixels_keep_extremes(values in prop::collection::vec(-50..50_i32, 1..300), width in 1..40_usize) {
        let values: Vec<_> = values.into_iter().map(|v| Some(f64::from(v))).collect();
        let all = dots(&values);
        let thin = pixels(&all, width);
        prop_assert!(thin.len() <= width * 4);
        prop_assert!(thin.is_sorted_by_key(|dot| dot.at));
        let buckets = Buckets::new(0, all.len() as i64, width);
        let extremes = |dots: &[Dot], bucket: i64| {
            let inside = dots.iter().filter(|dot| buckets.of(dot.at) == bucket);
            inside.map(|dot| dot.value.unwrap()).fold((f64::MAX, f64::MIN), |(low, high), v| {
                (low.min(v), high.max(v))
            })
        };
        for bucket in 0..width as i64 {
            prop_assert_eq!(extremes(&all, bucket), extremes(&thin, bucket));
        }
    }
}

#[test]
fn a_spike_stays_and_a_break_stays() {
    let mut values = vec![Some(0.0); 1000];
    values[477] = Some(9.0);
    values[700] = None;
    values[701] = None;
    for thin in [triangles(&dots(&values), 50), pixels(&dots(&values), 50)] {
        assert!(
            thin.iter()
                .any(|dot| dot.value == Some(9.0) && dot.at == 477)
        );
        assert_eq!(thin.iter().filter(|dot| dot.value.is_none()).count(), 1);
        assert!(thin.len() <= 201, "{}", thin.len());
    }
}

#[test]
fn memory_stays_small() {
    // A parabola: every point is a corner of its hull.
    let mut thin = Triangles::new(0, 1_000_000, 3);
    let mut out = Vec::new();
    for at in 0..100_000_i64 {
        let value = Some((at * at) as f64);
        let quality = 0;
        thin.push(Dot { at, value, quality }, &mut out);
    }
    thin.finish(&mut out);
    assert!(out.len() <= 4, "{}", out.len());
}
