//! Vectors side by side in memory, and the nearest of them found by comparing all.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashSet};
use std::num::NonZero;

use crate::collection::{Allowed, VectorRow};

/// From this many numbers on, more than one processor compares.
const MANY: usize = 4 << 20;
/// How many sums are added up side by side: processors add several numbers at once, if their order does not matter.
const LANES: usize = 16;

/// The vectors of a collection that one model made.
#[derive(Debug, Default)]
pub(crate) struct Matrix {
    dimension: usize,
    rows: Vec<Row>,
    /// The rows' vectors, one behind the other.
    numbers: Vec<f32>,
}

#[derive(Debug, Clone, Copy)]
struct Row {
    chunk: i64,
    document: i64,
    pages: Option<(i64, i64)>,
}

impl Row {
    fn is_in(&self, documents: Option<&HashSet<i64>>, pages: Option<(i64, i64)>) -> bool {
        documents.is_none_or(|documents| documents.contains(&self.document))
            && pages.is_none_or(|(from, to)| {
                self.pages
                    .is_some_and(|(first, last)| last >= from && first <= to)
            })
    }
}

/// A chunk and how near it is; the nearest is the greatest, and of equally near ones the first.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Near {
    likeness: f32,
    chunk: i64,
}

impl Eq for Near {}

impl Ord for Near {
    fn cmp(&self, other: &Self) -> Ordering {
        let nearer = self.likeness.total_cmp(&other.likeness);
        nearer.then(other.chunk.cmp(&self.chunk))
    }
}

impl PartialOrd for Near {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Matrix {
    pub(crate) fn new(dimension: usize) -> Self {
        Self {
            dimension,
            ..Self::default()
        }
    }

    /// Adds a vector; one of another length is of no use, which `verify` tells.
    pub(crate) fn push(&mut self, (chunk, document, first, last, vector): VectorRow) {
        let (numbers, _) = vector.as_chunks::<4>();
        if numbers.len() != self.dimension {
            return;
        }
        self.numbers
            .extend(numbers.iter().copied().map(f32::from_le_bytes));
        self.rows.push(Row {
            chunk,
            document,
            pages: first.zip(last),
        });
    }

    /// The chunks whose vectors point most nearly where `wanted` does, the nearest first.
    pub(crate) fn nearest(&self, wanted: &[f32], allowed: &Allowed, limit: usize) -> Vec<i64> {
        if self.dimension == 0 || wanted.len() != self.dimension || limit == 0 {
            return Vec::new();
        }
        let documents: Option<HashSet<i64>> = allowed
            .documents
            .as_ref()
            .map(|documents| documents.iter().copied().collect());
        let scan = |rows: &[Row], numbers: &[f32]| {
            let mut best = BinaryHeap::with_capacity(limit + 1);
            for (row, vector) in rows.iter().zip(numbers.chunks_exact(self.dimension)) {
                if !row.is_in(documents.as_ref(), allowed.pages) {
                    continue;
                }
                let near = Near {
                    likeness: dot(wanted, vector),
                    chunk: row.chunk,
                };
                if best.len() < limit {
                    best.push(std::cmp::Reverse(near));
                } else if let Some(mut least) = best.peek_mut()
                    && near > least.0
                {
                    *least = std::cmp::Reverse(near);
                }
            }
            best
        };
        let processors = if self.numbers.len() < MANY {
            1
        } else {
            std::thread::available_parallelism().map_or(1, NonZero::get)
        };
        let share = self.rows.len().div_ceil(processors).max(1);
        let parts = self
            .rows
            .chunks(share)
            .zip(self.numbers.chunks(share * self.dimension));
        let mut found: Vec<Near> = std::thread::scope(|scope| {
            let mut parts = parts.collect::<Vec<_>>();
            let last = parts.pop();
            let others: Vec<_> = parts
                .into_iter()
                .map(|(rows, numbers)| scope.spawn(move || scan(rows, numbers)))
                .collect();
            let own = last.map(|(rows, numbers)| scan(rows, numbers));
            let others = others.into_iter().map(|other| match other.join() {
                Ok(found) => found,
                Err(panic) => std::panic::resume_unwind(panic),
            });
            let all = own.into_iter().chain(others).flatten();
            all.map(|near| near.0).collect()
        });
        found.sort_unstable_by(|a, b| b.cmp(a));
        found.truncate(limit);
        found.into_iter().map(|near| near.chunk).collect()
    }
}

/// The cosine of two vectors of length one.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    let mut sums = [0.0_f32; LANES];
    for (a, b) in a.iter().zip(b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::Matrix;
    use crate::collection::{Allowed, bytes_of};

    fn matrix(vectors: &[[f32; 3]]) -> Matrix {
        let mut matrix = Matrix::new(3);
        for (number, vector) in (1..).zip(vectors) {
            let page = (number > 1).then_some(number);
            matrix.push((number, number * 10, page, page, bytes_of(vector)));
        }
        matrix
    }

    const VECTORS: [[f32; 3]; 4] = [
        [1.0, 0.0, 0.0],
        [0.0, 1.0, 0.0],
        [0.6, 0.8, 0.0],
        [0.0, 1.0, 0.0],
    ];

    #[test]
    fn the_nearest_come_first_and_equals_in_a_fixed_order() {
        let found = matrix(&VECTORS).nearest(&[0.0, 1.0, 0.0], &Allowed::default(), 3);
        assert_eq!(found, [2, 4, 3]);
    }

    #[test]
    fn what_is_not_allowed_is_not_found_and_takes_no_place() {
        let allowed = Allowed {
            documents: Some(vec![10, 30]),
            pages: None,
        };
        let matrix = matrix(&VECTORS);
        assert_eq!(matrix.nearest(&[0.0, 1.0, 0.0], &allowed, 2), [3, 1]);
        let allowed = Allowed {
            documents: None,
            pages: Some((3, 9)),
        };
        assert_eq!(matrix.nearest(&[0.0, 1.0, 0.0], &allowed, 9), [4, 3]);
    }

    #[test]
    fn many_vectors_are_compared_by_all_processors_with_the_same_result() {
        let mut matrix = Matrix::new(64);
        let mut state = 1_u32;
        let mut numbers = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 24) as f32 - 0.5
        };
        let vectors: Vec<Vec<f32>> = (0..80_000)
            .map(|_| (0..64).map(|_| numbers()).collect())
            .collect();
        for (number, vector) in (0..).zip(&vectors) {
            matrix.push((number, 0, None, None, bytes_of(vector)));
        }
        for wanted in [0, 39_999, 40_000, 79_999] {
            let found = matrix.nearest(&vectors[wanted], &Allowed::default(), 5);
            assert_eq!(found.first(), Some(&i64::try_from(wanted).unwrap()));
            assert_eq!(found.len(), 5);
        }
    }

    #[test]
    fn vectors_of_another_length_are_left_out() {
        let mut matrix = matrix(&VECTORS);
        matrix.push((9, 90, None, None, bytes_of(&[1.0])));
        assert_eq!(
            matrix
                .nearest(&[1.0, 0.0, 0.0], &Allowed::default(), 9)
                .len(),
            4
        );
        assert!(matrix.nearest(&[1.0], &Allowed::default(), 9).is_empty());
    }
}
