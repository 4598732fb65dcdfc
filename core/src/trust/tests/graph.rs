//! Property: the bounded walks say what the plain definitions say, on any small graph.

use super::story::Story;
use crate::change::Oid;
use crate::model::Catalog;
use crate::trust::graph::{Ground, descends, exclusive, merge_base, spine};
use crate::trust::{Memory, Session};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// Commits with parents among those before them; the ancestors of each, itself included.
fn build(story: &mut Story, shape: &[(usize, usize, u8)]) -> (Vec<Oid>, Vec<BTreeSet<usize>>, Vec<Vec<usize>>) {
    let files = story.files[&story.first].clone();
    let (mut oids, mut above, mut parents): (Vec<Oid>, Vec<BTreeSet<usize>>, Vec<Vec<usize>>) =
        (Vec::new(), Vec::new(), Vec::new());
    for (at, (a, b, kind)) in shape.iter().enumerate() {
        let mut own: Vec<usize> = match (at, kind % 8) {
            (0, _) | (_, 0) => vec![],
            (_, 1..=3) => vec![a % at, b % at],
            _ => vec![a % at],
        };
        own.dedup();
        let names: Vec<Oid> = own.iter().map(|parent| oids[*parent]).collect();
        oids.push(story.raw_commit(None, &names, &files, &format!("{at}\n")));
        above.push(own.iter().flat_map(|parent| above[*parent].clone()).chain([at]).collect());
        parents.push(own);
    }
    (oids, above, parents)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn bounded_walks_agree_with_the_definitions(shape in proptest::collection::vec((0usize..50, 0usize..50, any::<u8>()), 2..14), pick in proptest::collection::vec(any::<bool>(), 14), x in 0usize..14, y in 0usize..14) {
        let mut story = Story::default();
        let (oids, above, parents) = build(&mut story, &shape);
        let mut ground = Ground::new();
        let mut base = None;
        for at in 0..oids.len() {
            if pick[at] && base.is_none_or(|last| above[at].contains(&last)) {
                ground.insert(oids[at], ground.len());
                base = Some(at);
            }
        }
        let (x, y) = (x % oids.len(), y % oids.len());
        let mut memory = Memory::default();
        let mut session = Session::new(&story.store, Catalog::standard(), &mut memory);
        let common: Vec<usize> = above[x].intersection(&above[y]).copied().collect();
        let best: Vec<usize> = common.iter().copied().filter(|one| !common.iter().any(|other| other != one && above[*other].contains(one))).collect();
        let expected = if let [only] = best[..] { Some(oids[only]) } else { None };
        prop_assert_eq!(merge_base(&mut session, &ground, oids[x], oids[y]).unwrap(), expected);
        prop_assert_eq!(descends(&mut session, &ground, oids[x], oids[y]).unwrap(), above[y].contains(&x));
        if let Some(base) = base {
            let found: BTreeSet<Oid> = exclusive(&mut session, &ground, oids[x], oids[base]).unwrap().into_iter().collect();
            let expected: BTreeSet<Oid> = above[x].difference(&above[base]).map(|at| oids[*at]).collect();
            prop_assert_eq!(found, expected);
            if above[x].contains(&base) {
                let (mut way, mut at) = (Vec::new(), Some(x));
                while let Some(here) = at.filter(|here| *here != base) {
                    way.push(oids[here]);
                    let heirs: Vec<usize> = parents[here].iter().copied().filter(|parent| above[*parent].contains(&base)).collect();
                    at = if heirs.first() == parents[here].first() || heirs.len() == 1 { heirs.first().copied() } else { None };
                }
                way.reverse();
                prop_assert_eq!(spine(&mut session, &ground, oids[base], oids[x]).unwrap(), at.map(|_| way));
            }
        }
    }
}
